//! The chart is admitted by the policies of managed clusters: it creates nothing in `kube-system`, and its pods need no
//! privileges.

use crate::support::{CHART, DEADLINE, Plane, helm, poll};

/// Policies that refuse what AKS Automatic, GKE Autopilot and `OpenShift` refuse, for this namespace, and a user outside of
/// `system:masters`.
struct Managed {
    namespace: &'static str,
}

impl Managed {
    fn cluster(namespace: &'static str) -> Self {
        let plane = Self::plane();
        plane.must(&["create", "namespace", namespace]);
        plane.must(&["create", "clusterrolebinding", namespace, "--clusterrole=cluster-admin", &format!("--user={namespace}")]);
        plane.kubectl(&["apply", "--warnings-as-errors", "-f", "-"], &Self::policies(namespace)).expect("the policies are valid");
        let managed = Self { namespace };
        let in_force = |manifest: &str| poll(DEADLINE, || managed.apply(manifest).err());
        in_force(&managed.role_in("kube-system")).expect("kube-system is protected");
        in_force(&managed.deployment("{}")).expect("pods are restricted");
        managed
    }

    fn plane() -> &'static Plane {
        Plane::bare()
    }

    fn policies(namespace: &str) -> String {
        include_str!("managed_clusters.yaml").replace("NAMESPACE", namespace)
    }

    /// Applies it as that user, in a dry run.
    fn apply(&self, manifest: &str) -> Result<String, String> {
        let user = format!("--as={}", self.namespace);
        Self::plane().kubectl(&["apply", "--dry-run=server", &user, "-f", "-"], manifest)
    }

    /// The chart with these values, but for the definition and the pod of `helm test`, which needs an account that exists.
    fn rendered(&self, values: &str) -> String {
        let args = ["template", "release", CHART, "--skip-tests", "--namespace", self.namespace, "--values", "-"];
        let values = format!("crds: {{enabled: false}}\n{values}");
        helm("helm4", Self::plane(), &args, &values).unwrap_or_else(|error| panic!("{values}: {error}"))
    }

    fn role_in(&self, namespace: &str) -> String {
        format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: {}, namespace: {namespace}}}, rules: []}}",
            self.namespace
        )
    }

    /// A Deployment whose pod has this security context.
    fn deployment(&self, security: &str) -> String {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: plain, namespace: {}}}, spec: {{selector: {{matchLabels: {{a: b}}}}, \
             template: {{metadata: {{labels: {{a: b}}}}, spec: {{securityContext: {security}, containers: [{{name: c, image: 'a:1'}}]}}}}}}}}",
            self.namespace
        )
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        let plane = Self::plane();
        let _ = plane.kubectl(&["delete", "--ignore-not-found", "-f", "-"], &Self::policies(self.namespace));
        let _ = plane.kubectl(&["delete", "clusterrolebinding,namespace", self.namespace, "--wait=false"], "");
    }
}

#[test]
fn chart_is_admitted_by_the_policies_of_managed_clusters() {
    let managed = Managed::cluster("managed");
    for values in [
        "replicaCount: 2",
        "watchNamespaces: [managed]",
        "namespaceIdentity: {enabled: true}\nnetworkPolicy: {enabled: true}",
        "azure: {clientId: 22222222-0000-4000-8000-000000000001, tenantId: 72f988bf-0000-4000-8000-000000000001, projectToken: true}",
    ] {
        let manifest = managed.rendered(values);
        let applied = managed.apply(&manifest).unwrap_or_else(|error| panic!("{values}: {error}"));
        assert!(
            applied.contains("deployment.apps/") && applied.contains("role.rbac.authorization.k8s.io/"),
            "{values}: {applied}"
        );
    }
    // They refuse the former namespace of the Lease.
    let former = managed.rendered("leaderElection: {namespace: kube-system}");
    let refusal = managed.apply(&former).expect_err("kube-system is protected");
    assert!(refusal.contains("managed system namespaces"), "{refusal}");
}
