//! `spec.jobChecks`: how many requests the checks cause, that nothing waits for them, and when they are made again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::in_process::{Api, Azure, object};
use super::{nothing, start_with, until};

const OBJECTS: usize = 5;
const ADMINISTRATOR: &str = "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const STORAGE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts";
const ROLES: &str = "Microsoft.Authorization/roleAssignments";
const DAY: Duration = Duration::from_hours(24);

fn name(number: usize) -> String {
    format!("compute-{number}")
}

fn principal(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// An Azure with computes that are attached, each with a system-assigned identity that has every role, in one workspace.
fn attached() -> Arc<Azure> {
    let azure = Azure::default();
    for number in 0..OBJECTS {
        let (name, pool) = (name(number), object("team-a", "any", &nothing())["spec"]["resourceId"].clone());
        azure.add(
            &name,
            json!({
                "name": name,
                "identity": {"type": "SystemAssigned", "principalId": principal(number)},
                "tags": {"synapse-spark-operator-owner": format!("cluster/team-a/{name}/team-a-{name}")},
                "properties": {"computeType": "SynapseSpark", "resourceId": pool, "provisioningState": "Succeeded"},
            }),
        );
    }
    let of_synapse =
        |number| json!({"id": "a", "roleDefinitionId": ADMINISTRATOR, "principalId": principal(number), "scope": "workspaces/w"});
    let owner = json!({"roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"), "scope": "/"});
    let permissions = json!([{"actions": ["*"], "dataActions": ["*"]}]);
    let open = json!({"properties": {"publicNetworkAccess": "Enabled", "networkAcls": {"defaultAction": "Allow"}}});
    let datastore = json!({"isDefault": true, "datastoreType": "AzureBlob", "accountName": "lake", "subscriptionId": "s", "resourceGroup": "g"});
    azure.answer("/datastores", 200, json!({"value": [{"name": "d", "properties": datastore}]}));
    azure.answer("Microsoft.Synapse/workspaces/w", 200, {
        json!({"properties": {"defaultDataLakeStorage": {"resourceId": format!("{STORAGE}/primary")}}})
    });
    azure.answer("/firewallRules", 200, {
        json!({"value": [{"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}]})
    });
    azure.answer("/lake", 200, open.clone());
    azure.answer("/primary", 200, open);
    azure.answer("/roleAssignments", 200, json!({"value": (0..=OBJECTS).map(of_synapse).collect::<Vec<_>>()}));
    azure.answer(ROLES, 200, json!({"value": [{"properties": owner}]}));
    azure.answer(OWNER, 200, json!({"properties": {"roleName": "Owner", "permissions": permissions}}));
    Arc::new(azure)
}

fn put(api: &Api, number: usize) {
    api.put(object("team-a", &name(number), &json!({"identity": {"type": "SystemAssigned"}, "jobChecks": true})));
}

fn put_all(api: &Api) {
    (0..OBJECTS).for_each(|number| put(api, number));
}

/// The condition `JobsReady`: its status, and its message.
fn jobs_ready(api: &Api, number: usize) -> (String, String) {
    let conditions = api.get("team-a", &name(number))["status"]["conditions"].clone();
    let found = conditions.as_array().into_iter().flatten().find(|one| one["type"] == "JobsReady").cloned().unwrap_or_default();
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message"))
}

/// Waits until all have this status.
async fn all_have(api: &Api, status: &str) {
    let shown = || (0..OBJECTS).map(|number| jobs_ready(api, number)).collect::<Vec<_>>();
    until(&format!("JobsReady {status}"), || shown().iter().all(|(one, _)| one == status)).await;
}

/// How often each was read that only the checks need.
fn reads(azure: &Azure) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for one in azure.requests().into_iter().filter(|one| !one.contains("compute") && one != "GET p" && one != "GET ml") {
        *all.entry(one).or_default() += 1;
    }
    all
}

#[tokio::test(start_paused = true)]
async fn attachments_of_a_workspace_share_one_read_an_hour_and_nothing_is_written_at_rest() {
    let (api, azure) = (Api::streaming(), attached());
    let _running = start_with(&api, &azure, &[]);
    // Minutes apart: requests that are sent at the same time share an answer anyway.
    for number in 0..OBJECTS {
        put(&api, number);
        until("the next one is checked", || jobs_ready(&api, number).0 == "True").await;
        tokio::time::sleep(Duration::from_mins(2)).await;
    }
    assert_eq!(jobs_ready(&api, 0).1, "12 checks passed, 1 does not apply");
    // Each principal has its roles on both accounts; all else is shared.
    let own = 2 * OBJECTS + 1;
    let once = [("GET datastores", 1), ("GET w", 1), ("GET firewallRules", 1), ("GET lake", 1), ("GET primary", 1)];
    let first: BTreeMap<_, _> = once.into_iter().chain([("GET roleAssignments", own), (OWNER_OF_BOTH, 2)]).collect();
    let found = reads(&azure);
    assert_eq!(found.iter().map(|(one, count)| (one.as_str(), *count)).collect::<BTreeMap<_, _>>(), first);

    let (writes, before) = (api.writes(), found);
    tokio::time::sleep(DAY).await;
    assert_eq!(api.writes(), writes, "nothing is written to Kubernetes");
    for (what, count) in reads(&azure) {
        let an_hour = before[&what];
        let (times, rest) = ((count - an_hour) / an_hour, (count - an_hour) % an_hour);
        assert!((20..=24).contains(&times) && rest < an_hour, "{what}: {count} in a day, {an_hour} at first");
    }
}

const OWNER_OF_BOTH: &str = "GET 8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

#[tokio::test(start_paused = true)]
async fn a_refusal_is_remembered_for_the_hour_and_names_the_permission() {
    let (api, azure) = (Api::streaming(), attached());
    azure.answer(ROLES, 403, json!({"error": {"code": "AuthorizationFailed", "message": "no right"}}));
    azure.answer("/lake", 403, json!({"error": {"code": "AuthorizationFailed", "message": "no right"}}));
    put_all(&api);
    let _running = start_with(&api, &azure, &[]);
    all_have(&api, "Unknown").await;
    let (_, message) = jobs_ready(&api, 0);
    assert!(message.starts_with("5 of 13 checks could not be completed: datastore-contributor, "), "{message}");
    let needs = "needs: Microsoft.Authorization/roleAssignments/read; Microsoft.Storage/storageAccounts/read";
    assert!(message.contains("AuthorizationFailed: no right") && message.ends_with(needs), "{message}");
    let (writes, before) = (api.writes(), reads(&azure));
    tokio::time::sleep(DAY).await;
    assert_eq!(api.writes(), writes, "nothing is written to Kubernetes");
    for (what, count) in reads(&azure) {
        assert!(count <= 25 * before[&what], "{what}: {count} in a day, {} at first", before[&what]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_shows_within_the_hour_and_at_once_if_a_reconcile_is_requested() {
    let (api, azure) = (Api::streaming(), attached());
    put_all(&api);
    let _running = start_with(&api, &azure, &[]);
    all_have(&api, "True").await;
    azure.answer(ROLES, 200, json!({"value": []}));
    api.change("team-a", &name(0), &json!({"metadata": {"annotations": {"synapse-spark.dev/reconcile-requested-at": "now"}}}));
    until("the requested one is False", || jobs_ready(&api, 0).0 == "False").await;
    let (_, message) = jobs_ready(&api, 0);
    assert!(message.starts_with("4 of 13 checks failed: datastore-contributor, datastore-blob-data, primary-"), "{message}");
    let command = format!(
        "Run: az role assignment create --role \"Contributor\" --assignee-object-id {} --assignee-principal-type ServicePrincipal --scope {STORAGE}/lake",
        principal(0)
    );
    assert!(message.ends_with(&command), "{message}");
    assert_eq!(api.reason("team-a", &name(0)).as_deref(), Some("Attached"), "Ready does not depend on it");
    assert_eq!(jobs_ready(&api, 1).0, "True", "it was not requested");
    tokio::time::sleep(Duration::from_mins(66)).await;
    all_have(&api, "False").await;

    // Another identity has other roles.
    azure.answer(ROLES, 200, json!({"value": [{"properties": {"roleDefinitionId": OWNER, "scope": "/"}}]}));
    let mut recreated = json!({"type": "SystemAssigned"});
    recreated["principalId"] = json!(principal(OBJECTS));
    azure.change(&name(0), &json!({"identity": recreated}));
    // The next resync shows it.
    tokio::time::sleep(Duration::from_mins(5)).await;
    until("the new principal is checked", || jobs_ready(&api, 0).0 == "True").await;
    assert_eq!(jobs_ready(&api, 2).0, "False", "the others are checked within the hour");

    api.change("team-a", &name(2), &json!({"metadata": {"generation": 2}, "spec": {"jobChecks": false}}));
    until("without the checks there is no condition", || jobs_ready(&api, 2) == (String::new(), String::new())).await;
}

#[tokio::test(start_paused = true)]
async fn no_attach_waits_for_checks_that_azure_does_not_answer() {
    let (api, azure) = (Api::streaming(), attached());
    azure.silence_path("storageAccounts");
    put_all(&api);
    let _running = start_with(&api, &azure, &[]);
    until("the first are ready", || (0..OBJECTS).all(|number| api.reason("team-a", &name(number)).is_some())).await;
    let began = tokio::time::Instant::now();
    api.put(object("team-a", "other", &nothing()));
    until("another one is attached", || api.reason("team-a", "other").as_deref() == Some("Attached")).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    all_have(&api, "Unknown").await;
    let (_, message) = jobs_ready(&api, 0);
    assert!(message.starts_with("Azure has not answered what these checks need: datastore-contributor, "), "{message}");
    let writes = api.writes();
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(api.writes(), writes, "nothing is written to Kubernetes");

    // What is missing shows, whatever else has no answer.
    azure.answer("/roleAssignments", 200, json!({"value": []}));
    tokio::time::sleep(Duration::from_hours(2)).await;
    all_have(&api, "False").await;
    let (_, message) = jobs_ready(&api, 0);
    assert!(message.starts_with("1 of 13 checks failed: synapse-role. "), "{message}");
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_the_condition_becomes_unknown_and_requests_become_rare() {
    let (api, azure) = (Api::streaming(), attached());
    put(&api, 0);
    let _running = start_with(&api, &azure, &[]);
    until("it is checked", || jobs_ready(&api, 0).0 == "True").await;
    azure.answer("/lake", 503, json!({"error": {"code": "ServerUnavailable", "message": "busy"}}));
    let before = reads(&azure)["GET lake"];
    tokio::time::sleep(Duration::from_mins(67)).await;
    assert_eq!(jobs_ready(&api, 0).0, "True", "one attempt without an answer changes nothing");
    tokio::time::sleep(Duration::from_mins(25)).await;
    let (status, message) = jobs_ready(&api, 0);
    assert_eq!(status, "Unknown", "{message}");
    assert!(message.contains("these checks need: datastore-network; "), "{message}");
    let writes = api.writes();
    tokio::time::sleep(DAY).await;
    assert_eq!(api.writes(), writes, "nothing is written to Kubernetes");
    let attempts = reads(&azure)["GET lake"] - before;
    assert!((20..=35).contains(&attempts), "{attempts}");
}

#[tokio::test(start_paused = true)]
async fn the_condition_is_unknown_while_another_identity_is_not_checked() {
    let (api, azure) = (Api::streaming(), attached());
    put(&api, 0);
    let _running = start_with(&api, &azure, &[]);
    until("it is checked", || jobs_ready(&api, 0).0 == "True").await;
    azure.silence_path("storageAccounts");
    azure.change(&name(0), &json!({"identity": {"principalId": principal(OBJECTS)}}));
    tokio::time::sleep(Duration::from_mins(8)).await;
    let (status, message) = jobs_ready(&api, 0);
    assert_eq!(status, "Unknown", "{message}");
    assert!(message.contains("these checks need: datastore-contributor, "), "{message}");
}

#[tokio::test(start_paused = true)]
async fn checks_that_are_requested_together_share_their_answers() {
    let (api, azure) = (Api::streaming(), attached());
    put_all(&api);
    let _running = start_with(&api, &azure, &[]);
    all_have(&api, "True").await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    let before = reads(&azure);
    for number in 0..OBJECTS {
        api.change(
            "team-a",
            &name(number),
            &json!({"metadata": {"annotations": {"synapse-spark.dev/reconcile-requested-at": "now"}}}),
        );
        // They are requested one after the other.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    let found = reads(&azure);
    for (what, more) in [("GET datastores", 1), ("GET w", 1), ("GET firewallRules", 1), ("GET lake", 1), (OWNER_OF_BOTH, 0)] {
        assert_eq!(found[what] - before[what], more, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_the_condition_stays_as_it_is_until_the_checks_are_made() {
    let (api, azure) = (Api::streaming(), attached());
    put_all(&api);
    let running = start_with(&api, &azure, &[]);
    all_have(&api, "True").await;
    running.abort();
    let _ = running.await;
    let (writes, before) = (api.writes(), reads(&azure)["GET datastores"]);
    let _running = start_with(&api, &azure, &[]);
    until("they are made again", || reads(&azure)["GET datastores"] > before).await;
    tokio::time::sleep(Duration::from_mins(6)).await;
    assert_eq!(api.writes(), writes, "nothing is written to Kubernetes");
    let shown: Vec<Value> = (0..OBJECTS).map(|number| json!(jobs_ready(&api, number).0)).collect();
    assert_eq!(shown, vec![json!("True"); OBJECTS]);
}
