//! The path of every request: throttling, access token, timeout, capped body, metrics, one log line.

use std::time::Duration;

use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{HttpClient, Method, Request, Url};
use azure_core::time::OffsetDateTime;
use futures::StreamExt;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::azure::auth::token::{AccessToken, TokenCache};
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::clock::Clock;
use crate::azure::error::Error;
use crate::azure::request_id;
use crate::azure::retry_after;
use crate::azure::throttle::{Key, Kind, Permit, Refused, Resource, Scope};
use crate::azure::wire;
use crate::error_chain::chain;

/// A request takes no longer than this, including its body.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// A longer body is not read to its end: a page of a LIST has some hundred kilobytes.
pub(super) const MAX_BODY_BYTES: usize = 16 << 20;

/// A request, before it has an access token.
pub(super) struct ApiRequest<'a> {
    pub(super) call: Call,
    /// What shares a limit.
    pub(super) scope: Scope,
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
        serde_json::from_slice(&self.body).map_err(|error| Error::undecodable(&error))
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
            Ok(answer) => answer.map(drop).map_err(|error| Error::of_transport(chain(&error))),
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
        let scope = Scope::of(subscription);
        let tokens = &self.tokens.arm;
        Ok(ApiRequest { call, scope, url, tokens, body: None, continuation: None, deadline: None, new_connection: false })
    }

    /// Sends a request and classifies its answer. If Azure does not accept the access token, the request is sent once more with
    /// another token, where one can be had.
    pub(super) async fn send(&self, request: ApiRequest<'_>) -> Result<Answer, Error> {
        let (token, answer) = self.send_once(&request).await?;
        match answer {
            Err(Error::Unauthenticated(_)) if request.tokens.replace(&token) => self.send_once(&request).await?.1,
            answer => answer,
        }
    }

    /// The token and the result of the request; an error if it was not sent.
    async fn send_once(&self, request: &ApiRequest<'_>) -> Result<(AccessToken, Result<Answer, Error>), Error> {
        let resource = Resource::of(request.url.path());
        let (token, mut permit) = self.admitted(request, &resource).await.map_err(Error::before_sending)?;
        let timeout = timeout(request.deadline).map_err(Error::before_sending)?;
        permit.send(&resource, Instant::now()).map_err(Error::paused)?;
        let id = request_id::new(self.mark.as_deref()).to_string();
        let span = span(request, &id);
        let raw = raw(request, &token.secret, &id);
        let started = Instant::now();
        let transport = if request.new_connection { &self.transports.unpooled } else { &self.transports.pooled };
        let exchange = Self::exchange(transport.as_ref(), &raw, permit.key(), &self.metrics.clock).instrument(span.clone());
        let received = tokio::time::timeout(timeout, exchange).await.unwrap_or_else(|_| Err(no_answer_within(timeout)));
        let took = started.elapsed();
        self.metrics.request(request.call, received.as_ref().ok().map(|answer| answer.status), took);
        let ids = received.as_ref().ok().map(|answer| (answer.status, answer.request_id.clone()));
        let result = received.map_err(Error::of_transport).and_then(|answer| {
            span.record("request_id", answer.request_id.as_deref());
            span.record("correlation_request_id", answer.correlation_id.as_deref());
            span.record("status", answer.status);
            classify(permit, &resource, answer).map_err(|error| error.with_clock(&self.metrics.clock))
        });
        span.in_scope(|| log((request, &id), ids, took, &result));
        Ok((token, result))
    }

    /// Sends the bytes and reads the answer, whatever its status.
    async fn exchange(transport: &dyn HttpClient, request: &Request, key: &Key, clock: &Clock) -> Result<Answer, String> {
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
        let now = clock.read(&headers);
        let pause = |text: String| retry_after::pause(status, &text, now.unwrap_or_else(OffsetDateTime::now_utc));
        Ok(Answer {
            status,
            operation: header("azure-asyncoperation").or_else(|| header("location")),
            request_id: header("x-ms-request-id"),
            correlation_id: header("x-ms-correlation-request-id"),
            retry_after: header("retry-after").and_then(pause),
            continuation: header("x-ms-continuation"),
            remaining: remaining(&headers, key),
            body,
        })
    }
}

