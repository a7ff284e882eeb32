-- Shared by every script; concatenated in front of it.
--
-- KEYS[1] is the shard's prefix, `saltern:v1:<service>:{<shard>}:`. Every key is made from it, so all of them share its hash
-- tag. ARGV[1] is the call as JSON. Time is the server's, in whole milliseconds. Values of nodes are opaque text.
--
-- Records of activations (`run:<id>:acts`, field = path) are JSON once READY; before that `B:<arrivals>:<live>:<dead>`.
--   s state   a attempts begun   f failures   l workers lost   n nonce of the claim   v verdict that a worker settles
--   q queue   p priority   r what it reads (JSON array of node ids, "" is the input)   t time-out of an attempt, ms
--   y time to live, ms   w when it became ready   b when the attempt began   u its hard deadline   e when it ended
--   g the lease ran out around a gap of the timers   d durations of its nodes (JSON)   x failure (JSON)
--   done, next, rings: the call that ended a claim last, and what it was answered (sent again: the same)
--
-- Invariants that every script keeps:
--   1. An open run has `r|<run>` in `due`; a READY, RUNNING or RETRY_WAIT activation of an open run has `a|<run>|<path>`.
--   2. While `ready:<queue>` is not empty, at least one slot of `bells:<queue>` is rung, and each rung slot has
--      `b|<queue>|<slot>` in `due`.
--   3. `open` of a run is the number of its READY, RUNNING and RETRY_WAIT activations; `running` that of its RUNNING ones.
--   4. A terminal run or activation never changes again.

