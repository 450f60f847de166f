//! A transport that returns scripted responses.

#[path = "../support/settings.rs"]
mod settings;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use azure_core::credentials::Secret;
use azure_core::http::headers::Headers;
use azure_core::http::response::PinnedStream;
use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use synapse_spark_operator::azure::wire::Put;
use synapse_spark_operator::azure::{Client, Credential, Limits, Metrics, Settings};
use synapse_spark_operator::resource_id::{ComputeId, WorkspaceId};
use tokio::sync::{oneshot, watch};

pub use settings::settings;

pub const SUBSCRIPTION: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7a";
pub const ARM: &str = "https://arm.example";

/// One response of the script.
#[derive(Default)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// The response comes after this.
    pub held: Option<oneshot::Receiver<()>>,
}

pub fn response(status: u16, body: &Value) -> Response {
    Response { status, body: body.to_string().into_bytes(), ..Response::default() }
}

/// A request: method, URL, authorization, body.
pub type Sent = (String, String, Option<String>, String);

/// Sends responses in their order, and an access token for every request to Entra ID.
#[derive(Clone)]
pub struct Script {
    answers: Arc<Mutex<VecDeque<Response>>>,
    sent: Arc<watch::Sender<Vec<Sent>>>,
    client_request_ids: Arc<Mutex<Vec<String>>>,
    /// There is no response after the last one, instead of a panic.
    is_silent: bool,
    registry: Arc<Registry>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

#[async_trait::async_trait]
impl HttpClient for Script {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut url = request.url().to_string();
        // Synapse names the next page of a list in a header.
        if let Some(continuation) = request.headers().get_optional_string(&"x-ms-continuation".into()) {
            url = format!("{url}#{continuation}");
        }
        let authorization = request.headers().get_optional_string(&"authorization".into());
        if url.contains("/oauth2/") {
            let azure_core::http::Body::Bytes(asked) = request.body() else { panic!("a request for a token has a form") };
            let is_synapse = String::from_utf8_lossy(asked).contains("synapse.example");
            let token = if is_synapse { "synapses-token" } else { "the-token" };
            let body = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token});
            return Ok(AsyncRawResponse::from_bytes(200.into(), Headers::new(), body.to_string().into_bytes()));
        }
        let body = match request.body() {
            azure_core::http::Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            azure_core::http::Body::SeekableStream(_) => String::new(),
        };
        let id = request.headers().get_optional_string(&"x-ms-client-request-id".into());
        self.client_request_ids.lock().expect("no thread panics while it holds the lock").extend(id);
        self.sent.send_modify(|all| all.push((request.method().to_string(), url, authorization, body)));
        let answer = self.answers.lock().expect("no thread panics while it holds the lock").pop_front();
        let answer = match answer {
            None if self.is_silent => futures::future::pending().await,
            answer => answer.expect("the script has a response left"),
        };
        if let Some(held) = answer.held {
            held.await.expect("the test releases it");
        }
        let mut headers = Headers::new();
        for (name, value) in answer.headers {
            headers.insert(name, value);
        }
        // In pieces, as from a network.
        let pieces: Vec<_> = answer.body.chunks(1 << 16).map(|piece| Ok(piece.to_vec().into())).collect();
        let stream: PinnedStream = Box::pin(futures::stream::iter(pieces));
        Ok(AsyncRawResponse::new(answer.status.into(), headers, stream))
    }
}

impl Script {
    /// A script of these responses, and a client that receives them.
    pub fn of(answers: impl IntoIterator<Item = Response>) -> (Self, Client) {
        let answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        Self { answers, sent: Arc::default(), client_request_ids: Arc::default(), is_silent: false, registry: Arc::default() }
            .with_client()
    }

    /// A script without a response, and a client that waits for one.
    pub fn silent() -> (Self, Client) {
        Self {
            answers: Arc::default(),
            sent: Arc::default(),
            client_request_ids: Arc::default(),
            is_silent: true,
            registry: Arc::default(),
        }
        .with_client()
    }

    fn with_client(mut self) -> (Self, Client) {
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        self.registry = Arc::new(registry);
        let settings = settings(
            ARM,
            "https://entra.example",
            Credential::ClientSecret {
                tenant: "72f988bf-0000-4000-8000-000000000001".into(),
                client: "c".into(),
                secret: Secret::new("s"),
            },
        );
        let client = Client::new(&settings, Arc::new(self.clone()), metrics).expect("good settings");
        (self, client)
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.sent.borrow().clone()
    }

    /// The IDs that the client gave its requests.
    pub fn client_request_ids(&self) -> Vec<String> {
        self.client_request_ids.lock().expect("no thread panics while it holds the lock").clone()
    }

    /// The value of a metric.
    pub fn metric(&self, series: &str) -> Option<String> {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("text");
        text.lines().find_map(|line| line.strip_prefix(series)).map(|value| value.trim().to_owned())
    }

    /// Waits for this many requests.
    pub async fn has_sent(&self, count: usize) {
        self.sent.subscribe().wait_for(|all| all.len() >= count).await.expect("the sender is here");
    }
}

pub fn workspace() -> WorkspaceId {
    WorkspaceId::new(SUBSCRIPTION, "yogi-res-group", "yogi-aml-ws").expect("an ID")
}

pub fn compute() -> ComputeId {
    workspace().compute("my-spark-pool").expect("an ID")
}

pub fn pool_id() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/yogi-res-group/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool"
    )
}

pub fn put() -> Put {
    Put { location: "eastus2".into(), resource_id: pool_id(), ..Put::default() }
}
