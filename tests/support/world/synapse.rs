//! A test's workspaces in Synapse: pools and role assignments.

use serde_json::{Value, json};

use super::World;

impl World {
    /// All role assignments in the test's Synapse workspace: role, principal and scope of each.
    pub fn roles(&self) -> Vec<Value> {
        let world = self.stage.azure.control("GET", "world", None).expect("there is a world");
        let all = world["roleAssignments"].as_array().expect("a list").iter();
        let is_here =
            |one: &&Value| one["scope"].as_str().is_some_and(|scope| scope.split('/').nth(1) == Some(&self.synapse_name("")));
        all.filter(is_here).cloned().collect()
    }

    /// The writes to the test's Synapse workspace and to its computes, in order: the method, and which of the two.
    pub fn all_writes(&self) -> Vec<String> {
        let data = format!("/synapse/{}/", self.synapse_name(""));
        let journal = self.stage.azure.control("GET", "journal", None).expect("a journal");
        let all = journal["requests"].as_array().expect("a list").iter();
        all.filter(|one| one["method"] != "GET" && one["status"].as_u64().is_some_and(|status| status < 300))
            .filter_map(|one| {
                let (method, path) = (one["method"].as_str()?, one["path"].as_str()?);
                let what = match () {
                    () if path.starts_with(&data) => "role",
                    () if path.contains(&self.subscription) => "compute",
                    () => return None,
                };
                Some(format!("{method} {what}"))
            })
            .collect()
    }

    /// Injects a fault for the test's Synapse workspace.
    pub fn role_fault(&self, method: &str, effect: &Value) {
        let mut fault = json!({"method": method, "path": format!("/synapse/{}/roleAssignments", self.synapse_name(""))});
        for (key, value) in effect.as_object().expect("an object") {
            fault[key] = value.clone();
        }
        self.stage.azure.control("POST", "faults", Some(&fault)).expect("it is taken");
    }

    /// Injects a fault for a pool.
    pub fn pool_fault(&self, name: &str, effect: &Value) {
        let mut fault = json!({"method": "GET", "path": self.pool(name)});
        for (key, value) in effect.as_object().expect("an object") {
            fault[key] = value.clone();
        }
        self.stage.azure.control("POST", "faults", Some(&fault)).expect("it is taken");
    }

    /// Revokes a role directly in the emulator.
    pub fn take_role(&self, guid: &str) {
        self.remove(&format!("{}/roleAssignments/{guid}", self.synapse("")));
    }

    /// Changes a pool directly in the emulator.
    pub fn change_pool(&self, name: &str, patch: &Value) {
        self.stage.azure.control("PATCH", &format!("pool?id={}", self.pool(name)), Some(patch)).expect("it is there");
    }
}
