//! Azure's error codes: what each of them means, and where that is documented.
//!
//! One status has several meanings: a 409 is an operation that ends by itself, or a lock that stays; a 403 is a missing
//! permission, a policy or a firewall.

use crate::refusal::Refusal;

/// What an error with a known code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Another operation is in progress: the request succeeds later as it is.
    Conflict,
    /// The identity lacks a permission.
    Forbidden,
    /// The access token is not accepted.
    Unauthenticated,
    /// The workspace or the resource group does not exist.
    WorkspaceNotFound,
    /// The subscription does not exist, or this tenant cannot see it.
    SubscriptionNotFound,
    /// The request cannot be served as it is: another API version, cloud or spec is needed.
    Rejected,
    /// An obstacle prevents the request, although the request is valid and the identity has the permission.
    Refused(Refusal),
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The error code; Azure does not always spell it with the same capitals.
    pub code: &'static str,
    /// The statuses with which it has this meaning; empty if it has it with any status.
    pub statuses: &'static [u16],
    /// What the message must contain, in lower case, if the code alone is not specific.
    pub message_contains: &'static str,
    /// What it means.
    pub meaning: Meaning,
    /// A page that describes it.
    pub source: &'static str,
}

impl Row {
    fn is(&self, status: u16, code: &str, message: &str) -> bool {
        self.code.eq_ignore_ascii_case(code)
            && (self.statuses.is_empty() || self.statuses.contains(&status))
            && (self.message_contains.is_empty() || message.to_ascii_lowercase().contains(self.message_contains))
    }
}

const COMMON: &str = "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors";
const LOCKS: &str = "https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources";
const PROVIDERS: &str =
    "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider";
const DISABLED: &str = "https://learn.microsoft.com/azure/cost-management-billing/manage/subscription-disabled";
const POLICY: &str =
    "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-policy-requestdisallowedbypolicy";
const QUOTA: &str = "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-resource-quota";
const FIREWALL: &str = "https://learn.microsoft.com/azure/synapse-analytics/security/synapse-workspace-ip-firewall";
const NOT_FOUND: &str = "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found";
const VERSIONS: &str = "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types";
const ASYNC: &str = "https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations";
const IDENTITY: &str = "https://github.com/Azure/ResourceModules/issues/2391";
const IDENTITY_MISSING: &str = "https://github.com/Azure/azure-cli/issues/31837";
const PRINCIPAL: &str = "https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#new-principal";
/// Its parameter `deployCompute`: a second deployment of an attached compute fails.
const IN_PLACE: &str = "https://github.com/Azure/ResourceModules/tree/main/modules/machine-learning-services/workspace/compute";

const fn row(code: &'static str, meaning: Meaning, source: &'static str) -> Row {
    Row { code, statuses: &[], message_contains: "", meaning, source }
}

/// Every code that means something else than its status.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row("ScopeLocked", Meaning::Refused(Refusal::Lock), LOCKS),
    row("MissingSubscriptionRegistration", Meaning::Refused(Refusal::Provider), PROVIDERS),
    row("NoRegisteredProviderFound", Meaning::Refused(Refusal::Provider), PROVIDERS),
    row("ReadOnlyDisabledSubscription", Meaning::Refused(Refusal::Subscription), DISABLED),
    row("RequestDisallowedByPolicy", Meaning::Refused(Refusal::Policy), POLICY),
    row("ClientIpAddressNotAuthorized", Meaning::Refused(Refusal::Network), FIREWALL),
    row("QuotaExceeded", Meaning::Refused(Refusal::Quota), QUOTA),
    Row { message_contains: "quota", ..row("OperationNotAllowed", Meaning::Refused(Refusal::Quota), QUOTA) },
    row("FailedDependency", Meaning::Refused(Refusal::Dependency), ASYNC),
    Row { statuses: &[400, 409], message_contains: "already exist", ..row("UserError", Meaning::Refused(Refusal::Update), IN_PLACE) },
    row("AnotherOperationInProgress", Meaning::Conflict, COMMON),
    Row { statuses: &[409], ..row("Conflict", Meaning::Conflict, COMMON) },
    Row { statuses: &[400], message_contains: "was not found", ..row("FailedIdentityOperation", Meaning::Refused(Refusal::Identity), IDENTITY_MISSING) },
    // "… is new, but resource already exists. This may be due to a pending delete operation": the former identity of the same name
    // is still being deleted.
    Row { statuses: &[400], ..row("FailedIdentityOperation", Meaning::Conflict, IDENTITY) },
    // A new principal is not known everywhere at once.
    Row { statuses: &[400], ..row("PrincipalNotFound", Meaning::Conflict, PRINCIPAL) },
    Row { statuses: &[403], ..row("AuthorizationFailed", Meaning::Forbidden, COMMON) },
    row("LinkedAuthorizationFailed", Meaning::Forbidden, COMMON),
    Row { statuses: &[401], ..row("InvalidAuthenticationToken", Meaning::Unauthenticated, COMMON) },
    Row { statuses: &[401], ..row("ExpiredAuthenticationToken", Meaning::Unauthenticated, COMMON) },
    row("SubscriptionNotFound", Meaning::SubscriptionNotFound, COMMON),
    row("InvalidSubscriptionId", Meaning::SubscriptionNotFound, COMMON),
    Row { statuses: &[404], ..row("ParentResourceNotFound", Meaning::WorkspaceNotFound, NOT_FOUND) },
    Row { statuses: &[404], ..row("ResourceGroupNotFound", Meaning::WorkspaceNotFound, NOT_FOUND) },
    Row { statuses: &[404], ..row("WorkspaceNotFound", Meaning::WorkspaceNotFound, NOT_FOUND) },
    // These are about the API version or the cloud. They do not prove that a resource is absent.
    row("InvalidResourceType", Meaning::Rejected, VERSIONS),
    row("InvalidResourceNamespace", Meaning::Rejected, VERSIONS),
    row("InvalidApiVersionParameter", Meaning::Rejected, VERSIONS),
];

/// The meaning of an answer by the codes and messages of its errors, the outermost first; none if the status has to decide.
///
/// An obstacle in an inner error takes precedence over the outer error: Azure wraps a specific error into a general one.
/// If the server failed or is overloaded, only the status counts: the request may have been carried out, or a pause is needed.
#[must_use]
pub fn meaning(status: u16, errors: &[(String, String)]) -> Option<Meaning> {
    if !(400..500).contains(&status) || matches!(status, 408 | 429) {
        return None;
    }
    let of = |(code, message): &(String, String)| TABLE.iter().find(|row| row.is(status, code, message)).map(|row| row.meaning);
    let known = || errors.iter().filter_map(of);
    known().find(|meaning| matches!(meaning, Meaning::Refused(_))).or_else(|| known().next())
}
