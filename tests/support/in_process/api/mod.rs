//! An API server in this process: functions over maps, on the clock of tokio. It serves attachments, `ServiceAccounts`, namespaces and
//! `ConfigMaps`.
//!
//! It names nothing of the crate, so that both the unit tests of the crate and its integration tests can include it.

mod config_maps;
mod lists;
mod patch;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::http::{Method, Request, Response};
use futures::channel::mpsc::UnboundedSender;
use kube::client::Body;
use serde_json::{Value, json};

pub use patch::merge;

/// The namespace and the name of an object.
type Key = (String, String);

/// An API server with attachments and `ServiceAccounts`.
#[derive(Clone, Default)]
pub struct Api(Arc<Mutex<State>>);

#[derive(Default)]
// Many fields: one per kind of state of the API server.
struct State {
    objects: BTreeMap<Key, Value>,
    accounts: BTreeMap<Key, Value>,
    /// The annotations of each namespace; of all others there are none.
    annotations: BTreeMap<String, Value>,
    config_maps: BTreeMap<Key, Value>,
    version: u64,
    /// Each with the namespace that it watches; none: all.
    watches: Vec<(Option<String>, UnboundedSender<String>)>,
    requests: Vec<Asked>,
    streams_lists: bool,
    page: Option<usize>,
    /// How long the pages after the first one take.
    later_pages: Duration,
    refusal: Option<Refusal>,
    /// The date in the header of each answer.
    date: Option<&'static str>,
    /// No watch shows a change.
    lags: bool,
}

/// A request that was received.
struct Asked {
    /// Method, path and query.
    line: String,
    body: Value,
}

/// The answer to requests whose path contains a word.
struct Refusal {
    word: &'static str,
    status: Value,
}

impl State {
    fn send(&mut self, kind: &str, object: &Value) {
        if self.lags {
            return;
        }
        let line = format!("{}\n", json!({"type": kind, "object": object}));
        let namespace = object["metadata"]["namespace"].as_str();
        self.watches.retain(|(of, to)| (of.is_some() && of.as_deref() != namespace) || to.unbounded_send(line.clone()).is_ok());
    }

    /// Stores a new version of an object; a deleted one is removed with its last finalizer.
    fn store(&mut self, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let own = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let key = (own("namespace"), own("name"));
        let is_kept = object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty());
        let kind = if object["metadata"]["deletionTimestamp"].is_string() && !is_kept {
            self.objects.remove(&key);
            "DELETED"
        } else if self.objects.insert(key, object.clone()).is_some() {
            "MODIFIED"
        } else {
            "ADDED"
        };
        self.send(kind, &object);
        object
    }
}

impl Api {
    /// One that serves streaming lists.
    pub fn streaming() -> Self {
        let api = Self::default();
        api.state().streams_lists = true;
        api
    }

    /// One that refuses streaming lists, as kube-apiserver does without the feature gate `WatchList`. It lists so many
    /// objects at most in a page, and each page but the first takes so long.
    pub fn paging(page: usize, later_pages: Duration) -> Self {
        let api = Self::default();
        (api.state().page, api.state().later_pages) = (Some(page), later_pages);
        api
    }

    /// One with this object.
    pub fn with(object: Value) -> Self {
        let api = Self::default();
        api.put(object);
        api
    }

    /// One whose answers have this date in their header.
    pub fn dated(date: &'static str) -> Self {
        let api = Self::default();
        api.state().date = Some(date);
        api
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder panics")
    }

    /// Stores an object.
    pub fn put(&self, object: Value) {
        self.state().store(object);
    }

    /// Stores an object and sends it to none of the watches: they may have been away.
    pub fn put_unseen(&self, object: Value) {
        let watches = std::mem::take(&mut self.state().watches);
        self.put(object);
        self.state().watches = watches;
    }

    /// Changes an object by a merge patch that removes nothing.
    pub fn change(&self, namespace: &str, name: &str, patch: &Value) {
        let mut object = self.get(namespace, name);
        merge(&mut object, patch);
        self.put(object);
    }

    /// Whether no object is stored.
    pub fn is_empty(&self) -> bool {
        self.state().objects.is_empty()
    }

    /// The object as it is stored.
    pub fn get(&self, namespace: &str, name: &str) -> Value {
        self.state().objects[&(namespace.to_owned(), name.to_owned())].clone()
    }

    /// The reason of the object's `Ready` condition.
    pub fn reason(&self, namespace: &str, name: &str) -> Option<String> {
        let object = self.get(namespace, name);
        let ready = object["status"]["conditions"].as_array()?.iter().find(|one| one["type"] == "Ready")?;
        Some(ready["reason"].as_str()?.to_owned())
    }

    /// Stores a `ServiceAccount` with these annotations.
    pub fn put_account(&self, namespace: &str, name: &str, uid: &str, annotations: &[(&str, &str)]) {
        let annotations: serde_json::Map<_, _> =
            annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let account = json!({"metadata": {"name": name, "namespace": namespace, "uid": uid, "annotations": annotations}});
        self.state().accounts.insert((namespace.to_owned(), name.to_owned()), account);
    }

