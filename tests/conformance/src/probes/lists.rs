//! LISTs of ARM, and their pages.

use serde_json::{Value, json};

use crate::client::{Azure, SYNAPSE};
use crate::seen::{Failure, Seen};
use crate::table::{Probe, row};
use crate::target::part;
use crate::transport::{Body, Reply};

pub(super) const PROBES: &[&Probe] = &[
    &Probe {
        id: "lists",
        sends: "LISTs of the Machine Learning and Synapse workspaces of the subscription and of the resource group, and of the pools",
        writes: false,
        needs: &[],
        rows: &[row(
            "`nextLink` of ARM's LISTs; their bodies; LIST by subscription requires permission on the subscription",
            &["workspaces", "workspaces of the group", "synapse workspaces", "pools"],
        )
        .without("the right on the subscription: it needs a second principal without it")],
        ask: |azure, seen| Box::pin(lists(azure, seen)),
    },
    &Probe {
        id: "page-size",
        sends: "LIST of the workspace's computes",
        writes: false,
        needs: &[],
        rows: &[row("the size of a page of LIST", &["values on the first page", "nextLink"]).distinguishes(&["pageSize"])],
        ask: |azure, seen| Box::pin(page_size(azure, seen)),
    },
];

/// What a LIST is made of: its status, and which keys all of its values have.
fn form(reply: &Reply) -> Value {
    let Some(values) = reply.body["value"].as_array() else {
        return json!(reply.outcome());
    };
    let common = ["id", "name", "type", "location", "properties"]
        .into_iter()
        .filter(|key| values.iter().all(|value| value.get(key).is_some()));
    let keys: Vec<&str> = common.collect();
    json!({"status": reply.status, "keys": if values.is_empty() { json!("no values") } else { json!(keys) }})
}

async fn lists(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let target = &azure.target;
    let subscription = format!("/subscriptions/{}", target.subscription());
    let ml = "providers/Microsoft.MachineLearningServices/workspaces";
    let of_synapse = part(&target.pool, "subscriptions").unwrap_or_default();
    for (what, id, version) in [
        ("workspaces", format!("{subscription}/{ml}"), azure.version()),
        ("workspaces of the group", format!("{}/{ml}", target.group()), azure.version()),
        ("synapse workspaces", format!("/subscriptions/{of_synapse}/providers/Microsoft.Synapse/workspaces"), SYNAPSE),
        ("pools", format!("{}/bigDataPools", target.synapse_id()), SYNAPSE),
    ] {
        let reply = azure.arm("GET", &id, version, Body::None).await?;
        if reply.status == 403 {
            return Err(Failure::NotAsked(format!("the identity may not list {what} (403)")));
        }
        seen.note(what, form(&reply));
    }
    Ok(())
}

async fn page_size(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let page = azure.get(&format!("{}/computes", azure.target.workspace)).await?;
    let count = page.body["value"].as_array().map_or(0, Vec::len);
    let Some(next) = page.body["nextLink"].as_str() else {
        return Err(Failure::NotAsked(format!("the workspace has {count} computes, and LIST shows them on one page")));
    };
    seen.note("values on the first page", count);
    seen.note("nextLink", if next.contains("skip") { "with $skip" } else { "another form" });
    Ok(())
}
