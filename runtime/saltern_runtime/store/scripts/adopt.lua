-- adopt: note a run that a stage is about to make, and that is cancelled with its own.
--
-- @call run, path, nonce, child
-- Answers: ok, stale, ended, gone. Sent twice: notes it once.
-- Invariant: a run is noted before it is made, so that none escapes: while a run that is being cancelled, or was, has noted ones,
-- `p|<run>` is in `due`, and the timers cancel them. The note outlives the run: what is late must find it.

local rec, r = held()
if not rec then
  return r
end
local key = key_of(r.id, ':linked')
redis.call('SADD', key, call.child)
redis.call('PEXPIRE', key, math.max(r.deadline - now, 0) + r.retention + HOUR)
if r.state == 'CANCELLING' then
  redis.call('ZADD', DUE, now, 'p|' .. r.id)
end
return { 'ok', '' }
