//! All probes, in the order in which they run. Those that only read come first.

mod attach;
mod entra;
mod identity;
mod jobs;
mod links;
mod lists;
mod refusals;
mod roles;
mod services;
mod tags;

use crate::table::Probe;

/// All of them.
#[must_use]
pub fn all() -> Vec<&'static Probe> {
    [
        entra::PROBES,
        services::PROBES,
        lists::PROBES,
        attach::PROBES,
        tags::PROBES,
        refusals::PROBES,
        identity::PROBES,
        links::PROBES,
        roles::PROBES,
        jobs::PROBES,
    ]
    .concat()
}
