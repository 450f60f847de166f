//! An Azure in this process.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request};
use serde_json::{Value, json};
use tokio::time::Instant;

/// An Azure where a compute is attached as soon as it is requested.
#[derive(Default)]
pub struct Azure {
    computes: Mutex<BTreeMap<String, Compute>>,
    requests: Mutex<Vec<String>>,
    silent_paths: Mutex<Vec<String>>,
    /// The ends of paths of other resources, and the answers for them.
    answers: Mutex<Vec<(String, u16, Value)>>,
    silent: Mutex<HashSet<(Method, String)>>,
    /// Whether LISTs, and whether reads of a compute, show none.
    hidden: [AtomicBool; 2],
    /// How long an attach takes.
    operation: Duration,
    /// How many computes a page of a LIST has; none: all.
    page: Option<usize>,
    jobs: Mutex<Vec<Value>>,
    /// What the Activity Log shows.
    activity: Mutex<Vec<Value>>,
    /// The URLs of the requests for it.
    activity_requests: Mutex<Vec<String>>,
    /// The IDs that the client gave its requests that write.
    write_ids: Mutex<Vec<String>>,
    tokens: AtomicU32,
    on_token: Option<OnToken>,
}

#[derive(Clone)]
struct Compute {
    body: Value,
    /// Until then it is being created.
    done: Option<Instant>,
}

impl Compute {
    fn shown(&self) -> Value {
        let mut body = self.body.clone();
        if let Some(done) = self.done {
            body["properties"]["provisioningState"] = json!(if Instant::now() < done { "Creating" } else { "Succeeded" });
        }
        body
    }
}

/// Each token is valid for one request, and the token of this number triggers something.
struct OnToken {
    number: u32,
    happens: Box<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Azure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Azure")
    }
}

impl Azure {
    /// How many jobs a page of their LIST has.
    pub const JOBS_OF_A_PAGE: usize = 100;

    /// One with this compute.
    pub fn with(name: &str, compute: Value) -> Self {
        Self { computes: Mutex::new([(name.to_owned(), Compute { body: compute, done: None })].into()), ..Self::default() }
    }

    /// One that never finishes an attach.
    pub fn slow() -> Self {
        Self { operation: Duration::from_hours(24), ..Self::default() }
    }

    /// One whose attaches take so long, and whose LISTs have so many computes in a page.
    pub fn paging(operation: Duration, page: usize) -> Self {
        Self { operation, page: Some(page), ..Self::default() }
    }

    /// One whose tokens are valid for one request each. The token of this number triggers something.
    pub fn on_token(number: u32, happens: impl Fn() + Send + Sync + 'static) -> Self {
        Self { on_token: Some(OnToken { number, happens: Box::new(happens) }), ..Self::default() }
    }

    /// Never answers a PUT of this compute.
    pub fn silence(&self, compute: &str) {
        self.silence_method(Method::Put, compute);
    }

    /// Never answers a GET of this compute.
    pub fn silence_reads(&self, compute: &str) {
        self.silence_method(Method::Get, compute);
    }

    fn silence_method(&self, method: Method, compute: &str) {
        self.silent.lock().expect("no holder panics").insert((method, compute.to_owned()));
    }

    /// Whether LISTs, and whether reads of a compute, show none from now on.
    pub fn hide(&self, from_lists: bool, from_reads: bool) {
        self.hidden[0].store(from_lists, Ordering::Relaxed);
        self.hidden[1].store(from_reads, Ordering::Relaxed);
    }

    /// Adds a compute, as another client would.
    pub fn add(&self, name: &str, body: Value) {
        self.computes.lock().expect("no holder panics").insert(name.to_owned(), Compute { body, done: None });
    }

    /// The jobs of the workspace from now on.
    pub fn set_jobs(&self, jobs: Vec<Value>) {
        *self.jobs.lock().expect("no holder panics") = jobs;
    }

    /// The events of the Activity Log from now on.
    pub fn set_activity(&self, events: Vec<Value>) {
        *self.activity.lock().expect("no holder panics") = events;
    }

    /// The URLs of the requests for the Activity Log.
    pub fn activity_requests(&self) -> Vec<String> {
        self.activity_requests.lock().expect("no holder panics").clone()
    }

    /// The IDs that the client gave its requests that would change a compute.
    pub fn write_ids(&self) -> Vec<String> {
        self.write_ids.lock().expect("no holder panics").clone()
    }

    /// Removes a compute, as another client would.
    pub fn remove(&self, name: &str) {
        self.computes.lock().expect("no holder panics").remove(name);
    }

    /// Changes a compute, as another client would.
    pub fn change(&self, name: &str, patch: &Value) {
        let mut all = self.computes.lock().expect("no holder panics");
        super::api::merge(&mut all.get_mut(name).expect("it exists").body, patch);
    }

    /// The answer for another resource than a compute, by the end of its path. The last one counts.
    pub fn answer(&self, end: &str, code: u16, body: Value) {
        self.answers.lock().expect("no holder panics").push((end.to_owned(), code, body));
    }

    fn answer_for(&self, path: &str) -> Option<(u16, Value)> {
        let all = self.answers.lock().expect("no holder panics");
        all.iter().rev().find(|(end, ..)| path.ends_with(end.as_str())).map(|(_, code, body)| (*code, body.clone()))
    }

    /// Never answers a request whose path has this part.
    pub fn silence_path(&self, part: &str) {
        self.silent_paths.lock().expect("no holder panics").push(part.to_owned());
    }

