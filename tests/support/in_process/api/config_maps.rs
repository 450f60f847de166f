//! `ConfigMaps`: read, created, replaced and deleted, each over the version that the request names.

use axum::http::{Method, Response};
use serde_json::{Value, json};

use super::{Api, Key, absent, failure, ok, refuse};

impl Api {
    /// The `ConfigMap` of this name in `team-a`; null if there is none.
    pub fn config_map_of(&self, name: &str) -> Value {
        self.state().config_maps.get(&("team-a".to_owned(), name.to_owned())).cloned().unwrap_or_default()
    }

    /// Stores a `ConfigMap` in `team-a`, as a user would.
    pub fn put_config_map(&self, mut config_map: Value) {
        let mut state = self.state();
        state.version += 1;
        config_map["metadata"]["resourceVersion"] = json!(state.version.to_string());
        let name = config_map["metadata"]["name"].as_str().expect("a name").to_owned();
        state.config_maps.insert(("team-a".to_owned(), name), config_map);
    }

    /// Removes all `ConfigMaps`.
    pub fn remove_config_maps(&self) {
        self.state().config_maps.clear();
    }

    pub(super) fn config_map(&self, method: &Method, key: Key, body: &Value) -> Response<axum::body::Body> {
        let mut state = self.state();
        let found = state.config_maps.get(&key).cloned();
        let version = |of: &Value| of["resourceVersion"].as_str().map(ToOwned::to_owned);
        let named = version(if *method == Method::DELETE { &body["preconditions"] } else { &body["metadata"] });
        let is_outdated = |found: &Value| named.is_some() && named != version(&found["metadata"]);
        let store = |mut made: Value, version: &mut u64| {
            *version += 1;
            made["metadata"]["resourceVersion"] = json!(version.to_string());
            made
        };
        match (method.as_str(), found) {
            ("POST", Some(_)) => refuse(&failure(409, "AlreadyExists", "it already exists")),
            ("PUT" | "DELETE", Some(found)) if is_outdated(&found) => refuse(&failure(409, "Conflict", "it has been modified")),
            ("POST", None) | ("PUT", Some(_)) => {
                let mut made = store(body.clone(), &mut state.version);
                if made["metadata"]["uid"].is_null() {
                    made["metadata"]["uid"] = json!(format!("config-map-{}", key.1));
                }
                state.config_maps.insert(key, made.clone());
                ok(&made)
            }
            ("DELETE", Some(_)) => {
                state.config_maps.remove(&key);
                ok(&json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
            }
            (_, Some(found)) => ok(&found),
            (_, None) => absent(),
        }
    }
}
