//! `kubectl synapse try`: a job through an attachment, as the caller.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::plugin::{ADMIN, Said, azure_environment, folder, has, keys, synapse_as};
use crate::support::{TENANT, World};

const ROLE: &str = "synapseRole: {name: Synapse Administrator}";

/// The storage account of the test's workspace. Its name is a host name in Azure.
pub fn account(world: &World) -> String {
    let number = world.subscription.rsplit('-').next().unwrap_or_default();
    format!("/subscriptions/{}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st{number}", world.subscription)
}

/// Adds the storage account with these settings, and the workspace's datastores in it.
pub fn store(world: &World, settings: &Value) {
    let mut account = json!({"id": account(world)});
    for (key, value) in settings.as_object().expect("an object") {
        account[key] = value.clone();
    }
    world.add(&json!({
        "storageAccounts": [account],
        "workspaces": [{"id": world.workspace(), "storageAccount": account["id"]}],
    }));
}

/// An attachment that is Ready; its identity may use the storage account.
fn attached(name: &str, more: &[&str]) -> World {
    let world = World::new(name);
    store(&world, &json!({}));
    world.apply("nightly", "one", &[&["identity: {type: SystemAssigned}"], more].concat());
    world.ready("nightly");
    if !more.is_empty() {
        world.wait("nightly", "condition=RoleAssigned");
    }
    let principal = world.object("nightly").expect("it is there")["status"]["identity"]["principalId"].clone();
    let right = json!({"scope": account(&world), "roleId": "Storage Blob Data Contributor", "principalId": principal});
    world.add(&json!({"azureRoleAssignments": [right]}));
    world
}

fn try_as(world: &World, caller: (&str, &str), args: &[&str]) -> Said {
    synapse_as(world, &world.plane().kubeconfig, caller, &[&["try", "nightly"], args].concat())
}

fn as_json(world: &World, args: &[&str]) -> (Option<i32>, Value, String) {
    let (code, out, complaint) = try_as(world, ADMIN, &[&["--yes", "-o", "json"], args].concat());
    let result = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{complaint}"));
    (code, result, complaint)
}

/// What the caller sent to Azure other than GETs and requests for tokens: the method, the path without the parts that are the same
/// for all, and the body.
fn sent(world: &World) -> Vec<(String, String, Value)> {
    let journal = world.azure().control("GET", "journal", None).expect("a journal");
    let (workspace, storage) = (world.workspace(), format!("/blob/{}", account(world).rsplit('/').next().unwrap_or_default()));
    let all = journal["requests"].as_array().expect("a list").iter().filter(|one| one["method"] != "GET");
    all.filter_map(|one| {
        let path = one["path"].as_str()?;
        let is_callers = one["principal"].is_null() || one["principal"] == ADMIN.0;
        let short = path.strip_prefix(&workspace).or_else(|| path.strip_prefix(&storage)).filter(|_| is_callers)?;
        Some((one["method"].as_str()?.to_owned(), short.to_owned(), one["body"].clone()))
    })
    .collect()
}

#[test]
fn a_job_that_completes_is_a_proof_and_leaves_its_record() {
    let world = attached("try", &[ROLE]);
    let (code, out, progress) = try_as(&world, ADMIN, &["--yes"]);
    assert_eq!(code, Some(0), "{out}{progress}");
    has(&progress, &["the pool one with Spark 3.4", "the managed identity of the compute", "cost     a Spark session"]);
    has(
        &progress,
        &["datastores/workspaceblobstore/paths/", ": https://ml.azure.com/runs/synapse-spark-try-", "NotStarted after"],
    );
    has(&out, &["nightly: proven after", "remains    the record of the job"]);

    let sent = sent(&world);
    let steps: Vec<_> =
        sent.iter().map(|(method, path, _)| format!("{method} {}", path.split('/').nth(1).unwrap_or_default())).collect();
    let container = steps[1].strip_prefix("PUT ").expect("the upload").to_owned();
    assert_eq!(steps, ["POST codes", &format!("PUT {container}"), "PUT codes", "PUT jobs", "DELETE codes"]);
    let (start, blob, code, job, delete) = (&sent[0], &sent[1], &sent[2], &sent[3], &sent[4]);
    assert!(start.1.ends_with("/versions/1/startPendingUpload") && blob.1.ends_with("/try/main.py"), "{start:?} {blob:?}");
    assert_eq!((&code.1, format!("{}/startPendingUpload", code.1)), (&delete.1, start.1.clone()));
    let folder = code.2["properties"]["codeUri"].as_str().expect("an address");
    assert!(folder.ends_with(&format!(".blob.core.windows.net/{container}/try")), "{folder}");
    let properties = &job.2["properties"];
    assert_eq!(properties["computeId"], world.id("nightly"));
    assert_eq!(properties["codeId"], format!("{}{}", world.workspace(), code.1));
    assert_eq!(properties["identity"], json!({"identityType": "Managed"}));
    assert_eq!(world.writes("nightly"), ["PUT"], "the compute is left alone");
}

