-- pause: nothing more of a run begins until it is resumed; what runs now ends and is recorded, its deadline runs on.
--
-- @call run, tenant?, nonce, audit, bells, ring
-- The audit is JSON text: who, what, why. Answers: ok; done (it is paused); late (it is over, or on its way); older (an earlier
-- runtime made it, whose timers know no pause); missing; bells.
-- Sent twice: ok again, by the nonce, also where somebody has resumed it meanwhile. Invariant: what is READY of a paused run is claimed by nobody.

local r = load(call.run)
if not r or (call.tenant and r.tenant ~= call.tenant) then
  return { 'missing', '' }
end
local key = key_of(r.id)
local was = redis.call('HMGET', key, 'paused', 'layout')
if was[1] == call.nonce then
  return { 'ok', '' }
elseif r.state == 'PAUSED' then
  return { 'done', '' }
elseif tonumber(was[2] or '1') < LAYOUT then
  return { 'older', '' }
elseif not OPEN[r.state] or r.state == 'CANCELLING' or r.state == 'COMPENSATING' then
  return { 'late', '' }
end
redis.call('HSET', key, 'paused', call.nonce, 'begun', r.state == 'QUEUED' and 0 or 1)
redis.call('HDEL', key, 'resuming')
r.state = 'PAUSED'
audit(r.id, 'run.paused')
return { 'ok', finish() }
