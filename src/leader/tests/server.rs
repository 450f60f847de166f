//! An API server that stores Leases, and that can misbehave.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::leader::LeaseClient;

/// An API server that stores Leases, each by its path.
#[derive(Default)]
pub(super) struct Server {
    leases: Mutex<BTreeMap<String, Value>>,
    version: AtomicU64,
    behaviour: Mutex<Behaviour>,
    /// Whether it answers lists with 403.
    forbids_lists: AtomicBool,
    /// What it does after so many more reads.
    next: Mutex<Option<(Behaviour, u32)>>,
}

/// How the server answers requests.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) enum Behaviour {
    #[default]
    Works,
    /// It answers 503 and does nothing.
    Unavailable,
    /// It answers 403 and does nothing.
    Forbids,
    /// It processes each request only after [`DELAY`].
    Slow,
    /// It never answers.
    Hangs,
    /// It carries out the request and then answers 503.
    LosesAnswers,
}

/// How long a slow server waits before it processes a request.
pub(super) const DELAY: Duration = Duration::from_millis(2500);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A Lease of this server, for a process with this identity.
    pub(super) fn lease(self: &Arc<Self>, namespace: &str, identity: &str) -> LeaseClient {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        LeaseClient::new(Client::new(service, "default"), namespace, identity)
    }

    pub(super) fn set(&self, behaviour: Behaviour) {
        *lock(&self.behaviour) = behaviour;
    }

    pub(super) fn forbid_lists(&self) {
        self.forbids_lists.store(true, Ordering::Relaxed);
    }

    pub(super) fn allow_lists(&self) {
        self.forbids_lists.store(false, Ordering::Relaxed);
    }

    /// Stores a Lease that another program made.
    pub(super) fn put(&self, namespace: &str, mut lease: Value) {
        lease["metadata"]["namespace"] = json!(namespace);
        let name = lease["metadata"]["name"].as_str().expect("a name").to_owned();
        lock(&self.leases).insert(format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"), lease);
    }

    /// Behaves in this way once it has answered so many reads.
    pub(super) fn set_after_reads(&self, behaviour: Behaviour, reads: u32) {
        *lock(&self.next) = Some((behaviour, reads));
    }

    /// Deletes the only Lease.
    pub(super) fn delete_lease(&self) {
        lock(&self.leases).pop_first().expect("there is a Lease to delete");
    }

    pub(super) fn delete_lease_of(&self, namespace: &str) {
        lock(&self.leases).retain(|path, _| !path.contains(&format!("/namespaces/{namespace}/")));
    }

    /// As if a user annotated the Lease: it gets another version.
    pub(super) fn touch_lease(&self) {
        lock(&self.leases).values_mut().next().expect("there is a Lease")["metadata"]["resourceVersion"] = json!("another");
    }

    /// The holder of the only Lease.
    pub(super) fn holder(&self) -> Option<String> {
        lock(&self.leases).values().next()?["spec"]["holderIdentity"].as_str().map(ToOwned::to_owned)
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let behaviour = *lock(&self.behaviour);
        if behaviour == Behaviour::Hangs {
            std::future::pending::<()>().await;
        }
        if behaviour == Behaviour::Slow {
            sleep(DELAY).await;
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = request.into_body().collect_bytes().await.expect("the client sends a whole body");
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if method == Method::GET {
            let mut next = lock(&self.next);
            *next = match next.take() {
                Some((behaviour, 0 | 1)) => {
                    self.set(behaviour);
                    None
                }
                other => other.map(|(behaviour, reads)| (behaviour, reads - 1)),
            };
        }
        let answer = match behaviour {
            Behaviour::Unavailable => Err(StatusCode::SERVICE_UNAVAILABLE),
            Behaviour::Forbids => Err(StatusCode::FORBIDDEN),
            _ => self.process(&method, &path, body),
        };
        if behaviour == Behaviour::LosesAnswers {
            return failure(StatusCode::SERVICE_UNAVAILABLE);
        }
        answer.map_or_else(failure, |lease| Response::new(Body::from(lease.to_string().into_bytes())))
    }

    fn process(&self, method: &Method, path: &str, mut body: Value) -> Result<Value, StatusCode> {
        let mut leases = lock(&self.leases);
        // A list of all namespaces has no name, nor has a POST.
        let is_collection = path.ends_with("/leases");
        if method == Method::GET && is_collection {
            if self.forbids_lists.load(Ordering::Relaxed) {
                return Err(StatusCode::FORBIDDEN);
            }
            let is_listed = |lease: &&Value| lease["metadata"]["labels"]["synapse-spark.dev/scope"] == "cluster";
            let items: Vec<_> = leases.values().filter(is_listed).cloned().collect();
            return Ok(json!({"kind": "LeaseList", "apiVersion": "coordination.k8s.io/v1", "metadata": {}, "items": items}));
        }
        let name = body["metadata"]["name"].as_str().map(|name| format!("{path}/{name}"));
        let key = name.filter(|_| is_collection).unwrap_or_else(|| path.to_owned());
        let version = leases.get(&key).map(|lease| lease["metadata"]["resourceVersion"].clone());
        match (method, version) {
            (&Method::GET, None) => return Err(StatusCode::NOT_FOUND),
            (&Method::GET, Some(_)) => return Ok(leases[&key].clone()),
            (&Method::POST, Some(_)) => return Err(StatusCode::CONFLICT),
            (&Method::PUT, None) => return Err(StatusCode::NOT_FOUND),
            (&Method::PUT, Some(version)) if version != body["metadata"]["resourceVersion"] => return Err(StatusCode::CONFLICT),
            _ => {}
        }
        let version = self.version.fetch_add(1, Ordering::Relaxed);
        let namespace = key.split("/namespaces/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        body["metadata"]["namespace"] = json!(namespace);
        body["metadata"]["resourceVersion"] = json!(version.to_string());
        if method == Method::POST {
            let created = Timestamp::from_second(i64::try_from(version).expect("few versions")).expect("a time");
            body["metadata"]["creationTimestamp"] = json!(created.to_string());
        }
        leases.insert(key, body.clone());
        Ok(body)
    }
}

fn failure(code: StatusCode) -> Response<Body> {
    let reason = match code {
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::CONFLICT => "Conflict",
        _ => "ServiceUnavailable",
    };
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code.as_u16(), "reason": reason, "message": ""});
    let mut answer = Response::new(Body::from(status.to_string().into_bytes()));
    *answer.status_mut() = code;
    answer
}
