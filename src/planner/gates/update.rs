//! Gate: the PUT over an existing compute, unless Azure would certainly reject it.

use crate::planner::cause::Cause;
use crate::planner::compute::Compute;
use crate::planner::compute_spec::ComputeSpec;
use crate::planner::decision::{Decision, Step};
use crate::planner::goal::Attached;
use crate::planner::observed::Observed;
use crate::resource_id::PoolId;

/// The maximum number of tags of a resource in Azure
/// (<https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations>).
const MAX_TAGS: usize = 50;

/// Updates or adopts the compute, for this cause.
pub fn update(goal: &Attached, pool: &PoolId, (compute, seen): (&Compute, &Observed), cause: Cause) -> Decision {
    let spec = ComputeSpec::update(goal, pool, compute, seen.applied.as_ref());
    match too_many_tags(goal, &spec) {
        Some(cause) => Decision::blocked(cause),
        None => Decision::write(Step::Put(spec), cause),
    }
}

/// Together with the tags of others, the compute would have too many tags.
fn too_many_tags(goal: &Attached, spec: &ComputeSpec) -> Option<Cause> {
    let (all, ours) = (spec.tags.len(), goal.tags.len());
    (all > MAX_TAGS).then(|| {
        let others = all.saturating_sub(ours + 1);
        Cause::InvalidSpec(format!(
            "spec.tags: {ours} tags, the owner tag of the operator, and {others} tags that others set on the compute are {all}; \
             Azure allows {MAX_TAGS}"
        ))
    })
}
