-- Shared by every script; stands after the prelude and how runs end: claims, bells, and how a script ends.
-- @may state, claim

-- A claim as the caller sees it: its head (run, created, time left when it was made, retention, path, tenant, epoch, trace, record; NUL
-- between them), then the values that it reads, empty where a node was skipped.
local function shown(r, path, rec, text)
  local epoch = r.epoch and redis.call('HGET', key_of(r.id), 'epoch|' .. string.match(path, '^[^%[]*')) or '0'
  local out = { table.concat({ r.id, r.created, r.deadline - rec.b, r.retention, path, r.tenant, epoch, r.trace or '', text }, '\0') }
  out.run, out.path = r.id, path
  if RUNS[rec.v or 'none'] or (rec.c and rec.c.w) then
    local names, known = cjson.decode(rec.r), written[r.id] -- where this call keeps all of them
    for at, name in ipairs(names) do
      known = known and known[name] and known
      out[at + 1] = known and known[name] or ''
    end
    for first = 1, known and 0 or #names, 1000 do
      local last = math.min(first + 999, #names)
      for at, value in ipairs(redis.call('HMGET', key_of(r.id, ':vals'), unpack(names, first, last))) do
        out[first + at] = value or ''
      end
    end
    for i, name in ipairs(names) do
      if string.byte(name, -1) == 93 then -- an item
        local owner, index = string.match(name, '^(.*)%[(%d+)%]$')
        out[i + 1] = redis.call('HGET', each_of(r.id, owner), 'i' .. index) or ''
      end
    end
  end
  return out
end

-- Begin an attempt; where there is `later`, the record of one in that run is left to the caller, who writes it with its own.
local function begin(r, path, rec, nonce, later)
  rec.s, rec.n, rec.b = 'RUNNING', nonce, now
  rec.g = nil
  rec.u = now + rec.t
  if r.state == 'QUEUED' then
    r.state = 'RUNNING'
    event(r.id, 'run.started')
  end
  if RUNS[rec.v or 'none'] then
    rec.a = rec.a + 1
    if rec.a == 1 then
      tally(r.id, path, 'begun', 1)
    end
    event(r.id, 'stage.started', path, noted(rec))
  end
  r.running = r.running + 1
  redis.call('ZADD', DUE, now + call.lease, 'a|' .. r.id .. '|' .. path)
  if later and later.run == r.id then
    local text = cjson.encode(rec)
    later[1], later[2] = path, text
    return shown(r, path, rec, text)
  end
  return shown(r, path, rec, keep(r.id, path, rec))
end

-- Claim what comes next in a queue: `own` (made READY just now, not yet in the set) unless something there is more urgent.
local function claim(queue, nonce, own, later)
  let_all_in()
  local where = 'ready:' .. queue
  for _ = 1, 16 do
    local top = head(where)
    touched[queue] = top[1] and true
    if own and (not top[1] or math.floor(top[2] / 1e13) >= 9 - own.rec.p) then
      return begin(own.r, own.path, own.rec, nonce, later)
    end
    if not top[1] then
      return nil
    end
    take(where, top)
    local run, path = split(top[1])
    local r, rec = load(run), record(run, path)
    local may = r and rec and rec.s == 'READY' and counts(r, path) and r.state ~= 'CANCELLING' and r.state ~= 'PAUSED'
    if may and is_limited(rec) and not take_turn(top[1], rec) then
      line_up(top[1], rec, place(r, top[1], rec, 'line:' .. rec.j.n))
    elseif may then
      if own then
        make_ready(own.r, own.path, own.rec)
      end
      return begin(r, path, rec, nonce, later)
    elseif rec and rec.j then
      leave_line(top[1], rec)
    end
  end
  if own then
    make_ready(own.r, own.path, own.rec)
  end
  return nil
end

-- Show a claim again whose first answer was lost; nil where it has moved on.
local function claimed_again(pointer, nonce)
  if not pointer or pointer == '' then
    return nil
  end
  local run, path = split(pointer)
  local r, rec = load(run), record(run, path)
  if r and rec and rec.s == 'RUNNING' and rec.n == nonce then
    return shown(r, path, rec, cjson.encode(rec))
  end
  return nil
end

-- Ring idle slots while work waits: at most one bell for each thing that waits, at most call.bells in all.
local function top_up(queue)
  local ready = prefix .. 'ready:' .. queue
  local depth = redis.call('ZCARD', ready)
  if depth == 0 then
    return
  end
  local key = prefix .. 'bells:' .. queue
  local out = tonumber(redis.call('HGET', key, 'out') or '0')
  local want = math.min(depth, call.bells)
  if out >= want then
    return
  end
  local _, path = split(redis.call('ZRANGE', ready, 0, 0)[1])
  for slot = 1, call.bells do
    if out < want and redis.call('HEXISTS', key, 'rung:' .. slot) == 0 then
      local serial = redis.call('HINCRBY', key, 'serial', 1)
      if serial == 1 then
        redis.call('SADD', prefix .. 'queues', queue) -- so that whoever looks need not search
      end
      redis.call('HSET', key, 'rung:' .. slot, serial .. '|' .. call.ring)
      redis.call('ZADD', DUE, now + call.ring, 'b|' .. queue .. '|' .. slot)
      rings[#rings + 1] = { queue, slot, serial, path }
      out = out + 1
    end
  end
  redis.call('HSET', key, 'out', out)
end

-- Count a run that begins or ends among the open ones of its tenant.
local function count_open(r)
  local key = prefix .. 'tenants'
  if OPEN[r.state] then
    redis.call('HINCRBY', key, r.tenant, 1)
    if not r.is_counted then -- an earlier runtime made it
      redis.call('HSET', key_of(r.id), 'shared', 0)
    end
  elseif r.is_counted and redis.call('HINCRBY', key, r.tenant, -1) == 0 then
    redis.call('HDEL', key, r.tenant)
  end
end

-- Ring what must be rung and write back the runs that changed; returns as text what the caller is told: the bells, and behind them
-- the runs that ended.
local function finish()
  let_groups_in()
  let_all_in()
  for queue in pairs(touched) do
    top_up(queue)
  end
  for run, r in pairs(runs) do
    local sleeps = r.open > 0 and r.open == r.asleep
    if (sleeps and r.state == 'RUNNING') or (not sleeps and r.state == 'WAITING') then
      r.state = sleeps and 'WAITING' or 'RUNNING'
      event(run, sleeps and 'run.waiting' or 'run.woken')
    end
    if r.state ~= r.was[1] then
      stand(r, r.was[1])
    end
    if r.state ~= r.was[1] or r.open ~= r.was[2] or r.running ~= r.was[3] or r.asleep ~= r.was[4] then
      redis.call('HSET', key_of(run), 'state', r.state, 'open', r.open, 'running', r.running, 'asleep', r.asleep)
      if OPEN[r.state] ~= OPEN[r.was[1]] then
        count_open(r)
        list_open(r)
      end
    end
  end
  if #rings > 0 then
    redis.call('HINCRBY', STATS, 'bells', #rings)
  end
  local told = rings
  for _, each in ipairs(runs_ended) do
    told[#told + 1] = each
  end
  return #told > 0 and cjson.encode(told) or ''
end

-- status, bells, then the claim if there is one.
local function reply(status, bells, claimed)
  local out = { status, bells }
  for i, each in ipairs(claimed or {}) do
    out[i + 2] = each
  end
  return out
end

local function pointer_of(claimed)
  return claimed and (claimed.run .. '|' .. claimed.path) or ''
end

-- Tells this call from any other: the lease thread may end the same claim in another way.
local function signature()
  return table.concat({ call.op, call.state or '', call.nonce, call.claim or '' }, ' ')
end

-- Keep values of nodes: the call's arguments from the second on, where each stands and then its text.
local function keep_values(run)
  for first = 2, #ARGV, 1000 do
    redis.call('HSET', key_of(run, ':vals'), unpack(ARGV, first, math.min(first + 999, #ARGV)))
  end
  local kept = {}
  for at = 2, #ARGV, 2 do
    kept[ARGV[at]] = ARGV[at + 1]
  end
  written[run] = kept
end

-- The claim that a call ends. Answers the record and the run where it still stands; else nil and the reply to give:
-- the first answer where this call came before, `ended` where its run is over, `stale` where another holds it.
local function held()
  local r = load(call.run)
  local rec = record(call.run, call.path)
  if not r or not rec then
    return nil, { 'gone', '' }
  end
  if rec.done == signature() then
    return nil, reply('ok', rec.rings or '', claimed_again(rec.next, call.claim))
  end
  if rec.s == 'RUNNING' and rec.n == call.nonce and counts(r, call.path) then
    return rec, r
  end
  event(call.run, 'stage.late', call.path, noted(rec))
  return nil, { counts(r, call.path) and 'stale' or 'ended', '' }
end

-- Let go of a claim: count it out, take away its timer and its verdict.
local function let_go(r, path, rec)
  r.running = r.running - 1
  rec.v = nil
  redis.call('ZREM', DUE, 'a|' .. r.id .. '|' .. path)
  if rec.j then
    leave_line(r.id .. '|' .. path, rec)
  end
end

-- Keep the answer with the claim that it ended, and the records that were left for `later`.
local function remember(rec, claimed, bells, later)
  rec.done, rec.next, rec.rings = signature(), pointer_of(claimed), bells ~= '' and bells or nil
  redis.call('HSET', key_of(call.run, ':acts'), call.path, cjson.encode(rec), unpack(later or {}))
end

-- Where the answer from outside for an activation is kept, among the values.
local function answer_of(path)
  return path .. '?'
end

-- Put an activation to sleep that was let go of; `timer` is its moment in `due`.
local function suspend(r, path, rec, timer)
  rec.s, rec.n, rec.u = 'SUSPENDED', nil, nil
  r.asleep = r.asleep + 1
  redis.call('ZADD', DUE, timer, 'a|' .. r.id .. '|' .. path)
end

-- Make an activation READY that slept, with what a worker is to settle.
local function wake(r, path, rec, verdict)
  rec.v, rec.w, rec.h = verdict, now, nil
  r.asleep = r.asleep - 1
  make_ready(r, path, rec)
  keep(r.id, path, rec)
end

-- Put a stage's arrival to a dependant, of which `text` is kept (false: nothing); returns its record at the last arrival.
-- @dependant path, need, join, live, dead, queue, priority, reads, timeout, ttl?, quorum?, limit?
local function arrive(r, dep, text)
  local key = key_of(r.id, ':acts')
  local got, live, dead = 0, 0, 0
  if text then
    local a, b, c = string.match(text, '^B:(%d+):(%d+):(%d+)$')
    if not a then
      return nil
    end
    got, live, dead = tonumber(a), tonumber(b), tonumber(c)
  end
  got, live, dead = got + 1, live + dep.live, dead + dep.dead
  local decided = dep.quorum and live >= dep.quorum
  if got < dep.need and not decided then
    redis.call('HSET', key, dep.path, 'B:' .. got .. ':' .. live .. ':' .. dead)
    return nil
  end
  local rec = { s = 'READY', a = 0, f = 0, l = 0, q = dep.queue, p = dep.priority, r = dep.reads, t = dep.timeout, y = dep.ttl, w = now }
  local limit = dep.limit
  if limit and limit.t then
    limit = { n = limit.n .. '|' .. r.tenant, c = limit.c, r = limit.r }
  end
  rec.j = limit
  if dep.quorum then
    rec.v = (live == 0 and dead > 0) and 'skip' or nil -- what failed counts neither way
  elseif (dep.join == 'all' and dead > 0) or (dep.join == 'any' and live == 0) then
    rec.v = 'skip'
  end
  count(r, dep.path, 1)
  return rec
end

-- Put a stage's arrivals to all of its dependants (no two of one path, since all are read before any is written; few: relays stand between a stage and more than AT_ONCE); returns those at their last arrival.
local function arrivals(r, dependants)
  local paths, made = {}, {}
  for at, dep in ipairs(dependants) do
    paths[at] = dep.path
  end
  local texts = #paths > 0 and redis.call('HMGET', key_of(r.id, ':acts'), unpack(paths)) or {}
  for at, dep in ipairs(dependants) do
    local rec = arrive(r, dep, texts[at])
    if rec then
      made[#made + 1] = { r = r, path = dep.path, rec = rec }
    end
  end
  return made
end

-- Make what has arrived READY: with as many calls for many of them as for one, where tenants and limits do not ask for a look at each.
local function make_all_ready(r, made)
  local due, kept, ready = {}, {}, {}
  for _, each in ipairs(made) do
    local rec, path = each.rec, each.path
    if #made == 1 or r.shared or rec.j or r.state == 'PAUSED' then
      make_ready(r, path, rec)
      keep(r.id, path, rec)
    else
      local member = r.id .. '|' .. path
      due[#due + 1], due[#due + 2] = timer_of(r, rec), 'a|' .. member
      kept[#kept + 1], kept[#kept + 2] = path, cjson.encode(rec)
      local queue = ready[rec.q] or {}
      queue[#queue + 1], queue[#queue + 2] = place(r, member, rec, ''), member
      ready[rec.q] = queue
    end
  end
  if #due > 0 then
    redis.call('ZADD', DUE, unpack(due))
    redis.call('HSET', key_of(r.id, ':acts'), unpack(kept))
  end
  for queue, members in pairs(ready) do
    redis.call('ZADD', prefix .. 'ready:' .. queue, unpack(members))
    touched[queue] = true
  end
end

-- Make what a run begins with READY.
local function begin_entries(r, entries)
  make_all_ready(r, arrivals(r, entries))
  if r.open == 0 then
    close(r, 'SUCCEEDED')
  end
end

-- Begin a run that had to wait for its turn, unless it had begun before.
begin_run = function(r)
  local key = key_of(r.id)
  local entries = redis.call('HGET', key, 'entries')
  if not entries then
    return
  end
  redis.call('HDEL', key, 'entries')
  begin_entries(r, cjson.decode(entries))
end

-- Begin to take back what was done last, or close the run where nothing is left.
compensate = function(r)
  local entry = redis.call('RPOP', key_of(r.id, ':undo'))
  if not entry then
    return close(r)
  end
  local made = arrivals(r, { cjson.decode(entry) })
  if #made == 0 then
    return compensate(r) -- it was tried before
  end
  make_all_ready(r, made)
end
