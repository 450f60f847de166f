//! User-assigned managed identities, as Azure Resource Manager shows them.

use serde_json::json;

use super::Call;
use super::group::read;
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;

const IDENTITY_TYPE: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

/// GET of an identity (SPEC).
pub(super) fn one(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let known = read(azure, call, segments, (IDENTITY_TYPE, &azure.world.identities))?;
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
