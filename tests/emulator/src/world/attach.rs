//! PUT of a compute: its validation, its answer, and its operation.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::seed::Workspace;
use super::{Compute, Verb, World, busy, cluster, identity::Asked, later, pool::POOL_TYPE, timestamp};
use crate::exchange::Refusal;
use crate::fault::Failure;
use crate::id;
use crate::settings::Settings;

/// The body of the answer, and the operation.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) body: Value,
    pub(crate) operation: Uuid,
}

/// The content of a PUT of a compute.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The name in the path.
    name: String,
    kind: String,
    resource: Value,
    pub(crate) identity: Asked,
    body: Value,
}

impl Wanted {
    /// Reads the body of a PUT. The texts of the refusals are INF; the code is REAL of other computes.
    pub(crate) fn parse(name: &str, body: Value) -> Result<Self, Refusal> {
        let properties = &body["properties"];
        if !properties.is_object() {
            return Err(Refusal::user_error("The 'properties' of the compute are missing."));
        }
        let Some(kind) = properties["computeType"].as_str().map(str::to_owned) else {
            return Err(Refusal::user_error("The 'computeType' of the compute is missing."));
        };
        let resource = properties["resourceId"].clone();
        if kind == "SynapseSpark" && !resource.as_str().is_some_and(|r| id::has_type(r, POOL_TYPE)) {
            return Err(Refusal::user_error(format!("The 'resourceId' {resource} is not the ID of a Synapse Spark pool.")));
        }
        if !(body["tags"].is_null() || body["tags"].as_object().is_some_and(|t| t.values().all(Value::is_string))) {
            return Err(Refusal::new(400, "InvalidRequestContent", "The values of 'tags' must be strings."));
        }
        check_name(name, &kind)?;
        let identity = Asked::parse(body.get("identity"))?;
        Ok(Self { name: name.to_owned(), kind, resource, identity, body })
    }

    /// Whether an existing compute may be changed to this. Only identity, tags and description can change (DOC);
    /// how the service answers another pool is NF.
    fn fits(&self, before: &Value) -> Result<(), Refusal> {
        let name = &self.name;
        let properties = &before["properties"];
        let same = |key: &str, other: &str| properties[key].as_str().is_none_or(|o| o.eq_ignore_ascii_case(other));
        if !same("computeType", &self.kind) {
            return Err(Refusal::user_error(format!("The compute '{name}' is of another type.")));
        }
        let settled = properties["provisioningState"] == "Succeeded";
        if settled && !self.resource.as_str().is_none_or(|r| same("resourceId", r)) {
            return Err(Refusal::user_error(format!(
                "The compute '{name}' is attached to another resource; its resourceId can't be changed."
            )));
        }
        Ok(())
    }

    /// The compute that results from the previous one, which is null if there was none.
    fn applied(&self, now: Timestamp, place: &Workspace, before: &Value) -> Value {
        let (asked, was) = (&self.body["properties"], &before["properties"]);
        // An object, also while it is being created: SDK v1 and v2 need one (SDK).
        let inner = match self.kind.as_str() {
            "SynapseSpark" => first([&was["properties"], &Value::Null], json!({})),
            "AmlCompute" => cluster::shown(now, first([&asked["properties"], &was["properties"]], json!({}))),
            _ => first([&asked["properties"], &was["properties"]], json!({})),
        };
        // A cluster may be in another region than its workspace, which is then named here (REAL).
        let region = if self.kind == "AmlCompute" { &self.body["location"] } else { &Value::Null };
        json!({
            // The name keeps the case in which it was created (INF).
            "id": first([&before["id"], &Value::Null], json!(format!("{}/computes/{}", place.id, self.name))),
            "name": first([&before["name"], &Value::Null], json!(self.name)),
            "type": "Microsoft.MachineLearningServices/workspaces/computes",
            "location": first([&before["location"], &Value::Null], json!(place.location)),
            "tags": first([&self.body["tags"], &Value::Null], json!({})),
            "properties": {
                "createdOn": first([&was["createdOn"], &Value::Null], json!(timestamp(now))),
                "modifiedOn": timestamp(now),
                "disableLocalAuth": first([&asked["disableLocalAuth"], &Value::Null], json!(false)),
                "description": asked["description"],
                "resourceId": self.resource,
                "computeType": self.kind,
                "computeLocation": first(
                    [&asked["computeLocation"], &Value::Null],
                    first([region, &Value::Null], json!(place.location)),
                ),
                // Creating for an update too (REAL).
                "provisioningState": "Creating",
                "provisioningErrors": null,
                "isAttachedCompute": !self.resource.is_null(),
                "properties": inner,
            }
        })
    }

