//! The roles of the identity on the storage that jobs use.

use crate::planner::jobs::commands;
use crate::planner::jobs::facts::{Account, Assignment, Facts};
use crate::planner::jobs::outcome::Outcome;
use crate::planner::jobs::read::Read;
use crate::planner::jobs::rights::{Action, Role};

/// A built-in role, and the actions that stand for it: a role with all of them is as good.
struct Needed {
    role: &'static str,
    actions: &'static [Action],
}

/// What *Contributor* permits at a storage account. It is not documented which of it jobs use.
const CONTRIBUTOR: Needed = Needed {
    role: "Contributor",
    actions: &[
        Action::Control("Microsoft.Storage/storageAccounts/read"),
        Action::Control("Microsoft.Storage/storageAccounts/write"),
        Action::Control("Microsoft.Storage/storageAccounts/listKeys/action"),
        Action::Control("Microsoft.Storage/storageAccounts/blobServices/containers/read"),
        Action::Control("Microsoft.Storage/storageAccounts/blobServices/containers/write"),
    ],
};

/// The data actions of *Storage Blob Data Contributor*.
/// Source: <https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage#storage-blob-data-contributor>.
const BLOB_DATA: Needed = Needed {
    role: "Storage Blob Data Contributor",
    actions: &[
        Action::Data("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"),
        Action::Data("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"),
        Action::Data("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete"),
        Action::Data("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action"),
        Action::Data("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action"),
    ],
};

/// *Contributor* on the storage of the default datastore.
pub(super) fn datastore_contributor(facts: &Facts) -> Outcome {
    datastore(facts, &CONTRIBUTOR)
}

/// *Storage Blob Data Contributor* on the storage of the default datastore.
pub(super) fn datastore_blob_data(facts: &Facts) -> Outcome {
    datastore(facts, &BLOB_DATA)
}

/// *Contributor* on the primary storage of the Synapse workspace.
pub(super) fn primary_contributor(facts: &Facts) -> Outcome {
    primary(facts).map_or_else(|outcome| outcome, |account| held(facts, account, &CONTRIBUTOR))
}

/// *Storage Blob Data Contributor* on the primary storage of the Synapse workspace.
pub(super) fn primary_blob_data(facts: &Facts) -> Outcome {
    primary(facts).map_or_else(|outcome| outcome, |account| held(facts, account, &BLOB_DATA))
}

fn datastore(facts: &Facts, needed: &Needed) -> Outcome {
    account(&facts.datastore, "default datastore").map_or_else(|outcome| outcome, |account| held(facts, account, needed))
}

/// The storage account, or why there is nothing to check.
pub(super) fn account<'a>(read: &'a Read<Option<Account>>, whose: &str) -> Result<&'a Account, Outcome> {
    let none = || Outcome::not_applicable(format!("Azure shows no storage account of the {whose}"));
    read.as_ref().map_err(Outcome::from)?.as_ref().ok_or_else(none)
}

/// The primary storage, unless it is the storage of the default datastore, which is checked already.
pub(super) fn primary(facts: &Facts) -> Result<&Account, Outcome> {
    let primary = account(&facts.primary, "primary storage")?;
    match &facts.datastore {
        Ok(Some(datastore)) if datastore.id == primary.id => {
            Err(Outcome::not_applicable("it is the storage account of the default datastore"))
        }
        _ => Ok(primary),
    }
}

fn held(facts: &Facts, account: &Account, needed: &Needed) -> Outcome {
    let principal = match facts.principal() {
        Ok(principal) => principal,
        Err(outcome) => return outcome,
    };
    let roles = match &account.roles {
        Ok(roles) => roles,
        Err(why) => return why.into(),
    };
    let (role, id) = (needed.role, &account.id);
    let readable = |conditions: bool| -> Vec<_> {
        let counted = roles.iter().filter(move |one| conditions || !one.is_conditional);
        counted.filter_map(|one| Some((one.role.as_ref().ok()?, one))).collect()
    };
    if let Some(found) = grants(&readable(false), needed) {
        return Outcome::ok(format!("principal {principal} has {found}"));
    }
    let fix = commands::assign_role(role, principal, id);
    if let Some(found) = grants(&readable(true), needed) {
        let message = format!("principal {principal} has {found} under a condition, which is not evaluated");
        return Outcome::warning(message, Some(fix));
    }
    match roles.iter().find_map(|one| one.role.as_ref().err()) {
        Some(why) => why.into(),
        None => Outcome::missing(format!("principal {principal} does not have the role {role} on {id}"), fix),
    }
}

/// Which roles permit all that is needed: one of them, or several together.
fn grants(roles: &[(&Role, &Assignment)], needed: &Needed) -> Option<String> {
    let has_all = |role: &Role| needed.actions.iter().all(|action| role.permits(*action));
    if let Some((role, one)) = roles.iter().find(|(role, _)| has_all(role)) {
        return Some(format!("the role {} on {}", role.name, one.scope));
    }
    let by_any = |action: &Action| roles.iter().any(|(role, _)| role.permits(*action));
    needed.actions.iter().all(by_any).then(|| {
        let names: Vec<_> = roles.iter().map(|(role, _)| role.name.as_str()).collect();
        format!("the actions of {} by the roles {} together", needed.role, names.join(", "))
    })
}
