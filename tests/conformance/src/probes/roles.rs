//! Roles of a Synapse workspace.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Auth, Azure};
use crate::ledger::Created;
use crate::seen::{Failure, Seen};
use crate::table::{Need, Probe, row};
use crate::target::name;
use crate::transport::{Body, Reply};

pub(super) const PROBES: &[&Probe] = &[
    &Probe {
        id: "role-definitions",
        sends: "GETs of the role definitions and of a role definition and a role assignment that do not exist; a check of access; GETs with no token, a text that is none, and ARM's; a GET from ARM with Synapse's token",
        writes: false,
        needs: &[Need::SynapseToken],
        rows: &[
            row("roles of Synapse: names, GUIDs, assignable scopes, data actions of two", &["roles", "actions"]),
            row("the data plane of Synapse accepts any API version", &["another version"]),
            row("the data plane's errors for invalid tokens", &["no token", "invalid token", "token of ARM"]),
            row("`AccessDecisions` with a capital A", &["check", "check.keys"]),
            row(
                "error codes of ARM: subscription, group, parent, resource, authorization, linked authorization, tokens",
                &["token of Synapse at ARM"],
            ),
        ],
        ask: |azure, seen| Box::pin(definitions(azure, seen)),
    },
    &Probe {
        id: "role-assignments",
        sends: "PUTs of role assignments for the identity of an attached compute: one, the same again, another under its GUID; GET, LIST, DELETE; the same after detaching",
        writes: true,
        needs: &[Need::SynapseToken],
        rows: &[
            row(
                "requests and answers of role assignments; `x-ms-continuation`",
                &["put", "put.keys", "get", "list", "list.keys", "delete", "delete again"],
            )
            .without("the continuation: it needs more role assignments than a page holds"),
            row("the same assignment twice: `RoleAssignmentAlreadyExists`", &["twice", "twice.message"]),
            row("another assignment under a GUID that is taken: 409 `RoleAssignmentUpdateNotPermitted`", &["taken"]),
            row("role assignments of a detached compute's principal remain", &["after detaching"]),
            row("principals and pools of an assignment are checked; 400 `PrincipalNotFound`", &["absent pool"])
                .distinguishes(&["absentAssignee"]),
            row("a new principal is not known at once", &["put at once"])
                .distinguishes(&["principalPropagation"])
                .without("how long it takes; a principal that is known at once is no proof"),
        ],
        ask: |azure, seen| Box::pin(assignments(azure, seen)),
    },
    &Probe {
        id: "role-refusals",
        sends: "PUTs of role assignments: an unknown role, a scope of the wrong kind, a principal that does not exist",
        writes: true,
        needs: &[Need::SynapseToken],
        rows: &[
            row(
                "400s and 404s of the data plane (`ValidationError`, `InvalidScope`, `RoleDefinitionNotFound`, `RoleAssignmentNotFound`, `WorkspaceNotFound`)",
                &["no role", "unknown role", "wrong scope", "absent role", "absent assignment"],
            )
            .without("WorkspaceNotFound: in Azure there is no host without a workspace"),
            row("principals and pools of an assignment are checked; 400 `PrincipalNotFound`", &["absent principal"])
                .distinguishes(&["absentAssignee"]),
        ],
        ask: |azure, seen| Box::pin(refusals(azure, seen)),
    },
];

const COMPUTE_OPERATOR: &str = "e3844cc7-4670-42cb-9349-9bdac1ee7881";
const SPARK_ADMINISTRATOR: &str = "c3a6d2f1-a26f-4810-9b0f-591308d5cbf1";
/// The two roles whose data actions are recorded.
const RECORDED: [&str; 2] = [COMPUTE_OPERATOR, SPARK_ADMINISTRATOR];

fn keys(value: &Value) -> Value {
    let mut keys: Vec<String> = value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
    keys.sort();
    json!(keys)
}

fn sorted(values: &Value) -> Value {
    let mut texts: Vec<&str> = values.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    texts.sort_unstable();
    json!(texts)
}

async fn definitions(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let all = azure.synapse("GET", "roleDefinitions", Body::None).await?;
    if all.status == 403 {
        return Err(Failure::NotAsked("the identity may not read the Synapse workspace's roles (403)".to_owned()));
    }
    let mut roles: Vec<&Value> = all.body.as_array().into_iter().flatten().collect();
    roles.sort_by_key(|role| role["id"].to_string());
    seen.note(
        "roles",
        roles
            .iter()
            .map(|role| json!({"id": role["id"], "name": role["name"], "scopes": sorted(&role["scopes"])}))
            .collect::<Value>(),
    );
    let actions =
        |id: &&str| roles.iter().find(|role| role["id"] == **id).map(|role| sorted(&role["permissions"][0]["dataActions"]));
    seen.note("actions", RECORDED.iter().map(|id| json!({"id": id, "dataActions": actions(id)})).collect::<Value>());
    for (what, auth) in [("no token", Auth::Absent), ("invalid token", Auth::Invalid), ("token of ARM", Auth::Arm)] {
        seen.refusal(what, &azure.synapse_as("GET", "roleDefinitions", Body::None, auth).await?);
    }
    let another = format!("{}/roleDefinitions?api-version=1999-01-01", azure.target.synapse);
    seen.refusal("another version", &azure.send("GET", another, Auth::Synapse, Body::None).await?);
    let at_arm = format!("{}{}?api-version={}", azure.target.arm, azure.target.workspace, azure.version());
    seen.refusal("token of Synapse at ARM", &azure.send("GET", at_arm, Auth::Synapse, Body::None).await?);
    let action = "Microsoft.Synapse/workspaces/bigDataPools/useCompute/action";
    let body = json!({"subject": {"principalId": Uuid::new_v4()}, "actions": [{"id": action, "isDataAction": true}], "scope": azure.target.pool_scope()});
    let check = azure.synapse("POST", "checkAccessSynapseRbac", Body::Json(body)).await?;
    seen.refusal("check", &check);
    seen.note("check.keys", keys(&check.body));
    Ok(())
}

