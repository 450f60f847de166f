//! The gates of the chain that attaches: each a function that ends the chain with a decision, or hands on what it has
//! established.

pub(super) mod answer;
pub(super) mod brake;
pub(super) mod claims;
pub(super) mod drift;
pub(super) mod finalizer;
pub(super) mod force;
pub(super) mod jobs;
pub(super) mod operation;
pub(super) mod ownership;
pub(super) mod pool_reference;
pub(super) mod pool_state;
pub(super) mod roles;
pub(super) mod transfer;
pub(super) mod update;
