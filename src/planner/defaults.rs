//! The defaults of a namespace: what a new attachment gets of its namespace's annotations if its spec leaves it out.
//!
//! They are written into the spec once, before the first write to Azure. From then on the spec alone counts, so a changed default
//! affects no attachment that exists: neither its workspace, which would be another compute, nor the identity of its jobs. A new object
//! whose compute exists already gets the identity that the compute has, in place of the default.

use std::collections::BTreeMap;

use crate::api::v1alpha1::{Identity, IdentityType, UserAssignedIdentity, Workspace};
use crate::api::{DEFAULT_IDENTITY, DEFAULT_WORKSPACE, FINALIZER, SynapseSparkAttachment, TRANSFER_TO};
use crate::planner::invalid::Invalid;
use crate::resource_id::{IdentityId, WorkspaceId};

/// What is to be written into the spec of an object; none where the spec has a value, or the namespace has no default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Defaults {
    /// `spec.workspace`.
    pub workspace: Option<Workspace>,
    /// `spec.identity`.
    pub identity: Option<Identity>,
}

/// Whether an object leaves out what its namespace may have a default for. Never for an object for which the operator may have
/// written to Azure: without an identity, its compute is to have none. Nor for one that hands its compute over, or has done so: that
/// leaves neither the finalizer nor `status.applied`.
#[must_use]
pub fn are_due(object: &SynapseSparkAttachment) -> bool {
    let is_transfer = object.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(TRANSFER_TO));
    let is_new = !object.has_finalizer() && object.status.as_ref().is_none_or(|status| status.applied.is_none());
    let is_left_out = object.spec.workspace.is_unset() || object.spec.identity.is_none();
    is_new && is_left_out && !is_transfer && object.metadata.deletion_timestamp.is_none()
}

impl Defaults {
    /// The defaults for an object, of the annotations of its Namespace.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names an annotation that the object needs and that has no meaning.
    pub fn of(object: &SynapseSparkAttachment, annotations: &BTreeMap<String, String>) -> Result<Self, Invalid> {
        let (workspace, identity) = (annotations.get(DEFAULT_WORKSPACE), annotations.get(DEFAULT_IDENTITY));
        Ok(Self {
            workspace: workspace.filter(|_| object.spec.workspace.is_unset()).map(|text| workspace_of(text)).transpose()?,
            identity: identity.filter(|_| object.spec.identity.is_none()).map(|text| identity_of(text)).transpose()?,
        })
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The object with these defaults in its spec.
    #[must_use]
    pub fn applied_to(self, mut object: SynapseSparkAttachment) -> SynapseSparkAttachment {
        let spec = &mut object.spec;
        spec.workspace = self.workspace.unwrap_or(std::mem::take(&mut spec.workspace));
        spec.identity = self.identity.or(spec.identity.take());
        object
    }
}

fn workspace_of(text: &str) -> Result<Workspace, Invalid> {
    let id = WorkspaceId::parse(text.trim())
        .map_err(|error| Invalid::new("annotation synapse-spark.dev/default-workspace of the namespace", &error))?;
    Ok(Workspace {
        subscription_id: id.subscription().to_ascii_lowercase(),
        resource_group: id.resource_group().to_owned(),
        name: id.name().to_owned(),
    })
}

fn identity_of(text: &str) -> Result<Identity, Invalid> {
    let refuse = |why: &dyn std::fmt::Display| {
        let why = format!(
            "must be None, or SystemAssigned and the resource IDs of user-assigned identities, separated by commas: {why}"
        );
        Invalid::new("annotation synapse-spark.dev/default-identity of the namespace", &why)
    };
    let (mut is_system, mut user) = (false, Vec::new());
    let parts: Vec<_> = text.split(',').map(str::trim).collect();
    for part in &parts {
        match *part {
            "None" if parts.len() == 1 => {}
            "SystemAssigned" if !is_system => is_system = true,
            id => user.push(IdentityId::parse(id).map_err(|error| refuse(&error))?),
        }
    }
    let kind = match (is_system, user.is_empty()) {
        (false, true) => IdentityType::None,
        (true, true) => IdentityType::SystemAssigned,
        (false, false) => IdentityType::UserAssigned,
        (true, false) => IdentityType::Both,
    };
    let user = user.iter().map(|id| UserAssignedIdentity { resource_id: id.to_string() }).collect();
    Ok(Identity { kind, user_assigned_identities: user })
}

/// The refusal of an object that names no workspace, and for which its namespace has no default, or which gets none.
#[must_use]
pub fn no_workspace(object: &SynapseSparkAttachment) -> Invalid {
    let namespace = object.metadata.namespace.as_deref().unwrap_or("default");
    if object.has_finalizer() {
        let why = format!(
            "is missing, and an object that has the finalizer {FINALIZER} gets no defaults of namespace {namespace}. Set spec.workspace, or, if the operator has never attached this object, remove the finalizer from it and from its manifest"
        );
        return Invalid::new("spec.workspace", &why);
    }
    let why = format!(
        "is missing, and namespace {namespace} has no default. Set spec.workspace, or set a default: kubectl annotate namespace {namespace} {DEFAULT_WORKSPACE}=<the workspace's resource ID, which ends in /providers/Microsoft.MachineLearningServices/workspaces/NAME>"
    );
    Invalid::new("spec.workspace", &why)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SUBSCRIPTION: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7a";

    fn workspace(subscription: &str, name: &str) -> String {
        format!("/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/{name}")
    }

    fn user(name: &str) -> String {
        format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        )
    }

