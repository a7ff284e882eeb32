-- again: the next round of a region that carries a state; a worker asked whether there is one.
--
-- @call run, path, nonce, claim?, lease, bells, ring
-- ARGV[2]: the state.
-- Answers and sent twice: as advance. Invariant: one round is live at a time, and of all states only the last is kept.

local rec, r = held()
if not rec then
  return r
end
let_go(r, call.path, rec)
if r.state == 'CANCELLING' then
  cancel_one(r, call.path, rec)
else
  local key, c = each_of(r.id, call.path), rec.c
  redis.call('HDEL', key, 'y' .. string.format('%d', c.n - 1))
  redis.call('HSET', key, 'i' .. string.format('%d', c.n), ARGV[2])
  c.n = c.n + 1
  redis.call('HINCRBY', key_of(r.id), 'items|' .. stage_of(call.path) .. '|total', 1)
  suspend(r, call.path, rec, r.deadline + 1)
  refill(r, call.path, rec)
  keep(r.id, call.path, rec)
end

touched[rec.q] = true
local claimed = call.claim and claim(rec.q, call.claim) or nil
local bells = finish()
remember(rec, claimed, bells)
return reply('ok', bells, claimed)
