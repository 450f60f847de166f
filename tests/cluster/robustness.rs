//! What a lost answer, a late write, an answer that cannot be read and a wrong clock must not do: leak a compute, or say Ready
//! when it is not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{OWNER_TAG, World};

/// An attachment whose first PUT was carried out and not answered, and that is Ready by now.
fn ready_after_a_lost_answer(world: &World, name: &str, more: &[&str]) {
    world.fault("PUT", name, &json!({"lostAnswer": true, "times": 1}));
    world.apply(name, "one", more);
    world.ready(name);
}

fn status(world: &World, name: &str) -> Value {
    world.object(name).map(|object| object["status"].clone()).unwrap_or_default()
}

#[test]
fn a_tag_removed_from_the_spec_is_removed_from_azure_even_after_a_lost_answer() {
    let world = World::new("losttag");
    ready_after_a_lost_answer(&world, "nightly", &["tags: {team: data, old: gone}"]);
    world.patch("nightly", &json!({"spec": {"tags": {"old": null}}}));
    world.until("the tag leaves Azure", || {
        let tags = world.compute("nightly")?["tags"].clone();
        (tags["old"] == json!(null) && tags["team"] == "data").then_some(())
    });
}

#[test]
fn a_compute_that_lost_its_owner_tag_after_a_lost_answer_is_detached() {
    let world = World::new("loststrip");
    for policy in ["Never", "IfSamePool", "Always"] {
        let name = format!("a{}", policy.to_lowercase());
        ready_after_a_lost_answer(&world, &name, &[&format!("adoptionPolicy: {policy}")]);
        world.change_compute(&name, &json!({"tags": {OWNER_TAG: null}}));
        world.delete(&name);
        world.gone(&name);
        assert_eq!(world.compute(&name), None, "{policy}");
    }
}

#[test]
fn an_object_deleted_while_its_put_is_unanswered_waits_and_detaches() {
    let world = World::new("late");
    for (name, effect) in [
        ("closed", json!({"processAfter": "6s", "times": 1})),
        ("gateway", json!({"processAfter": "6s", "status": 504, "times": 1})),
    ] {
        world.fault("PUT", name, &effect);
        world.apply(name, "one", &[]);
        world.until("the write intent is stored", || (status(&world, name)["operation"]["pending"] == true).then_some(()));
        world.delete(name);
        world.ready_shows(name, "False", "WaitingForWrite");
        world.gone(name);
        assert_eq!(world.compute(name), None, "{name}");
        assert!(world.writes(name).contains(&"DELETE".to_owned()), "{name}: {:?}", world.writes(name));
    }
}

#[test]
fn an_object_deleted_before_its_owner_tag_shows_is_detached() {
    let world = World::alone("tags", Duration::from_secs(5));
    world.azure().control("PATCH", "settings", Some(&json!({"tagsVisibleAtEnd": true})));
    for policy in ["Never", "IfSamePool"] {
        let name = format!("a{}", policy.to_lowercase());
        world.apply(&name, "one", &[&format!("adoptionPolicy: {policy}")]);
        world.until("the compute shows", || world.compute(&name).map(drop));
        world.delete(&name);
        world.gone(&name);
        assert_eq!(world.compute(&name), None, "{policy}");
        assert_eq!(world.writes(&name), ["PUT", "DELETE"], "{policy}");
    }
}

#[test]
fn a_pool_that_cannot_be_read_is_never_a_reason_to_detach() {
    let world = World::new("nullpool");
    for (name, text) in [("missing", json!(null)), ("odd", json!("not-an-id"))] {
        world.apply(name, "one", &["replacePolicy: Recreate"]);
        world.ready(name);
        world.change_compute(name, &json!({"properties": {"resourceId": text}}));
        world.request_reconcile(name);
        let message = world.stalled(name, "StateUnreadable");
        assert!(message.contains("resourceId"), "{message}");
        world.change_compute(name, &json!({"properties": {"resourceId": world.pool("one")}}));
        world.request_reconcile(name);
        world.ready(name);
        assert_eq!(world.writes(name), ["PUT"], "{name}");
    }
}

#[test]
fn two_404_within_milliseconds_do_not_release_an_object() {
    let world = World::new("false404");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let absent = json!({"status": 404, "code": "ResourceNotFound", "message": "not found", "times": 2});
    world.fault("GET", "nightly", &absent);
    world.delete("nightly");
    world.gone("nightly");
    assert_eq!(world.compute("nightly"), None, "the compute is detached, not left behind");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE"]);
}

#[test]
fn an_identity_whose_id_cannot_be_parsed_is_shown_and_then_removed() {
    let world = World::new("oddid");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let id = format!(
        "/subscriptions/{}/resourceGroups/größe/providers/Microsoft.ManagedIdentity/userAssignedIdentities/foreign",
        world.subscription
    );
    world.change_compute("nightly", &json!({"identity": {"type": "UserAssigned", "userAssignedIdentities": {&id: {}}}}));
    world.request_reconcile("nightly");
    world.event("nightly", "Updating", "größe");
    world.until("the identity is removed", || {
        let kind = world.compute("nightly")?["identity"]["type"].clone();
        (kind == "None" || kind == json!(null)).then_some(())
    });
    world.ready("nightly");
}

