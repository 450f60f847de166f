//! The Azure that is probed, the credentials for it, and the resources in it.

use std::time::Duration;

use crate::cloud::Cloud;

/// The API version of Machine Learning, unless another one is given: that of the operator.
pub const VERSION: &str = "2024-04-01";

/// The credentials of the kit.
#[derive(Clone)]
pub enum Credential {
    /// An application with a client secret: tokens are requested as they are needed.
    Secret {
        /// The tenant.
        tenant: String,
        /// The application's client ID.
        client: String,
        /// The client secret.
        secret: String,
    },
    /// Tokens that were obtained elsewhere.
    Tokens {
        /// For Azure Resource Manager.
        arm: String,
        /// For the data plane of Synapse.
        synapse: Option<String>,
    },
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Secret { .. } => "Secret",
            Self::Tokens { .. } => "Tokens",
        })
    }
}

/// An Azure and the resources in it that a run uses.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address of Azure Resource Manager, without a slash at its end.
    pub arm: String,
    /// The address of Microsoft Entra ID.
    pub authority: String,
    /// The data plane of the pool's Synapse workspace.
    pub synapse: String,
    /// The resource of a token for that data plane.
    pub synapse_resource: String,
    /// The regional API of Machine Learning; none: where `discoveryUrl` leads, if that is a host of Azure.
    pub regional: Option<String>,
    /// The cloud.
    pub cloud: Cloud,
    /// The API version of computes, jobs and the workspace.
    pub version: String,
    /// The ID of the Machine Learning workspace.
    pub workspace: String,
    /// The ID of the Spark pool that is attached.
    pub pool: String,
    /// The ID of another Spark pool.
    pub other_pool: Option<String>,
    /// The IDs of user-assigned managed identities.
    pub identities: Vec<String>,
    /// The credentials.
    pub credential: Credential,
    /// How long to wait between two reads of an operation.
    pub poll: Duration,
    /// How long to wait before a read that has to show the last write.
    pub read_delay: Duration,
    /// How long an operation may take.
    pub patience: Duration,
}

/// The value of a segment of an ARM ID: `part(id, "resourceGroups")`.
#[must_use]
pub fn part<'a>(id: &'a str, kind: &str) -> Option<&'a str> {
    let mut segments = id.split('/');
    segments.find(|segment| segment.eq_ignore_ascii_case(kind))?;
    segments.next().filter(|name| !name.is_empty())
}

/// The last segment of an ARM ID.
#[must_use]
pub fn name(id: &str) -> &str {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

impl Target {
    /// The subscription's ID, without `/subscriptions/`.
    #[must_use]
    pub fn subscription(&self) -> &str {
        part(&self.workspace, "subscriptions").unwrap_or_default()
    }

    /// The ID of the resource group of the Machine Learning workspace.
    #[must_use]
    pub fn group(&self) -> String {
        let group = part(&self.workspace, "resourceGroups").unwrap_or_default();
        format!("/subscriptions/{}/resourceGroups/{group}", self.subscription())
    }

    /// The ID of the Synapse workspace.
    #[must_use]
    pub fn synapse_id(&self) -> &str {
        self.pool.rsplitn(3, '/').last().unwrap_or_default()
    }

    /// The scope of the pool in the words of Synapse's data plane.
    #[must_use]
    pub fn pool_scope(&self) -> String {
        format!("workspaces/{}/bigDataPools/{}", name(self.synapse_id()), name(&self.pool))
    }

    /// Checks the IDs before anything is sent.
    ///
    /// # Errors
    ///
    /// The text names the ID that is not one, and its form.
    pub fn checked(self) -> Result<Self, String> {
        let of = |id: &str, kind: &str, what: &str| {
            let whole = id.starts_with("/subscriptions/") && part(id, "resourceGroups").is_some();
            if whole && part(id, kind).is_some_and(|found| found == name(id)) {
                return Ok(());
            }
            Err(format!("{what} {id:?} is not valid. Set it to /subscriptions/…/resourceGroups/…/providers/…/{kind}/NAME"))
        };
        of(&self.workspace, "workspaces", "The workspace")?;
        for pool in std::iter::once(&self.pool).chain(&self.other_pool) {
            of(pool, "bigDataPools", "The Spark pool")?;
        }
        for identity in &self.identities {
            of(identity, "userAssignedIdentities", "The identity")?;
        }
        Ok(self)
    }

    /// What must not be left in a recording, each with its placeholder. GUIDs and tokens are found by their form.
    #[must_use]
    pub fn secrets(&self) -> Vec<(String, String)> {
        let mut secrets = vec![(self.arm.clone(), "https://management.azure.com".to_owned())];
        match &self.credential {
            // A tenant may be named by its domain.
            Credential::Secret { tenant, client, secret } => {
                secrets.push((secret.clone(), "REDACTED".to_owned()));
                secrets.push((tenant.clone(), "00000000-0000-0000-0000-0000000000a1".to_owned()));
                secrets.push((client.clone(), "00000000-0000-0000-0000-0000000000a2".to_owned()));
            }
            Credential::Tokens { arm, synapse } => {
                secrets.extend(std::iter::once(arm).chain(synapse).map(|token| (token.clone(), "REDACTED".to_owned())));
            }
        }
        let mut add = |text: Option<&str>, placeholder: String| {
            if let Some(text) = text.filter(|text| !secrets.iter().any(|(known, _)| known.eq_ignore_ascii_case(text))) {
                secrets.push((text.to_owned(), placeholder));
            }
        };
        add(Some(self.subscription()), "00000000-0000-0000-0000-000000000000".into());
        add(part(&self.workspace, "resourceGroups"), "group".into());
        add(Some(name(&self.workspace)), "workspace".into());
        add(Some(name(self.synapse_id())), "synapse".into());
        for (pool, placeholder) in [(Some(&self.pool), "pool"), (self.other_pool.as_ref(), "other-pool")] {
            add(pool.map(|id| name(id)), placeholder.into());
            add(pool.and_then(|id| part(id, "resourceGroups")), format!("group-of-{placeholder}"));
            add(pool.and_then(|id| part(id, "workspaces")), format!("synapse-of-{placeholder}"));
        }
        for (number, identity) in (1..).zip(&self.identities) {
            add(Some(name(identity)), format!("identity-{number}"));
            add(part(identity, "resourceGroups"), format!("group-of-identity-{number}"));
        }
        secrets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_id_are_found_in_any_case() {
        let id = "/subscriptions/s/resourcegroups/g/providers/Microsoft.Synapse/workspaces/w/bigDataPools/p";
        assert_eq!((part(id, "resourceGroups"), part(id, "workspaces"), name(id)), (Some("g"), Some("w"), "p"));
        assert_eq!(part(id, "computes"), None);
    }
}
