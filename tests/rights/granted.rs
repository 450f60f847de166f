//! The rights of an account of the operator, as a manifest grants them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

use k8s_openapi::api::rbac::v1::{PolicyRule, RoleRef, Subject};
use serde::Deserialize;

use crate::asked::Request;
use crate::audit::NAMESPACE;

/// A right, as small as it can be granted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub verb: String,
    pub group: String,
    /// With its subresource.
    pub resource: String,
    /// Empty: of any name.
    pub name: String,
    /// Empty: in all of the cluster.
    pub namespace: String,
}

impl Right {
    pub fn covers(&self, request: &Request) -> bool {
        // A request to create has no name yet, so that a rule with names never grants it.
        let is_named = self.name.is_empty() || (self.name == request.name && request.verb != "create");
        let is_there = self.namespace.is_empty() || self.namespace == request.namespace;
        (&self.verb, &self.group, &self.resource) == (&request.verb, &request.group, &request.resource) && is_named && is_there
    }

    /// Grants more than the operator needs, or rights whose extent cannot be foreseen.
    pub fn is_wide(&self) -> bool {
        [&self.verb, &self.group, &self.resource].iter().any(|word| word.contains('*'))
            || (self.group.is_empty() && self.resource.split('/').next() == Some("secrets"))
    }
}

impl Display for Right {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        if self.resource.starts_with('/') {
            return write!(to, "{} {}", self.verb, self.resource);
        }
        let group = if self.group.is_empty() { "the core group" } else { &self.group };
        write!(to, "{} {} of {group}", self.verb, self.resource)?;
        if !self.name.is_empty() {
            write!(to, " named {}", self.name)?;
        }
        if !self.namespace.is_empty() {
            write!(to, " in {}", self.namespace)?;
        }
        Ok(())
    }
}

/// A role or a binding, of the cluster or of a namespace.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    kind: String,
    metadata: Metadata,
    rules: Option<Vec<PolicyRule>>,
    aggregation_rule: Option<serde_json::Value>,
    role_ref: Option<RoleRef>,
    subjects: Option<Vec<Subject>>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
}

fn is(account: &str, subject: &Subject) -> bool {
    match subject.kind.as_str() {
        "ServiceAccount" => subject.name == account && subject.namespace.as_deref() == Some(NAMESPACE),
        "Group" => {
            let own = format!("system:serviceaccounts:{NAMESPACE}");
            ["system:serviceaccounts", "system:authenticated", &own].contains(&subject.name.as_str())
        }
        "User" => subject.name == format!("system:serviceaccount:{NAMESPACE}:{account}"),
        _ => false,
    }
}

/// Reads all documents of a manifest, and returns the permissions that they bind to an account.
///
/// # Errors
///
/// Rules that are no permissions on resources: a role that is not in the manifest, an aggregated one, URLs. And no permission
/// at all.
// Longer than other functions: one arm per kind of manifest.
pub fn read(manifest: &str, account: &str) -> Result<BTreeSet<Right>, String> {
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(manifest).map_err(|error| error.to_string())?;
    let is_rbac = |document: &serde_json::Value| {
        document["apiVersion"].as_str().is_some_and(|version| version.starts_with("rbac.authorization.k8s.io/"))
    };
    let mut roles = BTreeMap::new();
    let mut bindings = Vec::new();
    for document in documents.into_iter().filter(is_rbac) {
        let document: Document = serde_json::from_value(document).map_err(|error| error.to_string())?;
        match document.kind.as_str() {
            "Role" | "ClusterRole" => {
                let Metadata { name, namespace } = document.metadata;
                roles.insert((document.kind, namespace, name), (document.rules, document.aggregation_rule));
            }
            _ => bindings.push(document),
        }
    }
    let mut rights = BTreeSet::new();
    for binding in bindings.into_iter().filter(|one| one.subjects.iter().flatten().any(|subject| is(account, subject))) {
        let Some(RoleRef { kind, name, .. }) = binding.role_ref else {
            return Err(format!("{} {} binds no role", binding.kind, binding.metadata.name));
        };
        let home = if kind == "Role" { binding.metadata.namespace.clone() } else { String::new() };
        let Some((granted, aggregated)) = roles.get(&(kind.clone(), home, name.clone())) else {
            return Err(format!(
                "{} {} binds the operator to a role, but {kind} {name} is not in it",
                binding.kind, binding.metadata.name
            ));
        };
        if aggregated.is_some() {
            return Err(format!("{kind} {name} is aggregated from roles that are not known here"));
        }
        let place = if binding.kind == "RoleBinding" { binding.metadata.namespace } else { String::new() };
        for rule in granted.iter().flatten() {
            if rule.non_resource_urls.is_some() {
                return Err(format!("{kind} {name} grants URLs, which the operator has no use for"));
            }
            rights.extend(split(rule, &place));
        }
    }
    if rights.is_empty() {
        return Err(format!("it grants nothing to ServiceAccount {NAMESPACE}/{account}"));
    }
    Ok(rights)
}

/// Each verb on each resource under each name.
fn split(rule: &PolicyRule, namespace: &str) -> Vec<Right> {
    let any = [String::new()];
    let names = rule.resource_names.as_deref().filter(|names| !names.is_empty()).unwrap_or(&any);
    let mut all = Vec::new();
    for verb in &rule.verbs {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                all.extend(names.iter().map(|name| Right {
                    verb: verb.clone(),
                    group: group.clone(),
                    resource: resource.clone(),
                    name: name.clone(),
                    namespace: namespace.to_owned(),
                }));
            }
        }
    }
    all
}
