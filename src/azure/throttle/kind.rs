//! The kinds of requests that Azure counts separately.

/// The token buckets that ARM keeps for each subscription and principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// GET.
    Read,
    /// PUT.
    Write,
    /// DELETE.
    Delete,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Delete];

    /// The value in metrics, and in the names of ARM's headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}
