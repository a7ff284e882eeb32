-- stop: a node ends its run: at once, whatever else of it is open.
--
-- @call run, path, nonce, state, failure?, durations, other?, claim?, lease, bells, ring
-- The state is FAILED or SUCCEEDED, the failure JSON text; other as in advance; ARGV[2] is what the run returns, '' for nothing.
-- Answers and sent twice: as advance. Invariant: a run that is being cancelled stays cancelled.

local rec, r = held()
if not rec then
  return r
end
let_go(r, call.path, rec)
rec.e, rec.d = now, call.durations
if r.state == 'CANCELLING' then
  cancel_one(r, call.path, rec)
else
  r.open = r.open - 1
  rec.s = 'SUCCEEDED'
  tally_end(r.id, call.path, 'succeeded')
  event(call.run, 'stage.succeeded', call.path, noted(rec, 'nodes', rec.d))
  keep(r.id, call.path, rec)
  if ARGV[2] ~= '' then
    redis.call('HSET', key_of(r.id, ':vals'), 'return', ARGV[2])
  end
  redis.call('HSET', key_of(r.id), 'stopped', call.path)
  close(r, call.state, call.failure)
end

touched[rec.q] = true
local claimed = call.claim and claim(rec.q, call.claim) or nil
local bells = finish()
remember(rec, claimed, bells)
return reply('ok', bells, claimed)
