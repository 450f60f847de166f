//! A change that a user asks for, and the patch that makes it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::address::Subject;
use crate::api::{RECONCILE_REQUESTED_AT, SynapseSparkAttachment};

/// What can be done with an attachment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    #[default]
    Reconcile,
    Suspend,
    Resume,
    Edit,
    Detach,
}

impl Action {
    /// As the page names it.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Reconcile => "Reconcile now",
            Self::Suspend => "Suspend",
            Self::Resume => "Resume",
            Self::Edit => "Edit identity and tags",
            Self::Detach => "Detach",
        }
    }

    /// As addresses and forms name it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Reconcile => "reconcile",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Edit => "edit",
            Self::Detach => "detach",
        }
    }

    /// The verb that RBAC must allow.
    pub(super) const fn verb(self) -> &'static str {
        if matches!(self, Self::Detach) { "delete" } else { "patch" }
    }

    /// What can be done with this attachment.
    pub(super) const fn of(is_suspended: bool) -> [Self; 4] {
        [Self::Reconcile, if is_suspended { Self::Resume } else { Self::Suspend }, Self::Edit, Self::Detach]
    }
}

/// What a form of the page sends. All values are texts, as in forms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    pub(super) namespace: String,
    pub(super) name: String,
    /// As in [`Subject`].
    pub(super) list: String,
    pub(super) action: Action,
    /// The UID and the generation of the object that the user saw; empty before that.
    pub(super) uid: String,
    pub(super) generation: String,
    /// The type of the identity; empty for none in the spec.
    pub(super) identity: String,
    /// The IDs of the user-assigned identities, one a line.
    pub(super) identities: String,
    /// Name=value, one a line.
    pub(super) tags: String,
    /// The name of the attachment, which a detach asks for.
    pub(super) typed: String,
}

/// A value that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The field, as the API server names it: `spec.tags`.
    pub(super) field: String,
    pub(super) message: String,
}

impl Change {
    pub(super) fn subject(&self) -> Subject {
        Subject { namespace: self.namespace.clone(), name: self.name.clone(), list: self.list.clone() }
    }

    /// The same, of the object as it is now, with the values that can be edited.
    pub(super) fn seen(self, object: &SynapseSparkAttachment) -> Self {
        let identity = object.spec.identity.as_ref();
        let kind = identity.map(|identity| json!(identity.kind)).and_then(|kind| kind.as_str().map(ToOwned::to_owned));
        let ids = identity.iter().flat_map(|identity| &identity.user_assigned_identities).map(|one| one.resource_id.clone());
        let tags = object.spec.tags.iter().map(|(name, value)| format!("{name}={value}"));
        Self {
            identity: kind.unwrap_or_default(),
            identities: ids.collect::<Vec<_>>().join("\n"),
            tags: tags.collect::<Vec<_>>().join("\n"),
            ..self.of(object)
        }
    }

    /// The same, of the object as it is now.
    pub(super) fn of(self, object: &SynapseSparkAttachment) -> Self {
        let meta = &object.metadata;
        let generation = meta.generation.map(|generation| generation.to_string()).unwrap_or_default();
        Self { uid: meta.uid.clone().unwrap_or_default(), generation, ..self }
    }

    /// The merge patch that makes the change; none for a deletion.
    pub(super) fn patch(&self, object: &SynapseSparkAttachment, now: Timestamp) -> Result<Option<Value>, Refusal> {
        Ok(Some(match self.action {
            Action::Suspend => json!({"spec": {"suspend": true}}),
            Action::Resume => json!({"spec": {"suspend": false}}),
            Action::Reconcile => json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: now.to_string()}}}),
            Action::Edit => json!({"spec": {"identity": self.identity(), "tags": self.tags(object)?}}),
            Action::Detach => return Ok(None),
        }))
    }

    fn identity(&self) -> Value {
        let id = |id: &str| json!({"resourceId": id});
        let ids: Vec<_> = self.identities.lines().map(str::trim).filter(|line| !line.is_empty()).map(id).collect();
        // A null removes a field.
        match (self.identity.as_str(), ids.is_empty()) {
            ("", true) => Value::Null,
            (kind, true) => json!({"type": kind, "userAssignedIdentities": null}),
            (kind, false) => json!({"type": kind, "userAssignedIdentities": ids}),
        }
    }

    fn tags(&self, object: &SynapseSparkAttachment) -> Result<Value, Refusal> {
        let refused = |message: String| Refusal { field: "spec.tags".to_owned(), message };
        let mut tags: BTreeMap<&str, Option<&str>> = object.spec.tags.keys().map(|name| (name.as_str(), None)).collect();
        for line in self.tags.lines().filter(|line| !line.trim().is_empty()) {
            let Some((name, value)) = line.split_once('=') else {
                return Err(refused(format!("{line:?} is not of the form name=value")));
            };
            if tags.insert(name.trim(), Some(value.trim())).flatten().is_some() {
                return Err(refused(format!("{:?} appears twice", name.trim())));
            }
        }
        Ok(json!(tags))
    }
}

#[cfg(test)]
mod tests;
