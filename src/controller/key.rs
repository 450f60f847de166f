//! The key of an object in everything that is kept per object.

use std::fmt;
use std::sync::Arc;

use kube::Resource;
use kube::runtime::reflector::ObjectRef;

use crate::api::SynapseSparkAttachment;

/// Namespace and name of an object.
///
/// Several maps have an entry for each object, so it is one small allocation, and a clone shares it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// The key of the object of this name in this namespace. Neither may contain a slash, as Kubernetes demands.
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self(format!("{namespace}/{name}").into())
    }

    /// Namespace and name.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.0.split_once('/').unwrap_or_default()
    }

    /// The namespace.
    pub(crate) fn namespace(&self) -> &str {
        self.parts().0
    }

    /// The reference by which kube's store and queue find the object.
    pub(crate) fn reference<K: Resource<DynamicType = ()>>(&self) -> ObjectRef<K> {
        let (namespace, name) = self.parts();
        ObjectRef::new(name).within(namespace)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of an object.
pub(super) fn key_of(object: &SynapseSparkAttachment) -> Key {
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    Key::new(&of(&object.metadata.namespace), &of(&object.metadata.name))
}
