-- suspend: a wait begins: the activation sleeps until a moment, then it is READY with the verdict `woken`; where it asks for an
-- answer from outside, with `answered` as soon as that is there (signal.lua).
--
-- @call run, path, nonce, delay?, till?, asks?, durations, taken, claim?, lease, bells, ring
-- Delay is ms from now, till Unix ms (neither: until the run ends); asks, durations and taken are JSON texts. ARGV[2..]: node id, value, … of the stage's other nodes.
-- Answers and sent twice: as advance. Invariant: a moment that has passed wakes at once; none is later than the run's end.

local rec, r = held()
if not rec then
  return r
end
let_go(r, call.path, rec)
if r.state == 'CANCELLING' then
  cancel_one(r, call.path, rec)
else
  keep_values(call.run)
  rec.d, rec.k = call.durations, call.taken
  rec.z = math.min(call.till or now + (call.delay or r.deadline), r.deadline + 1)
  rec.h = call.asks
  suspend(r, call.path, rec, rec.z)
  if rec.h then
    event(call.run, 'stage.asked', call.path, noted(rec, 'asks', rec.h))
  else
    event(call.run, 'stage.suspended', call.path, noted(rec, 'until', string.format('%.3f', rec.z / 1000)))
  end
  if rec.h and redis.call('HEXISTS', key_of(r.id, ':vals'), answer_of(call.path)) == 1 then
    wake(r, call.path, rec, 'answered')
  elseif rec.z <= now then
    wake(r, call.path, rec, 'woken')
  else
    keep(r.id, call.path, rec)
  end
end

touched[rec.q] = true
local claimed = call.claim and rec.s ~= 'READY' and claim(rec.q, call.claim) or nil
local bells = finish()
remember(rec, claimed, bells)
return reply('ok', bells, claimed)
