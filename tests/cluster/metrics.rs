//! What the operator tells in figures: exact, of one that nobody else asks for anything.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::support::World;

/// A world whose operator knows no other namespace: what earlier tests left would be in its figures too.
fn quiet(operation_duration: Duration) -> World {
    let world = World::alone("figures", operation_duration);
    begin(&world);
    world
}

/// Starts the operator again, after its end.
fn begin(world: &World) {
    world.operator().kill();
    let operator = world.operator_with(&["--leader-election", "false", "--watch-namespaces", &world.namespace]);
    *world.operator() = operator;
}

/// A figure of `/metrics`; none if there is no such series.
fn figure(world: &World, series: &str) -> Option<f64> {
    let (_, text) = world.operator().get("/metrics")?;
    let series = format!("synapse_spark_operator_{series} ");
    Some(text.lines().find_map(|line| line.strip_prefix(&series))?.parse().expect("a number"))
}

/// Waits until all figures are these: a pass is counted a moment after it has told.
fn becomes(world: &World, wanted: &[(&str, f64)]) {
    for (series, wanted) in wanted {
        world.until(&format!("{series} is {wanted}"), || {
            figure(world, series).filter(|figure| (figure - wanted).abs() < 1e-9).map(|_| ())
        });
    }
}

#[test]
fn a_life_in_figures() {
    let world = quiet(Duration::ZERO);
    becomes(
        &world,
        &[
            ("leader", 1.0),
            ("resync_interval_seconds", 1.0),
            ("attachments{condition=\"Ready\",reason=\"Attached\"}", 0.0),
            ("drift_detected_total{field=\"tags\"}", 0.0),
            ("last_observation_age_seconds", 0.0),
        ],
    );
    assert!(figure(&world, "azure_ratelimit_remaining{kind=\"write\"}").is_some_and(f64::is_nan), "nobody has said it yet");

    // From nothing to Ready; what the spec changes is no drift.
    world.apply("nightly", "one", &["tags: {team: data, cost: '77'}"]);
    world.ready("nightly");
    world.patch("nightly", &json!({"spec": {"description": "nightly features"}}));
    world.ready("nightly");
    becomes(
        &world,
        &[
            ("attachments{condition=\"Ready\",reason=\"Attached\"}", 1.0),
            ("longest_unready_seconds{condition=\"Ready\",reason=\"Attached\"}", 0.0),
            ("time_to_ready_seconds_count{since=\"creation\"}", 1.0),
            ("time_to_ready_seconds_count{since=\"change\"}", 1.0),
            ("operation_duration_seconds_count{operation=\"Attach\",result=\"success\"}", 1.0),
            ("operation_duration_seconds_count{operation=\"Update\",result=\"success\"}", 1.0),
            ("azure_requests_total{operation=\"put\",code=\"201\"}", 2.0),
            ("azure_token_requests_total{result=\"success\"}", 1.0),
            ("drift_detected_total{field=\"tags\"}", 0.0),
            ("drift_detected_total{field=\"description\"}", 0.0),
        ],
    );
    assert!(figure(&world, "azure_ratelimit_remaining{kind=\"write\"}").is_some_and(|left| left > 100.0), "Azure has said it");

    // Two tags are one field, and one drift, which is put right once.
    world.meddle("nightly", &json!({"tags": {"team": "sales", "cost": "78"}}));
    becomes(&world, &[("drift_detected_total{field=\"tags\"}", 1.0), ("drift_corrected_total{field=\"tags\"}", 1.0)]);
    world.remove(&world.id("nightly"));
    becomes(&world, &[("drift_detected_total{field=\"compute\"}", 1.0), ("drift_corrected_total{field=\"compute\"}", 1.0)]);
    becomes(&world, &[("drift_detected_total{field=\"tags\"}", 1.0), ("time_to_ready_seconds_count{since=\"creation\"}", 1.0)]);

    // What Azure takes and ends as failed; and what is not Ready shows for how long.
    world.pool_fault("missing", &json!({"status": 403, "code": "AuthorizationFailed", "times": 1000}));
    world.apply("broken", "missing", &[]);
    world.stalled("broken", "AttachFailed");
    world.until("it has not been Ready for a while", || {
        figure(&world, "longest_unready_seconds{condition=\"Stalled\",reason=\"AttachFailed\"}").filter(|age| *age >= 1.0)
    });
    assert!(
        figure(&world, "operation_duration_seconds_count{operation=\"Attach\",result=\"failure\"}").is_some_and(|n| n >= 1.0)
    );

    // What is deleted tells so until it is gone, and leaves no series.
    world.patch("nightly", &json!({"spec": {"suspend": true}}));
    world.delete("nightly");
    world.until("it waits", || figure(&world, "longest_deleting_seconds").filter(|age| *age > 0.0));
    world.patch("nightly", &json!({"spec": {"suspend": false}}));
    world.gone("nightly");
    world.delete("broken");
    world.gone("broken");
    becomes(
        &world,
        &[
            ("operation_duration_seconds_count{operation=\"Detach\",result=\"success\"}", 2.0),
            ("operation_duration_seconds_count{operation=\"Detach\",result=\"failure\"}", 0.0),
            ("longest_deleting_seconds", 0.0),
            ("last_observation_age_seconds", 0.0),
            ("attachments{condition=\"Ready\",reason=\"Attached\"}", 0.0),
        ],
    );
    assert_eq!(figure(&world, "attachments{condition=\"Stalled\",reason=\"AttachFailed\"}"), None, "no object, no series");
}

