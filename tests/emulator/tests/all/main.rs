//! The emulator against recordings, Microsoft's examples, and its own documentation.

mod authorization;
mod computes;
mod connections;
mod entra;
mod faults;
mod identities;
mod inventory;
mod job_identities;
mod job_storage;
mod jobs;
mod late;
mod limits;
mod links;
mod pages;
mod pipelines;
mod reads;
mod recordings;
mod rights;
mod roles;
mod served;
mod storage;
mod strict;
mod support;
mod throttle;
