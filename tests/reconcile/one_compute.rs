//! An Azure with one compute, which no write changes.

use std::sync::Mutex;

use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient, Method};
use serde_json::{Value, json};

use super::in_process::object;

/// The compute `pool`, as the spec of its object wants it, with this owner tag. It records writes.
#[derive(Debug)]
pub(crate) struct OneCompute {
    owner_tag: &'static str,
    /// What a GET of any operation shows.
    operation: Value,
    writes: Mutex<Vec<String>>,
}

impl OneCompute {
    pub(crate) fn owned_by(owner_tag: &'static str) -> Self {
        Self { owner_tag, operation: Value::Null, writes: Mutex::default() }
    }

    pub(crate) fn with_operation(self, operation: Value) -> Self {
        Self { operation, ..self }
    }

    /// The methods of the writes so far.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.writes.lock().expect("no holder panics").clone()
    }
}

#[async_trait::async_trait]
impl HttpClient for OneCompute {
    async fn execute_request(&self, request: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        let compute = json!({
            "name": "pool",
            "location": "eastus2",
            "tags": {"synapse-spark-operator-owner": self.owner_tag},
            "properties": {
                "computeType": "SynapseSpark",
                "resourceId": object("team-a", "pool", &json!({}))["spec"]["resourceId"],
                "provisioningState": "Succeeded",
            },
        });
        let path = request.url().path();
        let body = match request.method() {
            Method::Get if path.ends_with("/computes") => json!({"value": [compute]}),
            Method::Get if path.contains("/computes/") => compute,
            Method::Get if path.contains("/locations/") => self.operation.clone(),
            Method::Get => json!({"location": "eastus2"}),
            Method::Post => json!({"token_type": "Bearer", "access_token": "t", "expires_in": 3600}),
            method => {
                self.writes.lock().expect("no holder panics").push(method.to_string());
                json!({})
            }
        };
        Ok(AsyncRawResponse::from_bytes(200.into(), Headers::new(), body.to_string()))
    }
}
