-- advance: record a stage's outcome, make dependants READY, claim what comes next. The hot script: one round trip a stage.
--
-- @call run, path, nonce, state, dependants, durations, failure?, undo?, cache?, other?, claim?, lease, bells, ring
-- The state is SUCCEEDED, SKIPPED, or FAILED where the run goes on; durations and failure are JSON texts; undo is what takes back
-- what was done, a dependant as JSON text; cache is hits or misses where a node of it was cached; claim is the nonce of
-- the next claim (none claims nothing); other are nodes that ended another way than the stage: [id, how]. ARGV[2..]: node id, value, node id, value, …
-- A dependant becomes READY at its last arrival; where its gate says so, with the verdict `skip`.
-- Answers: ok with or without a claim, stale, ended, gone. Sent twice: the record keeps the nonce, the next claim, the bells.
-- Invariants: only the holder of the nonce records; under CANCELLING nothing becomes READY; a run succeeds when nothing is
-- open any more, which is when all its stages are terminal. So does an item.

local rec, r = held()
if not rec then
  return r
end
let_go(r, call.path, rec)
local collected = rec.c ~= nil
rec.s, rec.e, rec.x = call.state, now, call.failure
if not rec.k then -- else it slept, and its nodes ran before
  rec.d = call.durations
end
keep_values(call.run)
if call.cache then
  redis.call('HINCRBY', STATS, 'cache_' .. call.cache .. '|' .. stage_of(call.path), 1)
  rec.m = call.cache == 'hits' or nil
end
if call.failure then
  event(call.run, 'stage.failed', call.path, noted(rec, 'failure', call.failure))
else
  event(call.run, 'stage.' .. string.lower(call.state), call.path, noted(rec, 'nodes', rec.m and rec.d .. ',"cached":true' or rec.d))
end
if call.undo then
  redis.call('RPUSH', key_of(r.id, ':undo'), call.undo)
end

local own = nil
if r.state ~= 'CANCELLING' then
  local made = {}
  for _, each in ipairs(arrivals(r, call.dependants)) do
    local new = each.rec
    if call.claim and r.state ~= 'PAUSED' and new.q == rec.q and not new.j and (not own or new.p > own.rec.p) then
      own, each = each, own
    end
    made[#made + 1] = each
  end
  make_all_ready(r, made)
end

local open_in_item = nil
if r.state == 'CANCELLING' then
  r.open = r.open - 1
else
  open_in_item = count(r, call.path, -1)
  tally_end(r.id, call.path, string.lower(call.state))
  if rec.m then
    tally(r.id, call.path, 'cached', 1)
  end
end
if collected then
  drop_each(r, call.path)
  rec.c = nil
end
if open_in_item == 0 then
  local owner, index = item_of(call.path)
  end_item(r, owner, index, nil, call.path)
end

local claimed, later = nil, { run = call.run }
if r.state == 'CANCELLING' then
  close_if_cancelled(r)
elseif r.open == 0 and r.state == 'COMPENSATING' then
  compensate(r)
elseif r.open == 0 then
  close(r, 'SUCCEEDED')
end
touched[rec.q] = true
if call.claim then
  claimed = claim(rec.q, call.claim, own, later)
  if own and own.rec.s == 'READY' then
    keep(r.id, own.path, own.rec)
  end
end
local bells = finish()
if call.state ~= 'FAILED' then -- what only an open activation needs
  rec.r, rec.n, rec.u, rec.t, rec.y, rec.w, rec.p, rec.q = nil, nil, nil, nil, nil, nil, nil, nil
  rec.k, rec.z, rec.j = nil, nil, nil
end
remember(rec, claimed, bells, later)
return reply('ok', bells, claimed)
