local os = require("os")

if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
-- Any new value asks for a look at once; status.lastHandledReconcileAt echoes it.
obj.metadata.annotations["synapse-spark.dev/reconcile-requested-at"] = os.date("!%Y-%m-%dT%XZ")

return obj