    /// The answer that creates: only it lacks these two (REAL).
    fn created(&self, body: &Value, hides_tags: bool) -> Value {
        let mut answer = body.clone();
        if let Some(properties) = answer["properties"].as_object_mut() {
            properties.shift_remove("computeLocation");
        }
        if hides_tags || self.body["tags"].is_null() {
            answer["tags"] = Value::Null;
        }
        answer
    }
}

/// The first that is not null.
fn first(values: [&Value; 2], default: Value) -> Value {
    values.into_iter().find(|v| !v.is_null()).cloned().unwrap_or(default)
}

/// The specification's pattern (SPEC), and 2 to 16 for types other than `AmlCompute` and instances (DOC).
fn check_name(name: &str, kind: &str) -> Result<(), Refusal> {
    let longest = if kind == "SynapseSpark" { 16 } else { 24 };
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let chars = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let number = name.rsplit_once('-').is_some_and(|(_, end)| !end.is_empty() && end.chars().all(|c| c.is_ascii_digit()));
    if letter && chars && !number && (3..=longest).contains(&name.len()) {
        return Ok(());
    }
    Err(Refusal::user_error(format!(
        "The compute name '{name}' is not valid: 3 to {longest} letters, digits and hyphens, a letter first, and no hyphen with nothing but digits after it."
    )))
}

impl World {
    /// Begins to create or update a compute; both have the same answer (REAL).
    pub(crate) fn attach(
        &mut self,
        now: Timestamp,
        settings: &Settings,
        workspace: &str,
        wanted: &Wanted,
        doomed: Option<Failure>,
    ) -> Result<Started, Refusal> {
        let place = self
            .workspaces
            .get(workspace)
            .ok_or_else(|| Refusal::new(404, "ParentResourceNotFound", "The workspace was not found."))?
            .clone();
        let key = format!("{workspace}/computes/{}", id::fold(&wanted.name));
        let before = self.computes.get(&key);
        if let Some(before) = before {
            if before.operation.is_some() {
                return Err(busy(&before.body));
            }
            wanted.fits(&before.body)?;
        }
        let (created, before) = before.map_or((None, Value::Null), |b| (Some(b.created), b.body.clone()));
        let tenant = self.tenant_of(&place.id).unwrap_or_default().to_owned();
        let identity = self.identity(&wanted.identity, before.get("identity"), settings, (now, &key, &tenant))?;

        let mut body = wanted.applied(now, &place, &before);
        if let Some(identity) = identity {
            body["identity"] = identity;
        }
        for (name, value) in
            self.policies.iter().filter(|(scope, _)| key.starts_with(scope.as_str())).flat_map(|(_, p)| &p.set_tags)
        {
            body["tags"][name] = json!(value);
        }
        let shown_tags = first([&before["tags"], &Value::Null], json!({}));
        let hidden_tags = settings.tags_visible_at_end.then(|| std::mem::replace(&mut body["tags"], shown_tags));
        let answer = if created.is_none() { wanted.created(&body, hidden_tags.is_some()) } else { body.clone() };
        self.counter += 1;
        let created = created.unwrap_or(self.counter);
        self.keep_for_stale_reads(now, settings, &key);
        self.computes.insert(key.clone(), Compute { body, created, operation: None, hidden_tags });
        let operation = self.begin(later(now, settings.operation_duration), Verb::Attach, key, doomed);
        Ok(Started { body: answer, operation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_specification() {
        for (name, good) in [
            ("abc", true),
            ("syn-none", true),
            ("link1-spark01", true),
            ("ab", false),
            ("cpu-1", false),
            ("1abc", false),
            ("a_b_c", false),
            ("abcdefghijklmnopq", false),
        ] {
            assert_eq!(check_name(name, "SynapseSpark").is_ok(), good, "{name}");
        }
        assert!(check_name("abcdefghijklmnopq", "Kubernetes").is_ok());
    }
}
