//! Attaching, detaching, and waiting for the end of it.

use std::time::Duration;

use serde_json::Value;

use super::{Auth, Azure};
use crate::ledger::Created;
use crate::seen::Failure;
use crate::transport::{Body, Reply};

/// How an operation ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// `Succeeded`, `Failed` or `Canceled`; `none` if the answer named no operation.
    pub status: String,
    /// The last answer.
    pub reply: Reply,
}

impl Ended {
    /// Whether nothing more comes. An operation that is gone has no status.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.status.to_ascii_lowercase().as_str(), "succeeded" | "failed" | "canceled" | "")
    }
}

impl Azure {
    /// Attaches: PUT of a compute of this run.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn put(&self, name: &str, body: &Value) -> Result<Reply, Failure> {
        self.will_create(Created::Compute(name.to_owned()));
        self.arm("PUT", &self.compute(name), self.version(), Body::Json(body.clone())).await
    }

    /// Detaches a compute of this run.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn detach(&self, name: &str) -> Result<Reply, Failure> {
        let id = format!("{}?underlyingResourceAction=Detach", self.compute(name));
        self.arm("DELETE", &id, self.version(), Body::None).await
    }

    /// Attaches, and waits for the end, which has to be a success.
    ///
    /// # Errors
    ///
    /// If Azure refuses the attach, or it fails.
    pub async fn attached(&self, name: &str, body: &Value) -> Result<Reply, Failure> {
        let reply = self.put(name, body).await?;
        self.must("attach the Spark pool", &reply)?;
        let ended = self.settled(&reply).await?;
        if ended.status == "Succeeded" || ended.status == "none" {
            return Ok(reply);
        }
        let message = self.message(&ended.reply).unwrap_or_default();
        Err(Failure::Broken(format!("The attach ended as {}: {message}. Check the Spark pool, then run again", ended.status)))
    }

    /// Detaches, and waits for the end.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn detached(&self, name: &str) -> Result<Ended, Failure> {
        let reply = self.detach(name).await?;
        let ended = self.settled(&reply).await?;
        // Without an operation, only GET shows when the compute is gone.
        if ended.status == "none" && reply.is_success() {
            self.until(|| async { Ok(self.get(&self.compute(name)).await?.status == 404) }).await?;
        }
        Ok(ended)
    }

    /// GET of a compute when the last write is surely shown: reads may lag behind, which another probe checks.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn later(&self, name: &str) -> Result<Reply, Failure> {
        self.wait(self.target.read_delay).await;
        self.get(&self.compute(name)).await
    }

    /// Waits until this is true.
    ///
    /// # Errors
    ///
    /// If there is no answer, or it is not true in time.
    pub async fn until<T: Future<Output = Result<bool, Failure>>>(&self, is_true: impl Fn() -> T) -> Result<(), Failure> {
        let mut waited = Duration::ZERO;
        while !is_true().await? {
            if waited >= self.target.patience {
                return Err(Failure::Broken(format!("Azure is not done after {} seconds", waited.as_secs())));
            }
            self.wait(self.target.poll).await;
            waited += self.target.poll;
        }
        Ok(())
    }

    /// Waits until a compute has been created or updated, where no operation shows it.
    async fn created(&self, name: &str) -> Result<(), Failure> {
        self.until(|| async {
            let shown = self.get(&self.compute(name)).await?;
            let state = shown.body["properties"]["provisioningState"].as_str().unwrap_or_default();
            Ok(!matches!(state, "Creating" | "Updating"))
        })
        .await
    }

    /// Waits for the end of the operation that an answer names.
    ///
    /// # Errors
    ///
    /// If there is no answer, or no end in time.
    pub async fn settled(&self, reply: &Reply) -> Result<Ended, Failure> {
        let mut waited = Duration::ZERO;
        loop {
            let Some(ended) = self.operation(reply).await? else {
                // Without an operation, only GET shows when the compute exists.
                if let Some(name) = reply.body["name"].as_str().filter(|name| reply.is_success() && name.contains(&self.prefix)) {
                    self.created(name).await?;
                }
                return Ok(Ended { status: "none".to_owned(), reply: reply.clone() });
            };
            if ended.has_ended() {
                return Ok(ended);
            }
            if waited >= self.target.patience {
                return Err(Failure::Broken(format!("The operation has not ended after {} seconds", waited.as_secs())));
            }
            let pause = ended.reply.retry_after().map_or(self.target.poll, Duration::from_secs).max(self.target.poll);
            self.wait(pause).await;
            waited += pause;
        }
    }

    /// The state of the operation that an answer names.
    ///
    /// # Errors
    ///
    /// If there is no answer, or the operation is on another host.
    pub async fn operation(&self, reply: &Reply) -> Result<Option<Ended>, Failure> {
        let Some(link) = reply.header("azure-asyncoperation").or_else(|| reply.header("location")) else {
            return Ok(None);
        };
        let reply = self.send("GET", self.own(link)?, Auth::Arm, Body::None).await?;
        let status = reply.body["status"].as_str().unwrap_or_default().to_owned();
        Ok(Some(Ended { status, reply }))
    }
}
