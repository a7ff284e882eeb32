-- halt: a schedule makes no runs until it is let go on; its ticks pass meanwhile.
--
-- @call schedule, audit, goes?
-- The audit is JSON text: who, what, why; goes lets it go on. Answers: ok, done (it was so already).
-- Sent twice: done. Invariant: what passed while it was halted is never made up for.

local key, schedules = prefix .. 'halted', prefix .. 'schedules'
local is_halted = redis.call('HEXISTS', key, call.schedule) == 1
if is_halted ~= (call.goes or false) then
  return { 'done' }
end
local text = stamped(call.audit)
if call.goes then
  redis.call('HDEL', key, call.schedule)
  local _, signature = string.match(redis.call('HGET', schedules, call.schedule) or '', '^(%d+) (.*)$')
  if signature then
    redis.call('HSET', schedules, call.schedule, string.format('%.0f', now) .. ' ' .. signature)
  end
else
  redis.call('HSET', key, call.schedule, text)
end
local audit_key = prefix .. 'audit:' .. call.schedule
redis.call('RPUSH', audit_key, text)
redis.call('LTRIM', audit_key, -1000, -1)
return { 'ok' }
