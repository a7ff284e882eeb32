-- release: hand a claim back at shutdown, as if it had never been made.
--
-- @call run, path, nonce, bells, ring
-- Answers: ok, stale, ended, gone. Sent twice: the record keeps the nonce.
-- Invariants: no attempt is counted; it keeps its place in the queue (priority, age), or is the first of its priority where tenants share that.

local rec, r = held()
if not rec then
  return r
end
local verdict = rec.v
let_go(r, call.path, rec)
rec.v = verdict
if RUNS[verdict or 'none'] then
  rec.a = rec.a - 1
  if rec.a == 0 then
    tally(r.id, call.path, 'begun', -1)
  end
end
if r.state == 'CANCELLING' then
  cancel_one(r, call.path, rec)
else
  make_ready(r, call.path, rec, true)
  keep(call.run, call.path, rec)
  event(call.run, 'stage.released', call.path, noted(rec))
end
local bells = finish()
remember(rec, nil, bells)
return { 'ok', bells }
