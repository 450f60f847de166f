//! Builds manifests, and checks them against the rules of the custom resource before they are printed.

pub(super) mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::{DeletionPolicy, Identity};
use crate::azure::wire;
use crate::planner::Goal;
use crate::resource_id::{ComputeId, WorkspaceId};

/// What a manifest is made of.
#[derive(Debug, Clone)]
// Many fields: one per field of the manifest.
pub(super) struct ManifestBuilder {
    /// Where it comes from, as messages name it.
    pub(super) place: String,
    pub(super) workspace: WorkspaceId,
    /// The name of the compute.
    pub(super) compute: String,
    /// The ID of the pool.
    pub(super) pool: String,
    pub(super) identity: Option<Identity>,
    pub(super) description: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) namespace: Option<String>,
    pub(super) deletion: DeletionPolicy,
    pub(super) suspend: bool,
    /// Whether it sets `adoptionPolicy` explicitly.
    pub(super) adopts: bool,
    /// The compute as Azure shows it, if it was made of that.
    pub(super) shown: Option<Box<wire::Compute>>,
}

impl ManifestBuilder {
    /// A pool attached to a workspace, and nothing more.
    pub(super) fn new(place: &str, workspace: WorkspaceId, compute: String, pool: String) -> Self {
        Self {
            place: place.to_owned(),
            workspace,
            compute,
            pool,
            identity: None,
            description: None,
            tags: BTreeMap::new(),
            namespace: None,
            deletion: DeletionPolicy::default(),
            suspend: false,
            adopts: false,
            shown: None,
        }
    }

    fn manifest(&self, name: &str) -> Value {
        let mut metadata = json!({"name": name});
        if let Some(namespace) = &self.namespace {
            metadata["namespace"] = json!(namespace);
        }
        let mut spec = json!({"workspace": {
            "subscriptionId": self.workspace.subscription().to_ascii_lowercase(),
            "resourceGroup": self.workspace.resource_group(),
            "name": self.workspace.name(),
        }});
        if self.compute != name {
            spec["computeName"] = json!(self.compute);
        }
        spec["resourceId"] = json!(self.pool);
        match &self.identity {
            Some(identity) => spec["identity"] = json!(identity),
            // The compute has none, and is not to get the default of the namespace.
            None if self.shown.is_some() => spec["identity"] = json!({"type": "None"}),
            None => {}
        }
        if let Some(description) = &self.description {
            spec["description"] = json!(description);
        }
        if !self.tags.is_empty() {
            spec["tags"] = json!(self.tags);
        }
        if self.deletion != DeletionPolicy::default() {
            spec["deletionPolicy"] = json!(self.deletion);
        }
        if self.adopts {
            spec["adoptionPolicy"] = json!("IfSamePool");
        }
        if self.suspend {
            spec["suspend"] = json!(true);
        }
        json!({"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment", "metadata": metadata, "spec": spec})
    }
}

/// A text as the name of an object of Kubernetes: small letters, digits and dashes.
pub(super) fn label(text: &str) -> String {
    let dashed: String =
        text.to_lowercase().chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' }).collect();
    dashed.chars().take(63).collect::<String>().trim_matches('-').to_owned()
}

/// The manifests, each with a unique name; or else the errors, one line each.
pub(super) fn manifests(builders: &[ManifestBuilder]) -> Result<Vec<Value>, Vec<String>> {
    let (mut made, mut wrong) = (Vec::new(), Vec::new());
    let mut computes: BTreeMap<ComputeId, &str> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for builder in builders {
        let place = &builder.place;
        let compute = match builder.workspace.compute(&builder.compute) {
            Ok(compute) => compute,
            Err(error) => {
                wrong.push(format!("{place}: {error}"));
                continue;
            }
        };
        if let Some(other) = computes.insert(compute.clone(), place) {
            wrong.push(format!("{place}: it is the same compute as in {other}, {compute}: leave one of them out"));
            continue;
        }
        let namespace = builder.namespace.as_deref();
        let plain = label(&builder.compute);
        let with_workspace = label(&format!("{}-{}", builder.compute, builder.workspace.name()));
        let name = [plain, with_workspace].into_iter().find(|name| names.insert((namespace, name.clone())));
        let Some(name) = name else {
            wrong.push(format!("{place}: another object has its name, {}: import it alone", label(&builder.compute)));
            continue;
        };
        let manifest = builder.manifest(&name);
        match check(&manifest) {
            Ok(()) => made.push(manifest),
            Err(why) => wrong.push(format!("{place}: {why}")),
        }
    }
    if wrong.is_empty() { Ok(made) } else { Err(wrong) }
}

