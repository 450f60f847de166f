//! What the checks rest on, as far as Azure shows it.

use jiff::civil::Date;

use crate::planner::identity::{Identity, ObservedIdentity};
use crate::planner::jobs::outcome::Outcome;
use crate::planner::jobs::read::Read;
use crate::planner::jobs::rights::Role;
use crate::resource_id::{ComputeId, IdentityId, PoolId, StorageAccountId, SynapseWorkspaceId};

/// What is known of an attachment, of its dependencies and of the storage that its jobs use.
// Many fields: one per answer of Azure.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The compute.
    pub compute: ComputeId,
    /// The pool; a linked service may be unreadable.
    pub pool: Read<PoolId>,
    /// The pool's version of Spark; `None` if the pool does not exist, or Azure shows none.
    pub spark_version: Read<Option<String>>,
    /// The date, in UTC.
    pub today: Date,
    /// The compute as Azure shows it, if it exists.
    pub attached: Read<Option<AttachedCompute>>,
    /// The identity in the spec.
    pub identity: Identity,
    /// The principal that the first user-assigned identity of the spec has now; `None` if the identity does not exist.
    pub user_identity: Read<Option<String>>,
    /// The roles of Synapse that are assigned to the principal itself, and to any group.
    pub synapse_roles: Read<Vec<SynapseRole>>,
    /// The Synapse workspace.
    pub synapse: Read<SynapseWorkspace>,
    /// The first and the last address of each rule of the Synapse workspace's firewall.
    pub firewall: Read<Vec<(String, String)>>,
    /// The managed private endpoints of the Synapse workspace.
    pub endpoints: Read<Vec<Endpoint>>,
    /// The storage account of the default datastore of the Machine Learning workspace; `None` if it is in none.
    pub datastore: Read<Option<Account>>,
    /// The storage account of the primary storage of the Synapse workspace.
    pub primary: Read<Option<Account>>,
}

/// A compute that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct AttachedCompute {
    /// Its provisioning state.
    pub state: String,
    /// Its identities.
    pub identity: ObservedIdentity,
}

/// A role of Synapse, assigned to the principal or to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SynapseRole {
    /// The role's GUID.
    pub id: String,
    /// `workspaces/{workspace}`, or an item of it.
    pub scope: String,
    /// The object ID of the group that it is assigned to, whose members are not known; none if it is the principal's own.
    pub group: Option<String>,
}

/// A Synapse workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SynapseWorkspace {
    /// Its ID.
    pub id: SynapseWorkspaceId,
    /// Whether it has a managed virtual network.
    pub has_managed_network: bool,
    /// Whether data exfiltration protection is on.
    pub prevents_exfiltration: bool,
    /// Whether it accepts connections from public networks.
    pub is_public: bool,
}

/// A managed private endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// The resource that it leads to, as Azure spells it.
    pub target: String,
    /// `blob`, `dfs`, …
    pub group: String,
    /// `Approved`, `Pending`, …
    pub status: String,
}

/// A storage account.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its ID.
    pub id: StorageAccountId,
    /// Its network; `None` if the account does not exist.
    pub network: Read<Option<AccountNetwork>>,
    /// The roles of Azure that are assigned to the principal, or to a group that it is a member of, at the account or above.
    pub roles: Read<Vec<Assignment>>,
}

/// The network of a storage account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountNetwork {
    /// Whether it accepts connections from all public networks.
    pub is_open: bool,
    /// Whether it has a hierarchical namespace.
    pub is_hierarchical: bool,
}

/// A role of Azure, assigned to the principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The role.
    pub role: Read<Role>,
    /// The scope that it is assigned on.
    pub scope: String,
    /// Whether it is granted under a condition.
    pub is_conditional: bool,
}

impl Facts {
    /// The principal as which jobs run, or why there is none.
    ///
    /// # Errors
    ///
    /// The outcome of each check that needs the principal.
    pub fn principal(&self) -> Result<&str, Outcome> {
        if self.identity == Identity::default() {
            return Err(Outcome::not_applicable("jobs run as the user who submits them"));
        }
        let shown = self.attached.as_ref().map_err(Outcome::from)?.as_ref().map(|compute| &compute.identity);
        let principal = match self.job_identity() {
            Some(id) => {
                let of_compute = shown.and_then(|shown| shown.user.iter().find(|one| one.id == *id)?.principal_id.as_deref());
                of_compute.or_else(|| self.user_identity.as_ref().ok()?.as_deref())
            }
            None => shown.and_then(|shown| shown.principal_id.as_deref()),
        };
        principal.ok_or_else(|| Outcome::not_applicable("Azure shows no principal of the compute's identity"))
    }

    /// The user-assigned identity as which jobs run; none if they run as the system-assigned one.
    #[must_use]
    pub fn job_identity(&self) -> Option<&IdentityId> {
        self.identity.job_identity()
    }
}
