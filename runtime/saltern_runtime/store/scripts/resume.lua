-- resume: a run that was paused goes on.
--
-- @call run, tenant?, nonce, audit, bells, ring
-- Answers: ok; done (it is not paused); missing; bells. Sent twice: ok again with the first bells, by the nonce, also where somebody
-- has paused it meanwhile.
-- Invariant: all that is READY of it stands in its queue again, or `q|<run>` is in `due`.

local r = load(call.run)
if not r or (call.tenant and r.tenant ~= call.tenant) then
  return { 'missing', '' }
end
local key = key_of(r.id)
local was = redis.call('HMGET', key, 'resumed', 'begun')
local nonce, first = string.match(was[1] or '', '^(%x+)|(.*)$')
if nonce == call.nonce then
  return { 'ok', first }
elseif r.state ~= 'PAUSED' then
  return { 'done', '' }
end
r.state = was[2] == '0' and 'QUEUED' or 'RUNNING'
redis.call('HSET', key, 'resuming', '0')
redis.call('HDEL', key, 'begun')
audit(r.id, 'run.resumed')
resume_page(r)
local bells = finish()
redis.call('HSET', key, 'resumed', call.nonce .. '|' .. bells)
return { 'ok', bells }
