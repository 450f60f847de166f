//! Why jobs fail: errors of Azure, and the requirement of Spark jobs that each of them shows to be missing.

/// A requirement that is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cause {
    /// Its name in the output of `check NAME --for-jobs`; empty if that does not check it.
    pub(super) check: &'static str,
    pub(super) advice: &'static str,
}

/// A part of an error's code or message, and its cause. The first one that matches counts.
#[rustfmt::skip]
const CAUSES: [(&str, Cause); 5] = [
    // Synapse's data plane: <https://github.com/Azure/azure-sdk-for-net/issues/24423>.
    ("required Synapse RBAC permission", Cause {
        check: "synapse-role",
        advice: "The identity of the job needs a Synapse role on the pool: set spec.synapseRole, or have a Synapse Administrator assign it",
    }),
    // <https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes>. It comes before the next one, which begins alike.
    ("AuthorizationPermissionMismatch", Cause {
        check: "datastore-blob-data",
        advice: "The identity of the job needs the role Storage Blob Data Contributor on the storage account",
    }),
    ("to perform this operation using this permission", Cause {
        check: "datastore-blob-data",
        advice: "The identity of the job needs the role Storage Blob Data Contributor on the storage account",
    }),
    ("AuthorizationFailure", Cause {
        check: "datastore-network",
        advice: "The network rules of the storage account block connections from the pool",
    }),
    // <https://learn.microsoft.com/azure/synapse-analytics/spark/apache-spark-concepts>.
    ("MAXIMUM_WORKSPACE_CAPACITY_EXCEEDED", Cause {
        check: "",
        advice: "The jobs of the Synapse workspace use all of its vCores: wait until some have ended, or request more quota",
    }),
];

/// What is missing, by the errors of a job as code and message.
pub(super) fn cause(errors: &[(String, String)]) -> Option<Cause> {
    let has = |part: &str| errors.iter().any(|(code, message)| code.contains(part) || message.contains(part));
    CAUSES.iter().find(|(part, _)| has(part)).map(|(_, cause)| *cause)
}

/// A job that waits before it runs: it got no session. Such jobs have lacked a role on the primary storage of the Synapse workspace
/// (<https://github.com/Azure/azure-sdk-for-python/issues/29056>).
pub(super) fn not_started(status: &str) -> Option<Cause> {
    let waits = ["NotStarted", "Starting", "Provisioning", "Preparing", "Queued"].contains(&status);
    waits.then_some(Cause {
        check: "primary-blob-data",
        advice: "The job did not start. Its pool may be busy, or its identity lacks a role on the primary storage of the Synapse workspace",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::jobs::checks::CHECKS;

    #[test]
    fn an_error_of_a_job_names_the_requirement_that_is_missing() {
        #[rustfmt::skip]
        let table = [
            ("Unauthorized", "The principal 'p' does not have the required Synapse RBAC permission to perform this action.", Some("synapse-role")),
            ("UserError", "Operation failed: \"This request is not authorized to perform this operation using this permission.\", 403, PUT", Some("datastore-blob-data")),
            ("UserError", "StatusCode=403, AuthorizationPermissionMismatch", Some("datastore-blob-data")),
            ("AuthorizationFailure", "This request is not authorized to perform this operation.", Some("datastore-network")),
            ("UserError", "[User] MAXIMUM_WORKSPACE_CAPACITY_EXCEEDED", Some("")),
            ("UserError", "division by zero", None),
        ];
        for (code, message, check) in table {
            let found = cause(&[("UserError".to_owned(), "the job failed".to_owned()), (code.to_owned(), message.to_owned())]);
            assert_eq!(found.map(|cause| cause.check), check, "{code}: {message}");
        }
    }

    #[test]
    fn a_requirement_that_is_named_is_one_that_is_checked() {
        let waiting = not_started("Queued").expect("a cause");
        for cause in CAUSES.iter().map(|(_, cause)| *cause).chain([waiting]).filter(|cause| !cause.check.is_empty()) {
            assert!(CHECKS.iter().any(|check| check.id == cause.check), "{}", cause.check);
        }
    }

    #[test]
    fn a_job_that_waits_has_a_cause_and_one_that_runs_has_none() {
        for (status, waits) in [("Preparing", true), ("Queued", true), ("Running", false), ("Finalizing", false)] {
            assert_eq!(not_started(status).is_some(), waits, "{status}");
        }
    }
}
