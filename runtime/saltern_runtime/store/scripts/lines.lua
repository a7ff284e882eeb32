-- Shared by every script; stands behind the prelude: where what is READY waits, in a queue or before a limited connection, and who is next.

-- Where an activation comes to stand in a queue or a line (`where`): the score that it has there, or else a new one; with `first` at
-- the front of those of its priority. It is to be put there: its tag is taken.
local function place(r, member, rec, where, first)
  local base, key = (9 - rec.p) * 1e13, prefix .. where
  if not r.shared then
    return base + rec.w
  end
  local stands = redis.call('ZSCORE', key, member)
  if stands then
    return stands
  end
  local tags = prefix .. 'tags:' .. rec.p .. '|' .. where
  local lowest = redis.call('ZRANGEBYSCORE', key, base, base + TAGS - 1, 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if not lowest then
    redis.call('UNLINK', tags)
  end
  local at = lowest and lowest - base or 0
  if not first then
    at = math.max(at, tonumber(redis.call('ZSCORE', tags, r.tenant) or '0'))
    redis.call('ZADD', tags, at + 1, r.tenant)
    redis.call('ZREMRANGEBYSCORE', tags, '-inf', lowest and lowest - base or 0)
    redis.call('PEXPIRE', tags, math.max(redis.call('PTTL', tags), r.deadline - now + HOUR))
  end
  return base + at
end

-- Who is next in a queue or a line, and its score.
local function head(where)
  local key = prefix .. where
  local top = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  local tag = top[1] and top[2] % 1e13
  if not tag or tag >= TAGS then
    return top
  end
  local base = top[2] - tag
  local aged = redis.call('ZRANGEBYSCORE', key, base + TAGS, base + 1e13 - 1, 'WITHSCORES', 'LIMIT', 0, 1)
  local tags = prefix .. 'tags:' .. 9 - base / 1e13 .. '|' .. where
  if not aged[1] or tonumber(redis.call('ZSCORE', tags, '') or '0') > tag then
    return top
  end
  aged.tags, aged.behind = tags, tag + 1
  return aged
end

local function take(where, top)
  redis.call('ZREM', prefix .. where, top[1])
  if top.tags then
    redis.call('ZADD', top.tags, top.behind, '')
  end
end

-- Take an activation out of the line of its limit and give its turn back, whatever it has of them.
local function leave_line(member, rec)
  local name = rec.j.n
  local stood, had = redis.call('ZREM', prefix .. 'line:' .. name, member), redis.call('ZREM', prefix .. 'turns:' .. name, member)
  if stood + had > 0 then
    moved[name] = true
  end
end

-- Whether an attempt is limited: what a worker only settles calls nothing.
local function is_limited(rec)
  return rec.j and RUNS[rec.v or 'none']
end

local function line_up(member, rec, since)
  redis.call('ZADD', prefix .. 'line:' .. rec.j.n, since, member)
  redis.call('SADD', prefix .. 'lines', rec.j.n)
  moved[rec.j.n] = true
end

-- What is left of a rate: calls that may begin now, and how many there may be at once.
local function tokens_of(limit)
  local most = math.max(1, limit.r)
  local bucket = redis.call('HMGET', prefix .. 'bucket:' .. limit.n, 'left', 'at')
  if not bucket[1] then
    return most, most
  end
  return math.min(most, tonumber(bucket[1]) + math.max(0, now - tonumber(bucket[2])) * limit.r / 1000), most
end

-- A worker takes the turn of an activation that it claims; false where it has none.
local function take_turn(member, rec)
  local limit, turns = rec.j, prefix .. 'turns:' .. rec.j.n
  if redis.call('ZSCORE', turns, member) ~= '0' then
    return false
  end
  if limit.c then
    redis.call('ZADD', turns, 1, member)
  else
    redis.call('ZREM', turns, member)
  end
  if limit.r then
    local left, most = tokens_of(limit)
    local bucket = prefix .. 'bucket:' .. limit.n
    redis.call('HSET', bucket, 'left', string.format('%.6f', left - 1), 'at', now)
    redis.call('PEXPIRE', bucket, math.ceil((most + 1) * 1000 / limit.r))
    moved[limit.n] = true
  end
  return true
end

-- Give turns to those who have stood longest in a line while there are any: about 64 at once, the timers come back for the rest.
-- Turns that no worker has claimed yet count as calls that will begin, so that a rate holds however late the workers are.
local function let_in(name)
  local line, turns = prefix .. 'line:' .. name, prefix .. 'turns:' .. name
  for _ = 1, AT_ONCE do
    local next_one = head('line:' .. name)
    local top = next_one[1]
    if not top then
      if redis.call('SREM', prefix .. 'lines', name) == 1 then
        redis.call('ZREM', DUE, 'l|' .. name)
      end
      return
    end
    local run, path = split(top)
    local rec = record(run, path)
    local limit = rec and rec.s == 'READY' and rec.j
    if limit then
      if limit.c and redis.call('ZCARD', turns) >= limit.c then
        return -- who gives a turn back comes by
      end
      if limit.r then
        local left, most = tokens_of(limit)
        local given = redis.call('ZCOUNT', turns, 0, 0) + 1
        if given > left + 1e-6 then
          if given <= most then
            redis.call('ZADD', DUE, now + math.ceil((given - left) * 1000 / limit.r), 'l|' .. name)
          end -- else whoever claims comes by
          return
        end
      end
      redis.call('ZADD', turns, 0, top)
      local r = next_one[2] % 1e13 < TAGS and load(run, true) or {}
      redis.call('ZADD', prefix .. 'ready:' .. rec.q, place(r, top, rec, 'ready:' .. rec.q), top)
      redis.call('ZADD', DUE, 'LT', now + TURN, 'a|' .. top)
      touched[rec.q] = true
    end
    take('line:' .. name, next_one)
  end
  redis.call('ZADD', DUE, now, 'l|' .. name)
end

local function let_all_in()
  for name in pairs(moved) do
    moved[name] = nil
    let_in(name)
  end
end

-- When something that is READY is looked after: once its time to live is over, or after the run's own entry, which closes it.
local function timer_of(r, rec)
  local timer = r.deadline + 1
  if rec.y and rec.a == 0 and not rec.v then
    timer = math.min(timer, rec.w + rec.y)
  end
  return timer
end

local function make_ready(r, path, rec, first)
  rec.s = 'READY'
  local member = r.id .. '|' .. path
  if is_limited(rec) and r.state ~= 'PAUSED' then
    line_up(member, rec, place(r, member, rec, 'line:' .. rec.j.n, first))
  elseif rec.j then
    leave_line(member, rec)
  end
  if not is_limited(rec) and r.state ~= 'PAUSED' then
    redis.call('ZADD', prefix .. 'ready:' .. rec.q, place(r, member, rec, 'ready:' .. rec.q, first), member)
    touched[rec.q] = true
  end
  redis.call('ZADD', DUE, timer_of(r, rec), 'a|' .. member)
end
