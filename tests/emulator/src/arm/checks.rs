//! The checks of a PUT that precede those of the resource provider.

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

/// The maximum size of the body of a request, in bytes (DOC).
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// Refuses a body of more than 4 MB (REAL, of deployments).
pub(super) fn size(body: &[u8]) -> Result<(), Refusal> {
    if body.len() <= LARGEST_BODY {
        return Ok(());
    }
    Err(Refusal::new(413, "RequestContentTooLarge", "The request content size exceeds the maximum size of 4 MB."))
}

/// Refuses names and values that tags of a resource can't have (DOC). The codes and texts are those that Microsoft's Az.Migrate
/// repeats (SDK), of the reserved characters REAL; the status is INF. Whether they are checked for computes is NF.
pub(super) fn tag_rules(body: &Value) -> Result<(), Refusal> {
    let invalid = |code, message| Err(Refusal::new(400, code, message));
    for (name, value) in body["tags"].as_object().into_iter().flatten() {
        if name.contains(|c: char| r"<>%&\?/".contains(c) || c.is_control()) {
            let message = format!("The tag names '{name}' have reserved characters '<,>,%,&,\\,?,/' or control characters.");
            return invalid("InvalidTagNameCharacters", message);
        }
        if name.chars().count() > 512 {
            let message = format!(
                "Tag key too large. Following tag name '{name}' exceeded the maximum length. Maximum allowed length for tag name - '512' characters."
            );
            return invalid("InvalidTagName", message);
        }
        if let Some(value) = value.as_str().filter(|v| v.chars().count() > 256) {
            let message = format!(
                "Tag value too large. Following tag value '{value}' exceeded the maximum length. Maximum allowed length for tag value - '256' characters."
            );
            return invalid("InvalidTagValueLength", message);
        }
    }
    Ok(())
}

/// The keys of the body of a compute at its top level, in `properties` and in `identity` (SPEC).
const KEYS: [(&str, &[&str]); 3] = [
    ("", &["id", "name", "type", "systemData", "location", "tags", "sku", "identity", "properties"]),
    (
        "properties",
        &[
            "computeType",
            "computeLocation",
            "provisioningState",
            "description",
            "createdOn",
            "modifiedOn",
            "resourceId",
            "provisioningErrors",
            "isAttachedCompute",
            "disableLocalAuth",
            "properties",
        ],
    ),
    ("identity", &["type", "principalId", "tenantId", "userAssignedIdentities"]),
];

/// Refuses a key that the specification doesn't have; what the service does is NF.
pub(super) fn keys(body: &Value) -> Result<(), Refusal> {
    for (of, known) in KEYS {
        let object = if of.is_empty() { body } else { &body[of] };
        if let Some(unknown) =
            object.as_object().into_iter().flatten().map(|(key, _)| key).find(|key| !known.contains(&key.as_str()))
        {
            let of = if of.is_empty() { "the compute" } else { of };
            return Err(Refusal::user_error(format!("Could not find member '{unknown}' in {of}.")));
        }
    }
    Ok(())
}

/// Refuses a region that is not that of the compute or, if there is none yet, of the workspace. `before` is the body of the
/// existing compute.
///
/// Azure's clients send the workspace's region for every type but `AmlCompute`, and warn that another is not supported (SDK).
/// An existing resource cannot change its region (REAL of other types); the refusal of a new compute is INF.
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
