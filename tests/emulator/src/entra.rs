//! Entra's token endpoint: client credentials, by secret or by federated assertion.

mod federated;

use jiff::Timestamp;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use crate::arm::is_for_arm;
use crate::azure::Azure;
use crate::exchange::{Answer, Request};
use crate::synapse::AUDIENCES;
use crate::world::{Token, World, later};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Whether the path is Entra's.
pub(crate) fn is_for(segments: &[String]) -> bool {
    let second = segments.get(1).map(String::as_str);
    matches!(second, Some("oauth2" | "discovery")) || segments.get(2).is_some_and(|s| s == ".well-known")
}

/// Why no token is issued.
#[derive(Debug)]
struct Denial {
    status: u16,
    error: &'static str,
    /// The number of AADSTS.
    code: u32,
    text: String,
}

fn denied(status: u16, error: &'static str, code: u32, text: impl Into<String>) -> Denial {
    Denial { status, error, code, text: text.into() }
}

pub(crate) fn answer(azure: &mut Azure, now: Timestamp, request: &Request, segments: &[String]) -> (Answer, Option<String>) {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str());
    let origin = azure.origin(request);
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let answered = match (request.method.as_str(), path.as_slice()) {
        // MSAL sends this request to an authority that it does not know (SDK).
        ("GET", ["common", "discovery", "instance"]) => Ok(json!({
            "tenant_discovery_endpoint": format!("{origin}/common/v2.0/.well-known/openid-configuration"), "api-version": "1.1", "metadata": []
        })),
        ("GET", [tenant, "v2.0", ".well-known", "openid-configuration"]) => {
            known(&azure.world, tenant).map(|()| configuration(&origin, tenant))
        }
        ("POST", [tenant, "oauth2", "v2.0", "token"]) => token(azure, now, (&origin, tenant), &field),
        _ => Err(denied(
            404,
            "invalid_request",
            900_144,
            "The emulator serves the token endpoint of v2.0 and its openid-configuration only.",
        )),
    };
    let answer = match answered {
        Ok(body) => Answer::json(200, &body).with("Cache-Control", "no-store, no-cache"),
        Err(denial) => refused(&mut azure.world, now, &denial),
    };
    (answer, field("client_id").map(str::to_owned))
}

fn known(world: &World, tenant: &str) -> Result<(), Denial> {
    if world.has_tenant(tenant) {
        return Ok(());
    }
    Err(denied(
        400,
        "invalid_request",
        90002,
        format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
        ),
    ))
}

/// The fields that the clients read (SDK).
fn configuration(origin: &str, tenant: &str) -> Value {
    json!({
        "issuer": format!("{origin}/{tenant}/v2.0"),
        "authorization_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/token"),
        "jwks_uri": format!("{origin}/{tenant}/discovery/v2.0/keys"),
    })
}

/// Scopes of OpenID Connect, which MSAL adds; without a user they have no effect (SDK).
const OIDC: [&str; 3] = ["openid", "offline_access", "profile"];

/// The resource that a token is requested for: one, with `/.default`.
fn audience(scope: &str) -> Result<&str, Denial> {
    let mut named = scope.split_ascii_whitespace().filter(|one| !OIDC.contains(one));
    let (resource, more) = (named.next().unwrap_or_default(), named.next());
    let audience = resource.strip_suffix("/.default").filter(|resource| resource.starts_with("https://"));
    match (audience, more) {
        (Some(audience), None) => Ok(audience),
        (Some(_), Some(_)) => Err(denied(
            400,
            "invalid_scope",
            70_011,
            format!(
                "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
            ),
        )),
        (None, _) => Err(denied(
            400,
            "invalid_scope",
            1_002_012,
            format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
            ),
        )),
    }
}

/// Microsoft's resources for which a tenant issues tokens, in addition to ARM and Synapse: Machine Learning's and Graph (SDK).
const OTHERS: [&str; 3] = ["https://ml.azure.com", "https://graph.microsoft.com", "https://storage.azure.com"];

/// Whether the tenant knows this resource. The emulator is ARM and Synapse under all of its own names.
fn is_known(azure: &Azure, origin: &str, audience: &str) -> bool {
    let audience = audience.trim_end_matches('/');
    let is_added = || azure.settings.known_resources.iter().any(|one| one.trim_end_matches('/') == audience);
    is_for_arm(azure, origin, audience) || AUDIENCES.contains(&audience) || OTHERS.contains(&audience) || is_added()
}

// Longer than other functions: one branch per kind of credential.
fn token<'a>(
    azure: &mut Azure,
    now: Timestamp,
    (origin, tenant): (&str, &str),
    field: &impl Fn(&str) -> Option<&'a str>,
) -> Result<Value, Denial> {
    known(&azure.world, tenant)?;
    if field("grant_type") != Some("client_credentials") {
        return Err(denied(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."));
    }
    let client = field("client_id").unwrap_or_default();
    let scope = field("scope").unwrap_or_default();
    let audience = audience(scope)?;
    if !is_known(azure, origin, audience) {
        return Err(denied(
            400,
            "invalid_resource",
            500_011,
            format!(
                "The resource principal named {audience} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
            ),
        ));
    }
    let Some(principal) = azure.world.principal(tenant, client) else {
        return Err(denied(
            400,
            "unauthorized_client",
            700_016,
            format!(
                "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
            ),
        ));
    };
    match (field("client_secret"), field("client_assertion")) {
        (Some(secret), _) if principal.secret.as_deref() == Some(secret) => {}
        (Some(_), _) => {
            return Err(denied(
                401,
                "invalid_client",
                7_000_215,
                format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'."
                ),
            ));
        }
        (None, Some(assertion)) if field("client_assertion_type") == Some(ASSERTION_TYPE) => {
            federated::check(&azure.world, now, principal, assertion)?;
        }
        _ => {
            return Err(denied(
                401,
                "invalid_client",
                7_000_218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            ));
        }
    }
    let given = Token {
        tenant: principal.tenant_id.clone(),
        client: principal.client_id.clone(),
        object: principal.object_id.clone(),
        audience: audience.to_owned(),
        expires: later(now, azure.settings.token_lifetime),
    };
    let seconds = azure.settings.token_lifetime.as_secs();
    let unique = azure.world.guid();
    let claims = json!({
        "aud": audience, "iss": format!("https://sts.windows.net/{tenant}/"), "iat": now.as_second(), "nbf": now.as_second(), "exp": given.expires.as_second(),
        "appid": given.client, "oid": given.object, "sub": given.object, "tid": given.tenant, "uti": unique, "ver": "1.0",
    });
    // It has the form of Entra's tokens. The signature is not checked: the world stores the tokens that it has issued.
    let text = jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(unique.as_bytes()))
        .map_err(|e| denied(500, "server_error", 90_033, e.to_string()))?;
    azure.world.give(now, text.clone(), given);
    Ok(json!({"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": text}))
}

/// Entra's form of an error, with `\r\n` before the trace (REAL).
fn refused(world: &mut World, now: Timestamp, denial: &Denial) -> Answer {
    let (trace, correlation) = (world.guid(), world.guid());
    let at = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let code = denial.code;
    let description =
        format!("AADSTS{code}: {}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {at}", denial.text);
    let body = json!({
        "error": denial.error, "error_description": description, "error_codes": [code], "timestamp": at,
        "trace_id": trace, "correlation_id": correlation, "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
    });
    Answer::json(denial.status, &body).with("x-ms-request-id", trace.to_string())
}
