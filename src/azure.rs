//! The client of Azure Resource Manager and of the data plane of Synapse: one method a call, one request a call.
//!
//! The client does not retry and has no policy: its caller decides what an [`Error`] means.
//! Every request is sent by `transport`. Tests replace the transport only, which is the Azure SDK's own
//! `HttpClient`; in production it is a `reqwest::Client` that also serves Microsoft Entra ID.
//!
//! This file only declares the parts. They import each other, never this file.

mod active_jobs;
mod activity_log;
mod api_version;
pub mod auth;
mod authorization;
mod blob;
mod cache;
mod call;
pub mod client;
mod clock;
mod code;
pub mod codes;
mod compute;
mod data_plane;
mod datastore;
pub mod error;
mod job;
mod job_answers;
mod jobs;
mod linked_service;
pub mod list;
mod list_hook;
mod listed;
pub mod metrics;
pub mod operation;
pub mod origin;
mod permits;
mod pool;
mod queue;
mod request_id;
mod retry_after;
mod role_assignment;
mod shared;
mod single_flight;
mod storage_account;
mod synapse_workspace;
pub mod throttle;
mod transport;
mod user_identity;
pub mod view;
mod views;
pub mod wire;
mod workspace;

#[cfg(test)]
#[path = "../tests/support/settings.rs"]
pub(crate) mod test_settings;

pub use active_jobs::ActiveJobs;
pub use activity_log::{Activity, detaches};
pub use auth::assertion::Assertion;
pub use auth::credential::Credential;
pub use cache::Freshness;
pub use client::{Client, Settings};
pub use code::Code;
pub use data_plane::DataPlane;
pub use error::Error;
pub use metrics::Metrics;
pub use operation::State;
pub use origin::Origin;
pub use role_assignment::Assigned;
pub use throttle::{Class, Kind, Limits, Object, Profile, Share, Turn};
pub use view::{Ask, Source, View};
pub use wire::RoleAssignmentRequest;
