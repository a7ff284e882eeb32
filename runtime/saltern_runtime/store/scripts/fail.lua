-- fail: record that an attempt failed: wait for the next one, or end the run. Then claim what comes next.
--
-- call: run, path, nonce, failure (JSON text), delay (ms until the next attempt; nil: no further one), state (DEAD, or
--       TIMED_OUT) and dead (goes to the dead letters) where there is none, claim, lease, bells, ring.
-- Answers and sent twice: as advance.
-- Invariants: RETRY_WAIT stays open, its timer is the end of the wait; a final failure closes the run at once.

local rec, r = held()
if not rec then
  return r
end
let_go(r, call.path, rec)
rec.f = rec.f + 1
rec.x, rec.e = call.failure, now
if r.state == 'CANCELLING' then
  rec.s = 'CANCELLED'
  r.open = r.open - 1
  close_if_cancelled(r)
elseif call.delay then
  rec.s, rec.e = 'RETRY_WAIT', nil
  redis.call('ZADD', DUE, now + call.delay, 'a|' .. call.run .. '|' .. call.path)
  redis.call('HINCRBY', STATS, 'retries|' .. call.path, 1)
  event(call.run, 'stage.retrying', call.path, noted(rec, 'failure', call.failure .. ',"delay":' .. call.delay / 1000))
else
  rec.s = call.state
  r.open = r.open - 1
  event(call.run, 'stage.failed', call.path, noted(rec, 'failure', call.failure))
  if call.dead then
    local dead = prefix .. 'dead'
    redis.call('ZADD', dead, now, call.run .. '|' .. call.path)
    redis.call('HINCRBY', STATS, 'dead|' .. call.path, 1)
    local over = redis.call('ZRANGEBYSCORE', dead, '-inf', now - r.retention, 'LIMIT', 0, AT_ONCE)
    if #over > 0 then
      redis.call('ZREM', dead, unpack(over))
    end
  end
  keep(call.run, call.path, rec)
  close(r, 'FAILED', call.failure)
end

touched[rec.q] = true
local claimed = call.claim and claim(rec.q, call.claim) or nil
local bells = finish()
remember(rec, claimed, bells)
return reply('ok', bells, claimed)
