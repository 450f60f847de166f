//! Every status that the operator can write, and what GitOps tools are to make of it.
//!
//! The real `decide` and `status` run over all goals and observations; one object of each kind that comes out is in
//! `tests/fixtures/statuses.yaml`. The two tables below say what must come out, without asking the code. `tests/gitops`
//! gives the objects to Argo CD's Lua and to kstatus. `make generate` writes the files anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};
use synapse_spark_operator::api::v1alpha1::{
    AttachmentStatus, OperationKind, OperationStatus, PoolStatus, ProvisioningError, definition,
};
use synapse_spark_operator::api::{FINALIZER, RECONCILE_REQUESTED_AT, Reason, SynapseSparkAttachment};
use synapse_spark_operator::planner::goal::OWNER_TAG;
use synapse_spark_operator::planner::observed::ShownIdentity;
use synapse_spark_operator::planner::role::{Granted, Roles, Trouble};
use synapse_spark_operator::planner::status::{Pass, Written, status};
use synapse_spark_operator::planner::{
    Assignment, Behind, Compute, Desired, Fault, FaultKind, Finding, Goal, LinkedService, Observed, Operation, Outcome,
    Ownership, Plan, Progress, SparkPool, Step, Words, decide,
};
use synapse_spark_operator::resource_id::PoolId;

/// What the user wants of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Attached,
    Suspended,
    Deleted,
}

/// The one condition that is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Ready,
    Reconciling,
    Stalled,
    Nothing,
}

use Shown::{Nothing, Ready, Reconciling, Stalled};

