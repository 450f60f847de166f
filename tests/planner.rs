//! The planner, from outside: tables of its decisions and its statuses, and every start of a small world.

#[path = "planner/activity_log.rs"]
mod activity_log;
#[path = "support/builders.rs"]
mod builders;
#[path = "planner/compute_spec.rs"]
mod compute_spec;
#[path = "planner/corrections.rs"]
mod corrections;
#[path = "planner/detach.rs"]
mod detach;
#[path = "planner/drift.rs"]
mod drift;
#[path = "planner/exhaustive.rs"]
mod exhaustive;
#[path = "planner/existing.rs"]
mod existing;
#[path = "planner/failure.rs"]
mod failure;
#[path = "planner/gates.rs"]
mod gates;
#[path = "planner/how_it_works.rs"]
mod how_it_works;
#[path = "planner/jobs.rs"]
mod jobs;
#[path = "planner/jobs_ready.rs"]
mod jobs_ready;
#[path = "planner/outputs.rs"]
mod outputs;
#[path = "planner/queue.rs"]
mod queue;
#[path = "planner/record.rs"]
mod record;
#[path = "planner/role_status.rs"]
mod role_status;
#[path = "planner/roles.rs"]
mod roles;
#[path = "planner/roles_exhaustive.rs"]
mod roles_exhaustive;
#[path = "planner/spark_version.rs"]
mod spark_version;
#[path = "planner/status.rs"]
mod status;
#[path = "planner/transfer.rs"]
mod transfer;
