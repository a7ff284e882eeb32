-- Shared by every script; stands between the prelude and the claims: how runs end.

local compensate -- claims.lua

-- For how long a run is kept that is over, ms: `retention` is the longest.
local function retained(r)
  return tonumber(redis.call('HGET', key_of(r.id), 'retained|' .. r.state) or r.retention)
end

-- Put a failed activation among the dead letters of all, which metrics count, and of its tenant; those of runs that are gone go.
local function bury_letter(r, path)
  if r.state == 'COMPENSATING' then
    redis.call('HSET', key_of(r.id), 'owes', 1) -- a replay tries again to take it back
  end
  local kept = math.max(0, r.deadline - now) + r.retention -- at most: a run may end later than its letter was written
  for _, key in ipairs({ prefix .. 'dead', prefix .. 'dead:' .. r.tenant }) do
    redis.call('ZADD', key, now, r.id .. '|' .. path)
    for _, over in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', now - r.retention, 'LIMIT', 0, AT_ONCE)) do
      if redis.call('EXISTS', key_of((split(over)))) == 0 then -- runs of other pipelines may be kept for longer
        redis.call('ZREM', key, over)
      end
    end
    if redis.call('PTTL', key) < kept then
      redis.call('PEXPIRE', key, kept)
    end
  end
end

-- Close what a run left behind: `count` activations at a time; the timers come back for the rest.
local function sweep_run(r, count)
  local key = key_of(r.id, ':acts')
  local cursor = redis.call('HGET', key_of(r.id), 'swept') or '0'
  local page, kept = redis.call('HSCAN', key, cursor, 'COUNT', count), retained(r)
  for i = 1, #page[2], 2 do
    local path, text = page[2][i], page[2][i + 1]
    if string.byte(text) == 123 then
      local rec = cjson.decode(text)
      if rec.c and r.state ~= 'CANCELLED' and r.state ~= 'COMPENSATING' then
        redis.call('PEXPIRE', each_of(r.id, path), kept) -- a replay goes on with it
      elseif rec.c or PENDING[rec.s] then
        redis.call('UNLINK', each_of(r.id, path))
      end
      if PENDING[rec.s] then
        redis.call('ZREM', prefix .. 'ready:' .. rec.q, r.id .. '|' .. path)
        redis.call('ZREM', DUE, 'a|' .. r.id .. '|' .. path)
        if rec.j then
          leave_line(r.id .. '|' .. path, rec)
        end
        rec.s = (rec.s == 'RUNNING' and r.state == 'TIMED_OUT') and 'TIMED_OUT' or 'CANCELLED'
        rec.e = now
        keep(r.id, path, rec)
      end
    end
  end
  if page[1] == '0' then
    redis.call('ZREM', DUE, 'c|' .. r.id)
    redis.call('HDEL', key_of(r.id), 'swept')
    if r.state == 'COMPENSATING' then
      compensate(r)
    end
  else
    redis.call('ZADD', DUE, now, 'c|' .. r.id)
    redis.call('HSET', key_of(r.id), 'swept', page[1])
  end
end

-- Have the caller told of a run that ended, where it has a trace: what its span says.
local function tell_end(r, failure)
  local kept = redis.call('HMGET', key_of(r.id), 'pipeline', 'trigger', 'generation', 'span')
  local again = tonumber(kept[3] or '0')
  local began = again > 0 and kept[4] and r.deadline - tonumber(kept[4]) or tonumber(r.created)
  runs_ended[#runs_ended + 1] = {
    run = r.id, trace = r.trace, state = r.state, began = began, ended = now, pipeline = kept[1] or nil, trigger = kept[2],
    again = again, failure = failure,
  }
end