/// A reason, and what is true with it while the object is to be attached, suspended, to be deleted.
type Row = (Reason, &'static [Shown], &'static [Shown], &'static [Shown]);

#[rustfmt::skip]
const CATALOGUE: [Row; Reason::ALL.len()] = [
    // reason                   to be attached          suspended               to be deleted
    (Reason::Attached,          &[Ready],               &[],                    &[]),
    (Reason::Claiming,          &[Reconciling],         &[],                    &[]),
    (Reason::Attaching,         &[Reconciling],         &[Reconciling],         &[]),
    (Reason::Adopting,          &[Reconciling],         &[Reconciling],         &[]),
    (Reason::Updating,          &[Reconciling],         &[Reconciling],         &[]),
    (Reason::Replacing,         &[Reconciling],         &[Reconciling],         &[]),
    (Reason::Detaching,         &[],                    &[],                    &[Reconciling]),
    (Reason::Released,          &[],                    &[],                    &[Reconciling]),
    (Reason::Suspended,         &[],                    &[Ready, Nothing],      &[Nothing]),
    (Reason::Throttled,         &[Ready, Reconciling],  &[Ready, Reconciling],  &[Reconciling]),
    (Reason::AzureUnavailable,  &[Ready, Reconciling],  &[Ready, Reconciling],  &[Reconciling]),
    (Reason::NotOurs,           &[Stalled],             &[Stalled],             &[]),
    (Reason::OwnedByAnother,    &[Stalled],             &[Stalled],             &[]),
    (Reason::Duplicate,         &[Stalled],             &[Stalled],             &[]),
    (Reason::PoolDiffers,       &[Stalled],             &[Stalled],             &[]),
    (Reason::AttachFailed,      &[Stalled],             &[Stalled],             &[]),
    (Reason::DetachFailed,      &[Stalled],             &[Stalled],             &[Stalled]),
    (Reason::NotApplied,        &[Stalled],             &[Stalled],             &[]),
    (Reason::Unauthorized,      &[Stalled],             &[Stalled],             &[Stalled]),
    (Reason::NoCredential,      &[Stalled],             &[Stalled],             &[Stalled]),
    (Reason::WorkspaceNotFound, &[Stalled],             &[Stalled],             &[Stalled]),
    (Reason::Refused,           &[Stalled],             &[Stalled],             &[Stalled]),
    (Reason::Granting,          &[Reconciling],         &[],                    &[]),
    (Reason::RoleForbidden,     &[Stalled],             &[],                    &[Stalled]),
    (Reason::LinkedServiceNotFound, &[Stalled],         &[Stalled],             &[]),
    (Reason::PoolNotFound,      &[Stalled],             &[Stalled],             &[]),
    (Reason::PoolFailed,        &[Stalled],             &[Stalled],             &[]),
    (Reason::InvalidSpec,       &[Stalled],             &[Stalled],             &[]),
    (Reason::InternalError,     &[Stalled],             &[Stalled],             &[Stalled]),
    // Of the conditions beside, and of events: no status has them as its own.
    (Reason::RoleGranted,       &[],                    &[],                    &[]),
    (Reason::RoleLeftBehind,    &[],                    &[],                    &[]),
    (Reason::PoolAvailable,     &[],                    &[],                    &[]),
    (Reason::SparkOutOfSupport, &[],                    &[],                    &[]),
    (Reason::PoolUnreadable,    &[],                    &[],                    &[]),
    (Reason::PoolChanged,       &[],                    &[],                    &[]),
];

/// What the condition `RoleGranted` can say, with its status.
const ROLE_GRANTED: [(&str, Reason); 8] = [
    ("True", Reason::RoleGranted),
    ("False", Reason::Granting),
    ("False", Reason::RoleForbidden),
    ("False", Reason::Refused),
    ("False", Reason::AzureUnavailable),
    ("False", Reason::Throttled),
    ("False", Reason::NoCredential),
    ("False", Reason::WorkspaceNotFound),
];

/// What the condition `PoolAvailable` can say, with its status.
const POOL_AVAILABLE: [(&str, Reason); 5] = [
    ("True", Reason::PoolAvailable),
    ("True", Reason::SparkOutOfSupport),
    ("False", Reason::PoolNotFound),
    ("False", Reason::PoolFailed),
    ("Unknown", Reason::PoolUnreadable),
];

/// What Argo CD and kstatus are to say of it.
fn verdict(wish: Wish, shown: Shown) -> (&'static str, &'static str) {
    match (wish, shown) {
        (Wish::Deleted, _) => ("Progressing", "Terminating"),
        (_, Reconciling) => ("Progressing", "InProgress"),
        (_, Stalled) => ("Degraded", "Failed"),
        (Wish::Suspended, Ready) => ("Suspended", "Current"),
        // It stands still, and is not as asked: kstatus has no word for that.
        (_, Nothing) => ("Suspended", "InProgress"),
        (Wish::Attached, Ready) => ("Healthy", "Current"),
    }
}

type State = (Reason, Wish, Shown);

const CLUSTER: &str = "8f6d9b8c-3f3a-4c1d-9c5b-0d5a4f2e7a11";
const GENERATION: i64 = 3;

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

/// The object of a user. `more` is merged into its spec.
fn object(wish: Wish, more: &Value) -> SynapseSparkAttachment {
    let group = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group";
    let mut spec = json!({
        "workspace": {
            "subscriptionId": "6560575d-fa06-4e7d-95fb-f962e74efd7a",
            "resourceGroup": "yogi-res-group",
            "name": "yogi-aml-ws",
        },
        "resourceId": format!("{group}/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool"),
        "identity": {"type": "SystemAssigned"},
        "tags": {"team": "data"},
        "suspend": wish == Wish::Suspended,
    });
    for (field, value) in more.as_object().expect("fields") {
        spec[field] = value.clone();
    }
    let mut metadata = json!({
        "name": "my-spark-pool",
        "namespace": "team-a",
        "uid": "2b1d9f0e-6c1b-4f0a-8d57-3f7c0d9a5e21",
        "creationTimestamp": "2026-03-02T08:00:00Z",
        "generation": GENERATION,
        "finalizers": [FINALIZER],
    });
    if wish == Wish::Deleted {
        metadata["deletionTimestamp"] = "2026-03-02T09:30:00Z".into();
        metadata["deletionGracePeriodSeconds"] = 0.into();
    }
    serde_json::from_value(json!({
        "apiVersion": "synapse-spark.dev/v1alpha1",
        "kind": "SynapseSparkAttachment",
        "metadata": metadata,
        "spec": spec,
    }))
    .expect("an object")
}

fn words(code: &str, message: &str) -> Words {
    Words { code: code.to_owned(), message: message.to_owned(), correlation: None }
}

fn faults() -> Vec<Fault> {
    let fault = |kind, code, message| Fault { kind, words: words(code, message) };
    vec![
        fault(FaultKind::Passing, "InternalServerError", "The server could not process the request."),
        fault(FaultKind::Throttled(Duration::from_secs(17)), "TooManyRequests", "The request rate is too large."),
        fault(
            FaultKind::Unauthorized,
            "AuthorizationFailed",
            "The client does not have authorization to perform action 'Microsoft.MachineLearningServices/workspaces/computes/write'.",
        ),
        fault(FaultKind::NoCredential, "invalid_client", "AADSTS700213: No matching federated identity record found."),
        fault(FaultKind::NoWorkspace, "ResourceNotFound", "The workspace was not found."),
        fault(FaultKind::NoSubscription, "SubscriptionNotFound", "The subscription could not be found."),
        fault(FaultKind::Refused, "BadRequest", "The request is invalid."),
    ]
}

/// What Azure can show of the compute. The first of a kind is the one that is kept, so the usual come first.
fn findings() -> Vec<Finding<Compute>> {
    let pool = |name: &str| {
        PoolId::parse(&format!(
            "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/{name}"
        ))
        .expect("an ID")
    };
    let mut all = vec![Finding::Absent];
    let whose = [
        (Ownership::Ours, Some(format!("{CLUSTER}/team-a/my-spark-pool/2b1d9f0e-6c1b-4f0a-8d57-3f7c0d9a5e21"))),
        (Ownership::Nobody, None),
        (Ownership::Another("another-cluster/team-b/pool/uid".into()), Some("another-cluster/team-b/pool/uid".to_owned())),
    ];
    for kind in ["SynapseSpark", "AmlCompute"] {
        for name in ["yogisparkpool", "otherpool"] {
            for (owner, tag) in &whose {
                for system in [true, false] {
                    for progress in [Progress::Succeeded, Progress::Working, Progress::Failed, Progress::Deleting] {
                        let team = ("team".to_owned(), "data".to_owned());
                        let tag = tag.iter().map(|tag| (OWNER_TAG.to_owned(), tag.clone()));
                        let error =
                            ProvisioningError { code: "UserError".into(), message: "The Spark pool was not found.".into() };
                        all.push(Finding::Present(Compute {
                            kind: kind.to_owned(),
                            pool: (kind == "SynapseSpark").then(|| pool(name)),
                            progress,
                            state: if progress == Progress::Working { "Creating".to_owned() } else { format!("{progress:?}") },
                            owner: owner.clone(),
                            identity: ShownIdentity {
                                kind: if system { "SystemAssigned" } else { "None" }.to_owned(),
                                system,
                                principal_id: system.then(|| "00000000-0000-0000-0000-000000000000".to_owned()),
                                ..ShownIdentity::default()
                            },
                            description: None,
                            tags: std::iter::once(team).chain(tag).collect(),
                            errors: (progress == Progress::Failed).then_some(error).into_iter().collect(),
                            location: Some("eastus2".into()),
                            created_on: Some("2026-03-02T08:00:05.1234567+00:00".into()),
                            modified_on: None,
                            shown_pool: PoolStatus { name: name.to_owned(), ..PoolStatus::default() },
                        }));
                    }
                }
            }
        }
    }
    all.extend(faults().into_iter().map(Finding::Unknown));
    all
}

fn operations() -> Vec<Option<Operation>> {
    let mut all = vec![None];
    for kind in [OperationKind::Attach, OperationKind::Update, OperationKind::Detach] {
        let failed = Outcome::Failed(words("InternalServerError", "The operation failed."));
        for outcome in [Outcome::Running, failed, Outcome::Ended, Outcome::Unknown] {
            all.push(Some(Operation { kind, running_for: Duration::from_mins(1), outcome }));
        }
    }
    all
}

/// What may be reported of a decision: it is done, Azure does not take it, or it is overtaken.
fn reported(plan: &Plan, observed: &Observed) -> Vec<Plan> {
    let thwarted = || faults().into_iter().map(|fault| plan.thwarted(fault, observed));
    match plan.step {
        Step::Wait | Step::Rest => vec![plan.clone()],
        Step::Attach | Step::Grant | Step::Revoke | Step::Detach => {
            [plan.clone(), plan.overtaken()].into_iter().chain(thwarted()).collect()
        }
        // The next pass has more to tell, or there is no object left to tell it of.
        Step::Claim | Step::Release => vec![plan.overtaken()],
    }
}

/// What was written to Azure, where the plan says that something was.
fn written(goal: &Goal, plan: &Plan, observed: &Observed, now: Timestamp) -> Option<Written> {
    let uid = &goal.owner().uid;
    let (kind, applied) = match (plan.step, goal) {
        (Step::Grant, _) => {
            return plan.assignment.as_ref().map(|one| Written::Granted(one.remembered(one.id(uid), Some(Time(now)), false)));
        }
        (Step::Revoke, _) => return plan.assignment.clone().map(Written::Revoked),
        (Step::Attach, Goal::Attached(goal)) => {
            let kind = if matches!(observed.compute, Finding::Absent) { OperationKind::Attach } else { OperationKind::Update };
            (kind, Some(Desired::remembered(goal, observed.applied.as_ref())))
        }
        (Step::Detach, _) => (OperationKind::Detach, None),
        _ => return None,
    };
    let path = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/providers/Microsoft.MachineLearningServices/locations/eastus2/computeOperationsStatus/1";
    Some(Written::Compute { operation: OperationStatus { kind, path: Some(path.to_owned()), started_at: Time(now) }, applied })
}

/// All that can come out, and one object of each.
#[derive(Default)]
struct Found {
    states: BTreeMap<State, SynapseSparkAttachment>,
    /// The conditions beside those of kstatus: type, status, reason.
    beside: BTreeSet<(String, String, String)>,
}

impl Found {
    fn keep(&mut self, wish: Wish, object: &SynapseSparkAttachment, status: AttachmentStatus, reason: Reason) {
        let is = |kind: &str| status.conditions.iter().any(|one| one.type_ == kind && one.status == "True");
        let truths = [(Ready, is("Ready")), (Reconciling, is("Reconciling")), (Stalled, is("Stalled"))];
        let mut truths = truths.into_iter().filter_map(|(shown, is_true)| is_true.then_some(shown));
        let shown = truths.next().unwrap_or(Nothing);
        assert_eq!(truths.next(), None, "two conditions are true: {status:?}");
        assert!(status.conditions.iter().any(|one| one.type_ == "Ready"), "Ready is always there: {status:?}");
        let (beside, of_kstatus): (Vec<_>, Vec<_>) =
            status.conditions.iter().partition(|one| matches!(one.type_.as_str(), "RoleGranted" | "PoolAvailable"));
        assert!(of_kstatus.iter().all(|one| one.reason == reason.as_str()), "one reason for all: {status:?}");
        self.beside.extend(beside.iter().map(|one| (one.type_.clone(), one.status.clone(), one.reason.clone())));
        assert!(
            reason != Reason::Attached
                || object.spec.synapse_role.is_none()
                || beside.iter().any(|one| one.type_ == "RoleGranted" && one.status == "True"),
            "Ready without the role: {status:?}"
        );
        assert_eq!(status.observed_generation, Some(GENERATION));
        self.states
            .entry((reason, wish, shown))
            .or_insert_with(|| SynapseSparkAttachment { status: Some(status), ..object.clone() });
    }
}

/// All that a look can find, after this.
fn observations(previous: &AttachmentStatus) -> Vec<Observed> {
    let mut all = Vec::new();
    for compute in findings() {
        for operation in operations() {
            for (claimed, elder, asked) in [(true, false, false), (true, false, true), (true, true, false), (false, false, false)]
            {
                all.push(Observed {
                    claimed,
                    elder: elder.then(|| "team-a/elder".to_owned()),
                    compute: compute.clone(),
                    operation: operation.clone(),
                    applied: previous.applied.clone(),
                    asked,
                    trouble: None,
                    failing_for: Duration::ZERO,
                    waiting_for: Duration::ZERO,
                    behind: Behind::default(),
                });
            }
        }
    }
    let usual: Vec<_> = all.iter().filter(|one| one.claimed && one.elder.is_none() && one.operation.is_none()).cloned().collect();
    for behind in behinds() {
        all.extend(usual.iter().map(|one| Observed { behind: behind.clone(), ..one.clone() }));
    }
    all
}

/// What there can be behind a compute. The first of a kind is the one that is kept, so the usual come first.
fn behinds() -> Vec<Behind> {
    let spark = |state: &str, version: &str| SparkPool {
        state: state.to_owned(),
        progress: Progress::of(Some(state)),
        shown: PoolStatus {
            name: "yogisparkpool".into(),
            workspace_name: Some("yogi-synapse-ws".into()),
            spark_version: Some(version.to_owned()),
            ..PoolStatus::default()
        },
    };
    let unknown = || faults().into_iter().map(Finding::Unknown);
    let mut all: Vec<_> =
        [Finding::Absent, Finding::Present(spark("Succeeded", "3.5")), Finding::Present(spark("Succeeded", "3.3"))]
            .into_iter()
            .chain([Finding::Present(spark("Failed", "3.5")), Finding::Present(spark("Deleting", "3.5"))])
            .chain(unknown())
            .map(|pool| Behind { pool: Some(pool), ..Behind::default() })
            .collect();
    let link = LinkedService {
        name: "synapselink1".into(),
        resource_id: "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws".into(),
        principal: Some("11111111-0000-0000-0000-000000000000".into()),
    };
    let links = vec!["anotherlink".to_owned()];
    let mut roles = Vec::new();
    let one = Assignment {
        role: "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78".into(),
        principal: "00000000-0000-0000-0000-000000000000".into(),
        scope: "workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool".into(),
    };
    let former = Assignment { principal: "22222222-0000-0000-0000-000000000000".into(), ..one.clone() };
    let uid = "2b1d9f0e-6c1b-4f0a-8d57-3f7c0d9a5e21";
    let granted = |one: &Assignment| Granted {
        status: one.remembered(one.id(uid), Some(Time(at("2026-03-02T08:00:00Z"))), false),
        is_ours: true,
        ago: Some(Duration::from_hours(1)),
    };
    let forbidden = Some(Trouble { is_refused: true, lasts: Duration::ZERO });
    for granted in [vec![], vec![granted(&one)], vec![granted(&former)]] {
        for trouble in [None, forbidden] {
            for wanted in [
                vec![],
                vec![(Some(one.clone()), Finding::Absent)],
                vec![(Some(one.clone()), Finding::Present("another".to_owned()))],
                vec![(None, Finding::Absent)],
            ] {
                roles.push(Roles { granted: granted.clone(), wanted, trouble, ..Roles::default() });
            }
        }
    }
    all.extend(roles.into_iter().map(|roles| Behind { roles, ..Behind::default() }));
    all.push(Behind { link: Some(Finding::Absent), links, ..Behind::default() });
    all.push(Behind { link: Some(Finding::Present(link)), ..Behind::default() });
    all.extend(faults().into_iter().map(|fault| Behind { link: Some(Finding::Unknown(fault)), ..Behind::default() }));
    all
}

fn pass<'a>(goal: Option<&'a Goal>, observed: Option<&'a Observed>, plan: &'a Plan) -> Pass<'a> {
    let (generation, now) = (Some(GENERATION), at("2026-03-02T09:31:00Z"));
    Pass { goal, observed, plan, written: None, generation, requested: None, now }
}

