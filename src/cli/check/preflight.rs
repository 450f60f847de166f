//! `check --pre`: whether an operator could run here, with the identity of this process and the options of `run`.

use kube::Client;
use kube::api::{Api, ListParams};
use prometheus_client::registry::Registry;

use super::super::args::AzureArgs;
use super::super::explained::explained;
use super::super::kube::{CALL_TIMEOUT, ContextArgs, client};
use super::super::output::progress;
use super::super::scope::{Identity, Scope};
use super::finding::{Finding, Outcome};
use super::permissions::{Subject, accounts, everywhere, missing};
use crate::api::SynapseSparkAttachment;
use crate::azure;
use crate::controller;
use crate::error_chain::chain;

/// What is checked.
pub(super) struct Preflight<'a> {
    pub(super) context: &'a ContextArgs,
    pub(super) azure: &'a AzureArgs,
    pub(super) identity: &'a Identity,
    pub(super) scope: &'a Scope,
}

/// Makes all checks.
pub(super) async fn check(preflight: &Preflight<'_>) -> Result<Vec<Finding>, String> {
    let kube = client(preflight.context.config_as_operator().await?, Some(CALL_TIMEOUT))?;
    progress("Checking Kubernetes.");
    let mut found = vec![Finding::of("Kubernetes", cluster(&kube).await)];
    // If this fails, the others would fail with the same error.
    if found[0].is_ok() {
        let definition = preflight.definition(&kube).await.unwrap_or_else(Outcome::Failed);
        found.push(Finding { check: "definition", outcome: definition });
        found.push(Finding::of("permissions", preflight.permissions(&kube).await));
        if preflight.identity.require_service_account {
            let report = accounts(&kube, Subject::Caller, everywhere(preflight.scope)).await;
            found.push(Finding::of("ServiceAccounts", report.map_err(|error| chain(&error))));
        }
    }
    progress("Checking Microsoft Entra ID and Azure Resource Manager.");
    found.extend(preflight.azure().await);
    Ok(found)
}

async fn cluster(kube: &Client) -> Result<String, String> {
    let uid = controller::cluster_uid(kube).await.map_err(|error| chain(&error))?;
    Ok(format!("the UID of namespace kube-system is {uid}"))
}

impl Preflight<'_> {
    /// All that has to be listed, each by its namespace.
    fn lists(&self, kube: &Client) -> Vec<Api<SynapseSparkAttachment>> {
        match self.scope.namespaces() {
            all if all.is_empty() => vec![Api::all(kube.clone())],
            named => named.iter().map(|namespace| Api::namespaced(kube.clone(), namespace)).collect(),
        }
    }

    async fn definition(&self, kube: &Client) -> Result<Outcome, String> {
        let selectors = self.scope.shard()?.selectors();
        for (list, selector) in self.lists(kube).iter().flat_map(|list| selectors.iter().map(move |one| (list, one))) {
            let params = ListParams { field_selector: selector.clone(), ..ListParams::default().limit(1) };
            match list.list_metadata(&params).await {
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    return Err("synapsesparkattachments.synapse-spark.dev is not installed; install the chart, or apply the output of `crd`".to_owned());
                }
                Err(kube::Error::Api(status)) if status.code == 400 && selector.is_some() => {
                    return Err(format!(
                        "the definition cannot select objects by subscription; upgrade the chart, or apply the output of `crd`: {}",
                        status.message
                    ));
                }
                // The check of permissions reports that it may not be listed.
                Err(kube::Error::Api(status)) if status.code == 403 => {}
                Err(error) => return Err(chain(&error)),
                Ok(_) => {}
            }
        }
        Ok(super::definition::compare(kube).await)
    }

    async fn permissions(&self, kube: &Client) -> Result<String, String> {
        let shard = self.scope.shard()?;
        let refused = missing(kube, Subject::Caller, (self.scope, &shard), kube.default_namespace()).await;
        let refused = refused.map_err(|error| chain(&error))?;
        if refused.is_empty() {
            Ok("the operator has all permissions that it needs".to_owned())
        } else {
            Err(format!("the operator is not allowed to: {}", refused.join(", ")))
        }
    }

    async fn azure(&self) -> Vec<Finding> {
        let client = self.azure.client_as(self.identity.unavailable(), azure::Metrics::new(&mut Registry::default()));
        let (client, why) = match client {
            Ok(client) => client,
            Err(error) => return vec![Finding::of("Entra", Err(error))],
        };
        let entra = match client.authenticate().await {
            _ if client.is_unavailable() => Ok(format!("not checked ({why}): each attachment has its own identity")),
            Ok(()) => Ok(format!("obtained an access token ({why})")),
            Err(error) => Err(explained(&error)),
        };
        let arm = match client.reach().await {
            Ok(()) => Ok("it is reachable".to_owned()),
            Err(error) => Err(explained(&error)),
        };
        vec![Finding::of("Entra", entra), Finding::of("Azure Resource Manager", arm)]
    }
}
