-- Shared by the scripts that set a run going again; stands after the claims. About 64 activations at once, the timers come back
-- for the rest.

local ENDED = { DEAD = true, TIMED_OUT = true, CANCELLED = true }
local OWED = 'owed' -- in place of a cursor: all was looked at
local SETTLED = { skip = true, woken = true, answered = true, collect = true, broken = true } -- verdicts that stay true

-- Put back timers, places in queues and bells of what is open, from a cursor on; answers the next one, '0' at the end.
local function put_back(r, cursor)
  local page = redis.call('HSCAN', key_of(r.id, ':acts'), cursor, 'COUNT', AT_ONCE)
  for i = 1, #page[2], 2 do
    local path, text = page[2][i], page[2][i + 1]
    local rec = string.byte(text) == 123 and cjson.decode(text)
    if rec and PENDING[rec.s] and counts(r, path) then
      redis.call('ZADD', DUE, 'NX', now, 'a|' .. r.id .. '|' .. path)
      if rec.s == 'READY' and r.state ~= 'CANCELLING' and r.state ~= 'PAUSED' then
        local member = r.id .. '|' .. path
        if is_limited(rec) and not redis.call('ZSCORE', prefix .. 'turns:' .. rec.j.n, member) then
          line_up(member, rec, place(r, member, rec, 'line:' .. rec.j.n))
        else
          redis.call('ZADD', prefix .. 'ready:' .. rec.q, place(r, member, rec, 'ready:' .. rec.q), member)
        end
        touched[rec.q] = true
      end
    end
  end
  return page[1]
end

-- Go on with a run that was paused.
local function resume_page(r)
  local cursor = redis.call('HGET', key_of(r.id), 'resuming')
  local left = cursor and put_back(r, cursor) or '0'
  if left == '0' then
    redis.call('HDEL', key_of(r.id), 'resuming')
    redis.call('ZREM', DUE, 'q|' .. r.id)
  else
    redis.call('HSET', key_of(r.id), 'resuming', left)
    redis.call('ZADD', DUE, now, 'q|' .. r.id)
  end
end

-- An activation that failed in an item counts as one that has not ended.
local function tally_back(r, path, rec)
  tally(r.id, path, 'failed', -1)
  for _, node in ipairs(cjson.decode(rec.o)) do
    redis.call('HINCRBY', key_of(r.id), 'node|' .. node[1] .. '|failed', 1)
    if node[2] ~= '' then
      redis.call('HINCRBY', key_of(r.id), 'node|' .. node[1] .. '|' .. node[2], -1)
    end
  end
  rec.o = nil
end

local function forget_letter(r, path)
  for _, key in ipairs({ prefix .. 'dead', prefix .. 'dead:' .. r.tenant }) do
    redis.call('ZREM', key, r.id .. '|' .. path)
  end
end

