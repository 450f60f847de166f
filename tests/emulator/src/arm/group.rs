//! Resources of resource groups.

use std::collections::BTreeMap;

use super::{Call, authorize, not_allowed, not_found};
use crate::azure::Azure;
use crate::exchange::Refusal;
use crate::id;
use crate::world::World;

/// The resource of a GET among all of its type. Other methods are not served.
pub(super) fn read<'a, T>(
    azure: &'a Azure,
    call: &Call<'_>,
    segments: &[String],
    (kind, all): (&str, &'a BTreeMap<String, T>),
) -> Result<&'a T, Refusal> {
    let resource = format!("/{}", segments.join("/"));
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{kind}/read"), &resource)?;
    in_group(&azure.world, &resource)?;
    all.get(&id::fold(&resource)).ok_or_else(|| not_found(&format!("{kind}/{}", id::name(&resource)), &resource))
}

/// The resource group must exist before anything in it.
pub(super) fn in_group(world: &World, resource: &str) -> Result<(), Refusal> {
    let group = id::resource_group(resource).unwrap_or_default();
    if world.groups.contains_key(&id::fold(&group)) {
        return Ok(());
    }
    Err(Refusal::new(404, "ResourceGroupNotFound", format!("Resource group '{}' could not be found.", id::name(&group))))
}