/// The requests that remain, by ARM's own headers: the principal's, or all principals' together if those are fewer.
///
/// A resource provider that overrides ARM's limit sends headers of its own instead
/// (`x-ms-ratelimit-remaining-subscription-resource-requests`, `…-resource-entities-read`). They are about another limit.
fn remaining(headers: &Headers, key: &Key) -> Option<u32> {
    let (level, kind) = (key.scope.level()?, key.kind.as_str());
    let of = |level: String| {
        let name = HeaderName::from(format!("x-ms-ratelimit-remaining-{level}-{kind}s"));
        headers.get_optional_string(&name)?.trim().parse::<u32>().ok()
    };
    let own = of(level.to_owned())?;
    Some(of(format!("{level}-global")).map_or(own, |all| all.min(own)))
}

/// Updates the bucket from an answer, and distinguishes a success from an error.
fn classify(permit: Permit, resource: &Resource, answer: Answer) -> Result<Answer, Error> {
    let (now, remaining) = (Instant::now(), answer.remaining);
    let is_page = wire::is_page(&answer.body);
    if (200..300).contains(&answer.status) && !is_page {
        permit.answered(remaining, None, resource, now);
        return Ok(answer);
    }
    let error = Error::of_answer(answer.status, answer.retry_after, answer.correlation_id, &answer.body);
    let refused = match &error {
        Error::Throttled { retry_after, error } if is_by_limit(permit.key(), remaining, &error.code) => {
            Some(Refused::ByLimit(*retry_after))
        }
        Error::Throttled { retry_after, .. } => Some(Refused::ByProvider(*retry_after)),
        _ => None,
    };
    permit.answered(remaining, refused, resource, now);
    Err(error)
}

/// Whether a 429 comes from the limit that the bucket represents, and not from a resource provider.
///
/// ARM's own has the code `SubscriptionRequestsThrottled` or `TenantRequestsThrottled` (seen in real traffic), and nothing
/// remains. The data plane of Synapse has no service in front of it.
fn is_by_limit(key: &Key, remaining: Option<u32>, code: &str) -> bool {
    let is_arms = ["SubscriptionRequestsThrottled", "TenantRequestsThrottled"].iter().any(|arms| arms.eq_ignore_ascii_case(code));
    is_arms || remaining == Some(0) || key.scope.level().is_none()
}

/// The span of a request, for traces and debug lines; without them it costs nothing.
fn span(request: &ApiRequest<'_>, id: &str) -> Span {
    tracing::debug_span!(
        "azure",
        call = request.call.as_str(),
        path = public_path(request),
        client_request_id = id,
        request_id = Empty,
        correlation_request_id = Empty,
        status = Empty,
    )
}

/// The path of an operation can be as secret as its URL, which may contain a signature.
fn public_path<'a>(request: &'a ApiRequest<'_>) -> Option<&'a str> {
    (request.call != Call::Operation).then(|| request.url.path())
}

fn raw(request: &ApiRequest<'_>, token: &str, id: &str) -> Request {
    let mut raw = Request::new(request.url.clone(), request.call.method());
    raw.insert_header("authorization", format!("Bearer {token}"));
    raw.insert_header("accept", "application/json");
    raw.insert_header("user-agent", concat!("synapse-spark-operator/", env!("CARGO_PKG_VERSION")));
    raw.insert_header("x-ms-client-request-id", id.to_owned());
    if let Some(body) = &request.body {
        raw.insert_header("content-type", "application/json");
        raw.set_body(body.clone());
    } else if request.call.kind() != Kind::Read {
        raw.insert_header("content-length", "0");
    }
    if let Some(continuation) = &request.continuation {
        raw.insert_header("x-ms-continuation", continuation.clone());
    }
    raw
}

/// One line for each request; only a failure is logged at the default level. `answered` is the status of the answer, and the ID that Azure gave the request.
fn log(
    (request, client_request_id): (&ApiRequest<'_>, &str),
    answered: Option<(u16, Option<String>)>,
    took: Duration,
    result: &Result<Answer, Error>,
) {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (call, path) = (request.call.as_str(), public_path(request));
    match result {
        Ok(answer) => tracing::debug!(ms, remaining = answer.remaining, "azure request succeeded"),
        Err(Error::NotFound(error)) => tracing::debug!(ms, %error, "azure resource not found"),
        Err(error) => {
            let (status, request_id) = answered.unzip();
            let (request_id, correlation_request_id) = (request_id.flatten(), error.service_error().correlation_id.as_deref());
            tracing::warn!(
                call, path, status, ms, client_request_id, request_id, correlation_request_id, %error, "azure request failed"
            );
        }
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

pub(super) fn no_answer_within(timeout: Duration) -> String {
    format!("no answer within {} s", timeout.as_secs())
}
