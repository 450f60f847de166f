//! One attachment as its reader wants it: what is, what is wanted, why not, what to do next.
//!
//! All of it is in the object and its events. The names of the fields are a promise to whoever reads `-o json`.

mod event;
mod model;
mod text;

pub(super) use event::EventView;
pub(super) use model::{State, View};
