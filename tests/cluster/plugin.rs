//! `kubectl synapse`, started by kubectl itself, beside an operator that runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::World;

/// A folder with the plugin, as a user has it in the `PATH`.
fn folder(world: &World) -> PathBuf {
    let folder = world.plane().folder.join("plugin");
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["kubectl-synapse", "kubectl_complete-synapse"] {
        match std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_synapse-spark-operator"), folder.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => panic!("{name}: {error}"),
            _ => {}
        }
    }
    folder
}

/// kubectl with the plugin, with the rights of a kubeconfig, and nothing else of whoever runs the tests.
fn kubectl(world: &World, kubeconfig: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
    Command::new(&world.plane().kubectl)
        .args(args)
        .env_clear()
        .env("PATH", folder(world))
        .env("HOME", &world.plane().folder)
        .env("KUBECONFIG", kubeconfig)
        .envs(env.iter().copied())
        .output()
        .expect("kubectl starts")
}

/// What came of a command: exit code, standard output, standard error.
type Said = (Option<i32>, String, String);

fn said(out: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

/// `kubectl synapse … -n NAMESPACE`, as the administrator.
fn synapse(world: &World, args: &[&str]) -> Said {
    let all = [&["synapse"], args, &["-n", &world.namespace]].concat();
    said(&kubectl(world, &world.plane().kubeconfig, &all, &[]))
}

fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// The one attachment of `status NAME -o json`.
fn shown(world: &World, name: &str) -> Value {
    let (_, out, complaint) = synapse(world, &["status", name, "-o", "json"]);
    let all: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{complaint}"));
    all["attachments"][0].clone()
}

#[test]
fn status_tells_how_a_ready_one_is() {
    let world = World::new("status");
    world.apply("nightly", "one", &["identity: {type: SystemAssigned}", "tags: {team: data}"]);
    world.ready("nightly");
    world.event("nightly", "Attached", "is attached and in sync");
    let (code, out, complaint) = synapse(&world, &["status", "nightly"]);
    assert_eq!((code, complaint.as_str()), (Some(0), ""), "{out}");
    let id = world.id("nightly");
    has(&out, &[&format!("{}/nightly  Ready: Attached", world.namespace), "do         Nothing.", &id]);
    has(&out, &["identity SystemAssigned, principal ", "tag team=data", "Spark 3.4", "Normal Attached: "]);

    let one = shown(&world, "nightly");
    // A promise to scripts: a key may come, none may go.
    assert_eq!(
        keys(&one),
        [
            "namespace",
            "name",
            "state",
            "reason",
            "message",
            "since",
            "advice",
            "command",
            "generation",
            "observedGeneration",
            "deletionTimestamp",
            "failure",
            "wanted",
            "found",
            "drift",
            "operation",
            "events"
        ]
    );
    assert_eq!(
        keys(&one["found"]),
        [
            "computeId",
            "provisioningState",
            "location",
            "createdOn",
            "modifiedOn",
            "pool",
            "identity",
            "linkedService",
            "roleAssignments",
            "provisioningErrors",
            "conditions"
        ]
    );
    assert_eq!(one["found"]["conditions"][0]["type"], "PoolAvailable");
    assert_eq!((&one["state"], &one["reason"], &one["command"]), (&json!("Ready"), &json!("Attached"), &Value::Null));
    assert_eq!(one["wanted"], world.object("nightly").expect("it is there")["spec"]);

    // All of them; and one that is not ready makes the exit code.
    let (code, out, _) = synapse(&world, &["status"]);
    assert_eq!(code, Some(0), "{out}");
    has(&out, &["NAME      STATE   REASON     SINCE", "nightly   Ready   Attached"]);
    world.apply("missing", "missing", &[]);
    world.stalled("missing", "PoolNotFound");
    let (code, out, _) = synapse(&world, &["status"]);
    assert_eq!(code, Some(2), "{out}");
    has(&out, &["missing   Stalled   PoolNotFound", "nightly   Ready     Attached"]);
    let all = kubectl(&world, &world.plane().kubeconfig, &["synapse", "status", "-A"], &[]);
    has(&said(&all).1, &["NAMESPACE", &world.namespace]);

    let (code, _, complaint) = synapse(&world, &["status", "nope"]);
    assert_eq!(code, Some(1));
    has(&complaint, &[&format!("there is no SynapseSparkAttachment nope in namespace {}", world.namespace)]);

    // kubectl completes names.
    let completed =
        kubectl(&world, &world.plane().kubeconfig, &["__complete", "synapse", "status", "-n", &world.namespace, ""], &[]);
    has(&said(&completed).1, &["missing\nnightly\n:4\n"]);
}

#[test]
fn colours_are_for_terminals() {
    let world = World::new("colours");
    world.apply("nightly", "one", &[]);
    world.ready("nightly");
    let args = ["synapse", "status", "nightly", "-n", &world.namespace];
    let colours = |env: &[(&str, &str)]| {
        let out = kubectl(&world, &world.plane().kubeconfig, &args, env).stdout;
        out.contains(&0x1b)
    };
    assert!(!colours(&[]), "into a pipe");
    assert!(colours(&[("CLICOLOR_FORCE", "1")]), "there are some");
    assert!(!colours(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), "NO_COLOR");
}

#[test]
fn status_tells_why_one_is_stalled_and_reconcile_asks_azure_again() {
    let world = World::new("plugin");
    let said = "The client '2222' does not have authorization to perform action 'Microsoft.Something/write'";
    world.fault("PUT", "nightly", &json!({"status": 403, "code": "AuthorizationFailed", "message": said, "times": 2}));
    world.apply("nightly", "one", &[]);
    world.stalled("nightly", "AuthorizationFailed");
    world.event("nightly", "AuthorizationFailed", "x-ms-correlation-request-id");

    let (code, out, _) = synapse(&world, &["status", "nightly"]);
    assert_eq!(code, Some(2), "{out}");
    let command = format!("kubectl synapse reconcile nightly -n {}", world.namespace);
    has(&out, &["Stalled: AuthorizationFailed", "AuthorizationFailed", said, "Grant the identity the action", &command]);
    let one = shown(&world, "nightly");
    assert_eq!((&one["state"], &one["command"]), (&json!("Stalled"), &json!(command)));
    let events = one["events"].as_array().expect("a list");
    let correlation = events.iter().find_map(|event| event["correlationId"].as_str()).expect("Azure's correlation ID");
    has(&out, &[&format!("correlation ID {correlation}")]);

    // It is tried again slowly, unless it is asked for: what is written now is what was asked for.
    assert_eq!(world.writes("nightly"), ["PUT"]);
    let (code, out, _) = synapse(&world, &["reconcile", "nightly"]);
    assert_eq!((code, world.writes("nightly").len()), (Some(2), 2), "{out}");
    has(&out, &["Stalled: AuthorizationFailed", "AuthorizationFailed"]);
    // What was said to the request before is no answer to this one.
    world.fault("GET", "nightly", &json!({"delay": "1s"}));
    let (code, out, complaint) = synapse(&world, &["reconcile", "nightly", "-o", "json"]);
    assert_eq!((code, world.writes("nightly").len()), (Some(0), 3), "{out}{complaint}");
    let answer: Value = serde_json::from_str(&out).expect("JSON, whatever is told meanwhile");
    assert_eq!((&answer["attachment"]["state"], keys(&answer)), (&json!("Ready"), vec!["requestedAt", "attachment"]));
    let object = world.object("nightly").expect("it is there");
    assert_eq!(object["status"]["lastHandledReconcileAt"], answer["requestedAt"]);
    assert_eq!(object["metadata"]["annotations"]["synapse-spark.dev/reconcile-requested-at"], answer["requestedAt"]);
}

#[test]
fn reconcile_returns_when_azure_is_done() {
    let world = World::alone("reconcile", Duration::from_secs(12));
    world.apply("nightly", "one", &[]);
    world.wait("nightly", "jsonpath={.status.operation.kind}=Attach");
    let (code, out, _) = synapse(&world, &["status", "nightly"]);
    assert_eq!(code, Some(2), "{out}");
    let path = world.object("nightly").expect("it is there")["status"]["operation"]["path"].clone();
    let id = shown(&world, "nightly")["operation"]["id"].clone();
    assert!(path.as_str().is_some_and(|path| path.contains(id.as_str().expect("an ID"))), "{path} {id}");
    has(&out, &["Reconciling: Attaching", "operation  Attach, asked for ", id.as_str().expect("an ID")]);

    let (code, out, progress) = synapse(&world, &["reconcile", "nightly"]);
    assert_eq!(code, Some(0), "{out}{progress}");
    assert_eq!(world.compute("nightly").expect("it is there")["properties"]["provisioningState"], "Succeeded");
    has(&progress, &["Attaching: Attaching compute nightly"]);
    has(&out, &["Ready: Attached"]);
    world.azure().control("PATCH", "settings", Some(&json!({"operationDuration": "1s"})));

    // Of one that is being deleted the end is that it is gone.
    world.delete("nightly");
    let (code, out, _) = synapse(&world, &["reconcile", "nightly"]);
    assert_eq!((code, world.object("nightly")), (Some(0), None), "{out}");

    // Nobody is there to take it up.
    world.operator().kill();
    world.apply("unseen", "one", &[]);
    let (code, out, _) = synapse(&world, &["status", "unseen"]);
    assert_eq!(code, Some(2));
    has(&out, &["Unseen", "the operator has not looked at it yet", "kubectl get pods -A"]);
    let (code, _, complaint) = synapse(&world, &["reconcile", "unseen", "--timeout", "1s"]);
    assert_eq!(code, Some(1));
    has(&complaint, &["after 1s", "the operator has not taken up the request", "kubectl get pods -A"]);
    let (code, out, _) = synapse(&world, &["reconcile", "unseen", "--no-wait"]);
    assert_eq!(code, Some(0), "{out}");
}

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
