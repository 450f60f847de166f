//! What one watch reconciles: the objects of one namespace, or all.

use std::sync::{Arc, Mutex};

use kube::Client;
use kube::runtime::reflector::Store;

use super::first_lists::FirstLists;
use super::left_out::LeftOut;
use super::requeues::Requeues;
use super::slots::Slots;
use crate::controller::context::Context;
use crate::controller::health::Readiness;
use crate::controller::packed::Packed;
use crate::controller::triggers::Triggers;

/// What all scopes share.
pub(super) struct Shared {
    pub(super) watch: Client,
    pub(super) ctx: Arc<Context>,
    pub(super) readiness: Arc<Readiness>,
    pub(super) slots: Slots,
    pub(super) requeues: Requeues,
    pub(super) triggers: Triggers,
    pub(super) first_lists: FirstLists,
}

/// One namespace, or all.
pub(super) struct Scope {
    pub(super) shared: Arc<Shared>,
    pub(super) namespace: Option<String>,
    /// Its watch, as logs and `/readyz` call it.
    pub(super) name: String,
    pub(super) store: Store<Packed>,
    pub(super) left_out: Mutex<LeftOut>,
}
