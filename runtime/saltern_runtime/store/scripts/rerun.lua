-- rerun: a run that is over begins anew at some of its stages, and at all that comes behind them, with all of its time; what else its
-- end cut off goes on as in a replay. What is begun anew has effect keys of its own, by the run's epoch.
--
-- @call run, tenant?, nonce, generation, audit, bells, ring
-- What to forget and what to tell of lies in batches at `run:<id>:rerun:<nonce>`, made of what the run was in that generation.
-- Answers: ok; open (or not yet swept); changed (it is of another generation, or the batches are gone); missing; bells.
-- Sent twice: ok again with the first bells, by the nonce.
-- Invariants: nothing of it begins before all is forgotten; while a part is left, `v|<run>` is in `due` (or the run stands behind in its group), and one more counts as open.
-- Where it ends before that, a replay goes on with what is left.

local r = load(call.run)
if not r or (call.tenant and r.tenant ~= call.tenant) then
  return { 'missing', '' }
end
local was, nonce, first = known_of(r, { 'rerun', 'created', 'span', 'ended', 'idem', 'generation' })
local key = key_of(r.id)
if nonce == call.nonce then
  return { 'ok', first }
elseif OPEN[r.state] or redis.call('HEXISTS', key, 'swept') == 1 then
  return { 'open', '' }
elseif tonumber(was.generation) ~= call.generation or redis.call('EXISTS', key .. ':rerun:' .. call.nonce) == 0 then
  return { 'changed', '' }
end
redis.call('RENAME', key .. ':rerun:' .. call.nonce, key .. ':rerun')
r.epoch = redis.call('HINCRBY', key, 'epoch', 1)
redis.call('HDEL', key, 'stopped')
renew(r, was)
return { 'ok', go_on(r, was, 'rerun') }
