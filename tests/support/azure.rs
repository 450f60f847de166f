//! The emulator of Azure, and its control API.

use std::path::{Path, PathBuf};
use std::time::Duration;

use azure_emulator::{Counters, Emulator, Options, Request};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::block_on;
use super::plane::Plane;

/// The operator's application in Entra.
pub const CLIENT: &str = "22222222-3333-4444-5555-666666666666";
/// The tenant of all resources.
pub const TENANT: &str = "72f988bf-0000-4000-8000-000000000001";

/// An Azure of its own, which trusts the operator's account of one control plane.
pub struct Azure(Emulator);

impl Azure {
    pub fn start(plane: &Plane, folder: PathBuf, operation_duration: Duration) -> Self {
        // Deletion takes minutes in Azure; and the run history is here, too.
        let settings = json!({"identityDeletion": "2s", "ownDiscovery": true});
        let options = Options { operation_duration, settings, ..Options::in_dir(folder) };
        let azure = Self(block_on(Emulator::start(options)).expect("the emulator starts"));
        azure.add(&json!({
            "issuers": [{"issuer": plane.issuer, "jwks": plane.keys}],
            "principals": [{
                "tenantId": TENANT,
                "clientId": CLIENT,
                "objectId": "22222222-3333-4444-5555-777777777777",
                "federated": [{
                    "issuer": plane.issuer,
                    "subject": "system:serviceaccount:synapse-spark-system:synapse-spark-operator",
                    "audience": "api://AzureADTokenExchange",
                }],
            }],
        }));
        azure
    }

    pub fn endpoint(&self) -> &str {
        self.0.endpoint()
    }

    pub fn synapse(&self) -> String {
        self.0.synapse()
    }

    pub fn ca_file(&self) -> &Path {
        self.0.ca_file()
    }

    /// A request to the control API. `None` for a 404.
    pub fn control(&self, method: &str, target: &str, body: Option<&Value>) -> Option<Value> {
        let mut request = Request::new(method, &format!("/_emulator/{target}"));
        if let Some(body) = body {
            request = request.with_json(body);
        }
        let azure = self.0.azure();
        let answer = azure.lock().expect("the emulator does not panic").answer(Timestamp::now(), &request);
        let text = String::from_utf8_lossy(answer.body.as_ref()).into_owned();
        match answer.status {
            404 => None,
            204 => Some(Value::Null),
            200 | 201 => Some(serde_json::from_str(&text).expect("it answers JSON")),
            status => panic!("{method} {target}: {status} {text}"),
        }
    }

    /// A request to Azure Resource Manager by an application with a secret, as any other client sends it. Gives the status.
    pub fn request_as(&self, (client, secret): (&str, &str), method: &str, target: &str, body: Option<&Value>) -> u16 {
        let azure = self.0.azure();
        let mut azure = azure.lock().expect("the emulator does not panic");
        let mut login = Request::new("POST", &format!("/{TENANT}/oauth2/v2.0/token"));
        let scope = "https%3A%2F%2Fmanagement.azure.com%2F.default";
        login.body =
            format!("grant_type=client_credentials&client_id={client}&client_secret={secret}&scope={scope}").into_bytes();
        let token = azure.answer(Timestamp::now(), &login).body_json()["access_token"].as_str().expect("a token").to_owned();
        let request = Request::new(method, target).with_header("Authorization", &format!("Bearer {token}"));
        let request = if let Some(body) = body { request.with_json(body) } else { request };
        azure.answer(Timestamp::now(), &request).status
    }

    /// The number of requests that it received.
    pub fn counters(&self) -> Counters {
        self.0.azure().lock().expect("the emulator does not panic").counters().clone()
    }

    /// Adds resources.
    pub fn add(&self, seed: &Value) {
        self.control("PUT", "world", Some(seed)).expect("there is a world");
    }
}
