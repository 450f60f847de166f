//! An error that Azure returned, and the service that it came from.

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
    /// Which service returned it, or did not answer.
    pub service: Service,
    /// What to do about this very error, where that is known; in lower case.
    pub hint: Option<String>,
}

/// A service that the operator sends requests to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Service {
    /// Azure Resource Manager.
    #[default]
    ResourceManager,
    /// The data plane of a Synapse workspace.
    Synapse,
    /// A storage account.
    Storage,
    /// Microsoft Entra ID.
    Entra,
    /// The Kubernetes API server, which signs the tokens of each `ServiceAccount`.
    Kubernetes,
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ResourceManager => "Azure Resource Manager",
            Self::Synapse => "the Synapse workspace",
            Self::Storage => "the storage account",
            Self::Entra => "Microsoft Entra ID",
            Self::Kubernetes => "the Kubernetes API server",
        })
    }
}

impl std::fmt::Display for ServiceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", message) => f.write_str(message)?,
            (code, "") => f.write_str(code)?,
            (code, message) => write!(f, "{code}: {message}")?,
        }
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}
