//! `crd`: the custom resource definition.

use super::output::print;
use crate::api::v1alpha1;

/// Prints the definition.
pub(super) fn execute() -> Result<u8, String> {
    let yaml = serde_saphyr::to_string(&v1alpha1::definition()).map_err(|error| error.to_string())?;
    print(&yaml).map(|()| 0)
}
