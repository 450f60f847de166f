//! Azure's resource IDs: parse them, compare them, print them.
//!
//! Azure compares IDs without regard to case, and returns them in
//! another case than they were sent (`/resourcegroups/`). Equality, order
//! and hash therefore fold the case, and the text is kept unchanged.
//! Source: `Azure/azure-rest-api-specs#8323`.
//!
//! The name of a resource group may have letters and digits of any script
//! (<https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules>).

mod compute;
mod folded;
mod identity;
mod parse;
mod pool;
mod storage_account;
mod synapse_workspace;
mod workspace;

pub use compute::ComputeId;
pub use identity::IdentityId;
pub use parse::NotAnId;
pub use pool::PoolId;
pub use storage_account::StorageAccountId;
pub use synapse_workspace::SynapseWorkspaceId;
pub use workspace::WorkspaceId;

#[cfg(test)]
mod tests;
