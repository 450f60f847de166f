use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;

fn object(name: &str) -> Value {
    json!({
        "metadata": {"namespace": "team-a", "name": name, "uid": name, "managedFields": [{"manager": "kubectl"}]},
        "spec": {
            "workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "ws"},
            "resourceId": "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/syn/bigDataPools/pool",
        },
    })
}

/// An API server that lists these objects, or answers with a status; the watch that follows a list breaks at once.
fn server(status: &Arc<AtomicU16>, objects: &[Value]) -> Cluster {
    let (status, items) = (status.clone(), objects.to_vec());
    Cluster::answering(move |_| match status.load(Ordering::SeqCst) {
        200 => (200, json!({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": items})),
        403 => (403, json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "viewer cannot list resource"})),
        code => (code, json!({"kind": "Status", "code": code, "reason": "ServiceUnavailable", "message": "etcd is down"})),
    })
}

/// The same, whose watches never end.
fn lasting(status: &Arc<AtomicU16>) -> Cluster {
    let mut cluster = server(status, &[object("one")]);
    let calls = cluster.calls.clone();
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let calls = calls.clone();
        async move {
            if request.uri().query().is_some_and(|query| query.contains("watch=true")) {
                std::future::pending::<()>().await;
            }
            calls.send(request).await
        }
    });
    cluster.watch = kube::Client::new(service, "team-a");
    cluster
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_shown_with_its_cause_until_it_is_back() {
    let status = Arc::new(AtomicU16::new(200));
    let (store, cluster, selection) = (Store::default(), server(&status, &[object("one")]), Selection::parsed(&[]));
    let mut content = store.subscribe();
    let script = async {
        for (code, cause) in
            [(200, ""), (503, "etcd is down"), (200, ""), (403, "verb list and watch on synapsesparkattachments"), (200, "")]
        {
            status.store(code, Ordering::SeqCst);
            let is_expected = |content: &Content| match &content.connection {
                Connection::Live => cause.is_empty(),
                Connection::Lost(why) => !cause.is_empty() && why.contains(cause),
                Connection::Loading => false,
            };
            let seen = content.wait_for(is_expected).await.expect("the store is there");
            assert_eq!(seen.attachments.len(), 1, "{code}: what was known stays");
        }
    };
    let limit = std::time::Duration::from_mins(10);
    tokio::select! {
        () = store.follow(&cluster, &selection, Program::Plugin) => {}
        done = tokio::time::timeout(limit, script) => done.expect("each state is seen"),
    }
}

/// How many lists and watches an API server that answers with this status receives in ten minutes.
async fn requests(code: u16) -> usize {
    let status = Arc::new(AtomicU16::new(code));
    let (mut cluster, count) = (server(&status, &[object("one")]), Arc::new(AtomicUsize::new(0)));
    let (calls, counted) = (cluster.calls.clone(), count.clone());
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        counted.fetch_add(1, Ordering::SeqCst);
        let calls = calls.clone();
        async move { calls.send(request).await }
    });
    cluster.watch = kube::Client::new(service, "team-a");
    let (store, selection) = (Store::default(), Selection::parsed(&[]));
    let follow = store.follow(&cluster, &selection, Program::Plugin);
    tokio::time::timeout(Duration::from_mins(10), follow).await.expect_err("it follows for as long as the program runs");
    count.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn attachments_are_listed_seldom_while_the_watch_fails() {
    // With pauses of 1, 2, 4, 8, 16 and then 30 seconds.
    for (case, code, requests_each) in [("no answer", 503, 1), ("no right", 403, 1), ("each watch breaks at once", 200, 2)] {
        let requests = requests(code).await;
        assert!((20..=25).contains(&(requests / requests_each)), "{case}: {requests}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_watch_that_worked_the_first_pause_is_short_again() {
    let status = Arc::new(AtomicU16::new(503));
    let (store, cluster, selection) = (Store::default(), lasting(&status), Selection::parsed(&[]));
    let mut content = store.subscribe();
    let script = async {
        tokio::time::sleep(Duration::from_mins(5)).await;
        for _ in 0..2 {
            status.store(200, Ordering::SeqCst);
            content.wait_for(|content| content.connection == Connection::Live).await.expect("the store is there");
            tokio::time::sleep(Duration::from_mins(2)).await;
            status.store(503, Ordering::SeqCst);
            content.wait_for(|content| content.connection != Connection::Live).await.expect("the store is there");
            status.store(200, Ordering::SeqCst);
            let lost = tokio::time::Instant::now();
            content.wait_for(|content| content.connection == Connection::Live).await.expect("the store is there");
            assert!(lost.elapsed() < Duration::from_secs(2), "{:?}", lost.elapsed());
        }
    };
    tokio::select! {
        () = store.follow(&cluster, &selection, Program::Plugin) => {}
        done = tokio::time::timeout(Duration::from_mins(20), script) => done.expect("it is seen"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_without_a_sign_is_noticed() {
    let status = Arc::new(AtomicU16::new(200));
    let (store, cluster, selection) = (Store::default(), lasting(&status), Selection::parsed(&[]));
    let mut content = store.subscribe();
    let script = async {
        content.wait_for(|content| content.connection == Connection::Live).await.expect("the store is there");
        status.store(503, Ordering::SeqCst);
        let is_lost = |content: &Content| matches!(&content.connection, Connection::Lost(why) if why.contains("etcd is down"));
        content.wait_for(is_lost).await.expect("the store is there");
    };
    tokio::select! {
        () = store.follow(&cluster, &selection, Program::Plugin) => {}
        done = tokio::time::timeout(std::time::Duration::from_mins(1), script) => done.expect("it is seen within a minute"),
    }
}

#[tokio::test(start_paused = true)]
async fn attachments_have_a_pool_before_azure_shows_one_and_those_not_selected_are_left_out() {
    let status = Arc::new(AtomicU16::new(200));
    let broken = json!({"metadata": {"namespace": "team-a", "name": "broken", "uid": "broken"}, "spec": 7});
    let cluster = server(&status, &[object("one"), object("two"), object("three"), broken]);
    let (store, selection) = (Store::default(), Selection::parsed(&["one", "two"]));
    let mut content = store.subscribe();
    tokio::select! {
        () = store.follow(&cluster, &selection, Program::Plugin) => {}
        seen = content.wait_for(|content| content.connection == Connection::Live) => {
            let seen = seen.expect("the store is there");
            assert_eq!(seen.attachments.keys().collect::<Vec<_>>(), ["one", "two"]);
            let one = &seen.attachments["one"];
            assert_eq!((one.pool.as_str(), one.workspace(), one.reason.as_str()), ("pool", "ws", "Unseen"));
            assert_eq!(one.object.metadata.managed_fields, None);
            let lines: Vec<_> = seen.undecodable.values().collect();
            assert!(lines[0].starts_with("team-a/broken cannot be read"), "{lines:?}");
        }
    }
}
