-- open: a region begins. Its items are there already (put_items); its owner sleeps, the first window is made READY, and the caller
-- goes on with what comes next.
--
-- @call run, path, nonce, items, most, mode, entries, body, taken, durations, carries?, within?, claim?, lease, bells, ring
-- Items is how many there are (at least 1), mode stop, continue or collect; entries and body are JSON texts with `[*]` for the
-- index (items.lua); carries says that the one item is a state, which its round hands on (again.lua), and within for how many ms; taken and durations JSON texts. ARGV[2..]: node id, value, … of the stage's other nodes.
-- Answers and sent twice: as advance. Invariant: the owner stays open, and its items are begun in their order.

local rec, r = held()
if not rec then
  return r
end
let_go(r, call.path, rec)
if r.state == 'CANCELLING' then
  cancel_one(r, call.path, rec)
else
  keep_values(call.run)
  redis.call('HSET', each_of(r.id, call.path), 'e', call.entries, 'b', call.body)
  redis.call('PERSIST', each_of(r.id, call.path)) -- until the run is over, as all of it
  redis.call('HINCRBY', key_of(r.id), 'items|' .. stage_of(call.path) .. '|total', call.items)
  rec.d, rec.k = call.durations, call.taken
  rec.c = { n = call.items, i = 0, m = call.most, e = call.mode, l = {}, w = call.carries, u = call.within and now + call.within }
  suspend(r, call.path, rec, r.deadline + 1)
  event(call.run, 'stage.opened', call.path, noted(rec, 'items', string.format('%d', call.items)))
  local lost = redis.call('HGET', key_of(r.id), 'lost|' .. call.path)
  if lost then -- the race that it was to take part in is over
    redis.call('HDEL', key_of(r.id), 'lost|' .. call.path)
    keep(r.id, call.path, rec)
    fail_each(r, call.path, lost)
    rec = record(r.id, call.path)
  else
    refill(r, call.path, rec)
    keep(r.id, call.path, rec)
  end
end

touched[rec.q] = true
local claimed = call.claim and rec.s ~= 'READY' and claim(rec.q, call.claim) or nil -- its own is not to be written over
local bells = finish()
remember(rec, claimed, bells)
return reply('ok', bells, claimed)
