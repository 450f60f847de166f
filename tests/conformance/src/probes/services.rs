//! Azure Resource Manager itself: its errors, the headers that count requests, the regional API.

use serde_json::{Value, json};

use crate::client::{Auth, Azure, SUBSCRIPTIONS};
use crate::ledger::Created;
use crate::seen::{Failure, Seen};
use crate::table::{Probe, row};
use crate::target::{Credential, name};
use crate::transport::{Body, Reply};

pub(super) const PROBES: &[&Probe] = &[
    &Probe {
        id: "errors",
        sends: "GETs of a subscription, a resource group, a workspace and a compute that do not exist; GETs without a token, with a text that is none, and with an api-version that is no date",
        writes: false,
        needs: &[],
        rows: &[row(
            "error codes of ARM: subscription, group, parent, resource, authorization, linked authorization, tokens",
            &["subscription", "group", "workspace", "parent", "compute", "no token", "invalid token", "version"],
        )
        .without("authorization and linked authorization: they need a second principal without rights"),
        row("an API version that the provider does not serve: 400 `NoRegisteredProviderFound`", &["version not served"])
            .distinguishes(&["apiVersions"])
            .without("which api-versions are served: the message of the answer lists them, see its recording")],
        ask: |azure, seen| Box::pin(errors(azure, seen)),
    },
    &Probe {
        id: "limits",
        sends: "GET of a compute that does not exist, LIST of computes, GET of the subscriptions: the headers that count requests",
        writes: false,
        needs: &[],
        rows: &[
            row(
                "limits fifteen times as high for all principals of a subscription; `…-remaining-subscription-global-reads` and `-writes` in addition to the principal's headers",
                &["reads", "all principals have more"],
            )
            .distinguishes(&["throttleProfile"]),
            row(
                "requests without a subscription use the tenant's buckets, which have the same sizes; `x-ms-ratelimit-remaining-tenant-reads`",
                &["tenant"],
            ),
            row("12,000 reads, 1,200 writes, 15,000 deletes an hour in clouds other than the public one", &["remaining reads"])
                .distinguishes(&["throttleProfile"])
                .without("in the public cloud this shows only that it has buckets"),
            row(
                "`…-subscription-resource-requests` and `-resource-entities-read` (for LISTs) instead of reads and writes if a provider overrides the limit",
                &["reads", "lists"],
            )
            .distinguishes(&["providerLimit"]),
        ],
        ask: |azure, seen| Box::pin(limits(azure, seen)),
    },
    &Probe {
        id: "limits-of-writes",
        sends: "DELETE of a compute that does not exist, and a PUT that is refused: the headers that count requests",
        writes: true,
        needs: &[],
        rows: &[
            row(
                "limits fifteen times as high for all principals of a subscription; `…-remaining-subscription-global-reads` and `-writes` in addition to the principal's headers",
                &["writes"],
            )
            .distinguishes(&["throttleProfile"]),
            row("`…-global-deletes`", &["deletes"]).distinguishes(&["throttleProfile"]),
        ],
        ask: |azure, seen| Box::pin(limits_of_writes(azure, seen)),
    },
    &Probe {
        id: "regional-api",
        sends: "GET of the workspace, and LIST of its computes where discoveryUrl leads, below /rp/workspaces",
        writes: false,
        needs: &[],
        rows: &[row("`discoveryUrl`, and computes at `/rp/workspaces/subscriptions/…`", &["discoveryUrl", "list", "list.value"])],
        ask: |azure, seen| Box::pin(regional(azure, seen)),
    },
];

/// A GUID that is no subscription.
const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

