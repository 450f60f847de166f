//! The one path of every request: throttling, access token, time-out, capped body, metrics, one log line.

use std::time::Duration;

use azure_core::http::headers::HeaderName;
use azure_core::http::{HttpClient, Method, Request, Url};
use azure_core::time::{OffsetDateTime, parse_rfc7231};
use futures::StreamExt;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::azure::auth::token::TokenCache;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::retry_after;
use crate::azure::throttle::Kind;
use crate::error_chain::chain;
use crate::service_error::ServiceError;

/// A request takes no longer than this, including its body.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// A longer body is not read to its end: a page of a LIST has some hundred kilobytes.
const MAX_BODY_BYTES: usize = 16 << 20;

/// A request, before it has an access token.
pub(super) struct ApiRequest<'a> {
    pub(super) call: Call,
    /// What shares a limit: a subscription, or a Synapse workspace.
    pub(super) bucket: String,
    pub(super) url: Url,
    pub(super) tokens: &'a TokenCache,
    pub(super) body: Option<Vec<u8>>,
    /// `x-ms-continuation`: the next page of a list of the data plane.
    pub(super) continuation: Option<String>,
    /// The request ends at this time at the latest.
    pub(super) deadline: Option<Instant>,
    /// Whether it needs a connection that carried no request before.
    pub(super) new_connection: bool,
}

