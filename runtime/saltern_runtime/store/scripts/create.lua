-- create: make a run with its entry stages READY, once for each idempotency key.
--
-- @call run, plan, tenant, trigger, body, idem, deadline, retention, retained?, reserve?, pipeline?, root?, parent?, group?, most?, over?, cap?, trace?, known?, entries, bells, ring
-- The body is digests of the input, between spaces: the first is kept, and any of them is the same body; idem '' or the key's digest, known that of one that another shard keeps, deadline, retention and
-- reserve ms (what of the deadline is for compensations), retained a state → ms, entries are dependants as those
-- of advance. Where another run makes it: what it runs, what names of its stages begin with, that run. ARGV[2]: the input.
-- Group, most, over: runs.lua. The trace that it belongs to is opaque here. The cap: open runs that the tenant may have in this shard, for whoever may be refused.
-- Answers: fresh | known (the first run of this key) | conflict (the key came with another body) | dropped (nothing is made, a run of its group is
-- in the way) | full (the tenant has as many as it may; nothing is made); run (full: how many it has); bells.
-- Sent twice: the run's id is the nonce; the same id answers `fresh` again.
-- Invariant: with `known` a write is made, so that WAITAOF after it proves that the first run is on disk.

local key = key_of(call.run)
if redis.call('EXISTS', key) == 1 then
  local rung = redis.call('HGET', key, 'rings')
  return { 'fresh', call.run, rung or '' }
end
local idem = call.idem ~= '' and prefix .. 'idem:' .. call.idem
if idem then
  local first = redis.call('HMGET', idem, 'run', 'body')
  if first[1] then
    redis.call('HINCRBY', idem, 'asked', 1)
    local same = string.find(' ' .. call.body .. ' ', ' ' .. first[2] .. ' ', 1, true)
    return { same and 'known' or 'conflict', first[1], '' }
  end
end
local in_the_way = dropped()
if in_the_way then
  redis.call('HINCRBY', STATS, 'runs|DROPPED', 1)
  return { 'dropped', in_the_way, '' }
end
local open = call.cap and tonumber(redis.call('HGET', prefix .. 'tenants', call.tenant) or '0')
if open and open >= call.cap then
  redis.call('HINCRBY', STATS, 'refused', 1)
  return { 'full', tostring(open), '' }
end
if idem then
  redis.call('HSET', idem, 'run', call.run, 'body', string.match(call.body, '^%S*'))
  redis.call('PEXPIRE', idem, call.deadline + call.retention)
  redis.call('HSET', key, 'idem', call.idem) -- a replay keeps it for longer
end
if call.known then
  redis.call('HSET', key, 'known', call.known)
end

return { 'fresh', call.run, make_run(ARGV[2]) }
