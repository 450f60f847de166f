//! An upgrade from another version, and the way back: its program and its definition, and this one's.
//!
//! `make test-upgrade` builds the other version, sets `FROM_PROGRAM` and `FROM_DEFINITION` to its program and its definition, and
//! runs this. A plain `cargo test` does not, since it has one version only.

#[expect(dead_code, unused_imports, reason = "an upgrade needs less than the tests of one version")]
mod support;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use support::{Operator, World};

const SYSTEM: &str = "identity: {type: SystemAssigned}";
const ROLE: &str = "synapseRole: {name: Synapse Administrator}";

/// A version: its program, and its definition.
struct Version {
    program: String,
    definition: String,
}

impl Version {
    fn from() -> Self {
        let read = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run make test-upgrade"));
        Self { program: read("FROM_PROGRAM"), definition: read("FROM_DEFINITION") }
    }

    fn this() -> Self {
        let definition = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds/synapsesparkattachments.yaml");
        Self {
            program: env!("CARGO_BIN_EXE_synapse-spark-operator").to_owned(),
            definition: definition.to_str().expect("a path of text").to_owned(),
        }
    }

    /// Installs the definition, and starts the program.
    fn install(&self, world: &World) {
        world.plane().must(&["apply", "--server-side", "--force-conflicts", "-f", &self.definition]);
        world.plane().must(&["wait", "--for=condition=Established", "crd/synapsesparkattachments.synapse-spark.dev"]);
        world.put_operator(Operator::of_program(&self.program, world.plane(), world.azure()));
    }
}

/// What only the status has, and an operator needs later.
fn kept(world: &World, name: &str) -> Value {
    let status = &world.object(name).expect("it is there")["status"];
    let field = |name: &str| status[name].clone();
    json!([field("computeId"), field("createdOn"), field("identity"), field("roleAssignments"), field("applied")])
}

/// Waits until Azure runs an operation of this compute.
fn running(world: &World, name: &str, writes: &[&str]) {
    world.until("the operation runs", || {
        let state = world.compute(name)?["properties"]["provisioningState"].as_str()?.to_owned();
        (world.writes(name) == writes && !["Succeeded", "Failed"].contains(&&*state)).then_some(())
    });
}

/// Has an object reconciled by the operator that runs.
fn reconciled(world: &World, name: &str) {
    world.request_reconcile(name);
    world.until("the request is handled", || {
        let object = world.object(name)?;
        let handled = object["status"]["lastHandledReconcileAt"].as_str()?;
        (handled == object["metadata"]["annotations"]["synapse-spark.dev/reconcile-requested-at"]).then_some(())
    });
    world.ready(name);
}

#[test]
fn upgrade_and_rollback_continue_running_operations_and_keep_the_status() {
    let (old, new) = (Version::from(), Version::this());
    let world = World::without_operator("upgrade", Duration::from_secs(4));
    old.install(&world);
    world.apply("done", "one", &[SYSTEM, ROLE, "tags: {team: data}"]);
    world.ready("done");
    let before =
        world.until("the role is assigned", || Some(kept(&world, "done")).filter(|kept| kept[3][0]["phase"] == "Assigned"));
    assert_eq!(world.roles().len(), 1);

    // Upgrade while an attach runs.
    world.apply("attached", "one", &[]);
    running(&world, "attached", &["PUT"]);
    world.operator().kill();
    new.install(&world);
    world.ready("attached");
    reconciled(&world, "done");
    assert_eq!(world.writes("attached"), ["PUT"]);

    // Back while an update and a detach run.
    world.apply("leaves", "two", &[]);
    world.ready("leaves");
    world.apply("attached", "one", &["description: changed"]);
    running(&world, "attached", &["PUT", "PUT"]);
    world.delete("leaves");
    running(&world, "leaves", &["PUT", "DELETE"]);
    world.operator().kill();
    old.install(&world);
    world.gone("leaves");
    world.ready("attached");
    reconciled(&world, "done");

    assert_eq!(world.writes("attached"), ["PUT", "PUT"]);
    assert_eq!(world.writes("leaves"), ["PUT", "DELETE"]);
    assert_eq!(world.writes("done"), ["PUT"]);
    assert_eq!(kept(&world, "done"), before);

    // What the one version has created, the other removes.
    world.operator().kill();
    new.install(&world);
    world.delete("done");
    world.gone("done");
    assert_eq!((world.writes("done"), world.roles().len()), (vec!["PUT".to_owned(), "DELETE".to_owned()], 0));
    world.delete("attached");
    world.gone("attached");
    assert_eq!(world.computes(), 0);
}
