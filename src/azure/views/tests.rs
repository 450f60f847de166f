//! How long views last, and what is sent.

use super::*;

fn workspace(name: &str) -> WorkspaceId {
    WorkspaceId::new("s", "g", name).expect("an ID")
}

/// A compute of a workspace.
fn compute(workspace_name: &str) -> ComputeId {
    workspace(workspace_name).compute("compute").expect("an ID")
}

#[test]
fn what_costs_fewer_requests_is_sent() {
    #[rustfmt::skip]
    let table = [
        // sharers  pages
        (1,        1,     Request::Get),
        (2,        1,     Request::List),
        (2,        2,     Request::Get),
        (3,        2,     Request::List),
        (99,       100,   Request::Get),
        (1_000,    20,    Request::List),
        (0,        1,     Request::Get),
        (1,        0,     Request::List),
        (1_000,    1_000, Request::Get),
    ];
    for (sharers, pages, request) in table {
        assert_eq!(cheaper(sharers, pages), request, "{sharers} sharers, {pages} pages");
    }
}

#[tokio::test(start_paused = true)]
async fn views_expire_although_nobody_asks_again() {
    let views = Arc::new(Views::new());
    for name in ["a", "b"] {
        views.keep(&workspace(name), &Arc::new(View::new(Instant::now())), 1);
    }
    tokio::time::sleep(COMPUTE_TTL).await;
    assert!(views.current(&workspace("a")).is_some(), "it may be this old");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(views.len(), 0);
    assert_eq!(views.request(&compute("a"), 2), Request::List, "the number of pages is still known");
}

#[tokio::test(start_paused = true)]
async fn refusal_of_a_list_is_remembered_for_a_while() {
    let views = Views::new();
    assert_eq!(views.request(&compute("a"), 100), Request::List);
    views.refused(&workspace("a"), Instant::now());
    assert_eq!(views.request(&compute("A"), 100), Request::Get);
    assert_eq!(views.request(&compute("b"), 100), Request::List, "another workspace");
    tokio::time::advance(REFUSED_TTL + Duration::from_secs(1)).await;
    assert_eq!(views.request(&compute("a"), 100), Request::List, "the right may have been granted");
}

#[tokio::test(start_paused = true)]
async fn computes_that_were_just_read_one_by_one_lead_to_a_list() {
    let views = Views::new();
    let [one, other] = ["one", "other"].map(|name| workspace("w").compute(name).expect("an ID"));
    views.reads_alone(&one);
    assert_eq!(views.request(&one, 1), Request::Get, "it asks again, alone");
    assert_eq!(views.request(&other, 1), Request::List);
    tokio::time::sleep(RECENT + Duration::from_millis(1)).await;
    assert_eq!(views.request(&other, 1), Request::Get, "it was long ago");
}

#[tokio::test(start_paused = true)]
async fn as_many_as_there_are_pages_are_read_one_by_one() {
    let (views, ids) = (Arc::new(Views::new()), |number: usize| workspace("w").compute(&format!("c{number}")).expect("an ID"));
    let pages = 10;
    views.keep(&workspace("w"), &Arc::new(View::new(Instant::now())), pages);
    for number in 0..pages {
        assert_eq!(views.request(&ids(number), pages), Request::Get, "{number} of those that are due");
        views.reads_alone(&ids(number));
    }
    assert_eq!(views.request(&ids(pages), 1), Request::List, "one more, later");
}
