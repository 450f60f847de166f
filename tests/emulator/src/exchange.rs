//! A request and its answer, independent of any HTTP library.

use std::time::Duration;

use serde_json::{Value, json};

/// A request to Azure, or to the control API.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// In upper case, as on the wire.
    pub method: String,
    /// Percent-encoded, as on the wire.
    pub path: String,
    /// Without the question mark; empty if there is none.
    pub query: String,
    /// Names are case-insensitive.
    pub headers: Vec<(String, String)>,
    /// Empty if there is none.
    pub body: Vec<u8>,
    /// The connection on which it arrived; none without a socket.
    pub carrier: Option<Carrier>,
}

/// The TCP connection on which a request arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// Counts the connections from 1, in the order in which they were accepted.
    pub connection: u64,
    /// Whether the connection carried another request before.
    pub is_reused: bool,
}

impl Request {
    /// A request without headers and body. The target is a path with or without a query.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { method: method.into(), path: path.into(), query: query.into(), ..Self::default() }
    }

    /// The name of a resource with a host of its own, and the rest of the path: from the host, which is the name and one of these
    /// suffixes, or from a path that begins with the folder and the name.
    pub(crate) fn named_host<'a>(
        &self,
        suffixes: &[&str],
        folder: &str,
        segments: &'a [String],
    ) -> Option<(String, &'a [String])> {
        if let Some(host) = self.header("Host") {
            let host = host.rsplit_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
            if let Some(name) = suffixes.iter().find_map(|suffix| host.strip_suffix(suffix)) {
                return Some((name.to_owned(), segments));
            }
        }
        match segments {
            [first, name, rest @ ..] if first == folder => Some((name.clone(), rest)),
            _ => None,
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with a body of JSON.
    #[must_use]
    pub fn with_json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.with_header("Content-Type", "application/json")
    }

    /// The same on this connection.
    #[must_use]
    pub fn on(self, connection: u64, is_reused: bool) -> Self {
        Self { carrier: Some(Carrier { connection, is_reused }), ..self }
    }

    /// The first header of this name, which is case-insensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The first value of this key of the query. Keys are case-insensitive (ARM folds them).
    pub(crate) fn query_value(&self, key: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.into_owned())
    }

    /// The segments of the path, decoded; empty ones are skipped, since SDK v1 requests `//subscriptions/…` (SDK).
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|s| !s.is_empty()).map(percent_decoded).collect()
    }
}

fn percent_decoded(text: &str) -> String {
    // Only `+` differs between a form and a path.
    let form = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}

/// What happens to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// The answer is sent.
    Kept,
    /// It is closed, and the request was not processed.
    Reset,
    /// It is closed after the request was processed: the answer is lost.
    Lost,
}

/// The answer, its delay, and whether it is sent at all.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status. For a lost answer, the one that would have been sent; for a reset, 0.
    pub status: u16,
    /// Names as Azure spells them.
    pub headers: Vec<(String, String)>,
    /// Empty if there is none.
    pub body: Vec<u8>,
    /// By how much the answer is delayed.
    pub delay: Duration,
    /// Whether to send it.
    pub connection: Connection,
}

impl Answer {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), delay: Duration::ZERO, connection: Connection::Kept }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let mut answer = Self::empty(status).with("Content-Type", "application/json; charset=utf-8");
        answer.body = body.to_string().into_bytes();
        answer
    }

    /// A text that is not JSON.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        let mut answer = Self::empty(status).with("Content-Type", "text/html; charset=utf-8");
        answer.body = text.as_bytes().to_vec();
        answer
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The first header of this name, which is case-insensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The body as JSON; null if it is not JSON.
    #[must_use]
    pub fn body_json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// The body of ARM's errors: `{"error":{"code","message"}}` (DOC, REAL).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), headers: Vec::new() }
    }

    /// The resource provider's error code for an invalid request (REAL, of other computes).
    pub(crate) fn user_error(message: impl Into<String>) -> Self {
        Self::new(400, "UserError", message)
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn answer(self) -> Answer {
        let body = json!({"error": {"code": self.code, "message": self.message}});
        let mut answer = Answer::json(self.status, &body);
        answer.headers.extend(self.headers);
        answer
    }
}
