//! Many computes of a workspace go missing at once.

use serde_json::json;

use crate::plugin::{has, synapse};
use crate::support::World;

/// More than ten, and more than a fifth of all.
const MISSING: usize = 11;
const ALL: usize = 13;

fn name(number: usize) -> String {
    format!("pool{number}x")
}

/// Attachments of one workspace that were Ready, and of which eleven are missing now.
fn stopped(test: &str) -> World {
    let world = World::new(test);
    (0..ALL).for_each(|number| world.apply(&name(number), "one", &[]));
    (0..ALL).for_each(|number| world.ready(&name(number)));
    (0..MISSING).for_each(|number| world.remove(&world.id(&name(number))));
    for number in 0..MISSING {
        let message = world.stalled(&name(number), "SafetyStop");
        assert!(message.contains("kubectl synapse allow-recreate"), "{message}");
    }
    world
}

#[test]
fn computes_that_are_missing_all_at_once_are_attached_again_only_when_that_is_allowed() {
    let world = stopped("stop");
    for number in 0..ALL {
        assert_eq!(world.writes(&name(number)), ["PUT"], "{number}");
    }
    let condition = world.condition(&name(0), "SafetyStop").expect("there is one");
    assert_eq!((&condition["status"], &condition["reason"]), (&json!("True"), &json!("SafetyStop")));
    let (_, out, _) = synapse(&world, &["status", &name(0)]);
    let command = format!("kubectl synapse allow-recreate {} -n {}", name(0), world.namespace);
    has(&out, &["To attach them again, allow it (kubectl synapse allow-recreate NAME, or --all", &command]);
    let (code, out, _) = synapse(&world, &["allow-recreate", &name(0)]);
    assert_eq!(code, Some(0));
    has(&out, &["pool0x: re-creation allowed"]);
    world.ready(&name(0));
    assert_eq!(world.condition(&name(0), "SafetyStop"), None);
    assert_eq!(world.writes(&name(0)), ["PUT", "PUT"]);
    assert_eq!(world.writes(&name(1)), ["PUT"], "the others wait");
    let (code, out, complaint) = synapse(&world, &["allow-recreate", "nope", &name(1), "neither"]);
    assert_eq!(code, Some(1));
    has(&out, &["pool1x: re-creation allowed"]);
    has(&complaint, &["there is no SynapseSparkAttachment nope", "there is no SynapseSparkAttachment neither"]);
    let (_, out, _) = synapse(&world, &["allow-recreate", "-l", "team=another"]);
    assert_eq!(out, format!("No attachment in namespace {} with the labels team=another has a safety stop.\n", world.namespace));
    let (_, out, _) = synapse(&world, &["allow-recreate", "--all"]);
    assert!((MISSING - 2..MISSING).contains(&out.lines().count()), "{out}");
    (0..MISSING).for_each(|number| world.ready(&name(number)));
}

#[test]
fn a_compute_that_shows_again_ends_its_safety_stop() {
    let world = stopped("stopshow");
    let owner = world.compute(&name(MISSING)).expect("it is there")["tags"]["synapse-spark-operator-owner"].clone();
    let uid =
        |number| world.object(&name(number)).expect("it is there")["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let owner = owner.as_str().expect("a tag").replace(&name(MISSING), &name(0)).replace(&uid(MISSING), &uid(0));
    world.add_compute(&name(0), "one", &json!({"tags": {"synapse-spark-operator-owner": owner}}));
    world.ready(&name(0));
    assert_eq!(world.condition(&name(0), "SafetyStop"), None);
    assert_eq!(world.writes(&name(0)), ["PUT"]);
}
