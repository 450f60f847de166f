-- The status is in kstatus format: the condition Ready is always there,
-- Reconciling and Stalled only while they are true, never both.
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
-- What is said of an older spec says nothing of this one.
local observed = ready ~= nil and status.observedGeneration == obj.metadata.generation
local said = ""
if observed then
  said = ready.reason .. ": " .. (ready.message or "")
end

-- Argo CD before 3.6 does not ask about an object that is being deleted.
if obj.metadata.deletionTimestamp ~= nil then
  if not observed then
    said = "waits for the operator to detach the compute"
  end
  return { status = "Progressing", deletionMessage = said }
end

if not observed then
  local generation = tostring(obj.metadata.generation)
  return { status = "Progressing", message = "waits for the operator to look at generation " .. generation }
end
if is("Stalled") then
  return { status = "Degraded", message = said }
end
if is("Reconciling") then
  return { status = "Progressing", message = said }
end
if obj.spec.suspend then
  return { status = "Suspended", message = said }
end
if is("Ready") then
  return { status = "Healthy", message = said }
end
return { status = "Progressing", message = said }
