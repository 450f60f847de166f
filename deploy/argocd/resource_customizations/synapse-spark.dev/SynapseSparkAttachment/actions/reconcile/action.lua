local os = require("os")

if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
-- Any new value requests a reconcile; the operator copies it to status.lastHandledReconcileAt.
obj.metadata.annotations["synapse-spark.dev/reconcile-requested-at"] = os.date("!%Y-%m-%dT%XZ")

return obj
