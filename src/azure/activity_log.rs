//! Azure's Activity Log: who sent the writes to a resource.

use std::sync::Arc;

use jiff::Timestamp;

use crate::azure::api_version;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::request_id;
use crate::azure::wire;
use crate::resource_id::ComputeId;

/// At most this many pages are read. Few requests write to one compute.
const MAX_PAGES: usize = 2;
/// The properties that are requested: of those that the specification allows, and no more.
const SELECTED: &str = "claims,correlationId,eventTimestamp,httpRequest,operationName,status";
/// How the names of the operations end that change a compute
/// (<https://learn.microsoft.com/azure/role-based-access-control/permissions/ai-machine-learning>).
const CHANGES: [&str; 2] = ["/workspaces/computes/write", DETACH];
/// How the name of the operation ends that detaches it.
const DETACH: &str = "/workspaces/computes/delete";

/// The writes to a resource.
#[derive(Debug)]
pub struct Activity {
    /// The entries about them.
    pub entries: Vec<wire::ActivityEntry>,
    /// The mark of the requests of this client.
    mark: Option<Arc<str>>,
    /// The object ID in Entra of the identity that sent the request; none if its token does not show it.
    pub own: Option<String>,
}

impl Client {
    /// The writes to a compute in this period, as far as the first pages show them.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not return them, which needs a right of its own.
    pub async fn activity(&self, compute: &ComputeId, from: Timestamp, to: Timestamp) -> Result<Activity, Error> {
        let subscription = compute.workspace().subscription();
        let mut link = format!(
            "/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values?api-version={}\
             &$filter=eventTimestamp ge '{from}' and eventTimestamp le '{to}' and resourceUri eq '{compute}'&$select={SELECTED}",
            api_version::ACTIVITY_LOG
        );
        let mut entries: Vec<wire::ActivityEntry> = Vec::new();
        for _ in 0..MAX_PAGES {
            let page: wire::Page = self.get(Call::ActivityLog, subscription, &link).await?.read()?;
            let next = page.next_link.clone().filter(|next| !next.is_empty());
            entries.extend(page.elements());
            match next {
                Some(next) => link = next,
                None => break,
            }
        }
        entries.retain(|entry| CHANGES.iter().any(|change| is_of(entry, change)));
        let own = self.tokens.arm.bearer().await?.principal.object_id().map(ToOwned::to_owned);
        Ok(Activity { entries, mark: self.mark.clone(), own })
    }
}

impl Activity {
    /// Whether a request was sent with the mark of this client, whatever its identity was; none if the entry does not show it.
    #[must_use]
    pub fn has_mark(&self, entry: &wire::ActivityEntry) -> Option<bool> {
        let id = entry.client_request_id()?;
        self.mark.as_ref().map(|mark| request_id::has_mark(id, mark))
    }
}

/// Whether a request detaches a compute.
#[must_use]
pub fn detaches(entry: &wire::ActivityEntry) -> bool {
    is_of(entry, DETACH)
}

fn is_of(entry: &wire::ActivityEntry, operation: &str) -> bool {
    entry.operation_name.value.to_ascii_lowercase().ends_with(operation)
}
