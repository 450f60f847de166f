//! The view of one attachment: its state, its spec, the cause, and what to do next.
//!
//! All of it comes from the object and its events. The field names are a stable interface of `-o json`.

mod event;
mod model;
mod text;

pub(super) use event::EventView;
#[cfg(feature = "ui")]
pub(super) use model::{Operation, ShownByAzure};
pub(super) use model::{State, View};
