-- put_items: keep items of a region before it is opened, a few at a time.
--
-- @call run, path, nonce, first
-- First is the index of the first one. ARGV[2..]: items, at most 64. Answers: ok, stale, ended, gone.
-- Sent twice: writes the same again. Invariant: only the holder of the nonce writes, so no two attempts mix their items.

local rec, r = held()
if not rec then
  return r
end
local key, fields = each_of(call.run, call.path), {}
for i = 2, #ARGV do
  fields[#fields + 1] = 'i' .. string.format('%d', call.first + i - 2)
  fields[#fields + 1] = ARGV[i]
end
redis.call('HSET', key, unpack(fields))
redis.call('PEXPIRE', key, math.max(1, r.deadline - now) + r.retention)
return { 'ok', '' }