/// An answer of Azure.
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Azure-AsyncOperation`, or else `Location`.
    pub(super) operation: Option<String>,
    /// `x-ms-request-id`.
    pub(super) request_id: Option<String>,
    /// `x-ms-correlation-request-id`.
    pub(super) correlation_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) remaining: Option<u32>,
    /// `x-ms-continuation`: the next page of a list of the data plane.
    pub(super) continuation: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(super) fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::unavailable(format!("the answer cannot be decoded: {error}")))
    }
}

impl Client {
    /// Whether Azure Resource Manager answers at all. The request carries no token.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it does not.
    pub async fn reach(&self) -> Result<(), Error> {
        let url = self.origin.admit("/").map_err(|foreign| Error::unavailable(foreign.to_string()))?;
        let request = Request::new(url, Method::Get);
        match tokio::time::timeout(REQUEST_TIMEOUT, self.transports.pooled.execute_request(&request)).await {
            Ok(answer) => answer.map(drop).map_err(|error| Error::unavailable(chain(&error))),
            Err(_) => Err(Error::unavailable(no_answer_within(REQUEST_TIMEOUT))),
        }
    }

    /// Sends a request without a body to Azure Resource Manager.
    pub(super) async fn get(&self, call: Call, subscription: &str, link: &str) -> Result<Answer, Error> {
        self.send(self.request(call, subscription, link)?).await
    }

    /// A request to Azure Resource Manager: a path and query, or a link of an earlier answer.
    pub(super) fn request(&self, call: Call, subscription: &str, link: &str) -> Result<ApiRequest<'_>, Error> {
        let url = self.origin.admit(link).map_err(|foreign| Error::unavailable(format!("link ignored: {foreign}")))?;
        let bucket = subscription.to_owned();
        let tokens = &self.tokens.arm;
        Ok(ApiRequest { call, bucket, url, tokens, body: None, continuation: None, deadline: None, new_connection: false })
    }

    /// Sends a request and classifies its answer.
    pub(super) async fn send(&self, request: ApiRequest<'_>) -> Result<Answer, Error> {
        let kind = request.call.kind();
        if let Some(retry_after) = self.throttle.closed_for(&request.bucket, kind, Instant::now()) {
            let message = "Waiting as Azure requested in Retry-After".to_owned();
            return Err(Error::Throttled { retry_after, error: ServiceError { message, ..ServiceError::default() } });
        }
        let token = request.tokens.bearer().await.map_err(Error::before_sending)?;
        let timeout = timeout(request.deadline).map_err(Error::before_sending)?;
        let id = uuid::Uuid::new_v4().to_string();
        let span = span(&request, &id);
        let raw = raw(&request, &token, id);
        let started = Instant::now();
        let transport = if request.new_connection { &self.transports.unpooled } else { &self.transports.pooled };
        let received = tokio::time::timeout(timeout, Self::exchange(transport.as_ref(), &raw, kind).instrument(span.clone()))
            .await
            .unwrap_or_else(|_| Err(no_answer_within(timeout)));
        let took = started.elapsed();
        self.metrics.request(request.call, received.as_ref().ok().map(|answer| answer.status), took);
        let result = received.map_err(Error::unavailable).and_then(|answer| {
            span.record("request_id", answer.request_id.as_deref());
            span.record("correlation_request_id", answer.correlation_id.as_deref());
            span.record("status", answer.status);
            self.classify(&request.bucket, kind, answer)
        });
        span.in_scope(|| log(took, &result));
        result
    }

    /// Sends the bytes and reads the answer, whatever its status.
    async fn exchange(transport: &dyn HttpClient, request: &Request, kind: Kind) -> Result<Answer, String> {
        let answer = transport.execute_request(request).await.map_err(|error| chain(&error))?;
        let (status, headers, mut stream) = answer.deconstruct();
        let header = |name: &'static str| headers.get_optional_string(&HeaderName::from_static(name));
        let mut body = Vec::new();
        while let Some(chunk) = stream.next().await {
            body.extend_from_slice(&chunk.map_err(|error| chain(&error))?);
            if body.len() > MAX_BODY_BYTES {
                return Err(format!("the answer has more than {MAX_BODY_BYTES} bytes"));
            }
        }
        let status = u16::from(status);
        // Both times are Azure's, so that a wrong clock of ours does not matter.
        let now = header("date").and_then(|text| parse_rfc7231(&text).ok());
        let pause = |text: String| retry_after::pause(status, &text, now.unwrap_or_else(OffsetDateTime::now_utc));
        Ok(Answer {
            status,
            operation: header("azure-asyncoperation").or_else(|| header("location")),
            request_id: header("x-ms-request-id"),
            correlation_id: header("x-ms-correlation-request-id"),
            retry_after: header("retry-after").and_then(pause),
            continuation: header("x-ms-continuation"),
            remaining: header(kind.header()).and_then(|text| text.trim().parse().ok()),
            body,
        })
    }

    /// Updates the bucket from an answer, and distinguishes a success from an error.
    fn classify(&self, bucket: &str, kind: Kind, answer: Answer) -> Result<Answer, Error> {
        if let Some(remaining) = answer.remaining {
            self.metrics.remaining(kind, self.throttle.remaining(bucket, kind, remaining, Instant::now()));
        }
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let error = Error::of_answer(answer.status, answer.retry_after, answer.correlation_id, &answer.body);
        if let Error::Throttled { retry_after, .. } = &error {
            self.metrics.throttled(kind, self.throttle.close(bucket, kind, *retry_after, Instant::now()));
        }
        Err(error)
    }
}

fn span(request: &ApiRequest<'_>, id: &str) -> Span {
    tracing::info_span!(
        "azure",
        call = request.call.as_str(),
        // The path of an operation can be as secret as its URL, which may carry a signature.
        path = (request.call != Call::Operation).then(|| request.url.path()),
        client_request_id = id,
        request_id = Empty,
        correlation_request_id = Empty,
        status = Empty,
    )
}

fn raw(request: &ApiRequest<'_>, token: &str, id: String) -> Request {
    let mut raw = Request::new(request.url.clone(), request.call.method());
    raw.insert_header("authorization", format!("Bearer {token}"));
    raw.insert_header("accept", "application/json");
    raw.insert_header("user-agent", concat!("synapse-spark-operator/", env!("CARGO_PKG_VERSION")));
    raw.insert_header("x-ms-client-request-id", id);
    if let Some(body) = &request.body {
        raw.insert_header("content-type", "application/json");
        raw.set_body(body.clone());
    } else if request.call.kind() == Kind::Delete {
        raw.insert_header("content-length", "0");
    }
    if let Some(continuation) = &request.continuation {
        raw.insert_header("x-ms-continuation", continuation.clone());
    }
    raw
}

/// One line a request, with the IDs of the span. Only a failure is logged at the default level.
fn log(took: Duration, result: &Result<Answer, Error>) {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(answer) => tracing::debug!(ms, remaining = answer.remaining, "azure request succeeded"),
        Err(Error::NotFound(error)) => tracing::debug!(ms, %error, "azure resource not found"),
        Err(error) => tracing::warn!(ms, %error, "azure request failed"),
    }
}

/// The time that a request may take. A request is not sent after its deadline.
fn timeout(deadline: Option<Instant>) -> Result<Duration, Error> {
    let Some(deadline) = deadline else { return Ok(REQUEST_TIMEOUT) };
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(Error::unavailable("the request was not sent, since its deadline has passed")),
        left => Ok(left.min(REQUEST_TIMEOUT)),
    }
}

fn no_answer_within(timeout: Duration) -> String {
    format!("no answer within {} s", timeout.as_secs())
}
