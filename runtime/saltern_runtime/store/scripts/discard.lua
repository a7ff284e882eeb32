-- discard: a dead letter needs no more looking after.
--
-- @call run, path, tenant?, audit
-- Answers: ok, missing. Sent twice: missing, and changes nothing. Invariant: the run stays as it is.

local tenant = redis.call('HGET', key_of(call.run), 'tenant')
local member = call.run .. '|' .. call.path
if not tenant or (call.tenant and tenant ~= call.tenant) or redis.call('ZREM', prefix .. 'dead:' .. tenant, member) == 0 then
  return { 'missing' }
end
redis.call('ZREM', prefix .. 'dead', member)
audit(call.run, 'stage.discarded', call.path)
return { 'ok' }
