//! A compute, as Azure shows it.

use std::collections::BTreeMap;

use crate::api::v1alpha1::{PoolStatus, ProvisioningError};
use crate::planner::identity::ObservedIdentity;
use crate::planner::owner::Ownership;
use crate::resource_id::PoolId;
use crate::unmanaged::Unmanaged;

/// A compute, as Azure shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Compute {
    /// Azure's name of its type: `SynapseSpark`, `AmlCompute`, …; empty if Azure names none.
    pub kind: String,
    /// The pool that it is attached to.
    pub pool: PoolReading,
    /// What Azure is doing with it.
    pub progress: Progress,
    /// Who owns it.
    pub owner: Ownership,
    /// Its managed identity.
    pub identity: ObservedIdentity,
    /// Its description.
    pub description: Option<String>,
    /// Its tags, the owner tag among them.
    pub tags: BTreeMap<String, String>,
    /// Details that no decision depends on.
    pub details: Details,
}

/// What Azure shows of a compute in addition to the fields of the spec.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// Azure's name of the state.
    pub state: String,
    /// Why it failed.
    pub errors: Vec<ProvisioningError>,
    /// Its region.
    pub location: Option<String>,
    /// When Azure created it, as Azure formats it: distinguishes a compute from a later one of the same name.
    pub created_on: Option<String>,
    /// When Azure last changed it, as Azure spells it.
    pub modified_on: Option<String>,
    /// Who changed it last, as `Application 1111…`, where Azure shows that.
    pub modified_by: Option<String>,
    /// What Azure Machine Learning shows of the pool.
    pub pool: PoolStatus,
    /// The fields that an update sends back unchanged.
    pub unmanaged: Unmanaged,
}

impl Compute {
    /// Whether it is an attached Synapse Spark pool.
    #[must_use]
    pub fn is_spark(&self) -> bool {
        self.kind.eq_ignore_ascii_case("SynapseSpark")
    }

    /// The field that a decision depends on and that cannot be parsed.
    #[must_use]
    pub fn unreadable_type(&self) -> Option<Unreadable> {
        self.kind.is_empty().then(|| Unreadable { field: "computeType", text: String::new() })
    }

    /// The pool that it is attached to.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if Azure shows none that can be parsed.
    pub fn readable_pool(&self) -> Result<&PoolId, Unreadable> {
        match &self.pool {
            PoolReading::Pool(id) => Ok(id),
            PoolReading::Unreadable(text) => Err(Unreadable { field: "resourceId", text: text.clone() }),
        }
    }

    /// Its state, if [`Self::progress`] is [`Progress::Unreadable`].
    #[must_use]
    pub fn unreadable_progress(&self) -> Unreadable {
        Unreadable { field: "provisioningState", text: self.details.state.clone() }
    }
}

/// A field that Azure shows in a form that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Azure's name for the field.
    pub field: &'static str,
    /// Its text, as Azure spells it; empty if it is missing or null.
    pub text: String,
}

/// The pool that a compute is attached to, as parsed from Azure's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolReading {
    /// This pool.
    Pool(PoolId),
    /// A text that is not the ID of a Spark pool; empty if it is missing or null.
    Unreadable(String),
}

impl PoolReading {
    /// Reads `properties.resourceId`.
    #[must_use]
    pub fn of(text: Option<&str>) -> Self {
        let text = text.unwrap_or_default();
        PoolId::parse(text).map_or_else(|_| Self::Unreadable(text.to_owned()), Self::Pool)
    }

    /// The pool, where it can be read.
    #[must_use]
    pub const fn id(&self) -> Option<&PoolId> {
        match self {
            Self::Pool(id) => Some(id),
            Self::Unreadable(_) => None,
        }
    }
}

/// What Azure is doing with a compute or a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Azure creates or updates it.
    Working,
    /// Azure is done.
    Succeeded,
    /// The operation failed; the compute exists.
    Failed,
    /// Azure detaches it.
    Deleting,
    /// A state without a known meaning.
    Unreadable,
}

impl Progress {
    /// Reads Azure's `provisioningState`.
    ///
    /// An absent state means done
    /// (<https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations>). That page lets each resource
    /// provider define states of its own; those of Azure Machine Learning and Synapse are in their REST specifications.
    #[must_use]
    pub fn of(state: Option<&str>) -> Self {
        match state.map(str::to_ascii_lowercase).as_deref() {
            None | Some("succeeded") => Self::Succeeded,
            Some("failed" | "canceled") => Self::Failed,
            Some("deleting") => Self::Deleting,
            Some("accepted" | "creating" | "provisioning" | "updating" | "resizing" | "scaling") => Self::Working,
            Some(_) => Self::Unreadable,
        }
    }

    /// Whether Azure is still changing it.
    #[must_use]
    pub const fn is_ongoing(self) -> bool {
        matches!(self, Self::Working | Self::Deleting)
    }
}
