-- reserve: keep an idempotency key for a run that is to be made in another shard, where its group is.
--
-- @call run, body, idem, keep, retention
-- The body is as `create` has it, idem that of the key, keep and retention ms. Answers: fresh | again (the first run of this key, which may
-- yet have to be made) | known (it was made, or never will be) | conflict (the key came with another body); the run; how often it was asked for.
-- Sent twice: the run's id is the nonce; the same id answers `fresh` again.
-- Invariant: a run is not made anew that is kept no longer: it is kept for its retention at least.

local idem = prefix .. 'idem:' .. call.idem
local first = redis.call('HMGET', idem, 'run', 'body', 'at')
if not first[1] then
  redis.call('HSET', idem, 'run', call.run, 'body', string.match(call.body, '^%S*'), 'at', now)
  redis.call('PEXPIRE', idem, call.keep)
  return { 'fresh', call.run, '0' }
elseif not string.find(' ' .. call.body .. ' ', ' ' .. first[2] .. ' ', 1, true) then
  return { 'conflict', first[1], '' }
elseif first[1] == call.run then
  return { 'fresh', call.run, '0' }
end
local asked = redis.call('HINCRBY', idem, 'asked', 1)
return { first[3] and now - tonumber(first[3]) < call.retention and 'again' or 'known', first[1], tostring(asked) }
