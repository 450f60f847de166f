//! Synapse workspaces, in Azure Resource Manager and on their data plane.

use std::collections::HashSet;

use azure_core::http::Url;

use crate::azure::api_version;
use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::list::MAX_PAGES;
use crate::azure::throttle::Scope;
use crate::azure::transport::ApiRequest;
use crate::azure::wire;
use crate::resource_id::SynapseWorkspaceId;
use crate::service_error::Service;

impl Client {
    /// A Synapse workspace; `None` if Azure answers that it does not exist.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure gives no such answer.
    pub async fn synapse_workspace(
        &self,
        id: &SynapseWorkspaceId,
        freshness: Freshness,
    ) -> Result<Option<wire::SynapseWorkspace>, Error> {
        let request = async {
            let path = format!("{id}?api-version={}", api_version::SYNAPSE);
            match self.get(Call::SynapseWorkspace, id.subscription(), &path).await {
                Ok(answer) => answer.read().map(Some),
                Err(Error::NotFound(_) | Error::ParentNotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.cached.of_job_checks.synapse_workspaces.get(id, freshness, request).await
    }

    /// The rules of the firewall of a Synapse workspace.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure does not return all of them.
    pub async fn firewall_rules(&self, id: &SynapseWorkspaceId, freshness: Freshness) -> Result<Vec<wire::FirewallRule>, Error> {
        let first = format!("{id}/firewallRules?api-version={}", api_version::SYNAPSE);
        let request = self.list(Call::FirewallRules, id.subscription(), first);
        self.cached.of_job_checks.firewall_rules.get(id, freshness, request).await
    }

    /// The managed private endpoints of a Synapse workspace, as its data plane lists them.
    ///
    /// Source: Synapse data plane 2020-12-01, `ManagedPrivateEndpoints_List`. A managed virtual network is always named `default`.
    ///
    /// # Errors
    ///
    /// [`Error`] if Synapse does not return all of them.
    pub async fn managed_private_endpoints(
        &self,
        workspace: &str,
        freshness: Freshness,
    ) -> Result<Vec<wire::ManagedPrivateEndpoint>, Error> {
        let (answers, request) = (&self.cached.of_job_checks.private_endpoints, self.list_private_endpoints(workspace));
        answers.get(&workspace.to_ascii_lowercase(), freshness, request).await
    }

    async fn list_private_endpoints(&self, workspace: &str) -> Result<Vec<wire::ManagedPrivateEndpoint>, Error> {
        let path = "/managedVirtualNetworks/default/managedPrivateEndpoints";
        let first = self.data_plane_request(Call::ManagedPrivateEndpoints, workspace, path)?.url;
        let (mut all, mut seen, mut url) = (Vec::new(), HashSet::new(), first.clone());
        while seen.insert(url.clone()) && seen.len() <= MAX_PAGES {
            let mut request = self.data_plane_request(Call::ManagedPrivateEndpoints, workspace, path)?;
            request.url = url;
            let answer = self.send(request).await.map_err(|error| error.of(Service::Synapse))?;
            let page: wire::Page = answer.read()?;
            let next = page.next_link.clone().filter(|next| !next.is_empty());
            all.extend(page.elements());
            let Some(next) = next else { return Ok(all) };
            url = following(&first, &next)?;
        }
        Err(Error::unavailable("the list of managed private endpoints does not end"))
    }

    /// A request to the data plane of a Synapse workspace, without a body.
    pub(super) fn data_plane_request(&self, call: Call, workspace: &str, path: &str) -> Result<ApiRequest<'_>, Error> {
        let mut url = self
            .data_plane
            .url(workspace, path)
            .ok_or_else(|| Error::unavailable(format!("{workspace:?} is not a valid name of a Synapse workspace")))?;
        url.query_pairs_mut().append_pair("api-version", api_version::SYNAPSE_DATA_PLANE);
        // The data plane has limits of its own for each workspace.
        let scope = Scope::Synapse(workspace.to_ascii_lowercase());
        let tokens = &self.tokens.synapse;
        Ok(ApiRequest { call, scope, url, tokens, body: None, continuation: None, deadline: None, new_connection: false })
    }
}

/// The next page of a list of the data plane. The access token is sent to the host of the first page only.
fn following(first: &Url, next: &str) -> Result<Url, Error> {
    let is_here = |url: &Url| url.origin() == first.origin() && url.username().is_empty() && url.password().is_none();
    let url = first.join(next).ok().filter(is_here);
    url.ok_or_else(|| Error::unavailable("the list of managed private endpoints links to another host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_sent_to_the_host_of_the_first_page_only() {
        let first = Url::parse("https://ws.dev.azuresynapse.net/a?api-version=1").expect("a URL");
        for (next, is_followed) in [
            ("https://ws.dev.azuresynapse.net/a?page=2", true),
            ("/a?page=2", true),
            ("https://evil.example/a?page=2", false),
            ("https://u:p@ws.dev.azuresynapse.net/a", false),
            ("http://ws.dev.azuresynapse.net/a", false),
            ("//evil.example/a", false),
        ] {
            assert_eq!(following(&first, next).is_ok(), is_followed, "{next}");
        }
    }
}