    /// An object whose spec, metadata and status have these fields.
    fn object(spec: &Value, metadata: &Value, status: &Value) -> SynapseSparkAttachment {
        let mut all = json!({"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment"});
        (all["spec"], all["metadata"], all["status"]) = (spec.clone(), metadata.clone(), status.clone());
        all["metadata"]["name"] = json!("spark");
        all["metadata"]["namespace"] = json!("team-a");
        serde_json::from_value(all).expect("it can be decoded")
    }

    #[test]
    fn defaults_are_for_what_a_new_object_leaves_out() {
        let (named, none) = (json!({"subscriptionId": SUBSCRIPTION, "resourceGroup": "rg", "name": "own"}), json!({}));
        let both = json!({"workspace": named, "identity": {"type": "None"}});
        let detach = json!({"finalizers": ["synapse-spark.dev/detach"]});
        #[rustfmt::skip]
        let table = [
            // spec                          metadata                                         status
            (&json!({}),                     &none,                                           json!({}),                        true),
            (&json!({"workspace": named}),   &none,                                           json!({}),                        true),
            (&json!({"identity": {"type": "None"}}), &none,                                   json!({}),                        true),
            (&both,                          &none,                                           json!({}),                        false),
            // It may be attached: what it leaves out is not to change.
            (&json!({"workspace": named}),   &detach,                                         json!({}),                        false),
            (&json!({"workspace": named}),   &none,                                           json!({"applied": {}}),           false),
            (&json!({"workspace": named}),   &json!({"annotations": {"synapse-spark.dev/transfer-to": "team-b/spark"}}), json!({}), false),
            (&json!({}),                     &json!({"finalizers": ["example.com/other"]}),   json!({}),                        true),
            (&json!({}),                     &json!({"deletionTimestamp": "2026-01-01T00:00:00Z"}), json!({}),                  false),
        ];
        for (spec, metadata, status, due) in table {
            assert_eq!(are_due(&object(spec, metadata, &status)), due, "{spec} {metadata} {status}");
        }
    }

