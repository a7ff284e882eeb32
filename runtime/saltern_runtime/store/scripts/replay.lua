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
local names = { 'replayed', 'layout', 'ends', 'created', 'span', 'failure', 'ended', 'cancelled', 'owes', 'reserved', 'idem' }
local was, nonce, first = known_of(r, names)
if nonce == call.nonce then
  return { 'ok', first }
elseif OPEN[r.state] or redis.call('HEXISTS', key_of(r.id), 'swept') == 1 then
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
  redis.call('HDEL', key_of(r.id), 'ended', 'owes')
else
  renew(r, was)
end
return { 'ok', go_on(r, was, 'replayed') }
