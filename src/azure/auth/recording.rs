//! The transport of requests for access tokens.

use std::sync::{Arc, Mutex};

use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use serde_json::{Value, json};

use crate::azure::auth::aadsts;
use crate::azure::clock::Clock;
use crate::service_error::{Service, ServiceError};

/// Records the last refusal of Microsoft Entra ID.
///
/// `azure_identity` 1.0.0 loses code and status of any refusal whose
/// description has an escape in it, as those of Entra ID have (`\r\n`):
/// Azure/azure-sdk-for-rust#3479.
#[derive(Debug)]
pub(super) struct RecordingTransport {
    inner: Arc<dyn HttpClient>,
    clock: Clock,
    last_refusal: Mutex<Option<(u16, ServiceError)>>,
}

impl RecordingTransport {
    pub(super) fn new(inner: Arc<dyn HttpClient>, clock: Clock) -> Self {
        Self { inner, clock, last_refusal: Mutex::default() }
    }

    /// HTTP status and error of the last refusal since the last call of this method.
    pub(super) fn take_last_refusal(&self) -> Option<(u16, ServiceError)> {
        self.last_refusal.lock().expect("no thread panics while it holds the lock").take()
    }
}

#[async_trait::async_trait]
impl HttpClient for RecordingTransport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = self.inner.execute_request(request).await?;
        self.clock.read(answer.headers());
        let status = u16::from(answer.status());
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        let (code, headers, body) = answer.deconstruct();
        let body = body.collect().await?;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        let error = refusal(status, &value);
        let readable = json!({
            "error": text(&value, "error"),
            "error_description": error.message.replace(['"', '\\'], "'"),
            "error_codes": [],
        });
        *self.last_refusal.lock().expect("no thread panics while it holds the lock") = Some((status, error));
        Ok(AsyncRawResponse::from_bytes(code, headers, readable.to_string().into_bytes()))
    }
}

/// The first line of the description, under its `AADSTS` number where it has one.
fn refusal(status: u16, value: &Value) -> ServiceError {
    let description = text(value, "error_description").lines().next().unwrap_or_default();
    let number = description.split(':').next().filter(|word| word.starts_with("AADSTS"));
    let code = number.unwrap_or(text(value, "error"));
    ServiceError {
        code: code.to_owned(),
        hint: aadsts::advice(code).map(ToOwned::to_owned),
        message: match description.split_once(": ") {
            Some((_, rest)) if number.is_some() => rest.to_owned(),
            _ if description.is_empty() => format!("Microsoft Entra ID answered HTTP {status}"),
            _ => description.to_owned(),
        },
        correlation_id: value.get("correlation_id").and_then(Value::as_str).map(ToOwned::to_owned),
        service: Service::Entra,
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
