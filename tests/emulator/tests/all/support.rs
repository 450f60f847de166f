//! An emulator in this process, under a clock that the test moves.

use std::time::Duration;

use azure_emulator::{Answer, Azure, Request, Seed};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) const TENANT: &str = "72f988bf-0000-4000-8000-000000000001";
pub(crate) const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const OBJECT: &str = "99999999-2222-3333-4444-555555555555";
pub(crate) const SECRET: &str = "emulator-secret-not-a-real-one";
pub(crate) const GROUP: &str = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group";

pub(crate) fn workspace() -> String {
    format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/yogi-aml-ws")
}

pub(crate) fn compute(name: &str) -> String {
    format!("{}/computes/{name}", workspace())
}

pub(crate) fn pool(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/{name}")
}

pub(crate) fn identity(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}")
}

/// The body of an attach.
pub(crate) fn spark(pool: &str) -> Value {
    json!({"location": "eastus2", "properties": {"computeType": "SynapseSpark", "resourceId": pool}})
}

pub(crate) struct Lab {
    pub(crate) azure: Azure,
    pub(crate) now: Timestamp,
    pub(crate) token: String,
}

impl Lab {
    /// The default seed; operations take two seconds.
    pub(crate) fn new() -> Self {
        Self::with(Seed::documented())
    }

    pub(crate) fn with(seed: Seed) -> Self {
        let now = "2026-01-02T03:04:05.6789012Z".parse().expect("a time");
        let mut azure = Azure::new("https://arm.test");
        azure.seed(now, seed).expect("a good seed");
        let mut lab = Self { azure, now, token: String::new() };
        lab.log_in();
        lab
    }

    pub(crate) fn log_in(&mut self) {
        let answer = self.token_request(&[("client_id", CLIENT), ("client_secret", SECRET)]);
        self.use_token(&answer);
    }

    /// Uses this token for the next requests.
    pub(crate) fn use_token(&mut self, answer: &Answer) {
        answer.body_json()["access_token"].as_str().expect("a token").clone_into(&mut self.token);
    }

    /// The token endpoint with these fields, in addition to the grant and the scope.
    pub(crate) fn token_request(&mut self, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let usual = [("grant_type", "client_credentials"), ("scope", "https://management.azure.com/.default")];
        for (key, value) in usual.iter().filter(|(key, _)| fields.iter().all(|(k, _)| k != key)).chain(fields) {
            form.append_pair(key, value);
        }
        let mut request = Request::new("POST", &format!("/{TENANT}/oauth2/v2.0/token"));
        request.body = form.finish().into_bytes();
        self.azure.answer(self.now, &request)
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// A request with the token.
    pub(crate) fn send(&mut self, request: Request) -> Answer {
        let request = request.with_header("Authorization", &format!("Bearer {}", self.token));
        self.azure.answer(self.now, &request)
    }

    /// The same for a method and an ID, with an api-version.
    pub(crate) fn ask(&mut self, method: &str, id: &str) -> Answer {
        let version = if id.contains("/Microsoft.Synapse/") { "2021-06-01" } else { "2025-12-01" };
        let target = format!("{id}{}api-version={version}", if id.contains('?') { '&' } else { '?' });
        self.send(Request::new(method, &target))
    }

    pub(crate) fn put(&mut self, id: &str, body: &Value) -> Answer {
        self.send(Request::new("PUT", &format!("{id}?api-version=2025-12-01")).with_json(body))
    }

    pub(crate) fn detach(&mut self, id: &str) -> Answer {
        self.ask("DELETE", &format!("{id}?underlyingResourceAction=Detach"))
    }

    /// Attaches, and lets the operation end.
    pub(crate) fn attached(&mut self, name: &str, body: &Value) -> Value {
        let answer = self.put(&compute(name), body);
        assert_eq!(answer.status, 201, "{}", answer.body_json());
        self.pass(Duration::from_secs(2));
        self.ask("GET", &compute(name)).body_json()
    }

    /// GET of what `Azure-AsyncOperation` of this answer names.
    pub(crate) fn follow(&mut self, answer: &Answer) -> Answer {
        let link = answer.header("Azure-AsyncOperation").expect("an operation").to_owned();
        self.send(Request::new("GET", link.strip_prefix("https://arm.test").expect("on the same host")))
    }

    pub(crate) fn control(&mut self, method: &str, target: &str, body: &Value) -> Answer {
        let request = Request::new(method, &format!("/_emulator/{target}")).with_json(body);
        self.azure.answer(self.now, &request)
    }

    pub(crate) fn set(&mut self, settings: &Value) {
        let answer = self.control("PATCH", "settings", settings);
        assert_eq!(answer.status, 200, "{}", answer.body_json());
    }
}

pub(crate) fn code(answer: &Answer) -> String {
    answer.body_json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}

/// The content of a file of `fixtures`; its README has the source of each.
pub(crate) fn fixture(path: &str) -> Value {
    let path = format!("{}/fixtures/{path}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    serde_json::from_str(&text).expect(&path)
}

/// A lab whose principal has these permissions.
pub(crate) fn holding(rights: &Value) -> Lab {
    let mut lab = Lab::new();
    let principal = json!({"tenantId": TENANT, "clientId": CLIENT, "objectId": OBJECT, "secret": SECRET, "rights": rights});
    let answer = lab.control("PUT", "world", &json!({"principals": [principal]}));
    assert_eq!(answer.status, 200, "{}", answer.body_json());
    lab
}
