//! A compute of a template.

use serde_json::{Map, Value};

use super::super::super::manifest::ManifestBuilder;
use super::super::arm::{self, Body};
use super::super::fields::{Fields, Notes};
use super::scope::Scope;
use super::target::Target;
use crate::resource_id::WorkspaceId;

/// What belongs to the deployment, or is evaluated before.
const OF_THE_DEPLOYMENT: [&str; 9] =
    ["apiVersion", "type", "name", "dependsOn", "condition", "copy", "resources", "comments", "existing"];

/// What a template does with its resources, from the outermost deployment to the resource itself.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) target: Target,
    /// Why a loop is not evaluated.
    unlooped: Option<String>,
    is_absent: bool,
    /// Why a condition is neither true nor false.
    undecided: Option<String>,
}

impl State {
    pub(super) fn new(target: Target) -> Self {
        Self { target, unlooped: None, is_absent: false, undecided: None }
    }

    /// The same with another target.
    pub(super) fn to(&self, target: Target) -> Self {
        Self { target, ..self.clone() }
    }

    /// The same inside a loop that is not evaluated.
    pub(super) fn unlooped(&self, why: String) -> Self {
        Self { unlooped: Some(why), ..self.clone() }
    }

    /// The same with the condition of a resource.
    pub(super) fn with(&self, resource: &Value, scope: &Scope<'_>) -> Self {
        let mut state = self.clone();
        match scope.value(&resource["condition"]) {
            Ok(Value::Bool(is_met)) => state.is_absent |= !is_met,
            Ok(Value::Null) => {}
            Ok(_) => state.undecided = Some("must be true or false".to_owned()),
            Err(why) => state.undecided = Some(why),
        }
        state
    }
}

/// A compute of a template, of whatever type.
pub(super) struct Candidate<'a> {
    pub(super) resource: &'a Value,
    /// The names of the workspace and of the compute.
    pub(super) name: Result<String, String>,
    pub(super) scope: &'a Scope<'a>,
    pub(super) state: &'a State,
}

/// The manifest; nothing if the compute is skipped.
pub(super) fn convert(
    candidate: &Candidate<'_>,
    workspace: Option<&WorkspaceId>,
    place: &str,
    notes: &mut Notes,
) -> Option<Result<ManifestBuilder, String>> {
    let skip = |notes: &mut Notes, field: &str, why: &str| {
        notes.add(field, &format!("skipped: {why}"));
        None
    };
    if candidate.resource["existing"] == true {
        return skip(notes, "existing", "the template refers to a compute that it does not deploy.");
    }
    if candidate.state.is_absent {
        return skip(notes, "condition", "it is false, so the template does not deploy the compute.");
    }
    if let Some(kind) = other_type(candidate) {
        return skip(notes, "properties.computeType", &format!("a compute of type {kind}, not a Synapse Spark pool."));
    }
    if let Some(why) = &candidate.state.unlooped {
        return Some(Err(format!("copy: {why}: {LOOP}")));
    }
    let (owner, name) = match names(candidate) {
        Ok(names) => names,
        Err(why) => return Some(Err(why)),
    };
    if let Some(other) = workspace.filter(|other| **other != owner) {
        let why = format!("a compute of the workspace {owner}, not of {other}. Pass its workspace with --workspace.");
        return skip(notes, "name", &why);
    }
    if let Some(why) = &candidate.state.undecided {
        notes.add("condition", &format!("{why}. The manifest is printed as if it were true."));
    }
    Some(body(candidate, notes).map(|body| body.builder(place, owner, name)))
}

const LOOP: &str = "write one resource for each compute, or deploy the template and use import --workspace";

fn body(candidate: &Candidate<'_>, notes: &mut Notes) -> Result<Body, String> {
    let evaluated = evaluated(candidate, notes)?;
    let mut part = Fields::of(&evaluated)?;
    let body = Body::of(&mut part, notes)?;
    part.finish(notes);
    Ok(body)
}

/// The type of a compute other than an attached Spark pool, which is skipped.
fn other_type(candidate: &Candidate<'_>) -> Option<String> {
    let properties = &candidate.resource["properties"];
    let properties = if properties.is_string() { candidate.scope.value(properties).ok()? } else { properties.clone() };
    let kind = candidate.scope.text(&properties["computeType"]).ok()?;
    (!arm::is_spark(&kind)).then_some(kind)
}

/// The workspace and the name of the compute.
fn names(candidate: &Candidate<'_>) -> Result<(WorkspaceId, String), String> {
    let name = candidate.name.clone()?;
    let Some((workspace, compute)) = name.split_once('/') else {
        return Err(format!("name: {name:?} must have the name of the workspace, a slash and the name of the compute"));
    };
    let target = &candidate.state.target;
    let unknown = |why: &String| format!("name: {why}");
    let (subscription, group) =
        (target.subscription.as_ref().map_err(unknown)?, target.resource_group.as_ref().map_err(unknown)?);
    let workspace = WorkspaceId::new(subscription, group, workspace).map_err(|error| format!("name: {error}"))?;
    Ok((workspace, compute.to_owned()))
}

/// The resource with its expressions evaluated. What a manifest does not need may stay an expression, as it is left out.
fn evaluated(candidate: &Candidate<'_>, notes: &mut Notes) -> Result<Value, String> {
    let scope = candidate.scope;
    let mut made = Map::new();
    for (key, value) in candidate.resource.as_object().into_iter().flatten() {
        let value = match key.as_str() {
            key if OF_THE_DEPLOYMENT.contains(&key) => continue,
            "properties" => properties(value, scope, notes)?,
            "identity" => scope.value(value).map_err(|why| format!("identity: {why}"))?,
            "tags" => tags(value, scope, notes),
            _ => scope.value(value).unwrap_or_else(|_| value.clone()),
        };
        made.insert(key.clone(), value);
    }
    Ok(Value::Object(made))
}

fn properties(value: &Value, scope: &Scope<'_>, notes: &mut Notes) -> Result<Value, String> {
    let Some(map) = value.as_object() else {
        return scope.value(value).map_err(|why| format!("properties: {why}"));
    };
    let mut made = Map::new();
    for (key, value) in map {
        let value = match (key.as_str(), scope.value(value)) {
            (_, Ok(value)) => value,
            ("computeType" | "resourceId", Err(why)) => return Err(format!("properties.{key}: {why}")),
            ("description", Err(why)) => {
                notes.add("properties.description", &format!("left out: {why}"));
                continue;
            }
            (_, Err(_)) => value.clone(),
        };
        made.insert(key.clone(), value);
    }
    if !made.get("computeType").is_some_and(Value::is_string) {
        return Err("properties.computeType: must be a string".to_owned());
    }
    Ok(Value::Object(made))
}

/// The tags whose values are known.
fn tags(value: &Value, scope: &Scope<'_>, notes: &mut Notes) -> Value {
    let Some(map) = value.as_object() else {
        return scope.value(value).unwrap_or_else(|why| {
            notes.add("tags", &format!("left out: {why}"));
            Value::Null
        });
    };
    let mut made = Map::new();
    for (key, value) in map {
        // The name may be an expression, too.
        match scope.value(&Value::Object(Map::from_iter([(key.clone(), value.clone())]))) {
            Ok(one) => made.extend(one.as_object().cloned().unwrap_or_default()),
            Err(why) => notes.add(&format!("tags.{key}"), &format!("left out: {why}")),
        }
    }
    Value::Object(made)
}
