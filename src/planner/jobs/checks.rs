//! The table of checks: each requirement with the document of Microsoft that it comes from.

use crate::planner::jobs::facts::Facts;
use crate::planner::jobs::outcome::Outcome;
use crate::planner::jobs::{identity, network, runtime, storage_roles};

/// A requirement of Spark jobs.
#[derive(Debug)]
pub struct Check {
    /// Its name, in the output and in the documents.
    pub id: &'static str,
    /// Where Microsoft documents it.
    pub document: &'static str,
    run: fn(&Facts) -> Outcome,
}

/// A check, and how it ended.
#[derive(Debug, Clone)]
pub struct CheckResult {
    /// The check.
    pub check: &'static Check,
    /// Its outcome.
    pub outcome: Outcome,
}

const ATTACH: &str = "https://learn.microsoft.com/azure/machine-learning/how-to-manage-synapse-spark-pool";
const SYNAPSE_ROLE: &str = "https://learn.microsoft.com/azure/machine-learning/how-to-manage-synapse-spark-pool#add-role-assignments-in-azure-synapse-analytics";
const ACCESS: &str = "https://learn.microsoft.com/azure/machine-learning/apache-spark-environment-configuration#ensuring-resource-access-for-spark-jobs";
const SUBMIT: &str = "https://learn.microsoft.com/azure/machine-learning/how-to-submit-spark-jobs";
const INTEGRATION: &str = "https://learn.microsoft.com/azure/machine-learning/how-to-private-endpoint-integration-synapse";
const FIREWALL: &str = "https://learn.microsoft.com/azure/synapse-analytics/security/synapse-workspace-ip-firewall";
const STORAGE: &str = "https://learn.microsoft.com/azure/synapse-analytics/security/connect-to-a-secure-storage-account";
const VERSIONS: &str = "https://learn.microsoft.com/azure/synapse-analytics/spark/apache-spark-version-support";

const fn row(id: &'static str, document: &'static str, run: fn(&Facts) -> Outcome) -> Check {
    Check { id, document, run }
}

/// Every check, in the order of the output and of the documents.
#[rustfmt::skip]
pub static CHECKS: [Check; 13] = [
    row("compute",                    ATTACH,       identity::compute),
    row("identity",                   ACCESS,       identity::identity),
    row("synapse-role",               SYNAPSE_ROLE, identity::synapse_role),
    row("datastore-contributor",      SUBMIT,       storage_roles::datastore_contributor),
    row("datastore-blob-data",        SUBMIT,       storage_roles::datastore_blob_data),
    row("primary-contributor",        SUBMIT,       storage_roles::primary_contributor),
    row("primary-blob-data",          SUBMIT,       storage_roles::primary_blob_data),
    row("no-exfiltration-protection", INTEGRATION,  network::exfiltration),
    row("synapse-public-access",      SUBMIT,       network::synapse_public_access),
    row("synapse-firewall",           FIREWALL,     network::synapse_firewall),
    row("datastore-network",          STORAGE,      network::datastore_network),
    row("primary-network",            STORAGE,      network::primary_network),
    row("spark-version",              VERSIONS,     runtime::spark_version),
];

/// Makes every check.
#[must_use]
pub fn check(facts: &Facts) -> Vec<CheckResult> {
    CHECKS.iter().map(|check| CheckResult { check, outcome: (check.run)(facts) }).collect()
}
