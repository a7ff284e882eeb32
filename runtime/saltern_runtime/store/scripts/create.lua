-- create: make a run with its entry stages READY, once for each idempotency key.
--
-- call: run, plan, tenant, trigger, body (digest of the input), idem ('' or the key's digest), deadline, retention (ms),
--       entries (as dependants of advance), bells, ring. ARGV[2]: the input.
-- Answers: fresh | known (the first run of this key) | conflict (the key came with another body); run; bells.
-- Sent twice: the run's id is the nonce; the same id answers `fresh` again.
-- Invariant: with `known` a write is made, so that WAITAOF after it proves that the first run is on disk.

local key = key_of(call.run)
if redis.call('EXISTS', key) == 1 then
  local rung = redis.call('HGET', key, 'rings')
  return { 'fresh', call.run, rung or '' }
end
if call.idem ~= '' then
  local idem = prefix .. 'idem:' .. call.idem
  local first = redis.call('HMGET', idem, 'run', 'body')
  if first[1] then
    redis.call('HINCRBY', idem, 'asked', 1)
    return { first[2] == call.body and 'known' or 'conflict', first[1], '' }
  end
  redis.call('HSET', idem, 'run', call.run, 'body', call.body)
  redis.call('PEXPIRE', idem, call.deadline + call.retention)
end

local deadline = now + call.deadline
redis.call(
  'HSET', key, 'state', 'QUEUED', 'open', 0, 'running', 0, 'plan', call.plan, 'tenant', call.tenant, 'trigger', call.trigger,
  'created', now, 'deadline', deadline, 'retention', call.retention, 'generation', 0
)
redis.call('HSET', key_of(call.run, ':vals'), '', ARGV[2])
redis.call('ZADD', DUE, deadline, 'r|' .. call.run)
local index = prefix .. 'runs:' .. call.tenant
redis.call('ZADD', index, now, call.run)
local over = redis.call('ZRANGEBYSCORE', index, '-inf', now - call.deadline - call.retention, 'LIMIT', 0, AT_ONCE)
if #over > 0 then
  redis.call('ZREM', index, unpack(over))
end
event(call.run, 'run.created')
redis.call('HINCRBY', STATS, 'runs|CREATED', 1)

local r = load(call.run)
for _, entry in ipairs(call.entries) do
  local rec = arrive(r, entry)
  make_ready(r, entry.path, rec)
  keep(call.run, entry.path, rec)
end
if r.open == 0 then
  close(r, 'SUCCEEDED')
end
local bells = finish()
if bells ~= '' then
  redis.call('HSET', key, 'rings', bells)
end
return { 'fresh', call.run, bells }
