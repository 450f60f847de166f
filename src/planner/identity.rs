//! Managed identities: the desired one, and the one that Azure shows.

use crate::resource_id::IdentityId;

/// The desired managed identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Whether the compute has a system-assigned identity.
    pub system: bool,
    /// The user-assigned identities; the first submits jobs by default.
    pub user: Vec<IdentityId>,
}

impl Identity {
    /// Azure's name of this type of identity.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        kind(self.system, !self.user.is_empty())
    }

    /// The user-assigned identity as which jobs run by default; none if they run as the system-assigned one, or if there is none.
    #[must_use]
    pub fn job_identity(&self) -> Option<&IdentityId> {
        if self.system { None } else { self.user.first() }
    }
}

/// The managed identity that Azure shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObservedIdentity {
    /// Azure's name of its type, as Azure spells it; `None` if there is none.
    pub kind: String,
    /// Whether the compute has a system-assigned identity.
    pub system: bool,
    /// The object ID of the system-assigned identity in Entra.
    pub principal_id: Option<String>,
    /// The tenant of the system-assigned identity.
    pub tenant_id: Option<String>,
    /// The user-assigned identities, in Azure's order.
    pub user: Vec<UserAssigned>,
    /// The IDs of user-assigned identities that cannot be parsed, as Azure spells them.
    pub unreadable: Vec<String>,
}

/// A user-assigned identity that Azure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct UserAssigned {
    /// Its resource ID.
    pub id: IdentityId,
    /// Its object ID in Entra.
    pub principal_id: Option<String>,
    /// Its application (client) ID in Entra.
    pub client_id: Option<String>,
    /// The object ID that the identity itself has, where it may be read: another one if the identity was created again.
    pub own_principal_id: Option<String>,
}

impl UserAssigned {
    /// The principals that Azure shows of the compute and of the identity itself, if they differ.
    #[must_use]
    pub fn rotated(&self) -> Option<(&str, &str)> {
        let (shown, own) = (self.principal_id.as_deref()?, self.own_principal_id.as_deref()?);
        (!shown.eq_ignore_ascii_case(own)).then_some((shown, own))
    }
}

impl ObservedIdentity {
    /// The kind of identity that follows from what Azure shows, spelled as the spec spells it.
    #[must_use]
    pub const fn normalized_kind(&self) -> &'static str {
        kind(self.system, !self.user.is_empty() || !self.unreadable.is_empty())
    }

    /// Whether the compute has any managed identity.
    #[must_use]
    pub const fn exists(&self) -> bool {
        self.system || !self.user.is_empty() || !self.unreadable.is_empty()
    }

    /// The user-assigned identities that can be parsed, in Azure's order.
    #[must_use]
    pub fn ids(&self) -> Vec<IdentityId> {
        self.user.iter().map(|one| one.id.clone()).collect()
    }
}

/// Azure's name of a type of identity.
const fn kind(system: bool, user: bool) -> &'static str {
    match (system, user) {
        (false, false) => "None",
        (true, false) => "SystemAssigned",
        (false, true) => "UserAssigned",
        (true, true) => "SystemAssigned,UserAssigned",
    }
}
