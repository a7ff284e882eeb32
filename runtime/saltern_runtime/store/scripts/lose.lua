-- lose: what a race has decided need not go on: regions that have not ended are failed, wherever they have come to.
--
-- @call run, path, nonce, losers, failure, bells, ring
-- Losers are the paths of their owners, at most 64; the failure is JSON text. Answers: ok, stale, ended, gone; bells.
-- Sent twice: does nothing more. Invariant: what has not opened yet learns of it when it does (open.lua).

local rec, r = held()
if not rec then
  return r
end
for _, path in ipairs(call.losers) do
  local loser = record(r.id, path)
  if not loser or (PENDING[loser.s] and not loser.c) then -- it has not opened yet
    redis.call('HSET', key_of(r.id), 'lost|' .. path, call.failure)
  end
  fail_each(r, path, call.failure)
end
return { 'ok', finish() }
