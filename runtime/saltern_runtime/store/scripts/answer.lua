-- answer: answer a bell and claim what is most urgent in its queue, in one.
--
-- @call queue, slot, serial, claim, lease, bells, ring
-- The claim is the nonce of the one to make.
-- Answers: ok with a claim, ok without (nothing was ready), or stale (this ring was answered before, or taken back).
-- Sent twice: the slot remembers the nonce and the claim of its last answer. A stale one may be counted twice.
-- Invariant: a slot is rung or idle; answering makes it idle before the bells are topped up again.

local key = prefix .. 'bells:' .. call.queue
local rung = redis.call('HGET', key, 'rung:' .. call.slot)
if not rung or string.match(rung, '^%d+') ~= tostring(call.serial) then
  local last = redis.call('HGET', key, 'answered:' .. call.slot)
  last = last and cjson.decode(last)
  if last and last.nonce == call.claim then
    return reply('ok', last.rings, claimed_again(last.next, call.claim))
  end
  redis.call('HINCRBY', STATS, 'vain', 1)
  return { 'stale', '' }
end
redis.call('HDEL', key, 'rung:' .. call.slot)
redis.call('HINCRBY', key, 'out', -1)
redis.call('ZREM', DUE, 'b|' .. call.queue .. '|' .. call.slot)

local claimed = claim(call.queue, call.claim)
if not claimed then
  redis.call('HINCRBY', STATS, 'vain', 1)
end
local bells = finish()
redis.call('HSET', key, 'answered:' .. call.slot, cjson.encode({ nonce = call.claim, next = pointer_of(claimed), rings = bells }))
return reply('ok', bells, claimed)
