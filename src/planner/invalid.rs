//! A field of an object that says nothing the operator could do.

/// An invalid field of the spec.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Invalid {
    /// The field's path.
    pub field: &'static str,
    /// What is wrong, and what is allowed.
    pub why: String,
}

impl Invalid {
    pub(super) fn new(field: &'static str, why: &impl ToString) -> Self {
        Self { field, why: why.to_string() }
    }
}
