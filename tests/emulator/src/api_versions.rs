//! The API versions that a provider serves.

use std::collections::BTreeMap;

use crate::exchange::{Refusal, Request};

/// Machine Learning's: those of the template reference of its computes (DOC); `2020-02-02` and `2020-04-01-preview`, which SDK v1
/// sends (SDK); and those of 2025 with which templates are written since (SPEC).
const MACHINE_LEARNING: [&str; 47] = [
    "2018-03-01-preview",
    "2018-11-19",
    "2019-05-01",
    "2019-06-01",
    "2019-11-01",
    "2020-01-01",
    "2020-02-02",
    "2020-02-18-preview",
    "2020-03-01",
    "2020-04-01",
    "2020-04-01-preview",
    "2020-05-01-preview",
    "2020-05-15-preview",
    "2020-06-01",
    "2020-08-01",
    "2020-09-01-preview",
    "2021-01-01",
    "2021-03-01-preview",
    "2021-04-01",
    "2021-07-01",
    "2022-01-01-preview",
    "2022-02-01-preview",
    "2022-05-01",
    "2022-06-01-preview",
    "2022-10-01",
    "2022-10-01-preview",
    "2022-12-01-preview",
    "2023-02-01-preview",
    "2023-04-01",
    "2023-04-01-preview",
    "2023-06-01-preview",
    "2023-08-01-preview",
    "2023-10-01",
    "2024-01-01-preview",
    "2024-04-01",
    "2024-04-01-preview",
    "2024-07-01-preview",
    "2024-10-01",
    "2024-10-01-preview",
    "2025-01-01-preview",
    "2025-04-01",
    "2025-04-01-preview",
    "2025-06-01",
    "2025-07-01-preview",
    "2025-09-01",
    "2025-10-01-preview",
    "2025-12-01",
];

/// Synapse workspaces and their pools (SPEC).
const SYNAPSE: [&str; 8] = [
    "2019-06-01-preview",
    "2020-12-01",
    "2021-03-01",
    "2021-04-01-preview",
    "2021-05-01",
    "2021-05-01-preview",
    "2021-06-01",
    "2021-06-01-preview",
];

/// Storage accounts (SPEC: the tags of `specification/storage/resource-manager/readme.md` of Azure/azure-rest-api-specs).
const STORAGE: [&str; 32] = [
    "2015-05-01-preview",
    "2015-06-15",
    "2016-01-01",
    "2016-05-01",
    "2016-12-01",
    "2017-06-01",
    "2017-10-01",
    "2018-02-01",
    "2018-03-01-preview",
    "2018-07-01",
    "2018-11-01",
    "2019-04-01",
    "2019-06-01",
    "2020-08-01-preview",
    "2021-01-01",
    "2021-02-01",
    "2021-04-01",
    "2021-06-01",
    "2021-08-01",
    "2021-09-01",
    "2022-05-01",
    "2022-09-01",
    "2023-01-01",
    "2023-04-01",
    "2023-05-01",
    "2024-01-01",
    "2025-01-01",
    "2025-06-01",
    "2025-08-01",
    "2026-04-01",
    "2026-06-01",
    "2026-09-01",
];

/// Azure's own roles and their assignments (SPEC: the files `authorization-RoleAssignmentsCalls.json` and
/// `authorization-RoleDefinitionsCalls.json` of `specification/authorization/resource-manager` of Azure/azure-rest-api-specs).
const AUTHORIZATION: [&str; 10] = [
    "2015-07-01",
    "2017-10-01-preview",
    "2018-01-01-preview",
    "2018-09-01-preview",
    "2020-03-01-preview",
    "2020-04-01-preview",
    "2020-08-01-preview",
    "2020-10-01-preview",
    "2022-04-01",
    "2022-05-01-preview",
];

/// By provider, in lower case.
pub(crate) fn served() -> BTreeMap<String, Vec<String>> {
    let owned = |versions: &[&str]| versions.iter().map(|v| (*v).to_owned()).collect();
    BTreeMap::from([
        ("microsoft.machinelearningservices".into(), owned(&MACHINE_LEARNING)),
        ("microsoft.synapse".into(), owned(&SYNAPSE)),
        ("microsoft.storage".into(), owned(&STORAGE)),
        ("microsoft.authorization".into(), owned(&AUTHORIZATION)),
        // Of the Activity Log (SPEC).
        ("microsoft.insights".into(), owned(&["2015-04-01"])),
    ])
}

/// The API version of a request, which must have the form of one.
pub(crate) fn asked(request: &Request) -> Result<String, Refusal> {
    let Some(version) = request.query_value("api-version").filter(|v| !v.is_empty()) else {
        return Err(Refusal::new(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    };
    let date = version.strip_suffix("-preview").unwrap_or(&version);
    let shaped = date.len() == 10
        && date.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    if shaped {
        return Ok(version);
    }
    Err(Refusal::new(
        400,
        "InvalidApiVersionParameter",
        format!("The api-version '{version}' is invalid. It is a date such as '2025-12-01', with '-preview' or without."),
    ))
}

/// Refuses a version that the provider in this lower-case path does not serve (REAL: azure-sdk-for-js#4097).
pub(crate) fn check(served: &BTreeMap<String, Vec<String>>, version: &str, path: &[&str]) -> Result<(), Refusal> {
    // A resource of another provider may be below a resource, as a role assignment is.
    let Some([provider, kind, ..]) = path.iter().rposition(|segment| *segment == "providers").map(|at| &path[at + 1..]) else {
        return Ok(());
    };
    let Some(versions) = served.get(*provider).filter(|all| !all.iter().any(|one| one.eq_ignore_ascii_case(version))) else {
        return Ok(());
    };
    let all = versions.join(", ");
    Err(Refusal::new(
        400,
        "NoRegisteredProviderFound",
        format!(
            "No registered resource provider found for location 'eastus2' and API version '{version}' for type '{kind}'. The supported api-versions are '{all}'. The supported locations are 'eastus2'."
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_served_only_by_its_provider() {
        let path = |provider| vec!["subscriptions", "s", "resourcegroups", "g", "providers", provider, "workspaces", "w"];
        let (learning, synapse) = (path("microsoft.machinelearningservices"), path("microsoft.synapse"));
        for (version, path, is_served) in [
            ("2025-12-01", &learning, true),
            ("2025-12-01", &synapse, false),
            ("2021-06-01-PREVIEW", &synapse, true),
            ("1999-01-01", &learning, false),
        ] {
            assert_eq!(check(&served(), version, path).is_ok(), is_served, "{version} {path:?}");
        }
        assert!(check(&served(), "1999-01-01", &["subscriptions"]).is_ok(), "not of a provider");
        let below = [synapse.as_slice(), &["providers", "microsoft.authorization", "roleassignments"]].concat();
        assert!(
            check(&served(), "2022-04-01", &below).is_ok() && check(&served(), "2021-06-01", &below).is_err(),
            "of the last one"
        );
    }
}
