//! Which computes a view contains, and what it shows of them.

use serde_json::json;

use super::*;

fn workspace(name: &str) -> WorkspaceId {
    WorkspaceId::new("s", "g", name).expect("an ID")
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
