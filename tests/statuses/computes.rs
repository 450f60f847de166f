//! Everything that Azure can show of the compute and of the operator's last write.

use std::time::Duration;

use synapse_spark_operator::api::v1alpha1::{OperationKind, PoolStatus, ProvisioningError};
use synapse_spark_operator::planner::backoff::STUCK_AFTER;
use synapse_spark_operator::planner::compute::Details;
use synapse_spark_operator::planner::owner::TRANSFERRED;
use synapse_spark_operator::planner::{
    Compute, Finding, OWNER_TAG, ObservedIdentity, Operation, Outcome, Ownership, PoolReading, Progress,
};

use crate::builders;
use crate::faults::{error, faults};
use crate::specs::{CLUSTER, owner, pool, recipient};

/// The object ID of the compute's identity.
pub const PRINCIPAL: &str = "00000000-0000-0000-0000-000000000000";

/// The compute of the object, in sync with the usual spec but for its progress.
pub fn ours(progress: Progress) -> Compute {
    let failed = ProvisioningError { code: "UserError".into(), message: "The Spark pool was not found.".into() };
    let usual = builders::compute(progress);
    Compute {
        pool: PoolReading::Pool(pool("yogisparkpool")),
        identity: identity(true),
        tags: [("team".to_owned(), "data".to_owned()), (OWNER_TAG.to_owned(), owner().to_string())].into(),
        details: Details {
            state: if progress == Progress::Working { "Creating".to_owned() } else { format!("{progress:?}") },
            errors: (progress == Progress::Failed).then_some(failed).into_iter().collect(),
            pool: PoolStatus { name: "yogisparkpool".into(), ..PoolStatus::default() },
            ..usual.details
        },
        ..usual
    }
}

fn identity(system: bool) -> ObservedIdentity {
    ObservedIdentity {
        kind: if system { "SystemAssigned" } else { "None" }.to_owned(),
        system,
        principal_id: system.then(|| PRINCIPAL.to_owned()),
        ..ObservedIdentity::default()
    }
}

fn owners() -> [(Ownership, Option<String>); 3] {
    let another = "another-cluster/team-b/pool/uid".to_owned();
    [
        (Ownership::Ours, Some(owner().to_string())),
        (Ownership::Unowned, None),
        (Ownership::Another(another.clone()), Some(another)),
    ]
}

fn owned_by((ownership, tag): (Ownership, Option<String>), compute: Compute) -> Compute {
    let mut tags = compute.tags;
    tags.remove(OWNER_TAG);
    tags.extend(tag.map(|tag| (OWNER_TAG.to_owned(), tag)));
    Compute { owner: ownership, tags, ..compute }
}

/// All that Azure can show of the compute, usual findings first: the first of a state is the one that is kept.
pub fn findings() -> Vec<Finding<Compute>> {
    let mut all = vec![Finding::Absent];
    let pools = [
        PoolReading::Pool(pool("yogisparkpool")),
        PoolReading::Pool(pool("otherpool")),
        PoolReading::Unreadable("https://yogi-synapse-ws.dev.azuresynapse.net".into()),
    ];
    for pool in &pools {
        for owner in owners() {
            // Another identity is drift, which matters where the pool is the right one.
            let identities = if *pool == pools[0] { &[true, false][..] } else { &[true] };
            for system in identities {
                for progress in [Progress::Succeeded, Progress::Working, Progress::Failed, Progress::Deleting] {
                    let compute = Compute { pool: pool.clone(), identity: identity(*system), ..ours(progress) };
                    all.push(Finding::Present(owned_by(owner.clone(), compute)));
                }
            }
        }
    }
    all.extend(unusual().into_iter().map(Finding::Present));
    all.extend(faults().into_iter().map(Finding::Unknown));
    all
}

/// Computes that are handed over, to another object and to this one; of another type, without a type, with an identity that cannot be parsed, and one that has just been created and
/// does not show its owner tag yet.
fn unusual() -> Vec<Compute> {
    let usual = || ours(Progress::Succeeded);
    let kinds = ["AmlCompute", ""].into_iter().flat_map(|kind| owners().map(|owner| (kind, owner)));
    let typed = kinds.map(|(kind, owner)| owned_by(owner, Compute { kind: kind.to_owned(), ..usual() }));
    let unreadable = ObservedIdentity { unreadable: vec!["not-an-id".to_owned()], ..identity(true) };
    let details = Details { created_on: Some(builders::now().to_string()), ..usual().details };
    let created_now = owned_by((Ownership::Unowned, None), Compute { details, ..usual() });
    let to = recipient().tag();
    let handed_over = owned_by((Ownership::Another(to.clone()), Some(to)), usual());
    let received = owned_by((Ownership::Transferred, Some(format!("{CLUSTER}/team-a/my-spark-pool/{TRANSFERRED}"))), usual());
    typed.chain([handed_over, received]).chain([Compute { identity: unreadable, ..usual() }, created_now]).collect()
}

/// The operator's last write: none, unheard for seconds or for longer, or accepted, with each outcome.
pub fn operations() -> Vec<Option<Operation>> {
    let (seconds, minute) = (Duration::from_secs(2), Duration::from_mins(1));
    let mut all = vec![None];
    for kind in [OperationKind::Attach, OperationKind::Update, OperationKind::Detach, OperationKind::Transfer] {
        all.extend([seconds, minute].map(|age| Some(builders::unheard(kind, age))));
        let failed = Outcome::Failed(error("InternalServerError", "The operation failed."));
        for outcome in [builders::running(), failed, Outcome::Ended, Outcome::Unknown, Outcome::Unreadable] {
            all.push(Some(builders::accepted(kind, minute, outcome)));
        }
        all.push(Some(builders::ended(kind, seconds)));
        all.push(Some(builders::accepted(kind, STUCK_AFTER, builders::running())));
    }
    all
}
