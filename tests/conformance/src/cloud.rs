//! The clouds, and where their services are.

use clap::ValueEnum;

/// A cloud of Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cloud {
    /// The public cloud.
    Public,
    /// Azure in China, operated by 21Vianet.
    China,
    /// Azure US Government.
    Usgov,
}

impl Cloud {
    /// The address of Azure Resource Manager.
    #[must_use]
    pub fn arm(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::China => "https://management.chinacloudapi.cn",
            Self::Usgov => "https://management.usgovcloudapi.net",
        }
    }

    /// The address of Microsoft Entra ID.
    #[must_use]
    pub fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::China => "https://login.partner.microsoftonline.cn",
            Self::Usgov => "https://login.microsoftonline.us",
        }
    }

    /// The resource for which an access token of Synapse's data plane is requested.
    #[must_use]
    pub fn synapse_resource(self) -> &'static str {
        match self {
            Self::Public => "https://dev.azuresynapse.net",
            Self::China => "https://dev.azuresynapse.azure.cn",
            Self::Usgov => "https://dev.azuresynapse.usgovcloudapi.net",
        }
    }

    /// The data plane of a Synapse workspace.
    #[must_use]
    pub fn synapse(self, workspace: &str) -> String {
        self.synapse_resource().replacen("https://", &format!("https://{workspace}."), 1)
    }

    /// What the host of Machine Learning's regional API ends with. A token is sent to no other host.
    #[must_use]
    pub fn regional_suffix(self) -> &'static str {
        match self {
            Self::Public => ".api.azureml.ms",
            Self::China => ".api.ml.azure.cn",
            Self::Usgov => ".api.ml.azure.us",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_of_synapse_is_a_host_of_its_cloud() {
        assert_eq!(Cloud::Public.synapse("ws"), "https://ws.dev.azuresynapse.net");
        assert_eq!(Cloud::China.synapse("ws"), "https://ws.dev.azuresynapse.azure.cn");
    }
}
