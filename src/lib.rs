//! Attaches Apache Spark pools of Azure Synapse to Azure Machine Learning
//! workspaces, as a Kubernetes object.
//!
//! ```text
//! 4  main · cli · leader · server · telemetry    the process: argv, environment, leadership, sockets, logs
//! 3  controller   (observe, execute, report)     the only layer that uses both of them
//! 2  planner   |   azure                         decides: no I/O  |  sends requests: no Kubernetes, no policy
//! 1  api                                         the custom resource: types, reasons
//! 0  resource_id · service_error · refusal · unmanaged · error_chain   Azure's IDs and errors, errors as text
//!    spark_versions · object_name                 when the support of each version of Spark ends; names in Kubernetes
//! ```
//! Imports go down only, `planner` and `azure` never import each other, and no
//! two modules import each other. `tests/layers.rs` checks that.
//!
//! A reconcile is four verbs: **observe → decide → execute → report**.
//!
//! | to find | see |
//! |---|---|
//! | the policy, in its order | `planner/attach.rs`, `planner/detach.rs` |
//! | one rule of it | `planner/gates/` |
//! | how drift is computed | `planner/drift.rs` |
//! | what the user reads, and why | `planner/cause.rs`, `planner/status/message.rs`, `api/reason.rs` |
//! | what survives a crash | `planner/status/record.rs` |
//! | when something is retried | `planner/backoff.rs` |
//! | when something is observed again, and with whom | `planner/backoff.rs`, `controller/ticks.rs` |
//! | whether a LIST or a GET observes it | `controller/observe/reading.rs`, `azure/listed.rs` |
//! | what Spark jobs need, and how it is read | `planner/jobs/checks.rs`, `controller/observe/jobs.rs` |
//! | the two rounds of a reconcile | `controller/rounds.rs` |
//! | when a request may be sent | `azure/throttle/` |
//! | why missing computes are not attached again | `planner/brake.rs`, `controller/losses.rs` |
//! | what each LIST is compared with | `controller/lists.rs` |
//! | which computes have no object | `controller/orphans.rs` |
//! | the finalizer | `controller/finalizer.rs` |
//! | the ConfigMap of `spec.outputs` | `planner/outputs.rs`, `controller/outputs.rs` |
//! | what an error of Azure means | `azure/codes.rs`, `azure/error.rs`, then `controller/observe/fault.rs` |
//!
//! | word | meaning |
//! |---|---|
//! | attachment | an object of kind `SynapseSparkAttachment` |
//! | compute | what Azure Machine Learning calls an attached pool: `…/workspaces/{ws}/computes/{name}` |
//! | pool | the Apache Spark pool in Synapse: `…/bigDataPools/{name}` |
//! | goal | the desired state, parsed from the spec |
//! | observed | what exists, in Azure and in the object's status |
//! | decision | a step, its cause, and when to reconcile again |
//! | gate | a function of the chain that decides: it ends the chain with a decision, or hands on what it has established |
//! | fault | why Azure gave no usable answer, or did not accept a write |
//! | drift | what differs between the spec and Azure |
//! | in sync | nothing differs |
//! | adopt | make a compute that exists and has no owner this object's |
//! | claimant | an object that names a compute and could attach it; the oldest claimant wins |
//! | write intent | a write that the status records before it is sent |
//! | unheard | sent, and not answered: it may still be carried out |
//! | dependencies | what an attachment depends on: the linked service, the pool |
//! | linked service | a link of a Machine Learning workspace, through which older ones reach a Synapse workspace |
//! | role assignment | a role of Synapse's own, assigned to a principal on a scope |
//! | resync | an observation when nothing has happened |
//! | tick | a time at which the attachments of a workspace are observed together |
//! | view | what one LIST of a workspace showed, for some seconds |
//! | orphan | a compute whose owner tag names an object of this cluster that does not exist |

pub mod api;
pub mod azure;
pub mod cli;
pub mod controller;
pub mod error_chain;
pub mod leader;
pub mod object_name;
pub mod planner;
pub mod refusal;
pub mod resource_id;
pub mod server;
pub mod service_error;
pub mod spark_versions;
pub mod telemetry;
pub mod unmanaged;
