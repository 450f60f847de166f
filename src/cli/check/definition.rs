//! Whether the definition that is installed has every field that this version uses.

use kube::Client;

use super::finding::Outcome;
use crate::controller::definition::{Served, served};
use crate::error_chain::chain;

/// Compares the definition that the API server serves with the one of this version.
pub(super) async fn compare(kube: &Client) -> Outcome {
    let served = match served(kube).await {
        Ok(served) => served,
        Err(error) => return Outcome::Failed(chain(&error)),
    };
    if let Some(why) = served.complaint() {
        return Outcome::Failed(why);
    }
    let installed = "synapsesparkattachments.synapse-spark.dev is installed";
    match served {
        Served::Missing(_) => Outcome::Ok(format!("{installed} and has every field of this version")),
        Served::Unread | Served::Incomparable(_) => {
            Outcome::Unknown(format!("{installed}; its fields could not be compared with those of this version"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::kube::Cluster;
    use super::*;

    #[tokio::test]
    async fn fields_that_cannot_be_compared_are_not_ok() {
        for code in [401, 403, 404] {
            let cluster = Cluster::answering(move |_| (code, json!({})));
            let outcome = compare(&cluster.calls).await;
            assert!(matches!(outcome, Outcome::Unknown(_)), "{code}: {outcome:?}");
        }
    }
}
