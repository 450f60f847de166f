//! The emulator against what it stands in for: recordings, Microsoft's examples, and its own promises.

mod computes;
mod entra;
mod faults;
mod identities;
mod inventory;
mod jobs;
mod late;
mod limits;
mod links;
mod pages;
mod reads;
mod recordings;
mod rights;
mod roles;
mod served;
mod support;
mod throttle;
