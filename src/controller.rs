//! The only layer that uses both Kubernetes and Azure, and it has no policy: observe → decide → execute → report.

pub mod claims;
pub mod context;
pub mod definition;
mod events;
pub(crate) mod execute;
mod finalizer;
mod group;
pub mod health;
mod identity;
mod key;
mod lists;
mod losses;
mod memory;
pub mod metrics;
pub mod observe;
pub mod orphans;
mod packed;
pub mod predecessor;
mod queue;
mod reconcile;
mod recorders;
mod report;
mod request_limit;
mod rounds;
mod shard;
mod status_fields;
pub mod stored;
mod ticks;
mod triggers;
mod watch;

pub use context::{Context, Error, clock_ahead, cluster_uid};
pub use definition::Definition;
pub use health::Readiness;
pub use reconcile::reconcile;
pub use shard::Shard;
pub use watch::{Options, run};
