//! What is refused of a PUT before the resource provider looks at what it asks for.

use serde_json::Value;

use crate::exchange::Refusal;
use crate::id;
use crate::world::seed::Workspace;

/// Refuses more tags than a resource may have (DOC: 50). Microsoft's Az.Migrate repeats the code (SDK), its storage tests
/// the text (REAL); the status is INF. Whether they are counted for computes is NF.
pub(super) fn tags(body: &Value, limit: usize) -> Result<(), Refusal> {
    let count = body["tags"].as_object().map_or(0, serde_json::Map::len);
    if count <= limit {
        return Ok(());
    }
    let message = format!(
        "Too many tags on the resource/resource group. Requested tag count - '{count}'. Maximum number of tags allowed - '{limit}'."
    );
    Err(Refusal::new(400, "InvalidTags", message))
}

/// Refuses a region that is not that of the compute or, if there is none yet, of the workspace. `before` is the body of the
/// compute that is there.
///
/// Azure's clients send the workspace's region for every type but `AmlCompute`, and warn that another is not supported (SDK).
/// A resource that is there can't change its region (REAL of other types); what a new compute is refused with is INF.
pub(super) fn location(body: &Value, workspace: &Workspace, name: &str, before: Option<&Value>) -> Result<(), Refusal> {
    let Some(asked) = body["location"].as_str().filter(|_| body["properties"]["computeType"] != "AmlCompute") else {
        return Ok(());
    };
    let present = before.and_then(|b| b["location"].as_str());
    if normal(asked) == normal(present.unwrap_or(&workspace.location)) {
        return Ok(());
    }
    let Some(present) = present else {
        return Err(Refusal::user_error(format!(
            "The location '{asked}' of the compute '{name}' is not that of its workspace, '{}'.",
            workspace.location
        )));
    };
    let (parent, group) = (id::name(&workspace.id), id::part(&workspace.id, "resourceGroups").unwrap_or_default());
    let message = format!(
        "The resource '{parent}/{name}' already exists in location '{present}' in resource group '{group}'. A resource with the same name cannot be created in location '{asked}'. Please select a new resource name."
    );
    Err(Refusal::new(409, "InvalidResourceLocation", message))
}

/// `East US 2` and `eastus2` are the same region (DOC).
fn normal(location: &str) -> String {
    location.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect()
}
