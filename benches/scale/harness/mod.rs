//! What measures a controller of attachments: a real API server, the Azure emulator with ARM's limits, and figures of both.
//!
//! ```text
//!   stage       a control plane and an Azure of their own
//!   estate      what a row works on: subscriptions, workspaces, objects
//!   observer    what the objects show: ready, gone, failures
//!   controller  what is measured
//!   process     what the controller's process takes
//!   tally       the requests to Azure and to Kubernetes
//!   bound       how long Azure's limits take, at the least
//!   field       all of these together
//!   rows        storm, detach, rest, restart, latency, memory
//!   changes     change, silence, drift
//!   failover    the leader is killed
//!   row         the figures of one
//!   goal        what they should be
//!   ledger      the rows of several runs
//!   table, plot, text, page   the result, for people and for programs
//! ```

pub mod bound;
pub mod changes;
pub mod controller;
pub mod estate;
pub mod failover;
pub mod field;
pub mod goal;
pub mod ledger;
pub mod observer;
pub mod page;
pub mod plot;
pub mod process;
pub mod row;
pub mod rows;
pub mod stage;
pub mod table;
pub mod tally;
pub mod text;
