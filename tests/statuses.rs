//! Every status that the operator can write, and what GitOps tools make of it.
//!
//! The real `decide` and the real `status` run over all goals, observations and write results. The tables of
//! `statuses/catalogue.rs` state what must come out, without asking the code. `tests/fixtures/statuses.yaml` has one entry
//! for each state; `tests/gitops` builds the objects from it and gives them to Argo CD's Lua and to kstatus. `make generate`
//! regenerates the files.

#[path = "statuses/argocd.rs"]
mod argocd;
#[path = "support/builders.rs"]
#[expect(dead_code, reason = "other tests use the other builders")]
mod builders;
#[path = "statuses/catalogue.rs"]
mod catalogue;
#[path = "statuses/computes.rs"]
mod computes;
#[path = "statuses/dependencies.rs"]
mod dependencies;
#[path = "statuses/faults.rs"]
mod faults;
#[path = "statuses/fixture.rs"]
mod fixture;
#[path = "statuses/found.rs"]
mod found;
#[path = "statuses/observations.rs"]
mod observations;
#[path = "statuses/outcomes.rs"]
mod outcomes;
#[path = "statuses/reference.rs"]
mod reference;
#[path = "statuses/specs.rs"]
mod specs;

use std::collections::BTreeSet;
use std::path::Path;

use synapse_spark_operator::api::Reason;

use crate::catalogue::{CATALOGUE, JOBS_READY, OUTPUTS_WRITTEN, POOL_AVAILABLE, ROLE_ASSIGNED, Wish};
use crate::found::FOUND;

#[test]
fn every_reason_has_the_conditions_that_the_catalogue_states() {
    let mut stated = BTreeSet::new();
    for (reason, attached, suspended, deleted) in CATALOGUE {
        for (wish, shown) in Wish::ALL.into_iter().zip([attached, suspended, deleted]) {
            stated.extend(shown.iter().map(|shown| (reason, wish, *shown)));
        }
    }
    let found: BTreeSet<_> = FOUND.states.keys().copied().collect();
    let missing: Vec<_> = Reason::ALL.into_iter().filter(|reason| CATALOGUE.iter().all(|(one, ..)| one != reason)).collect();
    assert!(missing.is_empty(), "reasons that the catalogue lacks: {missing:?}");
    let (new, gone): (Vec<_>, Vec<_>) = (found.difference(&stated).collect(), stated.difference(&found).collect());
    assert!(new.is_empty() && gone.is_empty(), "written, and not in the catalogue: {new:#?}\nnever written: {gone:#?}");
}

#[test]
fn other_conditions_have_the_reasons_that_the_catalogue_states() {
    let all = [
        ("RoleAssigned", &ROLE_ASSIGNED[..]),
        ("PoolAvailable", &POOL_AVAILABLE[..]),
        ("JobsReady", &JOBS_READY[..]),
        ("OutputsWritten", &OUTPUTS_WRITTEN[..]),
    ];
    let stated: BTreeSet<_> = all
        .into_iter()
        .flat_map(|(kind, all)| {
            all.iter().map(move |(status, reason)| (kind.to_owned(), (*status).to_owned(), reason.to_string()))
        })
        .collect();
    let (new, gone): (Vec<_>, Vec<_>) = (FOUND.others.difference(&stated).collect(), stated.difference(&FOUND.others).collect());
    assert!(new.is_empty() && gone.is_empty(), "written, and not in the catalogue: {new:#?}\nnever written: {gone:#?}");
}

/// Server-side apply refuses a null, and stores an empty object or list in place of an earlier value as null.
#[test]
fn no_status_has_a_null_or_an_empty_object_or_list() {
    assert!(FOUND.empty.is_empty(), "{:?}", FOUND.empty);
}

/// A file is as generated; with `UPDATE` in the environment it is written.
fn committed(path: &str, generated: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("the folder can be created");
        std::fs::write(&file, generated).expect("the file can be written");
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(there == generated, "{path} is outdated: run `make generate`");
}
