//! `plan`: what the operator would do, before anything is applied.

use serde_json::{Value, json};

use super::{Azure, POOL, compute, text};

pub fn manifest(more: &str) -> String {
    format!(
        "apiVersion: synapse-spark.dev/v1alpha1\nkind: SynapseSparkAttachment\nmetadata: {{name: my-spark-pool, namespace: team-a}}\nspec:\n  workspace: {{subscriptionId: 6560575d-fa06-4e7d-95fb-f962e74efd7a, resourceGroup: yogi-res-group, name: yogi-aml-ws}}\n  resourceId: {POOL}\n{more}"
    )
}

#[test]
fn plan_shows_changes_without_making_them() {
    let azure = Azure::start();
    azure.seed(&compute("another-name", &json!({})));
    let wanted = manifest("  identity: {type: SystemAssigned}\n  tags: {team: data}\n");
    let out = azure.plan(&[], &wanted);
    let shown = text(&out.stdout);
    assert_eq!(out.status.code(), Some(2), "{shown}{}", text(&out.stderr));
    for words in [
        "team-a/my-spark-pool",
        "no compute of that name",
        "attach (PUT)",
        "identity.type: None -> SystemAssigned",
        "tags.team: (nothing) -> data",
        "already, as another-name",
    ] {
        assert!(shown.contains(words), "{words:?} is not in:\n{shown}");
    }
    // A compute of an object of that name counts as its own, although a manifest has no UID.
    azure.seed(&compute(
        "my-spark-pool",
        &json!({"synapse-spark-operator-owner": "cluster/team-a/my-spark-pool/uid", "team": "data"}),
    ));
    let out = azure.plan(&["-o", "json"], &manifest("  tags: {team: data}\n"));
    let plans: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(
        (out.status.code(), &plans["plans"][0]["reason"], &plans["plans"][0]["somethingToDo"]),
        (Some(0), &json!("Attached"), &json!(false)),
        "{plans}"
    );
    let out = azure.plan(&["-o", "json"], &manifest("  tags: {team: other}\n"));
    let plans: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(plans["plans"][0]["changes"], json!([{"field": "tags.team", "want": "other", "have": "data"}]), "{plans}");
    assert_eq!(
        plans["plans"][0]["kept"],
        json!(["properties.computeLocation: \"eastus2\"", "properties.disableLocalAuth: false"]),
        "{plans}"
    );
    assert_eq!(out.status.code(), Some(2));
    // It may be a default of the namespace, which is in the object and not in the manifest. An adoption would remove it.
    for (tags, code) in [(json!({"synapse-spark-operator-owner": "cluster/team-a/my-spark-pool/uid"}), 0), (json!({}), 2)] {
        let mut one = compute("my-spark-pool", &tags);
        one["identity"] = json!({"type": "SystemAssigned"});
        azure.seed(&one);
        let out = azure.plan(&[], &manifest(""));
        let (shown, said) = (text(&out.stdout), text(&out.stderr));
        assert_eq!(out.status.code(), Some(code), "{tags}: {shown}{said}");
        assert_eq!(said.contains("the identity of the compute is not compared"), code == 0, "{said}");
        assert_eq!(shown.contains("SystemAssigned -> None"), code == 2, "{shown}");
    }
    assert_eq!(azure.writes(), 0, "it changes nothing");
}

#[test]
fn plan_for_a_pull_request_shows_what_changes_and_renders_nothing_of_others() {
    let azure = Azure::start();
    let tags = json!({"synapse-spark-operator-owner": "cluster/team-a/my-spark-pool/uid", "team": "``` </details> @all |"});
    azure.seed(&compute("my-spark-pool", &tags));
    let wanted =
        manifest("  tags: {team: 'data`</summary>'}\n  description: \"# one\\n\\n|two| ![x](https://evil.example/x.png)\"\n");
    let other = manifest("").replace("my-spark-pool", "weekly");
    let out = azure.plan(&["-o", "markdown"], &format!("{wanted}---\n{other}"));
    let shown = text(&out.stdout);
    assert_eq!(out.status.code(), Some(2), "{shown}{}", text(&out.stderr));
    let mut lines = shown.lines();
    assert_eq!(lines.next(), Some("<!-- synapse-spark-plan -->"), "a pipeline finds its comment by it");
    for line in [
        "Not in sync with Azure: 2 of 2 attachments.",
        "| ` team-a/my-spark-pool ` | update (PUT) | Updating | ` description `, ` tags.team ` |",
        "<summary><code>team-a/weekly</code>: attach (PUT)</summary>",
    ] {
        assert!(shown.lines().any(|one| one == line), "{line:?} is not in:\n{shown}");
    }
    // All of the tags and of the description is between the fences of the first block, which are longer than any of theirs.
    let (before, block) = shown.split_once("````text\n").expect("a longer fence");
    let (block, after) = block.split_once("\n````\n").expect("its end");
    for words in ["``` </details> @all |", "data`</summary>", "![x](https://evil.example/x.png)"] {
        assert!(block.contains(words) && !before.contains(words) && !after.contains(words), "{words:?}:\n{shown}");
    }
    let in_sync = manifest("  tags: {team: '``` </details> @all |'}\n");
    let out = azure.plan(&["-o", "markdown"], &in_sync);
    assert_eq!(
        (out.status.code(), text(&out.stdout).contains("all 1 attachments are in sync")),
        (Some(0), true),
        "{}",
        text(&out.stdout)
    );
    assert_eq!(azure.writes(), 0, "it changes nothing");
}

