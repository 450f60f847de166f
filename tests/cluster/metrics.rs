//! The metrics of an operator that has one test's objects: exact values.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::World;

/// A world whose operator watches its namespace only: objects that earlier tests left would be in its metrics too.
#[track_caller]
fn world(operation_duration: Duration) -> World {
    let world = World::without_operator("metrics", operation_duration);
    start(&world);
    world
}

fn start(world: &World) {
    start_with(world, &[]);
}

fn start_with(world: &World, more: &[&str]) {
    let args = ["--leader-election", "false", "--watch-namespaces", &world.namespace];
    world.put_operator(world.operator_with(&[&args[..], more].concat()));
}

/// The value of a series; none if there is no such series.
fn value(world: &World, series: &str) -> Option<f64> {
    let (_, text) = world.operator().get("/metrics")?;
    let series = format!("synapse_spark_operator_{series} ");
    Some(text.lines().find_map(|line| line.strip_prefix(&series))?.parse().expect("a number"))
}

/// Waits until all series have these values: a reconcile is counted a moment after its status is written.
fn becomes(world: &World, wanted: &[(&str, f64)]) {
    for (series, wanted) in wanted {
        world.until(&format!("{series} is {wanted}"), || {
            value(world, series).filter(|value| (value - wanted).abs() < 1e-9).map(|_| ())
        });
    }
}

#[test]
fn series_start_at_zero_before_there_is_an_object() {
    let world = world(Duration::ZERO);
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
}

#[test]
fn remaining_requests_are_unknown_until_azure_reports_them() {
    let world = world(Duration::ZERO);
    let remaining = || value(&world, "azure_ratelimit_remaining{kind=\"write\"}");
    assert!(remaining().is_some_and(f64::is_nan), "Azure has not reported it yet");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    assert!(remaining().is_some_and(|remaining| remaining > 100.0), "Azure has reported it");
}

#[test]
fn attach_and_update_are_measured() {
    let world = world(Duration::ZERO);
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
            // The update is not an attach.
            ("attach_phase_duration_seconds_count{phase=\"queue\"}", 1.0),
            ("attach_phase_duration_seconds_count{phase=\"azure\"}", 1.0),
            ("attach_phase_duration_seconds_count{phase=\"role\"}", 0.0),
            ("reconcile_queue_depth", 0.0),
            ("reconciles_in_flight", 0.0),
        ],
    );
}

#[test]
fn requests_to_kubernetes_are_counted_by_verb_and_code() {
    let world = world(Duration::ZERO);
    let sent = |verb: &str, code: &str| value(&world, &format!("kubernetes_requests_total{{verb=\"{verb}\",code=\"{code}\"}}"));
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.until("a watch, status updates and reads are counted", || {
        [("WATCH", "200"), ("PATCH", "200"), ("GET", "200")]
            .into_iter()
            .all(|(verb, code)| sent(verb, code) >= Some(1.0))
            .then_some(())
    });
    assert_eq!(sent("PUT", "none"), Some(0.0), "it starts at zero");
    let measured = value(&world, "kubernetes_request_duration_seconds_count{verb=\"PATCH\"}");
    assert!(measured >= sent("PATCH", "200"), "{measured:?}");
}

#[test]
fn namespace_of_attachments_is_an_optional_label() {
    let world = World::without_operator("metrics", Duration::ZERO);
    start_with(&world, &["--metrics-namespace-label"]);
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let namespace = &world.namespace;
    becomes(
        &world,
        &[
            (&format!("attachments{{condition=\"Ready\",reason=\"Attached\",attachment_namespace=\"{namespace}\"}}"), 1.0),
            (&format!("longest_deleting_seconds{{attachment_namespace=\"{namespace}\"}}"), 0.0),
            (&format!("safety_stops{{attachment_namespace=\"{namespace}\"}}"), 0.0),
        ],
    );
    let labels = "{condition=\"Ready\",reason=\"Attached\"";
    assert_eq!(value(&world, &format!("attachments{labels}}}")), None, "no series without the label");
    let unready = format!("longest_unready_seconds{labels},attachment_namespace=\"{namespace}\"}}");
    assert_eq!(value(&world, &unready), Some(0.0));
    world.delete("nightly");
    world.gone("nightly");
    world.until("no object, no series", || value(&world, &unready).is_none().then_some(()));
}