-- A region that is begun anew has no items yet. It looks at the names of all that the run has: those of items that are done are gone.
local function forget_items(r, path)
  local key, stage = key_of(r.id), stage_of(path)
  if item_of(path) or redis.call('HEXISTS', key, 'items|' .. stage .. '|total') == 0 then
    return
  end
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local kind, name = string.match(field, '^(%a+)|([^|]*)|')
    if (kind == 'items' and name == stage) or (kind and string.sub(name, 1, #stage + 1) == stage .. '/') then
      redis.call('HDEL', key, field)
    end
  end
  redis.call('UNLINK', each_of(r.id, path))
  for _, part in ipairs({ ':acts', ':vals' }) do
    for _, inner in ipairs(redis.call('HKEYS', key_of(r.id, part))) do
      if string.sub(inner, 1, #path + 1) == path .. '[' then
        redis.call('HDEL', key_of(r.id, part), inner)
        redis.call('UNLINK', each_of(r.id, inner))
        forget_letter(r, inner)
      end
    end
  end
end

-- Let an activation go on that its run's end cut off, `shift` ms later than it would have: an open region and a wait sleep on, what a
-- worker was to settle it settles, all else begins anew: what had failed with all of its attempts, what had not with what it has left.
local function revive(r, path, rec, shift)
  r.open = r.open + 1
  if rec.s ~= 'CANCELLED' then
    rec.f, rec.l = 0, 0
  end
  rec.n, rec.u, rec.g, rec.e = nil, nil, nil, nil
  rec.done, rec.next, rec.rings = nil, nil, nil
  forget_letter(r, path)
  if rec.o then
    tally_back(r, path, rec)
  end
  local is_settled = SETTLED[rec.v or '']
  if rec.c then
    redis.call('PERSIST', each_of(r.id, path))
    rec.c.u = rec.c.u and rec.c.u + shift
  end
  if rec.c and not is_settled then
    suspend(r, path, rec, r.deadline + 1)
    redis.call('ZADD', DUE, now, (rec.c.b and 'k|' or 'f|') .. r.id .. '|' .. path)
    for _, index in ipairs(rec.c.l) do
      if redis.call('HEXISTS', each_of(r.id, path), 'x' .. index) == 1 then
        redis.call('ZADD', DUE, now, 'k|' .. r.id .. '|' .. path .. '[' .. index .. ']')
      end
    end
  elseif rec.s == 'CANCELLED' and rec.k and not rec.v then
    local till = tonumber(redis.call('HGET', key_of(r.id), 'cut') or '0') -- what was to last until the deadline still does
    rec.z = rec.z == till and r.deadline + 1 or math.min(rec.z + shift, r.deadline + 1)
    suspend(r, path, rec, rec.z)
  else
    if not is_settled then
      rec.v, rec.k, rec.z, rec.d = nil, nil, nil, nil
      forget_items(r, path)
    end
    if rec.v ~= 'broken' then
      rec.x = nil
    end
    rec.w = now
    make_ready(r, path, rec)
  end
  keep(r.id, path, rec)
end

-- What did not take back what it should is to be tried again: it stands in line, what was tried first at the front.
local function owe(r, path, rec)
  local limit = rec.j and { n = rec.j.n, c = rec.j.c, r = rec.j.r }
  local entry = {
    path = path, need = 1, join = 'all', live = 0, dead = 0, queue = rec.q, priority = rec.p, reads = rec.r, timeout = rec.t, ttl = rec.y,
    limit = limit,
  }
  forget_items(r, path)
  forget_letter(r, path)
  redis.call('HDEL', key_of(r.id, ':acts'), path)
  redis.call('ZADD', key_of(r.id, ':owed'), rec.w, cjson.encode(entry))
end

-- Whether an activation was cut off, or failed, so that a replay has to do with it.
local function is_left(r, path, rec)
  if r.state == 'COMPENSATING' then
    return string.match(path, '/compensate$') and (ENDED[rec.s] or rec.s == 'FAILED')
  end
  local owner, index = item_of(path)
  return ENDED[rec.s] and (not owner or redis.call('HEXISTS', each_of(r.id, owner), 'o' .. index) == 1)
end

-- What is owed stands in line behind what was never begun, about 64 at once; answers whether that is all.
local function line_up_owed(r)
  local entries = redis.call('ZPOPMAX', key_of(r.id, ':owed'), AT_ONCE)
  for i = 1, #entries, 2 do
    redis.call('RPUSH', key_of(r.id, ':undo'), entries[i])
  end
  return #entries < 2 * AT_ONCE
end

-- A rerun forgets what it begins anew, then tells of what was there before: a batch at a time, as its caller made them out of the plan
-- (engine/reruns.py). Answers whether none is left: until then nothing of the run begins.
local function begin_anew(r)
  local key, run = key_of(r.id, ':rerun'), key_of(r.id)
  local at = redis.call('HGET', key, 'at')
  if not at then
    return true
  end
  local batch = cjson.decode(redis.call('HGET', key, at))
  for _, stage in ipairs(batch.stages) do
    redis.call('HSET', run, 'epoch|' .. stage, r.epoch)
  end
  for _, path in ipairs(batch.acts) do
    redis.call('HDEL', run .. ':acts', path)
    redis.call('UNLINK', each_of(r.id, path))
    forget_letter(r, path)
  end
  for part, names in pairs({ [':vals'] = batch.vals, [''] = batch.counts }) do
    if #names > 0 then
      redis.call('HDEL', run .. part, unpack(names))
    end
  end
  for _, told in ipairs(batch.told) do
    redis.call('HSET', run .. ':acts', told[1], told[2])
  end
  for _, dep in ipairs(batch.arrive) do
    local rec = arrive(r, dep, redis.call('HGET', run .. ':acts', dep.path))
    if rec then
      make_ready(r, dep.path, rec)
      keep(r.id, dep.path, rec)
    end
  end
  if redis.call('HEXISTS', key, at + 1) == 1 then
    redis.call('HSET', key, 'at', at + 1)
    return false
  end
  redis.call('UNLINK', key)
  return true
end

-- Keep what the regions have of a run that waits for its turn to go on, so that it lasts as long as that takes.
local function keep_page(r)
  local key = key_of(r.id)
  local page = redis.call('HSCAN', key_of(r.id, ':acts'), redis.call('HGET', key, 'kept') or '0', 'COUNT', AT_ONCE)
  for i = 1, #page[2], 2 do
    if string.find(page[2][i + 1], '"c":{', 1, true) then
      redis.call('PERSIST', each_of(r.id, page[2][i]))
    end
  end
  redis.call('HSET', key, 'kept', page[1])
  if page[1] == '0' then
    redis.call('ZREM', DUE, 'v|' .. r.id)
  else
    redis.call('ZADD', DUE, now, 'v|' .. r.id)
  end
end

-- Go on with a run that had ended: all that its end cut off. One more counts as open until it is through.
local function revive_page(r)
  local key = key_of(r.id)
  local at = redis.call('HMGET', key, 'reviving', 'shift')
  if not at[1] then
    redis.call('ZREM', DUE, 'v|' .. r.id)
    return
  elseif r.group and redis.call('ZSCORE', prefix .. 'behind:' .. r.group, r.id) then
    return keep_page(r)
  end
  if r.state ~= 'COMPENSATING' and not begin_anew(r) then
    redis.call('ZADD', DUE, now, 'v|' .. r.id)
    return
  end
  local page = at[1] == OWED and { '0', {} } or redis.call('HSCAN', key_of(r.id, ':acts'), at[1], 'COUNT', AT_ONCE)
  for i = 1, #page[2], 2 do
    local path, text = page[2][i], page[2][i + 1]
    local rec = string.byte(text) == 123 and cjson.decode(text)
    if rec and is_left(r, path, rec) then
      if r.state == 'COMPENSATING' then
        owe(r, path, rec)
      else
        revive(r, path, rec, tonumber(at[2]))
      end
    end
  end
  if page[1] ~= '0' or (r.state == 'COMPENSATING' and not line_up_owed(r)) then
    redis.call('HSET', key, 'reviving', page[1] == '0' and OWED or page[1])
    redis.call('ZADD', DUE, now, 'v|' .. r.id)
    return
  end
  redis.call('HDEL', key, 'reviving', 'shift')
  redis.call('ZREM', DUE, 'v|' .. r.id)
  r.open = r.open - 1
  if r.state == 'COMPENSATING' then
    compensate(r)
  elseif r.open == 0 then
    close(r, 'SUCCEEDED')
  end
end

-- Let a run go on that had ended, with all of its time.
local function renew(r, was)
  local span = tonumber(was.span) or r.deadline - tonumber(was.created)
  redis.call('HSET', key_of(r.id), 'span', span, 'cut', r.deadline + 1)
  r.state, r.deadline = 'RUNNING', now + span
  redis.call('HDEL', key_of(r.id), 'ended', 'failure')
end

-- Put back what is left of a run whose state and deadline are set anew; answers the bells, and keeps them with the nonce in a field.
-- @may audit, nonce
local function go_on(r, was, field)
  local key = key_of(r.id)
  r.open, r.running, r.asleep = 1, 0, 0
  redis.call('HSET', key, 'deadline', r.deadline, 'reviving', '0', 'shift', math.max(0, now - tonumber(was.ended)))
  redis.call('HINCRBY', key, 'generation', 1)
  for _, part in ipairs(PARTS) do
    redis.call('PERSIST', key_of(r.id, part))
  end
  if was.idem then -- who sends the run's first request again is still led to it
    redis.call('PEXPIRE', prefix .. 'idem:' .. was.idem, r.deadline - now + r.retention)
  end
  redis.call('ZADD', DUE, r.deadline, 'r|' .. r.id)
  redis.call('HINCRBY', STATS, 'runs|' .. string.upper(field), 1)
  audit(r.id, 'run.' .. field)
  if r.group then -- it waits for its turn like any other
    r.state = r.state == 'RUNNING' and 'QUEUED' or r.state
    stand_behind(r)
    redis.call('HDEL', key, 'kept')
    keep_page(r)
  else
    revive_page(r)
  end
  local bells = finish()
  redis.call('HSET', key, field, call.nonce .. '|' .. bells)
  return bells
end

-- What is known of a run under some names, and the bells of the call that it answered last under the first of them: nonce, bells.
local function known_of(r, names)
  local was = {}
  for i, value in ipairs(redis.call('HMGET', key_of(r.id), unpack(names))) do
    was[names[i]] = value or nil
  end
  return was, string.match(was[names[1]] or '', '^(%x+)|(.*)$')
end