#[test]
fn a_restart_does_not_shorten_the_time_to_ready() {
    let world = quiet(Duration::from_secs(4));
    // The first status comes late, as where the queue is long.
    world.fault("PUT", "nightly", &json!({"delay": "2s"}));
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "synapseRole: {name: Synapse Administrator}"]);
    world.wait("nightly", "jsonpath={.status.operation.kind}=Attach");
    begin(&world);
    world.ready("nightly");
    let object = world.object("nightly").expect("it is there");
    let time = |value: &serde_json::Value| value.as_str().expect("a time").parse::<Timestamp>().expect("a time");
    let ready = world.condition("nightly", "Ready").expect("it is there");
    let took = time(&ready["lastTransitionTime"]).duration_since(time(&object["metadata"]["creationTimestamp"])).as_secs_f64();
    becomes(&world, &[("time_to_ready_seconds_count{since=\"creation\"}", 1.0)]);
    let told = figure(&world, "time_to_ready_seconds_sum{since=\"creation\"}").expect("it is there");
    // Kubernetes' times have whole seconds: what is told has the fraction of the last one besides.
    assert!(took >= 4.0 && (0.0..1.001).contains(&(told - took)), "told {told} s, took {took} s");
    // It ended before the role was granted.
    becomes(&world, &[("operation_duration_seconds_count{operation=\"Attach\",result=\"success\"}", 1.0)]);
}

#[test]
fn what_azure_does_not_tell_grows_old() {
    let world = quiet(Duration::ZERO);
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.fault("GET", "nightly", &json!({"reset": true, "times": 2}));
    world.says("nightly", "True", "AzureUnavailable");
    world.until("the look is old", || figure(&world, "last_observation_age_seconds").filter(|age| *age > 7.0)); // Passes come more often.
    world.says("nightly", "True", "Attached");
    world.until("it is new again", || figure(&world, "last_observation_age_seconds").filter(|age| *age < 2.0));
    assert!(figure(&world, "azure_requests_total{operation=\"compute\",code=\"none\"}").is_some_and(|n| n >= 1.0));

    // A refusal is an answer.
    world.fault("GET", "nightly", &json!({"status": 403, "code": "AuthorizationFailed", "message": "no", "times": 2}));
    world.stalled("nightly", "AuthorizationFailed");
    world.until("nobody asks", || figure(&world, "last_observation_age_seconds").filter(|age| *age > 3.0));
    world.ask("nightly");
    world.until("it was asked", || figure(&world, "last_observation_age_seconds").filter(|age| *age < 3.0));
}
