-- extend: keep a claim for one more lease.
--
-- @call run, path, nonce, lease
-- Answers: ok; ended (the run is over or being cancelled: stop if you can); stale (the claim is
-- another's, or none's any more). Sent twice: extends to the same moment or later.
-- Invariant: a lease never reaches further past the attempt's hard deadline than one lease.

local r = load(call.run)
local rec = record(call.run, call.path)
if not r or not rec then
  return { 'ended', '' }
end
local holds = rec.s == 'RUNNING' and rec.n == call.nonce
if holds and counts(r, call.path) then
  redis.call('ZADD', DUE, math.min(now + call.lease, rec.u + call.lease), 'a|' .. call.run .. '|' .. call.path)
  if rec.g then
    rec.g = nil
    keep(call.run, call.path, rec)
  end
end
if not counts(r, call.path) or r.state == 'CANCELLING' then
  return { 'ended', '' }
end
return { holds and 'ok' or 'stale', '' }
