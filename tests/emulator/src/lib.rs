//! An emulator of Azure: Entra's token endpoint, Azure Resource Manager's Machine
//! Learning and Synapse workspaces, and the roles of a Synapse workspace, as far
//! as attaching a Synapse Spark pool and running jobs on it go.
//!
//! It shares no type with the operator: the two are independent readings of
//! Azure's documents, so that the same misunderstanding cannot hide in both.
//!
//! ```text
//!   Emulator ── https, the clock ──► Azure::answer(now, &Request) -> Answer
//!                                      ├─ control   /_emulator: the control API
//!                                      ├─ fault     intentional failures
//!                                      ├─ incoming  requests that are processed late
//!                                      ├─ journal   the requests; counters: their number
//!                                      ├─ activity_log  the writes, with their senders
//!                                      ├─ entra     tokens
//!                                      ├─ arm       authorization, routes, throttle
//!                                      ├─ synapse   the data plane of a Synapse workspace: roles
//!                                      ├─ sdk_v1    the services that only SDK v1 uses: pipelines, datasets, run history
//!                                      ├─ history   the run history of Machine Learning: why a job failed
//!                                      └─ blob      the data plane of storage accounts
//!                                           └─ world   all resources, and how they change
//! ```
//!
//! Everything below [`Azure::answer`] is pure: no clock, no socket. A simulation
//! calls it in its own process, with its own clock.
//!
//! Each behaviour is marked with its evidence: **REAL** recorded traffic of
//! Azure, **SPEC** the API specification, **SDK** what Microsoft's clients send
//! and need, **DOC** Microsoft's documentation, **INF** inferred, **NF** no evidence
//! found (a guess; often a setting).

mod action;
mod activity_log;
mod api_versions;
mod arm;
mod azure;
mod blob;
mod control;
mod counters;
mod entra;
mod exchange;
mod fault;
mod history;
mod id;
mod incoming;
mod journal;
mod limits;
mod sdk_v1;
mod server;
mod settings;
mod synapse;
mod throttle;
mod tls;
mod world;

pub use azure::Azure;
pub use counters::{Counted, Counters};
pub use exchange::{Answer, Carrier, Connection, Request};
pub use fault::{Effect, Ended, Fault};
pub use journal::{Entry, Late};
pub use limits::{Hourly, Limit, Limits, ThrottleProfile};
pub use server::{Emulator, Options};
pub use settings::{
    AbsentAssignee, AbsentIdentity, DetachedOperation, Settings, UnknownKeys, UnusablePool, WrongLocation, parse_duration,
};
pub use world::seed::Seed;
