-- unreserve: let go of an idempotency key whose run was refused, so that nothing is there.
--
-- @call run, idem, asked
-- Asked is what `reserve` answered. Answers: ok, kept (it is another run's, or somebody asked for it meanwhile and may have made it).
-- Sent twice: kept, and changes nothing. Invariant: a key whose run is there is kept.

local idem = prefix .. 'idem:' .. call.idem
local known = redis.call('HMGET', idem, 'run', 'asked')
if known[1] ~= call.run or tonumber(known[2] or '0') ~= call.asked then
  return { 'kept' }
end
redis.call('UNLINK', idem)
return { 'ok' }
