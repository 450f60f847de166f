//! The life of a compute: attach, update, detach.

use serde_json::{Value, json};

use crate::client::{Auth, Azure, SYNAPSE};
use crate::seen::{Failure, Seen};
use crate::table::{Probe, row};
use crate::transport::{Body, Reply};

pub(super) const PROBES: &[&Probe] = &[
    &Probe {
        id: "attach",
        sends: "PUT of a compute without tags and identity, GET and LIST right after it; PUT again when it is attached; then DELETE",
        writes: true,
        needs: &[],
        rows: &[
            row(
                "PUT answers 201 with `Creating`, for a new compute and for an update",
                &["create", "create.state", "update", "update.state"],
            ),
            row(
                "`Azure-AsyncOperation` only: no `Location`, no `Retry-After`",
                &["create.headers", "update.headers", "detach.headers"],
            )
            .distinguishes(&["operationRetryAfter"]),
            row(
                "`tags` null and no `computeLocation` in the answer that creates; later `{}` and present; no `identity`, no `etag`",
                &[
                    "create.tags",
                    "create.computeLocation",
                    "create.identity",
                    "create.etag",
                    "later.tags",
                    "later.computeLocation",
                    "later.identity",
                    "later.etag",
                ],
            ),
            row("times with 7 fractional digits without trailing zeros, and `+00:00`", &["createdOn", "modifiedOn"]),
            row(
                "inner `properties` have the values of the pool; they are an object even while `Creating`",
                &["create.inner", "later.inner", "later.inner.sparkVersion"],
            ),
            row(
                "whether a read right after a write shows the write",
                &["get after create", "list after create", "get after detach", "list after detach"],
            )
            .distinguishes(&["staleReads", "staleLists"])
            .without("how long a stale read lasts; one read after each write is no proof that none is stale"),
            row("DELETE answers 202, without a body", &["detach", "detach.body"]),
            row("an operation exists only in the region of its workspace", &["operation elsewhere"]),
            row("the operation of a detach is `Succeeded` when the compute is gone, or 404", &["operation after detach"])
                .distinguishes(&["detachedOperation"]),
            row("a PUT or DELETE without `Azure-AsyncOperation`", &["create.headers", "update.headers", "detach.headers"])
                .distinguishes(&["operationHeader"]),
        ],
        ask: |azure, seen| Box::pin(attach(azure, seen)),
    },
    &Probe {
        id: "absent",
        sends: "GET and DELETE of a compute that was never there, and DELETE without underlyingResourceAction",
        writes: true,
        needs: &[],
        rows: &[
            row(
                "DELETE of a compute that does not exist answers 204; `underlyingResourceAction` is required",
                &["delete", "without action"],
            ),
            row(
                "404 of a compute has the code `ResourceNotFound`; an operation no longer exists after a day",
                &["get", "get.message"],
            )
            .without("an operation of more than a day ago: the run would take a day"),
        ],
        ask: |azure, seen| Box::pin(absent(azure, seen)),
    },
    &Probe {
        id: "no-location",
        sends: "PUT of a compute without location",
        writes: true,
        needs: &[],
        rows: &[row("a PUT without `location` is accepted", &["put", "put.location"])],
        ask: |azure, seen| Box::pin(no_location(azure, seen)),
    },
    &Probe {
        id: "busy",
        sends: "a second PUT while a compute is being created, and a DELETE while another one is",
        writes: true,
        needs: &[],
        rows: &[row(
            "a PUT or DELETE while an operation runs: 409 `Conflict`",
            &["put while creating", "put.message", "delete while creating", "delete.message"],
        )],
        ask: |azure, seen| Box::pin(busy(azure, seen)),
    },
    &Probe {
        id: "absent-pool",
        sends: "PUT of a compute whose pool does not exist",
        writes: true,
        needs: &[],
        rows: &[
            row(
                "a pool that does not exist: the operation fails with `UserError`",
                &["put", "operation", "operation.code", "operation.nested"],
            )
            .distinguishes(&["doubleNestedErrors"]),
            row("a failed attach leaves the compute as `Failed`", &["later", "later.state", "later.errors"]),
        ],
        ask: |azure, seen| Box::pin(absent_pool(azure, seen)),
    },
    &Probe {
        id: "patch",
        sends: "PATCH of an attached compute's tags",
        writes: true,
        needs: &[],
        rows: &[row("PATCH of a Spark compute: 400 `UserError`", &["patch"])],
        ask: |azure, seen| Box::pin(patch(azure, seen)),
    },
];

