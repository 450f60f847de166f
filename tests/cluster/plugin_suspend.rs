//! `kubectl synapse suspend` and `resume`, and what a user without rights is told.

use serde_json::{Value, json};

use super::plugin::{has, kubectl, said, synapse};
use crate::support::World;

#[test]
fn suspend_keeps_azure_as_it_is_until_resume() {
    let world = World::new("suspend");
    world.apply("nightly", "one", &["tags: {team: data}"]);
    world.ready("nightly");
    let (code, out, hint) = synapse(&world, &["suspend", "nightly"]);
    assert_eq!(code, Some(0), "{out}{hint}");
    has(&out, &["spec.suspend is true"]);
    has(&hint, &["GitOps"]);
    world.meddle("nightly", &json!({"tags": {"team": "other"}}));
    world.says("nightly", "False", "Suspended");
    let (code, out, _) = synapse(&world, &["status", "nightly"]);
    assert_eq!(code, Some(2));
    let command = format!("kubectl synapse resume nightly -n {}", world.namespace);
    has(&out, &["Suspended: Suspended", &command, "drift      tags.team: other -> data"]);
    assert_eq!(world.writes("nightly"), ["PUT"]);

    // A GitOps tool that is known by its mark is named.
    world.kubectl(&[
        "label",
        "ssa",
        "nightly",
        "kustomize.toolkit.fluxcd.io/name=pools",
        "kustomize.toolkit.fluxcd.io/namespace=flux",
    ]);
    let (code, out, hint) = synapse(&world, &["resume", "nightly", "-o", "json"]);
    assert_eq!(code, Some(0), "{out}{hint}");
    let answer: Value = serde_json::from_str(&out).expect("JSON");
    let tool = "the Flux Kustomization flux/pools";
    assert_eq!(answer, json!({"namespace": world.namespace, "name": "nightly", "suspend": false, "managedBy": tool}));
    has(&hint, &[&format!("warning: {tool} will put spec.suspend back")]);
    world.ready("nightly");
    assert_eq!(world.compute("nightly").expect("it is there")["tags"]["team"], "data");
}

#[test]
fn who_may_only_look_looks_and_is_told_which_right_is_missing() {
    let world = World::new("viewer");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let rights = |verbs: &str| {
        let (verbs, resource) = (format!("--verb={verbs}"), "--resource=synapsesparkattachments.synapse-spark.dev");
        let role = world.kubectl(&["create", "role", "viewer", &verbs, resource, "--dry-run=client", "-o", "json"]);
        world.plane().kubectl(&["apply", "--namespace", &world.namespace, "-f", "-"], &role).expect("a role");
    };
    rights("get");
    world.kubectl(&["create", "serviceaccount", "viewer"]);
    let account = format!("--serviceaccount={}:viewer", world.namespace);
    world.kubectl(&["create", "rolebinding", "viewer", "--role=viewer", &account]);
    let kubeconfig = world.plane().folder.join("viewer.kubeconfig");
    world.plane().kubeconfig_of(&world.namespace, "viewer", &kubeconfig);
    // The context's namespace is the account's.
    let viewer = |args: &[&str]| said(&kubectl(&world, &kubeconfig, &[&["synapse"], args].concat(), &[]));

    world.until("the rights are in force", || (viewer(&["status", "nightly"]).0 == Some(0)).then_some(()));
    has(&viewer(&["status", "nightly"]).1, &["Ready: Attached", "(you may not read them)"]);
    for (args, verb) in [
        (&["status"][..], "list"),
        (&["suspend", "nightly"], "patch"),
        (&["resume", "nightly"], "patch"),
        (&["reconcile", "nightly"], "patch"),
    ] {
        let (code, _, complaint) = viewer(args);
        assert_eq!(code, Some(1), "{args:?}");
        let right = format!("the verb {verb} on synapsesparkattachments.synapse-spark.dev in namespace {}", world.namespace);
        has(&complaint, &["system:serviceaccount:", &format!("cannot {verb} resource"), &right]);
    }
    let object = world.object("nightly").expect("it is there");
    assert_eq!((&object["spec"]["suspend"], &object["metadata"]["generation"]), (&json!(false), &json!(1)));

    // Who may ask but not watch is told that, and that it was asked.
    rights("get,patch");
    world.until("the rights are in force", || (viewer(&["reconcile", "nightly", "--no-wait"]).0 == Some(0)).then_some(()));
    let (code, _, complaint) = viewer(&["reconcile", "nightly"]);
    assert_eq!(code, Some(1));
    has(&complaint, &["asked, but it cannot be waited for", "the verb list and watch"]);
}

#[test]
fn plan_takes_an_attachment_of_the_cluster() {
    let world = World::new("planned");
    world.apply("nightly", "one", &["tags: {team: data}"]);
    world.ready("nightly");
    synapse(&world, &["suspend", "nightly"]);
    let ca = world.azure().ca_file().display().to_string();
    let env = [
        ("AZURE_RESOURCE_MANAGER_ENDPOINT", world.azure().endpoint()),
        ("AZURE_AUTHORITY_HOST", world.azure().endpoint()),
        ("AZURE_CA_FILE", &ca),
        ("AZURE_TENANT_ID", "72f988bf-0000-4000-8000-000000000001"),
        ("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555"),
        ("AZURE_CLIENT_SECRET", "emulator-secret-not-a-real-one"),
    ];
    let plan = || {
        let args = ["synapse", "plan", "nightly", "-n", &world.namespace, "-o", "json"];
        let (code, out, complaint) = said(&kubectl(&world, &world.plane().kubeconfig, &args, &env));
        let all: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{complaint}"));
        (code, all["plans"][0].clone())
    };
    // It knows its own, in this cluster.
    let (code, planned) = plan();
    assert_eq!((code, &planned["reason"]), (Some(0), &json!("Suspended")), "{planned}");
    world.meddle("nightly", &json!({"tags": {"team": "other"}}));
    let (_, planned) = plan();
    assert_eq!(planned["changes"], json!([{"field": "tags.team", "want": "data", "have": "other"}]), "{planned}");
}
