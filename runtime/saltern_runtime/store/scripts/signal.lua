-- signal: an answer from outside comes for an activation that waits for one, or that may yet.
--
-- @call run, path, nonce, early, bells, ring
-- Early says that the answer is kept for an activation that does not wait yet. ARGV[2] is the answer's text.
-- Answers: ok, known with the first answer's text, unasked, late, missing; bells; the text.
-- Sent twice: ok again, by the nonce. Invariants: the first answer is the only one; none is kept that no one will read.

local r = load(call.run)
if not r then
  return { 'missing', '', '' }
end
local vals, place = key_of(r.id, ':vals'), answer_of(call.path)
local first = redis.call('HGET', vals, place)
if first then
  local nonce, text = string.match(first, '^(%x+)|(.*)$')
  return { nonce == call.nonce and 'ok' or 'known', '', text }
end

-- Whether an item around the activation is over, or its region.
local function is_over()
  local owner, index = item_of(call.path)
  while owner do
    if redis.call('HEXISTS', each_of(r.id, owner), 'o' .. index) == 1 then
      return false
    end
    local rec = record(r.id, owner)
    if rec and (not PENDING[rec.s] or (rec.c and tonumber(index) < rec.c.i)) then
      return true
    end
    owner, index = item_of(owner)
  end
  return false
end

local rec = record(r.id, call.path)
local waits = rec and rec.s == 'SUSPENDED' and rec.h
if not counts(r, call.path) or r.state == 'CANCELLING' or (rec and (not PENDING[rec.s] or rec.v == 'woken')) or is_over() then
  return { 'late', '', '' }
end
if not waits and not call.early then
  return { 'unasked', '', '' }
end
redis.call('HSET', vals, place, call.nonce .. '|' .. ARGV[2])
event(call.run, 'stage.answered', call.path)
if waits then
  wake(r, call.path, rec, 'answered')
end
return { 'ok', finish(), '' }
