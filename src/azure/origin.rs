//! The only place that accepts a URL: it must have the origin of the configured ARM endpoint, because the token is sent to it.

use azure_core::http::Url;

/// The origin of ARM.
#[derive(Debug, Clone)]
pub struct Origin(Url);

/// An address that the token must not be sent to. It has no path and no query, because they may contain a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not the configured ARM endpoint")]
pub struct Foreign(String);

impl Origin {
    /// Takes an endpoint: https, and no path of its own.
    ///
    /// # Errors
    ///
    /// The error names what is wrong with it.
    pub fn new(endpoint: &str) -> Result<Self, String> {
        let url = Url::parse(endpoint).map_err(|error| format!("{endpoint:?} is not a valid URL: {error}"))?;
        match () {
            () if url.scheme() != "https" => Err(format!("{endpoint:?} must use https, since the access token is sent to it")),
            () if url.path() != "/" || url.query().is_some() => Err(format!("{endpoint:?} must have no path")),
            () if !url.username().is_empty() || url.password().is_some() => {
                Err("an endpoint must carry no credentials".to_owned())
            }
            () => Ok(Self(url)),
        }
    }

    /// The URL of a path and query under this origin.
    ///
    /// # Errors
    ///
    /// [`Foreign`] if the text leads elsewhere.
    pub fn admit(&self, link: &str) -> Result<Url, Foreign> {
        let url = self.0.join(link).map_err(|_| Foreign("an invalid URL".to_owned()))?;
        if url.origin() == self.0.origin() && url.username().is_empty() && url.password().is_none() {
            Ok(url)
        } else {
            Err(Foreign(url.host_str().unwrap_or("an address without a host").to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_its_own_origin_alone() {
        let origin = Origin::new("https://management.azure.com").expect("an endpoint");
        #[rustfmt::skip]
        let table = [
            ("a path",                   "/subscriptions/x?api-version=1",               true),
            ("its own URL",              "https://management.azure.com/x?t=1&s=2",       true),
            ("its own port, said",       "https://management.azure.com:443/x",           true),
            ("another host",             "https://evil.example/x",                       false),
            ("a host without scheme",    "//evil.example/x",                             false),
            ("a host that begins alike", "https://management.azure.com.evil.example/x",  false),
            ("user info before another", "https://management.azure.com@evil.example/x",  false),
            ("user info",                "https://a:b@management.azure.com/x",           false),
            ("plain http",               "http://management.azure.com/x",                false),
            ("another port",             "https://management.azure.com:8443/x",          false),
            ("a backslash",              "\\\\evil.example\\x",                          false),
            ("another scheme",           "file:///etc/passwd",                           false),
        ];
        for (case, link, good) in table {
            assert_eq!(origin.admit(link).is_ok(), good, "{case}: {link}");
        }
    }

    #[test]
    fn an_endpoint_is_https_without_a_path() {
        for (endpoint, good) in [
            ("https://127.0.0.1:8443", true),
            ("https://management.azure.com/", true),
            ("http://127.0.0.1:1", false),
            ("https://h/path", false),
            ("https://u:p@h", false),
            ("management.azure.com", false),
        ] {
            assert_eq!(Origin::new(endpoint).is_ok(), good, "{endpoint}");
        }
    }
}