    /// Sets an annotation of a namespace.
    pub fn annotate_namespace(&self, namespace: &str, key: &str, value: &str) {
        self.state().annotations.entry(namespace.to_owned()).or_insert_with(|| json!({}))[key] = json!(value);
    }

    /// Removes all `ServiceAccounts`.
    pub fn remove_accounts(&self) {
        self.state().accounts.clear();
    }

    /// Ends all watches, as of a version that is too old: clients have to list again.
    pub fn expire(&self) {
        let gone = failure(410, "Expired", "too old");
        let line = format!("{}\n", json!({"type": "ERROR", "object": gone}));
        for (_, to) in std::mem::take(&mut self.state().watches) {
            let _ = to.unbounded_send(line.clone());
        }
    }

    /// Refuses from now on each request whose path contains this word.
    pub fn refuse(&self, word: &'static str, code: u16, reason: &str, message: &str) {
        self.state().refusal = Some(Refusal { word, status: failure(code, reason, message) });
    }

    /// Refuses nothing from now on.
    pub fn accept(&self) {
        self.state().refusal = None;
    }

    /// From now on no watch shows a change, or each does again.
    pub fn lag(&self, lags: bool) {
        self.state().lags = lags;
    }

    /// The requests so far that contain all of these words: method, path and query of each.
    pub fn requests(&self, words: &[&str]) -> Vec<String> {
        self.matching(words, |one| one.line.clone())
    }

    /// The bodies of these requests.
    pub fn bodies(&self, words: &[&str]) -> Vec<Value> {
        self.matching(words, |one| one.body.clone())
    }

    /// How many requests were received that would change something.
    pub fn writes(&self) -> usize {
        self.state().requests.iter().filter(|one| !one.line.starts_with("GET ")).count()
    }

    fn matching<T>(&self, words: &[&str], of: impl Fn(&Asked) -> T) -> Vec<T> {
        let state = self.state();
        state.requests.iter().filter(|one| words.iter().all(|word| one.line.contains(word))).map(of).collect()
    }

    /// A client of it.
    pub fn client(&self) -> kube::Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move {
                let date = api.state().date;
                let mut answer = api.answer(request).await;
                if let Some(date) = date {
                    answer.headers_mut().insert("date", date.try_into().expect("a header"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        kube::Client::new(service, "default")
    }

    async fn answer(&self, request: Request<Body>) -> Response<axum::body::Body> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let body = request.into_body().collect_bytes().await.expect("a body");
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        self.state().requests.push(Asked { line: format!("{method} {uri}"), body: body.clone() });
        let refused = self.state().refusal.as_ref().filter(|one| uri.path().contains(one.word)).map(|one| one.status.clone());
        if let Some(status) = refused {
            return refuse(&status);
        }
        let path: Vec<_> = uri.path().split('/').collect();
        let after = |part: &str| path.iter().position(|one| *one == part).and_then(|at| path.get(at + 1)).copied();
        let namespace = after("namespaces");
        if let Some(name) = after("serviceaccounts") {
            return self.account(namespace.unwrap_or_default(), name, path.last() == Some(&"token"));
        }
        let key = |name: &str| (namespace.unwrap_or_default().to_owned(), name.to_owned());
        if uri.path().starts_with("/api/v1/namespaces/") && path.len() == 5 {
            let name = namespace.unwrap_or_default();
            let annotations = self.state().annotations.get(name).cloned();
            return ok(&json!({"metadata": {"name": name, "annotations": annotations}}));
        }
        if path.contains(&"configmaps") {
            let name = after("configmaps").or(body["metadata"]["name"].as_str()).unwrap_or_default();
            return self.config_map(&method, key(name), &body);
        }
        match (method, after("synapsesparkattachments")) {
            (Method::GET, None) => self.list_or_watch(namespace, uri.query().unwrap_or_default()).await,
            (Method::GET, Some(name)) => self.state().objects.get(&key(name)).map_or_else(absent, ok),
            (Method::PATCH, Some(name)) => self.patch(&key(name), &body),
            _ => ok(&body),
        }
    }

    fn account(&self, namespace: &str, name: &str, is_token: bool) -> Response<axum::body::Body> {
        let state = self.state();
        match state.accounts.get(&(namespace.to_owned(), name.to_owned())) {
            None => absent(),
            Some(_) if is_token => {
                let token = format!("of:{namespace}/{name}");
                let status = json!({"token": token, "expirationTimestamp": "2026-01-01T00:00:00Z"});
                ok(&json!({"metadata": {}, "spec": {"audiences": []}, "status": status}))
            }
            Some(account) => ok(account),
        }
    }
}

fn ok(body: &Value) -> Response<axum::body::Body> {
    Response::new(axum::body::Body::from(body.to_string()))
}

fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}

fn refuse(status: &Value) -> Response<axum::body::Body> {
    let code = status["code"].as_u64().and_then(|code| u16::try_from(code).ok()).expect("a status has a code");
    Response::builder().status(code).body(axum::body::Body::from(status.to_string())).expect("an answer")
}

fn absent() -> Response<axum::body::Body> {
    refuse(&failure(404, "NotFound", "not found"))
}
