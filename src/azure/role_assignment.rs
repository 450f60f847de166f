//! What is behind an attachment: the pool (ARM), the linked service (ARM), and roles (the data plane of the Synapse workspace).

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::Duration;

use azure_core::http::Url;
use tokio::time::Instant;

use crate::azure::call::Call;
use crate::azure::error::Error;
use crate::azure::list::MOST_PAGES;
use crate::azure::transport::{Answer, read};
use crate::azure::wire;
use crate::azure::{Client, Freshness};
use crate::resource_id::{PoolId, WorkspaceId};

/// The API version of Synapse in ARM: the newest stable one.
pub(super) const ARM_VERSION: &str = "2021-06-01";
/// The API version of role assignments on the data plane.
const DATA_VERSION: &str = "2020-12-01";
/// The API version of linked services; the later ones of Machine Learning do not have them.
pub(super) const LINKS_VERSION: &str = "2020-09-01-preview";
/// So many looks are kept for sharing; the oldest go first.
const MOST_KEPT: usize = 10_000;

/// Looks at what changes seldom, kept so that many can share one. `None` stands where a write has made a look worthless.
#[derive(Debug)]
pub(crate) struct Looks<K, V>(Mutex<HashMap<K, (Instant, Option<V>)>>);

impl<K, V> Default for Looks<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Looks<K, V> {
    fn get(&self, key: &K, freshness: Freshness) -> Option<V> {
        let Freshness::Within(age) = freshness else { return None };
        let looks = self.0.lock().expect("no holder panics");
        looks.get(key).filter(|(at, _)| at.elapsed() <= age).and_then(|(_, look)| look.clone())
    }

    /// Keeps a look that began then, unless something newer is known.
    fn keep(&self, key: &K, asked: Instant, look: V) {
        self.put(key, asked, Some(look));
    }

    /// Something was written: what was looked at before counts no longer, nor what is being looked at now.
    fn forget(&self, key: &K) {
        self.put(key, Instant::now(), None);
    }

    fn put(&self, key: &K, at: Instant, look: Option<V>) {
        let mut looks = self.0.lock().expect("no holder panics");
        if looks.get(key).is_some_and(|(newer, _)| *newer > at) {
            return;
        }
        if looks.len() >= MOST_KEPT
            && !looks.contains_key(key)
            && let Some(oldest) = looks.iter().min_by_key(|(_, (at, _))| *at).map(|(key, _)| key.clone())
        {
            looks.remove(&oldest);
        }
        looks.insert(key.clone(), (at, look));
    }
}

/// Where the data plane of Synapse workspaces is: a URL with `{workspace}` in it.
#[derive(Debug, Clone)]
pub struct DataPlane(String);

impl DataPlane {
    /// Takes a URL such as `https://{workspace}.dev.azuresynapse.net`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn new(template: &str) -> Result<Self, String> {
        let template = template.trim_end_matches('/');
        if template.matches("{workspace}").count() != 1 {
            return Err(format!("{template:?} must have {{workspace}} in it, once"));
        }
        let made = Self(template.to_owned());
        let url = made.url("workspace", "/").ok_or_else(|| format!("{template:?} is no URL"))?;
        match () {
            () if url.scheme() != "https" => Err(format!("{template:?} must be https: it gets a token")),
            () if !url.username().is_empty() || url.password().is_some() => {
                Err("an endpoint must carry no credentials".to_owned())
            }
            () if url.query().is_some() => Err(format!("{template:?} must have no query")),
            () => Ok(made),
        }
    }

    /// The URL of a path in this workspace; none if no workspace of Azure has such a name.
    ///
    /// A name that could lead to another host gets no token.
    fn url(&self, workspace: &str, path: &str) -> Option<Url> {
        let is_name = !workspace.is_empty() && workspace.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let text = is_name.then(|| format!("{}{path}", self.0.replace("{workspace}", workspace)))?;
        Url::parse(&text).ok()
    }
}

/// A role, to a principal, on a scope: the names of the data plane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The Synapse workspace's name.
    pub workspace: String,
    /// The role's GUID.
    pub role: String,
    /// The principal's object ID in Entra.
    pub principal: String,
    /// `workspaces/{workspace}`, or `workspaces/{workspace}/bigDataPools/{pool}`.
    pub scope: String,
}

/// What came of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// It was made.
    Made,
    /// The principal has that role there already.
    Existed,
}

