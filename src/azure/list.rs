//! Lists: all pages of one, and the lists of subscriptions and workspaces.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::azure::api_version;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::transport::Answer;
use crate::azure::wire;
use crate::resource_id::{SynapseWorkspaceId, WorkspaceId};

/// A list has at most this many pages.
pub(super) const MAX_PAGES: usize = 1000;
/// A list for which others wait has at most this many pages without an element, one after the other. Each is a request.
/// Lists of a subscription may have one for each region.
const MAX_EMPTY_PAGES: usize = 10;
/// All pages of a list for which others wait come within this time.
const LIST_TIMEOUT: Duration = Duration::from_mins(1);
/// The shortest wait for the permit of a page.
const MIN_WAIT: Duration = Duration::from_millis(100);

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

/// Which list is read.
pub(super) struct List<'a> {
    pub(super) call: Call,
    /// What shares a limit; see `ApiRequest`.
    pub(super) subscription: &'a str,
    /// Path and query of the first page.
    pub(super) first: String,
    /// Whether others wait for it, so that it must end soon.
    pub(super) is_shared: bool,
}

/// Why a list could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListError {
    /// A page is missing.
    #[error(transparent)]
    Page(Error),
    /// The pages do not form a list.
    #[error("the list cannot be used: {0}")]
    Unusable(String),
}

impl ListError {
    /// Whether it concerns the list and not its elements, which may be readable one by one.
    pub(super) const fn is_of_the_list_alone(&self) -> bool {
        matches!(
            self,
            Self::Unusable(_) | Self::Page(Error::Forbidden(_) | Error::NotFound(_) | Error::Refused(..) | Error::Rejected(_))
        )
    }

    /// The same, as an error of the client.
    pub(super) fn into_azure(self) -> Error {
        match self {
            Self::Page(error) => error,
            Self::Unusable(_) => Error::unavailable(self.to_string()),
        }
    }
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

    /// All elements of a list that can be decoded.
    pub(super) async fn list<T: DeserializeOwned>(&self, call: Call, subscription: &str, first: String) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let list = List { call, subscription, first, is_shared: false };
        self.pages(list, |page| all.extend(page.elements())).await.map_err(ListError::into_azure)?;
        Ok(all)
    }

    /// Reads all pages of a list, one after the other. Returns their number.
    ///
    /// The links to the others are used as they came, within the origin only. Pages that lead back to each other end the list
    /// at once.
    pub(super) async fn pages(&self, list: List<'_>, mut take: impl FnMut(wire::Page)) -> Result<usize, ListError> {
        let deadline = list.is_shared.then(|| Instant::now() + LIST_TIMEOUT);
        let (mut link, mut links, mut empty) = (list.first.clone(), HashSet::new(), 0);
        for number in 1..=MAX_PAGES {
            let answer = match self.page(&list, (number, &link), deadline).await {
                // Not one slow page, but too many of them.
                Err(_) if number > 1 && deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                    let seconds = LIST_TIMEOUT.as_secs();
                    return Err(ListError::Unusable(format!("its pages take longer than {seconds} s")));
                }
                answer => answer.map_err(ListError::Page)?,
            };
            let page: wire::Page = answer.read().map_err(|error| ListError::Unusable(format!("page {number}: {error}")))?;
            let next = page.next_link.clone().filter(|next| !next.is_empty());
            empty = if page.is_empty() { empty + 1 } else { 0 };
            take(page);
            let Some(next) = next else { return Ok(number) };
            if let Err(foreign) = self.origin.admit(&next) {
                return Err(ListError::Unusable(format!("page {number} links to another host: {foreign}")));
            }
            if list.is_shared && empty == MAX_EMPTY_PAGES {
                return Err(ListError::Unusable(format!("{MAX_EMPTY_PAGES} empty pages follow each other")));
            }
            links.insert(link);
            if links.contains(&next) {
                return Err(ListError::Unusable(format!("page {number} links to an earlier page")));
            }
            link = next;
        }
        Err(ListError::Unusable(format!("it has more than {MAX_PAGES} pages")))
    }

    /// One page. All but the first wait for their permits: the pages before them would be lost.
    async fn page(&self, list: &List<'_>, (number, link): (usize, &str), deadline: Option<Instant>) -> Result<Answer, Error> {
        loop {
            let mut request = self.request(list.call, list.subscription, link)?;
            request.deadline = deadline;
            match self.send(request).await {
                Err(Error::Queued { wait, .. }) if number > 1 && deadline.is_none_or(|end| Instant::now() + wait < end) => {
                    tokio::time::sleep(wait.max(MIN_WAIT)).await;
                }
                answer => return answer,
            }
        }
    }
}
