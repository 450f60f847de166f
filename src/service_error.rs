//! An error that Azure returned.

/// Azure's code and message for an error, and the ID under which Azure support finds the request.
///
/// Source of the shape: <https://learn.microsoft.com/azure/azure-resource-manager/management/resource-error-codes>.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceError {
    /// `error.code`, as `AuthorizationFailed`; empty if the answer had none.
    pub code: String,
    /// `error.message`.
    pub message: String,
    /// The header `x-ms-correlation-request-id`.
    pub correlation_id: Option<String>,
}

impl std::fmt::Display for ServiceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", message) => f.write_str(message),
            (code, "") => f.write_str(code),
            (code, message) => write!(f, "{code}: {message}"),
        }
    }
}
