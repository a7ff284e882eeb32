-- Shared by the scripts that begin or end items of a region; stands between the prelude and the script.
--
-- A region is a cursor over its items: it creates only its window, and drops an item's records once its yield is kept. What
-- it must know of its body stands in its own key, `e` (entries, as dependants) and `b` (the body: names of its activations
-- and values, and of the yield), with `[*]` in place of the index; so timers, who know no plan, can begin and end items too.
--
-- Invariants:
--   5. `o<n>` is there while item n is live, and only then; it counts the item's open activations. 0 ends the item.
--   6. While a region is SUSPENDED, its window is full, or no item is left to begin, or `f|<run>|<owner>` is in `due`.
--   7. What ended an item stays as a tombstone, so that it may be sent twice, until 64 further items ended.

-- @body acts, vals, result
local function of_item(text, index)
  return cjson.decode((string.gsub(text, '%[%*%]', '[' .. index .. ']')))
end

-- Begin items until the window is full; about 64 entries at once, the timers come back for the rest.
local function refill(r, owner, rec)
  local key, c, left = each_of(r.id, owner), rec.c, AT_ONCE
  local entries, made = nil, {}
  while c.i < c.n and #c.l < c.m do
    if left <= 0 then
      redis.call('ZADD', DUE, now, 'f|' .. r.id .. '|' .. owner)
      break
    end
    entries = entries or redis.call('HGET', key, 'e')
    if not entries then
      return -- they are lost: the run's deadline ends it
    end
    for _, each in ipairs(arrivals(r, of_item(entries, c.i))) do
      made[#made + 1] = each
      left = left - 1
    end
    c.l[#c.l + 1] = c.i
    c.i = c.i + 1
  end
  make_all_ready(r, made)
end

-- Drop all that an open region keeps, but for its own record.
local function drop_each(r, owner)
  local key = each_of(r.id, owner)
  local names = {}
  for slot = 0, AT_ONCE - 1 do
    names[slot + 1] = 't' .. slot
  end
  local acts = key_of(r.id, ':acts')
  for _, path in ipairs(redis.call('HMGET', key, unpack(names))) do
    if path then
      redis.call('HDEL', acts, path)
    end
  end
  redis.call('UNLINK', key)
end

local function drop(key, names)
  for first = 1, #names, 1000 do
    redis.call('HDEL', key, unpack(names, first, math.min(first + 999, #names)))
  end
end

-- Keep what ended an item for a while, so that it may be sent twice.
local function bury(r, owner, last)
  local key = each_of(r.id, owner)
  local slot = 't' .. redis.call('HINCRBY', key, 't', 1) % AT_ONCE
  local old = redis.call('HGET', key, slot)
  if old then
    redis.call('HDEL', key_of(r.id, ':acts'), old)
  end
  redis.call('HSET', key, slot, last)
end

-- End an item: keep its yield, drop its records, begin the next one, or let a worker collect. `last`: the path of what ended
-- it, which the caller writes back as a tombstone.
local function end_item(r, owner, index, failure, last)
  local key, rec = each_of(r.id, owner), record(r.id, owner)
  if not rec or rec.s ~= 'SUSPENDED' or redis.call('HEXISTS', key, 'o' .. index) == 0 then
    return
  end
  local c, vals = rec.c, key_of(r.id, ':vals')
  local body = of_item(redis.call('HGET', key, 'b'), index)
  local value = not failure and redis.call('HGET', vals, body.result)
  if c.w then -- a round that hands nothing on leaves the state as it was
    value = value or redis.call('HGET', key, 'i' .. index)
  end
  if value then
    redis.call('HSET', key, 'y' .. index, value)
  elseif failure and c.e == 'collect' then
    redis.call('HSET', key, 'x' .. index, failure)
  end
  redis.call('HDEL', key, 'o' .. index, 'i' .. index)
  drop(key_of(r.id, ':acts'), body.acts)
  drop(vals, body.vals)
  redis.call('HINCRBY', key_of(r.id), 'items|' .. stage_of(owner) .. '|' .. (failure and 'failed' or 'done'), 1)
  if last then
    bury(r, owner, last)
  end
  for at, live in ipairs(c.l) do
    if live == tonumber(index) then
      table.remove(c.l, at)
      break
    end
  end
  refill(r, owner, rec)
  if #c.l == 0 and not c.b then
    wake(r, owner, rec, 'collect')
  else
    keep(r.id, owner, rec)
  end
end

-- Cancel what is open in an item, `left` activations at most; answers how many more it could have done, nil if it is not
-- through.
local function kill(r, owner, index, left)
  local text = redis.call('HGET', each_of(r.id, owner), 'b')
  if not text then
    return left
  end
  local body, acts = of_item(text, index), key_of(r.id, ':acts')
  for _, path in ipairs(body.acts) do
    local rec = record(r.id, path)
    if rec and PENDING[rec.s] then
      for _, inner in ipairs(rec.s == 'SUSPENDED' and rec.c and rec.c.l or {}) do
        left = kill(r, path, inner, left)
        if not left then
          return nil
        end
      end
      if left <= 0 then
        return nil
      end
      left = left - 1
      if rec.c then
        drop_each(r, path)
      else
        redis.call('UNLINK', each_of(r.id, path))
      end
      redis.call('ZREM', prefix .. 'ready:' .. rec.q, r.id .. '|' .. path)
      redis.call('ZREM', DUE, 'a|' .. r.id .. '|' .. path, 'f|' .. r.id .. '|' .. path)
      if rec.j then
        leave_line(r.id .. '|' .. path, rec)
      end
      r.open = r.open - 1
      if rec.s == 'RUNNING' then
        r.running = r.running - 1
        tally(r.id, path, 'begun', -1)
      elseif rec.s == 'SUSPENDED' then
        r.asleep = r.asleep - 1
      end
      touched[rec.q] = true
    end
    redis.call('HDEL', acts, path)
  end
  drop(key_of(r.id, ':vals'), body.vals)
  return left
end

-- Fail an item whose region goes on: at once, or with the timers' help where much is open in it.
local function fail_item(r, owner, index, failure, last)
  local key = each_of(r.id, owner)
  if redis.call('HEXISTS', key, 'o' .. index) == 0 then
    return
  end
  if kill(r, owner, index, AT_ONCE) then
    redis.call('ZREM', DUE, 'k|' .. r.id .. '|' .. owner .. '[' .. index .. ']')
    end_item(r, owner, index, failure, last)
  else
    redis.call('HSET', key, 'x' .. index, failure)
    redis.call('HINCRBY', key, 'o' .. index, 1) -- so that nothing but this ends it
    redis.call('ZADD', DUE, now, 'k|' .. r.id .. '|' .. owner .. '[' .. index .. ']')
  end
end

-- Fail a whole region without which the run goes on: its live items are cancelled, then a worker settles it.
local function fail_each(r, owner, failure, last)
  local rec = record(r.id, owner)
  if not rec or rec.s ~= 'SUSPENDED' or not rec.c then
    return
  end
  local left = AT_ONCE
  for _, index in ipairs(rec.c.l) do
    left = left and kill(r, owner, index, left)
  end
  rec.x = failure
  if left then
    drop_each(r, owner)
    rec.c = nil
    wake(r, owner, rec, 'broken')
  else
    rec.c.i, rec.c.b = rec.c.n, true -- begin nothing more
    redis.call('ZADD', DUE, now, 'k|' .. r.id .. '|' .. owner)
    keep(r.id, owner, rec)
  end
  local outer = item_of(owner)
  if last and outer then
    bury(r, outer, last)
  end
end
