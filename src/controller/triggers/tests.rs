use std::time::Duration;

use serde_json::{Value, json};

use super::*;

fn object(name: &str, metadata: &Value) -> SynapseSparkAttachment {
    let mut object = json!({
        "apiVersion": "synapse-spark.dev/v1alpha1",
        "kind": "SynapseSparkAttachment",
        "metadata": {"name": name, "namespace": "n", "uid": "u", "generation": 1},
        "spec": {"workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "w"}},
    });
    for (key, value) in metadata.as_object().expect("a map") {
        object["metadata"][key] = value.clone();
    }
    serde_json::from_value(object).expect("an object")
}

fn key(name: &str) -> Key {
    Key::new("n", name)
}

#[test]
fn only_what_a_reconcile_reads_triggers_one() {
    #[rustfmt::skip]
    let table = [
        ("nothing",              json!({}),                                                                  false),
        ("the spec",             json!({"generation": 2}),                                                   true),
        ("our finalizer",        json!({"finalizers": ["synapse-spark.dev/detach"]}),                        false),
        ("another's finalizer",  json!({"finalizers": ["example.com/other"]}),                               false),
        ("its deletion",         json!({"deletionTimestamp": "2026-01-01T00:00:00Z"}),                       true),
        ("another object",       json!({"uid": "v"}),                                                        true),
        ("a request",            json!({"annotations": {"synapse-spark.dev/reconcile-requested-at": "1"}}),  true),
        ("a forced request",     json!({"annotations": {"synapse-spark.dev/force-requested-at": "1"}}),      true),
        ("what a deletion does", json!({"annotations": {"synapse-spark.dev/on-delete": "abandon"}}),         true),
        ("a new owner",          json!({"annotations": {"synapse-spark.dev/transfer-to": "c/n/o"}}),         true),
        ("another annotation",   json!({"annotations": {"example.com/stamp": "1"}}),                         false),
        ("a label",              json!({"labels": {"a": "b"}}),                                              false),
        ("its version",          json!({"resourceVersion": "2"}),                                            false),
    ];
    for (case, metadata, triggers) in table {
        let all = Triggers::default();
        assert!(all.seen(&key("o"), &object("o", &json!({}))), "{case}: the first sight");
        assert_eq!(all.seen(&key("o"), &object("o", &metadata)), triggers, "{case}");
        assert!(!all.seen(&key("o"), &object("o", &metadata)), "{case}: a second time");
    }
}

#[test]
fn the_finalizer_triggers_a_reconcile_when_it_goes_and_not_when_it_comes() {
    let (all, finalizer) = (Triggers::default(), json!({"finalizers": ["synapse-spark.dev/detach"]}));
    assert!(all.seen(&key("o"), &object("o", &json!({}))));
    assert!(!all.seen(&key("o"), &object("o", &finalizer)), "the reconcile that adds it goes on");
    assert!(all.seen(&key("o"), &object("o", &json!({}))), "someone removed it");
    let changed = object("o", &json!({"finalizers": ["synapse-spark.dev/detach"], "generation": 2}));
    assert!(all.seen(&key("o"), &changed), "something else changed, too");
}

#[test]
fn too_frequent_changes_are_admitted_later_whatever_triggers_the_reconcile() {
    let (all, now) = (Triggers::default(), Instant::now());
    let asked = |value: &str| object("o", &json!({"annotations": {"synapse-spark.dev/reconcile-requested-at": value}}));
    let later = |seconds| now + Duration::from_secs(seconds);
    all.seen(&key("o"), &asked("1"));
    assert_eq!(all.admit(&key("o"), &asked("1"), now), Ok(()), "the first sight");
    assert_eq!(all.admit(&key("o"), &asked("2"), now), Ok(()), "the first request");
    assert_eq!(all.admit(&key("o"), &asked("3"), later(1)), Err(later(5)));
    assert_eq!(all.admit(&key("o"), &asked("2"), later(1)), Ok(()), "nothing has changed: the operation is polled");
    assert_eq!(all.admit(&key("o"), &asked("4"), later(5)), Ok(()));
    let deleted = object("o", &json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "generation": 2}));
    assert_eq!(all.admit(&key("o"), &deleted, later(5)), Ok(()), "a deletion never waits");
}

#[test]
fn a_deleted_object_is_forgotten_and_new_when_created_again() {
    let all = Triggers::default();
    all.seen(&key("o"), &object("o", &json!({})));
    all.forget(&key("o"));
    assert_eq!(all.admit(&key("o"), &object("o", &json!({})), Instant::now()), Ok(()));
    assert!(all.0.lock().expect("no holder panics").is_empty());
    assert!(all.seen(&key("o"), &object("o", &json!({}))));
}

#[test]
fn the_cost_of_an_event_does_not_grow_with_the_number_of_objects() {
    let took = |objects: usize| {
        let all = Triggers::default();
        for number in 0..objects {
            let name = format!("o{number}");
            all.seen(&key(&name), &object(&name, &json!({})));
        }
        let events: Vec<_> = (0..100).map(|number| object("o7", &json!({"resourceVersion": number.to_string()}))).collect();
        let measure = || {
            let begun = std::time::Instant::now();
            for event in &events {
                all.seen(&key("o7"), event);
            }
            begun.elapsed()
        };
        // Other programs run on this machine, too: the fastest of many runs is the cost.
        (0..20).map(|_| measure()).min().unwrap_or_default()
    };
    let (few, many) = (took(10), took(10_000));
    assert!(many < few * 10 + Duration::from_millis(1), "100 events: {few:?} beside 10 objects, {many:?} beside 10,000");
}
