//! The permissions in Kubernetes that the operator needs, and those that an identity lacks.

use std::collections::BTreeSet;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};
use kube::{Client, Error};

use super::super::scope::{LeaseKey, Scope};
use crate::controller::Shard;
use crate::leader;

/// A group, a resource, its subresource, its name, and the verbs.
type Right<'a> = (&'a str, &'a str, &'a str, &'a str, &'a [&'a str]);

const OBJECTS: [Right<'static>; 4] = [
    ("synapse-spark.dev", "synapsesparkattachments", "", "", &["get", "list", "watch", "patch"]),
    ("synapse-spark.dev", "synapsesparkattachments", "status", "", &["patch"]),
    ("events.k8s.io", "events", "", "", &["create", "patch"]),
    // The annotations with the defaults of a namespace.
    ("", "namespaces", "", "", &["get"]),
];
const NEW_LEASES: [Right<'static>; 1] = [("coordination.k8s.io", "leases", "", "", &["create"])];
/// In a shard: whether the default shard excludes it.
const DEFAULT_SHARD: [Right<'static>; 1] = [("coordination.k8s.io", "leases", "", leader::NAME, &["get"])];
/// Whether an operator for all namespaces leads that is installed in another namespace.
const PEERS: [Right<'static>; 1] = [("coordination.k8s.io", "leases", "", "", &["list"])];
/// The namespace whose UID identifies the cluster in owner tags.
const CLUSTER_UID: [Right<'static>; 1] = [("", "namespaces", "", "kube-system", &["get"])];
/// With --require-service-account: an attachment may name any ServiceAccount of its namespace.
const ACCOUNTS: [Right<'static>; 2] =
    [("", "serviceaccounts", "", "", &["get"]), ("", "serviceaccounts", "token", "", &["create"])];

/// Whose permissions are reviewed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// The identity of this process.
    Caller,
    /// A ServiceAccount.
    Account { namespace: &'a str, name: &'a str },
}

/// The permissions that the operator needs and the subject lacks, as text. `own` is the operator's namespace.
pub(super) async fn missing(
    kube: &Client,
    subject: Subject<'_>,
    (scope, shard): (&Scope, &Shard),
    own: &str,
) -> Result<Vec<String>, Error> {
    let leases = scope.leases(shard, own);
    let lease_namespaces: BTreeSet<_> = leases.iter().map(|lease| lease.namespace.clone()).collect();
    let all_namespaces = || vec![String::new()];
    let mut needed = vec![
        (all_namespaces(), CLUSTER_UID.to_vec()),
        (everywhere(scope), OBJECTS.to_vec()),
        (lease_namespaces.into_iter().collect(), NEW_LEASES.to_vec()),
    ];
    let names: Vec<_> = leases.iter().map(LeaseKey::name).collect();
    for (lease, name) in leases.iter().zip(&names) {
        needed.push((vec![lease.namespace.clone()], vec![("coordination.k8s.io", "leases", "", name, &["get", "update"])]));
    }
    let default_shard = scope.default_shard_lease(shard, own);
    needed.push((default_shard.map(ToOwned::to_owned).into_iter().collect(), DEFAULT_SHARD.to_vec()));
    if !leases.is_empty() {
        needed.push((all_namespaces(), PEERS.to_vec()));
    }
    let mut refused = Vec::new();
    for (namespaces, rights) in &needed {
        refused.extend(all_refusals(kube, subject, namespaces, rights).await?);
    }
    Ok(refused)
}

/// Whether the operator may use any ServiceAccount that an attachment names, as text.
///
/// It is unknown which ones they will name: permissions for individual names are not checked, so a refusal is no failure.
pub(super) async fn accounts(kube: &Client, subject: Subject<'_>, namespaces: Vec<String>) -> Result<String, Error> {
    let refused = all_refusals(kube, subject, &namespaces, &ACCOUNTS).await?;
    Ok(if refused.is_empty() {
        "the operator may create tokens for all of them".to_owned()
    } else {
        format!(
            "the operator is not allowed to: {}; permissions for individual names (namespaceIdentity.accountNames) are not checked",
            refused.join(", ")
        )
    })
}

/// The namespaces that are managed; as in Kubernetes, an empty name means all of them.
pub(super) fn everywhere(scope: &Scope) -> Vec<String> {
    let namespaces = scope.namespaces();
    if namespaces.is_empty() { vec![String::new()] } else { namespaces }
}

async fn all_refusals(
    kube: &Client,
    subject: Subject<'_>,
    namespaces: &[String],
    rights: &[Right<'_>],
) -> Result<Vec<String>, Error> {
    let mut refused = Vec::new();
    for namespace in namespaces {
        for right in rights {
            refused.extend(refusals(kube, subject, namespace, right).await?);
        }
    }
    Ok(refused)
}

/// The refused verbs of a permission, as text.
async fn refusals(
    kube: &Client,
    subject: Subject<'_>,
    namespace: &str,
    &(group, resource, part, name, verbs): &Right<'_>,
) -> Result<Vec<String>, Error> {
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
        if !is_allowed(kube, subject, attributes).await? {
            let (dot, slash) = (if group.is_empty() { "" } else { "." }, if part.is_empty() { "" } else { "/" });
            let place = if namespace.is_empty() { "all namespaces".to_owned() } else { format!("namespace {namespace}") };
            refused.push(format!("{verb} {resource}{dot}{group}{slash}{part} in {place}"));
        }
    }
    Ok(refused)
}

/// Asks Kubernetes whether the subject may do this.
async fn is_allowed(kube: &Client, subject: Subject<'_>, attributes: ResourceAttributes) -> Result<bool, Error> {
    let resource_attributes = Some(attributes);
    let status = match subject {
        Subject::Caller => {
            let spec = SelfSubjectAccessReviewSpec { resource_attributes, ..SelfSubjectAccessReviewSpec::default() };
            let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
            Api::all(kube.clone()).create(&PostParams::default(), &review).await?.status
        }
        Subject::Account { namespace, name } => {
            // The groups of every ServiceAccount: <https://kubernetes.io/docs/reference/access-authn-authz/authentication/>.
            let groups = vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".to_owned(),
            ];
            let user = Some(format!("system:serviceaccount:{namespace}:{name}"));
            let spec =
                SubjectAccessReviewSpec { resource_attributes, user, groups: Some(groups), ..SubjectAccessReviewSpec::default() };
            let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
            Api::all(kube.clone()).create(&PostParams::default(), &review).await?.status
        }
    };
    Ok(status.is_some_and(|status| status.allowed))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;

    /// An API server that allows these, whoever asks.
    fn api_server(allows: fn(&ResourceAttributes) -> bool) -> Client {
        let service = tower::service_fn(move |request: Request<Body>| async move {
            let body = request.into_body().collect_bytes().await.expect("a body");
            let mut review: Value = serde_json::from_slice(&body).expect("JSON");
            let asked = serde_json::from_value(review["spec"]["resourceAttributes"].clone()).expect("attributes");
            review["status"] = json!({"allowed": allows(&asked)});
            Ok::<_, Infallible>(Response::new(Body::from(review.to_string().into_bytes())))
        });
        Client::new(service, "team-a")
    }

    #[tokio::test]
    async fn permissions_for_service_accounts_are_reported() {
        type Allows = fn(&ResourceAttributes) -> bool;
        let (all, none): (Allows, Allows) = (|_| true, |_| false);
        let in_a: Allows = |asked| asked.namespace.as_deref() == Some("a") || asked.subresource.is_none();
        #[rustfmt::skip]
        let table = [
            ("all",                &[""][..],   all,  "the operator may create tokens for all of them"),
            ("none, or some",      &[""],       none, "the operator is not allowed to: get serviceaccounts in all namespaces, create serviceaccounts/token in all namespaces; permissions for individual names"),
            ("in one of two",      &["a", "b"], in_a, "the operator is not allowed to: create serviceaccounts/token in namespace b; permissions"),
        ];
        for (case, namespaces, allows, words) in table {
            let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
            let report = accounts(&api_server(allows), Subject::Caller, namespaces).await.expect(case);
            assert!(report.starts_with(words), "{case}: {report}");
        }
    }
}
