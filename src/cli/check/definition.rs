//! Whether the definition that is installed has every field that this version uses.

use kube::Client;

use crate::controller::definition::{Served, served};
use crate::error_chain::chain;

/// Compares the definition that the API server serves with the one of this version.
pub(super) async fn compare(kube: &Client) -> Result<String, String> {
    let served = served(kube).await.map_err(|error| chain(&error))?;
    if let Some(why) = served.complaint() {
        return Err(why);
    }
    let installed = "synapsesparkattachments.synapse-spark.dev is installed";
    Ok(match served {
        Served::Missing(_) => format!("{installed} and has every field of this version"),
        Served::Unread | Served::Incomparable(_) => {
            format!("{installed}; its fields could not be compared with those of this version")
        }
    })
}
