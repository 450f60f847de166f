//! The API versions that do not depend on a setting.

/// `GET /subscriptions`, as azure-mgmt-resource requests it.
pub(super) const SUBSCRIPTIONS: &str = "2022-12-01";
/// The Activity Log: the only stable version.
pub(super) const ACTIVITY_LOG: &str = "2015-04-01";
/// Synapse in Azure Resource Manager: the newest stable version.
pub(super) const SYNAPSE: &str = "2021-06-01";
/// Managed identities: the newest stable version.
pub(super) const MANAGED_IDENTITY: &str = "2023-01-31";
/// Role assignments on the data plane of Synapse.
pub(super) const SYNAPSE_DATA_PLANE: &str = "2020-12-01";
/// Linked services of Machine Learning. Later versions of the API do not have them.
pub(super) const LINKED_SERVICES: &str = "2020-09-01-preview";
/// Storage accounts. Newer versions add nothing that is read.
pub(super) const STORAGE: &str = "2023-05-01";
/// Role assignments and role definitions of Azure: the newest stable version.
pub(super) const AUTHORIZATION: &str = "2022-04-01";
