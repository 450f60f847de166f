use std::sync::OnceLock;

use serde_json::{Value, json};

use super::super::super::store::Connection;
use super::*;
use crate::cli::kube::Cluster;
use crate::cli::plugin::Program;
use crate::cli::selection::Selection;

/// What a page with these parameters shows, beside an API server that has these objects.
async fn shown(subjects: &[&str], objects: Vec<Value>) -> Vec<String> {
    let cluster = Cluster::answering(move |_| {
        (200, json!({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": objects.clone()}))
    });
    let context = Arc::new(Context::new(cluster, Selection::parsed(&[]), Program::Plugin));
    let mut known = context.store.subscribe();
    let following = context.clone();
    let follow =
        tokio::spawn(async move { following.store.follow(&following.cluster, &following.selection, following.program).await });
    known.wait_for(|known| known.connection == Connection::Live).await.expect("the store is there");
    follow.abort();
    let page = |name: &&str| {
        let subject = Subject { namespace: "team-a".to_owned(), name: (*name).to_owned(), ..Subject::default() };
        let page = Page { subject, missing: Vec::new(), shown: OnceLock::new() };
        content(&page, &context, &known.borrow(), &Known::default()).into_string()
    };
    subjects.iter().map(page).collect()
}

fn object(spark: &str) -> Value {
    json!({
        "metadata": {"namespace": "team-a", "name": "one", "uid": "u", "generation": 1},
        "spec": {"workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "w"}, "resourceId": "x"},
        "status": {
            "observedGeneration": 1,
            "conditions": [
                {"type": "Ready", "status": "False", "reason": "Updating", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"},
                {"type": "Reconciling", "status": "True", "reason": "Updating", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"},
                {"type": "JobsReady", "status": "True", "reason": "Checked", "message": "jobs", "lastTransitionTime": "2026-01-02T00:00:00Z"},
            ],
            "pool": {"resourceId": "x", "name": "p", "sparkVersion": spark},
            "operation": {"kind": "Update", "pending": false, "path": "/subscriptions/s/operations/0a1b?api-version=1", "startedAt": "2026-01-01T00:00:00Z"},
            "drift": [{"field": "tags.team", "want": "data", "have": ""}],
            "roleAssignments": [{"assignmentId": "assignment-1", "roleId": "role-1", "principalId": "principal-1", "scope": "workspaces/w", "phase": "Assigned"}],
        },
    })
}

#[tokio::test]
async fn details_show_what_the_status_has() {
    let page = shown(&["one"], vec![object("3.5")]).await.remove(0);
    #[rustfmt::skip]
    let parts = [
        ">Reconciling<", ">0a1b<", ">Update<", "JobsReady", "datetime=\"2026-01-02T00:00:00Z\"", ">tags.team<", ">data<", "(nothing)",
        ">role-1<", ">Assigned<", ">assignment-1<", ">principal-1<", "supported until 2028-10-31", "resourceId: x",
    ];
    for part in parts {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[tokio::test]
async fn end_of_support_of_the_version_is_shown() {
    for (version, expected) in [("2.4", "support ended on 2023-09-29"), ("9.9", "whose end of support is not known")] {
        let page = shown(&["one"], vec![object(version)]).await.remove(0);
        assert!(page.contains(expected), "{version}: {page}");
    }
}

#[tokio::test]
async fn an_attachment_that_does_not_exist_is_not_called_deleted() {
    let page = shown(&["two"], vec![object("3.5")]).await.remove(0);
    assert!(page.contains("There is no such attachment") && !page.contains("deleted"), "{page}");
}
