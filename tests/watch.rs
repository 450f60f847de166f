//! How objects reach their reconciles: listed, watched, limited, and never left out.

#[path = "watch/guard.rs"]
mod guard;
#[path = "support/in_process/mod.rs"]
#[expect(dead_code, reason = "tests/reconcile.rs needs the rest")]
mod in_process;
#[path = "watch/isolation.rs"]
mod isolation;
#[path = "watch/job_checks.rs"]
mod job_checks;
#[path = "watch/lists.rs"]
mod lists;
#[path = "watch/requests.rs"]
mod requests;

use std::sync::Arc;
use std::time::Duration;

use in_process::{Api, Azure, context, object};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::controller::{Options, Readiness, run};
use tokio::task::JoinHandle;

/// A controller that runs until the test ends, and its Azure.
fn start(api: &Api, namespaces: &[String]) -> (Arc<Azure>, JoinHandle<()>) {
    let azure = Arc::new(Azure::default());
    (azure.clone(), start_with(api, &azure, namespaces))
}

/// A controller that runs until the test ends, with this Azure.
fn start_with(api: &Api, azure: &Arc<Azure>, namespaces: &[String]) -> JoinHandle<()> {
    let options = Options { concurrency: 32, namespaces: namespaces.to_vec(), readiness: Arc::new(Readiness::default()) };
    let context = Arc::new(context(api.client(), azure.clone(), &mut Registry::default()));
    tokio::spawn(run(api.client(), context, options, std::future::pending()))
}

/// Waits, on the paused clock, until this holds; panics after a resync interval.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let asked = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(5), asked).await.unwrap_or_else(|_| panic!("{what}: not within a resync"));
}

fn nothing() -> Value {
    json!({})
}

