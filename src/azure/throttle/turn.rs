//! Who sends a request, and how urgent it is.

/// How urgent a request is. The first class is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The object is being deleted.
    Deletion,
    /// The spec of what was attached has changed.
    Change,
    /// It is to be attached for the first time.
    Attach,
    /// Azure shows something else than the spec.
    Drift,
    /// Nothing is known to be out of sync.
    Resync,
}

impl Class {
    /// Every class, in the order in which they are served.
    pub const ALL: [Self; 5] = [Self::Deletion, Self::Change, Self::Attach, Self::Drift, Self::Resync];

    /// The value in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deletion => "deletion",
            Self::Change => "change",
            Self::Attach => "attach",
            Self::Drift => "drift",
            Self::Resync => "resync",
        }
    }
}

/// The object that a request is sent for: it has one place in each line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object {
    /// Its namespace. Of one class, namespaces are served in turn.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Who sends a request, and how urgent it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// How urgent it is.
    pub class: Class,
    /// The object that it is sent for.
    pub object: Object,
    /// Whether its turn had come before, but it could not use it: it comes first.
    pub is_resumed: bool,
}