    #[test]
    fn annotations_of_the_namespace_fill_only_what_the_spec_leaves_out() {
        let (upper, own) = (workspace(&SUBSCRIPTION.to_uppercase(), "team-ws"), workspace(SUBSCRIPTION, "own"));
        let team = json!({"subscriptionId": SUBSCRIPTION, "resourceGroup": "rg", "name": "team-ws"});
        let named = json!({"subscriptionId": SUBSCRIPTION, "resourceGroup": "rg", "name": "own"});
        let users = |kind: &str, names: &[&str]| {
            let all: Vec<_> = names.iter().map(|name| json!({"resourceId": user(name)})).collect();
            json!({"type": kind, "userAssignedIdentities": all})
        };
        let system = json!({"type": "SystemAssigned"});
        let (jobs, more) = (user("jobs"), user("more"));
        let mixed = format!("{jobs}, SystemAssigned,{more}");
        #[rustfmt::skip]
        let table = [
            // spec                            default-workspace, default-identity          the spec that results; none: refused
            (json!({}),                        Some(&*upper), None,                         Some(json!({"workspace": team}))),
            (json!({}),                        None, None,                                  Some(json!({}))),
            (json!({"workspace": named}),      Some(&upper), None,                          Some(json!({"workspace": named}))),
            (json!({"workspace": named}),      None, Some("SystemAssigned"),                Some(json!({"workspace": named, "identity": system}))),
            (json!({}),                        Some(&own), Some(&*jobs),                    Some(json!({"workspace": named, "identity": users("UserAssigned", &["jobs"])}))),
            (json!({}),                        Some(&own), Some(&mixed),                    Some(json!({"workspace": named, "identity": users("SystemAssigned,UserAssigned", &["jobs", "more"])}))),
            (json!({}),                        Some(&own), Some("None"),                    Some(json!({"workspace": named, "identity": {"type": "None"}}))),
            (json!({"identity": {"type": "None"}}), Some(&own), Some("SystemAssigned"),     Some(json!({"workspace": named, "identity": {"type": "None"}}))),
            // An annotation without a meaning refuses only the objects that need it.
            (json!({"workspace": named}),      Some("team-ws"), None,                       Some(json!({"workspace": named}))),
            (json!({}),                        Some("team-ws"), None,                       None),
            (json!({"workspace": named}),      None, Some(""),                              None),
            (json!({"workspace": named}),      None, Some("None,SystemAssigned"),           None),
            (json!({"workspace": named}),      None, Some("SystemAssigned,SystemAssigned"), None),
            (json!({"workspace": named}),      None, Some("systemassigned"),                None),
        ];
        for (spec, workspace, identity, wanted) in table {
            let given = [(DEFAULT_WORKSPACE, workspace), (DEFAULT_IDENTITY, identity)];
            let annotations = given.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned()))).collect();
            let object = object(&spec, &json!({}), &json!({}));
            let filled = Defaults::of(&object, &annotations).map(|defaults| defaults.applied_to(object.clone()));
            let wanted = wanted.map(|spec| self::object(&spec, &json!({}), &json!({})));
            assert_eq!(filled.clone().ok(), wanted, "{spec} {workspace:?} {identity:?}: {filled:?}");
        }
    }

    #[test]
    fn object_without_a_workspace_is_refused_with_what_to_write() {
        let object = object(&json!({"resourceId": "x"}), &json!({}), &json!({}));
        let refusal = crate::planner::goal::compute_of(&object).expect_err("it names none").to_string();
        for text in ["spec.workspace", "namespace team-a has no default", "kubectl annotate namespace team-a"] {
            assert!(refusal.contains(text), "{refusal}");
        }
        // The namespace may have a default, but not for this object.
        let detach = json!({"finalizers": ["synapse-spark.dev/detach"]});
        let object = self::object(&json!({"resourceId": "x"}), &detach, &json!({}));
        let refusal = crate::planner::goal::compute_of(&object).expect_err("it names none").to_string();
        for text in ["spec.workspace", "finalizer synapse-spark.dev/detach gets no defaults", "remove the finalizer"] {
            assert!(refusal.contains(text), "{refusal}");
        }
    }
}