local call = cjson.decode(ARGV[1])
local prefix = KEYS[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local DUE = prefix .. 'due'
local STATS = prefix .. 'stats'
local AT_ONCE = 64 -- entries that one script touches, at most
local EVENTS = 4096 -- entries of a run's stream, about
local FOREVER = 60000 -- the longest wait between two rings of one bell, ms

local OPEN = { QUEUED = true, RUNNING = true, CANCELLING = true }
local RUNS = { none = true, lost = true } -- verdicts with which an attempt is made
local PENDING = { READY = true, RUNNING = true, RETRY_WAIT = true }

local rings = {} -- bells that the caller sends
local touched = {} -- queues whose bells are looked at before the script ends
local runs = {} -- runs loaded by this script; written back once, by finish()

local function key_of(run, part)
  return prefix .. 'run:' .. run .. (part or '')
end

local function split(member)
  local run, path = string.match(member, '^([^|]*)|(.*)$')
  return run, path
end

local function event(run, name, path, data)
  local key = key_of(run, ':events')
  if path then
    redis.call('XADD', key, 'MAXLEN', '~', EVENTS, '*', 'type', name, 'path', path, 'data', data or '')
  else
    redis.call('XADD', key, 'MAXLEN', '~', EVENTS, '*', 'type', name, 'data', data or '')
  end
end

local function load(run)
  local found = runs[run]
  if found then
    return found
  end
  local f = redis.call('HMGET', key_of(run), 'state', 'open', 'running', 'tenant', 'created', 'deadline', 'retention')
  if not f[1] then
    return nil
  end
  found = {
    id = run, state = f[1], open = tonumber(f[2]), running = tonumber(f[3]), tenant = f[4], created = f[5],
    deadline = tonumber(f[6]), retention = tonumber(f[7]),
  }
  found.was = { found.state, found.open, found.running }
  runs[run] = found
  return found
end

local function record(run, path)
  local text = redis.call('HGET', key_of(run, ':acts'), path)
  if text and string.byte(text) == 123 then
    return cjson.decode(text)
  end
  return nil
end

local function keep(run, path, rec)
  local text = cjson.encode(rec)
  redis.call('HSET', key_of(run, ':acts'), path, text)
  return text
end

-- What an event says of an attempt; `more` is JSON text under the key `name`.
local function noted(rec, name, more)
  if not more then
    return '{"attempt":' .. rec.a .. '}'
  end
  return '{"attempt":' .. rec.a .. ',"' .. name .. '":' .. more .. '}'
end

local function score(rec)
  return (9 - rec.p) * 1e13 + rec.w
end

local function make_ready(r, path, rec)
  rec.s = 'READY'
  local timer = r.deadline + 1 -- after the run's own entry, which closes it
  if rec.y and rec.a == 0 and not rec.v then
    timer = math.min(timer, rec.w + rec.y)
  end
  redis.call('ZADD', prefix .. 'ready:' .. rec.q, score(rec), r.id .. '|' .. path)
  redis.call('ZADD', DUE, timer, 'a|' .. r.id .. '|' .. path)
  touched[rec.q] = true
end

-- Close what a run left behind: `count` activations at a time; the timers come back for the rest.
local function sweep_run(r, count)
  local key = key_of(r.id, ':acts')
  local cursor = redis.call('HGET', key_of(r.id), 'swept') or '0'
  local page = redis.call('HSCAN', key, cursor, 'COUNT', count)
  for i = 1, #page[2], 2 do
    local path, text = page[2][i], page[2][i + 1]
    if string.byte(text) == 123 then
      local rec = cjson.decode(text)
      if PENDING[rec.s] then
        redis.call('ZREM', prefix .. 'ready:' .. rec.q, r.id .. '|' .. path)
        redis.call('ZREM', DUE, 'a|' .. r.id .. '|' .. path)
        rec.s = (rec.s == 'RUNNING' and r.state == 'TIMED_OUT') and 'TIMED_OUT' or 'CANCELLED'
        rec.e = now
        keep(r.id, path, rec)
      end
    end
  end
  if page[1] == '0' then
    redis.call('ZREM', DUE, 'c|' .. r.id)
    redis.call('HDEL', key_of(r.id), 'swept')
  else
    redis.call('ZADD', DUE, now, 'c|' .. r.id)
    redis.call('HSET', key_of(r.id), 'swept', page[1])
  end
end

-- The one way into a terminal state.
local function close(r, state, failure)
  r.state = state
  redis.call('HSET', key_of(r.id), 'state', state, 'ended', now)
  if failure then
    redis.call('HSET', key_of(r.id), 'failure', failure)
  end
  redis.call('ZREM', DUE, 'r|' .. r.id)
  redis.call('HINCRBY', STATS, 'runs|' .. state, 1)
  event(r.id, 'run.' .. string.lower(state), nil, failure)
  if r.open > 0 then
    sweep_run(r, AT_ONCE)
  end
  r.open, r.running = 0, 0
  for _, part in ipairs({ '', ':acts', ':vals', ':events' }) do
    redis.call('PEXPIRE', key_of(r.id, part), r.retention)
  end
end

-- Under CANCELLING the last RUNNING activation closes the run.
local function close_if_cancelled(r)
  if r.state == 'CANCELLING' and r.running == 0 then
    close(r, 'CANCELLED', redis.call('HGET', key_of(r.id), 'failure') or nil)
  end
end

-- A claim as the caller sees it: its head (run, created, time left when it was made, path, tenant, record; NUL between
-- them), then the values that it reads, empty where a node was skipped.
local function shown(r, path, rec, text)
  local out = { table.concat({ r.id, r.created, r.deadline - rec.b, path, r.tenant, text }, '\0') }
  out.run, out.path = r.id, path
  if RUNS[rec.v or 'none'] then
    local names = cjson.decode(rec.r)
    for first = 1, #names, 1000 do
      local last = math.min(first + 999, #names)
      for _, value in ipairs(redis.call('HMGET', key_of(r.id, ':vals'), unpack(names, first, last))) do
        out[#out + 1] = value or ''
      end
    end
  end
  return out
end

local function begin(r, path, rec, nonce)
  rec.s, rec.n, rec.b = 'RUNNING', nonce, now
  rec.g = nil
  rec.u = now + rec.t
  if r.state == 'QUEUED' then
    r.state = 'RUNNING'
    event(r.id, 'run.started')
  end
  if RUNS[rec.v or 'none'] then
    rec.a = rec.a + 1
    event(r.id, 'stage.started', path, noted(rec))
  end
  r.running = r.running + 1
  redis.call('ZADD', DUE, now + call.lease, 'a|' .. r.id .. '|' .. path)
  return shown(r, path, rec, keep(r.id, path, rec))
end

-- Claim what comes next in a queue: `own` (made READY just now, not yet in the set) unless something there is more urgent.
local function claim(queue, nonce, own)
  local key = prefix .. 'ready:' .. queue
  for _ = 1, 16 do
    local top = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    touched[queue] = top[1] and true
    if own and (not top[1] or math.floor(top[2] / 1e13) >= 9 - own.rec.p) then
      return begin(own.r, own.path, own.rec, nonce)
    end
    if not top[1] then
      return nil
    end
    redis.call('ZREM', key, top[1])
    local run, path = split(top[1])
    local r, rec = load(run), record(run, path)
    if r and rec and rec.s == 'READY' and (r.state == 'QUEUED' or r.state == 'RUNNING') then
      if own then
        make_ready(own.r, own.path, own.rec)
      end
      return begin(r, path, rec, nonce)
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
      redis.call('HSET', key, 'rung:' .. slot, serial .. '|' .. call.ring)
      redis.call('ZADD', DUE, now + call.ring, 'b|' .. queue .. '|' .. slot)
      rings[#rings + 1] = { queue, slot, serial, path }
      out = out + 1
    end
  end
  redis.call('HSET', key, 'out', out)
end

-- Ring what must be rung and write back the runs that changed; returns the bells as text.
local function finish()
  for queue in pairs(touched) do
    top_up(queue)
  end
  for run, r in pairs(runs) do
    if r.state ~= r.was[1] or r.open ~= r.was[2] or r.running ~= r.was[3] then
      redis.call('HSET', key_of(run), 'state', r.state, 'open', r.open, 'running', r.running)
    end
  end
  if #rings == 0 then
    return ''
  end
  redis.call('HINCRBY', STATS, 'bells', #rings)
  return cjson.encode(rings)
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
  if rec.s == 'RUNNING' and rec.n == call.nonce and OPEN[r.state] then
    return rec, r
  end
  event(call.run, 'stage.late', call.path, noted(rec))
  return nil, { OPEN[r.state] and 'stale' or 'ended', '' }
end

-- Let go of a claim: count it out, take away its timer and its verdict.
local function let_go(r, path, rec)
  r.running = r.running - 1
  rec.v = nil
  redis.call('ZREM', DUE, 'a|' .. r.id .. '|' .. path)
end

-- Keep the answer with the claim that it ended.
local function remember(rec, claimed, bells)
  rec.done, rec.next, rec.rings = signature(), pointer_of(claimed), bells ~= '' and bells or nil
  keep(call.run, call.path, rec)
end

-- Put a stage's arrival to a dependant; returns its record at the last arrival.
local function arrive(r, dep)
  local key = key_of(r.id, ':acts')
  local got, live, dead = 0, 0, 0
  local text = redis.call('HGET', key, dep.path)
  if text then
    local a, b, c = string.match(text, '^B:(%d+):(%d+):(%d+)$')
    if not a then
      return nil
    end
    got, live, dead = tonumber(a), tonumber(b), tonumber(c)
  end
  got, live, dead = got + 1, live + dep.live, dead + dep.dead
  if got < dep.need then
    redis.call('HSET', key, dep.path, 'B:' .. got .. ':' .. live .. ':' .. dead)
    return nil
  end
  local rec = { s = 'READY', a = 0, f = 0, l = 0, q = dep.queue, p = dep.priority, r = dep.reads, t = dep.timeout, y = dep.ttl, w = now }
  if (dep.join == 'all' and dead > 0) or (dep.join == 'any' and live == 0) then
    rec.v = 'skip'
  end
  r.open = r.open + 1
  return rec
end
