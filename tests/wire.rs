//! The Azure client: against recorded bytes of the service, and over TLS against the emulator.

#[path = "wire/active_jobs.rs"]
mod active_jobs;
#[path = "wire/activity_log.rs"]
mod activity_log;
#[path = "wire/buckets.rs"]
mod buckets;
#[path = "wire/cache.rs"]
mod cache;
#[path = "wire/deadline.rs"]
mod deadline;
#[path = "wire/dependencies.rs"]
mod dependencies;
#[path = "wire/emulated.rs"]
mod emulated;
#[path = "wire/error.rs"]
mod error;
#[path = "wire/jobs.rs"]
mod jobs;
#[path = "wire/list.rs"]
mod list;
#[path = "wire/log.rs"]
mod log;
#[path = "wire/origin.rs"]
mod origin;
#[path = "wire/pages.rs"]
mod pages;
#[path = "wire/recorded.rs"]
mod recorded;
#[path = "wire/region.rs"]
mod region;
#[path = "wire/script.rs"]
mod script;
#[path = "wire/shared.rs"]
mod shared;
#[path = "wire/throttle.rs"]
mod throttle;