#[test]
fn version_of_spark_whose_support_ends_is_counted_and_reported_as_early_as_asked() {
    let world = World::without_operator("metrics", Duration::ZERO);
    start_with(&world, &["--spark-version-warning", "3650"]);
    world.change_pool("one", &json!({"sparkVersion": "3.5"}));
    world.change_pool("two", &json!({"sparkVersion": "4.0"}));
    world.apply("nightly", "one", &[]);
    world.apply("weekly", "two", &[]);
    world.ready("nightly");
    world.ready("weekly");
    let available = world.condition("nightly", "PoolAvailable").expect("the pool was read");
    assert_eq!((&available["status"], &available["reason"]), (&json!("True"), &json!("SparkVersionEnding")), "{available}");
    world.event("nightly", "SparkVersionEnding", "whose support ends on 2028-10-31");
    let days = jiff::civil::date(2028, 10, 31) - Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    becomes(
        &world,
        &[
            ("spark_version_days_left{spark_version=\"3.5\"}", days.get_days().into()),
            ("spark_version_attachments{spark_version=\"3.5\"}", 1.0),
            ("spark_version_attachments{spark_version=\"other\"}", 1.0),
            ("spark_version_attachments{spark_version=\"3.4\"}", 0.0),
            ("spark_version_warning_days", 3650.0),
        ],
    );
    world.delete("nightly");
    world.gone("nightly");
    becomes(&world, &[("spark_version_attachments{spark_version=\"3.5\"}", 0.0)]);
}

#[test]
fn change_of_the_spec_is_not_counted_as_drift() {
    let world = world(Duration::ZERO);
    world.apply("nightly", "one", &["tags: {team: data, cost: '77'}"]);
    world.ready("nightly");
    world.patch("nightly", &json!({"spec": {"description": "nightly features"}}));
    world.ready("nightly");
    becomes(&world, &[("time_to_ready_seconds_count{since=\"change\"}", 1.0)]);
    becomes(&world, &[("drift_detected_total{field=\"tags\"}", 0.0), ("drift_detected_total{field=\"description\"}", 0.0)]);
}

#[test]
fn drift_is_counted_once_per_field() {
    let world = world(Duration::ZERO);
    world.apply("nightly", "one", &["tags: {team: data, cost: '77'}"]);
    world.ready("nightly");
    // Two tags are one field.
    world.change_compute("nightly", &json!({"tags": {"team": "sales", "cost": "78"}}));
    becomes(&world, &[("drift_detected_total{field=\"tags\"}", 1.0), ("drift_corrected_total{field=\"tags\"}", 1.0)]);
    world.remove(&world.id("nightly"));
    becomes(&world, &[("drift_detected_total{field=\"compute\"}", 1.0), ("drift_corrected_total{field=\"compute\"}", 1.0)]);
    becomes(&world, &[("drift_detected_total{field=\"tags\"}", 1.0), ("time_to_ready_seconds_count{since=\"creation\"}", 1.0)]);
}

#[test]
fn failed_attach_is_counted_and_its_age_is_measured() {
    let world = world(Duration::ZERO);
    world.pool_fault("missing", &json!({"status": 403, "code": "AuthorizationFailed", "times": 1000}));
    world.apply("broken", "missing", &[]);
    world.stalled("broken", "AttachFailed");
    world.until("it has not been Ready for a while", || {
        value(&world, "longest_unready_seconds{condition=\"Stalled\",reason=\"AttachFailed\"}").filter(|age| *age >= 1.0)
    });
    let failures = value(&world, "operation_duration_seconds_count{operation=\"Attach\",result=\"failure\"}");
    assert!(failures.is_some_and(|failures| failures >= 1.0), "{failures:?}");
}

#[test]
fn deleted_object_is_measured_until_it_is_removed() {
    let world = world(Duration::ZERO);
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.patch("nightly", &json!({"spec": {"suspend": true}}));
    world.delete("nightly");
    world.until("it waits", || value(&world, "longest_deleting_seconds").filter(|age| *age > 0.0));
    world.patch("nightly", &json!({"spec": {"suspend": false}}));
    world.gone("nightly");
    becomes(
        &world,
        &[
            ("operation_duration_seconds_count{operation=\"Detach\",result=\"success\"}", 1.0),
            ("operation_duration_seconds_count{operation=\"Detach\",result=\"failure\"}", 0.0),
            ("longest_deleting_seconds", 0.0),
            ("last_observation_age_seconds", 0.0),
            ("attachments{condition=\"Ready\",reason=\"Attached\"}", 0.0),
        ],
    );
}

