//! Attaches Apache Spark pools of Azure Synapse to Azure Machine Learning
//! workspaces, as a Kubernetes object.
//!
//! ```text
//! 4  main · cli · leader · server · telemetry    the process: argv, environment, leadership, sockets, logs
//! 3  controller (observe, act, report)   the only room that knows both worlds
//! 2  planner           azure             decides: no I/O   |   asks: no Kubernetes, no policy
//! 1  api                                 the words of the custom resource
//! 0  resource_id · service_error · error_chain
//! ```
//! Arrows go down only; `planner` and `azure` never import each other. `tests/layers.rs` keeps it so.
//!
//! | word | what it is |
//! |---|---|
//! | attachment | an object of kind `SynapseSparkAttachment` |
//! | compute | what Azure ML calls an attached pool: `…/workspaces/{ws}/computes/{name}` |
//! | pool | the Apache Spark pool in Synapse: `…/bigDataPools/{name}` |
//! | goal, observed, plan, step | what is asked, what is, what to do and why |
//! | claim, release | our finalizer put on, taken off |
//! | adopt | take over a compute that is there and nobody's |
//! | link | a linked service of a Machine Learning workspace, through which older ones reach a Synapse workspace |
//! | role, assignment | a role of Synapse's own; that a principal holds it on a scope |
//! | drift | what Azure shows otherwise than asked |

pub mod api;
pub mod azure;
pub mod cli;
pub mod controller;
pub mod leader;
pub mod planner;
pub mod resource_id;
pub mod server;
pub mod service_error;
pub mod telemetry;
