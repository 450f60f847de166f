//! The JSON of Azure Resource Manager and of the data plane of Synapse, as sent and received.
//!
//! Reading is lenient: what the service may leave out is optional, unknown
//! fields are ignored, and unknown states, types of compute and spellings
//! stay as the text they are. Sources: the `Microsoft.MachineLearningServices`
//! specification (2025-12-01 and before), and real recordings (`tests/fixtures`).

mod activity_log;
mod authorization;
mod code;
mod compute;
mod error;
mod identity;
mod job;
mod linked_service;
mod null;
mod page;
mod pool;
mod put;
mod role_assignment;
mod spark_job;
mod storage;
mod synapse;

pub use activity_log::ActivityEntry;
pub use authorization::{AzureRoleAssignment, RoleDefinition, RolePermission};
pub use code::{PendingUpload, UploadPlace};
pub use compute::{Compute, ListedCompute, Properties, SystemData, Workspace};
pub use error::{ErrorText, error_of, errors_of, is_page, shown, without_error};
pub use identity::{Identity, UserIdentity, UserIdentityProperties};
pub use job::Job;
pub use linked_service::{LinkedService, LinkedServiceProperties};
pub use page::Page;
pub use pool::{AutoPause, AutoScale, Pool, SparkPool, SparkPoolProperties};
pub use put::{Put, PutIdentity};
pub use role_assignment::{RoleAssignment, RoleAssignmentRequest, RoleAssignments};
pub use spark_job::{Discovery, RunDetails, SparkJob, SubmittedJob};
pub use storage::{Datastore, StorageAccount, storage_error};
pub use synapse::{FirewallRule, ManagedPrivateEndpoint, SynapseWorkspace};
