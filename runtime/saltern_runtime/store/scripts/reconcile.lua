-- reconcile: after the server came back with another run id, put back what invariants 1, 2, 8 and 12 say must be there.
--
-- @call run, cursor, bells, ring
-- At most about 64 activations at a time; answers the next cursor ('0' at the end), bells.
-- Sent twice: adds nothing twice. Invariant: it adds timers, places in queues and bells, and lists what is open, and changes no state.

local r = load(call.run)
if not r or not OPEN[r.state] then
  return { '0', '' }
end
list_open(r)
redis.call('ZADD', DUE, 'NX', r.deadline, 'r|' .. call.run)
local left = put_back(r, call.cursor)
for queue in pairs(touched) do -- the broker may have lost the messages of rung slots: let the timers ring them now
  for slot = 1, call.bells do
    redis.call('ZADD', DUE, 'XX', now, 'b|' .. queue .. '|' .. slot)
  end
end
return { left, finish() }
