//! What the handlers of requests share.

use std::sync::Arc;

use super::super::kube::Cluster;
use super::super::plugin::Program;
use super::super::selection::Selection;
use super::session::Sessions;
use super::store::Store;
use super::viewers::Viewers;

/// What the handlers of requests share.
pub(super) struct Context {
    pub(super) cluster: Cluster,
    /// The attachments that the command line selects.
    pub(super) selection: Selection,
    /// The program as the user started it.
    pub(super) program: Program,
    pub(super) store: Store,
    pub(super) sessions: Arc<Sessions>,
    pub(super) viewers: Viewers,
}

impl Context {
    pub(super) fn new(cluster: Cluster, selection: Selection, program: Program) -> Self {
        let (store, sessions, viewers) = (Store::default(), Arc::default(), Viewers::default());
        Self { cluster, selection, program, store, sessions, viewers }
    }

    /// The namespace that the page shows; none for all of them.
    pub(super) fn namespace(&self) -> Option<&str> {
        (!self.selection.is_of_all_namespaces()).then_some(self.cluster.namespace.as_str())
    }
}
