//! Whose requests Azure counts together: the token's principal, in a subscription or tenant, by kind.

use std::sync::Arc;

use azure_core::base64::decode_url_safe;
use serde::Deserialize;

use crate::azure::throttle::kind::Kind;

/// A GUID has 36 characters. A longer value is not an ID, and is not kept.
const MAX_ID_BYTES: usize = 64;

/// Who sends a request. Two credentials of one principal share its buckets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Principal {
    /// Tenant and object ID of the access token.
    Known(Arc<str>),
    /// The access token cannot be read: each credential has buckets of its own, by this number.
    Opaque(u64),
}

#[derive(Deserialize)]
struct Claims {
    tid: String,
    oid: String,
}

impl Principal {
    /// The principal of an access token.
    ///
    /// The signature is not checked: the token comes from Microsoft Entra ID, and nothing but the bucket depends on it.
    pub(crate) fn of_token(token: &str, credential: u64) -> Self {
        claims(token).map_or(Self::Opaque(credential), |Claims { tid, oid }| {
            Self::Known(format!("{tid}/{oid}").to_ascii_lowercase().into())
        })
    }

    /// The object ID, if the access token shows it.
    pub(crate) fn object_id(&self) -> Option<&str> {
        match self {
            Self::Known(id) => id.split_once('/').map(|(_, object)| object),
            Self::Opaque(_) => None,
        }
    }
}

/// The claims `tid` and `oid` of a JWT.
/// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    let claims: Claims = serde_json::from_slice(&decode_url_safe(payload).ok()?).ok()?;
    let is_id = |id: &str| !id.is_empty() && id.len() <= MAX_ID_BYTES;
    (is_id(&claims.tid) && is_id(&claims.oid)).then_some(claims)
}

/// The scope of a limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// A subscription.
    Subscription(String),
    /// The principal's tenant, for requests without a subscription.
    Tenant,
    /// The data plane of a Synapse workspace. Its limits are not published: it is only closed by its own 429.
    Synapse(String),
    /// A regional host of Machine Learning, as above.
    MachineLearning(String),
}

impl Scope {
    /// The scope of a request to Azure Resource Manager. Requests without a subscription have an empty one.
    pub(crate) fn of(subscription: &str) -> Self {
        if subscription.is_empty() { Self::Tenant } else { Self::Subscription(subscription.to_ascii_lowercase()) }
    }

    /// The name in ARM's headers; none for another service.
    pub(crate) const fn level(&self) -> Option<&'static str> {
        match self {
            Self::Subscription(_) => Some("subscription"),
            Self::Tenant => Some("tenant"),
            Self::Synapse(_) | Self::MachineLearning(_) => None,
        }
    }
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) principal: Principal,
    pub(crate) scope: Scope,
    pub(crate) kind: Kind,
}

#[cfg(test)]
mod tests {
    use azure_core::base64::encode_url_safe;

    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.signature", encode_url_safe(payload).trim_end_matches('='))
    }

    #[test]
    fn principal_is_that_of_the_token_whatever_the_credential() {
        let known = Principal::Known("t/o".into());
        #[rustfmt::skip]
        let table = [
            ("a token of Entra ID",        token(r#"{"tid":"T","oid":"O","appid":"a"}"#),               known),
            ("without an object",          token(r#"{"tid":"T"}"#),                                      Principal::Opaque(7)),
            ("with an empty object",       token(r#"{"tid":"T","oid":""}"#),                             Principal::Opaque(7)),
            ("with a number",              token(r#"{"tid":"T","oid":1}"#),                              Principal::Opaque(7)),
            ("with a huge object",         token(&format!(r#"{{"tid":"T","oid":"{}"}}"#, "o".repeat(65))), Principal::Opaque(7)),
            ("a payload that is no JSON",  token("x"),                                                   Principal::Opaque(7)),
            ("a payload that is no text",  "a.%%%.c".to_owned(),                                         Principal::Opaque(7)),
            ("an opaque token",            "the-token".to_owned(),                                       Principal::Opaque(7)),
            ("an empty token",             String::new(),                                                Principal::Opaque(7)),
        ];
        for (case, token, expected) in table {
            let id = if expected == Principal::Opaque(7) { None } else { Some("o") };
            let principal = Principal::of_token(&token, 7);
            assert_eq!((principal.object_id(), &principal), (id, &expected), "{case}");
        }
    }
}
