//! The emulator against what it stands in for: recordings, Microsoft's examples, and its own promises.

mod computes;
mod connections;
mod entra;
mod faults;
mod identities;
mod inventory;
mod job_identities;
mod jobs;
mod late;
mod limits;
mod links;
mod pipelines;
mod reads;
mod recordings;
mod rights;
mod roles;
mod served;
mod support;
