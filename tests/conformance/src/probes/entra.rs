//! Microsoft Entra ID's token endpoint.

use serde_json::json;

use crate::client::{Azure, credentials};
use crate::seen::{Failure, Seen};
use crate::table::{Need, Probe, row};
use crate::target::Credential;
use crate::transport::Reply;

pub(super) const PROBES: &[&Probe] = &[
    &Probe {
        id: "token",
        sends: "token requests: one resource, the same with the scopes of OpenID Connect, and two resources",
        writes: false,
        needs: &[Need::Secret],
        rows: &[
            row(
                "a token request may have `openid`, `offline_access` and `profile` in addition to one resource with `/.default`",
                &["one resource", "with openid"],
            ),
            row("two resources in a token request: `AADSTS70011`", &["two resources"]),
        ],
        ask: |azure, seen| Box::pin(token(azure, seen)),
    },
    &Probe {
        id: "token-refused",
        sends: "token requests that are refused: an unknown tenant and application, a wrong secret, none, no /.default, another grant, an unknown resource, an assertion of an unknown issuer",
        writes: false,
        needs: &[Need::Secret],
        rows: &[
            row("Entra's error bodies; codes 70021 (400), 700211 and 700213 (401)", &["keys", "assertion"]).without(
                "which of the codes comes depends on the application's federated credentials: 70021 without any, 700211 with some; 700213 needs a token of their issuer",
            ),
            row("a resource that the tenant does not know: 400 `invalid_resource`, `AADSTS500011`", &["resource"]),
            row("Entra's other codes and statuses", &["tenant", "application", "secret", "no secret", "scope", "grant"])
                .without("a federated assertion that is expired or has another audience: needs a token of its issuer"),
        ],
        ask: |azure, seen| Box::pin(refused(azure, seen)),
    },
];

/// An assertion of an issuer that no application trusts, with a signature that is none.
const ASSERTION: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5pbnZhbGlkIiwic3ViIjoic3ViamVjdCIsImF1ZCI6ImFwaTovL0F6dXJlQURUb2tlbkV4Y2hhbmdlIiwiZXhwIjo0MTAyNDQ0ODAwLCJuYmYiOjE3MDAwMDAwMDAsImlhdCI6MTcwMDAwMDAwMH0.bm9uZQ";

/// A GUID that is neither a tenant nor an application.
const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// The status and the number of the error: `401 AADSTS7000215`.
fn outcome(reply: &Reply) -> String {
    let number = reply.body["error_codes"][0].as_u64();
    number.map_or_else(
        || reply.status.to_string(),
        |number| format!("{} {} AADSTS{number}", reply.status, reply.body["error"].as_str().unwrap_or_default()),
    )
}

fn secret(azure: &Azure) -> Result<(&str, &str, &str), Failure> {
    match &azure.target.credential {
        Credential::Secret { tenant, client, secret } => Ok((tenant, client, secret)),
        Credential::Tokens { .. } => Err(Failure::NotAsked("needs AZURE_CLIENT_SECRET".to_owned())),
    }
}

async fn token(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let (tenant, client, secret) = secret(azure)?;
    let arm = azure.arm_scope();
    for (what, scope) in [
        ("one resource", arm.clone()),
        ("with openid", format!("openid offline_access profile {arm}")),
        ("two resources", format!("{arm} {}/.default", azure.target.cloud.synapse_resource())),
    ] {
        let reply = azure.token(tenant, credentials(client, secret, &scope)).await?;
        seen.note(what, outcome(&reply));
    }
    Ok(())
}

async fn refused(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let (tenant, client, secret) = secret(azure)?;
    let arm = azure.arm_scope();
    let usual = || credentials(client, secret, &arm);
    let set = |name: &str, value: &str| {
        usual().into_iter().map(|(n, v)| (n, if n == name { value.to_owned() } else { v })).collect::<Vec<_>>()
    };
    let no_secret: Vec<_> = usual().into_iter().filter(|(name, _)| *name != "client_secret").collect();
    let mut assertion = no_secret.clone();
    assertion.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()));
    assertion.push(("client_assertion", ASSERTION.to_owned()));
    for (what, tenant, fields) in [
        ("tenant", UNKNOWN, usual()),
        ("application", tenant, set("client_id", UNKNOWN)),
        ("secret", tenant, set("client_secret", "wrong-on-purpose")),
        ("no secret", tenant, no_secret),
        ("scope", tenant, set("scope", azure.target.cloud.arm())),
        ("resource", tenant, set("scope", "https://resource.invalid/.default")),
        ("grant", tenant, set("grant_type", "password")),
        ("assertion", tenant, assertion),
    ] {
        let reply = azure.token(tenant, fields).await?;
        seen.note(what, outcome(&reply));
        if what == "secret" {
            let mut keys: Vec<String> = reply.body.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
            keys.sort();
            seen.note("keys", json!(keys));
        }
    }
    Ok(())
}
