-- take_due: the timers' script. Changes the state of what is due and rewrites its entry; it never pops.
--
-- @call replica, nonce, sweep, gap?, lease, bells, ring
-- Sweep and lease are ms; gap says that the server was started anew: a gap, however short. At most 64 entries at a time. Any number
-- of replicas may call it.
-- Answers: how many entries were due; bells to send; runs to cancel with another one, `<that run>|<run>` each, between spaces.
-- Sent twice: the replica's last answer is kept for a minute.
-- Invariants: timers know no plan, so what a worker must settle becomes READY with a verdict (lost, timeout, expired, woken); only a
-- run's deadline they close themselves. No lease expires until they have swept one whole lease without a gap of three
-- intervals; what expires around a gap is no lost worker.

local mine = prefix .. 'sweep:' .. call.replica
local before = redis.call('HMGET', mine, 'nonce', 'due', 'bells', 'linked')
if before[1] == call.nonce then
  return { before[2], before[3], before[4] }
end

local swept = redis.call('HMGET', prefix .. 'sweep', 'last', 'since')
local since = tonumber(swept[2] or now)
if call.gap or not swept[1] or now - tonumber(swept[1]) > 3 * call.sweep then
  since = now
end
redis.call('HSET', prefix .. 'sweep', 'last', now, 'since', since)
local trusted = since + call.lease

-- `at` is when it did: it counts as around a gap also where no sweep fell between that and the end of the gap.
local function lease_ran_out(r, path, rec, at)
  rec.g = rec.g or at < trusted or nil
  if now < trusted then
    keep(r.id, path, rec)
    redis.call('ZADD', DUE, trusted, 'a|' .. r.id .. '|' .. path)
    return
  end
  local verdict = rec.v
  let_go(r, path, rec)
  redis.call('HINCRBY', STATS, 'lost|' .. stage_of(path), 1)
  if r.state == 'CANCELLING' then
    return cancel_one(r, path, rec)
  end
  rec.v = verdict -- whoever held it was only settling; so will the next
  if RUNS[verdict or 'none'] then
    rec.v = now >= rec.u and 'timeout' or 'lost'
    if rec.v == 'lost' and not rec.g then
      rec.l = rec.l + 1
    end
  end
  rec.n, rec.w = nil, now
  event(r.id, 'stage.lost', path, noted(rec, 'lost', rec.l))
  make_ready(r, path, rec)
  keep(r.id, path, rec)
end

-- An entry of a run that a later runtime wrote is for that runtime's timers: look again after the next sweep.
local function leave(member)
  redis.call('ZADD', DUE, now + call.sweep, member)
end

-- Whether workers come for a queue, however late: one of its bells has not been rung for long.
local function is_answered(queue)
  for slot = 1, call.bells do
    local rung = redis.call('HGET', prefix .. 'bells:' .. queue, 'rung:' .. slot)
    local interval = rung and string.match(rung, '|(%d+)$')
    if interval and 2 * interval < TURN then
      return true
    end
  end
  return false
end

-- A turn whose queue has lost its workers goes to whoever is next in line; its owner stands behind them.
local function pass_turn(member, rec)
  local turns, line = prefix .. 'turns:' .. rec.j.n, prefix .. 'line:' .. rec.j.n
  if redis.call('ZSCORE', turns, member) ~= '0' then
    return
  end
  if redis.call('ZCARD', line) == 0 or is_answered(rec.q) then
    redis.call('ZADD', DUE, 'LT', now + TURN, 'a|' .. member)
    return
  end
  redis.call('ZREM', turns, member)
  redis.call('ZREM', prefix .. 'ready:' .. rec.q, member)
  line_up(member, rec, 9e13 + now)
end

local function activation(member, at, run, path)
  local r, later = load(run, true)
  if later then
    return leave(member)
  end
  local rec = record(run, path)
  if not r or not rec or not counts(r, path) or not PENDING[rec.s] then
    redis.call('ZREM', DUE, member)
    return
  end
  if rec.s == 'RUNNING' then
    lease_ran_out(r, path, rec, at)
  elseif r.state == 'CANCELLING' then
    redis.call('ZADD', DUE, math.max(now, r.deadline) + 1, member)
  elseif rec.s == 'SUSPENDED' then
    if rec.z and now >= rec.z then
      wake(r, path, rec, 'woken')
    else
      redis.call('ZADD', DUE, rec.z or math.max(now, r.deadline) + 1, member)
    end
  elseif rec.s == 'RETRY_WAIT' then
    rec.w, rec.n = now, nil
    make_ready(r, path, rec)
    keep(run, path, rec)
  elseif rec.y and rec.a == 0 and not rec.v and now >= rec.w + rec.y then
    rec.v = 'expired'
    make_ready(r, path, rec)
    keep(run, path, rec)
  else
    local timer = math.max(now, r.deadline) + 1
    if rec.y and rec.a == 0 and not rec.v then
      timer = math.min(timer, rec.w + rec.y)
    end
    redis.call('ZADD', DUE, timer, member)
    if is_limited(rec) then
      pass_turn(string.sub(member, 3), rec)
    end
  end
