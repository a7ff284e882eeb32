-- Shared by every script; stands between the prelude and how runs end: groups of runs, of which only so many go on at a time.
--
-- A run of a group stands in `behind:<group>` (its score: when it came, no two at once) until it is let in; it then stands in
-- `inside:<group>` until it is over. All of a group lives in one shard.

local begin_run -- claims.lua

-- A run that was just made, or is to go on again, waits for its turn in its group: the script looks for one before it ends.
local function stand_behind(r)
  local line = prefix .. 'behind:' .. r.group
  local last = tonumber(redis.call('ZRANGE', line, 0, 0, 'REV', 'WITHSCORES')[2] or '0')
  redis.call('ZADD', line, math.max(now, last + 1), r.id)
  groups_left[r.group] = true
end

local function leave_group(r)
  redis.call('ZREM', prefix .. 'behind:' .. r.group, r.id)
  redis.call('ZREM', prefix .. 'inside:' .. r.group, r.id)
  groups_left[r.group] = true
end

-- Whether a run that came now would have to wait: answers the one that came last.
local function full(group, most)
  local waits = redis.call('ZRANGE', prefix .. 'behind:' .. group, -1, -1)[1]
  local inside = prefix .. 'inside:' .. group
  return waits or (redis.call('ZCARD', inside) >= most and redis.call('ZRANGE', inside, -1, -1)[1])
end

-- Let in who has waited longest, while there is room: 64 at once, the timers come back for the rest.
local function let_group_in(group)
  local line, inside = prefix .. 'behind:' .. group, prefix .. 'inside:' .. group
  for _ = 1, AT_ONCE do
    local first, since = unpack(redis.call('ZRANGE', line, 0, 0, 'WITHSCORES'))
    if not first then
      return
    end
    local r, later = load(first, true)
    if later then
      redis.call('ZADD', DUE, now + TURN, 'g|' .. group) -- whoever knows that layout lets it in
      return
    end
    if r and OPEN[r.state] then
      local key = key_of(first)
      if redis.call('ZCARD', inside) >= tonumber(redis.call('HGET', key, 'most')) then
        return
      end
      redis.call('ZADD', inside, now, first)
      if redis.call('HEXISTS', key, 'reviving') == 1 then
        r.state = r.state == 'QUEUED' and 'RUNNING' or r.state
        if r.state == 'PAUSED' then
          redis.call('HSET', key, 'begun', 1)
        end
        redis.call('HINCRBY', key, 'shift', math.max(0, now - since)) -- a wait has as much left as when the run ended
        redis.call('ZADD', DUE, now, 'v|' .. first)
      end
      begin_run(r)
    end
    redis.call('ZREM', line, first)
  end
  redis.call('ZADD', DUE, now, 'g|' .. group)
end

local function let_groups_in()
  local group = next(groups_left)
  while group do
    let_group_in(group)
    groups_left[group] = nil -- who was let in and had nothing to do has left it, which was seen
    group = next(groups_left)
  end
end