    /// The requests so far: of each its method, and the name of the compute; `computes` for a page of a LIST, and the last
    /// part of its path for any other resource.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no holder panics").clone()
    }

    /// How many requests with this method there were for a compute.
    pub fn count(&self, method: &str, compute: &str) -> usize {
        let asked = format!("{method} {compute}");
        self.requests.lock().expect("no holder panics").iter().filter(|one| **one == asked).count()
    }

    /// How many requests it received that would change a compute.
    pub fn writes(&self) -> usize {
        self.requests.lock().expect("no holder panics").iter().filter(|one| !one.starts_with("GET ")).count()
    }

    fn compute(&self, method: Method, name: &str, body: Option<Value>) -> (u16, Value) {
        let mut all = self.computes.lock().expect("no holder panics");
        match (method, body) {
            (Method::Put, Some(mut body)) => {
                body["name"] = json!(name);
                body["properties"]["createdOn"] = json!(super::now().to_string());
                let compute = Compute { body, done: Some(Instant::now() + self.operation) };
                let shown = compute.shown();
                all.insert(name.to_owned(), compute);
                (201, shown)
            }
            (Method::Delete, _) => {
                all.remove(name);
                (200, json!({}))
            }
            _ => all
                .get(name)
                .filter(|_| !self.hidden[1].load(Ordering::Relaxed))
                .map_or((404, json!({"error": {"code": "ResourceNotFound", "message": "m"}})), |one| (200, one.shown())),
        }
    }

    /// A page of the LIST of computes, from the one of this number on.
    fn list(&self, path: &str, from: usize) -> Value {
        if self.hidden[0].load(Ordering::Relaxed) {
            return json!({"value": []});
        }
        let all = self.computes.lock().expect("no holder panics");
        page(all.values().map(Compute::shown), self.page.unwrap_or(usize::MAX), (path, from))
    }

    /// A page of the LIST of jobs, from the one of this number on.
    fn list_jobs(&self, path: &str, from: usize) -> Value {
        let all = self.jobs.lock().expect("no holder panics");
        page(all.iter().cloned(), Self::JOBS_OF_A_PAGE, (path, from))
    }

    fn token(&self) -> Value {
        let number = self.tokens.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(one) = self.on_token.as_ref().filter(|one| one.number == number) {
            (one.happens)();
        }
        let lasts = if self.on_token.is_some() { 30 } else { 3600 };
        json!({"token_type": "Bearer", "access_token": "t", "expires_in": lasts})
    }
}

#[async_trait::async_trait]
impl HttpClient for Azure {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let path = request.url().path().to_owned();
        let is_silent = self.silent_paths.lock().expect("no holder panics").iter().any(|part| path.contains(part));
        if is_silent {
            std::future::pending::<()>().await;
        }
        let (code, body) = match path.split_once("/computes/") {
            Some((_, name)) => {
                self.requests.lock().expect("no holder panics").push(format!("{} {name}", request.method()));
                if request.method() != Method::Get {
                    let id = request.headers().get_optional_string(&HeaderName::from_static("x-ms-client-request-id"));
                    self.write_ids.lock().expect("no holder panics").extend(id);
                }
                let asked = (request.method(), name.to_owned());
                let is_silent = self.silent.lock().expect("no holder panics").contains(&asked);
                if is_silent {
                    std::future::pending::<()>().await;
                }
                let body = match request.body() {
                    Body::Bytes(bytes) => serde_json::from_slice(bytes).ok(),
                    Body::SeekableStream(_) => None,
                };
                self.compute(request.method(), name, body)
            }
            None if path.contains("/oauth2/") => (200, self.token()),
            None if path.ends_with("/eventtypes/management/values") => {
                self.activity_requests.lock().expect("no holder panics").push(request.url().to_string());
                (200, json!({"value": *self.activity.lock().expect("no holder panics")}))
            }
            None => {
                let last = path.rsplit('/').next().unwrap_or_default();
                self.requests.lock().expect("no holder panics").push(format!("GET {last}"));
                let skip = request.url().query_pairs().find_map(|(key, value)| (key == "$skip").then(|| value.parse().ok())?);
                match last {
                    "computes" => (200, self.list(&path, skip.unwrap_or_default())),
                    "jobs" => (200, self.list_jobs(&path, skip.unwrap_or_default())),
                    _ => self.answer_for(&path).unwrap_or_else(|| {
                        (200, json!({"location": "eastus2", "properties": {"provisioningState": "Succeeded"}}))
                    }),
                }
            }
        };
        Ok(AsyncRawResponse::from_bytes(code.into(), remaining(request.method()), body.to_string()))
    }
}

/// A page of so many elements, from the one of this number on.
fn page(all: impl ExactSizeIterator<Item = Value>, most: usize, (path, from): (&str, usize)) -> Value {
    let next = from.saturating_add(most);
    let link = (next < all.len()).then(|| format!("https://arm.example{path}?$skip={next}"));
    json!({"value": all.skip(from).take(most).collect::<Vec<_>>(), "nextLink": link})
}

/// The headers with Azure's limits, which are never reached here.
fn remaining(method: Method) -> Headers {
    let (kind, left) = match method {
        Method::Put => ("writes", "199"),
        Method::Delete => ("deletes", "199"),
        _ => ("reads", "249"),
    };
    let mut headers = Headers::new();
    headers.insert(format!("x-ms-ratelimit-remaining-subscription-{kind}"), left);
    headers
}
