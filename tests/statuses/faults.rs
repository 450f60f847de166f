//! Every fault, with an error as Azure returns it.

use std::time::Duration;

use synapse_spark_operator::planner::{Fault, FaultKind};
use synapse_spark_operator::refusal::Refusal;
use synapse_spark_operator::service_error::{Service, ServiceError};

/// An error of Azure.
pub fn error(code: &str, message: &str) -> ServiceError {
    ServiceError { code: code.to_owned(), message: message.to_owned(), ..ServiceError::default() }
}

fn of_entra(fault: Fault) -> Fault {
    Fault { error: ServiceError { service: Service::Entra, ..fault.error }, ..fault }
}

/// Every fault.
pub fn faults() -> Vec<Fault> {
    let fault = |kind, code, message| Fault { kind, error: error(code, message) };
    vec![
        fault(FaultKind::Unavailable(None), "InternalServerError", "The server could not process the request."),
        fault(FaultKind::Intercepted, "", "HTTP 403 with the page \"Access denied\""),
        fault(FaultKind::Untrusted, "", "invalid peer certificate: UnknownIssuer"),
        fault(FaultKind::Conflict, "AnotherOperationInProgress", "Another operation on this resource is in progress."),
        fault(FaultKind::Throttled(Duration::from_secs(17)), "TooManyRequests", "The request rate is too large."),
        fault(FaultKind::Queued(Duration::from_secs(17)), "", ""),
        fault(
            FaultKind::Forbidden,
            "AuthorizationFailed",
            "The client does not have authorization to perform action 'Microsoft.MachineLearningServices/workspaces/computes/write'.",
        ),
        of_entra(fault(
            FaultKind::Unauthenticated,
            "invalid_client",
            "AADSTS700213: No matching federated identity record found.",
        )),
        fault(FaultKind::WorkspaceNotFound, "ResourceNotFound", "The workspace was not found."),
        fault(FaultKind::SubscriptionNotFound, "SubscriptionNotFound", "The subscription could not be found."),
        fault(FaultKind::Rejected, "BadRequest", "The request is invalid."),
        fault(
            FaultKind::Refused(Refusal::Lock),
            "ScopeLocked",
            "The scope cannot perform delete operation because it is locked.",
        ),
        fault(
            FaultKind::Refused(Refusal::Provider),
            "MissingSubscriptionRegistration",
            "The subscription is not registered to use namespace 'Microsoft.MachineLearningServices'.",
        ),
        fault(
            FaultKind::Refused(Refusal::Subscription),
            "ReadOnlyDisabledSubscription",
            "The subscription is disabled and therefore marked as read only.",
        ),
        fault(FaultKind::Refused(Refusal::Policy), "RequestDisallowedByPolicy", "The resource was disallowed by policy."),
        fault(FaultKind::Refused(Refusal::Network), "ClientIpAddressNotAuthorized", "Client Ip address : 203.0.113.7"),
        fault(FaultKind::Refused(Refusal::Quota), "QuotaExceeded", "The quota is exceeded."),
        fault(FaultKind::Refused(Refusal::Dependency), "FailedDependency", "A dependency has failed."),
        fault(FaultKind::Refused(Refusal::Update), "UserError", "The compute already exists."),
        fault(FaultKind::Refused(Refusal::Identity), "FailedIdentityOperation", "The identity was not found."),
    ]
}
