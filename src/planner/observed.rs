//! What there is: everything that a decision rests on, as plain values.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::api::v1alpha1::{Applied, OperationKind, PoolStatus, ProvisioningError};
use crate::planner::goal::Ownership;
use crate::planner::role::Roles;
use crate::resource_id::{IdentityId, PoolId};

/// What a look at one object and its compute found.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Whether our finalizer is on the object.
    pub claimed: bool,
    /// The older object that asks for the same compute, as `namespace/name`.
    pub elder: Option<String>,
    /// The compute.
    pub compute: Finding<Compute>,
    /// The write that we last asked Azure for, while it is not known to have come right.
    pub operation: Option<Operation>,
    /// What we last put there.
    pub applied: Option<Applied>,
    /// The user asks anew: another generation, or another value of the reconcile annotation.
    pub asked: bool,
    /// An earlier write that Azure took and failed, already reported.
    pub trouble: Option<Trouble>,
    /// For how long it has failed without a success in between; zero if it does not.
    pub failing_for: Duration,
    /// For how long it has been on its way; zero if it is not.
    pub waiting_for: Duration,
    /// What is behind the compute.
    pub behind: Behind,
}

/// What is behind an attachment: a link, a pool, roles.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Behind {
    /// The linked service, where the spec goes through one.
    pub link: Option<Finding<LinkedService>>,
    /// The linked services that there are, where the one that is wanted is not.
    pub links: Vec<String>,
    /// The pool; none where nobody looked.
    pub pool: Option<Finding<SparkPool>>,
    /// Who holds which role in the Synapse workspace.
    pub roles: Roles,
}

/// A linked service of the Machine Learning workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedService {
    /// Its name.
    pub name: String,
    /// The resource ID of the Synapse workspace.
    pub resource_id: String,
    /// The object ID of its own identity.
    pub principal: Option<String>,
}

/// A Spark pool, as Synapse shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct SparkPool {
    /// Azure's word for its state.
    pub state: String,
    /// What Azure is at with it.
    pub progress: Progress,
    /// Size, version and so on.
    pub shown: PoolStatus,
}

/// The answer to "how is it?".
#[derive(Debug, Clone, PartialEq)]
pub enum Finding<T> {
    /// It is there, and so.
    Present(T),
    /// It is not there: asked of the thing itself, not inferred.
    Absent,
    /// There was no answer that tells.
    Unknown(Fault),
}

/// Why there was no answer, or why a write was not taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What can be done about it.
    pub kind: FaultKind,
    /// Azure's words, or the transport's.
    pub words: Words,
}

/// What can be done about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// No answer, a 5xx, or a conflict with another command: try again.
    Passing,
    /// 429: try again after the pause.
    Throttled(Duration),
    /// 401 or 403: rights are missing.
    Unauthorized,
    /// Entra gives no token.
    NoCredential,
    /// The workspace or its resource group is not there.
    NoWorkspace,
    /// The subscription is not there, or not for this tenant: no proof that anything is gone.
    NoSubscription,
    /// Another 4xx: only another spec will help.
    Refused,
}

impl FaultKind {
    /// Whether it is certain that nothing was done.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        match self {
            // A gateway may say so of what was done behind it.
            Self::Passing | Self::Throttled(_) => false,
            Self::Unauthorized | Self::NoCredential | Self::NoWorkspace | Self::NoSubscription | Self::Refused => true,
        }
    }
}

/// Azure's code and words for an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// The code, as `AuthorizationFailed`; empty if there was none.
    pub code: String,
    /// The message.
    pub message: String,
    /// `x-ms-correlation-request-id`: what Azure's support asks for.
    pub correlation: Option<String>,
}

/// A compute, as Azure shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Compute {
    /// Azure's word for its type: `SynapseSpark`, `AmlCompute`, …
    pub kind: String,
    /// The pool behind it.
    pub pool: Option<PoolId>,
    /// What Azure is at.
    pub progress: Progress,
    /// Azure's own word for that.
    pub state: String,
    /// Whose it is.
    pub owner: Ownership,
    /// Its managed identity.
    pub identity: ShownIdentity,
    /// Its description.
    pub description: Option<String>,
    /// Its tags, the owner tag among them.
    pub tags: BTreeMap<String, String>,
    /// Why it failed.
    pub errors: Vec<ProvisioningError>,
    /// Its region.
    pub location: Option<String>,
    /// When it was made, in Azure's words: tells one compute from a later one of the same name.
    pub created_on: Option<String>,
    /// When it was changed, in Azure's words.
    pub modified_on: Option<String>,
    /// What Azure ML says of the pool.
    pub shown_pool: PoolStatus,
}

impl Compute {
    /// Whether it is an attached Synapse Spark pool at all.
    #[must_use]
    pub fn is_spark(&self) -> bool {
        self.kind.eq_ignore_ascii_case("SynapseSpark")
    }
}

/// A managed identity, as Azure shows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ShownIdentity {
    /// Azure's word for its kind, as Azure spells it; `None` where there is none.
    pub kind: String,
    /// Whether the compute has an identity of its own.
    pub system: bool,
    /// That identity's object ID in Entra.
    pub principal_id: Option<String>,
    /// That identity's tenant.
    pub tenant_id: Option<String>,
    /// The user-assigned identities, in Azure's order, with principal and client ID.
    pub user: Vec<(IdentityId, Option<String>, Option<String>)>,
}

/// What Azure is at with a compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It creates or updates it, or does what we have no word for.
    Working,
    /// It is done.
    Succeeded,
    /// It gave up; the compute stays behind.
    Failed,
    /// It detaches it.
    Deleting,
}

impl Progress {
    /// Reads Azure's `provisioningState`.
    ///
    /// A state that we have never seen is work in progress: waiting does no
    /// harm. An absent one is done
    /// (<https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations>).
    #[must_use]
    pub fn of(state: Option<&str>) -> Self {
        match state.map(str::to_ascii_lowercase).as_deref() {
            None | Some("succeeded") => Self::Succeeded,
            Some("failed" | "canceled") => Self::Failed,
            Some("deleting") => Self::Deleting,
            Some(_) => Self::Working,
        }
    }
}

/// A write that Azure was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What it does.
    pub kind: OperationKind,
    /// For how long it has been going on.
    pub running_for: Duration,
    /// What came of it, where somebody asked.
    pub outcome: Outcome,
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nobody knows: not asked, or no answer. A failed poll is not a failed operation.
    Unknown,
    /// It is still going on.
    Running,
    /// It has ended, well or forgotten (a poll after the end may get 404).
    Ended,
    /// It has failed.
    Failed(Words),
}

/// A failure of a write that Azure had taken, as the status remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// How long it had failed when this failure was seen.
    pub before: Duration,
    /// How long ago it was seen.
    pub ago: Duration,
}