/// PUT of a role assignment of this run.
async fn assign(azure: &Azure, guid: Uuid, role: &str, principal: &str, scope: &str) -> Result<Reply, Failure> {
    azure.will_create(Created::RoleAssignment(guid.to_string()));
    let body = json!({"roleId": role, "principalId": principal, "scope": scope, "principalType": "ServicePrincipal"});
    azure.synapse("PUT", &format!("roleAssignments/{guid}"), Body::Json(body)).await
}

/// The same for a new principal, which Synapse may not find for some minutes.
async fn assigned(azure: &Azure, guid: Uuid, principal: &str, scope: &str) -> Result<Reply, Failure> {
    let mut put = assign(azure, guid, COMPUTE_OPERATOR, principal, scope).await?;
    let mut waited = Duration::ZERO;
    while put.outcome() == "400 PrincipalNotFound" && waited < azure.target.patience {
        azure.wait(azure.target.poll).await;
        waited += azure.target.poll;
        put = assign(azure, guid, COMPUTE_OPERATOR, principal, scope).await?;
    }
    Ok(put)
}

async fn assignments(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let compute = azure.name();
    let mut body = azure.spark();
    body["identity"] = json!({"type": "SystemAssigned"});
    azure.attached(&compute, &body).await?;
    let shown = azure.later(&compute).await?;
    let principal = shown.body["identity"]["principalId"].as_str().unwrap_or_default().to_owned();
    let (one, two, scope) = (Uuid::new_v4(), Uuid::new_v4(), azure.target.pool_scope());
    let path = format!("roleAssignments/{one}");

    let first = assign(azure, one, COMPUTE_OPERATOR, &principal, &scope).await?;
    if first.status == 403 {
        return Err(Failure::NotAsked("the identity may not assign roles in the Synapse workspace (403)".to_owned()));
    }
    seen.refusal("put at once", &first);
    let put = if first.is_success() { first } else { assigned(azure, one, &principal, &scope).await? };
    seen.refusal("put", &put);
    seen.note("put.keys", keys(&put.body));
    let twice = assign(azure, two, COMPUTE_OPERATOR, &principal, &scope).await?;
    seen.refusal("twice", &twice);
    seen.text("twice.message", azure.message(&twice));
    let workspace = format!("workspaces/{}", name(azure.target.synapse_id()));
    let absent_pool = format!("{workspace}/bigDataPools/{}", azure.name());
    seen.refusal("absent pool", &assign(azure, Uuid::new_v4(), COMPUTE_OPERATOR, &principal, &absent_pool).await?);
    seen.refusal("taken", &assign(azure, one, SPARK_ADMINISTRATOR, &principal, &workspace).await?);
    seen.refusal("get", &azure.synapse("GET", &path, Body::None).await?);
    let list = azure.synapse("GET", &format!("roleAssignments?principalId={principal}"), Body::None).await?;
    seen.refusal("list", &list);
    seen.note("list.keys", keys(&list.body));

    azure.detached(&compute).await?;
    seen.refusal("after detaching", &azure.synapse("GET", &path, Body::None).await?);
    seen.refusal("delete", &azure.synapse("DELETE", &path, Body::None).await?);
    seen.refusal("delete again", &azure.synapse("DELETE", &path, Body::None).await?);
    Ok(())
}

async fn refusals(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let (principal, scope) = (Uuid::new_v4().to_string(), azure.target.pool_scope());
    let unknown = Uuid::new_v4().to_string();
    let guid = Uuid::new_v4();
    azure.will_create(Created::RoleAssignment(guid.to_string()));
    let body = Body::Json(json!({"principalId": principal, "scope": scope}));
    let first = azure.synapse("PUT", &format!("roleAssignments/{guid}"), body).await?;
    if first.status == 403 {
        return Err(Failure::NotAsked("the identity may not assign roles in the Synapse workspace (403)".to_owned()));
    }
    seen.refusal("no role", &first);
    for (what, role, scope) in [
        ("unknown role", unknown.as_str(), &scope),
        ("wrong scope", SPARK_ADMINISTRATOR, &scope),
        ("absent principal", COMPUTE_OPERATOR, &scope),
    ] {
        seen.refusal(what, &assign(azure, Uuid::new_v4(), role, &principal, scope).await?);
    }
    seen.refusal("absent role", &azure.synapse("GET", &format!("roleDefinitions/{unknown}"), Body::None).await?);
    seen.refusal("absent assignment", &azure.synapse("GET", &format!("roleAssignments/{unknown}"), Body::None).await?);
    Ok(())
}
