//! The operator's real program against a real API server, as its own ServiceAccount, and the Azure emulator.
//!
//! One control plane, one Azure and one operator serve all tests; each has a namespace and a subscription of its own, so
//! that neither faults nor throttling affect another test. Tests that end the operator, or change the definition, take turns
//! on a second control plane. Everything ends with this process, however it ends.

#[path = "cluster/absence.rs"]
mod absence;
#[path = "cluster/activity_log.rs"]
mod activity_log;
#[path = "cluster/admission.rs"]
mod admission;
#[path = "cluster/admission_cases.rs"]
mod admission_cases;
#[path = "cluster/attach.rs"]
mod attach;
#[path = "cluster/azure_errors.rs"]
mod azure_errors;
#[path = "cluster/chart.rs"]
mod chart;
#[path = "cluster/chart_names.rs"]
mod chart_names;
#[path = "cluster/chart_values.rs"]
mod chart_values;
#[path = "cluster/check.rs"]
mod check;
#[path = "cluster/defaults.rs"]
mod defaults;
#[path = "cluster/definition.rs"]
mod definition;
#[path = "cluster/delete.rs"]
mod delete;
#[path = "cluster/gitops.rs"]
mod gitops;
#[path = "cluster/helm_release.rs"]
mod helm_release;
#[path = "cluster/helm_rights.rs"]
mod helm_rights;
#[path = "cluster/identity.rs"]
mod identity;
#[path = "cluster/job_checks.rs"]
mod job_checks;
#[path = "cluster/jobs.rs"]
mod jobs;
#[path = "cluster/kube_state_metrics.rs"]
mod kube_state_metrics;
#[path = "cluster/leader.rs"]
mod leader;
#[path = "cluster/linked_service.rs"]
mod linked_service;
#[path = "cluster/log.rs"]
mod log;
#[path = "cluster/managed_clusters.rs"]
mod managed_clusters;
#[path = "cluster/manifests.rs"]
mod manifests;
#[path = "cluster/metrics.rs"]
mod metrics;
#[path = "cluster/orphans.rs"]
mod orphans;
#[path = "cluster/outputs.rs"]
mod outputs;
#[path = "cluster/plugin.rs"]
mod plugin;
#[path = "cluster/plugin_bundle.rs"]
mod plugin_bundle;
#[path = "cluster/plugin_many.rs"]
mod plugin_many;
#[path = "cluster/plugin_reconcile.rs"]
mod plugin_reconcile;
#[path = "cluster/plugin_rights.rs"]
mod plugin_rights;
#[path = "cluster/plugin_status.rs"]
mod plugin_status;
#[path = "cluster/plugin_suspend.rs"]
mod plugin_suspend;
#[path = "cluster/plugin_try.rs"]
mod plugin_try;
#[path = "cluster/policy.rs"]
mod policy;
#[path = "cluster/pool.rs"]
mod pool;
#[path = "cluster/process.rs"]
mod process;
#[path = "cluster/refusals.rs"]
mod refusals;
#[path = "cluster/robustness.rs"]
mod robustness;
#[path = "cluster/role_assignments.rs"]
mod role_assignments;
#[path = "cluster/safety_stop.rs"]
mod safety_stop;
#[path = "cluster/sharding.rs"]
mod sharding;
#[path = "cluster/shared_role_assignments.rs"]
mod shared_role_assignments;
#[path = "cluster/strict_azure.rs"]
mod strict_azure;
#[path = "cluster/transfer.rs"]
mod transfer;
#[path = "cluster/update.rs"]
mod update;

#[expect(dead_code, unused_imports, reason = "the storm and the benchmark stand on it too, and need other parts of it")]
mod support;
