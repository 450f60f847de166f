//! The identity of a compute, as a spec names it.

use crate::api::v1alpha1::{Identity, IdentityType, UserAssignedIdentity};
use crate::azure::wire;
use crate::controller::observe::compute;
use crate::planner::ObservedIdentity;

/// What a spec has to name so that the compute keeps its identity: in Azure's order, and type `None` where there is none.
///
/// # Errors
///
/// The reason, if a spec cannot name all of it.
pub fn spec_identity(found: &wire::Compute) -> Result<Identity, String> {
    let shown = &compute::identity(found.identity.as_ref());
    if found.identity.as_ref().is_some_and(|found| !is_understood(found, shown)) {
        return Err(match shown.unreadable.first() {
            Some(id) => format!("identity.userAssignedIdentities: {id:?} is not the ID of a user-assigned identity"),
            None => format!("identity.type: {:?} is not supported with the identities that Azure shows", shown.kind),
        });
    }
    let user: Vec<_> = shown.ids().iter().map(|id| UserAssignedIdentity { resource_id: id.to_string() }).collect();
    let kind = match (shown.system, user.is_empty()) {
        (false, true) => IdentityType::None,
        (true, true) => IdentityType::SystemAssigned,
        (false, false) => IdentityType::UserAssigned,
        (true, false) => IdentityType::Both,
    };
    Ok(Identity { kind, user_assigned_identities: user })
}

/// Whether all of an identity on the wire is in what is shown of it.
fn is_understood(found: &wire::Identity, shown: &ObservedIdentity) -> bool {
    let known = ["", "None", "SystemAssigned", "UserAssigned"];
    found.kind.split(',').all(|word| known.iter().any(|known| known.eq_ignore_ascii_case(word.trim())))
        && found.user_assigned_identities.len() == shown.user.len()
        && found.has("UserAssigned") != shown.user.is_empty()
}