end

local function bell(member, queue, slot)
  local key = prefix .. 'bells:' .. queue
  local rung = redis.call('HGET', key, 'rung:' .. slot)
  local top = redis.call('ZRANGE', prefix .. 'ready:' .. queue, 0, 0)[1]
  if not rung or not top then
    if rung then
      redis.call('HDEL', key, 'rung:' .. slot)
      redis.call('HINCRBY', key, 'out', -1)
    end
    redis.call('ZREM', DUE, member)
    return
  end
  local serial, interval = string.match(rung, '^(%d+)|(%d+)$')
  interval = math.min(interval * 2, FOREVER)
  redis.call('HSET', key, 'rung:' .. slot, serial .. '|' .. interval)
  redis.call('ZADD', DUE, now + interval, member)
  local _, path = split(top)
  rings[#rings + 1] = { queue, tonumber(slot), tonumber(serial), path, true }
end

-- What a script left to do of a region: begin items (f), or cancel what is open in a failed one or in all (k).
local function items(member, kind, run, path)
  local r, later = load(run, true)
  if later then
    return leave(member)
  end
  redis.call('ZREM', DUE, member)
  if not r or not counts(r, path) or r.state == 'CANCELLING' then
    return
  end
  if kind == 'k' then
    local owner, index = string.match(path, '^(.*)%[(%d+)%]$')
    if not owner then
      fail_each(r, path, (record(run, path) or {}).x)
      return
    end
    local failure = redis.call('HGET', each_of(run, owner), 'x' .. index)
    if failure then
      fail_item(r, owner, index, failure)
    end
    return
  end
  local rec = record(run, path)
  if rec and rec.s == 'SUSPENDED' and rec.c then
    refill(r, path, rec)
    keep(run, path, rec)
  end
end

-- Runs that are cancelled with this one: whoever sweeps cancels them, in their own shards, and then has them forgotten (`unlink`).
-- One that is not there may yet be made while its maker runs.
local linked = {}
local function pass_on(member, run)
  local r, later = load(run, true)
  if later then
    return leave(member)
  end
  local noted_runs = redis.call('SRANDMEMBER', key_of(run, ':linked'), AT_ONCE)
  if #noted_runs == 0 and not (r and OPEN[r.state]) then
    redis.call('ZREM', DUE, member)
    return
  end
  redis.call('ZADD', DUE, #noted_runs < AT_ONCE and now + call.sweep or now, member)
  for _, child in ipairs(noted_runs) do
    linked[#linked + 1] = run .. '|' .. child
  end
end

local due = redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'WITHSCORES', 'LIMIT', 0, AT_ONCE)
for i = 1, #due, 2 do
  local member, at = due[i], tonumber(due[i + 1])
  local kind, rest = string.sub(member, 1, 1), string.sub(member, 3)
  if kind == 'a' then
    activation(member, at, split(rest))
  elseif kind == 'f' or kind == 'k' then
    items(member, kind, split(rest))
  elseif kind == 'l' then
    redis.call('ZREM', DUE, member)
    moved[rest] = true
  elseif kind == 'g' then
    redis.call('ZREM', DUE, member)
    groups_left[rest] = true
  elseif kind == 'p' then
    pass_on(member, rest)
  elseif kind == 'b' then
    bell(member, split(rest))
  else
    local r, later = load(rest, true)
    if later then
      leave(member)
    elseif not r then
      redis.call('ZREM', DUE, member)
    elseif kind == 'c' then
      sweep_run(r, AT_ONCE)
    elseif kind == 'q' then
      resume_page(r)
    elseif kind == 'v' then
      revive_page(r)
    elseif OPEN[r.state] then
      close(r, 'TIMED_OUT', '{"kind":"timeout","code":"run-deadline","message":"the run reached its deadline"}')
    else
      redis.call('ZREM', DUE, member)
    end
  end
end

local bells = finish()
local others = table.concat(linked, ' ')
redis.call('HSET', mine, 'nonce', call.nonce, 'due', #due / 2, 'bells', bells, 'linked', others)
redis.call('PEXPIRE', mine, 60000)
return { tostring(#due / 2), bells, others }
