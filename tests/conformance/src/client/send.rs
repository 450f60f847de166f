//! How a request is sent: only what the run may send, with a token for its host alone, and again where Azure asks for that.

use std::time::Duration;

use uuid::Uuid;

use super::{Auth, Azure, locked};
use crate::ledger::Created;
use crate::seen::Failure;
use crate::transport::{Body, Outgoing, Reply};

/// How often a request that is answered with 429 is sent again.
const RETRIES: u32 = 8;

/// How often a GET without an answer is sent again.
const READ_RETRIES: u32 = 3;

/// The longest `Retry-After` that is waited for.
const LONGEST_PAUSE: u64 = 900;

/// The name of what a request is about.
fn named(url: &str) -> &str {
    let path = url.split('?').next().unwrap_or_default();
    path.rsplit('/').find(|segment| *segment != "cancel").unwrap_or_default()
}

impl Azure {
    /// A link that stays on ARM's host: a token is sent to no other.
    pub(crate) fn own(&self, link: &str) -> Result<String, Failure> {
        let same = link.get(..self.target.arm.len()).is_some_and(|start| start.eq_ignore_ascii_case(&self.target.arm))
            && link[self.target.arm.len()..].starts_with('/');
        if same {
            Ok(link.to_owned())
        } else {
            Err(Failure::Broken("Azure named a link on another host; it is not followed".to_owned()))
        }
    }

    /// Sends a request, and again after a 429.
    ///
    /// # Errors
    ///
    /// If the run may not send it, there is no token, or there is no answer.
    pub async fn send(&self, method: &'static str, url: String, auth: Auth, body: Body) -> Result<Reply, Failure> {
        self.guard(method, &url)?;
        let token = match auth {
            Auth::Absent => None,
            Auth::Invalid => Some("no-token".to_owned()),
            Auth::Arm => Some(self.access_token(&self.target.arm).await?),
            Auth::Synapse => Some(self.access_token(&self.target.synapse_resource).await?),
        };
        let headers = vec![("x-ms-client-request-id", Uuid::new_v4().to_string())];
        let name = named(&url).to_owned();
        if method == "PUT" {
            locked(&self.ledger).sent(&name, false);
        }
        let reply = self.exchange(&Outgoing { method, url: url.clone(), token, headers, body }).await?;
        // What a DELETE finds is there, whatever became of the answer to its PUT.
        if method == "PUT" || (method == "DELETE" && matches!(reply.status, 200 | 202)) {
            locked(&self.ledger).sent(&name, true);
        }
        let is_synapse = url.starts_with(&self.target.synapse);
        let own =
            (auth == Auth::Synapse && is_synapse) || (auth == Auth::Arm && !is_synapse && url.starts_with(&self.target.arm));
        if own { self.allowed(reply) } else { Ok(reply) }
    }

    /// An answer that says something of Azure, and not only of the token or the rights of the run's identity.
    fn allowed(&self, reply: Reply) -> Result<Reply, Failure> {
        let code = reply.error()["code"].as_str().unwrap_or_default();
        let message = self.message(&reply).unwrap_or_default();
        if reply.status == 401 {
            return Err(Failure::Broken(format!(
                "The access token was refused: {code} {message}. Obtain a new one, then run again"
            )));
        }
        if reply.status == 403 && code == "AuthorizationFailed" {
            return Err(Failure::NotAsked(format!(
                "the identity lacks a right that tests/conformance/README.md lists: {message}"
            )));
        }
        Ok(reply)
    }

    pub(super) async fn exchange(&self, request: &Outgoing) -> Result<Reply, Failure> {
        let mut tries = 0;
        loop {
            let reply = self.transport.send(request).await;
            self.recorder.record(request, &reply).map_err(Failure::Broken)?;
            // A GET changes nothing, so it is sent again; what became of a write is not known.
            if reply.is_err() && request.method == "GET" && tries < READ_RETRIES {
                tries += 1;
                self.wait(self.target.poll).await;
                continue;
            }
            let reply = reply.map_err(|error| {
                let error = self.comparable(&error);
                Failure::Broken(format!(
                    "No answer to {} {}: {error}. Check the network, then run again",
                    request.method,
                    self.comparable(&request.url)
                ))
            })?;
            if reply.status != 429 || tries == RETRIES {
                return Ok(reply);
            }
            tries += 1;
            self.wait(Duration::from_secs(reply.retry_after().unwrap_or(30).clamp(1, LONGEST_PAUSE))).await;
        }
    }

    /// Refuses a write to what this run did not create, whatever a probe asks for.
    fn guard(&self, method: &str, url: &str) -> Result<(), Failure> {
        let path = url.split('?').next().unwrap_or_default();
        let named = named(url);
        let assigned = path.contains("/roleAssignments/") && locked(&self.ledger).has(&Created::RoleAssignment(named.to_owned()));
        let reads = method == "GET" || (method == "POST" && path.ends_with("/checkAccessSynapseRbac"));
        if reads || assigned || named.contains(&self.prefix) {
            return Ok(());
        }
        Err(Failure::Broken(format!("{method} {} is refused: this run did not create it", self.comparable(path))))
    }
}
