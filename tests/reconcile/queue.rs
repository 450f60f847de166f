//! An object whose write has to wait for Azure's request limits.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::azure::{Class, Client, Kind, Object, Turn};
use synapse_spark_operator::controller::{Context, metrics, reconcile};
use synapse_spark_operator::resource_id::WorkspaceId;

use super::in_process::{Api, Azure, client, now, object};
use super::stored;

/// Puts so many more urgent writes before those of all others. Gives the client and those that have their permit already.
async fn crowd(azure: &Arc<Azure>, count: usize, registry: &mut Registry) -> (Client, Vec<Client>) {
    crowd_of((Kind::Write, Class::Deletion), azure, count, registry).await
}

/// The same, with requests of this kind and urgency.
async fn crowd_of(
    (kind, class): (Kind, Class),
    azure: &Arc<Azure>,
    count: usize,
    registry: &mut Registry,
) -> (Client, Vec<Client>) {
    let client = client(azure.clone(), registry);
    let workspace = WorkspaceId::new("s", "g", "ml").expect("an ID");
    let reserve = async |number: usize| {
        let object = Object { namespace: "crowd".into(), name: number.to_string() };
        let compute = workspace.compute(&format!("c{number}")).expect("an ID");
        let client = client.with_turn(Turn { class, object, is_resumed: false });
        client.reserve(kind, class, &compute).await
    };
    let all = futures::future::join_all((0..count).map(reserve)).await;
    (client.clone(), all.into_iter().filter_map(Result::ok).collect())
}

