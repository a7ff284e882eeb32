-- note: what somebody did about a run, and not to it, is kept with it.
--
-- @call run, tenant?, audit
-- Answers: ok, missing. Sent twice: stands there twice. Invariant: the run stays as it is.

local tenant = redis.call('HGET', key_of(call.run), 'tenant')
if not tenant or (call.tenant and tenant ~= call.tenant) then
  return { 'missing' }
end
note(call.run)
return { 'ok' }
