//! Objects that cannot be decoded.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::error_boundary::InvalidObject;

use crate::api::SynapseSparkAttachment;
use crate::api::v1alpha1::SynapseSparkAttachmentSpec;
use crate::controller::stored::Stored;

/// Logs an object that cannot be decoded. Returns what is known of it.
pub(super) fn skipped(invalid: InvalidObject) -> Box<SynapseSparkAttachment> {
    let InvalidObject { error, metadata } = invalid;
    let (namespace, name) = (metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default());
    tracing::error!(namespace, name, error, "object skipped: cannot be decoded; correct or delete it");
    named(metadata)
}

/// An object of which only the metadata is known.
pub(super) fn named(metadata: ObjectMeta) -> Box<SynapseSparkAttachment> {
    Box::new(SynapseSparkAttachment { metadata, spec: SynapseSparkAttachmentSpec::default(), status: None })
}

/// The same, as it comes from the watch.
pub(super) fn stored(metadata: ObjectMeta) -> Stored {
    Stored(Err(InvalidObject { error: String::new(), metadata }))
}
