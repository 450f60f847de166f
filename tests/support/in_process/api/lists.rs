//! Lists, page by page or as a stream, and watches.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::http::Response;
use futures::StreamExt;
use futures::channel::mpsc::unbounded;
use serde_json::{Value, json};

use super::{Api, failure, ok, refuse};

impl Api {
    pub(super) async fn list_or_watch(&self, namespace: Option<&str>, query: &str) -> Response<axum::body::Body> {
        let query: BTreeMap<_, _> = query.split('&').filter_map(|one| one.split_once('=')).collect();
        if query.contains_key("watch") {
            return self.watch(namespace, &query);
        }
        self.list(namespace, query.get("continue").copied()).await
    }

    fn watch(&self, namespace: Option<&str>, query: &BTreeMap<&str, &str>) -> Response<axum::body::Body> {
        let (send, lines) = unbounded();
        let mut state = self.state();
        let initial = query.contains_key("sendInitialEvents");
        if initial && !state.streams_lists {
            let message = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
            return refuse(&failure(422, "Invalid", message));
        }
        let since = query.get("resourceVersion").and_then(|version| version.parse::<u64>().ok()).unwrap_or_default();
        for object in state.objects.values().filter(|object| is_in(object, namespace)) {
            let version = object["metadata"]["resourceVersion"].as_str().and_then(|version| version.parse::<u64>().ok());
            if initial || version > Some(since) && !state.lags {
                let _ = send.unbounded_send(format!("{}\n", json!({"type": "ADDED", "object": object})));
            }
        }
        if initial {
            let metadata =
                json!({"resourceVersion": state.version.to_string(), "annotations": {"k8s.io/initial-events-end": "true"}});
            let bookmark =
                json!({"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment", "metadata": metadata});
            let _ = send.unbounded_send(format!("{}\n", json!({"type": "BOOKMARK", "object": bookmark})));
        }
        state.watches.push((namespace.map(ToOwned::to_owned), send));
        let frames = lines.map(|line| Ok::<_, Infallible>(line.into_bytes()));
        Response::new(axum::body::Body::from_stream(frames))
    }

    async fn list(&self, namespace: Option<&str>, after: Option<&str>) -> Response<axum::body::Body> {
        let from = after.and_then(|after| after.parse::<usize>().ok()).unwrap_or_default();
        let later = self.state().later_pages;
        if from > 0 {
            tokio::time::sleep(later).await;
        }
        let state = self.state();
        let all: Vec<_> = state.objects.values().filter(|object| is_in(object, namespace)).cloned().collect();
        let until = state.page.map_or(all.len(), |page| all.len().min(from + page));
        let more = if until < all.len() { until.to_string() } else { String::new() };
        let metadata = json!({"resourceVersion": state.version.to_string(), "continue": more});
        ok(&json!({"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "List", "metadata": metadata, "items": all[from..until]}))
    }
}

fn is_in(object: &Value, namespace: Option<&str>) -> bool {
    namespace.is_none() || object["metadata"]["namespace"].as_str() == namespace
}