#[test]
fn the_result_as_json_has_the_keys_that_scripts_rely_on() {
    let world = attached("try-json", &[ROLE]);
    let (code, result, _) = as_json(&world, &["--as-user"]);
    assert_eq!((code, &result["result"], &result["check"]), (Some(0), &json!("proven"), &Value::Null), "{result}");
    assert_eq!(keys(&result), ["namespace", "name", "result", "message", "check", "advice", "job", "seconds", "remains"]);
    assert_eq!(keys(&result["job"]), ["name", "id", "studio"]);
    let (_, _, job) = &sent(&world)[3];
    assert_eq!(job["properties"]["identity"], json!({"identityType": "UserIdentity"}));
}

#[test]
fn a_job_that_fails_names_the_requirement_that_is_missing() {
    let world = attached("try-role", &[]);
    let (code, out, progress) = try_as(&world, ADMIN, &["--yes"]);
    assert_eq!(code, Some(2), "{out}{progress}");
    has(&out, &["nightly: failed after", "required Synapse RBAC permission", "set spec.synapseRole"]);
    has(
        &out,
        &["check      synapse-role: run kubectl synapse check nightly --for-jobs", "job        https://ml.azure.com/runs/"],
    );

    // With the role, but without access to the storage.
    world.patch("nightly", &json!({"spec": {"synapseRole": {"name": "Synapse Administrator"}}}));
    world.wait("nightly", "condition=RoleAssigned");
    let all = world.azure().control("GET", "world", None).expect("there is a world");
    let right = all["azureRoleAssignments"].as_array().expect("a list").iter().find(|one| one["scope"] == account(&world));
    let right = right.and_then(|one| one["id"].as_str()).expect("it has one").to_owned();
    world.remove(&format!("{}/providers/Microsoft.Authorization/roleAssignments/{right}", account(&world)));
    let (code, result, complaint) = as_json(&world, &[]);
    assert_eq!((code, &result["check"]), (Some(2), &json!("datastore-blob-data")), "{result}{complaint}");
}

