-- tick: move a schedule on, and create the run of its tick, in one: two timers at once make one run.
--
-- @call plan, schedule, signature, was, tick, run?, tenant?, trigger?, body?, idem?, deadline?, retention?, retained?, reserve?, group?, most?, over?, trace?, entries?, bells, ring
-- The signature is that of its cron line and zone, was the tick that it stood at ('' where it had none), tick ms; the rest is what
-- `create` takes, where a run is due. ARGV[2]: the input.
-- Answers: fresh (a run was made), moved (on, without a run), dropped (on, without a run: one of its group is in the way) or stale (another plan is current, it stood elsewhere or is halted); bells.
-- Sent twice: a schedule that stands at the tick already, with the run there, answers `fresh` again.
-- Invariant: a tick fires only from the current plan, and only from the tick before it; so at most once.

local field = prefix .. 'schedules'
local stands = redis.call('HGET', field, call.schedule) or ''
local here = string.format('%.0f', call.tick) .. ' ' .. call.signature
if call.run and stands == here then
  local rung = redis.call('HGET', key_of(call.run), 'rings')
  return { redis.call('EXISTS', key_of(call.run)) == 1 and 'fresh' or 'stale', rung or '' }
end
local halts = call.run and redis.call('HEXISTS', prefix .. 'halted', call.schedule) == 1
if halts or redis.call('HGET', prefix .. 'current', 'plan') ~= call.plan or stands ~= call.was then
  return { stands == here and 'moved' or 'stale', '' }
end
redis.call('HSET', field, call.schedule, here)
if not call.run then
  return { 'moved', '' }
end
if redis.call('EXISTS', key_of(call.run)) == 1 then
  return { 'stale', '' }
end
if dropped() then
  redis.call('HINCRBY', STATS, 'runs|DROPPED', 1)
  return { 'dropped', '' }
end
return { 'fresh', make_run(ARGV[2]) }