/// Which of three headers an answer has.
fn headers(reply: &Reply) -> Value {
    ["azure-asyncoperation", "location", "retry-after"].into_iter().filter(|name| reply.header(name).is_some()).collect()
}

fn shown(value: Option<&Value>) -> Value {
    value.map_or_else(|| json!("absent"), |value| if value.is_null() { json!("null") } else { value.clone() })
}

/// An envelope: what is there, without what differs from compute to compute.
fn envelope(seen: &mut Seen, when: &str, body: &Value) {
    // The tags themselves may be those of a policy, which are its owner's.
    let tagged = body["tags"].as_object().is_some_and(|tags| !tags.is_empty());
    seen.note(&format!("{when}.tags"), if tagged { json!("some") } else { shown(body.get("tags")) });
    let there = |value: Option<&Value>| if value.is_some() { "present" } else { "absent" };
    seen.note(&format!("{when}.computeLocation"), there(body["properties"].get("computeLocation")));
    seen.note(&format!("{when}.identity"), there(body.get("identity")));
    seen.note(&format!("{when}.etag"), there(body.get("etag")));
}

/// The form of a time.
fn form(time: &Value) -> Value {
    let Some((_, fraction)) = time.as_str().and_then(|text| text.split_once('.')) else {
        return json!("without a fraction");
    };
    let digits = fraction.len() - fraction.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (digits, offset) = fraction.split_at(digits);
    let length = if (6..=7).contains(&digits.len()) { "6 or 7".to_owned() } else { digits.len().to_string() };
    // Seven digits never end in 0, because a trailing zero is dropped; six may.
    let zero = if digits.len() == 7 && digits.ends_with('0') { ", the last is 0" } else { "" };
    json!(format!("{length} digits{zero}, {offset}"))
}

fn inner(body: &Value) -> Value {
    match body["properties"].get("properties") {
        Some(Value::Object(map)) => {
            let mut keys: Vec<_> = map.keys().cloned().collect();
            keys.sort();
            json!(keys)
        }
        other => shown(other),
    }
}

