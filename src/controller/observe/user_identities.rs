//! Whether the user-assigned identities of a compute are still those that it was attached with.
//!
//! An identity that is deleted and created again under its name has another principal. The compute keeps the former one, which
//! no longer exists, until it is written again.

use std::time::Duration;

use crate::azure::{self, Freshness};
use crate::planner::backoff::{FRESH_ENOUGH, USER_IDENTITY_TTL};
use crate::planner::{Compute, Finding, Goal, Ownership, Progress};
use crate::resource_id::IdentityId;

/// The longest wait for the identities of one compute. Nothing else depends on them, so a resource provider that does not answer
/// delays no attach.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads the principal of each identity that the spec names and the compute shows: rarely, and once for all attachments. What may
/// not be read, or is not there, stays unknown.
pub(super) async fn read(azure: &azure::Client, goal: &Goal, compute: &mut Finding<Compute>, freshness: Freshness) {
    let (Goal::Attached(goal), Finding::Present(compute)) = (goal, compute) else { return };
    if compute.progress != Progress::Succeeded || compute.owner != Ownership::Ours {
        return;
    }
    let freshness = match freshness {
        Freshness::Within(_) => Freshness::Within(USER_IDENTITY_TTL),
        Freshness::Now | Freshness::NowOnNewConnection => freshness,
    };
    let all = async {
        for shown in compute.identity.user.iter_mut().filter(|one| goal.identity.user.contains(&one.id)) {
            shown.own_principal_id = principal(azure, &shown.id, freshness).await;
            // The compute may have been written since, and then it is the earlier answer that is out of date.
            let recent = freshness.at_most(FRESH_ENOUGH);
            if shown.rotated().is_some() && recent != freshness {
                shown.own_principal_id = principal(azure, &shown.id, recent).await;
            }
        }
    };
    // What was not read in time stays unknown.
    let _ = tokio::time::timeout(PATIENCE, all).await;
}

async fn principal(azure: &azure::Client, id: &IdentityId, freshness: Freshness) -> Option<String> {
    azure.user_identity(id, freshness).await.ok().flatten()?.properties.principal_id
}
