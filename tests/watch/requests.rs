//! How many requests Azure gets for many attachments of one workspace.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::in_process::{Api, Azure, object};
use super::{nothing, start_with, until};

const OBJECTS: usize = 100;
const PAGE: usize = 50;
const PAGES: usize = OBJECTS / PAGE;
const OPERATION: Duration = Duration::from_secs(30);
/// Of the storm: one every five seconds, one before, and one after.
const TICKS: usize = 30 / 5 + 2;
/// So many intervals of 270 s: a resync comes every five minutes, give or take a tenth.
const RESYNCS: u64 = 24;

/// How many requests there were, by what was requested.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    puts: usize,
    gets: usize,
    lists: usize,
    /// Operations, the pool, the region of the workspace.
    others: Vec<String>,
}

fn count(azure: &Azure) -> Count {
    let mut count = Count::default();
    for request in azure.requests() {
        match request.as_str() {
            "GET computes" => count.lists += 1,
            put if put.starts_with("PUT compute-") => count.puts += 1,
            get if get.starts_with("GET compute-") => count.gets += 1,
            other => count.others.push(other.to_owned()),
        }
    }
    count
}

fn name(number: usize) -> String {
    format!("compute-{number:03}")
}

async fn attached(api: &Api) {
    let is_attached = |number| api.reason("team-a", &name(number)).as_deref() == Some("Attached");
    until("all are attached", || (0..OBJECTS).all(is_attached)).await;
}

#[tokio::test(start_paused = true)]
async fn an_attach_costs_a_get_and_a_put_and_its_share_of_lists() {
    let (api, azure) = (Api::streaming(), Arc::new(Azure::paging(OPERATION, PAGE)));
    for number in 0..OBJECTS {
        let mut object = object("team-a", &name(number), &nothing());
        // As it comes from a user.
        object["metadata"]["finalizers"] = json!(null);
        api.put(object);
    }
    let _running = start_with(&api, &azure, &[]);
    attached(&api).await;
    let storm = count(&azure);
    assert_eq!((storm.puts, storm.gets), (OBJECTS, OBJECTS), "{storm:?}");
    assert!(storm.lists <= TICKS * PAGES, "{} pages", storm.lists);
    assert_eq!(storm.others.len(), 2, "the pool and the region, once each: {:?}", storm.others);

    let writes = api.writes();
    tokio::time::sleep(Duration::from_secs(270 * RESYNCS)).await;
    let rest = count(&azure);
    assert_eq!((rest.puts, rest.gets), (storm.puts, storm.gets), "nothing is read alone");
    let lists = rest.lists - storm.lists;
    assert!(lists >= PAGES && lists as u64 <= RESYNCS * PAGES as u64, "{lists} pages");
    let others = &rest.others[storm.others.len()..];
    assert!(others.len() as u64 <= RESYNCS / 2 + 1, "the pool is read every ten minutes: {others:?}");
    assert_eq!(api.writes(), writes, "nothing is written to Kubernetes");
}

#[tokio::test(start_paused = true)]
async fn one_attachment_alone_is_polled_soon_and_without_lists() {
    let (api, azure) = (Api::streaming(), Arc::new(Azure::paging(Duration::from_secs(3), PAGE)));
    api.put(object("team-a", &name(0), &nothing()));
    let _running = start_with(&api, &azure, &[]);
    let began = tokio::time::Instant::now();
    until("it is attached", || api.reason("team-a", &name(0)).as_deref() == Some("Attached")).await;
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    let count = count(&azure);
    assert_eq!((count.puts, count.lists), (1, 0), "{count:?}");
    assert!(count.gets <= 6, "{count:?}");
}

#[tokio::test(start_paused = true)]
async fn a_detach_costs_two_gets_and_a_delete_and_its_share_of_lists() {
    let (api, azure) = (Api::streaming(), Arc::new(Azure::paging(Duration::ZERO, PAGE)));
    for number in 0..OBJECTS {
        api.put(object("team-a", &name(number), &nothing()));
    }
    let _running = start_with(&api, &azure, &[]);
    attached(&api).await;
    let before = count(&azure);
    for number in 0..OBJECTS {
        api.change("team-a", &name(number), &json!({"metadata": {"deletionTimestamp": "2026-01-02T00:00:00Z"}}));
    }
    until("all are gone", || api.is_empty()).await;
    let after = count(&azure);
    let deletes = after.others.iter().filter(|one| one.starts_with("DELETE ")).count();
    assert_eq!((deletes, after.gets - before.gets), (OBJECTS, 2 * OBJECTS), "{after:?}");
    assert!(after.lists - before.lists <= 4 * PAGES, "{} pages", after.lists - before.lists);
}
