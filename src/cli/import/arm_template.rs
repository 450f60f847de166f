//! A template of Azure Resource Manager, also one that Bicep was compiled to or that the portal exports.
//!
//! Source: <https://learn.microsoft.com/azure/azure-resource-manager/templates/syntax>.

mod compute;
mod expression;
mod functions;
mod parameters;
mod scope;
mod target;
mod walk;

use serde_json::Value;

use super::imported::Imported;
use crate::resource_id::WorkspaceId;
pub(super) use parameters::{Parameters, is_parameters, named};
use scope::Scope;
use target::Target;
use walk::Walk;

/// Whether it is a template, for a deployment to a resource group or to another scope.
pub(super) fn is(document: &Value) -> bool {
    let has_schema = document["$schema"].as_str().is_some_and(|schema| schema.to_lowercase().contains("deploymenttemplate.json"));
    let has_resources = document["resources"].is_array() || document["resources"].is_object();
    has_resources && (has_schema || document["contentVersion"].is_string())
}

/// Imports all computes of a template.
pub(super) fn all(
    imported: &mut Imported,
    template: &Value,
    place: &str,
    (workspace, parameters): (Option<&WorkspaceId>, &Parameters),
) {
    let target = Target::of(workspace);
    let (given, errors) = parameters.of(template);
    imported.errors.extend(errors);
    let scope = Scope::new(template, given, target.clone());
    let mut walk = Walk::new(imported, place, workspace);
    walk.template(template, &scope, target);
    walk.finish();
}
