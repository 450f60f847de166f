//! The identity of a compute: as requested, and as returned.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{World, later};
use crate::exchange::Refusal;
use crate::id;
use crate::settings::{AbsentIdentity, Settings};

/// The identity in a PUT.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Whether the key is present at all.
    given: bool,
    system: bool,
    /// As sent, in the order sent.
    pub(crate) users: Vec<String>,
}

impl Asked {
    /// Reads `identity` of a body.
    pub(crate) fn parse(identity: Option<&Value>) -> Result<Self, Refusal> {
        let Some(identity) = identity.filter(|i| !i.is_null()) else {
            return Ok(Self::default());
        };
        let kind = identity["type"].as_str().ok_or_else(|| invalid("The 'type' of the identity is missing."))?;
        let users: Vec<String> = match &identity["userAssignedIdentities"] {
            Value::Null => Vec::new(),
            // A null value removes the identity (DOC, of PATCH).
            Value::Object(map) => map.iter().filter(|(_, v)| !v.is_null()).map(|(k, _)| k.clone()).collect(),
            _ => return Err(invalid("'userAssignedIdentities' is no object.")),
        };
        // SDK: "Systemassigned" is sent by Microsoft's own client, "SystemAssigned, UserAssigned" by Terraform.
        let words = kind.to_ascii_lowercase().replace(' ', "");
        let (system, user) = match words.as_str() {
            "none" => (false, false),
            "systemassigned" => (true, false),
            "userassigned" => (false, true),
            "systemassigned,userassigned" | "userassigned,systemassigned" => (true, true),
            _ => {
                return Err(invalid(&format!(
                    "The identity type '{kind}' is not valid. Known are None, SystemAssigned, UserAssigned and SystemAssigned,UserAssigned."
                )));
            }
        };
        // How the service answers a type that does not match the map is NF (INF: it refuses).
        if user == users.is_empty() {
            return Err(invalid(&format!(
                "The identity type '{kind}' and {} user-assigned identities don't go together.",
                users.len()
            )));
        }
        Ok(Self { given: true, system, users })
    }
}

/// ARM's text while the identity of a detached compute is still being deleted (REAL, of other types).
fn still_deleted(compute: &str) -> Refusal {
    let response = format!(
        r#"{{"error":{{"code":"Conflict","message":"Request specified that resource '{compute}' is new, but resource already exists. This may be due to a pending delete operation, try again later."}}}}"#
    );
    Refusal::new(
        400,
        "FailedIdentityOperation",
        format!(
            "Identity operation for resource '{compute}' failed with error 'Failed to perform resource identity operation. Status: 'Conflict'. Response: '{response}'.'."
        ),
    )
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(400, "InvalidIdentity", message)
}

impl World {
    /// The principal of a new system-assigned identity.
    fn new_principal(&mut self, now: Timestamp) -> Uuid {
        let principal = self.guid();
        self.system_principals.insert(principal.to_string(), now);
        principal
    }

    /// After a detach, the system-assigned identity is still being deleted for a while.
    pub(super) fn forget_principal(&mut self, now: Timestamp, settings: &Settings, compute: &str) {
        let body = self.computes.get(compute).map(|c| &c.body);
        let Some(principal) = body.and_then(|b| b["identity"]["principalId"].as_str()) else {
            return;
        };
        self.system_principals.remove(principal);
        if !settings.identity_deletion.is_zero() {
            self.deleted_identities.insert(compute.to_owned(), later(now, settings.identity_deletion));
        }
    }

    /// Whether this principal exists and Synapse already knows it.
    pub(crate) fn knows_principal(&self, principal: &str, now: Timestamp, propagation: Duration) -> bool {
        let is = |id: &str| id.eq_ignore_ascii_case(principal);
        match self.system_principals.get(&principal.to_ascii_lowercase()) {
            Some(since) => later(*since, propagation) <= now,
            None => {
                self.principals.iter().any(|p| is(&p.object_id))
                    || self.identities.values().any(|i| i.principal_id.as_deref().is_some_and(is))
                    || self.links.values().any(|l| l.principal_id.as_deref().is_some_and(is))
                    || self.computes.values().any(|c| c.body["identity"]["principalId"].as_str().is_some_and(is))
            }
        }
    }

    /// The identity of a compute after a PUT; none if the key is to be absent (REAL: absent when there is none).
    // Longer than other functions: one check per refusal.
    pub(super) fn identity(
        &mut self,
        asked: &Asked,
        before: Option<&Value>,
        settings: &Settings,
        (now, key, tenant): (Timestamp, &str, &str),
    ) -> Result<Option<Value>, Refusal> {
        if !asked.given && settings.absent_identity == AbsentIdentity::Keep {
            return Ok(before.cloned());
        }
        let has_one = before.is_some_and(|identity| identity["principalId"].is_string());
        if asked.system && !has_one && self.deleted_identities.contains_key(key) {
            return Err(still_deleted(key));
        }
        if !asked.system
            && let Some(former) = before.and_then(|identity| identity["principalId"].as_str())
        {
            self.system_principals.remove(former);
        }
        let mut users = Vec::new();
        for user in &asked.users {
            let Some(known) = self.identities.get(&id::fold(user)) else {
                // The code is ARM's (DOC); the status varies there (INF).
                return Err(Refusal::new(
                    400,
                    "FailedIdentityOperation",
                    format!(
                        "Identity operation failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: 'Resource '{user}' was not found.'.'."
                    ),
                ));
            };
            let key = if settings.lowercase_resource_groups { id::with_small_resource_groups(user) } else { user.clone() };
            users.push((key, json!({"principalId": known.principal_id, "clientId": known.client_id})));
        }
        if settings.sort_identities {
            users.sort_by_key(|(key, _)| key.to_ascii_lowercase());
        }
        let kind = match (asked.system, !users.is_empty()) {
            (false, false) => return Ok(None),
            (true, false) => "SystemAssigned",
            (false, true) => "UserAssigned",
            (true, true) => "SystemAssigned,UserAssigned",
        };
        let mut identity = json!({"type": kind});
        if asked.system {
            // A system-assigned principal: kept by an update, and a new one after a detach (DOC).
            let principal = before.map_or(Value::Null, |b| b["principalId"].clone());
            identity["principalId"] = if principal.is_null() { json!(self.new_principal(now)) } else { principal };
            identity["tenantId"] = json!(tenant);
        }
        if !users.is_empty() {
            identity["userAssignedIdentities"] = Value::Object(users.into_iter().collect::<Map<_, _>>());
        }
        Ok(Some(identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_in_any_case_and_with_spaces() {
        for (kind, system, users) in [
            ("Systemassigned", true, 0),
            ("Userassigned", false, 1),
            ("SystemAssigned, UserAssigned", true, 1),
            ("None", false, 0),
        ] {
            let map: Map<String, Value> = (0..users).map(|n| (format!("/id/{n}"), json!({}))).collect();
            let asked = Asked::parse(Some(&json!({"type": kind, "userAssignedIdentities": map}))).expect(kind);
            assert_eq!((asked.system, asked.users.len()), (system, users), "{kind}");
        }
        assert!(Asked::parse(Some(&json!({"type": "Both"}))).is_err());
        assert!(Asked::parse(Some(&json!({"type": "UserAssigned"}))).is_err(), "names nobody");
    }
}