/// Reads a manifest as the operator does, and checks it as the API server does.
pub(super) fn check(manifest: &Value) -> Result<(), String> {
    let object: SynapseSparkAttachment = serde_json::from_value(manifest.clone()).map_err(|error| error.to_string())?;
    rules::keep(&object)?;
    Goal::of(&object, "").map(drop).map_err(|invalid| invalid.to_string())
}

/// As `kubectl apply` takes them: YAML documents.
pub(super) fn yaml(manifests: &[Value]) -> Result<String, String> {
    let mut text = String::new();
    for manifest in manifests {
        // An ID on one line, so that it can be searched for.
        let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX, compact_list_indent: false };
        let one = serde_saphyr::to_string_with_options(manifest, options)
            .map_err(|error| format!("a manifest cannot be written: {error}"))?;
        // The YAML must read back equal, whatever a tag looks like.
        if serde_saphyr::from_str::<Value>(&one).ok().as_ref() != Some(manifest) {
            return Err(format!("a manifest cannot be represented in YAML; use -o json:\n{one}"));
        }
        if !text.is_empty() {
            text += "---\n";
        }
        text += &one;
    }
    Ok(text)
}

/// As `kubectl apply` takes them: one object of JSON, a List where there are several.
pub(super) fn as_json(manifests: Vec<Value>) -> String {
    let value = match <[Value; 1]>::try_from(manifests) {
        Ok([one]) => one,
        Err(items) => {
            let mut list = Map::new();
            list.insert("apiVersion".to_owned(), json!("v1"));
            list.insert("kind".to_owned(), json!("List"));
            list.insert("items".to_owned(), json!(items));
            Value::Object(list)
        }
    };
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUB: &str = "6560575d-fa06-4e7d-95fb-f962e74efd7a";

    fn builder(workspace: &str, compute: &str) -> ManifestBuilder {
        let workspace = WorkspaceId::new(SUB, "rg", workspace).expect("an ID");
        let pool = format!("/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Synapse/workspaces/s/bigDataPools/p");
        ManifestBuilder::new(&format!("place of {compute}"), workspace, compute.to_owned(), pool)
    }

    #[test]
    fn names_are_valid_in_kubernetes_and_unique() {
        let made = manifests(&[builder("one", "MyPool"), builder("two", "mypool"), builder("one", "plain")]).expect("good");
        let names: Vec<_> =
            made.iter().map(|one| (one["metadata"]["name"].as_str(), one["spec"]["computeName"].as_str())).collect();
        assert_eq!(names, [(Some("mypool"), Some("MyPool")), (Some("mypool-two"), Some("mypool")), (Some("plain"), None)]);
        let mut apart = [builder("one", "spark"), builder("two", "spark")];
        apart[1].namespace = Some("b".to_owned());
        let made = manifests(&apart).expect("good");
        assert_eq!(made[1]["metadata"], json!({"name": "spark", "namespace": "b"}), "another namespace has names of its own");
    }

    /// The API server refuses capitals, which Azure may show.
    #[test]
    fn the_subscription_is_written_in_lower_case() {
        let workspace = WorkspaceId::new(&SUB.to_uppercase(), "rg", "one").expect("an ID");
        let made = manifests(&[ManifestBuilder { workspace, ..builder("one", "spark") }]).expect("good");
        assert_eq!(made[0]["spec"]["workspace"]["subscriptionId"], SUB);
    }

    #[test]
    fn the_same_compute_twice_is_an_error() {
        let wrong = manifests(&[builder("one", "spark"), builder("ONE", "Spark")]).expect_err("the same compute");
        assert!(
            wrong.len() == 1 && wrong[0].starts_with("place of Spark: it is the same compute as in place of spark"),
            "{wrong:?}"
        );
    }

    #[test]
    fn texts_survive_yaml() {
        let mut one = builder("one", "spark");
        for (name, value) in
            [("a", "42"), ("b", "yes"), ("c", "1e3"), ("d", "~"), ("e", "a: b # c"), ("f", "two\nlines"), ("0x1", "")]
        {
            one.tags.insert(name.to_owned(), value.to_owned());
        }
        one.description = Some("- no list: 'quoted' \"twice\"".to_owned());
        let made = manifests(&[one.clone(), builder("two", "other")]).expect("good");
        let text = yaml(&made).expect("it survives");
        let read: Vec<SynapseSparkAttachment> = serde_saphyr::from_multiple(&text).expect("manifests");
        assert_eq!((read.len(), &read[0].spec.tags, &read[0].spec.description), (2, &one.tags, &one.description));
    }
}
