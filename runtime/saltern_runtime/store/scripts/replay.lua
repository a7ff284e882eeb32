-- replay: a run that failed, or reached its deadline, goes on from where that cut it off, with all of its time. One that took back what
-- it had done tries again where that failed, or there was no time for it, and ends as it had.
--
-- @call run, tenant?, nonce, audit, bells, ring
-- Answers: ok; open (or not yet swept), succeeded, cancelled (what ran then told nobody), stopped (a node ended it), undone (it took
-- back all that it had done), older (an earlier runtime ended it, which kept less), missing; bells.
-- Sent twice: ok again with the first bells, by the nonce.
-- Invariants: what had succeeded stays so; effects have the keys that they had. While a part is left, `v|<run>` is in `due` (or the
-- run stands behind in its group), and one more counts as open.

local r = load(call.run)
if not r or (call.tenant and r.tenant ~= call.tenant) then
  return { 'missing', '' }
end
local key = key_of(r.id)
local names = { 'replayed', 'layout', 'ends', 'created', 'span', 'failure', 'ended', 'cancelled', 'owes', 'reserved', 'idem' }
local was = {}
for i, value in ipairs(redis.call('HMGET', key, unpack(names))) do
  was[names[i]] = value or nil
end
local nonce, first = string.match(was.replayed or '', '^(%x+)|(.*)$')
if nonce == call.nonce then
  return { 'ok', first }
elseif OPEN[r.state] or redis.call('HEXISTS', key, 'swept') == 1 then
  return { 'open', '' }
elseif r.state == 'SUCCEEDED' then
  return { 'succeeded', '' }
elseif was.ends and not was.owes then
  return { 'undone', '' }
elseif not was.ends and (r.state == 'CANCELLED' or was.cancelled) then
  return { 'cancelled', '' }
elseif tonumber(was.layout or '1') < LAYOUT then
  return { 'older', '' }
elseif not was.ends and was.failure and cjson.decode(was.failure).code == 'stopped' then
  return { 'stopped', '' }
end
if was.ends then
  local reserved = tonumber(was.reserved)
  r.state, r.deadline = 'COMPENSATING', now + (reserved > 0 and reserved or r.deadline - tonumber(was.created))
  redis.call('HDEL', key, 'ended', 'owes')
else
  local span = tonumber(was.span) or r.deadline - tonumber(was.created)
  r.state, r.deadline = 'RUNNING', now + span
  redis.call('HSET', key, 'span', span)
  redis.call('HDEL', key, 'ended', 'failure')
end
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
redis.call('HINCRBY', STATS, 'runs|REPLAYED', 1)
audit(r.id, 'run.replayed')
if r.group then -- it waits for its turn like any other
  r.state = r.state == 'RUNNING' and 'QUEUED' or r.state
  stand_behind(r)
else
  revive_page(r)
end
local bells = finish()
redis.call('HSET', key, 'replayed', call.nonce .. '|' .. bells)
return { 'ok', bells }
