//! Jobs of a Machine Learning workspace, and the versions of components, codes and environments that they name.

use serde_json::{Value, json};

use super::workspace::{WORKSPACES, parent};
use super::{Call, authorize, json_body, not_allowed, not_found, page};
use crate::azure::Azure;
use crate::exchange::{Answer, Refusal};
use crate::id;
use crate::world::{Job, timestamp};

/// LIST of the jobs, without the steps of pipelines (SDK: these are requested from the run history).
pub(super) fn list(azure: &Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let at = format!("/{}", segments[..8].join("/"));
    if call.request.method != "GET" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{WORKSPACES}/jobs/read"), &at)?;
    let workspace = parent(azure, &at, "jobs", "read")?;
    let scope = id::fold(&workspace.id);
    let [kind, tag, view] = ["jobType", "tag", "listViewType"].map(|key| call.request.query_value(key));
    let is_listed = |job: &Job| job.is_listed(kind.as_deref(), tag.as_deref(), view.as_deref());
    let mut all: Vec<_> =
        azure.world.jobs.iter().filter(|(k, j)| is_listed(j) && id::is_within(k, &scope)).map(|(_, j)| j).collect();
    all.sort_by_key(|j| std::cmp::Reverse(j.created));
    page(azure, call, &format!("{}/jobs", workspace.id), all.into_iter().map(Job::body))
}

/// One job: GET, PUT. A PUT is complete when it is answered (SDK, recorded): 201, or 200 for an existing one (SPEC).
pub(super) fn one(azure: &mut Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let (at, name) = (format!("/{}", segments[..8].join("/")), segments[9].as_str());
    let resource = format!("{at}/jobs/{name}");
    let verb = match call.request.method.as_str() {
        "GET" => "read",
        "PUT" => "write",
        other => return Err(not_allowed(other)),
    };
    authorize(&azure.world, &call.token, &format!("{WORKSPACES}/jobs/{verb}"), &resource)?;
    let workspace = parent(azure, &at, "jobs", verb)?;
    let key = format!("{}/jobs/{}", id::fold(&workspace.id), id::fold(name));
    if verb == "read" {
        let missing = || not_found(&format!("{WORKSPACES}/{}/jobs/{name}", id::name(&workspace.id)), &resource);
        return azure.world.jobs.get(&key).map(|j| Answer::json(200, &j.body())).ok_or_else(missing);
    }
    let mut properties = json_body(call)?["properties"].take();
    if let Some(before) = azure.world.jobs.get_mut(&key) {
        before.describe(&properties);
        return Ok(Answer::json(200, &before.body()));
    }
    let plan = azure.world.plan(&id::fold(&workspace.id), &properties)?;
    for (field, default) in [("displayName", json!(name)), ("experimentName", json!("Default")), ("properties", json!({}))] {
        if properties[field].is_null() {
            properties[field] = default;
        }
    }
    properties["services"] = json!({
        "Studio": {"jobServiceType": "Studio", "endpoint": format!("https://ml.azure.com/runs/{name}?wsid={}", workspace.id)},
    });
    let body = json!({
        "id": format!("{}/jobs/{name}", workspace.id),
        "name": name,
        "type": format!("{WORKSPACES}/jobs"),
        "properties": properties,
        "systemData": made(call),
    });
    azure.world.submit(call.now, &azure.settings, body, plan, call.doomed.clone());
    let job = azure.world.jobs.get(&key).ok_or_else(|| not_found(name, &resource))?;
    Ok(Answer::json(201, &job.body()))
}

/// POST of `cancel`: 200 (SPEC: or 202 with a `Location`).
pub(super) fn cancel(azure: &mut Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let (at, name) = (format!("/{}", segments[..8].join("/")), segments[9].as_str());
    let resource = format!("{at}/jobs/{name}");
    if call.request.method != "POST" {
        return Err(not_allowed(&call.request.method));
    }
    authorize(&azure.world, &call.token, &format!("{WORKSPACES}/jobs/cancel/action"), &resource)?;
    let workspace = parent(azure, &at, "jobs", "cancel")?;
    let key = format!("{}/jobs/{}", id::fold(&workspace.id), id::fold(name));
    if !azure.world.jobs.contains_key(&key) {
        return Err(not_found(&format!("{WORKSPACES}/{}/jobs/{name}", id::name(&workspace.id)), &resource));
    }
    let ended = || Refusal::user_error(format!("The job '{name}' has ended and can't be canceled."));
    azure.world.cancel(call.now, &key).map(|()| Answer::empty(200)).ok_or_else(ended)
}

/// A version of a component, a code or an environment: GET returns the body of the PUT (SDK: all that a job needs). A DELETE of
/// a code leaves its files (SPEC: 200, or 204 if there is none).
pub(super) fn asset(azure: &mut Azure, call: &Call<'_>, segments: &[String]) -> Result<Answer, Refusal> {
    let (at, kind) = (format!("/{}", segments[..8].join("/")), segments[8].as_str());
    let resource = format!("/{}", segments.join("/"));
    let verb = match call.request.method.as_str() {
        "GET" => "read",
        "PUT" => "write",
        "DELETE" if kind.eq_ignore_ascii_case("codes") => "delete",
        other => return Err(not_allowed(other)),
    };
    authorize(&azure.world, &call.token, &format!("{WORKSPACES}/{kind}/versions/{verb}"), &resource)?;
    let workspace = parent(azure, &at, kind, verb)?;
    let id = format!("{}/{}", workspace.id, segments[8..].join("/"));
    let key = id::fold(&id);
    if verb == "read" {
        let of = format!("{WORKSPACES}/{}/{}", id::name(&workspace.id), segments[8..].join("/"));
        return azure.world.assets.get(&key).map(|a| Answer::json(200, a)).ok_or_else(|| not_found(&of, &resource));
    }
    if verb == "delete" {
        return Ok(Answer::empty(if azure.world.assets.remove(&key).is_some() { 200 } else { 204 }));
    }
    let properties: Value = json_body(call)?["properties"].take();
    let body = json!({
        "id": id,
        "name": segments[11],
        "type": format!("{WORKSPACES}/{kind}/versions"),
        "properties": properties,
        "systemData": made(call),
    });
    let status = if azure.world.assets.insert(key, body.clone()).is_some() { 200 } else { 201 };
    Ok(Answer::json(status, &body))
}

/// Who created it, and when.
fn made(call: &Call<'_>) -> Value {
    let at = timestamp(call.now);
    json!({"createdAt": at, "createdBy": call.token.client, "createdByType": "Application", "lastModifiedAt": at})
}
