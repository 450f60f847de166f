//! The body of the request that creates or updates a compute.

use serde_json::{Map, Value, json};

use crate::unmanaged::Unmanaged;

/// A compute as a PUT sends it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Put {
    /// The workspace's region.
    pub location: String,
    /// The pool's ID.
    pub resource_id: String,
    /// Left out when `None`.
    pub description: Option<String>,
    /// Left out when `None`.
    pub identity: Option<PutIdentity>,
    /// All tags: Azure removes those that are left out.
    pub tags: Vec<(String, String)>,
    /// What is sent back as Azure showed it.
    pub unmanaged: Unmanaged,
}

/// The identity as a PUT sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutIdentity {
    /// `None`, `SystemAssigned`, `UserAssigned` or `SystemAssigned,UserAssigned`.
    pub kind: &'static str,
    /// The resource IDs of user-assigned identities, in order.
    pub user: Vec<String>,
}

impl Put {
    /// The body, as azure-ai-ml sends it: no name, no null, identities in order.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut properties = json!({"computeType": "SynapseSpark", "resourceId": self.resource_id});
        for (key, value) in self.unmanaged.properties.iter() {
            properties[key] = value.clone();
        }
        if let Some(description) = &self.description {
            properties["description"] = json!(description);
        }
        let mut body = json!({"location": self.location, "properties": properties});
        if let Some(identity) = &self.identity {
            body["identity"] = json!({"type": identity.kind});
            if !identity.user.is_empty() {
                let ids: Map<_, _> = identity.user.iter().map(|id| (id.clone(), json!({}))).collect();
                body["identity"]["userAssignedIdentities"] = Value::Object(ids);
            }
        }
        if let Some(sku) = &self.unmanaged.sku {
            body["sku"] = (**sku).clone();
        }
        if !self.tags.is_empty() {
            body["tags"] = Value::Object(self.tags.iter().map(|(name, value)| (name.clone(), json!(value))).collect());
        }
        body
    }
}
