//! What a view takes in, how long it lasts, and what is sent.

use serde_json::json;

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

#[test]
fn elements_of_other_types_and_other_workspaces_are_left_out() {
    let id = |workspace: &str, name: &str| {
        format!(
            "/subscriptions/S/resourcegroups/G/providers/Microsoft.MachineLearningServices/workspaces/{workspace}/computes/{name}"
        )
    };
    #[rustfmt::skip]
    let table = [
        // case                       element                                                       name
        ("its ID in another case",    json!({"id": id("WS", "Pool"), "name": "Pool"}),              Some("pool")),
        ("its name alone",            json!({"name": "Pool"}),                                      Some("pool")),
        ("of another workspace",      json!({"id": id("other", "pool"), "name": "pool"}),           None),
        ("no ID of a compute",        json!({"id": "/subscriptions/s", "name": "pool"}),            None),
        ("a name that leads away",    json!({"name": "../pool"}),                                   None),
        ("nothing",                   json!({}),                                                    None),
    ];
    for (case, mut element, name) in table {
        for (kind, name) in [("SynapseSpark", name), ("synapsespark", name), ("AmlCompute", None), ("", None)] {
            element["properties"] = json!({"computeType": kind});
            let mut view = View::new(Instant::now());
            view.add(&workspace("ws"), to_raw_value(&element).expect("JSON"));
            assert_eq!(view.computes.keys().next().map(String::as_str), name, "{case}, {kind:?}");
        }
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

#[test]
fn a_compute_of_another_type_is_not_taken_for_absent() {
    let (workspace, now) = (workspace("w"), Instant::now());
    let mut view = View::new(now);
    for (name, kind) in
        [("spark", "SynapseSpark"), ("cluster", "AmlCompute"), ("changed", "SynapseSpark"), ("changed", "AmlCompute")]
    {
        let element = json!({"name": name, "properties": {"computeType": kind}});
        view.add(&workspace, to_raw_value(&element).expect("JSON"));
    }
    let ask = Ask { max_age: Duration::from_secs(5), sharers: 9, listed_absence: Some(Duration::from_secs(5)) };
    for (name, shown) in
        [("spark", "Present"), ("cluster", "Missing"), ("Cluster", "Missing"), ("changed", "Missing"), ("none", "Absent")]
    {
        let found = format!("{:?}", view.shown(&workspace.compute(name).expect("an ID"), &ask, now, None));
        assert!(found.starts_with(shown), "{name}: {found}");
    }
}

#[test]
fn a_view_that_leaves_a_part_of_the_list_out_lacks_nothing() {
    let (workspace, spark) =
        (workspace("w"), |at: usize| json!({"name": format!("c{at}"), "properties": {"computeType": "SynapseSpark"}}));
    for (size, lacking) in [(MAX_COMPUTES, Some(false)), (MAX_COMPUTES + 1, None)] {
        let view = View::of(&workspace, Instant::now(), (0..size).map(spark));
        assert_eq!((view.shows("c0"), view.shows("none")), (Some(true), lacking), "{size}");
    }
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
