//! A stored object, decoded to what the operator reads of it.
//!
//! Kubernetes lets a user put 256 KiB of annotations on an object, and as many labels, owner references and managed fields
//! as fit into 1.5 MiB. The cache keeps every object, so what is not used is skipped while the JSON is read: it is never in
//! memory as a value. An object that cannot be decoded affects no other object.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Resource;
use kube::core::error_boundary::InvalidObject;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use uuid::Uuid;

use crate::api::{ALLOW_RECREATE, FORCE_REQUESTED_AT, ON_DELETE, RECONCILE_REQUESTED_AT, SynapseSparkAttachment, TRANSFER_TO};

/// The longest value of an annotation that is kept as it is.
const LONGEST: usize = 64;
/// The longest value of the annotation that names a recipient: a UID and two names of 63 characters, and the slashes between them.
const LONGEST_RECIPIENT: usize = 164;
/// More finalizers than any object needs. Each may have 300 characters, and the list is kept.
const MOST_FINALIZERS: usize = 64;

/// An object with the metadata that the operator reads, or the reason why it cannot be decoded.
#[derive(Debug, Clone)]
pub struct Stored(pub Result<SynapseSparkAttachment, InvalidObject>);

/// The value of an annotation in at most 64 characters.
///
/// A longer value is cut, and a part of its hash is appended, so that different long values stay different. Capping a capped
/// value does not change it.
#[must_use]
pub fn capped(value: &str) -> Cow<'_, str> {
    cut(value, LONGEST)
}

fn cut(value: &str, longest: usize) -> Cow<'_, str> {
    if value.len() <= longest || value.chars().nth(longest).is_none() {
        return Cow::Borrowed(value);
    }
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, value.as_bytes()).simple().to_string();
    let hash = &hash[..16];
    Cow::Owned(value.chars().take(longest - 1 - hash.len()).chain(['~']).chain(hash.chars()).collect())
}

/// The object as it is on the wire, with its spec and status not decoded yet.
#[derive(Deserialize)]
struct Wire {
    metadata: Metadata,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

/// The metadata that the operator reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
// Many fields: one per field of the metadata that the operator reads.
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    finalizers: Option<Vec<String>>,
    #[serde(deserialize_with = "annotations")]
    annotations: BTreeMap<String, String>,
}

impl From<Metadata> for ObjectMeta {
    fn from(read: Metadata) -> Self {
        Self {
            name: read.name,
            namespace: read.namespace,
            uid: read.uid,
            resource_version: read.resource_version,
            generation: read.generation,
            creation_timestamp: read.creation_timestamp,
            deletion_timestamp: read.deletion_timestamp,
            finalizers: read.finalizers,
            annotations: Some(read.annotations).filter(|all| !all.is_empty()),
            ..Self::default()
        }
    }
}

/// Reads the annotations of the operator, capped, and skips all others.
fn annotations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    struct Annotations;

    impl<'de> Visitor<'de> for Annotations {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("annotations")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut read = BTreeMap::new();
            while let Some(name) = map.next_key::<Cow<'_, str>>()? {
                let longest = match name.as_ref() {
                    ALLOW_RECREATE | FORCE_REQUESTED_AT | ON_DELETE | RECONCILE_REQUESTED_AT => Some(LONGEST),
                    TRANSFER_TO => Some(LONGEST_RECIPIENT),
                    _ => None,
                };
                if let Some(longest) = longest {
                    let value: Cow<'_, str> = map.next_value()?;
                    read.insert(name.into_owned(), cut(&value, longest).into_owned());
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(read)
        }
    }

    deserializer.deserialize_any(Annotations)
}

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { metadata, spec, status } = Wire::deserialize(deserializer)?;
        let metadata = ObjectMeta::from(metadata);
        Ok(Self(match decoded(&metadata, spec, status) {
            Ok(object) => Ok(object),
            Err(error) => Err(InvalidObject { error: error.to_string(), metadata }),
        }))
    }
}

fn decoded(metadata: &ObjectMeta, spec: Value, status: Value) -> Result<SynapseSparkAttachment, serde_json::Error> {
    let finalizers = metadata.finalizers.as_ref().map_or(0, Vec::len);
    if finalizers > MOST_FINALIZERS {
        let why = format!("it has {finalizers} finalizers, and the operator reads {MOST_FINALIZERS} at most");
        return Err(serde_json::Error::custom(why));
    }
    let (spec, status) = (serde_json::from_value(spec)?, serde_json::from_value(status)?);
    Ok(SynapseSparkAttachment { metadata: metadata.clone(), spec, status })
}

impl Resource for Stored {
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
        self.0.as_ref().map_or_else(|invalid| &invalid.metadata, |object| &object.metadata)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.as_mut().map_or_else(|invalid| &mut invalid.metadata, |object| &mut object.metadata)
    }
}

#[cfg(test)]
mod tests;
