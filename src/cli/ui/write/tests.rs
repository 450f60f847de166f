use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use kube::client::Body;
use serde_json::{Value, json};

use super::*;

/// The requests that an API server got: method, query and body.
type Requests = Arc<Mutex<Vec<(Method, String, Value)>>>;

fn object(metadata: &Value) -> Value {
    let mut object = json!({
        "metadata": {"namespace": "team-a", "name": "one", "uid": "u", "generation": 3, "resourceVersion": "7"},
        "spec": {"workspace": {"subscriptionId": "s", "resourceGroup": "g", "name": "w"}, "resourceId": "x"},
    });
    for (field, value) in metadata.as_object().expect("fields") {
        object["metadata"][field] = value.clone();
    }
    object
}

fn status(code: u16, details: &Value) -> (u16, Value) {
    (
        code,
        json!({"kind": "Status", "status": "Failure", "code": code, "reason": "Failure", "message": "why", "details": details}),
    )
}

/// An API server with this object, which gives these answers to writes, and then the object.
fn server(object: Value, answers: Vec<(u16, Value)>) -> (Cluster, Requests) {
    let (requests, answers) = (Requests::default(), Arc::new(Mutex::new(answers.into_iter())));
    let seen = requests.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (seen, answers, object) = (seen.clone(), answers.clone(), object.clone());
        async move {
            let (method, query) = (request.method().clone(), request.uri().query().unwrap_or_default().to_owned());
            let body = request.into_body().collect_bytes().await.expect("a body");
            let answer = if method == Method::GET { None } else { answers.lock().expect("no panic").next() };
            seen.lock().expect("no panic").push((method, query, serde_json::from_slice(&body).unwrap_or_default()));
            let (code, answer) = answer.unwrap_or((200, object));
            let answer = Response::builder().status(code).body(Body::from(answer.to_string().into_bytes()));
            Ok::<_, std::convert::Infallible>(answer.expect("an answer"))
        }
    });
    let mut cluster = Cluster::answering(|_| (500, Value::Null));
    cluster.calls = kube::Client::new(service, "team-a");
    (cluster, requests)
}

fn change(action: Action) -> Change {
    let [namespace, name, uid, generation] = ["team-a", "one", "u", "3"].map(ToOwned::to_owned);
    Change { namespace, name, action, uid, generation, ..Change::default() }
}

/// The writes among the requests.
fn writes(requests: &Requests) -> Vec<(Method, String, Value)> {
    requests.lock().expect("no panic").iter().filter(|(method, ..)| method != Method::GET).cloned().collect()
}

#[tokio::test]
async fn a_write_is_bound_to_the_version_that_was_read() {
    for (mode, dry_run) in [(Mode::DryRun, true), (Mode::Write, false)] {
        let (cluster, requests) = server(object(&json!({})), vec![]);
        assert!(matches!(make(&cluster, &change(Action::Suspend), mode).await, Outcome::Patched { .. }));
        let (_, query, body) = writes(&requests).remove(0);
        assert_eq!(body, json!({"metadata": {"uid": "u", "resourceVersion": "7"}, "spec": {"suspend": true}}));
        assert!(query.contains("fieldManager=synapse-ui") && query.contains("fieldValidation=Strict"), "{query}");
        assert_eq!(query.contains("dryRun=All"), dry_run, "{query}");

        let (cluster, requests) = server(object(&json!({})), vec![]);
        assert!(matches!(make(&cluster, &change(Action::Detach), mode).await, Outcome::Deleted { .. }));
        let (method, query, body) = writes(&requests).remove(0);
        assert_eq!((method, &body["preconditions"]), (Method::DELETE, &json!({"uid": "u", "resourceVersion": "7"})));
        assert_eq!(query.contains("dryRun=All") || body["dryRun"] == json!(["All"]), dry_run, "{query} {body}");
    }
}

#[tokio::test]
async fn an_object_that_is_written_between_is_read_again() {
    let (cluster, requests) = server(object(&json!({})), vec![status(409, &json!({}))]);
    assert!(matches!(make(&cluster, &change(Action::Suspend), Mode::Write).await, Outcome::Patched { .. }));
    let methods: Vec<_> = requests.lock().expect("no panic").iter().map(|(method, ..)| method.clone()).collect();
    assert_eq!(methods, [Method::GET, Method::PATCH, Method::GET, Method::PATCH]);
    let (cluster, requests) = server(object(&json!({})), vec![status(409, &json!({})); 9]);
    assert!(matches!(make(&cluster, &change(Action::Suspend), Mode::Write).await, Outcome::Failed(_)));
    assert_eq!(writes(&requests).len(), TRIES);
}

#[tokio::test]
async fn another_object_than_the_user_saw_is_not_written() {
    for (case, metadata, is_gone) in
        [("another spec", json!({"generation": 4}), false), ("another object of this name", json!({"uid": "v"}), true)]
    {
        for action in [Action::Suspend, Action::Detach] {
            let (cluster, requests) = server(object(&metadata), vec![]);
            let outcome = make(&cluster, &change(action), Mode::Write).await;
            assert_eq!(matches!(outcome, Outcome::Gone), is_gone, "{case}: {outcome:?}");
            assert_eq!(matches!(outcome, Outcome::Changed), !is_gone, "{case}: {outcome:?}");
            assert_eq!(writes(&requests), [], "{case}");
        }
    }
}

#[tokio::test]
async fn what_a_gitops_tool_manages_is_only_tried() {
    let flux = json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"}});
    let argo = json!({"annotations": {"argocd.argoproj.io/tracking-id": "spark:x"}});
    let by_field = json!({"managedFields": [{"manager": "argocd-controller", "operation": "Apply"}]});
    for (metadata, expected) in [(flux, "Kustomization flux/apps"), (argo, "Application spark"), (by_field, "Argo CD")] {
        for action in [Action::Suspend, Action::Edit, Action::Detach] {
            let (cluster, requests) = server(object(&metadata), vec![]);
            let outcome = make(&cluster, &change(action), Mode::Write).await;
            assert!(matches!(&outcome, Outcome::Managed { tool, .. } if tool.contains(expected)), "{outcome:?}");
            for (_, query, body) in writes(&requests) {
                assert!(query.contains("dryRun=All") || body["dryRun"] == json!(["All"]), "{action:?}: {query} {body}");
            }
        }
        let (cluster, _) = server(object(&metadata), vec![]);
        assert!(matches!(make(&cluster, &change(Action::Reconcile), Mode::Write).await, Outcome::Patched { .. }));
    }
}

#[tokio::test]
async fn a_refusal_is_placed_at_its_field() {
    let causes = json!({"name": "one", "causes": [{"reason": "FieldValueInvalid", "field": "spec.tags", "message": "too long"}]});
    let (cluster, _) = server(object(&json!({})), vec![status(422, &causes)]);
    let outcome = make(&cluster, &change(Action::Edit), Mode::DryRun).await;
    let expected = Refusal { field: "spec.tags".to_owned(), message: "too long".to_owned() };
    assert!(matches!(&outcome, Outcome::Refused(all) if *all == [expected]), "{outcome:?}");
    let (cluster, _) = server(object(&json!({})), vec![status(403, &json!({}))]);
    let outcome = make(&cluster, &change(Action::Edit), Mode::DryRun).await;
    assert!(matches!(&outcome, Outcome::Failed(why) if why.contains("the verb patch on")), "{outcome:?}");
}
