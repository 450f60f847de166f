//! A user's request for a reconcile.

use kube::ResourceExt;

use crate::api::v1alpha1::SafetyStop;
use crate::api::{ALLOW_RECREATE, RECONCILE_REQUESTED_AT, SynapseSparkAttachment};

/// The value of the reconcile annotation. It has at most 64 characters, since [`capped`](crate::controller::stored::capped)
/// shortens it when the object is decoded.
#[must_use]
pub fn requested(object: &SynapseSparkAttachment) -> Option<&str> {
    object.annotations().get(RECONCILE_REQUESTED_AT).map(String::as_str)
}

/// Whether the user allows to attach the compute again after this safety stop.
#[must_use]
pub fn allows_recreate(object: &SynapseSparkAttachment, stop: &SafetyStop) -> bool {
    object.annotations().get(ALLOW_RECREATE).is_some_and(|value| *value == stop.token())
}

/// Whether the user requests a reconcile: by a change of the spec, or by the annotation.
#[must_use]
pub fn is_reconcile_requested(object: &SynapseSparkAttachment) -> bool {
    let observed = object.status.as_ref().and_then(|status| status.observed_generation);
    observed != object.metadata.generation || is_annotated(object)
}

/// Whether the annotation has a value that was not handled yet. A removed annotation requests nothing.
#[must_use]
pub fn is_annotated(object: &SynapseSparkAttachment) -> bool {
    let handled = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref());
    requested(object).is_some_and(|value| Some(value) != handled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::{AttachmentStatus, SynapseSparkAttachmentSpec};

    #[test]
    fn an_annotation_requests_one_reconcile() {
        #[rustfmt::skip]
        let table = [
            // case                       annotation   handled      asks
            ("never requested",           None,        None,        false),
            ("requested",                 Some("one"), None,        true),
            ("handled",                   Some("one"), Some("one"), false),
            ("requested again",           Some("two"), Some("one"), true),
            ("the annotation was removed", None,       Some("one"), false),
        ];
        for (case, annotation, handled, asks) in table {
            let mut object = SynapseSparkAttachment::new("o", SynapseSparkAttachmentSpec::default());
            object.metadata.annotations = annotation.map(|value| [(RECONCILE_REQUESTED_AT.to_owned(), value.to_owned())].into());
            object.status = Some(AttachmentStatus {
                last_handled_reconcile_at: handled.map(ToOwned::to_owned),
                ..AttachmentStatus::default()
            });
            assert_eq!(is_annotated(&object), asks, "{case}");
        }
    }
}
