//! The annotations of an object that decide what happens to its compute.

use crate::api::{ON_DELETE, SynapseSparkAttachment, TRANSFER_TO};
use crate::planner::invalid::Invalid;
use crate::planner::owner::Owner;
use crate::planner::recipient::Recipient;

/// The value of the annotation `on-delete` that releases the object without a detach.
const ABANDON: &str = "abandon";

/// The annotation that hands the compute over, as messages name it.
pub(super) const TRANSFER_FIELD: &str = "metadata.annotations[synapse-spark.dev/transfer-to]";

fn annotation<'a>(object: &'a SynapseSparkAttachment, name: &str) -> Option<&'a String> {
    object.metadata.annotations.as_ref().and_then(|all| all.get(name))
}

/// Whether a deletion leaves the compute in Azure.
pub(super) fn on_delete(object: &SynapseSparkAttachment) -> Result<bool, Invalid> {
    match annotation(object, ON_DELETE) {
        None => Ok(false),
        Some(value) if value == ABANDON => Ok(true),
        Some(value) => {
            let why = format!(
                "{value:?} is unknown. \"abandon\" leaves the compute in Azure; without the annotation it is detached. Correct it (kubectl annotate --overwrite) or remove it"
            );
            Err(Invalid::new("metadata.annotations[synapse-spark.dev/on-delete]", &why))
        }
    }
}

/// The object that the compute is handed over to.
pub(super) fn recipient(object: &SynapseSparkAttachment, owner: &Owner) -> Result<Option<Recipient>, Invalid> {
    let named = annotation(object, TRANSFER_TO).map(|text| Recipient::parse(text, owner));
    named.transpose().map_err(|why| Invalid::new(TRANSFER_FIELD, &why))
}
