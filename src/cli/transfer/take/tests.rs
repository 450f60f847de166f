//! Whether a compute may be taken, by what Kubernetes shows.

use serde_json::Value;

use super::*;
use crate::api::v1alpha1::SynapseSparkAttachmentSpec;

/// The UID of this cluster.
const HERE: &str = "00000000-0000-4000-8000-00000000c1a5";
const UID: &str = "00000000-0000-4000-8000-00000000beef";

/// An attachment of the namespace team-a.
fn object(uid: &str, is_in_deletion: bool) -> SynapseSparkAttachment {
    let mut object = SynapseSparkAttachment::new("nightly", SynapseSparkAttachmentSpec::default());
    object.metadata.namespace = Some("team-a".to_owned());
    object.metadata.uid = Some(uid.to_owned());
    object.metadata.deletion_timestamp =
        is_in_deletion.then(|| serde_json::from_value(json!("2026-01-01T00:00:00Z")).expect("a time"));
    object
}

/// A cluster with this attachment, in every namespace.
fn cluster(object: Option<SynapseSparkAttachment>) -> Cluster {
    let missing = json!({"kind": "Status", "status": "Failure", "message": "not found", "reason": "NotFound", "code": 404, "details": {"name": "nightly"}});
    let (code, answer): (u16, Value) = object.map_or((404, missing), |object| (200, json!(object)));
    Cluster::answering(move |_| (code, answer.clone()))
}

#[tokio::test]
async fn a_compute_whose_owner_or_recipient_exists_is_not_taken() {
    let elsewhere = "00000000-0000-4000-8000-00000000dead";
    #[rustfmt::skip]
    let table = [
        ("its owner",                        HERE,      UID,         true,  Some("its owner team-b/nightly exists")),
        ("a former object of that name",     HERE,      "former",    true,  None),
        ("its owner is gone",                HERE,      UID,         false, None),
        ("it is handed over",                HERE,      TRANSFERRED, true,  Some("handed over to team-b/nightly, which exists")),
        ("it is handed over to none yet",    HERE,      TRANSFERRED, false, None),
        ("it is handed over elsewhere",      elsewhere, TRANSFERRED, true,  None),
    ];
    for (case, of, owner, is_there, refusal) in table {
        let cluster = cluster(is_there.then(|| object(UID, false)));
        let taker = Owner { cluster: HERE.into(), namespace: "team-a".into(), name: "taker".into(), uid: "2-b".into() };
        let result = exists_no_more(&cluster, &taker, &format!("{of}/team-b/nightly/{owner}")).await;
        match refusal {
            Some(words) => assert!(result.as_ref().is_err_and(|why| why.contains(words)), "{case}: {result:?}"),
            None => assert_eq!(result, Ok(()), "{case}"),
        }
    }
}

#[tokio::test]
async fn an_attachment_that_goes_takes_nothing() {
    let planned = object(UID, false);
    #[rustfmt::skip]
    let table = [
        ("it is there",          Some(object(UID, false)),     None),
        ("it is being deleted",  Some(object(UID, true)),      Some("it is being deleted")),
        ("another one",          Some(object("later", false)), Some("another object has taken its place")),
        ("it is gone",           None,                         Some("no SynapseSparkAttachment")),
    ];
    for (case, now, refusal) in table {
        let result = is_live(&cluster(now), &planned).await;
        match refusal {
            Some(words) => assert!(result.as_ref().is_err_and(|why| why.contains(words)), "{case}: {result:?}"),
            None => assert_eq!(result, Ok(()), "{case}"),
        }
    }
}
