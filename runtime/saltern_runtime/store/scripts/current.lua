-- current: whether the schedules of a plan fire: only those of the shard's `current` plan do.
--
-- @call plan, silence, schedules
-- Silence is ms, schedules are ids. Answers: 1 or 0, the time (ms), then for each schedule the tick that it stands
-- at, its signature ('' where it has none), and 1 where it is halted.
-- Sent twice: the same, unless another took over in between.
-- Invariants: one plan at a time is current. It is the one that was first seen last, as long as its timers come by; when they
-- have been silent, whoever does come by.

local plans, current = prefix .. 'plans', prefix .. 'current'
redis.call('HSETNX', plans, call.plan, now)
local held = redis.call('HMGET', current, 'plan', 'at')
local mine = not held[1] or held[1] == call.plan or now - tonumber(held[2]) > call.silence
if not mine then
  local seen = redis.call('HMGET', plans, call.plan, held[1])
  mine = tonumber(seen[1]) > tonumber(seen[2] or '0')
end
if mine then
  redis.call('HSET', current, 'plan', call.plan, 'at', now)
end
local out = { mine and '1' or '0', string.format('%.0f', now) }
for _, id in ipairs(call.schedules) do
  local tick, signature = string.match(redis.call('HGET', prefix .. 'schedules', id) or '', '^(%d+) (.*)$')
  out[#out + 1] = tick or ''
  out[#out + 1] = signature or ''
  out[#out + 1] = redis.call('HEXISTS', prefix .. 'halted', id) == 1 and '1' or ''
end
return out