/// The status of half an hour ago, when all was as asked, in this generation of the spec.
fn was_ready(generation: i64) -> AttachmentStatus {
    let goal = Goal::of(&object(Wish::Attached, &json!({})), CLUSTER).expect("a good spec");
    let all = observations(&AttachmentStatus::default());
    let settled = |observed: &Observed| decide(&goal, observed).reason == Reason::Attached;
    let observed = all.into_iter().find(settled).expect("it can be as asked");
    let plan = decide(&goal, &observed);
    let pass =
        Pass { generation: Some(generation), now: at("2026-03-02T09:00:00Z"), ..pass(Some(&goal), Some(&observed), &plan) };
    status(&AttachmentStatus::default(), &pass)
}

/// Drives one object over all observations.
fn drive(found: &mut Found, wish: Wish, object: &SynapseSparkAttachment, previous: &AttachmentStatus) {
    let mut keep = |pass: &Pass<'_>| {
        let next = status(previous, pass);
        let is_ready = next.conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True");
        let may_be = pass.plan.at_goal || previous.observed_generation == pass.generation;
        assert!(may_be || !is_ready, "Ready, because a former spec was: {:?} {next:?}", pass.plan);
        found.keep(wish, object, next, pass.plan.reason);
    };
    keep(&pass(None, None, &Plan::defective("index out of bounds", Duration::ZERO)));
    let goal = match Goal::of(object, CLUSTER) {
        Ok(goal) => goal,
        Err(invalid) => {
            keep(&pass(None, None, &Plan::refusing(&invalid)));
            return;
        }
    };
    let has_role = matches!(&goal, Goal::Attached(goal) if goal.role.is_some());
    let has_link = matches!(&goal, Goal::Attached(goal) if goal.link.is_some());
    for observed in observations(previous) {
        // Nobody follows a link, or asks for a role, that is not in the spec; and with a role in it, it is asked for.
        let behind = &observed.behind;
        if behind.link.is_some() != has_link
            || behind.roles.wanted.is_empty() == has_role && matches!(observed.compute, Finding::Present(_))
        {
            continue;
        }
        let mut goal = goal.clone();
        if let (Goal::Attached(goal), Some(Finding::Present(link))) = (&mut goal, &behind.link) {
            goal.pool = PoolId::within(&link.resource_id, "yogisparkpool").ok();
        }
        // A deleted object without our finalizer is others' to bury.
        if !observed.claimed && wish == Wish::Deleted {
            continue;
        }
        for plan in reported(&decide(&goal, &observed), &observed) {
            let pass = pass(Some(&goal), Some(&observed), &plan);
            let written = written(&goal, &plan, &observed, pass.now);
            keep(&Pass { written: written.as_ref(), ..pass });
        }
    }
}