#[test]
fn series_of_a_reason_ends_with_its_last_object() {
    let world = world(Duration::ZERO);
    let stalled = "attachments{condition=\"Stalled\",reason=\"AttachFailed\"}";
    world.pool_fault("missing", &json!({"status": 403, "code": "AuthorizationFailed", "times": 1000}));
    world.apply("broken", "missing", &[]);
    world.stalled("broken", "AttachFailed");
    becomes(&world, &[(stalled, 1.0)]);
    world.delete("broken");
    world.gone("broken");
    // The detach of a failed compute counts like any other.
    becomes(&world, &[("operation_duration_seconds_count{operation=\"Detach\",result=\"success\"}", 1.0)]);
    becomes(&world, &[("longest_deleting_seconds", 0.0)]);
    assert_eq!(value(&world, stalled), None, "no object, no series");
}

#[test]
fn restart_does_not_shorten_the_time_to_ready() {
    let world = world(Duration::from_secs(4));
    // The first status is written late, as with a long queue.
    world.fault("PUT", "nightly", &json!({"delay": "2s"}));
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "synapseRole: {name: Synapse Administrator}"]);
    becomes(&world, &[("reconciles_in_flight", 1.0)]);
    world.wait("nightly", "jsonpath={.status.operation.kind}=Attach");
    world.operator().kill();
    start(&world);
    world.ready("nightly");
    let object = world.object("nightly").expect("it is there");
    let time = |value: &Value| value.as_str().expect("a time").parse::<Timestamp>().expect("a time");
    let ready = world.condition("nightly", "Ready").expect("it is there");
    let took = time(&ready["lastTransitionTime"]).duration_since(time(&object["metadata"]["creationTimestamp"])).as_secs_f64();
    becomes(&world, &[("time_to_ready_seconds_count{since=\"creation\"}", 1.0)]);
    let measured = value(&world, "time_to_ready_seconds_sum{since=\"creation\"}").expect("it is there");
    // Kubernetes' times have whole seconds: the metric has the fraction of the last one besides.
    assert!(took >= 4.0 && (0.0..1.001).contains(&(measured - took)), "measured {measured} s, took {took} s");
    // The operation ended before the role was assigned. The process that sent it was another one.
    becomes(
        &world,
        &[
            ("operation_duration_seconds_count{operation=\"Attach\",result=\"success\"}", 1.0),
            ("attach_phase_duration_seconds_count{phase=\"queue\"}", 0.0),
            ("attach_phase_duration_seconds_count{phase=\"azure\"}", 1.0),
            ("attach_phase_duration_seconds_count{phase=\"role\"}", 1.0),
        ],
    );
}

#[test]
fn observation_ages_while_azure_does_not_answer() {
    let world = world(Duration::ZERO);
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.fault("GET", "nightly", &json!({"reset": true, "times": 2}));
    world.ready_shows("nightly", "True", "AzureUnavailable");
    // Reconciles come more often than this.
    world.until("the observation is old", || value(&world, "last_observation_age_seconds").filter(|age| *age > 7.0));
    world.ready_shows("nightly", "True", "Attached");
    world.until("it is new again", || value(&world, "last_observation_age_seconds").filter(|age| *age < 2.0));
    assert!(value(&world, "azure_requests_total{operation=\"compute\",code=\"none\"}").is_some_and(|count| count >= 1.0));
}

#[test]
fn refusal_by_azure_counts_as_an_observation() {
    let world = world(Duration::ZERO);
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    world.fault("GET", "nightly", &json!({"status": 403, "code": "AuthorizationFailed", "message": "no", "times": 2}));
    world.stalled("nightly", "AuthorizationFailed");
    world.until("nothing is observed", || value(&world, "last_observation_age_seconds").filter(|age| *age > 3.0));
    world.request_reconcile("nightly");
    world.until("it was observed", || value(&world, "last_observation_age_seconds").filter(|age| *age < 3.0));
}
