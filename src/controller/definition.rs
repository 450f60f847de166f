//! Whether the API server serves every field of the custom resource that this version of the operator uses.
//!
//! The definition may be installed apart from the operator, and may be older than it. The API server then refuses every status
//! with a field that it does not declare, and prunes undeclared fields of a spec, so that an object with `suspend` looks like one
//! without. So the schema that the API server publishes is compared with the one of this version. Every authenticated client may
//! read it (`system:discovery`): <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles>.

mod fields;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode, header};
use kube::Client;
use kube::client::Body;
use prometheus_client::metrics::gauge::Gauge;
use serde_json::Value;
use tokio::sync::{Notify, watch};

use crate::api::v1alpha1::AttachmentStatus;
use crate::controller::health::Readiness;
use crate::error_chain::chain;

/// The document of the group and version.
const DOCUMENT: &str = "/openapi/v3/apis/synapse-spark.dev/v1alpha1";
/// The pause between two comparisons while nothing is missing. The API server answers an unchanged document without its text.
const INTERVAL: Duration = Duration::from_mins(1);
/// The pause while something is missing: the operator continues soon after the definition is upgraded.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// The shortest pause.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// What `/readyz` calls it.
const NAME: &str = "definition";

/// What the API server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// The comparison had no answer yet.
    Unread,
    /// The comparison is impossible: no such definition is installed, or the API server does not serve the document to this client.
    Incomparable(StatusCode),
    /// The fields that are missing, each by its path; none if all are there.
    Missing(Vec<String>),
}

impl Served {
    fn missing(&self) -> &[String] {
        match self {
            Self::Missing(fields) => fields,
            Self::Unread | Self::Incomparable(_) => &[],
        }
    }

    /// Whether nothing may be written to Azure: an object would be read without what its user wants, or its status could not keep
    /// what is being written.
    fn blocks_writes(&self) -> bool {
        self.missing().iter().any(|field| !fields::is_only_shown(field))
    }

    /// The pause before the next comparison.
    fn next_comparison(&self) -> Duration {
        match self {
            Self::Missing(fields) if fields.is_empty() => INTERVAL,
            Self::Incomparable(status) if *status != StatusCode::NOT_FOUND => INTERVAL,
            Self::Unread | Self::Incomparable(_) | Self::Missing(_) => RETRY_INTERVAL,
        }
    }

    /// What is missing, and what to do; none if nothing is.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let missing = Some(self.missing()).filter(|fields| !fields.is_empty())?.join(", ");
        let version = env!("CARGO_PKG_VERSION");
        Some(format!(
            "the custom resource definition in the cluster is older than this operator ({version}) and lacks {missing}; upgrade the definition: apply the output of `synapse-spark-operator crd`"
        ))
    }
}

/// The definition that the API server serves, compared again and again.
#[derive(Debug)]
pub struct Definition {
    served: watch::Sender<Served>,
    again: Notify,
}

impl Default for Definition {
    fn default() -> Self {
        Self { served: watch::Sender::new(Served::Unread), again: Notify::new() }
    }
}

impl Definition {
    /// Compares the definition repeatedly, and reports what is missing.
    pub async fn follow(self: Arc<Self>, kube: Client, readiness: Arc<Readiness>, missing: Gauge) {
        let (mut known, mut last) = (None, None);
        loop {
            match read(&kube, known.as_ref()).await {
                Ok(Some(answer)) => {
                    known = answer.tag;
                    // An API server that has just started may refuse the document for a moment.
                    let is_certain = !matches!(answer.served, Served::Incomparable(_)) || last.as_ref() == Some(&answer.served);
                    if is_certain {
                        self.take(&answer.served, &readiness, &missing);
                    }
                    last = Some(answer.served);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(error = chain(&error), "cannot compare the definition, will retry");
                    if *self.served.borrow() == Served::Unread {
                        readiness.missing(NAME, format!("it cannot be compared: {}", chain(&error)));
                    }
                }
            }
            let pause = self.served.borrow().next_comparison();
            // However many statuses are refused at once.
            tokio::time::sleep(SHORTEST_PAUSE).await;
            let _ = tokio::time::timeout(pause.saturating_sub(SHORTEST_PAUSE), self.again.notified()).await;
        }
    }

