-- Shared by the scripts that create runs; stands between the prelude and the script.
--
-- @may pipeline, root, parent, retained

-- Make the run that the call describes, with its entry stages READY; answers its bells. They are kept with the run, so that
-- the call may be sent twice.
local function make_run(input)
  local key = key_of(call.run)
  local deadline = now + call.deadline - (call.reserve or 0)
  redis.call(
    'HSET', key, 'state', 'QUEUED', 'open', 0, 'running', 0, 'plan', call.plan, 'tenant', call.tenant, 'trigger', call.trigger,
    'created', now, 'deadline', deadline, 'reserve', call.reserve or 0, 'retention', call.retention, 'generation', 0, 'layout', LAYOUT
  )
  if call.parent then
    redis.call('HSET', key, 'pipeline', call.pipeline, 'root', call.root, 'parent', call.parent)
  end
  for state, ms in pairs(call.retained or {}) do
    redis.call('HSET', key, 'retained|' .. state, ms)
  end
  redis.call('HSET', key_of(call.run, ':vals'), '', input)
  redis.call('ZADD', DUE, deadline, 'r|' .. call.run)
  local index = prefix .. 'runs:' .. call.tenant
  redis.call('ZADD', index, now, call.run)
  local over = redis.call('ZRANGEBYSCORE', index, '-inf', now - call.deadline - call.retention, 'LIMIT', 0, AT_ONCE)
  for _, run in ipairs(over) do -- runs of other pipelines may be kept for longer
    if redis.call('EXISTS', key_of(run)) == 0 then
      redis.call('ZREM', index, run)
    end
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
  return bells
end
