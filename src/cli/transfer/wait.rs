//! The wait until the operator has handed a compute over.

use futures::StreamExt;
use kube::ResourceExt;
use kube::runtime::{WatchStreamExt, watcher};

use super::super::attachment_watch::is_handled;
use super::super::kube::Cluster;
use super::super::output::{printable, remark};
use super::super::plugin::Program;
use super::super::view::{State, View};
use crate::api::{Reason, SynapseSparkAttachment};
use crate::error_chain::chain;

/// How the hand-over of one compute ended.
pub(super) enum Ended {
    /// It is done; what the attachment shows.
    Transferred(String),
    /// It is not done, and waiting does not help; what the attachment shows.
    Refused(String),
    /// The attachment is gone.
    Deleted,
}

/// Waits until the operator has handled the request with this value, and the hand-over has a final result.
pub(super) async fn until_transferred(
    cluster: &Cluster,
    before: &SynapseSparkAttachment,
    asked: &str,
    program: Program,
) -> Result<Ended, String> {
    let name = before.name_any();
    let api = kube::Api::<SynapseSparkAttachment>::namespaced(cluster.watch.clone(), &cluster.namespace);
    let mut changes = std::pin::pin!(watcher::watch_object(api, &name).default_backoff());
    let mut last = String::new();
    while let Some(change) = changes.next().await {
        let object = match change {
            Ok(object) => object,
            Err(watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error)) if matches!(&error, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404)) =>
            {
                let why = cluster.refused(&error, "list and watch", &name);
                return Err(format!("the hand-over is requested, but its result cannot be watched: {why}"));
            }
            Err(error) => {
                remark(&printable(&format!("{name}: the watch failed and is retried: {}", chain(&error))));
                continue;
            }
        };
        let Some(object) = object.filter(|object| object.uid() == before.uid()) else { return Ok(Ended::Deleted) };
        if !is_handled(&object, asked) {
            continue;
        }
        let view = View::of(&object, program);
        let reason = view.reason.as_deref().and_then(Reason::parse);
        match (reason, view.state) {
            (Some(Reason::Transferred), _) => return Ok(Ended::Transferred(view.message)),
            (_, State::Stalled | State::Suspended) => return Ok(Ended::Refused(view.message)),
            _ => {}
        }
        let now = format!("{name}: {}: {}", view.reason.as_deref().unwrap_or("no reason"), view.message);
        if last != now {
            remark(&printable(&now));
            last = now;
        }
    }
    Err(format!("the watch of {name} ended unexpectedly"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::api::RECONCILE_REQUESTED_AT;
    use crate::api::v1alpha1::SynapseSparkAttachmentSpec;

    #[tokio::test]
    async fn a_hand_over_is_done_although_another_reconcile_was_requested() {
        let before = SynapseSparkAttachment::new("nightly", SynapseSparkAttachmentSpec::default());
        let mut now = json!(before);
        now["metadata"]["annotations"] = json!({RECONCILE_REQUESTED_AT: "later"});
        now["status"] = json!({"lastHandledReconcileAt": "later", "conditions": [{
            "type": "Ready", "status": "False", "reason": "Transferred", "message": "handed over",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]});
        let list = json!({"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachmentList",
            "metadata": {"resourceVersion": "1"}, "items": [now]});
        let cluster = Cluster::answering(move |_| (200, list.clone()));
        let waited = until_transferred(&cluster, &before, "asked", Program::Plugin);
        let ended = tokio::time::timeout(Duration::from_secs(10), waited).await.expect("it ends").expect("a result");
        assert!(matches!(ended, Ended::Transferred(_)));
    }
}
