//! What the user may do, asked before it is tried.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Resource as _;
use kube::api::{Api, PostParams};

use super::super::kube::Cluster;
use crate::api::SynapseSparkAttachment;
use crate::error_chain::chain;

/// A right that the user does not have, or that could not be reviewed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) verb: &'static str,
    /// The reason that the cluster gives, if any.
    pub(super) why: String,
}

/// Which of these verbs the user may not use on attachments, in a namespace or in all of them.
pub(super) async fn missing(cluster: &Cluster, namespace: Option<&str>, verbs: &[&'static str]) -> Vec<Missing> {
    let reviews = verbs.iter().map(|verb| review(cluster, namespace, verb));
    futures::future::join_all(reviews).await.into_iter().flatten().collect()
}

async fn review(cluster: &Cluster, namespace: Option<&str>, verb: &'static str) -> Option<Missing> {
    let attributes = ResourceAttributes {
        group: Some(SynapseSparkAttachment::group(&()).into_owned()),
        resource: Some(SynapseSparkAttachment::plural(&()).into_owned()),
        // An empty name means all namespaces.
        namespace: namespace.map(ToOwned::to_owned),
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    match Api::all(cluster.calls.clone()).create(&PostParams::default(), &review).await {
        Ok(SelfSubjectAccessReview { status: Some(status), .. }) if status.allowed => None,
        Ok(SelfSubjectAccessReview { status, .. }) => {
            Some(Missing { verb, why: status.and_then(|status| status.reason).unwrap_or_default() })
        }
        Err(error) => Some(Missing { verb, why: chain(&error) }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_right_that_is_refused_or_unknown_is_missing() {
        let reviewed = |status| json!({"kind": "SelfSubjectAccessReview", "spec": {}, "status": status});
        let refusal =
            json!({"kind": "Status", "status": "Failure", "code": 500, "reason": "InternalError", "message": "no authorizer"});
        #[rustfmt::skip]
        let table = [
            ("allowed", 201, reviewed(json!({"allowed": true})),                          None),
            ("refused", 201, reviewed(json!({"allowed": false, "reason": "by a policy"})), Some("by a policy")),
            ("unknown", 500, refusal,                                                      Some("no authorizer")),
        ];
        for (case, code, answer, why) in table {
            let cluster = Cluster::answering(move |_| (code, answer.clone()));
            let missing = missing(&cluster, Some("team-a"), &["patch"]).await;
            assert_eq!(missing.first().map(|one| one.verb), why.map(|_| "patch"), "{case}");
            assert!(why.is_none_or(|why| missing[0].why.contains(why)), "{case}: {missing:?}");
        }
    }
}
