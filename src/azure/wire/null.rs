//! How `null` is read.

use serde::{Deserialize, Deserializer};

/// Reads `null` like an absent field.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}
