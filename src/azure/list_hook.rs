//! The function that is called with each LIST of a workspace.

use std::fmt;
use std::sync::OnceLock;

use crate::resource_id::WorkspaceId;

/// A function of a workspace and of what its LIST showed.
pub(super) type Called<V> = Box<dyn Fn(&WorkspaceId, &V) + Send + Sync>;

/// The function, once it is set.
pub(super) struct ListHook<V>(OnceLock<Called<V>>);

impl<V> ListHook<V> {
    /// Sets the function, unless it is already set.
    pub(super) fn set(&self, make: impl FnOnce() -> Called<V>) {
        self.0.get_or_init(make);
    }

    /// Calls it.
    pub(super) fn call(&self, workspace: &WorkspaceId, view: &V) {
        if let Some(called) = self.0.get() {
            called(workspace, view);
        }
    }
}

impl<V> Default for ListHook<V> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<V> fmt::Debug for ListHook<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ListHook").field(&self.0.get().is_some()).finish()
    }
}
