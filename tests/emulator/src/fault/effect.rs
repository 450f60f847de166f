//! What a fault does to a request.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::exchange::{Answer, Refusal};
use crate::settings::duration;

/// What happens to a request. The keys that are present determine which variant it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Effect {
    /// It is answered with this status and not processed, or processed later, if `process_after` is set too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The error code, together with `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The error's message, together with `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The seconds of `Retry-After`, together with `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The whole body, together with `status`, instead of an error: JSON, or a string that is sent unchanged, like the page of a
    /// proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Additional headers, together with `status`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// It is processed, and the answer is `status` nevertheless. Only for writes.
    #[serde(skip_serializing_if = "is_false")]
    pub processed: bool,
    /// It is processed, and its answer is delayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// Its connection is closed, and it is not processed.
    #[serde(skip_serializing_if = "is_false")]
    pub reset: bool,
    /// It is processed, and its connection is closed without an answer.
    #[serde(skip_serializing_if = "is_false")]
    pub lost_answer: bool,
    /// Its connection is closed, or the answer is `status`; it is processed after this time. Only for writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_after: Option<Delay>,
    /// A resource provider refuses it (429), and all other matching requests until this time has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_throttle: Option<Delay>,
    /// The operation that it starts ends `Failed` with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_operation: Option<Failure>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

/// A duration such as `500ms`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Delay(#[serde(with = "duration")] pub Duration);

/// Why an operation failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Failure {
    /// How the operation and the compute end.
    #[serde(default)]
    pub status: Ended,
    /// Such as `InternalServerError`.
    pub code: String,
    /// The text for people.
    pub message: String,
    /// An HTTP status, which the service adds though the specification has none (REAL).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// The target of the error (SPEC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// More errors, of any form (REAL: their codes may be sentences).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Value>,
}

/// How an operation without success ends (SPEC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// It failed.
    #[default]
    Failed,
    /// It was canceled.
    Canceled,
}

impl Failure {
    /// An error with only a code and a message.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), ..Self::default() }
    }

    /// The error as the service writes it, without absent fields.
    pub(crate) fn error(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(status) = self.status_code {
            error["statusCode"] = json!(status);
        }
        if let Some(target) = &self.target {
            error["target"] = json!(target);
        }
        if !self.details.is_empty() {
            error["details"] = json!(self.details);
        }
        error
    }
}

impl Effect {
    /// Whether it applies to writes only.
    pub(super) fn meets_writes(&self) -> bool {
        self.processed || self.process_after.is_some()
    }

    /// Refuses effects that cannot be combined.
    pub(super) fn check(&self) -> Result<(), String> {
        let effects = [
            self.status.is_some(),
            self.delay.is_some(),
            self.reset,
            self.lost_answer,
            self.provider_throttle.is_some(),
            self.fail_operation.is_some(),
        ];
        match effects.iter().filter(|is| **is).count() {
            0 if self.process_after.is_some() => {}
            1 if self.process_after.is_none() || self.status.is_some() => {}
            _ => {
                return Err("a fault has exactly one of status, delay, reset, lostAnswer, processAfter, providerThrottle, failOperation; \
                            only status and processAfter go together"
                    .into());
            }
        }
        if self.processed && (self.status.is_none() || self.process_after.is_some()) {
            return Err("processed needs status, and doesn't go together with processAfter".into());
        }
        if self.body.is_some() && (self.status.is_none() || self.code.is_some() || self.message.is_some()) {
            return Err("body needs status, and takes the place of code and message".into());
        }
        Ok(())
    }

    /// The answer of a fault with a status; the token endpoint has its own format of errors.
    pub(crate) fn answer(&self, of_entra: bool) -> Option<Answer> {
        if let Some(pause) = self.provider_throttle {
            // Without ARM's headers: it was not ARM that refused (DOC); the text is that of other providers (REAL).
            let refusal = Refusal::new(429, "TooManyRequests", "The request is being throttled.");
            return Some(refusal.with("Retry-After", pause.0.as_secs().max(1).to_string()).answer());
        }
        let status = self.status?;
        let mut answer = match &self.body {
            Some(Value::String(text)) => Answer::text(status, text),
            Some(body) => Answer::json(status, body),
            None => self.error(status, of_entra),
        };
        if let Some(seconds) = self.retry_after {
            answer = answer.with("Retry-After", seconds.to_string());
        }
        answer.headers.extend(self.headers.clone());
        Some(answer)
    }

    fn error(&self, status: u16, of_entra: bool) -> Answer {
        let code = self.code.clone().unwrap_or_else(|| default_code(status).into());
        let message = self.message.clone().unwrap_or_else(|| "The emulator was asked to answer so.".into());
        if of_entra {
            return Answer::json(status, &json!({"error": code, "error_description": message}));
        }
        Refusal::new(status, &code, message).answer()
    }
}

fn default_code(status: u16) -> &'static str {
    match status {
        401 => "InvalidAuthenticationToken",
        403 => "AuthorizationFailed",
        404 => "ResourceNotFound",
        409 => "Conflict",
        429 => "SubscriptionRequestsThrottled",
        500 => "InternalServerError",
        502 => "BadGateway",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        _ => "UserError",
    }
}
