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
}
