//! How requests travel: over HTTPS, or to an emulator in this process whose clock is moved by hand.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use azure_emulator::{Request, Seed};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// Where the emulator in this process claims to be.
pub const IN_PROCESS: &str = "https://arm.test";

/// The body of a request.
#[derive(Clone, Debug)]
pub enum Body {
    /// There is none.
    None,
    /// JSON.
    Json(Value),
    /// A form, which requests a token. It is never recorded as it is sent.
    Form(Vec<(&'static str, String)>),
}

/// A request that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// In capitals.
    pub method: &'static str,
    /// Absolute.
    pub url: String,
    /// The bearer token.
    pub token: Option<String>,
    /// Other headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// JSON; a string if it is a text; null if there is none.
    pub body: Value,
}

impl Reply {
    /// The first header of this name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The error in the body: `error`, or the `error` in it.
    #[must_use]
    pub fn error(&self) -> &Value {
        let error = &self.body["error"];
        if error["error"].is_object() { &error["error"] } else { error }
    }

    /// The status, with the code of the error where there is one: `404 ResourceNotFound`.
    #[must_use]
    pub fn outcome(&self) -> String {
        match self.error()["code"].as_str() {
            Some(code) => format!("{} {code}", self.status),
            None => self.status.to_string(),
        }
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The seconds of `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.header("retry-after")?.trim().parse().ok()
    }
}

/// Which certification authorities are trusted.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// Those of the machine.
    System,
    /// Those of the machine, and these (PEM).
    SystemAnd(&'a str),
    /// These only (PEM).
    Only(&'a str),
}

/// The way to an Azure.
#[derive(Debug)]
pub enum Transport {
    /// Over HTTPS.
    Http(reqwest::Client),
    /// To an emulator in this process.
    InProcess(Box<Mutex<Emulated>>),
}

/// An emulator without sockets, and its clock.
#[derive(Debug)]
pub struct Emulated {
    azure: azure_emulator::Azure,
    now: Timestamp,
}

impl Transport {
    /// Over HTTPS.
    ///
    /// # Errors
    ///
    /// If the certificate cannot be parsed, or TLS cannot be set up.
    pub fn https(trust: Trust<'_>) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_mins(2))
            .user_agent("azure-conformance");
        let parsed = |pem: &str| {
            reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|e| format!("The CA certificates cannot be parsed: {e}"))
        };
        builder = match trust {
            Trust::System => builder,
            Trust::SystemAnd(pem) => builder.tls_certs_merge(parsed(pem)?),
            Trust::Only(pem) => builder.tls_certs_only(parsed(pem)?),
        };
        builder.build().map(Self::Http).map_err(|e| e.to_string())
    }

    /// An emulator in this process with these settings and seeds.
    ///
    /// # Errors
    ///
    /// If a setting is not known, or a seed is not valid.
    pub fn in_process(settings: &Value, seeds: Vec<Seed>) -> Result<Self, String> {
        let now = "2026-01-02T03:04:05.6789012Z".parse::<Timestamp>().map_err(|e| e.to_string())?;
        let mut azure = azure_emulator::Azure::salted(IN_PROCESS, Uuid::new_v4());
        *azure.settings_mut() = azure_emulator::Settings::default().patched(settings)?;
        for seed in seeds {
            azure.seed(now, seed)?;
        }
        Ok(Self::InProcess(Box::new(Mutex::new(Emulated { azure, now }))))
    }

    /// Sends one request.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn send(&self, request: &Outgoing) -> Result<Reply, String> {
        match self {
            Self::Http(client) => send_http(client, request).await,
            Self::InProcess(emulated) => {
                let mut emulated = emulated.lock().unwrap_or_else(PoisonError::into_inner);
                emulated.now += Duration::from_nanos(7_123_456);
                let now = emulated.now;
                Ok(reply_of(&emulated.azure.answer(now, &in_process(request))))
            }
        }
    }

    /// Waits; an emulator in this process moves its clock instead.
    pub async fn wait(&self, pause: Duration) {
        match self {
            Self::Http(_) => tokio::time::sleep(pause).await,
            Self::InProcess(emulated) => emulated.lock().unwrap_or_else(PoisonError::into_inner).now += pause,
        }
    }
}

fn in_process(request: &Outgoing) -> Request {
    let target = request.url.strip_prefix(IN_PROCESS).unwrap_or("/elsewhere");
    let mut sent = Request::new(request.method, target);
    if let Some(token) = &request.token {
        sent = sent.with_header("Authorization", &format!("Bearer {token}"));
    }
    for (name, value) in &request.headers {
        sent = sent.with_header(name, value);
    }
    match &request.body {
        Body::None => sent,
        Body::Json(body) => sent.with_json(body),
        Body::Form(fields) => {
            sent.body = encoded(fields).into_bytes();
            sent
        }
    }
}

/// `application/x-www-form-urlencoded`.
fn encoded(fields: &[(&'static str, String)]) -> String {
    let escape =
        |text: &str| -> String {
            text.bytes()
                .map(|b| {
                    if b.is_ascii_alphanumeric() || b"-._".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }
                })
                .collect()
        };
    fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

fn reply_of(answer: &azure_emulator::Answer) -> Reply {
    let headers = answer.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    Reply { status: answer.status, headers, body: parsed(&answer.body) }
}

fn parsed(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(bytes)))
}

async fn send_http(client: &reqwest::Client, request: &Outgoing) -> Result<Reply, String> {
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|e| e.to_string())?;
    let mut builder = client.request(method, &request.url).header("Accept", "application/json");
    if let Some(token) = &request.token {
        builder = builder.bearer_auth(token);
    }
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    builder = match &request.body {
        // Azure answers 411 to a POST or DELETE whose length is not given.
        Body::None if request.method == "GET" => builder,
        Body::None => builder.header("Content-Length", "0"),
        Body::Json(body) => builder.json(body),
        Body::Form(fields) => builder.form(fields),
    };
    let answer = builder.send().await.map_err(|e| chain(&e.without_url()))?;
    let status = answer.status().as_u16();
    let headers =
        answer.headers().iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let headers = headers.collect();
    let bytes = answer.bytes().await.map_err(|e| chain(&e.without_url()))?;
    Ok(Reply { status, headers, body: parsed(&bytes) })
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_percent_encoded() {
        assert_eq!(
            encoded(&[("a", "x y&z".into()), ("b", "https://h/.default".into())]),
            "a=x%20y%26z&b=https%3A%2F%2Fh%2F.default"
        );
    }

    #[test]
    fn the_inner_of_two_nested_errors_is_read() {
        let reply = |body| Reply { status: 400, headers: Vec::new(), body };
        assert_eq!(reply(json!({"error": {"code": "A"}})).outcome(), "400 A");
        assert_eq!(reply(json!({"error": {"error": {"code": "B"}}})).outcome(), "400 B");
        assert_eq!(reply(Value::Null).outcome(), "400");
    }
}
