//! What is in the way of a request that Azure refuses although the identity has the right to send it.

/// An obstacle that the operator cannot remove: the request is valid, and the identity may send it.
///
/// Which error code stands for which obstacle is in [`azure::codes`](crate::azure::codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A management lock on the resource, its resource group or its subscription.
    Lock,
    /// The subscription is not registered for the resource provider, or the provider does not offer the API version.
    Provider,
    /// The subscription is disabled, and therefore read-only.
    Subscription,
    /// An assignment of Azure Policy denies the request.
    Policy,
    /// A firewall does not let the address of the operator through.
    Network,
    /// A quota of the subscription, the region or the workspace is exhausted.
    Quota,
    /// Another resource that the request depends on has failed.
    Dependency,
    /// Azure does not change the compute that exists in place.
    Update,
    /// A user-assigned identity that the request names does not exist.
    Identity,
}

impl Refusal {
    /// Every obstacle, in the order of the documents.
    pub const ALL: [Self; 9] = [
        Self::Lock,
        Self::Provider,
        Self::Subscription,
        Self::Policy,
        Self::Network,
        Self::Quota,
        Self::Dependency,
        Self::Update,
        Self::Identity,
    ];
}
