-- Shared by every script. All of them are one library of functions, of which the server makes the shared ones once; what a call knows
-- stands in the variables below, anew for each (`enter`), so a script may fail anywhere and leaves nothing to the next.
--
-- KEYS[1] is the shard's prefix, `saltern:v1:<service>:{<shard>}:`. Every key is made from it, so all of them share its hash
-- tag. ARGV[1] is the call as JSON. Time is the server's, in whole milliseconds. Values of nodes are opaque text.
--
-- Records of activations (`run:<id>:acts`, field = path) are JSON once READY; before that `B:<arrivals>:<live>:<dead>`.
-- @record s state
-- @record a attempts         begun
-- @record f failures
-- @record l lost             workers
-- @record n nonce            of the claim
-- @record v verdict          that a worker settles
-- @record q queue
-- @record p priority
-- @record r reads            JSON array of places; "" is the input
-- @record t timeout          of an attempt, ms
-- @record y ttl              ms
-- @record w waiting_since    when it became ready
-- @record b began            the attempt
-- @record u until            its hard deadline
-- @record e ended
-- @record g gap              the lease ran out around one of the timers
-- @record d durations        of its nodes, JSON
-- @record x failure          JSON
-- @record z wakes            when a wait ends
-- @record h asks             what an answer from outside is awaited for, JSON
-- @record k taken            handles that its nodes took, JSON, kept while it is SUSPENDED
-- @record m hit              its value was cached
-- @record j limit            that what it calls has
-- @record o others           nodes of it that ended another way as it failed in an item, JSON
-- @record c cursor           of an open region
-- @record done done          the call that ended a claim last,
-- @record next next          and what it was answered: the claim,
-- @record rings rings        the bells (sent again: the same)
--
-- @cursor n items
-- @cursor i next_item
-- @cursor l live             indexes
-- @cursor m most             of them
-- @cursor e on_error
-- @cursor b broken           as a whole
-- @cursor w carries          a state from round to round
-- @cursor u until            rounds may begin
--
-- A region keeps `run:<id>:each:<path>` while its owner is open; an activation inside of it has the path `<owner>[<n>]/<stage>`.
-- @round i item
-- @round o open              activations of a live item
-- @round y yielded
-- @round x failed
-- @round t tombstone         (items.lua)
--
-- A stage that calls through a limited connection waits in `line:<limit>` until it has a turn; a turn is a place in
-- `turns:<limit>`, 0 until a worker claims it, then 1. `bucket:<limit>` holds what is left of the rate.
-- @limit n name              of the connection, and behind it the tenant where each has a limit of its own
-- @limit t by_tenant         as a dependant has it
-- @limit c concurrency
-- @limit r per_second
--
-- Invariants that every script keeps:
--   1. An open run has `r|<run>` in `due`; a READY, RUNNING, RETRY_WAIT or SUSPENDED activation of it has `a|<run>|<path>`.
--   2. While `ready:<queue>` is not empty, at least one slot of `bells:<queue>` is rung, and each rung slot has
--      `b|<queue>|<slot>` in `due`.
--   3. `open` of a run is the number of its READY, RUNNING, RETRY_WAIT and SUSPENDED activations; `running` that of its
--      RUNNING ones, `asleep` that of its SUSPENDED ones. While all that is open is asleep, the run is WAITING.
--      But a limited one that is READY without a turn stands in `line:<limit>` alone, and no worker sees it; and of a PAUSED run
--      nothing stands anywhere, or what stands is passed over.
--      `state:<state>` has the runs that are open in it.
--   4. A terminal run or activation never changes again.
--   8. While `line:<limit>` is not empty, a turn of it is given, or `l|<limit>` is in `due`; who has a turn is READY or RUNNING.
--   9. A run of a group that is open stands in `behind:<group>` or `inside:<group>`, in one of them; while somebody stands behind,
--      as many are inside as may be, or `g|<group>` is in `due`. Nothing of a run that stands behind is READY.
--  10. A score in `ready:<queue>` and `line:<limit>` is a priority and, in it, a place: for a run that was made while the shard knew one tenant,
--      the moment when it began to wait; for any other (`shared`) a start tag (below 1e12), so that each tenant has an equal share: the lowest
--      that waits there, or the one behind its tenant's last, whichever is higher. So a tenant has one entry at a tag, but for what was handed
--      back, which stands at the front; none saves up by being idle; and who comes new waits for one entry of each other tenant.
--      `tags:<priority>|<ready:queue or line:limit>` has the next tag of each tenant that is ahead of the lowest, and lasts as long as who waits.
--      What has a moment has the share of one more tenant, ''.
--  11. `tenants` counts the open runs of each tenant that has any, but for those that an earlier runtime made: they have no `shared`.
--  12. An open run stands in `open:<its plan>`, and no other one does; every plan that ever had one is in `versions`.

local ARGV, call, prefix, now, DUE, STATS
local AT_ONCE = 64 -- entries that one script touches, at most
local LAYOUT = 2 -- of all that a run keeps; a run of a later one is left alone
local EVENTS = 4096 -- entries of a run's stream, about
local TURN = 30000 -- how long a turn waits for a worker before it is looked after, ms
local TAGS = 1000000000000 -- tags are below it, moments above
local FOREVER = 60000 -- the longest wait between two rings of one bell, ms
local HOUR = 3600000

local OPEN = { QUEUED = true, RUNNING = true, WAITING = true, PAUSED = true, CANCELLING = true, COMPENSATING = true }
local RUNS = { none = true, lost = true } -- verdicts with which an attempt is made
local PARTS = { '', ':acts', ':vals', ':events', ':audit', ':undo', ':owed', ':rerun' } -- keys of a run that end with it
local PENDING = { READY = true, RUNNING = true, RETRY_WAIT = true, SUSPENDED = true }