#[test]
fn a_failed_detach_is_retried_regardless_of_observations_in_between() {
    let world = World::new("retry");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.fault("DELETE", "nightly", &json!({"failOperation": {"code": "InternalServerError", "message": "m"}, "times": 1}));
    world.delete("nightly");
    world.stalled("nightly", "DetachFailed");
    world.fault("GET", "nightly", &json!({"status": 503, "code": "ServiceUnavailable", "message": "m", "times": 2}));
    world.gone("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "DELETE", "DELETE"]);
}

#[test]
fn an_object_deleted_while_its_put_is_unanswered_is_detached_even_after_sigkill() {
    let world = World::alone("latekill", Duration::ZERO);
    // Without the write intent, a new process would be certain by now that the compute is absent.
    world.fault("PUT", "nightly", &json!({"processAfter": "25s", "times": 1}));
    world.apply("nightly", "one", &[]);
    world.until("the write intent is stored", || (status(&world, "nightly")["operation"]["pending"] == true).then_some(()));
    world.delete("nightly");
    world.ready_shows("nightly", "False", "WaitingForWrite");
    world.operator().kill();
    assert_eq!(world.compute("nightly"), None, "the PUT is still to be carried out");
    world.restart();
    world.until("the PUT is carried out", || world.compute("nightly").map(drop));
    world.gone("nightly");
    assert_eq!(world.compute("nightly"), None);
    assert!(world.writes("nightly").contains(&"DELETE".to_owned()), "{:?}", world.writes("nightly"));
}

/// Ends the operator, puts the times of the status a day ahead, as it would have written them on a node whose clock is wrong,
/// and starts another one.
fn restart_with_times_a_day_ahead(world: &World, name: &str) {
    world.operator().kill();
    let tomorrow = jiff::Timestamp::now().checked_add(Duration::from_hours(24)).expect("a time");
    let tomorrow = json!(jiff::Timestamp::from_second(tomorrow.as_second()).expect("a time").to_string());
    let mut ahead = world.object(name).expect("it exists");
    ahead["metadata"] = json!({"name": name, "namespace": world.namespace});
    ahead.as_object_mut().expect("an object").remove("spec");
    let status = &mut ahead["status"];
    for (part, time) in [("failure", "since"), ("failure", "lastAttempt"), ("operation", "startedAt")] {
        if status[part].is_object() {
            status[part][time] = tomorrow.clone();
        }
    }
    for condition in status["conditions"].as_array_mut().expect("conditions") {
        condition["lastTransitionTime"] = tomorrow.clone();
    }
    let manager = "--field-manager=synapse-spark-operator";
    let apply = ["apply", "--server-side", "--force-conflicts", "--subresource=status", manager, "-f", "-"];
    world.plane().kubectl(&apply, &ahead.to_string()).expect("the status is written");
    world.restart();
}

#[test]
fn times_a_day_ahead_do_not_stop_retries() {
    let world = World::alone("clock", Duration::ZERO);
    let failure = json!({"failOperation": {"code": "InternalServerError", "message": "m"}, "times": 1});
    world.fault("PUT", "nightly", &failure);
    world.apply("nightly", "one", &[]);
    world.stalled("nightly", "AttachFailed");
    restart_with_times_a_day_ahead(&world, "nightly");
    world.ready("nightly");
    assert_eq!(world.writes("nightly"), ["PUT", "PUT"]);
}

#[test]
fn times_a_day_ahead_do_not_make_the_operator_poll_each_second() {
    let world = World::alone("clockpoll", Duration::from_secs(15));
    world.apply("nightly", "one", &[]);
    world.wait("nightly", "jsonpath={.status.operation.kind}=Attach");
    world.until("the PUT is accepted", || (status(&world, "nightly")["operation"]["pending"] != true).then_some(()));
    restart_with_times_a_day_ahead(&world, "nightly");
    let before = world.observations("nightly");
    world.ready("nightly");
    let observations = world.observations("nightly") - before;
    // After 1, 2 and 4 s, and then every five seconds.
    assert!(observations <= 6, "{observations} GETs in at most 15 seconds");
    assert_eq!(world.writes("nightly"), ["PUT"]);
}

#[test]
fn a_reconcile_request_is_kept_while_azure_does_not_answer() {
    let world = World::new("request");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.fault("GET", "nightly", &json!({"status": 503, "code": "ServiceUnavailable", "message": "m", "times": 3}));
    world.kubectl(&["annotate", "--overwrite", "ssa", "nightly", "synapse-spark.dev/reconcile-requested-at=first"]);
    world.ready_shows("nightly", "True", "AzureUnavailable");
    assert_ne!(status(&world, "nightly")["lastHandledReconcileAt"], "first", "nothing was answered yet");
    world.until("the request is handled once Azure answers", || {
        (status(&world, "nightly")["lastHandledReconcileAt"] == "first").then_some(())
    });
}

/// `kubectl patch` of the status.
fn edit_status(world: &World, name: &str, status: &Value) {
    let patch = json!({"status": status}).to_string();
    world.kubectl(&["patch", "ssa", name, "--subresource=status", "--type=merge", "--patch", &patch]);
}

#[test]
fn a_status_field_that_a_user_added_is_removed() {
    let world = World::new("edited");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let at = "2027-01-01T00:00:00Z";
    edit_status(&world, "nightly", &json!({"failure": {"since": at, "lastAttempt": at, "step": "Put"}}));
    world.until("the field is gone", || status(&world, "nightly")["failure"].is_null().then_some(()));
    world.ready("nightly");
}

#[test]
fn a_status_field_that_a_user_changed_does_not_block_the_next_status() {
    let world = World::new("changed");
    world.fault("PUT", "nightly", &json!({"status": 403, "code": "AuthorizationFailed", "times": 1}));
    world.apply("nightly", "one", &[]);
    world.stalled("nightly", "AuthorizationFailed");
    // From now on kubectl owns `step`. Without the other two fields, which the operator removes, it is not valid.
    edit_status(&world, "nightly", &json!({"failure": {"step": "Detach"}}));
    world.request_reconcile("nightly");
    world.ready("nightly");
    assert!(status(&world, "nightly")["failure"].is_null());
}
