//! An object as the store keeps it: as JSON, which takes a fraction of the memory that the decoded object does.

use std::borrow::Cow;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::runtime::watcher::Event;
use serde::{Deserialize, Deserializer};

use crate::api::SynapseSparkAttachment;
use crate::controller::key::Key;

/// An object as the store keeps it. Nearly all objects are at rest, and each is decoded when it is reconciled.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// Namespace and name only: the store and the queue keep further copies.
    names: ObjectMeta,
    json: Arc<str>,
}

impl Packed {
    pub(super) fn of(object: &SynapseSparkAttachment) -> Self {
        let ObjectMeta { name, namespace, .. } = object.metadata.clone();
        let json = serde_json::to_string(object).expect("the types of the custom resource are JSON");
        Self { names: ObjectMeta { name, namespace, ..ObjectMeta::default() }, json: json.into() }
    }

    /// The object.
    pub(super) fn open(&self) -> SynapseSparkAttachment {
        serde_json::from_str(&self.json).expect("an object was packed")
    }

    pub(super) fn key(&self) -> Key {
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        Key::new(&of(&self.names.namespace), &of(&self.names.name))
    }
}

/// kube's controller requires it of the type that it reconciles, for watches that it starts itself.
impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SynapseSparkAttachment::deserialize(deserializer).map(|object| Self::of(&object))
    }
}

impl Resource for Packed {
    type DynamicType = <SynapseSparkAttachment as Resource>::DynamicType;
    type Scope = <SynapseSparkAttachment as Resource>::Scope;

    fn kind(of: &Self::DynamicType) -> Cow<'_, str> {
        SynapseSparkAttachment::kind(of)
    }

    fn group(of: &Self::DynamicType) -> Cow<'_, str> {
        SynapseSparkAttachment::group(of)
    }

    fn version(of: &Self::DynamicType) -> Cow<'_, str> {
        SynapseSparkAttachment::version(of)
    }

    fn plural(of: &Self::DynamicType) -> Cow<'_, str> {
        SynapseSparkAttachment::plural(of)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.names
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.names
    }
}

/// The event, as the store takes it.
pub(super) fn packed(event: &Event<SynapseSparkAttachment>) -> Event<Packed> {
    match event {
        Event::Apply(object) => Event::Apply(Packed::of(object)),
        Event::Delete(object) => Event::Delete(Packed::of(object)),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(Packed::of(object)),
        Event::InitDone => Event::InitDone,
    }
}

/// The object in the store.
pub(super) fn applied(event: Event<Packed>) -> Option<Packed> {
    match event {
        Event::Apply(object) => Some(object),
        Event::Delete(_) | Event::Init | Event::InitApply(_) | Event::InitDone => None,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
    };
    use kube::CustomResourceExt;
    use serde_json::{Value, json};

    use super::*;

    /// A value that has every field of a schema.
    fn sample(schema: &JSONSchemaProps) -> Value {
        if let Some(last) = schema.enum_.as_ref().and_then(|all| all.last()) {
            return last.0.clone();
        }
        match schema.type_.as_deref() {
            Some("array") => match &schema.items {
                Some(JSONSchemaPropsOrArray::Schema(items)) => json!([sample(items)]),
                other => panic!("an array of {other:?}"),
            },
            Some("boolean") => json!(true),
            Some("integer") => json!(7),
            Some("object") => {
                let fields = schema.properties.iter().flatten().map(|(name, of)| (name.clone(), sample(of)));
                let entry = match &schema.additional_properties {
                    Some(JSONSchemaPropsOrBool::Schema(of)) => Some(("ü".to_owned(), sample(of))),
                    _ => None,
                };
                Value::Object(fields.chain(entry).collect())
            }
            Some("string") if schema.format.as_deref() == Some("date-time") => json!("2026-01-01T00:00:00Z"),
            Some("string") => json!("ü"),
            other => panic!("a field of type {other:?}"),
        }
    }

    #[test]
    fn an_object_with_every_field_is_unpacked_as_it_was() {
        let definition = SynapseSparkAttachment::crd();
        let schema =
            definition.spec.versions[0].schema.as_ref().and_then(|one| one.open_api_v3_schema.clone()).expect("a schema");
        let mut object = sample(&schema);
        object["apiVersion"] = json!("synapse-spark.dev/v1alpha1");
        object["kind"] = json!("SynapseSparkAttachment");
        object["metadata"] = json!({
            "name": "nightly", "namespace": "team-a", "uid": "u", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-01-01T00:00:00Z", "deletionTimestamp": "2026-01-02T00:00:00Z",
            "finalizers": ["synapse-spark.dev/detach"],
            "annotations": {"synapse-spark.dev/on-delete": "abandon"},
        });
        let decoded: SynapseSparkAttachment = serde_json::from_value(object.clone()).expect("an object");
        assert_eq!(serde_json::to_value(&decoded).expect("JSON"), object, "it has every field");
        let packed = Packed::of(&decoded);
        assert_eq!(packed.open(), decoded);
        assert_eq!(packed.key().to_string(), "team-a/nightly");
    }
}
