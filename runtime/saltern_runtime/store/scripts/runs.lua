-- Shared by the scripts that create runs; stands between the prelude and the script.
--
-- @may pipeline, root, parent, group, most, over, trace, retained
--
-- The group is that of its runs of which so many (`most`) go on at a time; what becomes of one over that, `over` says: queue (it waits
-- for its turn), drop (it is not made), cancel_previous (those before it are cancelled, and it waits until they have ended).

-- Whether a run is not to be made, since its group is full; answers the one of its group that came last.
local function dropped()
  return call.over == 'drop' and full(call.group, call.most)
end

-- Cancel who was there before a run of a group: all that stand behind, and as many of those inside as are one too many, oldest first.
local function cancel_previous()
  local behind, inside = prefix .. 'behind:' .. call.group, prefix .. 'inside:' .. call.group
  local previous = redis.call('ZRANGE', behind, 0, AT_ONCE - 1)
  local over = redis.call('ZCARD', inside) - call.most + 1
  if over > 0 then
    for _, run in ipairs(redis.call('ZRANGE', inside, 0, math.min(AT_ONCE, over) - 1)) do
      previous[#previous + 1] = run
    end
  end
  for _, run in ipairs(previous) do
    local r = load(run, true)
    if r then
      cancel_run(r, '{"kind":"cancelled","code":"superseded","message":"a later run of its group came"}')
    end
  end
end

-- 1 where the shard has seen another tenant than this one. What it knows of them is one name, or `|`: several.
local function is_shared(tenant)
  local key = prefix .. 'tenant'
  local known = redis.call('SET', key, tenant, 'NX', 'GET')
  if not known or known == tenant then
    return 0
  end
  if known ~= '|' then
    redis.call('SET', key, '|')
  end
  return 1
end

-- Make the run that the call describes, with its entry stages READY; answers its bells. They are kept with the run, so that
-- the call may be sent twice.
local function make_run(input)
  local key = key_of(call.run)
  local deadline = now + call.deadline - (call.reserve or 0)
  redis.call(
    'HSET', key, 'state', 'QUEUED', 'open', 0, 'running', 0, 'plan', call.plan, 'tenant', call.tenant, 'trigger', call.trigger,
    'created', now, 'deadline', deadline, 'reserve', call.reserve or 0, 'retention', call.retention, 'generation', 0, 'layout', LAYOUT,
    'shared', is_shared(call.tenant)
  )
  if call.group then
    redis.call('HSET', key, 'group', call.group)
  end
  if call.parent then
    redis.call('HSET', key, 'pipeline', call.pipeline, 'root', call.root, 'parent', call.parent)
  end
  if call.trace then
    redis.call('HSET', key, 'trace', call.trace)
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
  stand(r)
  count_open(r)
  list_open(r)
  if call.group then
    redis.call('HSET', key, 'most', call.most, 'entries', cjson.encode(call.entries))
    if call.over == 'cancel_previous' then
      cancel_previous()
    end
    stand_behind(r)
  else
    begin_entries(r, call.entries)
  end
  local bells = finish()
  if bells ~= '' then
    redis.call('HSET', key, 'rings', bells)
  end
  return bells
end