async fn errors(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let (target, absent) = (&azure.target, azure.name());
    let of_type = "providers/Microsoft.MachineLearningServices/workspaces";
    let subscription = format!("/subscriptions/{UNKNOWN}/resourceGroups/{absent}/{of_type}/{absent}");
    let group = format!("/subscriptions/{}/resourceGroups/{absent}/{of_type}/{absent}", target.subscription());
    let workspace = format!("{}/{of_type}/{absent}", target.group());
    for (what, id) in [
        ("subscription", subscription),
        ("group", group),
        ("parent", format!("{workspace}/computes/{absent}")),
        ("workspace", workspace),
        ("compute", azure.compute(&absent)),
    ] {
        seen.refusal(what, &azure.get(&id).await?);
    }
    let url = |version: &str| format!("{}{}?api-version={version}", target.arm, target.workspace);
    seen.refusal("no token", &azure.send("GET", url(azure.version()), Auth::Absent, Body::None).await?);
    seen.refusal("invalid token", &azure.send("GET", url(azure.version()), Auth::Invalid, Body::None).await?);
    seen.refusal("version", &azure.send("GET", url("latest"), Auth::Arm, Body::None).await?);
    seen.refusal("version not served", &azure.send("GET", url("1999-01-01"), Auth::Arm, Body::None).await?);
    Ok(())
}

/// The names of the headers that count requests, without the part that all have.
fn counted(reply: &Reply) -> Value {
    let mut names: Vec<&str> =
        reply.headers.iter().filter_map(|(name, _)| name.strip_prefix("x-ms-ratelimit-remaining-")).collect();
    names.sort_unstable();
    json!(names)
}

fn remaining(reply: &Reply, of: &str) -> Option<u64> {
    reply.header(&format!("x-ms-ratelimit-remaining-subscription-{of}"))?.parse().ok()
}

async fn limits(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let get = azure.get(&azure.compute(&azure.name())).await?;
    seen.note("reads", counted(&get));
    let list = azure.get(&format!("{}/computes", azure.target.workspace)).await?;
    seen.note("lists", counted(&list));
    let subscriptions = azure.arm("GET", "/subscriptions", SUBSCRIPTIONS, Body::None).await?;
    seen.note("tenant", counted(&subscriptions));
    let (own, all) = (remaining(&get, "reads"), remaining(&get, "global-reads"));
    seen.note("remaining reads", own.map_or("not shown", |own| if own <= 250 { "at most 250" } else { "more than 250" }));
    seen.note("all principals have more", own.zip(all).map(|(own, all)| all > own));
    Ok(())
}

async fn limits_of_writes(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    seen.note("deletes", counted(&azure.detach(&name).await?));
    let put = azure.put(&format!("{name}-1"), &azure.spark()).await?;
    seen.note("writes", counted(&put));
    azure.settled(&put).await?;
    azure.is_gone(&Created::Compute(name));
    Ok(())
}

/// Where the regional API is: a host of Azure, or what the target names.
fn regional_api(azure: &Azure, discovery: &str) -> Result<String, Failure> {
    if let Some(regional) = &azure.target.regional {
        return Ok(regional.clone());
    }
    let host = discovery.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    if host.ends_with(azure.target.cloud.regional_suffix()) {
        return Ok(format!("https://{host}"));
    }
    Err(Failure::NotAsked("discoveryUrl leads to a host that is not known as Azure's; no token is sent there".to_owned()))
}

async fn regional(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let workspace = azure.get(&azure.target.workspace).await?;
    let discovery = workspace.body["properties"]["discoveryUrl"].as_str().unwrap_or_default();
    let shown = discovery.replace(&azure.location(), "{location}").replace(azure.target.cloud.regional_suffix(), ".{suffix}");
    seen.note("discoveryUrl", shown.replace(name(&azure.target.workspace), "{workspace}"));
    let url =
        format!("{}/rp/workspaces{}/computes?api-version=2020-02-02", regional_api(azure, discovery)?, azure.target.workspace);
    let list = azure.send("GET", url, Auth::Arm, Body::None).await?;
    seen.refusal("list", &list);
    seen.note("list.value", list.body["value"].is_array());
    // Tokens that were given by hand may be for ARM alone.
    if list.status == 401 && matches!(azure.target.credential, Credential::Tokens { .. }) {
        return Err(Failure::NotAsked("the regional API refuses AZURE_ACCESS_TOKEN".to_owned()));
    }
    Ok(())
}
