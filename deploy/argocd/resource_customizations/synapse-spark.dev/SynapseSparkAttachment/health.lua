-- The status follows kstatus: the condition Ready always exists; Reconciling
-- and Stalled exist only while they are true, and never both.
-- Source: https://github.com/synapse-spark-operator/synapse-spark-operator/blob/main/docs/troubleshooting.md

local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function is(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end

local ready = conditions["Ready"]
-- A status of an older generation does not describe the current spec.
local observed = ready ~= nil and status.observedGeneration == obj.metadata.generation
local text = ""
if observed then
  text = ready.reason .. ": " .. (ready.message or "")
end

-- Argo CD before 3.6 does not call this script for an object that is being deleted.
if obj.metadata.deletionTimestamp ~= nil then
  if not observed then
    text = "Waiting for the operator to detach the compute"
  end
  return { status = "Progressing", deletionMessage = text }
end

if not observed then
  local generation = tostring(obj.metadata.generation)
  return { status = "Progressing", message = "Waiting for the operator to observe generation " .. generation }
end
if is("Stalled") then
  return { status = "Degraded", message = text }
end
if is("Reconciling") then
  return { status = "Progressing", message = text }
end
-- Nothing is in progress and nothing has failed: it is suspended, or has handed its compute over.
if obj.spec.suspend or ready.status == "False" then
  return { status = "Suspended", message = text }
end
if is("Ready") then
  return { status = "Healthy", message = text }
end
return { status = "Progressing", message = text }
