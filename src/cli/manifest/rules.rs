//! The admission rules of the custom resource, for a manifest that no API server has seen yet.
//!
//! `src/api/v1alpha1.rs` has them in CEL; this module checks what can be checked without a server.

use serde_json::Value;

use crate::api::{SynapseSparkAttachment, v1alpha1};

/// Refuses what the API server would refuse, and names the field.
pub(super) fn keep(object: &SynapseSparkAttachment) -> Result<(), String> {
    let spec = serde_json::to_value(&object.spec).map_err(|error| error.to_string())?;
    let text = |field: &str| spec.pointer(field).and_then(Value::as_str).unwrap_or_default();
    let (name, namespace) = (object.metadata.name.as_deref().unwrap_or_default(), object.metadata.namespace.as_deref());
    let workspace = text("/workspace/name");
    let compute = if spec["computeName"].is_null() { name } else { text("/computeName") };
    let mut tags = object.spec.tags.keys();
    let mut identities = object.spec.identity.iter().flat_map(|identity| &identity.user_assigned_identities);
    #[rustfmt::skip]
    let rules = [
        (is_label(name), "metadata.name", "must be 1-63 lower-case letters, digits or '-', and start and end with a letter or digit"),
        (namespace.is_none_or(is_label), "metadata.namespace", "must be 1-63 lower-case letters, digits or '-', and start and end with a letter or digit"),
        (is_compute(compute), "spec.computeName", "must have 3-16 letters, digits and '-', a letter first, a letter or digit last, and not end in -<digits>: attach the pool under another name"),
        (is_guid(text("/workspace/subscriptionId")), "spec.workspace.subscriptionId", "must be a GUID, as az account show --query id prints it"),
        (!text("/workspace/subscriptionId").contains(|c: char| c.is_ascii_uppercase()), "spec.workspace.subscriptionId", "must be in lower case"),
        (is_group(text("/workspace/resourceGroup")), "spec.workspace.resourceGroup", "must be 1-90 letters, digits or -_.(), and not end in '.'"),
        (is_of(workspace, 3..=33, "-_") && workspace.starts_with(|c: char| c.is_ascii_alphanumeric()), "spec.workspace.name", "must be 3-33 letters, digits, '_' or '-', and start with a letter or digit"),
        (is_pool(text("/resourceId")), "spec.resourceId", "must be the ID of a Synapse Spark pool: /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.Synapse/workspaces/<workspace>/bigDataPools/<pool>"),
        (identities.all(|one| is_identity(&one.resource_id)), "spec.identity.userAssignedIdentities.resourceId", "must be the ID of a user-assigned identity: /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>, with 3-128 letters, digits, '_' and '-' in its name"),
        (tags.all(|name| (1..=512).contains(&name.chars().count()) && !name.contains(['<', '>', '%', '&', '\\', '?', '/'])), "spec.tags", "a tag's name must have 1-512 characters and none of <>%&\\?/"),
    ];
    if let Some((_, field, why)) = rules.iter().find(|(is_kept, ..)| !is_kept) {
        return Err(format!("{field}: {why}"));
    }
    let definition = serde_json::to_value(v1alpha1::definition()).map_err(|error| error.to_string())?;
    bounds(&definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"], &spec, "spec")
}

/// The bounds that stand in the schema itself.
fn bounds(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let at_most = |bound: &str, have: usize, of: &str| match schema[bound].as_u64() {
        Some(most) if have as u64 > most => Err(format!("{path}: must have at most {most}{of}")),
        _ => Ok(()),
    };
    match value {
        Value::String(text) => at_most("maxLength", text.chars().count(), " characters"),
        Value::Array(items) => {
            at_most("maxItems", items.len(), "")?;
            items.iter().enumerate().try_for_each(|(at, item)| bounds(&schema["items"], item, &format!("{path}[{at}]")))
        }
        Value::Object(map) => {
            at_most("maxProperties", map.len(), "")?;
            let of = |key: &str| schema["properties"].get(key).unwrap_or(&schema["additionalProperties"]);
            map.iter().try_for_each(|(key, inner)| bounds(of(key), inner, &format!("{path}.{key}")))
        }
        _ => Ok(()),
    }
}

fn is_of(text: &str, length: std::ops::RangeInclusive<usize>, more: &str) -> bool {
    length.contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

fn is_label(text: &str) -> bool {
    is_of(text, 1..=63, "-") && !text.contains(|c: char| c.is_ascii_uppercase()) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether a compute of Azure ML may have this name.
pub(in crate::cli) fn is_compute(text: &str) -> bool {
    let ends_in_digits =
        text.rsplit_once('-').is_some_and(|(_, last)| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()));
    is_of(text, 3..=16, "-") && text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.ends_with('-') && !ends_in_digits
}

/// Whether it is a GUID, as subscriptions have one.
pub(in crate::cli) fn is_guid(text: &str) -> bool {
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn is_group(text: &str) -> bool {
    is_in_id(text) && !text.ends_with('.')
}

/// The name of a resource group as part of an ID: letters and digits may be of any script.
fn is_in_id(group: &str) -> bool {
    (1..=90).contains(&group.chars().count()) && group.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c))
}

fn is_pool(text: &str) -> bool {
    let names: Vec<_> = text.split('/').skip(2).step_by(2).collect();
    // The parser of IDs checks the segments between them.
    let [subscription, group, _, workspace, pool] = names[..] else { return false };
    text.chars().count() <= 400
        && is_guid(subscription)
        && is_in_id(group)
        && is_of(workspace, 1..=50, "-_")
        && is_of(pool, 1..=15, "")
}

fn is_identity(text: &str) -> bool {
    let names: Vec<_> = text.split('/').skip(2).step_by(2).collect();
    let [subscription, group, _, name] = names[..] else { return false };
    text.chars().count() <= 400 && is_guid(subscription) && is_in_id(group) && is_of(name, 3..=128, "-_")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    // Longer than other functions: a table with one row per rule.
    fn specs_that_the_api_server_rejects_are_rejected() {
        let pool = |name: &str| {
            json!(format!(
                "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/s/bigDataPools/{name}"
            ))
        };
        let identity = |subscription: &str, name: &str| {
            let group = format!("/subscriptions/{subscription}/resourceGroups/rg");
            let id = format!("{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}");
            json!({"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": id}]})
        };
        let sub = "6560575d-fa06-4e7d-95fb-f962e74efd7a";
        let mut many = identity(sub, "zeta");
        many["userAssignedIdentities"] = json!(vec![many["userAssignedIdentities"][0].clone(); 51]);
        let good = json!({
            "apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment",
            "metadata": {"name": "spark", "namespace": "team-a"},
            "spec": {
                "workspace": {"subscriptionId": "6560575d-fa06-4e7d-95fb-f962e74efd7a", "resourceGroup": "rg", "name": "ws1"},
                "resourceId": pool("p"),
            },
        });
        #[rustfmt::skip]
        let table = [
            ("nothing changed",      "/metadata/name",                  json!("spark"),              None),
            ("a long compute name",  "/spec/computeName",               json!("a23456789012345678"), Some("spec.computeName")),
            ("one with a number",    "/spec/computeName",               json!("spark-12"),           Some("spec.computeName")),
            ("a digit first",        "/metadata/name",                  json!("1spark"),             Some("spec.computeName")),
            ("a long object name",   "/metadata/name",                  json!("s".repeat(64)),       Some("metadata.name")),
            ("a dot in it",          "/metadata/name",                  json!("a.b"),                Some("metadata.name")),
            ("a bad namespace",      "/metadata/namespace",             json!("Team_A"),             Some("metadata.namespace")),
            ("no GUID",              "/spec/workspace/subscriptionId",  json!("mine"),               Some("spec.workspace.subscriptionId")),
            ("a GUID in capitals",   "/spec/workspace/subscriptionId",  json!(sub.to_uppercase()),   Some("spec.workspace.subscriptionId")),
            ("a group with a dot",   "/spec/workspace/resourceGroup",   json!("rg."),                Some("spec.workspace.resourceGroup")),
            ("a group of any script", "/spec/workspace/resourceGroup",  json!("Instruktører_データ1"), None),
            ("a group's emoji",      "/spec/workspace/resourceGroup",   json!("🙂"),                 Some("spec.workspace.resourceGroup")),
            ("90 letters of it",     "/spec/workspace/resourceGroup",   json!("ø".repeat(90)),       None),
            ("91 letters of it",     "/spec/workspace/resourceGroup",   json!("ø".repeat(91)),       Some("spec.workspace.resourceGroup")),
            ("a pool's group",       "/spec/resourceId",                json!(pool("p").as_str().expect("text").replace("/rg/", "/Instruktører/")), None),
            ("a short workspace",    "/spec/workspace/name",            json!("ws"),                 Some("spec.workspace.name")),
            ("a workspace's dash",   "/spec/workspace/name",            json!("-ws"),                Some("spec.workspace.name")),
            ("a pool's underscore",  "/spec/resourceId",                pool("p_1"),                 Some("spec.resourceId")),
            ("a long pool",          "/spec/resourceId",                pool("p234567890123456"),    Some("spec.resourceId")),
            ("a long description",   "/spec/description",               json!("d".repeat(1025)),     Some("spec.description")),
            ("a tag's slash",        "/spec/tags",                      json!({"a/b": "c"}),         Some("spec.tags")),
            ("a long value",         "/spec/tags",                      json!({"a": "c".repeat(257)}), Some("spec.tags.a")),
            ("too many tags",        "/spec/tags",                      json!((0..51).map(|at| (at.to_string(), json!("c"))).collect::<serde_json::Map<_, _>>()), Some("spec.tags")),
            ("too many identities",  "/spec/identity",                  many,                        Some("spec.identity.userAssignedIdentities")),
            ("an identity",          "/spec/identity",                  identity(sub, "ze_t-a"),     None),
            ("a short name of one",  "/spec/identity",                  identity(sub, "z"),          Some("spec.identity.userAssignedIdentities.resourceId")),
            ("a dot in its name",    "/spec/identity",                  identity(sub, "ze.ta"),      Some("spec.identity.userAssignedIdentities.resourceId")),
            ("no GUID in its ID",    "/spec/identity",                  identity("mysub", "zeta"),   Some("spec.identity.userAssignedIdentities.resourceId")),
        ];
        for (case, field, value, refused) in table {
            let mut object = good.clone();
            let (above, key) = field.rsplit_once('/').expect("a field");
            object.pointer_mut(above).expect("it is there")[key] = value;
            let object: SynapseSparkAttachment = serde_json::from_value(object).expect("an object");
            let refusal = keep(&object).err();
            assert_eq!(refusal.as_deref().and_then(|refusal| refusal.split(": ").next()), refused, "{case}: {refusal:?}");
        }
    }
}
