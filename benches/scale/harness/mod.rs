//! What measures a controller of attachments: a real API server, the stand-in of Azure with ARM's limits, and figures of both.
//!
//! ```text
//!   stage     a control plane and an Azure of their own
//!   estate    what a row works on: subscription, workspaces, objects
//!   observer  what the objects say: ready, gone, failures that they showed
//!   process   what the controller's process takes
//!   tally     what was asked of Azure and of Kubernetes
//!   bound     how long Azure's limits take, at the least
//!   rows      storm, detach, rate, rest
//!   table     the result, for people and for programs
//! ```

pub mod bound;
pub mod estate;
pub mod observer;
pub mod process;
pub mod rows;
pub mod stage;
pub mod table;
pub mod tally;
