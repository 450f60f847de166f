//! The client of a run: sends the requests of the probes, and refuses what the run may not do.

mod operation;
mod send;
mod token;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::ledger::{Created, Ledger};
use crate::recording::Recorder;
use crate::redact::{Redactor, is_policy};
use crate::seen::Failure;
use crate::target::Target;
use crate::transport::{Body, Reply, Transport};

pub use operation::Ended;
pub use token::credentials;

/// The API version of Spark pools.
pub const SYNAPSE: &str = "2021-06-01";
/// The API version of Synapse's data plane.
pub const DATA_PLANE: &str = "2020-12-01";
/// The API version of linked services.
pub const LINKED_SERVICES: &str = "2020-09-01-preview";
/// The API version of subscriptions.
pub const SUBSCRIPTIONS: &str = "2022-12-01";

/// The tag of every compute that may have one.
pub const TAG: (&str, &str) = ("created-by", "azure-conformance");

/// Which token a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// That of Azure Resource Manager.
    Arm,
    /// That of Synapse's data plane.
    Synapse,
    /// None.
    Absent,
    /// A text that is no token.
    Invalid,
}

/// An Azure that is probed.
#[derive(Debug)]
pub struct Azure {
    /// Where it is, and what is in it.
    pub target: Target,
    /// What the names of this run's resources begin with.
    pub prefix: String,
    recorder: Recorder,
    transport: Transport,
    ledger: Mutex<Ledger>,
    tokens: Mutex<Vec<(String, String, tokio::time::Instant)>>,
    location: Mutex<String>,
    names: AtomicU32,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Azure {
    /// One behind this transport, which records into this folder.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written.
    pub fn new(target: Target, transport: Transport, recordings: Option<&Path>) -> Result<Self, String> {
        let prefix = format!("conf{}", &Uuid::new_v4().simple().to_string()[..8]);
        let recorder = Recorder::new(recordings, Redactor::new(target.secrets(), &prefix))?;
        Ok(Self {
            target,
            prefix,
            recorder,
            transport,
            ledger: Mutex::default(),
            tokens: Mutex::default(),
            location: Mutex::default(),
            names: AtomicU32::new(0),
        })
    }

    /// Reads the workspace and the pools, before anything is written.
    ///
    /// # Errors
    ///
    /// What Azure refuses, with what to do.
    pub async fn open(&self) -> Result<(), Failure> {
        let workspace = self.get(&self.target.workspace).await?;
        self.must("read the Machine Learning workspace", &workspace)?;
        workspace.body["location"].as_str().unwrap_or_default().clone_into(&mut locked(&self.location));
        for pool in std::iter::once(&self.target.pool).chain(&self.target.other_pool) {
            let pool = self.arm("GET", pool, SYNAPSE, Body::None).await?;
            self.must("read the Spark pool", &pool)?;
        }
        Ok(())
    }

    fn must(&self, what: &str, reply: &Reply) -> Result<(), Failure> {
        if reply.is_success() {
            return Ok(());
        }
        let message = self.comparable(reply.error()["message"].as_str().unwrap_or_default());
        let advice = match reply.status {
            404 => "Check SUBSCRIPTION, RESOURCE_GROUP, WORKSPACE, POOL and CLOUD",
            _ => "Check that Azure is available",
        };
        Err(Failure::Broken(format!("Cannot {what}: {} {message}. {advice}", reply.outcome())))
    }

    /// The region of the Machine Learning workspace.
    #[must_use]
    pub fn location(&self) -> String {
        locked(&self.location).clone()
    }

    /// The API version of computes, jobs and the workspace.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.target.version
    }

    /// The recorder.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// A text without names and IDs.
    #[must_use]
    pub fn comparable(&self, text: &str) -> String {
        self.recorder.redact(|redactor| redactor.comparable(text))
    }

    /// The message of an answer's error, without names and IDs.
    #[must_use]
    pub fn message(&self, reply: &Reply) -> Option<String> {
        if is_policy(&reply.body) {
            return Some("REDACTED".to_owned());
        }
        reply.error()["message"].as_str().map(|text| self.comparable(text))
    }

    /// A name that no other probe has: a letter first, no hyphen, 14 characters.
    #[must_use]
    pub fn name(&self) -> String {
        let number = u8::try_from(self.names.fetch_add(1, Ordering::Relaxed) % (26 * 26)).unwrap_or(u8::MAX);
        let letter = |n: u8| char::from(b'a' + n % 26);
        format!("{}{}{}", self.prefix, letter(number / 26), letter(number))
    }

    /// The ID of a compute.
    #[must_use]
    pub fn compute(&self, name: &str) -> String {
        format!("{}/computes/{name}", self.target.workspace)
    }

    /// The body of an attach: the workspace's region, the kit's tag, the pool.
    #[must_use]
    pub fn spark(&self) -> Value {
        json!({
            "location": self.location(),
            "tags": {TAG.0: TAG.1},
            "properties": {"computeType": "SynapseSpark", "resourceId": self.target.pool},
        })
    }

    /// Records what the next request creates.
    pub fn will_create(&self, created: Created) {
        locked(&self.ledger).add(created);
    }

    /// What this run has created and not yet removed, the newest first.
    #[must_use]
    pub fn left(&self) -> Vec<Created> {
        locked(&self.ledger).left()
    }

    /// Removes what is gone.
    pub fn is_gone(&self, created: &Created) {
        locked(&self.ledger).remove(created);
    }

    /// Whether a PUT of this name has no answer, so that Azure may still carry it out.
    #[must_use]
    pub fn may_appear(&self, name: &str) -> bool {
        locked(&self.ledger).is_unanswered(name)
    }

    /// Waits.
    pub async fn wait(&self, pause: Duration) {
        self.transport.wait(pause).await;
    }

    /// GET from ARM, with the version of Machine Learning.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn get(&self, id: &str) -> Result<Reply, Failure> {
        self.arm("GET", id, self.version(), Body::None).await
    }

    /// A request to ARM.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn arm(&self, method: &'static str, id: &str, version: &str, body: Body) -> Result<Reply, Failure> {
        let separator = if id.contains('?') { '&' } else { '?' };
        let url = format!("{}{id}{separator}api-version={version}", self.target.arm);
        self.send(method, url, Auth::Arm, body).await
    }

    /// A request to Synapse's data plane.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn synapse(&self, method: &'static str, path: &str, body: Body) -> Result<Reply, Failure> {
        self.synapse_as(method, path, body, Auth::Synapse).await
    }

    /// The same with another token.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn synapse_as(&self, method: &'static str, path: &str, body: Body, auth: Auth) -> Result<Reply, Failure> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}/{path}{separator}api-version={DATA_PLANE}", self.target.synapse);
        self.send(method, url, auth, body).await
    }

    /// All values of a LIST, and the body of its first page.
    ///
    /// # Errors
    ///
    /// If there is no answer, or the next page is on another host.
    pub async fn list(&self, id: &str, version: &str) -> Result<(Vec<Value>, Reply), Failure> {
        let first = self.arm("GET", id, version, Body::None).await?;
        let (mut values, mut page) = (Vec::new(), first.clone());
        loop {
            values.extend(page.body["value"].as_array().cloned().unwrap_or_default());
            let Some(next) = page.body["nextLink"].as_str() else {
                return Ok((values, first));
            };
            page = self.send("GET", self.own(next)?, Auth::Arm, Body::None).await?;
        }
    }
}