/// All that comes out of all objects.
static FOUND: LazyLock<Found> = LazyLock::new(|| {
    let mut found = Found::default();
    let specs = [
        json!({}),
        json!({"adoptionPolicy": "Never"}),
        json!({"replacePolicy": "Recreate"}),
        json!({"deletionPolicy": "Retain"}),
        json!({"tags": {"team": "data", "Team": "sales"}}),
        json!({"synapseRole": {"name": "Synapse Administrator"}}),
        json!({"resourceId": null, "linkedService": {"name": "synapselink1", "poolName": "yogisparkpool"}}),
    ];
    let halted = json!({"suspend": true});
    for wish in [Wish::Attached, Wish::Suspended, Wish::Deleted] {
        for spec in specs.iter().chain((wish == Wish::Deleted).then_some(&halted)) {
            drive(&mut found, wish, &object(wish, spec), &AttachmentStatus::default());
            drive(&mut found, wish, &object(wish, spec), &was_ready(GENERATION - 1));
            // A deletion is a generation of its own, in which nothing was Ready yet.
            if wish != Wish::Deleted {
                drive(&mut found, wish, &object(wish, spec), &was_ready(GENERATION));
            }
        }
    }
    found
});

#[test]
fn every_reason_comes_with_the_conditions_that_the_catalogue_says() {
    let wishes = [Wish::Attached, Wish::Suspended, Wish::Deleted];
    let mut said = BTreeSet::new();
    for (reason, attached, suspended, deleted) in CATALOGUE {
        for (wish, shown) in wishes.into_iter().zip([attached, suspended, deleted]) {
            said.extend(shown.iter().map(|shown| (reason, wish, *shown)));
        }
    }
    let found: BTreeSet<_> = FOUND.states.keys().copied().collect();
    let missing: Vec<_> = Reason::ALL.into_iter().filter(|reason| CATALOGUE.iter().all(|(one, ..)| one != reason)).collect();
    assert!(missing.is_empty(), "reasons that the catalogue does not have: {missing:?}");
    let (new, gone): (Vec<_>, Vec<_>) = (found.difference(&said).collect(), said.difference(&found).collect());
    assert!(new.is_empty() && gone.is_empty(), "written, and not in the catalogue: {new:?}\nnever written: {gone:?}");
}