impl Client {
    /// How a pool is; `None` if Azure says that it is not there. A refusal is shared like any other answer.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not tell.
    pub async fn pool(&self, id: &PoolId, freshness: Freshness) -> Result<Option<wire::SparkPool>, Error> {
        if let Some(look) = self.pools.get(id, freshness) {
            return look;
        }
        let asked = Instant::now();
        let look = match self.send(Call::Pool, id.subscription(), &format!("{id}?api-version={ARM_VERSION}"), None).await {
            Ok(answer) => read(&answer).map(Some),
            Err(Error::NotFound(_) | Error::ParentNotFound(_)) => Ok(None),
            Err(error) => Err(error),
        };
        if !matches!(look, Err(Error::Unanswered(_) | Error::Throttled { .. } | Error::NoCredential(_))) {
            self.pools.keep(id, asked, look.clone());
        }
        look
    }

    /// A linked service of a Machine Learning workspace; `None` if there is none of that name.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not tell.
    pub async fn linked_service(
        &self,
        workspace: &WorkspaceId,
        name: &str,
        freshness: Freshness,
    ) -> Result<Option<wire::LinkedService>, Error> {
        let key = (workspace.clone(), name.to_ascii_lowercase());
        if let Some(look) = self.links.get(&key, freshness) {
            return Ok(look);
        }
        let asked = Instant::now();
        let link = format!("{workspace}/linkedServices/{name}?api-version={LINKS_VERSION}");
        let look = match self.send(Call::LinkedService, workspace.subscription(), &link, None).await {
            Ok(answer) => Some(read(&answer)?),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        self.links.keep(&key, asked, look.clone());
        Ok(look)
    }

    /// Under which GUID a principal holds a role on a scope; `None` if Synapse says that it does not.
    ///
    /// # Errors
    ///
    /// [`Error`] if Synapse does not tell: to list assignments takes rights of its own.
    pub async fn assignment(&self, grant: &Grant, freshness: Freshness) -> Result<Option<String>, Error> {
        if let Some(look) = self.assignments.get(grant, freshness) {
            return look;
        }
        let asked = Instant::now();
        let look = self.assignment_of(grant).await;
        // Who may not list may not tomorrow either.
        if matches!(look, Ok(_) | Err(Error::Unauthorized(_) | Error::Refused(_))) {
            self.assignments.keep(grant, asked, look.clone());
        }
        look
    }

    async fn assignment_of(&self, grant: &Grant) -> Result<Option<String>, Error> {
        let filter = [("roleId", &*grant.role), ("principalId", &grant.principal), ("scope", &grant.scope)];
        let mut continuation = None;
        for _ in 0..MOST_PAGES {
            let answer = self.send_data(Call::RoleAssignments, grant, None, (&filter, continuation.as_deref()), None).await?;
            let page: wire::RoleAssignments = read(&answer)?;
            let found = page.value.into_iter().find(|one| one.is(&grant.role, &grant.principal, &grant.scope));
            continuation = answer.continuation.filter(|text| !text.is_empty());
            if found.is_some() || continuation.is_none() {
                return Ok(found.map(|one| one.id));
            }
        }
        Err(Error::unanswered(format!("the list of role assignments has more than {MOST_PAGES} pages")))
    }

    /// Grants a role under this GUID. That the principal has it already is no error.
    ///
    /// # Errors
    ///
    /// [`Error`]; after [`Error::Unanswered`] nobody knows whether it was done, and asking again does no harm.
    pub async fn grant(&self, id: &str, grant: &Grant) -> Result<Granted, Error> {
        self.assignments.forget(grant);
        let body = serde_json::json!({
            "roleId": grant.role,
            "principalId": grant.principal,
            "scope": grant.scope,
            "principalType": "ServicePrincipal",
        });
        let sent = self.send_data(Call::Grant, grant, Some(id), (&[], None), Some(body.to_string().into_bytes())).await;
        self.assignments.forget(grant);
        match sent {
            Ok(_) => Ok(Granted::Made),
            // Whatever the status: it is documented nowhere. Source: <https://github.com/Azure/azure-cli/issues/25872>.
            Err(Error::Conflict(words) | Error::Refused(words)) if words.code == "RoleAssignmentAlreadyExists" => {
                Ok(Granted::Existed)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes back the role assignment of this GUID. That there is none is no error.
    ///
    /// # Errors
    ///
    /// [`Error`]; after [`Error::Unanswered`] nobody knows whether it was done.
    pub async fn revoke(&self, id: &str, grant: &Grant) -> Result<(), Error> {
        self.assignments.forget(grant);
        let sent = self.send_data(Call::Revoke, grant, Some(id), (&[], None), None).await;
        self.assignments.forget(grant);
        match sent {
            // Also where the whole workspace is gone.
            Ok(_) | Err(Error::NotFound(_) | Error::ParentNotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether Entra gives a token for Synapse.
    ///
    /// # Errors
    ///
    /// [`Error::NoCredential`] if it refuses, [`Error::Unanswered`] if it does not answer.
    pub async fn authenticate_to_synapse(&self) -> Result<(), Error> {
        self.synapse_tokens.bearer().await.map(drop)
    }

    /// A request for role assignments: one of them, or those that a filter lets through.
    async fn send_data(
        &self,
        call: Call,
        grant: &Grant,
        id: Option<&str>,
        (filter, continuation): (&[(&str, &str)], Option<&str>),
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Error> {
        let path = id.map_or_else(|| "/roleAssignments".to_owned(), |id| format!("/roleAssignments/{id}"));
        let workspace = &grant.workspace;
        let mut url = self
            .data_plane
            .url(workspace, &path)
            .ok_or_else(|| Error::unanswered(format!("{workspace:?} is the name of no Synapse workspace")))?;
        url.query_pairs_mut().append_pair("api-version", DATA_VERSION).extend_pairs(filter);
        // The data plane has limits of its own for each workspace.
        self.send_to(call, &format!("synapse/{workspace}"), url, &self.synapse_tokens, body, continuation).await
    }
}

/// How old a look at what changes seldom may be.
#[must_use]
pub fn seldom(freshness: Freshness, slow: Duration) -> Freshness {
    match freshness {
        Freshness::Now => Freshness::Now,
        Freshness::Within(_) => Freshness::Within(slow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_workspaces_of_the_template_alone() {
        let plane = DataPlane::new("https://{workspace}.dev.azuresynapse.net/").expect("a template");
        let host = |workspace: &str| plane.url(workspace, "/x").and_then(|url| url.host_str().map(ToOwned::to_owned));
        assert_eq!(host("yogi-synapse-ws").as_deref(), Some("yogi-synapse-ws.dev.azuresynapse.net"));
        for name in ["", "evil.example/", "evil.example#", "a.b", "a@b", "a:1", "a/b", "a?b", "a_b", "(a)", "ä"] {
            assert_eq!(host(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_template_is_https_with_one_workspace_in_it() {
        for (template, good) in [
            ("https://{workspace}.dev.azuresynapse.azure.cn", true),
            ("https://127.0.0.1:8443/synapse/{workspace}", true),
            ("http://{workspace}.dev.azuresynapse.net", false),
            ("https://dev.azuresynapse.net", false),
            ("https://{workspace}.{workspace}.net", false),
            ("https://u:p@{workspace}.net", false),
            ("https://{workspace}.net/?a=b", false),
            ("{workspace}", false),
        ] {
            assert_eq!(DataPlane::new(template).is_ok(), good, "{template}");
        }
    }

    #[test]
    fn a_look_that_began_before_a_write_is_not_kept() {
        let (looks, before) = (Looks::default(), Instant::now());
        let within = Freshness::Within(Duration::from_mins(1));
        looks.keep(&1, before, "seen");
        assert_eq!(looks.get(&1, within), Some("seen"));
        looks.forget(&1);
        assert_eq!(looks.get(&1, within), None);
        looks.keep(&1, before, "seen before");
        assert_eq!(looks.get(&1, within), None);
        looks.keep(&1, Instant::now(), "seen after");
        assert_eq!(looks.get(&1, within), Some("seen after"));
    }

    #[test]
    fn the_oldest_look_goes_first() {
        let looks = Looks::default();
        let now = Instant::now();
        for key in 0..=MOST_KEPT {
            looks.keep(&key, now + Duration::from_millis(u64::try_from(key).expect("small")), ());
        }
        let within = Freshness::Within(Duration::from_mins(1));
        assert_eq!((looks.get(&0, within), looks.get(&1, within), looks.get(&1, Freshness::Now)), (None, Some(()), None));
        assert_eq!(looks.0.lock().expect("no holder panics").len(), MOST_KEPT);
    }
}
