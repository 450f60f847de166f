//! The number of requests, without the requests themselves: also for a run with more requests than the journal can hold.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::exchange::Request;
use crate::id;

/// What counted requests have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// In upper case.
    pub method: String,
    /// The kind of request: `compute`, `computes` (their LIST), `operation`, `pool`, `linkedService`, `roleAssignment`, … or
    /// `other`.
    pub kind: &'static str,
    /// The status that was answered. None if the connection was closed before the request was processed.
    pub status: Option<u16>,
    /// The client ID of the sender, if it is known.
    pub principal: Option<String>,
}

/// The number of requests of each kind.
#[derive(Clone, Debug, Default)]
pub struct Counters(BTreeMap<Counted, u64>);

impl Counters {
    pub(crate) fn add(&mut self, request: &Request, status: Option<u16>, principal: Option<&str>) {
        let counted = Counted {
            method: request.method.clone(),
            kind: kind(&request.path),
            status,
            principal: principal.map(str::to_owned),
        };
        *self.0.entry(counted).or_default() += 1;
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Each kind, and its number of requests.
    pub fn iter(&self) -> impl Iterator<Item = (&Counted, u64)> {
        self.0.iter().map(|(counted, count)| (counted, *count))
    }

    /// The number of requests for which this is true.
    #[must_use]
    pub fn count(&self, is_meant: impl Fn(&Counted) -> bool) -> u64 {
        self.iter().filter(|(counted, _)| is_meant(counted)).map(|(_, count)| count).sum()
    }
}

/// The last name of a type in the path, and whether a name follows it.
fn kind(path: &str) -> &'static str {
    let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
    let (last, before) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
    let of = |name: &str| match name {
        "computes" => Some(["computes", "compute"]),
        "bigdatapools" => Some(["pools", "pool"]),
        "linkedservices" => Some(["linkedServices", "linkedService"]),
        "workspaces" => Some(["workspaces", "workspace"]),
        "roleassignments" => Some(["roleAssignments", "roleAssignment"]),
        "jobs" => Some(["jobs", "job"]),
        "userassignedidentities" => Some(["identities", "identity"]),
        "storageaccounts" => Some(["storageAccounts", "storageAccount"]),
        "datastores" => Some(["datastores", "datastore"]),
        "roledefinitions" => Some(["roleDefinitions", "roleDefinition"]),
        "firewallrules" => Some(["firewallRules", "firewallRule"]),
        "managedprivateendpoints" => Some(["managedPrivateEndpoints", "managedPrivateEndpoint"]),
        "subscriptions" => Some(["subscriptions", "subscription"]),
        "computeoperationsstatus" => Some(["operations", "operation"]),
        _ => None,
    };
    if path.contains("/oauth2/") {
        return "token";
    }
    match (of(&id::fold(last)), of(&id::fold(before))) {
        (Some([of_many, _]), _) => of_many,
        (None, Some([_, of_one])) => of_one,
        (None, None) => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_path_determines_the_kind() {
        let workspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w";
        for (path, expected) in [
            (format!("{workspace}/computes/c"), "compute"),
            (format!("{workspace}/Computes"), "computes"),
            (workspace.to_owned(), "workspace"),
            ("/subscriptions/s/providers/x/locations/l/computeOperationsStatus/id".to_owned(), "operation"),
            ("/synapse/w/roleAssignments".to_owned(), "roleAssignments"),
            ("/tenant/oauth2/v2.0/token".to_owned(), "token"),
            ("/elsewhere".to_owned(), "other"),
        ] {
            assert_eq!(kind(&path), expected, "{path}");
        }
    }
}
