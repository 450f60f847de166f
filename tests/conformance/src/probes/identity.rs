//! Identities of a compute.

use serde_json::{Map, Value, json};

use crate::client::Azure;
use crate::seen::{Failure, Seen};
use crate::table::{Need, Probe, row};

pub(super) const PROBES: &[&Probe] = &[
    &Probe {
        id: "system-identity",
        sends: "PUT with the identity type Systemassigned; PUT without identity; detach, attach again",
        writes: true,
        needs: &[],
        rows: &[
            row("`identity.type` is not case-sensitive, and may contain spaces", &["Systemassigned", "Systemassigned.shown"]),
            row("a PUT without `identity` removes it", &["put without identity", "identity after it"])
                .distinguishes(&["absentIdentity"]),
            row(
                "a system-assigned identity soon after the detach of a compute with the same name and such an identity: 400 `FailedIdentityOperation`, for about 150 s",
                &["attach again at once"],
            )
            .distinguishes(&["identityDeletion"])
            .without("how long it takes: see answeredAfterSeconds in the recordings"),
            row(
                "the system-assigned principal is new after detaching and attaching",
                &["principal after an update", "principal after attaching again"],
            ),
        ],
        ask: |azure, seen| Box::pin(system(azure, seen)),
    },
    &Probe {
        id: "user-identity",
        sends: "PUT with the identity type `SystemAssigned, UserAssigned` and one user-assigned identity, whose ID has /resourceGroups/",
        writes: true,
        needs: &[Need::Identity],
        rows: &[
            row("`identity.type` is not case-sensitive, and may contain spaces", &["with a space", "with a space.shown"]),
            row("keys of user-assigned identities are returned with `/resourcegroups/`", &["key"])
                .distinguishes(&["lowercaseResourceGroups"]),
        ],
        ask: |azure, seen| Box::pin(user(azure, seen)),
    },
    &Probe {
        id: "order-of-identities",
        sends: "PUT with two user-assigned identities, the one that sorts last first",
        writes: true,
        needs: &[Need::TwoIdentities],
        rows: &[row("the order of user-assigned identities is preserved", &["order"]).distinguishes(&["sortIdentities"])],
        ask: |azure, seen| Box::pin(order(azure, seen)),
    },
];

async fn principal(azure: &Azure, name: &str) -> Result<Value, Failure> {
    Ok(azure.later(name).await?.body["identity"]["principalId"].clone())
}

fn compared(before: &Value, after: &Value) -> &'static str {
    match (after.is_string(), before == after) {
        (false, _) => "absent",
        (true, true) => "the same",
        (true, false) => "another",
    }
}

async fn system(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    let mut body = azure.spark();
    body["identity"] = json!({"type": "Systemassigned"});
    let put = azure.put(&name, &body).await?;
    seen.refusal("Systemassigned", &put);
    azure.settled(&put).await?;
    let shown = azure.later(&name).await?;
    seen.note("Systemassigned.shown", shown.body["identity"]["type"].clone());

    body["identity"] = json!({"type": "SystemAssigned"});
    let first = principal(azure, &name).await?;
    azure.attached(&name, &body).await?;
    seen.note("principal after an update", compared(&first, &principal(azure, &name).await?));
    azure.detached(&name).await?;
    let again = azure.put(&name, &body).await?;
    seen.refusal("attach again at once", &again);
    azure.settled(&again).await?;
    // The old identity may have to be deleted first, which takes minutes.
    azure.until(|| async { Ok(azure.put(&name, &body).await?.is_success()) }).await?;
    azure.until(|| async { Ok(azure.later(&name).await?.body["properties"]["provisioningState"] == "Succeeded") }).await?;
    seen.note("principal after attaching again", compared(&first, &principal(azure, &name).await?));

    let put = azure.put(&name, &azure.spark()).await?;
    seen.refusal("put without identity", &put);
    azure.settled(&put).await?;
    let later = azure.later(&name).await?;
    seen.note("identity after it", later.body["identity"]["type"].as_str().unwrap_or("absent"));
    Ok(())
}

/// The ID as ARM's documents write it.
fn capital(id: &str) -> String {
    id.split('/')
        .map(|s| if s.eq_ignore_ascii_case("resourceGroups") { "resourceGroups" } else { s })
        .collect::<Vec<_>>()
        .join("/")
}

fn keys(identity: &Value) -> Vec<String> {
    identity["userAssignedIdentities"].as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

async fn user(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    let identity = azure.target.identities.first().map(|id| capital(id)).unwrap_or_default();
    let mut body = azure.spark();
    body["identity"] = json!({"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {identity.as_str(): {}}});
    let put = azure.put(&name, &body).await?;
    seen.refusal("with a space", &put);
    azure.settled(&put).await?;
    let later = azure.later(&name).await?;
    seen.note("with a space.shown", later.body["identity"]["type"].clone());
    let key = keys(&later.body["identity"]).pop().unwrap_or_default();
    let spelled = if key.contains("/resourceGroups/") {
        "/resourceGroups/"
    } else if key.contains("/resourcegroups/") {
        "/resourcegroups/"
    } else {
        "absent"
    };
    seen.note("key", spelled);
    Ok(())
}

async fn order(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    let mut sent: Vec<String> = azure.target.identities.iter().map(|id| id.to_ascii_lowercase()).collect();
    sent.sort();
    sent.dedup();
    sent.reverse();
    let map: Map<String, Value> = sent.iter().map(|id| (id.clone(), json!({}))).collect();
    let mut body = azure.spark();
    body["identity"] = json!({"type": "UserAssigned", "userAssignedIdentities": map});
    azure.attached(&name, &body).await?;
    let later = azure.later(&name).await?;
    let back: Vec<String> = keys(&later.body["identity"]).iter().map(|id| id.to_ascii_lowercase()).collect();
    let sorted = back.iter().rev().eq(&sent);
    seen.note(
        "order",
        if back == sent {
            "as sent"
        } else if sorted {
            "sorted"
        } else {
            "another"
        },
    );
    Ok(())
}
