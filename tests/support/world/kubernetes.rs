//! A test's namespace in Kubernetes.

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;

use super::World;
use crate::support::{block_on, number};

impl World {
    /// Makes a ServiceAccount of a namespace, with these annotations of workload identity.
    pub fn account(&self, namespace: &str, name: &str, client: Option<&str>, tenant: Option<&str>) {
        self.plane().must(&["create", "serviceaccount", name, "--namespace", namespace]);
        for (key, value) in [("client-id", client), ("tenant-id", tenant)] {
            if let Some(value) = value {
                let annotation = format!("azure.workload.identity/{key}={value}");
                self.plane().must(&["annotate", "serviceaccount", name, "--namespace", namespace, &annotation]);
            }
        }
    }

    /// A manifest; `more` are further lines of the spec.
    pub fn manifest(&self, name: &str, pool: &str, more: &[&str]) -> String {
        let more = more.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n");
        format!(
            "apiVersion: synapse-spark.dev/v1alpha1
kind: SynapseSparkAttachment
metadata:
  name: {name}
  namespace: {}
spec:
  workspace: {{subscriptionId: {}, resourceGroup: rg, name: ml-ws}}
  resourceId: {}
{more}
",
            self.namespace,
            self.subscription,
            self.pool(pool)
        )
    }

    /// `kubectl apply`.
    pub fn apply(&self, name: &str, pool: &str, more: &[&str]) {
        let manifest = self.manifest(name, pool, more);
        if let Err(complaint) = self.plane().kubectl(&["apply", "-f", "-"], &manifest) {
            panic!("kubectl apply: {complaint}\n{manifest}");
        }
    }

    /// kubectl in the test's namespace.
    pub fn kubectl(&self, args: &[&str]) -> String {
        let all: Vec<_> = ["--namespace", &self.namespace].iter().chain(args).copied().collect();
        self.plane().kubectl(&all, "").unwrap_or_else(|complaint| self.fail(&format!("kubectl {}: {complaint}", args.join(" "))))
    }

    /// `kubectl wait`.
    pub fn wait(&self, name: &str, what: &str) {
        self.kubectl(&["wait", &format!("ssa/{name}"), &format!("--for={what}"), "--timeout=30s"]);
    }

    /// Waits until the object is ready, of this generation.
    pub fn ready(&self, name: &str) {
        self.wait(name, "condition=Ready");
    }

    /// Waits until the object is stalled for this reason; returns the message, after checks of the other conditions.
    pub fn stalled(&self, name: &str, reason: &str) -> String {
        self.wait(name, &format!("jsonpath={{.status.conditions[?(@.type==\"Stalled\")].reason}}={reason}"));
        let ready = self.condition(name, "Ready").expect("Ready is always there");
        assert_eq!((ready["status"].as_str(), ready["reason"].as_str()), (Some("False"), Some(reason)), "{ready}");
        assert_eq!(self.condition(name, "Reconciling"), None);
        ready["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until Ready has this status and reason; returns the message.
    pub fn ready_shows(&self, name: &str, status: &str, reason: &str) -> String {
        self.until(&format!("{name} is Ready={status} {reason}"), || {
            let ready = self.condition(name, "Ready")?;
            let matches = ready["status"] == status && ready["reason"] == reason;
            matches.then(|| ready["message"].as_str().unwrap_or_default().to_owned())
        })
    }

    /// Attachments, as untyped objects.
    pub fn attachments(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("synapse-spark.dev", "v1alpha1", "SynapseSparkAttachment");
        Api::namespaced_with(self.plane().kube.clone(), &self.namespace, &ApiResource::from_gvk(&kind))
    }

    /// An object, if it is there.
    pub fn object(&self, name: &str) -> Option<Value> {
        let object = block_on(self.attachments().get_opt(name)).expect("the API server answers")?;
        Some(serde_json::to_value(object).expect("an object is JSON"))
    }

    /// A condition of an object.
    pub fn condition(&self, name: &str, kind: &str) -> Option<Value> {
        let object = self.object(name)?;
        object["status"]["conditions"].as_array()?.iter().find(|one| one["type"] == kind).cloned()
    }

    /// A merge patch, as `kubectl patch` sends it.
    pub fn patch(&self, name: &str, patch: &Value) {
        self.kubectl(&["patch", "ssa", name, "--type=merge", "--patch", &patch.to_string()]);
    }

    /// Requests a reconcile.
    pub fn request_reconcile(&self, name: &str) {
        let asked = format!("synapse-spark.dev/reconcile-requested-at={}", number());
        self.kubectl(&["annotate", "--overwrite", "ssa", name, &asked]);
    }

    /// `kubectl delete`, without waiting.
    pub fn delete(&self, name: &str) {
        self.kubectl(&["delete", "ssa", name, "--wait=false"]);
    }

    /// Waits until the object is gone.
    pub fn gone(&self, name: &str) {
        self.wait(name, "delete");
    }

    /// Waits for an event of this reason that contains this text.
    pub fn event(&self, name: &str, reason: &str, text: &str) {
        self.until(&format!("an event {reason} of {name} with {text:?}"), || {
            let all: Value = serde_json::from_str(&self.kubectl(&["get", "events", "-o", "json"])).expect("kubectl prints JSON");
            let is_it = |event: &&Value| {
                event["reason"] == reason
                    && event["involvedObject"]["name"] == name
                    && event["message"].as_str().is_some_and(|message| message.contains(text))
            };
            all["items"].as_array()?.iter().find(is_it).map(|_| ())
        });
    }
}