#[test]
fn the_conditions_beside_say_what_the_catalogue_says() {
    let said: BTreeSet<_> = [("RoleGranted", &ROLE_GRANTED[..]), ("PoolAvailable", &POOL_AVAILABLE[..])]
        .into_iter()
        .flat_map(|(kind, all)| {
            all.iter().map(move |(status, reason)| (kind.to_owned(), (*status).to_owned(), reason.to_string()))
        })
        .collect();
    let (new, gone): (Vec<_>, Vec<_>) = (FOUND.beside.difference(&said).collect(), said.difference(&FOUND.beside).collect());
    assert!(new.is_empty() && gone.is_empty(), "written, and not in the catalogue: {new:?}\nnever written: {gone:?}");
}

#[test]
fn the_committed_statuses_are_the_generated_ones() {
    let all: Vec<_> = FOUND
        .states
        .iter()
        .map(|((reason, wish, shown), object)| {
            let (argocd, kstatus) = verdict(*wish, *shown);
            let wish = match wish {
                Wish::Attached => "",
                Wish::Suspended => " while suspended",
                Wish::Deleted => " while being deleted",
            };
            let case = format!("{reason}{wish}: {shown:?}");
            json!({"case": case, "argocd": argocd, "kstatus": kstatus, "object": object})
        })
        .collect();
    committed("tests/fixtures/statuses.yaml", &serde_saphyr::to_string(&all).expect("objects are YAML"));
}

