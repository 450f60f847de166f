//! A test's subscription in Azure: computes, and the requests for them.

use serde_json::{Value, json};

use super::World;
use crate::support::azure::{CLIENT, TENANT};
use crate::support::number;

/// A request to Azure, from the journal.
#[derive(Debug)]
pub struct AzureRequest {
    pub method: String,
    pub path: String,
    pub query: String,
    pub status: Option<u64>,
    /// The client ID of the request.
    pub client: String,
    /// Milliseconds of the wall clock.
    pub at: i64,
}

impl World {
    fn group(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/rg", self.subscription)
    }

    pub fn workspace(&self) -> String {
        format!("{}/providers/Microsoft.MachineLearningServices/workspaces/ml-ws", self.group())
    }

    pub fn pool(&self, name: &str) -> String {
        format!("{}/bigDataPools/{name}", self.synapse(""))
    }

    /// The ID of a Synapse workspace of the test; the first is called "".
    pub fn synapse(&self, name: &str) -> String {
        format!("{}/providers/Microsoft.Synapse/workspaces/{}", self.group(), self.synapse_name(name))
    }

    /// The name of a Synapse workspace of the test: no other test's, since its host has this name alone.
    pub fn synapse_name(&self, name: &str) -> String {
        format!("syn{}{name}", self.subscription.rsplit('-').next().unwrap_or_default().trim_start_matches('0'))
    }

    pub fn identity(&self, name: &str) -> String {
        format!("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}", self.group())
    }

    pub fn id(&self, compute: &str) -> String {
        format!("{}/computes/{compute}", self.workspace())
    }

    /// Adds resources.
    pub fn add(&self, seed: &Value) {
        self.stage.azure.add(seed);
    }

    /// Adds an application that trusts a ServiceAccount. Returns its client ID.
    pub fn trusting(&self, namespace: &str, account: &str) -> String {
        let client = format!("00000000-0000-4000-a000-{:012x}", number());
        self.add(&json!({"principals": [{
            "tenantId": TENANT,
            "clientId": client,
            "objectId": client.replace("-a000-", "-b000-"),
            "federated": [{
                "issuer": self.plane().issuer,
                "subject": format!("system:serviceaccount:{namespace}:{account}"),
                "audience": "api://AzureADTokenExchange",
            }],
        }]}));
        client
    }

    /// Limits the operator to these permissions in Azure.
    pub fn restrict(&self, rights: &Value) {
        let world = self.stage.azure.control("GET", "world", None).expect("there is a world");
        let all = world["principals"].as_array().expect("a list");
        let mut operator = all.iter().find(|one| one["clientId"] == CLIENT).expect("it is known").clone();
        operator["rights"] = rights.clone();
        self.add(&json!({"principals": [operator]}));
    }

    /// A compute that was attached by hand.
    pub fn add_compute(&self, name: &str, pool: &str, more: &Value) {
        let mut compute = json!({"id": self.id(name), "properties": {"resourceId": self.pool(pool)}, "tags": {}});
        for (key, value) in more.as_object().expect("an object") {
            match (key.as_str(), value) {
                ("computeType", kind) => compute["properties"]["computeType"] = kind.clone(),
                (key, value) => compute[key] = value.clone(),
            }
        }
        self.add(&json!({"computes": [compute]}));
    }

    /// A compute, if it is there.
    pub fn compute(&self, name: &str) -> Option<Value> {
        self.stage.azure.control("GET", &format!("compute?id={}", self.id(name)), None)
    }

    /// Changes a compute directly in the emulator.
    pub fn change_compute(&self, name: &str, patch: &Value) {
        self.stage.azure.control("PATCH", &format!("compute?id={}", self.id(name)), Some(patch)).expect("it is there");
    }

    /// Another user of Azure, with a name. Gives its object ID.
    pub fn user(&self, client: &str, name: &str) -> String {
        let object = client.replace("-a000-", "-b000-");
        self.add(&json!({"principals": [{
            "tenantId": TENANT, "clientId": client, "objectId": object, "secret": "secret", "userPrincipalName": name,
        }]}));
        object
    }

    /// A write to a compute by such a user.
    pub fn write_as(&self, client: &str, method: &str, compute: &str, body: Option<&Value>) {
        let target = format!("{}?api-version=2024-04-01&underlyingResourceAction=Detach", self.id(compute));
        let status = self.stage.azure.request_as((client, "secret"), method, &target, body);
        assert!((200..300).contains(&status), "{method} {compute}: {status}");
    }

    /// The requests for the Activity Log of the test's subscription.
    pub fn log_requests(&self) -> Vec<AzureRequest> {
        self.requests().into_iter().filter(|one| one.path.ends_with("/eventtypes/management/values")).collect()
    }

    /// Removes something directly in the emulator.
    pub fn remove(&self, id: &str) {
        self.stage.azure.control("DELETE", &format!("resource?id={id}"), None).expect("it is there");
    }

    /// How many computes there are in the test's subscription.
    pub fn computes(&self) -> usize {
        let world = self.stage.azure.control("GET", "world", None).expect("there is a world");
        let all = world["computes"].as_array().expect("a list");
        all.iter().filter(|one| one["id"].as_str().is_some_and(|id| id.contains(&self.subscription))).count()
    }

    /// Injects a fault in the test's subscription.
    pub fn fault(&self, method: &str, compute: &str, effect: &Value) {
        let mut fault = json!({"method": method, "path": self.id(compute)});
        for (key, value) in effect.as_object().expect("an object") {
            fault[key] = value.clone();
        }
        self.stage.azure.control("POST", "faults", Some(&fault)).expect("it is taken");
    }

    /// The requests that Azure received in the test's subscription.
    pub fn requests(&self) -> Vec<AzureRequest> {
        let journal = self.stage.azure.control("GET", "journal", None).expect("a journal");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = journal["requests"].as_array().expect("a list").iter();
        all.filter(|one| one["path"].as_str().is_some_and(|path| path.contains(&self.subscription)))
            .map(|one| AzureRequest {
                method: text(&one["method"]),
                path: text(&one["path"]),
                query: text(&one["query"]),
                status: one["status"].as_u64(),
                client: text(&one["principal"]),
                at: text(&one["at"]).parse::<jiff::Timestamp>().expect("a time").as_millisecond(),
            })
            .collect()
    }

    /// The methods of the writes to a compute, in order. Every DELETE must be a detach.
    pub fn writes(&self, compute: &str) -> Vec<String> {
        let id = self.id(compute).to_ascii_lowercase();
        let all = self.requests().into_iter().filter(|one| one.method != "GET" && one.path.to_ascii_lowercase() == id);
        all.map(|one| {
            assert!(one.method != "DELETE" || one.query.contains("underlyingResourceAction=Detach"), "{one:?}");
            one.method
        })
        .collect()
    }

    /// How often the operator has observed a compute: alone, or by a page of a LIST of its workspace.
    pub fn observations(&self, compute: &str) -> usize {
        let (id, list) = (self.id(compute), format!("{}/computes", self.workspace()));
        let is_of_it = |path: &str| path.eq_ignore_ascii_case(&id) || path.eq_ignore_ascii_case(&list);
        self.requests().iter().filter(|one| one.method == "GET" && is_of_it(&one.path)).count()
    }

    /// Waits until the operator has observed a compute so many times more.
    pub fn more_observations(&self, compute: &str, more: usize) {
        let before = self.observations(compute);
        self.until(&format!("{more} more observations of {compute}"), || {
            (self.observations(compute) >= before + more).then_some(())
        });
    }
}
