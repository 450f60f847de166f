//! What `Azure-AsyncOperation` points at.

use serde_json::json;
use uuid::Uuid;

use super::{Call, not_allowed};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::world::Progress;

/// The address of an operation (REAL, also `service=new`).
pub(super) fn link(call: &Call<'_>, workspace: &str, location: &str, operation: Uuid) -> String {
    let (origin, version) = (&call.origin, &call.version);
    let subscription = id::subscription(workspace).unwrap_or_default();
    format!(
        "{origin}/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}/computeOperationsStatus/{operation}?api-version={version}&service=new"
    )
}

/// GET of an operation. Anybody of the tenant may look (INF).
pub(super) fn answer(azure: &Azure, call: &Call<'_>, guid: &str) -> Result<Answer, Refusal> {
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    let operation = Uuid::parse_str(guid).ok().and_then(|g| azure.world.operations.get(&g));
    let Some(operation) = operation else {
        return Err(Refusal::new(404, "NotFound", format!("The operation '{guid}' was not found.")));
    };
    let body = match &operation.progress {
        Progress::Running => json!({"status": "InProgress"}),
        Progress::Succeeded => json!({"status": "Succeeded", "percentComplete": 100.0}),
        Progress::Failed(failure) => {
            let error = json!({"code": failure.code, "message": failure.message});
            let error = if azure.settings.double_nested_errors { json!({"error": error}) } else { error };
            json!({"status": "Failed", "error": error})
        }
    };
    let running = operation.progress == Progress::Running;
    let answer = Answer::json(200, &body);
    Ok(match azure.settings.operation_retry_after {
        Some(seconds) if running => answer.with("Retry-After", seconds.to_string()),
        _ => answer,
    })
}
