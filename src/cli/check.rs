//! `check`: whether the operator could work here with the identity of the user. Changes nothing.

use std::collections::BTreeSet;

use clap::Args;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::{Api, ListParams, PostParams};
use prometheus_client::registry::Registry;
use serde_json::json;

use super::args::AzureArgs;
use super::explained::explained;
use super::kube::{CALL_TIMEOUT, client, config};
use super::output::{Output, print};
use super::scope::{Identity, LeaseKey, Scope};
use crate::api::SynapseSparkAttachment;
use crate::azure;
use crate::controller;
use crate::controller::definition::Served;
use crate::error_chain::chain;
use crate::leader;

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    azure: AzureArgs,
    #[command(flatten)]
    identity: Identity,
    #[command(flatten)]
    scope: Scope,
    /// The output format.
    #[arg(short, long, default_value = "text", value_enum)]
    output: Output,
}

/// A group, a resource, its subresource, its name, and what has to be allowed with it.
type Right<'a> = (&'a str, &'a str, &'a str, &'a str, &'a [&'a str]);

const OBJECTS: [Right<'static>; 3] = [
    ("synapse-spark.dev", "synapsesparkattachments", "", "", &["get", "list", "watch", "patch"]),
    ("synapse-spark.dev", "synapsesparkattachments", "status", "", &["patch"]),
    ("events.k8s.io", "events", "", "", &["create", "patch"]),
];
const NEW_LEASES: [Right<'static>; 1] = [("coordination.k8s.io", "leases", "", "", &["create"])];
/// In a shard: whether the default shard excludes it.
const DEFAULT_SHARD: [Right<'static>; 1] = [("coordination.k8s.io", "leases", "", leader::NAME, &["get"])];
/// Whether an operator for all namespaces leads that is installed in another namespace.
const PEERS: [Right<'static>; 1] = [("coordination.k8s.io", "leases", "", "", &["list"])];

/// With --require-service-account: an attachment may name any ServiceAccount of its namespace.
const ACCOUNTS: [Right<'static>; 2] =
    [("", "serviceaccounts", "", "", &["get"]), ("", "serviceaccounts", "token", "", &["create"])];

/// The text of a check that succeeded or failed.
type CheckResult = Result<String, String>;

impl Check {
    pub(crate) async fn execute(self) -> Result<u8, String> {
        let kube = client(config().await?, Some(CALL_TIMEOUT))?;
        let mut found = vec![cluster(&kube).await];
        // If this fails, the others would fail with the same error.
        if found[0].is_ok() {
            found.push(self.definition(&kube).await);
            found.push(self.permissions(&kube).await);
            if self.identity.require_service_account {
                found.push(accounts(&kube, self.everywhere()).await);
            }
        }
        found.extend(self.azure().await);
        let failed = found.iter().filter(|one| one.is_err()).count();
        let text = match self.output {
            Output::Text => found.iter().map(line).collect(),
            Output::Json => format!("{:#}\n", json!({"checks": found.iter().map(as_json).collect::<Vec<_>>()})),
        };
        print(&text)?;
        if failed == 0 { Ok(0) } else { Err(format!("{failed} of {} checks failed", found.len())) }
    }

    /// All that has to be listed, each by its namespace.
    fn lists(&self, kube: &kube::Client) -> Vec<Api<SynapseSparkAttachment>> {
        match self.scope.namespaces() {
            all if all.is_empty() => vec![Api::all(kube.clone())],
            named => named.iter().map(|namespace| Api::namespaced(kube.clone(), namespace)).collect(),
        }
    }

    async fn definition(&self, kube: &kube::Client) -> CheckResult {
        let selectors = self.scope.shard().map_err(|error| format!("definition: {error}"))?.selectors();
        for (list, selector) in self.lists(kube).iter().flat_map(|list| selectors.iter().map(move |one| (list, one))) {
            let params = ListParams { field_selector: selector.clone(), ..ListParams::default().limit(1) };
            match list.list_metadata(&params).await {
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    return Err("definition: synapsesparkattachments.synapse-spark.dev is not installed; install the chart, or apply the output of `crd`".to_owned());
                }
                Err(kube::Error::Api(status)) if status.code == 400 && selector.is_some() => {
                    return Err(format!(
                        "definition: it cannot select objects by their subscription; upgrade it, or apply the output of `crd`: {}",
                        status.message
                    ));
                }
                // The check of permissions reports that it may not be listed.
                Err(kube::Error::Api(status)) if status.code == 403 => {}
                Err(error) => return Err(format!("definition: {}", chain(&error))),
                Ok(_) => {}
            }
        }
        match controller::definition::served(kube).await {
            Ok(served) => match served.complaint() {
                Some(why) => Err(format!("definition: {why}")),
                None => Ok(format!("definition: {}", installed(&served))),
            },
            Err(error) => Err(format!("definition: {}", chain(&error))),
        }
    }

    /// The namespaces that are managed; as in Kubernetes, an empty name means all of them.
    fn everywhere(&self) -> Vec<String> {
        let namespaces = self.scope.namespaces();
        if namespaces.is_empty() { vec![String::new()] } else { namespaces }
    }

    async fn permissions(&self, kube: &kube::Client) -> CheckResult {
        let mut refused = Vec::new();
        let shard = self.scope.shard().map_err(|error| format!("permissions: {error}"))?;
        let leases = self.scope.leases(&shard, kube.default_namespace());
        let own: BTreeSet<_> = leases.iter().map(|lease| lease.namespace.clone()).collect();
        let default_shard = self.scope.default_shard_lease(&shard, kube.default_namespace());
        let peers = leases.first().map(|_| String::new());
        let mut needed = vec![(self.everywhere(), OBJECTS.to_vec()), (own.into_iter().collect(), NEW_LEASES.to_vec())];
        let names: Vec<_> = leases.iter().map(LeaseKey::name).collect();
        for (lease, name) in leases.iter().zip(&names) {
            needed.push((vec![lease.namespace.clone()], vec![("coordination.k8s.io", "leases", "", name, &["get", "update"])]));
        }
        needed.push((default_shard.map(ToOwned::to_owned).into_iter().collect(), DEFAULT_SHARD.to_vec()));
        needed.push((peers.into_iter().collect(), PEERS.to_vec()));
        for (namespaces, rights) in &needed {
            let all = all_refusals(kube, namespaces, rights).await;
            refused.extend(all.map_err(|error| format!("permissions: {}", chain(&error)))?);
        }
        if refused.is_empty() {
            Ok("permissions: the operator has all that it needs".to_owned())
        } else {
            Err(format!("permissions: the operator may not {}", refused.join(", ")))
        }
    }

    async fn azure(&self) -> Vec<CheckResult> {
        let client = self.azure.client_as(self.identity.unavailable(), azure::Metrics::new(&mut Registry::default()));
        let (client, why) = match client {
            Ok(client) => client,
            Err(error) => return vec![Err(format!("Entra: {error}"))],
        };
        let entra = match client.authenticate().await {
            _ if client.is_unavailable() => Ok(format!("Entra: not checked ({why}): each attachment has its own identity")),
            Ok(()) => Ok(format!("Entra: obtained an access token ({why})")),
            Err(error) => Err(format!("Entra: {}", explained(&error))),
        };
        let arm = match client.reach().await {
            Ok(()) => Ok("Azure Resource Manager: it is reachable".to_owned()),
            Err(error) => Err(format!("Azure Resource Manager: {}", explained(&error))),
        };
        vec![entra, arm]
    }
}

fn installed(served: &Served) -> String {
    let installed = "synapsesparkattachments.synapse-spark.dev is installed";
    match served {
        Served::Missing(_) => format!("{installed} and has every field of this version"),
        Served::Unread | Served::Incomparable(_) => {
            format!("{installed}; its fields could not be compared with those of this version")
        }
    }
}

fn line(found: &CheckResult) -> String {
    match found {
        Ok(well) => format!("ok       {well}\n"),
        Err(wrong) => format!("failed   {wrong}\n"),
    }
}

fn as_json(found: &CheckResult) -> serde_json::Value {
    let (is_ok, message) = match found {
        Ok(message) => (true, message),
        Err(message) => (false, message),
    };
    let (of, message) = message.split_once(": ").unwrap_or(("", message));
    json!({"of": of, "ok": is_ok, "message": message})
}

async fn cluster(kube: &kube::Client) -> CheckResult {
    match controller::cluster_uid(kube).await {
        Ok(uid) => Ok(format!("Kubernetes: the cluster is {uid}")),
        Err(error) => Err(format!("Kubernetes: {}", chain(&error))),
    }
}

/// Whether the operator may use any ServiceAccount that an attachment names.
///
/// It is unknown which ones they will name: permissions for individual names are not checked, so a refusal is no failure.
async fn accounts(kube: &kube::Client, namespaces: Vec<String>) -> CheckResult {
    let refused = all_refusals(kube, &namespaces, &ACCOUNTS).await;
    let refused = refused.map_err(|error| format!("ServiceAccounts: {}", chain(&error)))?;
    Ok(if refused.is_empty() {
        "ServiceAccounts: the operator may create tokens for all of them".to_owned()
    } else {
        format!(
            "ServiceAccounts: the operator may not {}; permissions for individual names (namespaceIdentity.accountNames) are not checked",
            refused.join(", ")
        )
    })
}

async fn all_refusals(kube: &kube::Client, namespaces: &[String], rights: &[Right<'_>]) -> Result<Vec<String>, kube::Error> {
    let mut refused = Vec::new();
    for namespace in namespaces {
        for right in rights {
            refused.extend(refusals(kube, namespace, right).await?);
        }
    }
    Ok(refused)
}

/// The refused verbs of a permission, as text.
async fn refusals(
    kube: &kube::Client,
    namespace: &str,
    &(group, resource, part, name, verbs): &Right<'_>,
) -> Result<Vec<String>, kube::Error> {
    let reviews = Api::<SelfSubjectAccessReview>::all(kube.clone());
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut refused = Vec::new();
    for verb in verbs {
        let attributes = ResourceAttributes {
            group: given(group),
            resource: given(resource),
            subresource: given(part),
            name: given(name),
            namespace: given(namespace),
            verb: given(verb),
            ..ResourceAttributes::default()
        };
        let spec =
            SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let answer = reviews.create(&PostParams::default(), &review).await?;
        if !answer.status.is_some_and(|status| status.allowed) {
            let (dot, slash) = (if group.is_empty() { "" } else { "." }, if part.is_empty() { "" } else { "/" });
            let place = if namespace.is_empty() { "all namespaces".to_owned() } else { format!("namespace {namespace}") };
            refused.push(format!("{verb} {resource}{dot}{group}{slash}{part} in {place}"));
        }
    }
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::http::{Request, Response};
    use kube::client::Body;
    use serde_json::Value;

    use super::*;

    /// An API server that allows these, whoever asks.
    fn api_server(allows: fn(&ResourceAttributes) -> bool) -> kube::Client {
        let service = tower::service_fn(move |request: Request<Body>| async move {
            let body = request.into_body().collect_bytes().await.expect("a body");
            let mut review: Value = serde_json::from_slice(&body).expect("JSON");
            let asked = serde_json::from_value(review["spec"]["resourceAttributes"].clone()).expect("attributes");
            review["status"] = json!({"allowed": allows(&asked)});
            Ok::<_, Infallible>(Response::new(Body::from(review.to_string().into_bytes())))
        });
        kube::Client::new(service, "team-a")
    }

    #[tokio::test]
    async fn permissions_for_service_accounts_are_reported() {
        type Allows = fn(&ResourceAttributes) -> bool;
        let (all, none): (Allows, Allows) = (|_| true, |_| false);
        let in_a: Allows = |asked| asked.namespace.as_deref() == Some("a") || asked.subresource.is_none();
        #[rustfmt::skip]
        let table = [
            ("all",                &[""][..],   all,  "the operator may create tokens for all of them"),
            ("none, or some",      &[""],       none, "the operator may not get serviceaccounts in all namespaces, create serviceaccounts/token in all namespaces; permissions for individual names"),
            ("in one of two",      &["a", "b"], in_a, "the operator may not create serviceaccounts/token in namespace b; permissions"),
        ];
        for (case, namespaces, allows, words) in table {
            let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
            let report = accounts(&api_server(allows), namespaces).await.expect(case);
            assert!(report.starts_with(&format!("ServiceAccounts: {words}")), "{case}: {report}");
        }
    }
}