local rings -- bells that the caller sends
local runs_ended -- runs with a trace that this script ended, which the caller is told of
local touched -- queues whose bells are looked at before the script ends
local moved -- limits whose lines are looked at before the script claims, and before it ends
local groups_left -- groups that are looked at before the script ends
local written -- values that this call keeps: run → where each stands → its text
local runs -- runs loaded by this script; written back once, by finish()

local function enter(keys, args)
  ARGV, call, prefix = args, cjson.decode(args[1]), keys[1]
  local clock = redis.call('TIME')
  now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  DUE, STATS = prefix .. 'due', prefix .. 'stats'
  rings, runs_ended, touched, moved, groups_left, written, runs = {}, {}, {}, {}, {}, {}, {}
end

local function key_of(run, part)
  return prefix .. 'run:' .. run .. (part or '')
end

local function split(member)
  local run, path = string.match(member, '^([^|]*)|(.*)$')
  return run, path
end

-- The stage of an activation: `summaries[17]/page` -> `summaries/page`.
local function stage_of(path)
  return (string.gsub(path, '%[%d+%]', ''))
end

-- The region around an activation, and the item that it belongs to; nil outside of any.
local function item_of(path)
  return string.match(path, '^(.*)%[(%d+)%]/')
end

-- Keep an open run where those are counted that are in its state, the oldest first; `was` is the state that it leaves, if any.
local function stand(r, was)
  if was then
    redis.call('ZREM', prefix .. 'state:' .. was, r.id)
  end
  if OPEN[r.state] then
    redis.call('ZADD', prefix .. 'state:' .. r.state, r.created, r.id)
  end
end

-- Whether what an activation does counts: in a run that takes back what it did, what compensates alone.
local function counts(r, path)
  return OPEN[r.state] and (r.state ~= 'COMPENSATING' or string.find(path, '/compensate', 1, true) ~= nil)
end

local function each_of(run, owner)
  return key_of(run, ':each:' .. owner)
end

local function event(run, name, path, data)
  local key = key_of(run, ':events')
  if path then
    redis.call('XADD', key, 'MAXLEN', '~', EVENTS, '*', 'type', name, 'path', path, 'data', data or '')
  else
    redis.call('XADD', key, 'MAXLEN', '~', EVENTS, '*', 'type', name, 'data', data or '')
  end
end

-- A run; nil where there is none. One of a later layout is an error, or with `lenient` nil and true.
local function load(run, lenient)
  local found = runs[run]
  if found then
    return found
  end
  local f = redis.call('HMGET', key_of(run), 'state', 'open', 'running', 'tenant', 'created', 'deadline', 'retention', 'asleep', 'layout', 'group', 'shared', 'epoch', 'trace')
  if not f[1] then
    return nil
  end
  if f[9] and tonumber(f[9]) > LAYOUT then
    if lenient then
      return nil, true
    end
    error({ err = 'LAYOUT ' .. f[9] .. ' of run ' .. run })
  end
  found = {
    id = run, state = f[1], open = tonumber(f[2]), running = tonumber(f[3]), tenant = f[4], created = f[5],
    deadline = tonumber(f[6]), retention = tonumber(f[7]), asleep = tonumber(f[8] or '0'),
    group = f[10] or nil, is_counted = f[11] and true, shared = f[11] == '1', epoch = f[12], trace = f[13] or nil,
  }
  found.was = { found.state, found.open, found.running, found.asleep }
  runs[run] = found
  return found
end

-- Put a run among the open ones of its plan, by age, or take it out.
local function list_open(r)
  local plan = redis.call('HGET', key_of(r.id), 'plan')
  if OPEN[r.state] then
    redis.call('ZADD', prefix .. 'open:' .. plan, r.created, r.id)
    redis.call('SADD', prefix .. 'versions', plan)
  else
    redis.call('ZREM', prefix .. 'open:' .. plan, r.id)
  end
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

-- Count an activation in or out; answers how many are open in its item (nil outside of any).
local function count(r, path, by)
  r.open = r.open + by
  local owner, index = item_of(path)
  return owner and redis.call('HINCRBY', each_of(r.id, owner), 'o' .. index, by)
end

-- How far the stage of an activation inside a region has come in all items, for those who look.
local function tally(run, path, what, by)
  if item_of(path) then
    redis.call('HINCRBY', key_of(run), 'stage|' .. stage_of(path) .. '|' .. what, by)
  end
end

-- An activation came to its end: counted for the metrics, and in an item for those who look. Of a node that did not end as its stage
-- did: one more of the one, one less of the other.
local function tally_end(run, path, state)
  redis.call('HINCRBY', STATS, 'ends|' .. stage_of(path) .. '|' .. state, 1)
  tally(run, path, state, 1)
  local keys = call.other and { STATS, item_of(path) and key_of(run) } or {}
  for at, key in ipairs(keys) do
    local of = at == 1 and '|' .. stage_of(path) or '' -- another plan may put the node into another stage
    for _, node in ipairs(call.other) do
      local id, how = node[1], node[2]
      redis.call('HINCRBY', key, 'node|' .. id .. '|' .. state .. of, -1)
      if how ~= '' then
        redis.call('HINCRBY', key, 'node|' .. id .. '|' .. how .. of, 1)
      end
    end
  end
end

-- What an event says of an attempt; `more` is JSON text under the key `name`.
local function noted(rec, name, more)
  if not more then
    return '{"attempt":' .. rec.a .. '}'
  end
  return '{"attempt":' .. rec.a .. ',"' .. name .. '":' .. more .. '}'
end
