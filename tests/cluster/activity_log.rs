//! Who changed a compute: the operator asks Azure's Activity Log once, after it has corrected the change.

use std::time::Duration;

use serde_json::{Value, json};

use super::plugin::synapse;
use crate::support::World;

const ANN: &str = "00000000-0000-4000-a000-0000000000aa";
/// Azure's lag, and the time after which the operator asks: minutes otherwise.
const LAG: &str = "1s";
const SETTINGS: [&str; 4] = ["--leader-election", "false", "--activity-log-delay", "3"];

fn last_drift(world: &World) -> Value {
    world.object("nightly").expect("it is there")["status"]["lastDrift"].clone()
}

/// Ann writes another value of a tag.
fn change_tag(world: &World, tag: &str) {
    let mut compute = world.compute("nightly").expect("it is there");
    compute["tags"][tag] = json!("another");
    let properties = json!({"computeType": "SynapseSpark", "resourceId": compute["properties"]["resourceId"]});
    let body = json!({"location": compute["location"], "tags": compute["tags"], "properties": properties});
    world.write_as(ANN, "PUT", "nightly", Some(&body));
    world.until("the change is observed", || (last_drift(world)["fields"] == json!([format!("tags.{tag}")])).then_some(()));
}

/// What the status shows, once the log was asked about the change.
fn answer(world: &World) -> Value {
    world.until("the Activity Log was asked", || last_drift(world).get("activityLog").cloned())
}

#[test]
fn caller_that_changed_a_compute_is_reported_once() {
    let world = World::without_operator("actlog", Duration::ZERO);
    world.azure().control("PATCH", "settings", Some(&json!({"activityLogLag": LAG})));
    let object = world.user(ANN, "ann@contoso.com");
    world.put_operator(world.operator_with(&SETTINGS));
    world.apply("nightly", "one", &["tags: {team: data, cost: '77', env: test}"]);
    world.ready("nightly");
    world.more_observations("nightly", 2);
    assert!(world.log_requests().is_empty(), "nothing is asked without a change");
    assert_eq!(last_drift(&world), Value::Null);

    // By the object ID alone.
    change_tag(&world, "team");
    let found = answer(&world);
    assert_eq!((&found["result"], &found["caller"]), (&json!("Found"), &json!(object)));
    assert_eq!((found["changedAt"].is_string(), &found["callerName"]), (true, &Value::Null));
    world.event("nightly", "ComputeChanged", &format!("tags.team changed by {object} at "));
    let version = |world: &World| world.object("nightly").expect("it is there")["metadata"]["resourceVersion"].clone();
    let stored = version(&world);
    world.more_observations("nightly", 3);
    assert_eq!(world.log_requests().len(), 1, "it is asked once: {:?}", world.log_requests());
    assert_eq!(version(&world), stored, "and nothing more is written");

    // The question survives the operator; with the setting, the answer has a name.
    change_tag(&world, "cost");
    world.operator().kill();
    assert_eq!(world.log_requests().len(), 1, "it was not asked yet");
    world.put_operator(world.operator_with(&[&SETTINGS[..], &["--activity-log-names"]].concat()));
    let found = answer(&world);
    assert_eq!((&found["caller"], &found["callerName"]), (&json!(object), &json!("ann@contoso.com")));
    world.event("nightly", "ComputeChanged", &format!("tags.cost changed by {object} (ann@contoso.com) at "));
    let (_, shown, complaint) = synapse(&world, &["status", "nightly"]);
    assert!(shown.contains(&format!("drift      tags.cost changed by {object} (ann@contoso.com) at ")), "{shown}{complaint}");

    // Without the right, that is reported once.
    world.restrict(&json!([{"scope": world.workspace(), "actions": ["Microsoft.MachineLearningServices/*"]}]));
    change_tag(&world, "env");
    assert_eq!(answer(&world), json!({"result": "NotReadable"}));
    world.more_observations("nightly", 2);
    assert_eq!(world.log_requests().len(), 3);
}