/// What GET and LIST show of a compute, by its state.
async fn reads(azure: &Azure, seen: &mut Seen, name: &str, after: &str) -> Result<(), Failure> {
    let id = azure.compute(name);
    let get = azure.get(&id).await?;
    let (all, _) = azure.list(&format!("{}/computes", azure.target.workspace), azure.version()).await?;
    let listed = all.iter().find(|compute| compute["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name)));
    let state = |body: &Value| body["properties"]["provisioningState"].clone();
    seen.note(&format!("get after {after}"), if get.is_success() { state(&get.body) } else { json!(get.outcome()) });
    seen.note(&format!("list after {after}"), listed.map_or_else(|| json!("absent"), state));
    Ok(())
}

async fn attach(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    let mut body = azure.spark();
    if let Some(map) = body.as_object_mut() {
        map.shift_remove("tags");
    }
    let created = azure.put(&name, &body).await?;
    seen.refusal("create", &created);
    seen.note("create.state", created.body["properties"]["provisioningState"].clone());
    seen.note("create.headers", headers(&created));
    envelope(seen, "create", &created.body);
    seen.note("create.inner", inner(&created.body));
    reads(azure, seen, &name, "create").await?;
    elsewhere(azure, seen, &created).await?;
    azure.settled(&created).await?;
    later(azure, seen, &name).await?;

    let updated = azure.put(&name, &azure.spark()).await?;
    seen.refusal("update", &updated);
    seen.note("update.state", updated.body["properties"]["provisioningState"].clone());
    seen.note("update.headers", headers(&updated));
    azure.settled(&updated).await?;

    let detached = azure.detach(&name).await?;
    seen.refusal("detach", &detached);
    seen.note("detach.body", shown(Some(&detached.body)));
    seen.note("detach.headers", headers(&detached));
    reads(azure, seen, &name, "detach").await?;
    let ended = azure.settled(&detached).await?;
    seen.note("operation after detach", if ended.status.is_empty() { ended.reply.outcome() } else { ended.status });
    Ok(())
}

/// The operation of an answer, below another region.
async fn elsewhere(azure: &Azure, seen: &mut Seen, reply: &Reply) -> Result<(), Failure> {
    let here = format!("/locations/{}/", azure.location());
    let Some(link) = reply.header("azure-asyncoperation").filter(|link| link.contains(&here)) else {
        return Ok(());
    };
    let url = azure.own(&link.replace(&here, "/locations/southafricanorth/"))?;
    seen.note("operation elsewhere", azure.send("GET", url, Auth::Arm, Body::None).await?.status);
    Ok(())
}

/// What GET shows of an attached compute.
async fn later(azure: &Azure, seen: &mut Seen, name: &str) -> Result<(), Failure> {
    let later = azure.later(name).await?;
    envelope(seen, "later", &later.body);
    for time in ["createdOn", "modifiedOn"] {
        seen.note(time, form(&later.body["properties"][time]));
    }
    seen.note("later.inner", inner(&later.body));
    let pool = azure.arm("GET", &azure.target.pool, SYNAPSE, Body::None).await?;
    let (of_pool, of_compute) =
        (&pool.body["properties"]["sparkVersion"], &later.body["properties"]["properties"]["sparkVersion"]);
    seen.note("later.inner.sparkVersion", if of_pool == of_compute { "the pool's" } else { "another" });
    Ok(())
}

async fn absent(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    let get = azure.get(&azure.compute(&name)).await?;
    seen.refusal("get", &get);
    seen.text("get.message", azure.message(&get));
    seen.refusal("delete", &azure.detach(&name).await?);
    seen.refusal("without action", &azure.arm("DELETE", &azure.compute(&name), azure.version(), Body::None).await?);
    Ok(())
}

async fn no_location(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    let mut body = azure.spark();
    if let Some(map) = body.as_object_mut() {
        map.shift_remove("location");
    }
    let put = azure.put(&name, &body).await?;
    seen.refusal("put", &put);
    let same = put.body["location"].as_str() == Some(azure.location().as_str());
    seen.note("put.location", if same { json!("the workspace's") } else { shown(put.body.get("location")) });
    azure.settled(&put).await?;
    Ok(())
}

async fn busy(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let (one, two) = (azure.name(), azure.name());
    let created = azure.put(&one, &azure.spark()).await?;
    let put = azure.put(&one, &azure.spark()).await?;
    seen.refusal("put while creating", &put);
    seen.text("put.message", azure.message(&put));
    azure.settled(&created).await?;

    let created = azure.put(&two, &azure.spark()).await?;
    let delete = azure.detach(&two).await?;
    seen.refusal("delete while creating", &delete);
    seen.text("delete.message", azure.message(&delete));
    azure.settled(&created).await?;
    azure.settled(&delete).await?;
    Ok(())
}

async fn absent_pool(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    let mut body = azure.spark();
    body["properties"]["resourceId"] = json!(format!("{}/bigDataPools/{name}", azure.target.synapse_id()));
    let put = azure.put(&name, &body).await?;
    seen.refusal("put", &put);
    let ended = azure.settled(&put).await?;
    seen.note("operation", ended.status.clone());
    seen.note("operation.code", ended.reply.error()["code"].clone());
    seen.note("operation.nested", ended.reply.body["error"]["error"].is_object());
    let later = azure.later(&name).await?;
    seen.refusal("later", &later);
    seen.note("later.state", later.body["properties"]["provisioningState"].clone());
    seen.note("later.errors", later.body["properties"]["provisioningErrors"].is_array());
    Ok(())
}

async fn patch(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let name = azure.name();
    azure.attached(&name, &azure.spark()).await?;
    let patch =
        azure.arm("PATCH", &azure.compute(&name), azure.version(), Body::Json(json!({"tags": {"patched": "yes"}}))).await?;
    seen.refusal("patch", &patch);
    azure.settled(&patch).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_time_does_not_contain_the_time() {
        for (time, expected) in [
            ("2022-08-30T19:56:28.2261097+00:00", "6 or 7 digits, +00:00"),
            ("2022-08-30T19:56:59.264095+00:00", "6 or 7 digits, +00:00"),
            ("2022-08-30T19:56:59.2640950Z", "6 or 7 digits, the last is 0, Z"),
            ("2022-08-30T19:56:59.264Z", "3 digits, Z"),
            ("2022-08-30T19:56:59Z", "without a fraction"),
        ] {
            assert_eq!(form(&json!(time)), expected, "{time}");
        }
    }
}
