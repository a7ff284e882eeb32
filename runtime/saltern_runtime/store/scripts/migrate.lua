-- migrate: an open run of which nothing runs goes on with another plan of the same shape; whoever asks has proven that it may.
--
-- @call run, tenant?, nonce, audit, was, plan, before, after, bells, ring
-- Was and plan are digests, before and after what names of their queues begin with. Answers: ok; moved (it is not of the plan `was`);
-- late (over, or on its way); started (another run made it); busy (something of it runs, or is being put back); large (too much of it is
-- kept to be changed at once); older (an earlier runtime made it); missing; bells.
-- Sent twice: ok again with the first bells, by the nonce.
-- Invariant: all that a run keeps of queues is of its plan, so that no worker of another one takes a part of it.

local MOST = 512 -- activations that are changed at once

local r = load(call.run)
if not r or (call.tenant and r.tenant ~= call.tenant) then
  return { 'missing', '' }
end
local key = key_of(r.id)
local acts, undo = key_of(r.id, ':acts'), key_of(r.id, ':undo')
local names = { 'migrated', 'layout', 'plan', 'parent', 'resuming', 'reviving', 'swept' }
local was = {}
for i, value in ipairs(redis.call('HMGET', key, unpack(names))) do
  was[names[i]] = value or nil
end
local nonce, first = string.match(was.migrated or '', '^(%x+)|(.*)$')
if nonce == call.nonce then
  return { 'ok', first }
elseif not OPEN[r.state] or r.state == 'CANCELLING' or r.state == 'COMPENSATING' then
  return { 'late', '' }
elseif tonumber(was.layout or '1') < LAYOUT then
  return { 'older', '' }
elseif was.plan ~= call.was then
  return { 'moved', '' }
elseif was.parent then
  return { 'started', '' }
elseif r.running > 0 or was.resuming or was.reviving or was.swept then
  return { 'busy', '' }
elseif redis.call('HLEN', acts) + redis.call('LLEN', undo) > MOST then
  return { 'large', '' }
end

-- A queue's name begins with eight digits and a dot, and so it does in the text of a dependant.
local pattern, quoted = '"queue":"' .. string.gsub(call.before, '%.', '%%.'), '"queue":"' .. call.after
local function moved_text(text)
  return (string.gsub(text, pattern, quoted))
end
local function moved_queue(queue)
  if string.sub(queue, 1, #call.before) == call.before then
    return call.after .. string.sub(queue, #call.before + 1)
  end
  return queue
end

redis.call('ZREM', prefix .. 'open:' .. call.was, r.id)
redis.call('HSET', key, 'plan', call.plan)
list_open(r)
local entries = redis.call('HGETALL', acts)
for i = 1, #entries, 2 do
  local path, text = entries[i], entries[i + 1]
  if string.byte(text) == 123 then
    local rec = cjson.decode(text)
    local is_ready = rec.s == 'READY'
    if is_ready then
      redis.call('ZREM', prefix .. 'ready:' .. rec.q, r.id .. '|' .. path)
    end
    if is_ready and rec.j then
      leave_line(r.id .. '|' .. path, rec)
    end
    rec.q = rec.q and moved_queue(rec.q) -- what succeeded is in none
    local body = rec.c and redis.call('HGET', each_of(r.id, path), 'e')
    if body then
      redis.call('HSET', each_of(r.id, path), 'e', moved_text(body))
    end
    if is_ready then
      make_ready(r, path, rec)
    end
    keep(r.id, path, rec)
  end
end
local waiting = redis.call('HGET', key, 'entries') -- it has not begun: it stands behind in its group
if waiting then
  redis.call('HSET', key, 'entries', moved_text(waiting))
end
for i, entry in ipairs(redis.call('LRANGE', undo, 0, -1)) do
  redis.call('LSET', undo, i - 1, moved_text(entry))
end
audit(r.id, 'run.migrated')
local bells = finish()
redis.call('HSET', key, 'migrated', call.nonce .. '|' .. bells)
return { 'ok', bells }
