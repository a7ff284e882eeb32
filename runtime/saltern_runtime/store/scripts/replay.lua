-- replay: a run that failed, or reached its deadline, goes on from where that cut it off, with all of its time.
--
-- @call run, tenant?, nonce, audit, bells, ring
-- Answers: ok; open (or not yet swept), succeeded, cancelled (what ran then told nobody), stopped (a node ended it), undone (it took back what it had
-- done), older (an earlier runtime ended it, which kept less), missing; bells.
-- Sent twice: ok again with the first bells, by the nonce.
-- Invariants: what had succeeded stays so; effects have the keys that they had. While a part is left, `v|<run>` is in `due`, and one
-- more counts as open.

local r = load(call.run)
if not r or (call.tenant and r.tenant ~= call.tenant) then
  return { 'missing', '' }
end
local key = key_of(r.id)
local names = { 'replayed', 'layout', 'ends', 'created', 'span', 'failure', 'ended', 'cancelled' }
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
elseif r.state == 'CANCELLED' or was.cancelled then
  return { 'cancelled', '' }
elseif was.ends then
  return { 'undone', '' }
elseif tonumber(was.layout or '1') < LAYOUT then
  return { 'older', '' }
elseif was.failure and cjson.decode(was.failure).code == 'stopped' then
  return { 'stopped', '' }
end
local span = tonumber(was.span) or r.deadline - tonumber(was.created)
r.state, r.open, r.running, r.asleep, r.deadline = 'RUNNING', 1, 0, 0, now + span
redis.call(
  'HSET', key, 'deadline', r.deadline, 'span', span, 'reviving', '0',
  'shift', math.max(0, now - tonumber(was.ended))
)
redis.call('HDEL', key, 'ended', 'failure')
redis.call('HINCRBY', key, 'generation', 1)
for _, part in ipairs(PARTS) do
  redis.call('PERSIST', key_of(r.id, part))
end
redis.call('ZADD', DUE, r.deadline, 'r|' .. r.id)
redis.call('HINCRBY', STATS, 'runs|REPLAYED', 1)
audit(r.id, 'run.replayed')
revive_page(r)
local bells = finish()
redis.call('HSET', key, 'replayed', call.nonce .. '|' .. bells)
return { 'ok', bells }
