//! The Activity Log: the writes to resources in ARM, and who sent them.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::exchange::{Answer, Request};
use crate::id;
use crate::world::{Token, later};

/// Events are kept for this long (DOC).
const RETENTION: Duration = Duration::from_hours(90 * 24);
/// The oldest writes are removed if there are more, so that a long run needs no more memory.
const MOST: usize = 10_000;

/// A request that wrote.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) at: Timestamp,
    /// The ID of the resource, as sent.
    pub(crate) resource: String,
    operation: String,
    method: String,
    pub(crate) correlation: String,
    /// `x-ms-client-request-id`, as sent.
    client_request_id: Option<String>,
    sender: Token,
    /// The user principal name of the sender, if it is a user.
    user: Option<String>,
    status: u16,
    id: Uuid,
}

/// The writes, oldest first.
#[derive(Debug, Default)]
pub(crate) struct ActivityLog(VecDeque<Write>);

impl ActivityLog {
    /// Records a request, if it is one to write (DOC: reads are not recorded), and its answer.
    pub(crate) fn record(
        &mut self,
        (now, request, segments): (Timestamp, &Request, &[String]),
        (sender, user): (&Token, Option<&str>),
        (answer, id): (&Answer, Uuid),
    ) {
        let Some((resource, operation)) = operation(&request.method, segments) else { return };
        let correlation = answer.header("x-ms-correlation-request-id").unwrap_or_default().to_owned();
        let method = request.method.clone();
        let client_request_id = request.header("x-ms-client-request-id").map(str::to_owned);
        let (sender, user, status) = (sender.clone(), user.map(ToOwned::to_owned), answer.status);
        self.0.push_back(Write {
            at: now,
            resource,
            operation,
            method,
            correlation,
            client_request_id,
            sender,
            user,
            status,
            id,
        });
        while self.0.len() > MOST || self.0.front().is_some_and(|first| later(first.at, RETENTION) < now) {
            self.0.pop_front();
        }
    }

    /// What shows at this time, the newest first (NF): the log lags behind by minutes.
    pub(crate) fn shown(&self, now: Timestamp, lag: Duration) -> impl Iterator<Item = &Write> {
        self.0.iter().rev().filter(move |write| later(write.at, lag) <= now)
    }
}

/// Whether a period may begin then: not more than 90 days ago (DOC).
pub(crate) fn may_begin(from: Timestamp, now: Timestamp) -> bool {
    later(from, RETENTION) >= now
}

/// The resource and the name of the operation: `Microsoft.Provider/types/write`, `/delete` or `/name/action` (DOC).
fn operation(method: &str, segments: &[String]) -> Option<(String, String)> {
    let verb = match method {
        "PUT" | "PATCH" => "write",
        "DELETE" => "delete",
        "POST" => "action",
        _ => return None,
    };
    let start = segments.iter().rposition(|segment| segment.eq_ignore_ascii_case("providers"))? + 1;
    let (provider, rest) = segments.get(start..)?.split_first()?;
    let types = rest.iter().step_by(2).map(String::as_str);
    let operation = [provider.as_str()].into_iter().chain(types).chain([verb]).collect::<Vec<_>>().join("/");
    // The last part of a POST is the name of the action.
    let named = if verb == "action" { segments.len() - 1 } else { segments.len() };
    Some((format!("/{}", segments[..named].join("/")), operation))
}

impl Write {
    /// Its events: that it began, and how it ended (SPEC `status`; that there are these two is INF).
    pub(crate) fn events(&self) -> [Value; 2] {
        let ended = match self.status {
            201 | 202 => "Accepted",
            ..400 => "Succeeded",
            _ => "Failed",
        };
        [self.event("EndRequest", ended), self.event("BeginRequest", "Started")]
    }

    fn event(&self, name: &str, status: &str) -> Value {
        let text = |value: &str| json!({"value": value, "localizedValue": value});
        let provider = self.operation.split('/').next().unwrap_or_default();
        json!({
            "authorization": {"action": self.operation, "scope": self.resource},
            "caller": self.user.as_ref().unwrap_or(&self.sender.object),
            "claims": self.claims(),
            "correlationId": self.correlation,
            "description": "",
            "eventDataId": self.id,
            "eventName": text(name),
            "eventTimestamp": self.at,
            "httpRequest": {"clientRequestId": self.client_request_id, "method": self.method},
            "id": format!("{}/events/{}", self.resource, self.id),
            "level": if status == "Failed" { "Error" } else { "Informational" },
            "operationId": self.correlation,
            "operationName": text(&self.operation),
            "properties": {},
            "resourceGroupName": id::part(&self.resource, "resourceGroups"),
            "resourceId": self.resource,
            "resourceProviderName": text(provider),
            "status": text(status),
            "subStatus": text(""),
            "submissionTimestamp": self.at,
            "subscriptionId": id::subscription(&self.resource),
        })
    }

    /// The claims of the sender's token, under the names that the log gives them (SPEC, DOC).
    fn claims(&self) -> Value {
        let Token { tenant, client, object, audience, .. } = &self.sender;
        let mut claims = json!({
            "aud": audience,
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "appid": client,
            "http://schemas.microsoft.com/identity/claims/objectidentifier": object,
            "http://schemas.microsoft.com/identity/claims/tenantid": tenant,
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier": object,
            "ver": "1.0",
        });
        if let Some(user) = &self.user {
            for name in ["upn", "name"] {
                claims[format!("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/{name}")] = json!(user);
            }
        }
        claims
    }
}
