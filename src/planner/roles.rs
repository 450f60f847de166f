//! Role assignments in a Synapse workspace: a planner with the same structure as the compute's.
//!
//! Synapse's roles are its own, not Azure's. They are assigned on the data
//! plane of the workspace, to a principal, on a scope. The compute's planner
//! only uses the result of this planner.

pub mod decide;
pub mod goal;
pub mod observed;
pub mod status;
