//! A cluster of a Machine Learning workspace (`AmlCompute`), which here never has nodes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::timestamp;

/// The inner `properties` of its GET: those that were asked for, and those that the service adds (SPEC). SDK v1 requires them (SDK).
pub(super) fn shown(now: Timestamp, asked: Value) -> Value {
    let mut all = json!({
        "osType": "Linux",
        "vmPriority": "Dedicated",
        "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"},
        "subnet": null,
        "remoteLoginPortPublicAccess": "NotSpecified",
        "allocationState": "Steady",
        "allocationStateTransitionTime": timestamp(now),
        "errors": null,
        "currentNodeCount": 0,
        "targetNodeCount": 0,
        "nodeStateCounts": {
            "idleNodeCount": 0,
            "runningNodeCount": 0,
            "preparingNodeCount": 0,
            "unusableNodeCount": 0,
            "leavingNodeCount": 0,
            "preemptedNodeCount": 0,
        },
    });
    if let (Some(all), Value::Object(asked)) = (all.as_object_mut(), asked) {
        all.extend(asked);
    }
    all
}
