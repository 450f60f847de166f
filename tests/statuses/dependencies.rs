//! Everything that an attachment can depend on: pools, linked services, role assignments.

use std::time::Duration;

use synapse_spark_operator::api::v1alpha1::{FailedStep, PoolStatus, RolePhase};
use synapse_spark_operator::planner::roles::observed::{Recorded, Roles};
use synapse_spark_operator::planner::{
    Dependencies, FailureHistory, Finding, LinkedService, Progress, RoleAssignment, SparkPool,
};

use crate::builders;
use crate::computes::PRINCIPAL;
use crate::faults::faults;
use crate::specs::{owner, synapse};

fn spark(state: &str, version: &str) -> Finding<SparkPool> {
    Finding::Present(SparkPool {
        state: state.to_owned(),
        progress: Progress::of(Some(state)),
        details: PoolStatus {
            name: "yogisparkpool".into(),
            workspace_name: Some("yogi-synapse-ws".into()),
            spark_version: Some(version.to_owned()),
            ..PoolStatus::default()
        },
    })
}

/// Every pool, then every linked service.
pub fn dependencies() -> Vec<Dependencies> {
    let usable = ["4.0", "3.5", "3.3"].map(|version| spark("Succeeded", version));
    let pools = [Finding::Absent].into_iter().chain(usable).chain(["Failed", "Deleting"].map(|state| spark(state, "3.5")));
    let pools = pools.chain(faults().into_iter().map(Finding::Unknown));
    let mut all: Vec<_> = pools.map(|pool| Dependencies { pool: Some(pool), ..Dependencies::default() }).collect();
    let link = |resource_id: String| {
        let principal = Some("11111111-0000-0000-0000-000000000000".into());
        Finding::Present(LinkedService { name: "synapselink1".into(), resource_id, principal })
    };
    let others = vec!["anotherlink".to_owned()];
    all.push(Dependencies { link: Some(Finding::Absent), other_links: others, pool: None });
    let storage = synapse().replace("Synapse/workspaces", "Storage/storageAccounts");
    let links = [link(synapse()), link(storage)].into_iter().chain(faults().into_iter().map(Finding::Unknown));
    all.extend(links.map(|link| Dependencies { link: Some(link), ..Dependencies::default() }));
    all
}

/// The role that the usual principal needs.
fn wanted() -> RoleAssignment {
    RoleAssignment {
        role: "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78".into(),
        scope: "workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool".into(),
        ..builders::role(PRINCIPAL)
    }
}

fn recorded(one: &RoleAssignment, phase: RolePhase) -> Recorded {
    let usual = builders::recorded(one, phase, Some(Duration::from_hours(1)));
    let is_confirmed = matches!(phase, RolePhase::Assigned | RolePhase::PreExisting);
    let mut status = usual.status;
    status.assignment_id = one.id(&owner().uid);
    status.assigned_at = status.assigned_at.filter(|_| is_confirmed);
    Recorded { status, is_ours: true, confirmed_ago: usual.confirmed_ago.filter(|_| is_confirmed) }
}

/// No failure, a refusal of seconds ago, and failures that have lasted too long to go on.
fn failures() -> [Option<FailureHistory>; 3] {
    let refused = builders::failure(FailedStep::AssignRole, Duration::from_secs(5), Duration::from_secs(5));
    let long = builders::failure(FailedStep::RevokeRole, Duration::from_mins(15), Duration::from_mins(5));
    [None, Some(refused), Some(long)]
}

/// Every combination of recorded and wanted role assignments, answers of Synapse, and failures.
pub fn roles() -> Vec<Roles> {
    let (one, former) = (wanted(), RoleAssignment { principal: "22222222-0000-0000-0000-000000000000".into(), ..wanted() });
    let phases = [RolePhase::Assigned, RolePhase::Pending, RolePhase::PreExisting, RolePhase::Denied];
    let records = [&one, &former].into_iter().flat_map(|one| phases.map(|phase| vec![recorded(one, phase)]));
    let wishes = [Finding::Absent, Finding::Present("another".to_owned())].into_iter();
    let answered = wishes.chain(faults().into_iter().map(Finding::Unknown)).map(|finding| vec![(Some(one.clone()), finding)]);
    let wishes: Vec<_> = [vec![], vec![(None, Finding::Absent)]].into_iter().chain(answered).collect();
    let mut all = Vec::new();
    for recorded in std::iter::once(vec![]).chain(records) {
        for failure in failures() {
            let roles =
                |wanted: &Vec<_>| Roles { recorded: recorded.clone(), wanted: wanted.clone(), failure, ..Roles::default() };
            all.extend(wishes.iter().map(roles));
        }
    }
    all
}
