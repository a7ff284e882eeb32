-- cancel: end a run early. At once where nothing of it is RUNNING; else the last RUNNING activation closes it.
--
-- @call run, tenant?, failure, audit?, bells, ring
-- The failure is JSON text, the audit too, where a person cancels it. Answers: the state that the run is in now, or missing.
-- Sent twice: the same state again. Invariant: a terminal run stays as it is.

local r = load(call.run)
if not r or (call.tenant and r.tenant ~= call.tenant) then
  return { 'missing', '' }
end
if OPEN[r.state] and r.state ~= 'CANCELLING' and r.state ~= 'COMPENSATING' then
  r.state = 'CANCELLING'
  redis.call('HSET', key_of(call.run), 'failure', call.failure, 'cancelled', 1)
  event(call.run, 'run.cancelling', nil, call.failure)
  if call.audit then
    note(call.run)
  end
  if redis.call('EXISTS', key_of(call.run, ':linked')) == 1 then
    redis.call('ZADD', DUE, now, 'p|' .. call.run)
  end
  close_if_cancelled(r)
end
local bells = finish()
return { r.state, bells }
