//! A control plane and an Azure for one row, or for several that follow each other.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use azure_emulator::Limits;
use serde_json::{Value, json};

use crate::support::{ACCOUNT, Azure, DEADLINE, Operator, Plane, TENANT, poll};

/// What the operator may do in addition when namespaces have identities of their own; see the chart's `namespaceIdentity`.
const ACCOUNTS_ROLE: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: scale-accounts}
rules:
  - {apiGroups: [""], resources: [serviceaccounts], verbs: [get]}
  - {apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: scale-accounts}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: scale-accounts}
subjects: [{kind: ServiceAccount, name: synapse-spark-operator, namespace: synapse-spark-system}]
"#;

/// Azure's side of a row.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How long attaching and detaching take.
    pub operation: Duration,
    /// None: Azure may be asked without limit.
    pub limits: Option<Limits>,
}

/// Kubernetes and Azure; both end when this is dropped.
pub struct Stage {
    pub plane: Plane,
    pub azure: Azure,
}

impl Stage {
    /// Starts both.
    pub fn set(name: &str, rules: Rules) -> Self {
        // The folder of a stage that has ended is removed a while later, also if a row of the same name has begun by then.
        static LAST: AtomicU32 = AtomicU32::new(0);
        let plane = Plane::own(&format!("{name}-{}", LAST.fetch_add(1, Ordering::Relaxed)));
        let azure = Azure::start(&plane, plane.folder.join("azure"), rules.operation);
        let stage = Self { plane, azure };
        stage.apply(rules);
        stage
    }

    /// Gives Azure other rules from now on.
    pub fn apply(&self, rules: Rules) {
        let operation = format!("{}ms", rules.operation.as_millis());
        // The counters have all requests; thousands of them need not be kept.
        let mut settings = json!({"operationDuration": operation, "journalSize": 5_000, "throttling": rules.limits.is_some()});
        if let Some(limits) = rules.limits {
            settings["throttle"] = json!(limits);
        }
        self.change(&settings);
    }

    /// Changes settings of Azure.
    pub fn change(&self, settings: &Value) {
        self.azure.control("PATCH", "settings", Some(settings));
    }

    /// From now on these requests have this fault.
    pub fn fault(&self, fault: &Value) {
        self.azure.control("POST", "faults", Some(fault));
    }

    /// The audit log of what service accounts ask.
    pub fn audit_log(&self) -> PathBuf {
        self.plane.folder.join("audit.log")
    }

    /// Starts the operator with these settings, too; it has listed all objects when this returns.
    pub fn operator(&self, resync: Duration, settings: &[&str]) -> Operator {
        let seconds = resync.as_secs().to_string();
        Operator::measured(&self.plane, &self.azure, &[&["--resync-interval", &seconds], settings].concat())
    }

    /// Adds to Azure.
    pub fn add(&self, seed: &Value) {
        self.azure.add(seed);
    }

    /// Makes an application in Entra that trusts a `ServiceAccount`. Gives its client ID.
    pub fn trust(&self, namespace: &str, account: &str, number: usize) -> String {
        let id = |kind: &str| format!("00000000-0000-4000-{kind}-{number:012x}");
        self.add(&json!({"principals": [{
            "tenantId": TENANT,
            "clientId": id("a000"),
            "objectId": id("b000"),
            "federated": [{
                "issuer": self.plane.issuer,
                "subject": format!("system:serviceaccount:{namespace}:{account}"),
                "audience": "api://AzureADTokenExchange",
            }],
        }]}));
        id("a000")
    }

    /// Allows the operator to use the accounts of namespaces.
    pub fn allow_accounts(&self, namespace: &str) {
        self.plane.kubectl(&["apply", "-f", "-"], ACCOUNTS_ROLE).expect("it is a manifest");
        let user = format!("--as=system:serviceaccount:synapse-spark-system:{ACCOUNT}");
        let may = ["auth", "can-i", "create", "serviceaccounts", "--subresource=token", "--namespace", namespace, &user];
        let is_allowed = poll(DEADLINE, || self.plane.kubectl(&may, "").ok());
        assert!(is_allowed.is_some(), "the operator may not create tokens of accounts");
    }
}
