//! The operator's real program against a real API server, as its own ServiceAccount, and the stand-in of Azure.
//!
//! One control plane, one Azure and one operator serve all tests; each has a namespace and a subscription of its own, so
//! that neither faults nor throttling reach a neighbour. Tests that end the operator, or change the definition, take turns
//! on a second control plane. Everything ends with this process, however it ends.

#[path = "cluster/admission.rs"]
mod admission;
#[path = "cluster/attach.rs"]
mod attach;
#[path = "cluster/change.rs"]
mod change;
#[path = "cluster/chart.rs"]
mod chart;
#[path = "cluster/check.rs"]
mod check;
#[path = "cluster/definition.rs"]
mod definition;
#[path = "cluster/delete.rs"]
mod delete;
#[path = "cluster/durable.rs"]
mod durable;
#[path = "cluster/figures.rs"]
mod figures;
#[path = "cluster/gitops.rs"]
mod gitops;
#[path = "cluster/identity.rs"]
mod identity;
#[path = "cluster/leader.rs"]
mod leader;
#[path = "cluster/manifests.rs"]
mod manifests;
#[path = "cluster/names.rs"]
mod names;
#[path = "cluster/plugin.rs"]
mod plugin;
#[path = "cluster/pool.rs"]
mod pool;
#[path = "cluster/process.rs"]
mod process;
#[path = "cluster/release.rs"]
mod release;
#[path = "cluster/role.rs"]
mod role;
#[path = "cluster/trouble.rs"]
mod trouble;

#[expect(dead_code, unused_imports, reason = "the storm and the benchmark stand on it too, and need other parts of it")]
mod support;
