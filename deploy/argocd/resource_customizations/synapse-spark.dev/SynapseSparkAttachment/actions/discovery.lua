local suspended = obj.spec.suspend == true

return {
  ["reconcile"] = { ["disabled"] = false, ["iconClass"] = "fa fa-fw fa-redo" },
  ["suspend"] = { ["disabled"] = suspended, ["iconClass"] = "fa fa-fw fa-pause" },
  ["resume"] = { ["disabled"] = not suspended, ["iconClass"] = "fa fa-fw fa-play" }
}
