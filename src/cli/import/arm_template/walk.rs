//! All computes of a template: on its own level, as children of a workspace, and in nested deployments.

use serde_json::Value;

use super::super::arm::is_compute;
use super::super::fields::Notes;
use super::super::imported::Imported;
use super::compute::{Candidate, State, convert};
use super::scope::{Given, Scope};
use super::target::Target;
use crate::resource_id::WorkspaceId;

/// How many copies all loops of a template may make, so that loops inside loops do not run endlessly. Azure allows 800 in
/// each (<https://learn.microsoft.com/azure/azure-resource-manager/templates/copy-resources>).
const MAX_COPIES: u64 = 10_000;

pub(super) struct Walk<'a> {
    imported: &'a mut Imported,
    place: &'a str,
    workspace: Option<&'a WorkspaceId>,
    has_found: bool,
    /// How many more copies loops may make.
    left: u64,
}

/// Where in a template a resource is.
struct Position<'a> {
    scope: &'a Scope<'a>,
    state: State,
    path: String,
    /// Type and name of the resource that has it among its `resources`.
    parent: Option<(String, Result<String, String>)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(imported: &'a mut Imported, place: &'a str, workspace: Option<&'a WorkspaceId>) -> Self {
        Self { imported, place, workspace, has_found: false, left: MAX_COPIES }
    }

    /// Imports the computes of a template.
    pub(super) fn template(&mut self, template: &Value, scope: &Scope<'_>, target: Target) {
        self.resources(template, "", scope, &State::new(target));
    }

    /// Reports a template without a compute.
    pub(super) fn finish(self) {
        if !self.has_found {
            let place = self.place;
            self.imported.notes.push(format!(
                "{place}: skipped: it contains no compute (Microsoft.MachineLearningServices/workspaces/computes)."
            ));
        }
    }

    fn resources(&mut self, template: &Value, path: &str, scope: &Scope<'_>, state: &State) {
        for (path, resource) in entries(template, path) {
            self.resource(resource, Position { scope, state: state.clone(), path, parent: None });
        }
    }

    /// A resource, once for each copy that a loop makes of it.
    fn resource(&mut self, resource: &Value, at: Position<'_>) {
        match self.copies(&resource["copy"], at.scope) {
            None => self.one(resource, at),
            Some(Err(why)) => self.one(resource, Position { state: at.state.unlooped(why), ..at }),
            Some(Ok((name, count))) => {
                for index in 0..count {
                    let (scope, path) = (at.scope.in_copy(&name, index), format!("{}[{index}]", at.path));
                    self.one(resource, Position { scope: &scope, state: at.state.clone(), path, parent: at.parent.clone() });
                }
            }
        }
    }

    /// The name of a loop, and the number of its copies; none if there is no loop.
    fn copies(&mut self, copy: &Value, scope: &Scope<'_>) -> Option<Result<(String, u64), String>> {
        if copy.is_null() {
            return None;
        }
        let count = scope.value(&copy["count"]).and_then(|count| {
            let count = count.as_u64().ok_or("must be a number")?;
            self.left =
                self.left.checked_sub(count).ok_or_else(|| format!("all loops together make more than {MAX_COPIES} copies"))?;
            Ok(count)
        });
        let name = copy["name"].as_str().unwrap_or_default().to_owned();
        Some(count.map(|count| (name, count)).map_err(|why| format!("count: {why}")))
    }

    fn one(&mut self, resource: &Value, at: Position<'_>) {
        let state = at.state.with(resource, at.scope);
        let own = at.scope.text(&resource["name"]).map_err(|why| format!("name: {why}"));
        let (kind, name) = match (resource["type"].as_str().unwrap_or_default(), at.parent) {
            // A child may have the whole type, too.
            (kind, Some((above, name))) if !kind.contains('/') => {
                (format!("{above}/{kind}"), name.and_then(|name| Ok(format!("{name}/{}", own?))))
            }
            (kind, _) => (kind.to_owned(), own),
        };
        if is_compute(&kind) {
            self.has_found = true;
            let place = format!("{}, {}", self.place, at.path);
            let mut notes = Notes::of(&place);
            let candidate = Candidate { resource, name: name.clone(), scope: at.scope, state: &state };
            let made = convert(&candidate, self.workspace, &place, &mut notes);
            self.imported.keep(made, &place, notes);
        } else if kind.eq_ignore_ascii_case("Microsoft.Resources/deployments") {
            self.deployment(resource, &at.path, at.scope, &state);
            return;
        }
        for (path, child) in entries(resource, &format!("{}.", at.path)) {
            self.resource(
                child,
                Position { scope: at.scope, state: state.clone(), path, parent: Some((kind.clone(), name.clone())) },
            );
        }
    }

    /// A nested deployment, as a module of Bicep is compiled to one.
    fn deployment(&mut self, resource: &Value, path: &str, scope: &Scope<'_>, state: &State) {
        let properties = &resource["properties"];
        let template = &properties["template"];
        if !template.is_object() {
            let place = self.place;
            self.imported.notes.push(format!(
                "{place}, {path}: properties.templateLink: skipped: a linked template is not read. Import that template, too."
            ));
            return;
        }
        let evaluated = |key: &str, outer: &Result<String, String>| match &resource[key] {
            Value::Null => outer.clone(),
            value => scope.text(value).map_err(|why| format!("{path}.{key}: {why}")),
        };
        let target = Target {
            subscription: evaluated("subscriptionId", &state.target.subscription),
            resource_group: evaluated("resourceGroup", &state.target.resource_group),
        };
        let state = state.to(target.clone());
        let path = format!("{path}.properties.template.");
        let has_own_scope =
            properties["expressionEvaluationOptions"]["scope"].as_str().is_some_and(|one| one.eq_ignore_ascii_case("inner"));
        if has_own_scope {
            let scope = Scope::new(template, passed_on(&properties["parameters"], scope), target);
            self.resources(template, &path, &scope, &state);
        } else {
            self.resources(template, &path, scope, &state);
        }
    }
}

/// The parameters that a template passes on to a nested deployment.
fn passed_on(parameters: &Value, scope: &Scope<'_>) -> Given {
    let value = |entry: &Value| match entry.get("value") {
        Some(value) => scope.value(value),
        None => Err("a parameter is a reference to a secret, which is not read".to_owned()),
    };
    parameters.as_object().into_iter().flatten().map(|(name, entry)| (name.to_lowercase(), value(entry))).collect()
}

/// The resources of a template or of another resource, each with its path: a list, or a mapping by symbolic names.
fn entries<'v>(of: &'v Value, path: &str) -> Vec<(String, &'v Value)> {
    match &of["resources"] {
        Value::Array(items) => items.iter().enumerate().map(|(at, one)| (format!("{path}resources[{at}]"), one)).collect(),
        Value::Object(map) => map.iter().map(|(name, one)| (format!("{path}resources.{name}"), one)).collect(),
        _ => Vec::new(),
    }
}