/// The statuses that were stored.
fn statuses(api: &Api) -> Vec<Value> {
    api.bodies(&["PATCH", "/pool/status"]).into_iter().map(|body| body["status"].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn object_that_waits_for_a_write_reads_and_records_nothing() {
    let (api, azure, mut registry) =
        (Api::with(object("team-a", "pool", &json!({}))), Arc::new(Azure::default()), Registry::default());
    let (client, _permits) = crowd(&azure, 60, &mut registry).await;
    let metrics = metrics::Metrics::new(&mut registry);
    let context = Arc::new(Context::new(api.client(), client, "cluster".into(), Duration::from_mins(5), metrics));
    for round in ["when it decides to attach", "early"] {
        reconcile(stored(&api), context.clone()).await.expect("it waits");
        assert_eq!((azure.count("GET", "pool"), azure.writes()), (1, 0), "{round}");
        assert_eq!(statuses(&api), Vec::<Value>::new(), "{round}: a short wait is not shown");
    }
    tokio::time::advance(Duration::from_secs(5)).await;
    reconcile(stored(&api), context).await.expect("its turn has come");
    assert_eq!((azure.count("GET", "pool"), azure.count("PUT", "pool")), (2, 1), "a second observation, then the write");
    assert_eq!(statuses(&api)[0]["operation"]["pending"], true, "the write intent comes first");
}

#[tokio::test(start_paused = true)]
async fn object_that_waits_for_long_shows_the_time_of_its_turn_and_no_failure() {
    let (api, azure, mut registry) =
        (Api::with(object("team-a", "pool", &json!({}))), Arc::new(Azure::default()), Registry::default());
    let (client, _permits) = crowd(&azure, 300, &mut registry).await;
    let metrics = metrics::Metrics::new(&mut registry);
    let context = Arc::new(Context::new(api.client(), client, "cluster".into(), Duration::from_mins(5), metrics));
    reconcile(stored(&api), context.clone()).await.expect("it waits");
    tokio::time::advance(Duration::from_secs(5)).await;
    for _ in 0..3 {
        reconcile(stored(&api), context.clone()).await.expect("it waits");
    }
    let shown = statuses(&api);
    assert_eq!(shown.len(), 1, "the estimate is not written again: {shown:?}");
    let status = &shown[0];
    let ready = status["conditions"].as_array().and_then(|all| all.iter().find(|one| one["type"] == "Ready")).expect("Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("Queued")), "{status}");
    let turn = status["queuedUntil"].as_str().expect("the time of its turn");
    assert!(ready["message"].as_str().is_some_and(|text| text.contains(turn)), "{status}");
    assert_eq!((&status["failure"], &status["operation"]), (&Value::Null, &Value::Null), "{status}");
    assert_eq!((azure.count("GET", "pool"), azure.writes()), (1, 0));
    let events = api.bodies(&["POST", "/events"]);
    assert!(events.iter().all(|event| event["reason"] != "Queued"), "the status shows it, and it is no news: {events:?}");
}

#[tokio::test(start_paused = true)]
async fn new_object_keeps_its_place_when_the_watch_shows_its_finalizer() {
    let mut new = object("team-a", "pool", &json!({}));
    new["metadata"]["finalizers"] = json!(null);
    let (api, azure, mut registry) = (Api::with(new), Arc::new(Azure::default()), Registry::default());
    let (client, _permits) = crowd(&azure, 60, &mut registry).await;
    let metrics = metrics::Metrics::new(&mut registry);
    let context = Arc::new(Context::new(api.client(), client, "cluster".into(), Duration::from_mins(5), metrics));
    let before = stored(&api);
    for (round, is_shown) in [("it is new", false), ("the watch lags", false), ("the watch shows it", true)] {
        let object = if is_shown { stored(&api) } else { before.clone() };
        reconcile(object, context.clone()).await.expect("it waits");
        assert_eq!((azure.count("GET", "pool"), azure.writes()), (1, 0), "{round}");
    }
    assert_eq!(stored(&api).metadata.finalizers.as_deref(), Some(&["synapse-spark.dev/detach".to_owned()][..]));
    tokio::time::advance(Duration::from_secs(5)).await;
    reconcile(stored(&api), context).await.expect("its turn has come");
    assert_eq!((azure.count("GET", "pool"), azure.count("PUT", "pool")), (2, 1), "a second observation, then the write");
}

#[tokio::test(start_paused = true)]
async fn object_that_changes_while_it_waits_is_observed_again() {
    let (api, azure, mut registry) =
        (Api::with(object("team-a", "pool", &json!({}))), Arc::new(Azure::default()), Registry::default());
    let (client, _permits) = crowd(&azure, 60, &mut registry).await;
    let metrics = metrics::Metrics::new(&mut registry);
    let context = Arc::new(Context::new(api.client(), client, "cluster".into(), Duration::from_mins(5), metrics));
    reconcile(stored(&api), context.clone()).await.expect("it waits");
    api.change("team-a", "pool", &json!({"metadata": {"generation": 2}, "spec": {"suspend": true}}));
    reconcile(stored(&api), context.clone()).await.expect("it is suspended");
    assert_eq!(azure.writes(), 0);
    assert!(statuses(&api).iter().any(|status| status["conditions"][0]["reason"] == "Suspended"), "{:?}", statuses(&api));
    tokio::time::advance(Duration::from_secs(30)).await;
    reconcile(stored(&api), context).await.expect("nothing is left of the wait");
    assert_eq!(azure.writes(), 0, "it waits no longer");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_waits_for_jobs_reads_after_what_has_drifted_until_the_time_out() {
    let (future, past) = ("2999-01-01T00:00:00Z", "2026-01-03T00:00:00Z");
    for (case, until, reads) in [("it waits", Some(future), false), ("it does not", None, true), ("timed out", Some(past), true)]
    {
        let mut deleted = object("team-a", "pool", &json!({"deletionGuard": "WhenIdle"}));
        deleted["metadata"]["deletionTimestamp"] = json!("2026-01-02T00:00:00Z");
        if let Some(until) = until {
            deleted["status"] = json!({"waitingForJobs": {"since": "2026-01-02T00:00:00Z", "until": until}});
        }
        let (api, azure, mut registry) = (Api::with(deleted), Arc::new(Azure::default()), Registry::default());
        let (client, _permits) = crowd_of((Kind::Read, Class::Drift), &azure, 300, &mut registry).await;
        let metrics = metrics::Metrics::new(&mut registry);
        let context = Arc::new(Context::new(api.client(), client, "cluster".into(), Duration::from_mins(5), metrics));
        reconcile(stored(&api), context.clone()).await.expect("it waits");
        assert!(reads || azure.requests().is_empty(), "{case}: {:?}", azure.requests());
        tokio::time::advance(Duration::from_secs(3)).await;
        reconcile(stored(&api), context.clone()).await.expect("it reads, or waits");
        assert_eq!(!azure.requests().is_empty(), reads, "{case}: {:?}", azure.requests());
        tokio::time::advance(Duration::from_mins(1)).await;
        reconcile(stored(&api), context).await.expect("its turn has come");
        assert_ne!(azure.requests(), [""; 0], "{case}: after the others");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_waits_for_jobs_does_not_wait_behind_others_once_the_time_has_passed() {
    let mut deleted = object("team-a", "pool", &json!({"deletionGuard": "WhenIdle"}));
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-02T00:00:00Z");
    let until = now() + Duration::from_secs(2);
    deleted["status"] = json!({"waitingForJobs": {"since": "2026-01-02T00:00:00Z", "until": until.to_string()}});
    let (api, azure, mut registry) = (Api::with(deleted), Arc::new(Azure::default()), Registry::default());
    let (client, _permits) = crowd_of((Kind::Read, Class::Drift), &azure, 300, &mut registry).await;
    let metrics = metrics::Metrics::new(&mut registry);
    let context = Context::new(api.client(), client, "cluster".into(), Duration::from_mins(5), metrics).with_wall_clock(now);
    let context = Arc::new(context);
    reconcile(stored(&api), context.clone()).await.expect("it waits");
    assert_eq!(azure.requests(), [""; 0]);
    tokio::time::advance(Duration::from_secs(3)).await;
    reconcile(stored(&api), context).await.expect("it reads");
    assert_ne!(azure.requests(), [""; 0]);
}
