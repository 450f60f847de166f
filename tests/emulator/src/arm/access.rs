//! Authentication and permissions.

use crate::action;
use crate::azure::Azure;
use crate::exchange::Refusal;
use crate::id;
use crate::incoming::Incoming;
use crate::world::{Token, World};

/// The audiences of tokens for ARM, in addition to the emulator's own address (SDK, for all clouds).
const AUDIENCES: [&str; 6] = [
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://management.chinacloudapi.cn",
    "https://management.core.chinacloudapi.cn",
    "https://management.usgovcloudapi.net",
    "https://management.core.usgovcloudapi.net",
];

/// The principal of the token. The codes are ARM's (DOC).
pub(crate) fn authenticated(
    azure: &Azure,
    incoming: &Incoming<'_>,
    origin: &str,
    is_ours: impl Fn(&str) -> bool,
) -> Result<Token, Refusal> {
    let Some(header) = incoming.request.header("Authorization") else {
        return Err(unauthenticated(
            origin,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.",
        ));
    };
    let Some(token) = header.strip_prefix("Bearer ").and_then(|t| azure.world.token(t)) else {
        return Err(unauthenticated(origin, "InvalidAuthenticationToken", "The access token is invalid."));
    };
    if incoming.received >= token.expires {
        return Err(unauthenticated(origin, "ExpiredAuthenticationToken", "The access token expiry UTC time has passed."));
    }
    let audience = token.audience.trim_end_matches('/');
    if !is_ours(audience) {
        return Err(unauthenticated(
            origin,
            "InvalidAuthenticationTokenAudience",
            &format!("The access token has been obtained for wrong audience or resource '{audience}'."),
        ));
    }
    Ok(token.clone())
}

/// Whether a token of this audience is for ARM.
pub(crate) fn is_for_arm(azure: &Azure, origin: &str, audience: &str) -> bool {
    AUDIENCES.contains(&audience) || audience == origin || audience == azure.endpoint
}

pub(crate) fn unauthenticated(origin: &str, code: &str, message: &str) -> Refusal {
    let challenge =
        format!("Bearer authorization_uri=\"{origin}/common\", error=\"invalid_token\", error_description=\"{message}\"");
    Refusal::new(401, code, message).with("WWW-Authenticate", challenge)
}

/// ARM checks permissions before it reveals whether a resource exists.
pub(crate) fn authorize(world: &World, token: &Token, action: &str, scope: &str) -> Result<(), Refusal> {
    if is_allowed(world, token, action, scope) {
        return Ok(());
    }
    let object = &token.object;
    Err(Refusal::new(
        403,
        "AuthorizationFailed",
        format!(
            "The client '{object}' with object id '{object}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
        ),
    ))
}

/// Whether the principal of the token has this permission now.
pub(crate) fn is_allowed(world: &World, token: &Token, action: &str, scope: &str) -> bool {
    let Some(principal) = world.principal(&token.tenant, &token.client) else {
        return false;
    };
    let Some(rights) = &principal.rights else {
        return true;
    };
    let folded = id::fold(scope);
    rights
        .iter()
        .any(|r| id::is_within(&folded, &id::fold(&r.scope)) && r.actions.iter().any(|pattern| action::covers(pattern, action)))
}