#[test]
fn a_caller_without_rights_submits_nothing() {
    let world = attached("try-reader", &[ROLE]);
    let client = world.subscription.replace("-8000-", "-c000-");
    world.add(&json!({"principals": [{
        "tenantId": TENANT, "clientId": client, "objectId": client.replace("-c000-", "-d000-"), "secret": "of-a-reader",
        "rights": [{"scope": format!("/subscriptions/{}", world.subscription), "actions": ["*/read"]}],
    }]}));
    let (code, out, complaint) = try_as(&world, (&client, "of-a-reader"), &["--yes"]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{complaint}");
    has(
        &complaint,
        &["not submitted: the workspace ml-ws refuses the upload of code", "AuthorizationFailed", "AzureML Data Scientist"],
    );
}

#[test]
fn storage_that_refuses_the_upload_leaves_it_open_whether_jobs_run() {
    let world = attached("try-private", &[ROLE]);
    for (settings, words) in [
        (json!({"publicNetworkAccess": "Disabled"}), ["AuthorizationFailure", "in the virtual network of the workspace"]),
        (json!({"allowSharedKeyAccess": false}), ["KeyBasedAuthenticationNotPermitted", "It accepts no SAS"]),
    ] {
        store(&world, &settings);
        let (code, out, complaint) = try_as(&world, ADMIN, &["--yes"]);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{complaint}");
        has(&complaint, &["not submitted: the storage account of the workspace refuses the script", words[0], words[1]]);
        assert!(!complaint.contains("sig="), "{complaint}");
    }
    assert!(sent(&world).iter().all(|(method, path, _)| method != "PUT" || path.ends_with("/main.py")), "no job is submitted");
}

#[test]
fn without_confirmation_nothing_is_sent() {
    let world = attached("try-ask", &[ROLE]);
    for (args, code) in [(&["--dry-run"][..], Some(0)), (&[], Some(1))] {
        let (ended, out, progress) = try_as(&world, ADMIN, args);
        assert_eq!((ended, out.as_str()), (code, ""), "{progress}");
        has(&progress, &["upload   main.py", "cost     a Spark session"]);
    }
    assert_eq!(sent(&world), []);
}

/// The command, started as its user.
fn started(world: &World, args: &[&str]) -> Child {
    Command::new(folder(world).join("kubectl-synapse"))
        .args(["try", "nightly", "--yes", "-n", &world.namespace])
        .args(args)
        .env_clear()
        .env("KUBECONFIG", &world.plane().kubeconfig)
        .envs(azure_environment(world, ADMIN))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts")
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

/// Adds a fault to requests of this method for jobs or codes of the workspace.
fn fault(world: &World, method: &str, kind: &str, effect: &Value) {
    let mut fault = json!({"method": method, "path": format!("{}/{kind}/", world.workspace())});
    fault.as_object_mut().expect("an object").extend(effect.as_object().expect("an object").clone());
    world.azure().control("POST", "faults", Some(&fault)).expect("it is taken");
}

/// The requests for jobs and code versions that change something, without those that upload.
fn steps(world: &World) -> Vec<String> {
    let all = sent(world).into_iter().filter(|(method, path, _)| method != "POST" && !path.ends_with("/main.py"));
    all.map(|(method, path, _)| format!("{method} {}", path.split('/').nth(1).unwrap_or_default())).collect()
}

/// A replica may not show the job at once, and the answer to the submission may be lost.
#[test]
fn a_job_that_is_not_shown_at_once_is_found_and_keeps_its_code() {
    let world = attached("try-lost", &[ROLE]);
    for lost in [false, true] {
        if lost {
            fault(&world, "PUT", "jobs", &json!({"lostAnswer": true}));
        }
        fault(&world, "GET", "jobs", &json!({"status": 404, "times": 2}));
        let before = steps(&world).len();
        let (code, result, progress) = as_json(&world, &[]);
        assert_eq!((code, &result["result"]), (Some(0), &json!("proven")), "{result}{progress}");
        assert_eq!(progress.contains("looking for the job"), lost, "{progress}");
        assert_eq!(steps(&world)[before..], ["PUT codes", "PUT jobs", "DELETE codes"]);
    }
}

#[test]
fn code_is_kept_while_the_job_may_have_been_submitted() {
    let world = attached("try-unknown", &[ROLE]);
    fault(&world, "PUT", "jobs", &json!({"lostAnswer": true}));
    fault(&world, "GET", "jobs", &json!({"status": 403, "code": "AuthorizationFailed", "message": "no"}));
    let (code, out, complaint) = try_as(&world, ADMIN, &["--yes"]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{complaint}");
    has(
        &complaint,
        &["it is unknown whether the job was submitted", "az ml job cancel --name synapse-spark-try-", "/versions/1 remains"],
    );
    assert_eq!(steps(&world), ["PUT codes", "PUT jobs"]);

    // No replica shows the job, for longer than they lag.
    fault(&world, "PUT", "jobs", &json!({"reset": true}));
    let (code, out, complaint) = try_as(&world, ADMIN, &["--yes"]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{complaint}");
    has(&complaint, &["not submitted: Azure did not answer the submission, and shows no job of this name"]);
    assert_eq!(steps(&world)[2..], ["PUT codes", "PUT jobs", "DELETE codes"]);
}

#[test]
fn a_command_that_ends_before_the_submission_leaves_no_code_version() {
    let world = attached("try-early", &[ROLE]);
    fault(&world, "PUT", "codes", &json!({"delay": "2s", "times": 3}));
    let count = |step: &str| steps(&world).iter().filter(|one| *one == step).count();
    let signalled = [("-INT", 1), ("-TERM", 2)].map(|(signal, number)| {
        let child = started(&world, &[]);
        world.until("a code version is created", || (count("PUT codes") == number).then_some(()));
        send(signal, &child);
        (signal, child)
    });
    for (signal, child) in signalled {
        let ended = child.wait_with_output().expect("it ends");
        let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{signal}: {complaint}");
        has(&complaint, &["not submitted: interrupted before the job was submitted"]);
    }
    let (code, out, complaint) = try_as(&world, ADMIN, &["--yes", "--timeout", "1s"]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{complaint}");
    has(&complaint, &["not submitted: the time limit was reached before the job was submitted"]);
    assert_eq!((count("PUT jobs"), count("PUT codes")), (0, count("DELETE codes")));
}

/// A job that is still waiting when it is read for the first time, which takes longer than the command waits.
fn slow(world: &World) {
    fault(world, "GET", "jobs", &json!({"delay": "30s"}));
}

#[test]
fn a_job_that_takes_too_long_is_canceled() {
    let world = attached("try-late", &[ROLE]);
    slow(&world);
    let (code, result, progress) = as_json(&world, &["--timeout", "5s"]);
    assert_eq!((code, &result["result"]), (Some(1), &json!("unknown")), "{result}{progress}");
    has(result["message"].as_str().expect("a text"), &["the time limit was reached", "NotStarted"]);
    assert_eq!(result["check"], "primary-blob-data");
    let (method, path, _) = sent(&world).pop().expect("a request");
    assert!(method == "POST" && path.ends_with("/cancel"), "{method} {path}");
}

#[test]
fn ctrl_c_cancels_the_job() {
    use std::io::{BufRead as _, BufReader, Read as _};
    let world = attached("try-interrupt", &[ROLE]);
    slow(&world);
    let mut child = started(&world, &[]);
    let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let waits = lines.map_while(Result::ok).find(|line| line.starts_with("NotStarted"));
    assert!(waits.is_some(), "it never waited");
    send("-INT", &child);
    let mut out = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("a text");
    assert_eq!(child.wait().expect("it ends").code(), Some(1), "{out}");
    has(&out, &["nightly: unknown after", "interrupted, and the job is being canceled"]);
    assert!(sent(&world).iter().any(|(_, path, _)| path.ends_with("/cancel")));
}