    fn take(&self, served: &Served, readiness: &Readiness, missing: &Gauge) {
        // What an earlier comparison found stays true until another one succeeds.
        let is_known = matches!(*self.served.borrow(), Served::Missing(_));
        if is_known && matches!(served, Served::Incomparable(_)) {
            return;
        }
        missing.set(i64::try_from(served.missing().len()).unwrap_or(i64::MAX));
        match served.complaint() {
            None => readiness.there(NAME),
            Some(why) if served.blocks_writes() => readiness.missing(NAME, format!("nothing is written to Azure: {why}")),
            Some(why) => readiness.missing(NAME, why),
        }
        if served.complaint().is_some() {
            readiness.begun();
        }
        if *self.served.borrow() != *served {
            let before = self.served.send_replace(served.clone());
            log(&before, served);
        }
    }

    /// Compares again at once: the API server has refused a field.
    pub(super) fn compare_again(&self) {
        self.again.notify_one();
    }

    /// Waits until the definition has all that is needed to write to Azure, as far as it can be compared.
    pub async fn usable(&self) {
        let mut served = self.served.subscribe();
        // It fails only without the sender, which is `self`.
        let _ = served.wait_for(|served| *served != Served::Unread && !served.blocks_writes()).await;
    }

    /// Waits until the definition no longer has all that is needed to write to Azure. Gives the reason.
    pub async fn unusable(&self) -> String {
        let mut served = self.served.subscribe();
        let now = served.wait_for(Served::blocks_writes).await;
        now.ok().and_then(|served| served.complaint()).unwrap_or_default()
    }

    /// The status without the fields that the API server would refuse: with them it would refuse all of it.
    pub(super) fn declared(&self, status: AttachmentStatus) -> AttachmentStatus {
        match &*self.served.borrow() {
            Served::Missing(missing) if !missing.is_empty() => fields::without(status, missing),
            _ => status,
        }
    }
}

fn log(before: &Served, served: &Served) {
    match (served, served.complaint()) {
        (_, Some(why)) if served.blocks_writes() => tracing::error!(why, "definition outdated: nothing is written to Azure"),
        (_, Some(why)) => tracing::warn!(why, "definition outdated: status written without the missing fields"),
        (Served::Incomparable(status), None) => {
            tracing::warn!(status = status.as_u16(), "definition not comparable with this version");
        }
        (_, None) if before.complaint().is_some() => tracing::info!("definition has every field of this version"),
        (_, None) => {}
    }
}

/// An answer that differs from the one before, with the tag by which the API server recognises it.
struct Answer {
    served: Served,
    tag: Option<header::HeaderValue>,
}

/// Compares once.
///
/// # Errors
///
/// kube's error if the API server gives no usable answer.
pub async fn served(kube: &Client) -> Result<Served, kube::Error> {
    Ok(read(kube, None).await?.map_or(Served::Unread, |answer| answer.served))
}

/// Reads the document; none if it is still the known one.
async fn read(kube: &Client, known: Option<&header::HeaderValue>) -> Result<Option<Answer>, kube::Error> {
    let mut request = Request::get(DOCUMENT).header(header::ACCEPT, "application/json");
    if let Some(tag) = known {
        request = request.header(header::IF_NONE_MATCH, tag);
    }
    let request = request.body(Body::empty()).map_err(kube::Error::HttpError)?;
    let response = kube.send(request).await?;
    let (parts, body) = response.into_parts();
    let served = match parts.status {
        StatusCode::NOT_MODIFIED => return Ok(None),
        StatusCode::OK => {
            let text = body.collect_bytes().await?;
            // A proxy may answer with a page of its own.
            serde_json::from_slice(&text)
                .map_or(Served::Incomparable(parts.status), |document: Value| Served::Missing(fields::missing(&document)))
        }
        StatusCode::NOT_IMPLEMENTED => Served::Incomparable(parts.status),
        status if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => Served::Incomparable(status),
        status => {
            let text = format!("the API server answers {DOCUMENT} with {status}");
            return Err(kube::Error::Service(text.into()));
        }
    };
    let tag = parts.headers.get(header::ETAG).filter(|_| parts.status == StatusCode::OK).cloned();
    Ok(Some(Answer { served, tag }))
}
