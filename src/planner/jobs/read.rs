//! Facts that may not be known.

/// A fact, or why it is not known.
pub type Read<T> = Result<T, Unreadable>;

/// Why a fact is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The permission that is needed to read it.
    pub permission: &'static str,
    /// Azure's error.
    pub error: String,
    /// Whether Azure refused it, or showed that it does not exist: the same request gets the same answer. Otherwise Azure did not
    /// answer.
    pub is_refusal: bool,
}
