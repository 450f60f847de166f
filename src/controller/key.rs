//! The key of an object in everything that is kept per object.

use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;

use crate::api::SynapseSparkAttachment;

/// Namespace and name of an object.
pub type Key = ObjectRef<SynapseSparkAttachment>;

/// The key of an object, without the version that the object has now.
pub(super) fn key_of(object: &SynapseSparkAttachment) -> Key {
    Key::new(&object.name_any()).within(object.metadata.namespace.as_deref().unwrap_or_default())
}
