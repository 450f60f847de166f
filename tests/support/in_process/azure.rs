//! An Azure in this process.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request};
use serde_json::{Value, json};

/// An Azure where a compute is attached as soon as it is asked for.
#[derive(Default)]
pub struct Azure {
    computes: Mutex<BTreeMap<String, Value>>,
    requests: Mutex<Vec<String>>,
    silent: Mutex<HashSet<String>>,
    /// A compute that was PUT is being created from then on.
    is_slow: bool,
    tokens: AtomicU32,
    on_token: Option<OnToken>,
}

/// Each token holds for one request, and with the one of this number something happens.
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
    /// One with this compute.
    pub fn with(name: &str, compute: Value) -> Self {
        Self { computes: Mutex::new([(name.to_owned(), compute)].into()), ..Self::default() }
    }

    /// One that never finishes an attach.
    pub fn slow() -> Self {
        Self { is_slow: true, ..Self::default() }
    }

    /// One whose tokens hold for one request each. With the token of this number something happens.
    pub fn on_token(number: u32, happens: impl Fn() + Send + Sync + 'static) -> Self {
        Self { on_token: Some(OnToken { number, happens: Box::new(happens) }), ..Self::default() }
    }

    /// Never answers a PUT of this compute.
    pub fn silence(&self, compute: &str) {
        self.silent.lock().expect("no holder panics").insert(compute.to_owned());
    }

    /// How often this method was asked for of a compute.
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
                body["properties"]["provisioningState"] = json!(if self.is_slow { "Creating" } else { "Succeeded" });
                all.insert(name.to_owned(), body.clone());
                (201, body)
            }
            (Method::Delete, _) => {
                all.remove(name);
                (200, json!({}))
            }
            _ => all
                .get(name)
                .map_or((404, json!({"error": {"code": "ResourceNotFound", "message": "m"}})), |one| (200, one.clone())),
        }
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
        let (code, body) = match path.split_once("/computes/") {
            Some((_, name)) => {
                self.requests.lock().expect("no holder panics").push(format!("{} {name}", request.method()));
                let is_silent = self.silent.lock().expect("no holder panics").contains(name);
                if is_silent && request.method() == Method::Put {
                    std::future::pending::<()>().await;
                }
                let body = match request.body() {
                    Body::Bytes(bytes) => serde_json::from_slice(bytes).ok(),
                    Body::SeekableStream(_) => None,
                };
                self.compute(request.method(), name, body)
            }
            None if path.contains("/oauth2/") => (200, self.token()),
            None => (200, json!({"location": "eastus2", "properties": {"provisioningState": "Succeeded"}})),
        };
        Ok(AsyncRawResponse::from_bytes(code.into(), Headers::new(), body.to_string()))
    }
}
