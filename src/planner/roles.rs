//! Role assignments in a Synapse workspace: a planner of the same shape as the compute's.
//!
//! Synapse's roles are its own, not Azure's. They are assigned on the data
//! plane of the workspace, to a principal, on a scope. The compute's path knows
//! only the result of this planner.

pub mod decide;
pub mod goal;
pub mod observed;
pub mod status;
