-- fail: record that an attempt failed: wait for the next one, or end the run. Then claim what comes next.
--
-- @call run, path, nonce, failure, delay?, state, dead, durations?, other?, owner?, index?, claim?, lease, bells, ring
-- The failure is JSON text; delay ms until the next attempt (none: no further one), else state (DEAD, or TIMED_OUT) and dead (goes
-- to the dead letters) count; durations, JSON text, and other as in advance tell of the nodes before it in its stage; owner and index where the region of an item around it goes on without the item, owner alone where
-- the run goes on without the region.
-- Answers and sent twice: as advance.
-- Invariants: RETRY_WAIT stays open, its timer is the end of the wait; a final failure closes the run at once, or fails
-- the item that catches it.

local rec, r = held()
if not rec then
  return r
end
let_go(r, call.path, rec)
rec.f = rec.f + 1
rec.x, rec.e, rec.d = call.failure, now, call.durations or rec.d
if r.state == 'CANCELLING' then
  cancel_one(r, call.path, rec)
elseif call.delay then
  rec.s, rec.e = 'RETRY_WAIT', nil
  redis.call('ZADD', DUE, now + call.delay, 'a|' .. call.run .. '|' .. call.path)
  redis.call('HINCRBY', STATS, 'retries|' .. stage_of(call.path) .. '|' .. cjson.decode(call.failure).kind, 1)
  event(call.run, 'stage.retrying', call.path, noted(rec, 'failure', call.failure .. ',"delay":' .. call.delay / 1000))
elseif call.owner then
  rec.s = call.state
  count(r, call.path, -1)
  tally_end(r.id, call.path, 'failed')
  event(call.run, 'stage.failed', call.path, noted(rec, 'failure', call.failure))
  if rec.c then
    drop_each(r, call.path)
    rec.c = nil
  end
  keep(call.run, call.path, rec)
  if call.dead and r.state == 'COMPENSATING' then
    bury_letter(r, call.path)
    redis.call('HINCRBY', STATS, 'dead|' .. stage_of(call.path), 1)
  end
  if call.index then
    fail_item(r, call.owner, call.index, call.failure, call.path)
  else
    fail_each(r, call.owner, call.failure, call.path)
  end
else
  rec.s = call.state
  r.open = r.open - 1
  if rec.c then
    drop_each(r, call.path)
    rec.c = nil
  end
  tally_end(r.id, call.path, 'failed')
  rec.o = item_of(call.path) and cjson.encode(call.other or {}) or nil
  event(call.run, 'stage.failed', call.path, noted(rec, 'failure', call.failure))
  if call.dead then
    bury_letter(r, call.path)
    redis.call('HINCRBY', STATS, 'dead|' .. stage_of(call.path), 1)
  end
  keep(call.run, call.path, rec)
  close(r, 'FAILED', call.failure)
end

touched[rec.q] = true
local claimed = call.claim and claim(rec.q, call.claim) or nil
local bells = finish()
remember(rec, claimed, bells)
return reply('ok', bells, claimed)
