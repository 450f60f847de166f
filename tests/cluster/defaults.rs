//! The defaults of a namespace: written into the spec of a new attachment once, and never again.

use serde_json::{Value, json};

use super::plugin::{has, synapse_with_azure};
use crate::support::World;

impl World {
    /// Annotates the test's namespace with these defaults.
    fn defaults(&self, all: &[(&str, &str)]) {
        for (name, value) in all {
            let annotation = format!("synapse-spark.dev/default-{name}={value}");
            self.plane().must(&["annotate", "--overwrite", "namespace", &self.namespace, &annotation]);
        }
    }

    /// A manifest that names no workspace.
    fn without_workspace(&self, name: &str, more: &[&str]) -> String {
        let workspace = format!("  workspace: {{subscriptionId: {}, resourceGroup: rg, name: ml-ws}}\n", self.subscription);
        let manifest = self.manifest(name, "one", more);
        assert!(manifest.contains(&workspace), "{manifest}");
        manifest.replace(&workspace, "")
    }

    fn pipe(&self, args: &[&str], manifest: &str) -> Result<String, String> {
        self.plane().kubectl(args, manifest)
    }

    fn spec(&self, name: &str) -> Value {
        self.object(name).expect("it exists")["spec"].clone()
    }
}

#[test]
fn new_attachment_gets_the_defaults_of_its_namespace_and_keeps_them() {
    let world = World::new("defaults");
    let (first, second) = (world.identity("first"), world.identity("second"));
    world.defaults(&[("workspace", &world.workspace()), ("identity", &first)]);
    let manifest = world.without_workspace("nightly", &[]);
    world.pipe(&["apply", "-f", "-"], &manifest).expect("it is accepted");
    world.ready("nightly");
    let spec = world.spec("nightly");
    let workspace = json!({"subscriptionId": world.subscription, "resourceGroup": "rg", "name": "ml-ws"});
    let identity = json!({"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": first}]});
    assert_eq!((&spec["workspace"], &spec["identity"]), (&workspace, &identity));
    let compute = world.compute("nightly").expect("it is attached");
    assert_eq!(compute["identity"]["type"], "UserAssigned", "{compute}");

    // The same manifest changes nothing, whether a tool compares three versions or applies on the server.
    assert!(world.pipe(&["apply", "-f", "-"], &manifest).expect("it is accepted").contains("unchanged"));
    let by_server =
        ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "--field-manager=gitops", "-f", "-", "-o", "json"];
    let predicted: Value = serde_json::from_str(&world.pipe(&by_server, &manifest).expect("it is accepted")).expect("JSON");
    assert_eq!(predicted["spec"], spec);
    let refusal = world.pipe(&["replace", "-f", "-"], &manifest).expect_err("it would remove the workspace");
    has(&refusal, &["spec.workspace is immutable"]);

    // With or without the workspace in it, the manifest changes nothing.
    let file = world.plane().folder.join(format!("{}.yaml", world.namespace));
    let path = file.to_str().expect("a path");
    for manifest in [&manifest, &world.manifest("nightly", "one", &[])] {
        std::fs::write(&file, manifest).expect("a file");
        let (code, out, complaint) = synapse_with_azure(&world, &["plan", "-f", path]);
        assert_eq!(code, Some(0), "{out}{complaint}");
    }
    // An attachment that is new, of a compute that exists: the default would replace its identity.
    world.apply("byhand", "one", &["identity: {type: None}", "deletionPolicy: Retain"]);
    world.ready("byhand");
    world.delete("byhand");
    world.gone("byhand");
    let (code, out, complaint) = {
        std::fs::write(&file, world.manifest("byhand", "one", &[])).expect("a file");
        synapse_with_azure(&world, &["plan", "-f", path])
    };
    assert_eq!(code, Some(0), "{out}{complaint}");
    has(&complaint, &["spec.identity is the one that the compute has"]);
    world.apply("byhand", "one", &[]);
    world.ready("byhand");
    assert_eq!(world.spec("byhand")["identity"], json!({"type": "None"}));

    // Other defaults are for new attachments only.
    let elsewhere = world.workspace().replace("ml-ws", "other-ws");
    world.defaults(&[("workspace", &elsewhere), ("identity", &second)]);
    world.apply("own", "one", &["identity: {type: None}"]);
    world.ready("own");
    world.request_reconcile("nightly");
    let requested = world.object("nightly").expect("it exists");
    let requested = &requested["metadata"]["annotations"]["synapse-spark.dev/reconcile-requested-at"];
    world.until("the request is handled", || {
        (world.object("nightly")?["status"]["lastHandledReconcileAt"] == *requested).then_some(())
    });
    assert_eq!(world.spec("nightly"), spec);
    assert_eq!(world.writes("nightly"), ["PUT"]);
    assert_eq!(world.spec("own")["identity"], json!({"type": "None"}));
}

#[test]
fn attachment_without_a_workspace_is_told_what_to_write_until_its_namespace_has_a_default() {
    let world = World::new("no-default");
    let manifest = world.without_workspace("nightly", &["synapseRole: {name: Synapse Administrator}"]);
    world.pipe(&["apply", "-f", "-"], &manifest).expect("it is accepted");
    let message = world.stalled("nightly", "InvalidSpec");
    let command = format!("kubectl annotate namespace {} synapse-spark.dev/default-workspace=", world.namespace);
    has(&message, &["spec.workspace", "Set spec.workspace", &command]);
    let (code, _, complaint) = synapse_with_azure(&world, &["plan", "nightly"]);
    assert_eq!(code, Some(1), "{complaint}");
    has(&complaint, &["spec.workspace", &command]);

    world.defaults(&[("workspace", "ml-ws")]);
    world.request_reconcile("nightly");
    world.until("the annotation is refused", || {
        let ready = world.condition("nightly", "Ready")?;
        let message = ready["message"].as_str()?;
        message.contains("annotation synapse-spark.dev/default-workspace of the namespace").then_some(())
    });
    // A role needs an identity, which may be a default, too.
    world.defaults(&[("workspace", &world.workspace())]);
    let (code, out, complaint) = synapse_with_azure(&world, &["plan", "nightly"]);
    assert_eq!(code, Some(1), "{out}{complaint}");
    has(&complaint, &["spec.workspace is the default of its namespace", "spec.synapseRole: requires spec.identity"]);
    world.defaults(&[("identity", "SystemAssigned")]);
    let file = world.plane().folder.join(format!("{}.yaml", world.namespace));
    std::fs::write(&file, &manifest).expect("a file");
    let (code, out, complaint) = synapse_with_azure(&world, &["plan", "-f", file.to_str().expect("a path")]);
    assert_eq!(code, Some(2), "{out}{complaint}");
    has(&out, &["ml-ws", "SystemAssigned"]);
    world.request_reconcile("nightly");
    world.until("it is attached", || world.compute("nightly"));
    assert_eq!(world.spec("nightly")["identity"], json!({"type": "SystemAssigned"}));
}
