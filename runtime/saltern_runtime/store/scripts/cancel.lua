-- cancel: end a run early. At once where nothing of it is RUNNING; else the last RUNNING activation closes it.
--
-- @call run, tenant?, failure, audit?, bells, ring
-- The failure is JSON text, the audit too, where a person cancels it. Answers: the state that the run is in now, or missing.
-- Sent twice: the same state again. Invariant: a terminal run stays as it is.

local r = load(call.run)
if not r or (call.tenant and r.tenant ~= call.tenant) then
  return { 'missing', '' }
end
if cancel_run(r, call.failure) and call.audit then
  note(call.run)
end
local bells = finish()
return { r.state, bells }
