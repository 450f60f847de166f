//! Faults that a test requested.

mod effect;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use effect::Failure;
pub use effect::{Effect, Ended};

use crate::exchange::Request;
use crate::world::later;

/// The requests to which it applies, and what happens to them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Counts from 1; assigned by the emulator.
    #[serde(default)]
    pub id: u64,
    /// Case-insensitive. Absent: every method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A part of the path, case-insensitive. Absent: every path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether it applies only to requests whose connection has carried an earlier request.
    #[serde(default, skip_serializing_if = "effect::is_false")]
    pub reused_connection: bool,
    /// How many requests are let through first.
    #[serde(default)]
    pub skip: u64,
    /// To how many requests it then applies.
    #[serde(default = "once")]
    pub times: u64,
    /// What happens.
    #[serde(flatten)]
    pub effect: Effect,
    /// Until when a provider refuses matching requests.
    #[serde(skip)]
    closed_until: Option<Timestamp>,
}

fn once() -> u64 {
    1
}

/// The keys of a fault: with `flatten`, serde does not refuse other keys.
const KEYS: [&str; 19] = [
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
    "processed",
    "delay",
    "reset",
    "lostAnswer",
    "processAfter",
    "providerThrottle",
    "failOperation",
];

impl Fault {
    /// Parses a fault, and refuses unknown keys.
    ///
    /// # Errors
    ///
    /// The text names the wrong key, or reports that the fault has no effect.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let keys = value.as_object().ok_or("a fault is a JSON object")?.keys();
        if let Some(unknown) = keys.into_iter().find(|k| !KEYS.contains(&k.as_str())) {
            return Err(format!("unknown key {unknown:?}; a fault has {}", KEYS.join(", ")));
        }
        let fault: Self = serde_json::from_value(value.clone()).map_err(|e| e.to_string())?;
        fault.effect.check()?;
        if fault.effect.meets_writes() && fault.method.as_deref().is_some_and(|method| !is_write(method)) {
            return Err("processAfter and processed meet only writes: PUT, PATCH, POST and DELETE".into());
        }
        Ok(fault)
    }

    fn meets(&self, request: &Request) -> bool {
        let (small, whole) = (request.path.to_ascii_lowercase(), self.effect.provider_throttle.is_some());
        let holds = |part: &str| small.match_indices(part).any(|(at, _)| !whole || ends_a_name(&small[at + part.len()..]));
        self.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(&request.method))
            && self.path.as_ref().is_none_or(|p| holds(&p.to_ascii_lowercase()))
            && (!self.effect.meets_writes() || is_write(&request.method))
            && (!self.reused_connection || request.carrier.is_some_and(|carrier| carrier.is_reused))
    }
}

/// Whether a part of a path consists of whole names, so that it does not match another compute whose name begins with it.
fn ends_a_name(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

fn is_write(method: &str) -> bool {
    ["PUT", "PATCH", "POST", "DELETE"].iter().any(|write| write.eq_ignore_ascii_case(method))
}

/// The remaining faults.
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

    /// The first fault that applies to this request. It counts down, and is removed when it is used up.
    pub(crate) fn take(&mut self, now: Timestamp, request: &Request) -> Option<Effect> {
        let mut met = None;
        for fault in self.waiting.iter_mut().filter(|f| f.meets(request)) {
            if fault.closed_until.is_some_and(|until| now < until) {
                // An early request restarts the pause (DOC of ARM, INF of a provider).
            } else if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            } else if fault.times > 0 {
                fault.times -= 1;
            } else {
                continue;
            }
            fault.closed_until = fault.effect.provider_throttle.map(|pause| later(now, pause.0));
            met = Some(fault.effect.clone());
            break;
        }
        self.waiting.retain(|f| f.times > 0 || f.closed_until.is_some_and(|until| now < until));
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
    use serde_json::json;

    #[test]
    fn a_fault_skips_requests_then_applies_then_is_removed() {
        let mut faults = Faults::default();
        let fault = Fault::from_json(&json!({"method": "put", "path": "COMPUTES", "skip": 1, "times": 2, "status": 503}));
        faults.add(fault.expect("a good one"));
        let mut put = |path| faults.take(Timestamp::UNIX_EPOCH, &Request::new("PUT", path)).is_some();
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
        let mut get = |request: Request| faults.take(Timestamp::UNIX_EPOCH, &request).is_some();
        let request = || Request::new("GET", "/x/computes/a");
        assert_eq!([get(request()), get(request().on(1, false)), get(request().on(1, true))], [false, false, true]);
    }

    #[test]
    fn a_fault_has_exactly_one_effect() {
        assert!(Fault::from_json(&json!({"method": "PUT"})).is_err());
        assert!(Fault::from_json(&json!({"reset": true, "lostAnswer": true})).is_err());
        assert!(Fault::from_json(&json!({"status": 504, "processAfter": "5s"})).is_ok());
        assert!(Fault::from_json(&json!({"status": 504, "code": "x", "body": {}})).is_err());
        let refused = Fault::from_json(&json!({"stauts": 503})).expect_err("misspelt");
        assert!(refused.contains("stauts"), "{refused}");
    }
}