#[test]
fn plan_shows_what_jobs_need_before_the_attach_and_exits_as_without_it() {
    let azure = Azure::start();
    let identity = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/yogi-managed-id";
    let wanted = manifest(&format!("  identity: {{type: UserAssigned, userAssignedIdentities: [{{resourceId: {identity}}}]}}\n"));
    let out = azure.plan(&["--for-jobs"], &wanted);
    let shown = text(&out.stdout);
    assert_eq!(out.status.code(), Some(2), "{shown}{}", text(&out.stderr));
    let jobs = shown.split_once("  jobs     not all requirements are met:").map(|(_, jobs)| jobs).unwrap_or_default();
    let labels: Vec<_> = jobs.lines().filter_map(|line| line.trim().split_once(": ")).map(|(label, _)| label).collect();
    assert_eq!(labels, ["MISSING       synapse-role"], "{shown}");
    assert!(jobs.contains("az synapse role assignment create --workspace-name yogi-synapse-ws"), "{shown}");
    let out = azure.plan(&["--for-jobs", "-o", "json"], &wanted);
    let plans: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let jobs = plans["plans"][0]["jobs"].as_array().expect("a list");
    assert!(jobs.iter().any(|one| one["check"] == "synapse-role" && one["result"] == "missing"), "{plans}");
    let plans: Value = serde_json::from_slice(&azure.plan(&["-o", "json"], &wanted).stdout).expect("JSON");
    assert_eq!(plans["plans"][0]["jobs"], Value::Null, "only where it is asked for");
    assert_eq!(azure.writes(), 0, "it changes nothing");
}

#[test]
fn plan_warns_that_it_does_not_use_the_service_account() {
    let azure = Azure::start();
    let out = azure.plan(&["-o", "json"], &manifest("  serviceAccountName: team\n"));
    serde_json::from_slice::<Value>(&out.stdout).expect("nothing but JSON where programs read");
    let said = text(&out.stderr);
    for words in ["my-spark-pool", "uses your own Azure credential", "not the one of ServiceAccount team"] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert!(!text(&azure.plan(&[], &manifest("")).stderr).contains("ServiceAccount"));
}

#[test]
fn plan_exits_with_1_and_the_reason_if_azure_gives_no_answer() {
    let azure = Azure::start();
    let nowhere = manifest("").replace("yogi-aml-ws", "nope-ws");
    let table = [
        ("a wrong secret", azure.plan_with(&[], &manifest(""), "wrong"), "AADSTS7000215"),
        ("no workspace", azure.plan(&[], &nowhere), "WorkspaceNotFound"),
        ("no workspace, as Markdown", azure.plan(&["-o", "markdown"], &nowhere), "WorkspaceNotFound"),
        ("another kind", azure.plan(&[], "kind: Pod"), "must be SynapseSparkAttachment"),
        ("an unknown field", azure.plan(&[], &manifest("  tag: {team: data}\n")), "unknown field \"spec.tag\""),
        ("a file of az ml", azure.plan(&[], "name: spark\ntype: synapsespark\n"), "import -f FILE"),
        ("no YAML", azure.plan(&[], "a: ["), "line 1"),
        ("nothing", azure.plan(&[], ""), "no SynapseSparkAttachment"),
        ("a bad ID", azure.plan(&[], &manifest("").replace("bigDataPools", "sqlPools")), "spec.resourceId"),
    ];
    for (case, out, words) in table {
        assert_eq!(out.status.code(), Some(1), "{case}: {}", text(&out.stdout));
        assert!(text(&out.stderr).contains(words), "{case}: {}", text(&out.stderr));
    }
}