/// Where Argo CD's own repository wants what belongs to the kind.
const ARGO_CD: &str = "deploy/argocd/resource_customizations/synapse-spark.dev/SynapseSparkAttachment";

/// An object as Argo CD reads it, its name as a file, and the health that it is to have.
type Case = (&'static str, Value, Value);

/// One object for each way through `health.lua`.
fn ways() -> Vec<Case> {
    let json = |state: &State| serde_json::to_value(&FOUND.states[state]).expect("an object is JSON");
    let said = |object: &Value| {
        let ready = &object["status"]["conditions"][0];
        format!("{}: {}", ready["reason"].as_str().expect("a word"), ready["message"].as_str().expect("a text"))
    };
    #[rustfmt::skip]
    let written = [
        ("healthy",                       (Reason::Attached,         Wish::Attached,  Ready)),
        ("healthy_while_azure_is_silent", (Reason::AzureUnavailable, Wish::Attached,  Ready)),
        ("progressing",                   (Reason::Attaching,        Wish::Attached,  Reconciling)),
        ("degraded",                      (Reason::AttachFailed,     Wish::Attached,  Stalled)),
        ("degraded_while_suspended",      (Reason::OwnedByAnother,   Wish::Suspended, Stalled)),
        ("suspended",                     (Reason::Suspended,        Wish::Suspended, Ready)),
        ("suspended_not_as_asked",        (Reason::Suspended,        Wish::Suspended, Nothing)),
        ("deleted",                       (Reason::Detaching,        Wish::Deleted,   Reconciling)),
    ];
    let mut ways: Vec<Case> = written
        .iter()
        .map(|(name, state)| {
            let (object, (health, _)) = (json(state), verdict(state.1, state.2));
            let message = if state.1 == Wish::Deleted { "deletionMessage" } else { "message" };
            let health = json!({"status": health, message: said(&object)});
            (*name, object, health)
        })
        .collect();
    // What the operator has not seen yet, an object as the API server shows it at first, and two with a former status.
    let (mut fresh, attached) = (object(Wish::Attached, &json!({})), json(&written[0].1));
    fresh.metadata.generation = Some(1);
    fresh.metadata.finalizers = None;
    let mut fresh = serde_json::to_value(&fresh).expect("an object is JSON");
    let schema = serde_json::to_value(definition()).expect("a definition is JSON");
    let schema = &schema["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    fresh["status"] = schema["properties"]["status"].get("default").cloned().unwrap_or_else(|| json!({}));
    let mut changed = attached.clone();
    changed["metadata"]["generation"] = (GENERATION + 1).into();
    let mut deleted = changed.clone();
    deleted["metadata"]["deletionTimestamp"] = "2026-03-02T09:30:00Z".into();
    let waits = |message: &str, text: &str| json!({"status": "Progressing", message: text});
    ways.extend([
        ("progressing_new", fresh, waits("message", "waits for the operator to look at generation 1")),
        ("progressing_changed", changed, waits("message", "waits for the operator to look at generation 4")),
        ("deleted_just_now", deleted, waits("deletionMessage", "waits for the operator to detach the compute")),
    ]);
    ways
}

#[test]
fn the_committed_cases_of_argo_cd_are_the_generated_ones() {
    let ways = ways();
    for (name, object, _) in &ways {
        let text = serde_saphyr::to_string(object).expect("an object is YAML");
        committed(&format!("{ARGO_CD}/testdata/{name}.yaml"), &text);
    }
    // What the actions make of it.
    let (_, attached, _) = &ways[0];
    let (mut reconciled, mut suspended) = (attached.clone(), attached.clone());
    reconciled["metadata"]["annotations"] = json!({RECONCILE_REQUESTED_AT: "2026-03-02T09:32:00Z"});
    suspended["spec"]["suspend"] = true.into();
    for (name, object) in [("attached", attached), ("reconciled", &reconciled), ("suspended", &suspended)] {
        let text = serde_saphyr::to_string(object).expect("an object is YAML");
        committed(&format!("{ARGO_CD}/actions/testdata/{name}.yaml"), &text);
    }
    let tests: Vec<_> = ways
        .iter()
        .map(|(name, _, health)| json!({"healthStatus": health, "inputPath": format!("testdata/{name}.yaml")}))
        .collect();
    let text = serde_saphyr::to_string(&json!({"tests": tests})).expect("tests are YAML");
    committed(&format!("{ARGO_CD}/health_test.yaml"), &text);
}

/// The customization of the kind, for a whole Argo CD: the same scripts, with the key that `argocd-cm` wants.
#[test]
fn the_committed_settings_of_argo_cd_are_the_generated_ones() {
    let script = |path: &str, by: usize| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(ARGO_CD).join(path);
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let indent = " ".repeat(by);
        text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") }).collect::<String>()
    };
    let action =
        |name: &str| format!("    - name: {name}\n      action.lua: |\n{}", script(&format!("actions/{name}/action.lua"), 8));
    let settings = format!(
        "# A patch of the ConfigMap that is there: docs/gitops-argocd.md.
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
data:
  resource.customizations.health.synapse-spark.dev_SynapseSparkAttachment: |
{}  resource.customizations.actions.synapse-spark.dev_SynapseSparkAttachment: |
    discovery.lua: |
{}    definitions:
{}{}{}",
        script("health.lua", 4),
        script("actions/discovery.lua", 6),
        action("reconcile"),
        action("suspend"),
        action("resume"),
    );
    committed("deploy/argocd/argocd-cm.yaml", &settings);
}

/// A file is as generated; with `UPDATE` in the environment it is written.
fn committed(path: &str, generated: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(&file, generated).expect("the file can be written");
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(there == generated, "{path} is behind the code: run `make generate`");
}
