//! What goes wrong because a test asked for it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::exchange::{Answer, Refusal, Request};
use crate::settings::duration;

/// Which requests it meets, and what happens to them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Counts from 1; given by the emulator.
    #[serde(default)]
    pub id: u64,
    /// In any case; absent: every method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A part of the path, in any case; absent: every path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether it meets only requests whose connection carried another request before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reused_connection: bool,
    /// How many it lets pass first.
    #[serde(default)]
    pub skip: u64,
    /// How many it meets then.
    #[serde(default = "once")]
    pub times: u64,
    /// What happens.
    #[serde(flatten)]
    pub effect: Effect,
}

fn once() -> u64 {
    1
}

/// What happens to a request; the keys tell which it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
// Many fields: one per effect.
pub struct Effect {
    /// It is answered with this status, unprocessed; or processed later, if `process_after` is there too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The error code beside `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The error's message beside `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The seconds of `Retry-After` beside `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The whole body beside `status`, instead of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// More headers beside `status`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// It is processed, and its answer held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// Its connection is closed, unprocessed.
    #[serde(skip_serializing_if = "is_false")]
    pub reset: bool,
    /// It is processed, and its connection closed instead of an answer.
    #[serde(skip_serializing_if = "is_false")]
    pub lost_answer: bool,
    /// Its connection is closed, or `status` is answered; it is processed when so much time has passed. Only for writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_after: Option<Delay>,
    /// The operation that it starts ends `Failed` with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_operation: Option<Failure>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A duration such as `500ms`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Delay(#[serde(with = "duration")] pub Duration);

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Such as `InternalServerError`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// The keys of a fault; a `flatten` can't refuse others by itself.
const KEYS: [&str; 17] = [
    "id",
    "method",
    "path",
    "reusedConnection",
    "skip",
    "times",
    "status",
    "code",
    "message",
    "retryAfter",
    "body",
    "headers",
    "delay",
    "reset",
    "lostAnswer",
    "processAfter",
    "failOperation",
];

impl Fault {
    /// Reads one, and refuses what it wouldn't understand.
    ///
    /// # Errors
    ///
    /// The text names the key, or says that nothing would happen.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let keys = value.as_object().ok_or("a fault is a JSON object")?.keys();
        if let Some(unknown) = keys.into_iter().find(|k| !KEYS.contains(&k.as_str())) {
            return Err(format!("unknown key {unknown:?}; a fault has {}", KEYS.join(", ")));
        }
        let fault: Self = serde_json::from_value(value.clone()).map_err(|e| e.to_string())?;
        fault.effect.check()?;
        if fault.effect.process_after.is_some() && fault.method.as_deref().is_some_and(|method| !is_write(method)) {
            return Err("processAfter meets only writes: PUT, PATCH, POST and DELETE".into());
        }
        Ok(fault)
    }

    fn meets(&self, request: &Request) -> bool {
        let small = request.path.to_ascii_lowercase();
        self.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(&request.method))
            && self.path.as_ref().is_none_or(|p| small.contains(&p.to_ascii_lowercase()))
            && (self.effect.process_after.is_none() || is_write(&request.method))
            && (!self.reused_connection || request.carrier.is_some_and(|carrier| carrier.is_reused))
    }
}

fn is_write(method: &str) -> bool {
    ["PUT", "PATCH", "POST", "DELETE"].iter().any(|write| write.eq_ignore_ascii_case(method))
}

impl Effect {
    /// Refuses what can't happen together.
    fn check(&self) -> Result<(), String> {
        let effects = [self.status.is_some(), self.delay.is_some(), self.reset, self.lost_answer, self.fail_operation.is_some()];
        match effects.iter().filter(|is| **is).count() {
            0 if self.process_after.is_some() => {}
            1 if self.process_after.is_none() || self.status.is_some() => {}
            _ => {
                return Err("a fault has exactly one of status, delay, reset, lostAnswer, processAfter, failOperation; \
                            only status and processAfter go together"
                    .into());
            }
        }
        if self.body.is_some() && (self.status.is_none() || self.code.is_some() || self.message.is_some()) {
            return Err("body needs status, and takes the place of code and message".into());
        }
        Ok(())
    }

    /// The answer of a fault with a status; the token endpoint has a form of error of its own.
    pub(crate) fn answer(&self, of_entra: bool) -> Option<Answer> {
        let status = self.status?;
        let mut answer = match &self.body {
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

/// The faults that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Vec<Fault>,
    last: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, mut fault: Fault) -> u64 {
        self.last += 1;
        fault.id = self.last;
        self.waiting.push(fault);
        self.last
    }

    /// The first that meets this request; it counts down, and goes when it is spent.
    pub(crate) fn take(&mut self, request: &Request) -> Option<Effect> {
        let mut met = None;
        for fault in self.waiting.iter_mut().filter(|f| f.meets(request)) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times > 0 {
                fault.times -= 1;
                met = Some(fault.effect.clone());
                break;
            }
        }
        self.waiting.retain(|f| f.times > 0);
        met
    }

    pub(crate) fn waiting(&self) -> &[Fault] {
        &self.waiting
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_then_meets_then_goes() {
        let mut faults = Faults::default();
        let fault = Fault::from_json(&json!({"method": "put", "path": "COMPUTES", "skip": 1, "times": 2, "status": 503}));
        faults.add(fault.expect("a good one"));
        let mut put = |path| faults.take(&Request::new("PUT", path)).is_some();
        assert!(!put("/x/jobs/a"));
        assert_eq!(
            [put("/x/computes/a"), put("/x/computes/a"), put("/x/computes/a"), put("/x/computes/a")],
            [false, true, true, false]
        );
        assert!(faults.waiting().is_empty());
    }

    #[test]
    fn a_fault_of_reused_connections_lets_the_first_request_of_a_connection_pass() {
        let mut faults = Faults::default();
        faults.add(Fault::from_json(&json!({"reusedConnection": true, "times": 9, "status": 404})).expect("a good one"));
        let mut get = |request: Request| faults.take(&request).is_some();
        let request = || Request::new("GET", "/x/computes/a");
        assert_eq!([get(request()), get(request().on(1, false)), get(request().on(1, true))], [false, false, true]);
    }

    #[test]
    fn a_fault_says_what_happens() {
        assert!(Fault::from_json(&json!({"method": "PUT"})).is_err());
        assert!(Fault::from_json(&json!({"reset": true, "lostAnswer": true})).is_err());
        assert!(Fault::from_json(&json!({"status": 504, "processAfter": "5s"})).is_ok());
        assert!(Fault::from_json(&json!({"status": 504, "code": "x", "body": {}})).is_err());
        let refused = Fault::from_json(&json!({"stauts": 503})).expect_err("misspelt");
        assert!(refused.contains("stauts"), "{refused}");
    }
}
