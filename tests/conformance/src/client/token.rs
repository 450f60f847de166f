//! Access tokens.

use std::time::Duration;

use super::{Azure, locked};
use crate::seen::Failure;
use crate::target::Credential;
use crate::transport::{Body, Outgoing, Reply};

impl Azure {
    /// A request to the token endpoint of the tenant, with these fields.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn token(&self, tenant: &str, fields: Vec<(&'static str, String)>) -> Result<Reply, Failure> {
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.target.authority);
        let request = Outgoing { method: "POST", url, token: None, headers: Vec::new(), body: Body::Form(fields) };
        self.exchange(&request).await
    }

    /// The token for this resource.
    pub(super) async fn access_token(&self, resource: &str) -> Result<String, Failure> {
        let (tenant, client, secret) = match &self.target.credential {
            Credential::Tokens { arm, .. } if resource == self.target.arm => return Ok(arm.clone()),
            Credential::Tokens { synapse, .. } => {
                return synapse
                    .clone()
                    .ok_or_else(|| Failure::NotAsked("needs SYNAPSE_ACCESS_TOKEN or AZURE_CLIENT_SECRET".to_owned()));
            }
            Credential::Secret { tenant, client, secret } => (tenant, client, secret),
        };
        let fresh = Duration::from_mins(45);
        let known = locked(&self.tokens)
            .iter()
            .find(|(of, _, at)| of == resource && at.elapsed() < fresh)
            .map(|(_, token, _)| token.clone());
        if let Some(token) = known {
            return Ok(token);
        }
        let scope = if self.target.arm == resource { self.arm_scope() } else { format!("{resource}/.default") };
        let reply = self.token(tenant, credentials(client, secret, &scope)).await?;
        let Some(token) = reply.body["access_token"].as_str().map(str::to_owned) else {
            // Behind the first quotation mark may be the display name of the tenant.
            let said = reply.body["error_description"].as_str().and_then(|text| text.split('\'').next()).unwrap_or_default();
            let said = self.comparable(said.trim());
            return Err(Failure::Broken(format!(
                "Cannot obtain an access token from Microsoft Entra ID: {said}. Check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
            )));
        };
        self.recorder.redact(|redactor| redactor.add(&token));
        let mut tokens = locked(&self.tokens);
        tokens.retain(|(of, _, _)| of != resource);
        tokens.push((resource.to_owned(), token.clone(), tokio::time::Instant::now()));
        Ok(token)
    }

    /// The scope of a token for ARM. An emulator takes that of the public cloud.
    #[must_use]
    pub fn arm_scope(&self) -> String {
        format!("{}/.default", self.target.cloud.arm())
    }
}

/// The fields of a token request.
#[must_use]
pub fn credentials(client: &str, secret: &str, scope: &str) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", client.to_owned()),
        ("client_secret", secret.to_owned()),
        ("scope", scope.to_owned()),
    ]
}
