//! The reasons for which a PUT of a compute is refused.

use serde_json::json;

use crate::client::Azure;
use crate::seen::{Failure, Seen};
use crate::table::{Need, Probe, row};
use crate::transport::Reply;

pub(super) const PROBES: &[&Probe] = &[
    &Probe {
        id: "names",
        sends: "PUT of computes whose names begin with a digit, have an underscore, end in a hyphen and digits, or have 17 or 25 characters",
        writes: true,
        needs: &[],
        rows: &[
            row(
                "compute names: 3 to 24 characters, beginning with a letter, not ending in `-<digits>`",
                &["digit first", "underscore", "digits at the end", "25 characters"],
            )
            .without("names of two characters: they could be those of another compute"),
            row("names of Spark computes: at most 16 characters", &["16 characters", "17 characters"]),
        ],
        ask: |azure, seen| Box::pin(names(azure, seen)),
    },
    &Probe {
        id: "location",
        sends: "PUT of a compute with the location of another region, and the same of an attached one",
        writes: true,
        needs: &[],
        rows: &[
            row("`location` of another region, new compute: 400 `UserError`", &["create", "create.location"])
                .distinguishes(&["wrongLocation"]),
            row("`location` of another region, existing compute: 409 `InvalidResourceLocation`", &["update", "update.location"])
                .distinguishes(&["wrongLocation"]),
        ],
        ask: |azure, seen| Box::pin(location(azure, seen)),
    },
    &Probe {
        id: "other-pool",
        sends: "PUT of an attached compute with the ID of another pool",
        writes: true,
        needs: &[Need::OtherPool],
        rows: &[row("another `resourceId` on an attached compute: 400 `UserError`", &["put", "later"])],
        ask: |azure, seen| Box::pin(other_pool(azure, seen)),
    },
    &Probe {
        id: "bodies",
        sends: "PUTs of computes with a key that the specification does not have, and with a description of more than 4 MB",
        writes: true,
        needs: &[],
        rows: &[
            row("a key that the specification does not have: 400 `UserError`", &["unknown key"]).distinguishes(&["unknownKeys"]),
            row("a body of more than 4 MB: 413 `RequestContentTooLarge`", &["4 MB", "4 MB.message"]),
        ],
        ask: |azure, seen| Box::pin(bodies(azure, seen)),
    },
    &Probe {
        id: "absent-identity",
        sends: "PUT of a compute with a user-assigned identity that does not exist",
        writes: true,
        needs: &[],
        rows: &[row("an identity that does not exist: 400 `FailedIdentityOperation`", &["put", "operation"])],
        ask: |azure, seen| Box::pin(absent_identity(azure, seen)),
    },
];

async fn names(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let base = azure.name();
    let padded = |length: usize| format!("{base}{}", "x".repeat(length.saturating_sub(base.len())));
    let all = [
        ("digit first", format!("1{base}")),
        ("underscore", format!("{base}_x")),
        ("digits at the end", format!("{base}-1")),
        ("16 characters", padded(16)),
        ("17 characters", padded(17)),
        ("25 characters", padded(25)),
    ];
    for (what, name) in all {
        let put = azure.put(&name, &azure.spark()).await?;
        seen.refusal(what, &put);
        azure.settled(&put).await?;
    }
    Ok(())
}

/// The location of an answer, in words that hold for any region.
fn shown(azure: &Azure, reply: &Reply) -> &'static str {
    match reply.body["location"].as_str() {
        Some(location) if location.eq_ignore_ascii_case(&azure.location()) => "the workspace's",
        Some(_) => "as sent",
        None => "absent",
    }
}

async fn location(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let (one, two) = (azure.name(), azure.name());
    let elsewhere = match azure.target.cloud {
        crate::cloud::Cloud::Public => ["westeurope", "northeurope"],
        crate::cloud::Cloud::China => ["chinanorth3", "chinaeast2"],
        crate::cloud::Cloud::Usgov => ["usgovvirginia", "usgovarizona"],
    };
    let other = elsewhere.into_iter().find(|region| !region.eq_ignore_ascii_case(&azure.location()));
    let mut body = azure.spark();
    body["location"] = json!(other);
    let create = azure.put(&one, &body).await?;
    seen.refusal("create", &create);
    seen.note("create.location", shown(azure, &create));
    azure.settled(&create).await?;

    azure.attached(&two, &azure.spark()).await?;
    let update = azure.put(&two, &body).await?;
    seen.refusal("update", &update);
    seen.note("update.location", shown(azure, &update));
    azure.settled(&update).await?;
    Ok(())
}

async fn other_pool(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    azure.attached(&name, &azure.spark()).await?;
    let mut body = azure.spark();
    body["properties"]["resourceId"] = json!(azure.target.other_pool);
    let put = azure.put(&name, &body).await?;
    seen.refusal("put", &put);
    azure.settled(&put).await?;
    let later = azure.later(&name).await?;
    let is_first = later.body["properties"]["resourceId"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(&azure.target.pool));
    seen.note("later", if is_first { "the first pool" } else { "another pool" });
    Ok(())
}

async fn absent_identity(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    let identity = format!("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}", azure.target.group());
    let mut body = azure.spark();
    body["identity"] = json!({"type": "UserAssigned", "userAssignedIdentities": {identity: {}}});
    let put = azure.put(&name, &body).await?;
    seen.refusal("put", &put);
    let ended = azure.settled(&put).await?;
    seen.note("operation", ended.status);
    Ok(())
}

async fn bodies(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let mut unknown = azure.spark();
    unknown["properties"]["conformance"] = json!(true);
    let put = azure.put(&azure.name(), &unknown).await?;
    seen.refusal("unknown key", &put);
    azure.settled(&put).await?;
    let mut large = azure.spark();
    large["properties"]["description"] = json!("x".repeat(4 * 1024 * 1024));
    let put = azure.put(&azure.name(), &large).await?;
    seen.refusal("4 MB", &put);
    seen.text("4 MB.message", azure.message(&put));
    azure.settled(&put).await?;
    Ok(())
}
