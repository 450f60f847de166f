//! Lists: all pages of one, and the lists of subscriptions and workspaces.
//!
//! Commands read them. The operator decides nothing on a list.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::azure::api_version;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::wire;
use crate::resource_id::{SynapseWorkspaceId, WorkspaceId};

/// A list has at most this many pages: a circular chain of links ends here.
pub(super) const MAX_PAGES: usize = 1000;

/// A subscription that the identity may read.
#[derive(Debug, Clone, Deserialize, Default, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase")]
pub struct Subscription {
    /// Its GUID.
    pub subscription_id: String,
    /// Its name, for people.
    pub display_name: String,
}

/// A resource, of which only the ID is read.
#[derive(Deserialize)]
struct Resource {
    id: String,
}

impl Client {
    /// All subscriptions that the identity may read.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not return all of them.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, Error> {
        let first = format!("/subscriptions?api-version={}", api_version::SUBSCRIPTIONS);
        self.list(Call::Subscriptions, "", first).await
    }

    /// All Machine Learning workspaces of a subscription.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not return all of them.
    pub async fn workspaces(&self, subscription: &str) -> Result<Vec<WorkspaceId>, Error> {
        let id = format!("/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/workspaces");
        let all: Vec<Resource> = self.list(Call::Workspaces, subscription, self.machine_learning(&id)).await?;
        Ok(all.iter().filter_map(|one| WorkspaceId::parse(&one.id).ok()).collect())
    }

    /// All Synapse workspaces of a subscription.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not return all of them.
    pub async fn synapse_workspaces(&self, subscription: &str) -> Result<Vec<SynapseWorkspaceId>, Error> {
        let id = format!("/subscriptions/{subscription}/providers/Microsoft.Synapse/workspaces");
        let first = format!("{id}?api-version={}", api_version::SYNAPSE);
        let all: Vec<Resource> = self.list(Call::SynapseWorkspaces, subscription, first).await?;
        Ok(all.iter().filter_map(|one| SynapseWorkspaceId::parse(&one.id).ok()).collect())
    }

    /// All pages of a list, from the first. The links to the others are used as they came.
    pub(super) async fn list<T: DeserializeOwned>(&self, call: Call, subscription: &str, first: String) -> Result<Vec<T>, Error> {
        let mut link = first;
        let mut all = Vec::new();
        for _ in 0..MAX_PAGES {
            let page: wire::Page = self.get(call, subscription, &link).await?.read()?;
            let next = page.next_link.clone().filter(|next| !next.is_empty());
            all.extend(page.elements());
            match next {
                Some(next) => link = next,
                None => return Ok(all),
            }
        }
        Err(Error::unavailable(format!("the list of {} has more than {MAX_PAGES} pages", call.as_str())))
    }
}
