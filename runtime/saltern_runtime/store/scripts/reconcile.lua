-- reconcile: after the server came back with another run id, put back what invariants 1 and 2 say must be there.
--
-- @call run, cursor, bells, ring
-- At most about 64 activations at a time; answers the next cursor ('0' at the end), bells.
-- Sent twice: adds nothing twice. Invariant: it adds timers, places in queues and bells, and changes no state.

local r = load(call.run)
if not r or not OPEN[r.state] then
  return { '0', '' }
end
redis.call('ZADD', DUE, 'NX', r.deadline, 'r|' .. call.run)
local page = redis.call('HSCAN', key_of(call.run, ':acts'), call.cursor, 'COUNT', AT_ONCE)
for i = 1, #page[2], 2 do
  local path, text = page[2][i], page[2][i + 1]
  local rec = string.byte(text) == 123 and cjson.decode(text)
  if rec and PENDING[rec.s] and counts(r, path) then
    redis.call('ZADD', DUE, 'NX', now, 'a|' .. call.run .. '|' .. path)
    if rec.s == 'READY' and r.state ~= 'CANCELLING' then
      local member = call.run .. '|' .. path
      if is_limited(rec) and not redis.call('ZSCORE', prefix .. 'turns:' .. rec.j.n, member) then
        line_up(member, rec, score(rec))
      else
        redis.call('ZADD', prefix .. 'ready:' .. rec.q, 'NX', score(rec), member)
      end
      touched[rec.q] = true
      -- The broker may have lost the messages of rung slots: let the timers ring them now.
      for slot = 1, call.bells do
        redis.call('ZADD', DUE, 'XX', now, 'b|' .. rec.q .. '|' .. slot)
      end
    end
  end
end
return { page[1], finish() }