-- The one way into a terminal state. A run that does not succeed takes back what it did first: what is open is cancelled, then
-- the compensations run one by one, the last thing done first; the time that its deadline reserves is theirs.
local function close(r, state, failure)
  local key = key_of(r.id)
  if r.state == 'COMPENSATING' then
    local was = redis.call('HMGET', key, 'ends', 'failure')
    state, failure = was[1], was[2] or nil
    local owed = redis.call('ZRANGE', key .. ':owed', 0, AT_ONCE - 1) -- a replay did not come to its end: the next one goes on with it
    if redis.call('HDEL', key, 'reviving', 'shift') > 0 then
      redis.call('ZREM', DUE, 'v|' .. r.id)
    end
    if r.open > 0 then -- what is cut off as it takes something back is tried again
      redis.call('HSET', key, 'owes', 1)
    end
    for _, left in ipairs(#owed > 0 and owed or redis.call('LRANGE', key .. ':undo', 0, AT_ONCE - 1)) do -- what there was no time for
      bury_letter(r, cjson.decode(left).path)
    end
  elseif state ~= 'SUCCEEDED' and redis.call('EXISTS', key .. ':undo') == 1 then
    r.state, r.open, r.running, r.asleep = 'COMPENSATING', 0, 0, 0
    local reserve = tonumber(redis.call('HGET', key, 'reserve') or '0')
    r.deadline = r.deadline + reserve
    redis.call('HSET', key, 'ends', state, 'deadline', r.deadline, 'reserve', 0, 'reserved', reserve, 'failure', failure or '')
    redis.call('ZADD', DUE, r.deadline, 'r|' .. r.id)
    redis.call('ZREM', DUE, 'v|' .. r.id)
    redis.call('HDEL', key, 'reviving', 'shift')
    event(r.id, 'run.compensating', nil, failure)
    return sweep_run(r, AT_ONCE)
  end
  r.state = state
  redis.call('HSET', key_of(r.id), 'state', state, 'ended', now)
  if redis.call('HDEL', key_of(r.id), 'reviving') == 1 then
    redis.call('ZREM', DUE, 'v|' .. r.id) -- a replay may have to wait for its turn first
  end
  if failure and failure ~= '' then
    redis.call('HSET', key_of(r.id), 'failure', failure)
  else
    failure = nil
    redis.call('HDEL', key_of(r.id), 'failure')
  end
  redis.call('ZREM', DUE, 'r|' .. r.id)
  if r.group then
    leave_group(r)
  end
  redis.call('HINCRBY', STATS, 'runs|' .. state, 1)
  event(r.id, 'run.' .. string.lower(state), nil, failure)
  if r.trace then
    tell_end(r, failure)
  end
  if r.open > 0 then
    sweep_run(r, AT_ONCE)
  end
  r.open, r.running, r.asleep = 0, 0, 0
  local kept = retained(r)
  for _, part in ipairs(PARTS) do
    redis.call('PEXPIRE', key_of(r.id, part), kept)
  end
  local idem = kept < r.retention and redis.call('HGET', key, 'idem')
  if idem then -- who sends the first request again once the run is gone makes a new one
    redis.call('PEXPIRE', prefix .. 'idem:' .. idem, kept)
  end
end

-- Under CANCELLING the last RUNNING activation closes the run.
local function close_if_cancelled(r)
  if r.state == 'CANCELLING' and r.running == 0 then
    close(r, 'CANCELLED', redis.call('HGET', key_of(r.id), 'failure') or nil)
  end
end

-- Under CANCELLING what was let go of is over, and so is its region.
local function cancel_one(r, path, rec)
  rec.s, rec.e, rec.c = 'CANCELLED', now, nil
  r.open = r.open - 1
  redis.call('UNLINK', each_of(r.id, path))
  keep(r.id, path, rec)
  close_if_cancelled(r)
end

-- End a run early, unless it is on its way already: at once where nothing of it is RUNNING.
local function cancel_run(r, failure)
  if not OPEN[r.state] or r.state == 'CANCELLING' or r.state == 'COMPENSATING' then
    return false
  end
  r.state = 'CANCELLING'
  redis.call('HSET', key_of(r.id), 'failure', failure, 'cancelled', 1)
  event(r.id, 'run.cancelling', nil, failure)
  if redis.call('EXISTS', key_of(r.id, ':linked')) == 1 then
    redis.call('ZADD', DUE, now, 'p|' .. r.id)
  end
  close_if_cancelled(r)
  return true
end

-- What somebody did, with the moment: the audit is JSON text and begins with a brace.
local function stamped(audit)
  return '{"at":' .. string.format('%.3f', now / 1000) .. ',' .. string.sub(audit, 2)
end

-- Keep what somebody did to a run, with the moment, as long as the run: the audit is JSON text and begins with a brace.
-- @may audit
local function note(run)
  local text = stamped(call.audit)
  redis.call('RPUSH', key_of(run, ':audit'), text)
  local left = redis.call('PTTL', key_of(run))
  if left > 0 then
    redis.call('PEXPIRE', key_of(run, ':audit'), left)
  end
  return text
end

local function audit(run, name, path)
  event(run, name, path, note(run))
end