#[tokio::test(start_paused = true)]
async fn lists_are_streamed_where_the_api_server_serves_them() {
    let api = Api::streaming();
    api.put(object("team-a", "first", &nothing()));
    let (azure, _running) = start(&api, &[]);
    until("it is attached", || azure.count("PUT", "first") == 1).await;
    api.put(object("team-a", "second", &nothing()));
    until("what comes later is attached", || azure.count("PUT", "second") == 1).await;
    assert_eq!(api.requests(&["GET", "synapsesparkattachments?", "limit="]), [""; 0], "no page was asked for");
    assert_eq!(api.requests(&["sendInitialEvents=true"]).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_streaming_lists_small_pages_are_requested() {
    let api = Api::paging(2, Duration::ZERO);
    for name in ["one", "two", "three"] {
        api.put(object("team-a", name, &nothing()));
    }
    let (azure, _running) = start(&api, &[]);
    until("all are attached", || ["one", "two", "three"].iter().all(|name| azure.count("PUT", name) == 1)).await;
    assert_eq!(api.requests(&["sendInitialEvents=true"]).len(), 1, "it is asked once");
    let pages = api.requests(&["GET", "synapsesparkattachments?", "limit="]);
    assert_eq!(pages.len(), 2, "{pages:?}");
    let limit = |page: &String| page.split("limit=").nth(1)?.split('&').next()?.parse::<u32>().ok();
    assert!(pages.iter().all(|page| limit(page).is_some_and(|limit| limit <= 20)), "small pages: {pages:?}");
    api.expire();
    until("it lists again", || api.requests(&["GET", "synapsesparkattachments?", "limit="]).len() == 4).await;
    assert_eq!(api.requests(&["sendInitialEvents=true"]).len(), 1, "and knows that streaming is refused");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_a_relist_leaves_out_of_the_store_for_a_while_is_found() {
    // Longer than it takes to begin a reconcile of what the first page brought.
    let api = Api::paging(1, Duration::from_secs(10));
    api.put(object("team-a", "b-known", &nothing()));
    let (azure, _running) = start(&api, &[]);
    until("the first is attached", || azure.count("PUT", "b-known") == 1).await;
    // It is created while no watch runs, and is on the first of two pages.
    api.put_unseen(object("team-a", "a-new", &nothing()));
    api.expire();
    until("the new one is attached", || azure.count("PUT", "a-new") == 1).await;
}

/// An API server that lists in two pages, with an attached object on the first one: a relist has its change before it has ended.
async fn attached_on_the_first_of_two_pages() -> (Api, Arc<Azure>, JoinHandle<()>) {
    let api = Api::paging(1, Duration::from_secs(10));
    api.put(object("team-a", "a-known", &nothing()));
    api.put(object("team-a", "b-other", &nothing()));
    let (azure, running) = start(&api, &[]);
    until("it is attached", || api.reason("team-a", "a-known").as_deref() == Some("Attached")).await;
    // Nothing is due before the next resync.
    tokio::time::sleep(Duration::from_secs(30)).await;
    (api, azure, running)
}

#[tokio::test(start_paused = true)]
async fn a_change_that_a_relist_brings_is_reconciled_as_soon_as_the_relist_ends() {
    let (api, azure, _running) = attached_on_the_first_of_two_pages().await;
    let mut changed = api.get("team-a", "a-known");
    changed["metadata"]["generation"] = json!(2);
    changed["spec"]["description"] = json!("new");
    api.put_unseen(changed);
    api.expire();
    let updated = until("the change is in Azure", || azure.count("PUT", "a-known") == 2);
    tokio::time::timeout(Duration::from_mins(1), updated).await.expect("long before the next resync");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_a_relist_brings_is_reconciled_as_soon_as_the_relist_ends() {
    let (api, azure, _running) = attached_on_the_first_of_two_pages().await;
    let mut deleted = api.get("team-a", "a-known");
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-02T00:00:00Z");
    api.put_unseen(deleted);
    api.expire();
    let detached = until("it is detached", || azure.count("DELETE", "a-known") == 1);
    tokio::time::timeout(Duration::from_mins(1), detached).await.expect("long before the next resync");
}

#[tokio::test(start_paused = true)]
async fn one_slow_put_in_one_of_32_namespaces_does_not_delay_others() {
    let api = Api::streaming();
    let namespaces: Vec<_> = (0..32).map(|number| format!("team-{number}")).collect();
    api.put(object("team-7", "slow", &nothing()));
    let (azure, _running) = start(&api, &namespaces);
    azure.silence("slow");
    until("the slow one is sent", || azure.count("PUT", "slow") == 1).await;
    api.put(object("team-7", "other", &nothing()));
    let attached = || azure.count("PUT", "other") == 1;
    tokio::time::timeout(Duration::from_secs(10), until("the other is attached", attached)).await.expect("it need not wait");
}

#[tokio::test(start_paused = true)]
async fn an_older_claimant_of_another_namespace_attaches_first_after_a_start() {
    // The list of team-b ends ten seconds later, since the older object is on its second page.
    let api = Api::paging(1, Duration::from_secs(10));
    let shared = json!({"computeName": "shared"});
    api.put(object("team-a", "young", &shared));
    api.put(object("team-b", "a-first", &nothing()));
    let mut old = object("team-b", "b-old", &shared);
    old["metadata"]["creationTimestamp"] = json!("2025-01-01T00:00:00Z");
    api.put(old);
    let (azure, _running) = start(&api, &["team-a".to_owned(), "team-b".to_owned()]);
    let reason = |namespace, name| api.reason(namespace, name);
    until("the older one is attached", || reason("team-b", "b-old").as_deref() == Some("Attached")).await;
    until("the younger one is not", || matches!(reason("team-a", "young").as_deref(), Some("OwnedByAnother" | "Duplicate")))
        .await;
    assert_eq!(azure.count("PUT", "shared"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_cannot_be_listed_delays_the_others_for_half_a_minute_only() {
    let api = Api::streaming();
    api.put(object("team-a", "pool", &nothing()));
    api.refuse("/namespaces/team-b/", 403, "Forbidden", "not allowed");
    let (azure, _running) = start(&api, &["team-a".to_owned(), "team-b".to_owned()]);
    let attached = until("it is attached", || azure.count("PUT", "pool") == 1);
    tokio::time::timeout(Duration::from_secs(31), attached).await.expect("no longer");
}

#[tokio::test(start_paused = true)]
async fn a_constantly_changing_annotation_gets_one_reconcile_in_five_seconds() {
    let api = Api::streaming();
    api.put(object("team-a", "asked", &nothing()));
    let (azure, _running) = start(&api, &[]);
    until("it is attached", || api.reason("team-a", "asked").as_deref() == Some("Attached")).await;
    let reconciles = || azure.count("GET", "asked");
    let ask = |value: String| {
        api.change("team-a", "asked", &json!({"metadata": {"annotations": {"synapse-spark.dev/reconcile-requested-at": value}}}));
    };
    let before = reconciles();
    ask("at once".into());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(reconciles(), before + 1, "the first request is answered at once");
    for number in 0..590 {
        ask(format!("{number}{}", "x".repeat(100_000)));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let asked = reconciles() - before;
    assert!((11..=13).contains(&asked), "{asked} reconciles in a minute");
    ask("the last".into());
    let handled = || api.get("team-a", "asked")["status"]["lastHandledReconcileAt"].clone();
    until("the last request is answered too", || handled() == "the last").await;
    ask("y".repeat(200_000));
    until("a long one is answered", || handled() != "the last").await;
    assert!(handled().as_str().is_some_and(|echo| echo.starts_with("yyyy") && echo.chars().count() <= 64), "{}", handled());
}

#[tokio::test(start_paused = true)]
async fn changes_of_other_annotations_and_labels_trigger_no_reconcile() {
    let api = Api::streaming();
    api.put(object("team-a", "still", &nothing()));
    let (azure, _running) = start(&api, &[]);
    until("it is attached", || api.reason("team-a", "still").as_deref() == Some("Attached")).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let before = azure.count("GET", "still");
    for number in 0..20 {
        let value = number.to_string();
        api.change(
            "team-a",
            "still",
            &json!({"metadata": {"annotations": {"example.com/stamp": value}, "labels": {"stamp": value}}}),
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(azure.count("GET", "still"), before);
}

#[tokio::test(start_paused = true)]
async fn three_changes_of_the_spec_are_seen_at_once_and_then_one_in_five_seconds() {
    let api = Api::streaming();
    api.put(object("team-a", "changed", &nothing()));
    let (azure, _running) = start(&api, &[]);
    until("it is attached", || api.reason("team-a", "changed").as_deref() == Some("Attached")).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let change = |number: u32| {
        api.change(
            "team-a",
            "changed",
            &json!({"metadata": {"generation": 10 + number}, "spec": {"description": number.to_string()}}),
        );
    };
    let before = azure.count("PUT", "changed");
    for number in 0..3 {
        change(number);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(azure.count("PUT", "changed"), before + 3);
    for number in 3..103 {
        change(number);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let puts = azure.count("PUT", "changed") - before;
    assert!((4..=6).contains(&puts), "{puts} writes in ten seconds");
    until("the last change is in Azure", || api.get("team-a", "changed")["status"]["observedGeneration"] == 112).await;
}

#[tokio::test(start_paused = true)]
async fn an_older_claimant_that_cannot_act_does_not_block_the_younger() {
    let api = Api::streaming();
    let older = |spec: &Value| {
        let mut older = object("team-a", "older", spec);
        older["metadata"]["creationTimestamp"] = json!("2025-01-01T00:00:00Z");
        older
    };
    api.put(older(&json!({"computeName": "shared", "suspend": true})));
    api.put(object("team-b", "younger", &json!({"computeName": "shared"})));
    let (azure, _running) = start(&api, &[]);
    until("the younger is attached", || api.reason("team-b", "younger").as_deref() == Some("Attached")).await;
    assert_eq!(azure.count("PUT", "shared"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_younger_is_reconciled_as_soon_as_the_older_claimant_can_no_longer_act() {
    let api = Api::streaming();
    let mut older = object("team-a", "older", &json!({"computeName": "shared"}));
    older["metadata"]["creationTimestamp"] = json!("2025-01-01T00:00:00Z");
    let (azure, _running) = start(&api, &[]);
    azure.silence("shared");
    api.put(older);
    until("the older one is at it", || azure.count("PUT", "shared") == 1).await;
    api.put(object("team-b", "younger", &json!({"computeName": "shared"})));
    until("the younger waits", || api.reason("team-b", "younger").as_deref() == Some("Duplicate")).await;
    api.change("team-a", "older", &json!({"metadata": {"generation": 2}, "spec": {"suspend": true}}));
    let tried = || azure.count("PUT", "shared") == 2;
    tokio::time::timeout(Duration::from_secs(10), until("the younger is at it", tried)).await.expect("at once");
}

/// Attempts to store a status so far.
fn statuses(api: &Api) -> usize {
    api.requests(&["PATCH", "/status"]).len()
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_while_kubernetes_refuses_statuses_until_it_stores_one() {
    let api = Api::streaming();
    api.refuse("/status", 500, "InternalError", "etcdserver: mvcc: database space exceeded");
    api.put(object("team-a", "refused", &nothing()));
    let (azure, _running) = start(&api, &[]);
    tokio::time::sleep(Duration::from_mins(30)).await;
    let tried = statuses(&api);
    assert!((9..=12).contains(&tried), "{tried} attempts in half an hour, after 5, 10, 20, … 300 seconds");
    assert_eq!(azure.count("PUT", "refused"), 0, "without a write intent nothing is written");
    api.accept();
    until("it is attached", || api.reason("team-a", "refused").as_deref() == Some("Attached")).await;
    api.refuse("/status", 500, "InternalError", "etcdserver: mvcc: database space exceeded");
    let before = statuses(&api);
    api.change("team-a", "refused", &json!({"metadata": {"generation": 2}, "spec": {"description": "new"}}));
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(statuses(&api), before + 3, "the pauses are short again");
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_while_the_watch_lags_behind() {
    let api = Api::streaming();
    api.put(object("team-a", "lagging", &nothing()));
    api.lag(true);
    let (azure, _running) = start(&api, &[]);
    until("it is attached", || azure.count("PUT", "lagging") == 1).await;
    let before = statuses(&api);
    tokio::time::sleep(Duration::from_mins(30)).await;
    let tried = statuses(&api) - before;
    assert!((9..=15).contains(&tried), "{tried} conflicts in half an hour, after 1, 2, 4, … 300 seconds");
    api.lag(false);
    api.change("team-a", "lagging", &json!({"metadata": {"generation": 2}, "spec": {"description": "new"}}));
    let is_stored = || api.get("team-a", "lagging")["status"]["observedGeneration"] == 2;
    tokio::time::timeout(Duration::from_secs(10), until("the change is attached", is_stored)).await.expect("at once");
    assert_eq!(azure.count("PUT", "lagging"), 2);
}
