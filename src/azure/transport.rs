//! The one way that every request takes: closed bucket? token; time-out; capped body; count; one line of log.

use std::time::Duration;

use azure_core::http::headers::HeaderName;
use azure_core::http::{Request, Url};
use futures::StreamExt;
use tokio::time::Instant;
use tracing::Instrument;
use tracing::field::Empty;

use crate::azure::Client;
use crate::azure::auth::token;
use crate::azure::call::Call;
use crate::azure::error::{Error, Words};
use crate::azure::throttle::Kind;
use crate::error_chain::chain;

/// A request takes no longer than this, body and all.
pub(super) const LONGEST: Duration = Duration::from_mins(1);
/// No answer is read past this many bytes: a page of a LIST has some hundred kilobytes.
const LARGEST: usize = 16 << 20;

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) operation: Option<String>,
    /// `x-ms-request-id`.
    pub(super) request: Option<String>,
    /// `x-ms-correlation-request-id`.
    pub(super) correlation: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) remaining: Option<u32>,
    /// `x-ms-continuation`: where a list of the data plane goes on.
    pub(super) continuation: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) async fn send(&self, call: Call, subscription: &str, link: &str, body: Option<Vec<u8>>) -> Result<Answer, Error> {
        let url = self.origin.admit(link).map_err(|foreign| Error::unanswered(format!("a link is not followed: {foreign}")))?;
        self.send_to(call, subscription, url, &self.tokens, body, None).await
    }

    /// `bucket` is what shares a limit: a subscription, or a Synapse workspace.
    pub(super) async fn send_to(
        &self,
        call: Call,
        bucket: &str,
        url: Url,
        tokens: &token::Tokens,
        body: Option<Vec<u8>>,
        continuation: Option<&str>,
    ) -> Result<Answer, Error> {
        let kind = call.kind();
        if let Some(pause) = self.budget.closed_for(bucket, kind, Instant::now()) {
            return Err(Error::Throttled {
                pause,
                words: Words { message: "Azure asked for a pause, which is not over".to_owned(), ..Words::default() },
            });
        }
        let token = tokens.bearer().await?;
        let id = uuid::Uuid::new_v4().to_string();
        let span = tracing::info_span!(
            "azure",
            call = call.as_str(),
            // An operation's path is as good as its URL, which is nobody's to read.
            path = (call != Call::Operation).then(|| url.path()),
            client_request_id = id,
            request_id = Empty,
            correlation_request_id = Empty,
            status = Empty,
        );
        let started = Instant::now();
        let answer =
            tokio::time::timeout(LONGEST, self.exchange(call, url, body, continuation, &token, &id).instrument(span.clone()))
                .await;
        let took = started.elapsed();
        let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {} s", LONGEST.as_secs())));
        self.metrics.request(call, answer.as_ref().ok().map(|answer| answer.status), took);
        let answer = answer.map_err(Error::unanswered).and_then(|answer| {
            span.record("request_id", answer.request.as_deref());
            span.record("correlation_request_id", answer.correlation.as_deref());
            span.record("status", answer.status);
            if let Some(left) = answer.remaining {
                self.metrics.remaining(kind, self.budget.left(bucket, kind, left, Instant::now()));
            }
            if (200..300).contains(&answer.status) {
                return Ok(answer);
            }
            let error = Error::of(answer.status, answer.retry_after, answer.correlation, &answer.body);
            if let (429, Error::Throttled { pause, .. }) = (answer.status, &error) {
                self.metrics.throttled(kind, self.budget.close(bucket, kind, *pause, Instant::now()));
            }
            Err(error)
        });
        // One line a request, with the IDs of the span; a refusal is told without being asked for.
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        span.in_scope(|| match &answer {
            Ok(answer) => tracing::debug!(ms, remaining = answer.remaining, "azure answered"),
            Err(Error::NotFound(words)) => tracing::debug!(ms, %words, "azure does not find it"),
            Err(error) => tracing::warn!(ms, %error, "azure does not do it"),
        });
        answer
    }

    async fn exchange(
        &self,
        call: Call,
        url: Url,
        body: Option<Vec<u8>>,
        continuation: Option<&str>,
        token: &str,
        id: &str,
    ) -> Result<Answer, String> {
        let mut request = Request::new(url, call.method());
        request.insert_header("authorization", format!("Bearer {token}"));
        request.insert_header("accept", "application/json");
        request.insert_header("user-agent", concat!("synapse-spark-operator/", env!("CARGO_PKG_VERSION")));
        request.insert_header("x-ms-client-request-id", id.to_owned());
        if let Some(body) = body {
            request.insert_header("content-type", "application/json");
            request.set_body(body);
        } else if call.kind() == Kind::Delete {
            request.insert_header("content-length", "0");
        }
        if let Some(continuation) = continuation {
            request.insert_header("x-ms-continuation", continuation.to_owned());
        }
        let answer = self.transport.execute_request(&request).await.map_err(|error| chain(&error))?;
        let (status, headers, mut stream) = answer.deconstruct();
        let header = |name: &'static str| headers.get_optional_string(&HeaderName::from_static(name));
        let mut body = Vec::new();
        while let Some(chunk) = stream.next().await {
            body.extend_from_slice(&chunk.map_err(|error| chain(&error))?);
            if body.len() > LARGEST {
                return Err(format!("the answer has more than {LARGEST} bytes"));
            }
        }
        Ok(Answer {
            status: u16::from(status),
            operation: header("azure-asyncoperation").or_else(|| header("location")),
            request: header("x-ms-request-id"),
            correlation: header("x-ms-correlation-request-id"),
            retry_after: header("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs),
            continuation: header("x-ms-continuation"),
            remaining: header(call.kind().header()).and_then(|text| text.trim().parse().ok()),
            body,
        })
    }
}

pub(super) fn read<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, Error> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| Error::unanswered(format!("the answer is not what it should be: {error}")))
}
