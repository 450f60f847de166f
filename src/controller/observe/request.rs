//! A user's request for a reconcile.

use kube::ResourceExt;

use crate::api::v1alpha1::SafetyStop;
use crate::api::{ALLOW_RECREATE, FORCE_REQUESTED_AT, RECONCILE_REQUESTED_AT, SynapseSparkAttachment};

/// The value of the reconcile annotation. It has at most 64 characters, since [`capped`](crate::controller::stored::capped)
/// shortens it when the object is decoded.
#[must_use]
pub fn requested(object: &SynapseSparkAttachment) -> Option<&str> {
    object.annotations().get(RECONCILE_REQUESTED_AT).map(String::as_str)
}

/// The value of the force annotation, if the request for a reconcile has the same one and it was not handled yet.
#[must_use]
pub fn forced(object: &SynapseSparkAttachment) -> Option<&str> {
    let handled = object.status.as_ref().and_then(|status| status.last_handled_force_at.as_deref());
    let value = object.annotations().get(FORCE_REQUESTED_AT).map(String::as_str);
    value.filter(|value| requested(object) == Some(value) && handled != Some(value))
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
    fn a_forced_reconcile_needs_both_annotations_with_one_value() {
        #[rustfmt::skip]
        let table = [
            // case                             requested    forced       handled      gives
            ("not forced",                      Some("one"), None,        None,        None),
            ("forced",                          Some("one"), Some("one"), None,        Some("one")),
            ("forced alone",                    None,        Some("one"), None,        None),
            ("a later request is not forced",   Some("two"), Some("one"), None,        None),
            ("handled",                         Some("one"), Some("one"), Some("one"), None),
            ("forced again",                    Some("two"), Some("two"), Some("one"), Some("two")),
        ];
        for (case, requested, value, handled, gives) in table {
            let mut object = SynapseSparkAttachment::new("o", SynapseSparkAttachmentSpec::default());
            let annotations = [(RECONCILE_REQUESTED_AT, requested), (FORCE_REQUESTED_AT, value)];
            let annotations = annotations.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
            object.metadata.annotations = Some(annotations.collect());
            object.status =
                Some(AttachmentStatus { last_handled_force_at: handled.map(ToOwned::to_owned), ..AttachmentStatus::default() });
            assert_eq!(forced(&object), gives, "{case}");
        }
    }

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
