//! What counts as missing, by observations of its own and by LISTs.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::*;
use crate::api::v1alpha1::{Applied, AttachmentStatus, SynapseSparkAttachmentSpec};
use crate::controller::observe::compute;
use crate::planner::roles::observed::Roles;
use crate::planner::{Dependencies, Fault, FaultKind, ObjectState, Owner};
use crate::resource_id::WorkspaceId;
use crate::service_error::ServiceError;

fn object(number: usize) -> SynapseSparkAttachment {
    let mut object = SynapseSparkAttachment::new(&format!("Pool{number}"), SynapseSparkAttachmentSpec::default());
    object.metadata.namespace = Some("team-a".into());
    object.spec.workspace.subscription_id = "s".into();
    object.spec.workspace.resource_group = "g".into();
    object.spec.workspace.name = "w".into();
    object
}

fn suspended(number: usize) -> SynapseSparkAttachment {
    let mut object = object(number);
    object.spec.suspend = true;
    object
}

fn deleted(number: usize) -> SynapseSparkAttachment {
    let mut object = object(number);
    object.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
    object
}

/// What an observation shows of a compute that was attached.
#[derive(Clone, Copy)]
enum Shows {
    Present,
    Absent,
    NoAnswer,
}

fn observed(shows: Shows) -> Observed {
    let owner = Owner { cluster: "c".into(), namespace: "team-a".into(), name: "n".into(), uid: "u".into() };
    let ours = json!({"tags": {"synapse-spark-operator-owner": owner.to_string()}});
    let ours = compute(&serde_json::from_value(ours).expect("a compute"), &owner, &AttachmentStatus::default());
    Observed {
        object: ObjectState::default(),
        compute: match shows {
            Shows::Present => Finding::Present(ours),
            Shows::Absent => Finding::Absent,
            Shows::NoAnswer => Finding::Unknown(Fault { kind: FaultKind::Unavailable(None), error: ServiceError::default() }),
        },
        absent_for: None,
        operation: None,
        applied: Some(Applied { created_on: Some("2026-01-01T00:00:00Z".into()), ..Applied::default() }),
        failure: None,
        dependencies: Dependencies::default(),
        roles: Roles::default(),
        jobs: None,
    }
}

fn see(all: &Workspaces, object: &SynapseSparkAttachment, shows: Shows) {
    let _ = all.observe(object, &observed(shows));
}

fn workspace(name: &str) -> WorkspaceId {
    WorkspaceId::new("s", "g", name).expect("an ID")
}

/// A LIST of the objects' workspace that begins now and shows these.
fn list(all: &Workspaces, numbers: impl IntoIterator<Item = usize>) {
    let of = |number: usize| -> Value { json!({"name": format!("pool{number}"), "properties": {"computeType": "SynapseSpark"}}) };
    let view = View::of(&workspace("w"), Instant::now(), numbers.into_iter().map(of));
    all.listed(&Group::new(workspace("w"), None), &view);
}

/// Twenty attached computes of a workspace.
fn attached() -> Workspaces {
    let all = Workspaces::default();
    (0..20).for_each(|number| see(&all, &object(number), Shows::Present));
    all
}

/// The losses, as an object sees them whose own observation has no answer.
fn losses(all: &Workspaces) -> (usize, usize) {
    let Losses { attached, missing } = all.observe(&object(0), &observed(Shows::NoAnswer));
    (attached, missing)
}

#[test]
fn what_is_missing_is_counted() {
    type Happens = fn(&Workspaces);
    #[rustfmt::skip]
    let table: [(&str, Happens, (usize, usize)); 11] = [
        ("nothing",                     |_| (),                                                                  (20, 0)),
        ("a LIST shows all",            |all| list(all, 0..20),                                                  (20, 0)),
        ("a LIST lacks all",            |all| list(all, []),                                                     (20, 20)),
        ("a LIST lacks some",           |all| list(all, 5..20),                                                  (20, 5)),
        ("a later LIST shows them",     |all| { list(all, []); list(all, 0..20); },                              (20, 0)),
        ("one is read absent",          |all| see(all, &object(3), Shows::Absent),           (20, 1)),
        ("a LIST shows that one",       |all| { see(all, &object(3), Shows::Absent); list(all, 0..20); }, (20, 0)),
        ("one is read present",         |all| { list(all, []); see(all, &object(3), Shows::Present); },   (20, 19)),
        ("one is not read",             |all| { list(all, []); see(all, &object(3), Shows::NoAnswer); },  (20, 20)),
        ("some are not to be there",    |all| { see(all, &suspended(3), Shows::Present); see(all, &deleted(4), Shows::Present); list(all, []); }, (20, 18)),
        ("one is detached by us",       |all| { all.forget(&key_of(&object(3))); list(all, []); },               (19, 19)),
    ];
    for (case, happens, wanted) in table {
        let all = attached();
        happens(&all);
        assert_eq!(losses(&all), wanted, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observation_outweighs_a_list_that_began_before_it() {
    let (all, began) = (Workspaces::default(), Instant::now());
    tokio::time::advance(Duration::from_secs(1)).await;
    see(&all, &object(0), Shows::Present);
    all.listed(&Group::new(workspace("w"), None), &View::of(&workspace("w"), began, []));
    assert_eq!(losses(&all), (1, 0));
}

#[test]
fn what_one_identity_or_workspace_lacks_is_not_missing_for_another() {
    let all = attached();
    let view = View::of(&workspace("w"), Instant::now(), []);
    all.listed(&Group::new(workspace("other"), None), &view);
    all.listed(&Group::new(workspace("w"), Some(("team-a".into(), "account".into()))), &view);
    assert_eq!(losses(&all), (20, 0));
}

#[test]
fn nothing_is_kept_of_objects_that_are_gone() {
    let all = attached();
    list(&all, []);
    (0..20).for_each(|number| all.forget(&key_of(&object(number))));
    let state = all.lock();
    assert!(state.objects.is_empty() && state.groups.is_empty());
}
