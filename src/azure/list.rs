//! What there is to attach, and to what: subscriptions, workspaces, Spark pools and linked services.
//!
//! For whoever looks around, not for the operator: nothing is decided on these lists.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::azure::call::Call;
use crate::azure::role_assignment::{ARM_VERSION as SYNAPSE, LINKS_VERSION as LINKS};
use crate::azure::transport::read;
use crate::azure::{Client, Error, wire};
use crate::resource_id::{SynapseWorkspaceId, WorkspaceId};

/// The API version of `GET /subscriptions`, as azure-mgmt-resource asks.
const SUBSCRIPTIONS: &str = "2022-12-01";
/// A LIST is followed through so many pages at most: a link that goes in circles ends here.
pub(super) const MOST_PAGES: usize = 1000;

/// A subscription that one may see.
#[derive(Debug, Clone, Deserialize, Default, PartialEq, Eq)]
#[serde(default, rename_all = "camelCase")]
pub struct Subscription {
    /// Its GUID.
    pub subscription_id: String,
    /// Its name, for people.
    pub display_name: String,
}

/// What has an ID.
#[derive(Deserialize)]
struct Named {
    id: String,
}

impl Client {
    /// All subscriptions that one may see.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not tell all of them.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, Error> {
        self.list(Call::Subscriptions, "", format!("/subscriptions?api-version={SUBSCRIPTIONS}")).await
    }

    /// All Machine Learning workspaces of a subscription.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not tell all of them.
    pub async fn workspaces(&self, subscription: &str) -> Result<Vec<WorkspaceId>, Error> {
        let id = format!("/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/workspaces");
        let all: Vec<Named> = self.list(Call::Workspaces, subscription, self.path(&id, "")).await?;
        Ok(all.iter().filter_map(|one| WorkspaceId::parse(&one.id).ok()).collect())
    }

    /// All Synapse workspaces of a subscription.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not tell all of them.
    pub async fn synapse_workspaces(&self, subscription: &str) -> Result<Vec<SynapseWorkspaceId>, Error> {
        let first = format!("/subscriptions/{subscription}/providers/Microsoft.Synapse/workspaces?api-version={SYNAPSE}");
        let all: Vec<Named> = self.list(Call::SynapseWorkspaces, subscription, first).await?;
        Ok(all.iter().filter_map(|one| SynapseWorkspaceId::parse(&one.id).ok()).collect())
    }

    /// All Spark pools of a Synapse workspace.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not tell all of them.
    pub async fn pools(&self, workspace: &SynapseWorkspaceId) -> Result<Vec<wire::SparkPool>, Error> {
        let first = format!("{workspace}/bigDataPools?api-version={SYNAPSE}");
        self.list(Call::Pools, workspace.subscription(), first).await
    }

    /// All linked services of a Machine Learning workspace.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not tell all of them.
    pub async fn linked_services(&self, workspace: &WorkspaceId) -> Result<Vec<wire::LinkedService>, Error> {
        let first = format!("{workspace}/linkedServices?api-version={LINKS}");
        self.list(Call::Links, workspace.subscription(), first).await
    }

    /// All pages of a LIST, from the first; the links to the others are followed as they came.
    pub(super) async fn list<T: DeserializeOwned>(&self, call: Call, subscription: &str, first: String) -> Result<Vec<T>, Error> {
        let mut link = first;
        let mut all = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.send(call, subscription, &link, None).await?;
            let page: wire::Page = read(&answer)?;
            let next = page.next_link.clone().filter(|next| !next.is_empty());
            all.extend(page.elements());
            match next {
                Some(next) => link = next,
                None => return Ok(all),
            }
        }
        Err(Error::unanswered(format!("the list of {} did not end after {MOST_PAGES} pages", call.as_str())))
    }
}
