//! User-assigned managed identities, as Azure Resource Manager shows them.

use serde_json::json;

use super::{Call, authorize, in_group, not_allowed, not_found};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;

const IDENTITY_TYPE: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

/// GET of an identity (SPEC).
pub(super) fn one(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let resource = format!("/{}", segments.join("/"));
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{IDENTITY_TYPE}/read"), &resource)?;
    in_group(&azure.world, &resource)?;
    let known = azure.world.identities.get(&id::fold(&resource));
    let known = known.ok_or_else(|| not_found(&format!("{IDENTITY_TYPE}/{}", id::name(&resource)), &resource))?;
    Ok(Answer::json(
        200,
        &json!({
            "id": known.id,
            "name": id::name(&known.id),
            "type": IDENTITY_TYPE,
            "location": "westeurope",
            "tags": {},
            "properties": {"tenantId": call.token.tenant, "principalId": known.principal_id, "clientId": known.client_id},
        }),
    ))
}
