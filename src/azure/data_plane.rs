//! The addresses of the data plane of Synapse workspaces.

use azure_core::http::Url;

/// The URL of the data plane, with `{workspace}` in it.
#[derive(Debug, Clone)]
pub struct DataPlane(String);

impl DataPlane {
    /// Takes a URL such as `https://{workspace}.dev.azuresynapse.net`.
    ///
    /// # Errors
    ///
    /// The error names what is wrong with it.
    pub fn new(template: &str) -> Result<Self, String> {
        let template = template.trim_end_matches('/');
        if template.matches("{workspace}").count() != 1 {
            return Err(format!("{template:?} must contain {{workspace}} exactly once"));
        }
        let made = Self(template.to_owned());
        let url = made.url("workspace", "/").ok_or_else(|| format!("{template:?} is not a valid URL"))?;
        match () {
            () if url.scheme() != "https" => Err(format!("{template:?} must use https, since the access token is sent to it")),
            () if !url.username().is_empty() || url.password().is_some() => {
                Err("an endpoint must carry no credentials".to_owned())
            }
            () if url.query().is_some() => Err(format!("{template:?} must have no query")),
            () => Ok(made),
        }
    }

    /// The URL of a path in this workspace; `None` if no workspace of Azure can have such a name.
    ///
    /// A name with other characters could lead to another host, which must not get the token.
    pub(super) fn url(&self, workspace: &str, path: &str) -> Option<Url> {
        let is_name = !workspace.is_empty() && workspace.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let text = is_name.then(|| format!("{}{path}", self.0.replace("{workspace}", workspace)))?;
        Url::parse(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_goes_to_workspaces_of_the_template_only() {
        let plane = DataPlane::new("https://{workspace}.dev.azuresynapse.net/").expect("a template");
        let host = |workspace: &str| plane.url(workspace, "/x").and_then(|url| url.host_str().map(ToOwned::to_owned));
        assert_eq!(host("yogi-synapse-ws").as_deref(), Some("yogi-synapse-ws.dev.azuresynapse.net"));
        for name in ["", "evil.example/", "evil.example#", "a.b", "a@b", "a:1", "a/b", "a?b", "a_b", "(a)", "ä"] {
            assert_eq!(host(name), None, "{name:?}");
        }
    }

    #[test]
    fn template_is_https_with_one_workspace_in_it() {
        for (template, good) in [
            ("https://{workspace}.dev.azuresynapse.azure.cn", true),
            ("https://127.0.0.1:8443/synapse/{workspace}", true),
            ("http://{workspace}.dev.azuresynapse.net", false),
            ("https://dev.azuresynapse.net", false),
            ("https://{workspace}.{workspace}.net", false),
            ("https://u:p@{workspace}.net", false),
            ("https://{workspace}.net/?a=b", false),
            ("{workspace}", false),
        ] {
            assert_eq!(DataPlane::new(template).is_ok(), good, "{template}");
        }
    }
}
