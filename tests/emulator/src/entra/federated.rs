//! Federated assertions: their subject, signature and expiry.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde_json::Value;

use super::{Denial, denied};
use crate::world::World;
use crate::world::seed::Principal;

fn malformed(what: &str) -> Denial {
    denied(401, "invalid_client", 50027, format!("JWT token is invalid or malformed: {what}."))
}

/// Checks a federated assertion. The codes are Entra's (DOC); 70021 with 400, 700211 and 700213 with 401 (REAL).
// Longer than other functions: one check per claim.
pub(super) fn check(world: &World, now: Timestamp, principal: &Principal, assertion: &str) -> Result<(), Denial> {
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(assertion).map_err(|_| malformed("no JWT"))?;
    let (header, claims) = (claims.header, claims.claims);
    let claim = |name: &str| claims[name].as_str().unwrap_or_default();
    let (issuer, subject) = (claim("iss"), claim("sub"));
    let audiences: Vec<&str> = match &claims["aud"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let help = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation";
    if principal.federated.is_empty() {
        let text = format!(
            "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. Assertion Subject: '{subject}'. Assertion Audience: '{}'.",
            audiences.join(",")
        );
        return Err(denied(400, "invalid_request", 70021, text));
    }
    // The match is exact and case-sensitive (DOC).
    let of_issuer: Vec<_> = principal.federated.iter().filter(|f| f.issuer == issuer).collect();
    if of_issuer.is_empty() {
        return Err(denied(
            401,
            "invalid_client",
            700_211,
            format!("No matching federated identity record found for presented assertion issuer '{issuer}'. {help}"),
        ));
    }
    let of_subject: Vec<_> = of_issuer.into_iter().filter(|f| f.subject == subject).collect();
    if of_subject.is_empty() {
        return Err(denied(
            401,
            "invalid_client",
            700_213,
            format!("No matching federated identity record found for presented assertion subject '{subject}'. {help}"),
        ));
    }
    if !of_subject.iter().any(|f| audiences.contains(&f.audience.as_str())) {
        return Err(denied(
            401,
            "invalid_client",
            700_212,
            format!(
                "No matching federated identity record found for presented assertion audience '{}'. {help}",
                audiences.join(",")
            ),
        ));
    }
    check_signature(world, issuer, &header, assertion)?;
    check_time(now, &claims)
}

/// Whether the signature was made with one of the issuer's keys.
fn check_signature(world: &World, issuer: &str, header: &Header, assertion: &str) -> Result<(), Denial> {
    let keys = world
        .issuers
        .get(issuer)
        .and_then(|i| i.jwks.as_ref())
        .ok_or_else(|| malformed("the keys of its issuer aren't known"))?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
        return Err(malformed("it is signed with neither RS256 nor ES256"));
    }
    // The time is an argument, so the library must not read the clock.
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let mut candidates = keys.keys.iter().filter(|k| header.kid.is_none() || k.common.key_id == header.kid);
    let signed = candidates
        .any(|k| DecodingKey::from_jwk(k).is_ok_and(|key| jsonwebtoken::decode::<Value>(assertion, &key, &validation).is_ok()));
    if !signed {
        return Err(malformed("its signature doesn't fit any key of its issuer"));
    }
    Ok(())
}

/// Whether the assertion is valid at this time.
fn check_time(now: Timestamp, claims: &Value) -> Result<(), Denial> {
    let (from, until) = (claims["nbf"].as_i64().unwrap_or(i64::MIN), claims["exp"].as_i64().unwrap_or(i64::MIN));
    if now.as_second() >= until || now.as_second() < from {
        return Err(denied(
            401,
            "invalid_client",
            700_024,
            format!(
                "Client assertion is not within its valid time range. Current time: {now}, expiry time of assertion {until}."
            ),
        ));
    }
    Ok(())
}
