//! What `Azure-AsyncOperation` points at.

use serde_json::json;
use uuid::Uuid;

use super::{Call, authorize, not_allowed};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::settings::DetachedOperation;
use crate::world::{Operation, Progress, Verb};

/// The address of an operation (REAL, also `service=new`).
pub(super) fn link(call: &Call<'_>, workspace: &str, location: &str, operation: Uuid) -> String {
    let (origin, version) = (&call.origin, &call.version);
    let subscription = id::subscription(workspace).unwrap_or_default();
    format!(
        "{origin}/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}/computeOperationsStatus/{operation}?api-version={version}&service=new"
    )
}

/// The action for this in Azure's list of actions (DOC); whether it is required is NF.
const READ: &str = "Microsoft.MachineLearningServices/locations/computeOperationsStatus/read";

/// GET of an operation: in the region of its workspace (INF), and by every principal of the tenant if no permission is required
/// (INF).
pub(super) fn answer(azure: &Azure, call: &Call<'_>, location: &str, guid: &str) -> Result<Answer, Refusal> {
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    if azure.settings.operation_rights {
        authorize(&azure.world, &call.token, READ, &call.request.path)?;
    }
    let operation = Uuid::parse_str(guid).ok().and_then(|g| azure.world.operations.get(&g));
    let Some(operation) = operation.filter(|operation| is_there(azure, operation, location)) else {
        return Err(Refusal::new(404, "NotFound", format!("The operation '{guid}' was not found.")));
    };
    let body = match &operation.progress {
        Progress::Running => json!({"status": "InProgress"}),
        Progress::Succeeded => json!({"status": "Succeeded", "percentComplete": 100.0}),
        Progress::Failed(failure) => {
            let error = failure.error();
            let error = if azure.settings.double_nested_errors { json!({"error": error}) } else { error };
            json!({"status": failure.status, "error": error})
        }
    };
    let running = operation.progress == Progress::Running;
    let answer = Answer::json(200, &body);
    Ok(match azure.settings.operation_retry_after {
        Some(seconds) if running => answer.with("Retry-After", seconds.to_string()),
        _ => answer,
    })
}

/// Whether an operation exists in this region: it is the region of its workspace, and its compute exists, or the operation is
/// kept after its compute is gone.
fn is_there(azure: &Azure, operation: &Operation, location: &str) -> bool {
    let workspace = operation.compute.rsplit_once("/computes/").and_then(|(key, _)| azure.world.workspaces.get(key));
    let is_kept = azure.settings.detached_operation == DetachedOperation::Kept
        || (operation.verb, &operation.progress) != (Verb::Detach, &Progress::Succeeded);
    is_kept && workspace.is_some_and(|workspace| workspace.location.eq_ignore_ascii_case(location))
}
