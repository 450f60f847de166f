//! Tokens, by secret and by federated assertion.

use azure_emulator::{Answer, Request};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use crate::support::{CLIENT, Lab, SECRET, TENANT, workspace};

const ISSUER: &str = "https://cluster.test/";
const SUBJECT: &str = "system:serviceaccount:synapse:operator";
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The error code of Entra's answer.
fn aadsts(answer: &Answer) -> u64 {
    let body = answer.body_json();
    let code = body["error_codes"][0].as_u64().unwrap_or_default();
    let description = body["error_description"].as_str().unwrap_or_default();
    assert!(description.starts_with(&format!("AADSTS{code}: ")) && description.contains("\r\nTrace ID: "), "{body}");
    code
}

#[test]
fn a_token_is_issued_only_for_the_right_secret() {
    let mut lab = Lab::new();
    let answer = lab.token_request(&[("client_id", CLIENT), ("client_secret", SECRET)]);
    let body = answer.body_json();
    assert_eq!((answer.status, &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(3599)));
    assert_eq!(body["access_token"].as_str().map(|t| t.split('.').count()), Some(3), "shaped like a JWT");

    let wrong = lab.token_request(&[("client_id", CLIENT), ("client_secret", "guess")]);
    assert_eq!((wrong.status, aadsts(&wrong), &wrong.body_json()["error"]), (401, 7_000_215, &json!("invalid_client")));
    let nobody = lab.token_request(&[("client_id", TENANT), ("client_secret", SECRET)]);
    assert_eq!((nobody.status, aadsts(&nobody), &nobody.body_json()["error"]), (400, 700_016, &json!("unauthorized_client")));
    let nothing = lab.token_request(&[("client_id", CLIENT)]);
    assert_eq!((nothing.status, aadsts(&nothing)), (401, 7_000_218));
    let stranger = lab.azure.answer(lab.now, &Request::new("POST", &format!("/{CLIENT}/oauth2/v2.0/token")));
    assert_eq!((stranger.status, aadsts(&stranger)), (400, 90002));
}

#[test]
fn a_token_is_for_one_resource_with_any_openid_connect_scopes() {
    let mut lab = Lab::new();
    #[rustfmt::skip]
    let table = [
        ("https://management.azure.com/.default",                                              200, 0),
        ("https://management.azure.com/.default openid offline_access profile",                200, 0),
        ("openid profile https://management.azure.com/.default",                               200, 0),
        ("https://management.azure.com/.default https://dev.azuresynapse.net/.default",        400, 70_011),
        ("https://management.azure.com",                                                       400, 1_002_012),
        ("openid",                                                                             400, 1_002_012),
        ("",                                                                                   400, 1_002_012),
    ];
    for (scope, status, code) in table {
        let answer = lab.token_request(&[("client_id", CLIENT), ("client_secret", SECRET), ("scope", scope)]);
        let found = if answer.status == 200 { 0 } else { aadsts(&answer) };
        assert_eq!((answer.status, found), (status, code), "{scope:?}");
    }
}

#[test]
fn the_configuration_has_the_host_of_the_request() {
    let mut lab = Lab::new();
    let request = Request::new("GET", &format!("/{TENANT}/v2.0/.well-known/openid-configuration"));
    let body = lab.azure.answer(lab.now, &request.clone().with_header("Host", "localhost:1234")).body_json();
    assert_eq!(body["token_endpoint"], json!(format!("https://localhost:1234/{TENANT}/oauth2/v2.0/token")));
    assert_eq!(lab.azure.answer(lab.now, &request).body_json()["issuer"], json!(format!("https://arm.test/{TENANT}/v2.0")));
}

/// A key, its half in the JWKS, and its algorithm.
struct Signer {
    key: EncodingKey,
    jwk: Jwk,
    algorithm: Algorithm,
}

fn signer(algorithm: Algorithm, name: &str) -> Signer {
    let pem = |of| KeyPair::generate_for(of).expect("a key").serialize_pem();
    let key = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(pem(&PKCS_RSA_SHA256).as_bytes()),
        _ => EncodingKey::from_ec_pem(pem(&PKCS_ECDSA_P256_SHA256).as_bytes()),
    };
    let key = key.expect("a key that signs");
    let mut jwk = Jwk::from_encoding_key(&key, algorithm).expect("a public half");
    jwk.common.key_id = Some(name.into());
    Signer { key, jwk, algorithm }
}

impl Signer {
    fn assertion(&self, claims: &Value) -> String {
        let header = Header { kid: self.jwk.common.key_id.clone(), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.key).expect("an assertion")
    }
}

/// A lab that trusts this signer.
fn trusting(jwk: &Jwk) -> Lab {
    let mut lab = Lab::new();
    let federated = json!([{"issuer": ISSUER, "subject": SUBJECT, "audience": AUDIENCE}]);
    let answer = lab.control(
        "PUT",
        "world",
        &json!({
            "issuers": [{"issuer": ISSUER, "jwks": {"keys": [jwk]}}],
            "principals": [{"tenantId": TENANT, "clientId": CLIENT, "objectId": "o", "federated": federated}]
        }),
    );
    assert_eq!(answer.status, 200, "{}", answer.body_json());
    lab
}

fn exchange(lab: &mut Lab, assertion: &str) -> Answer {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    lab.token_request(&[("client_id", CLIENT), ("client_assertion_type", kind), ("client_assertion", assertion)])
}

#[test]
fn federated_assertions_are_checked() {
    for algorithm in [Algorithm::ES256, Algorithm::RS256] {
        let (trusted, stranger, unknown) = (signer(algorithm, "k1"), signer(algorithm, "k1"), signer(algorithm, "k2"));
        let mut lab = trusting(&trusted.jwk);
        let now = lab.now.as_second();
        let good = json!({"iss": ISSUER, "sub": SUBJECT, "aud": [AUDIENCE], "exp": now + 600, "nbf": now});
        let but = |key: &str, value: Value| {
            let mut claims = good.clone();
            claims[key] = value;
            claims
        };
        let answer = exchange(&mut lab, &trusted.assertion(&good));
        assert_eq!(answer.status, 200, "{}", answer.body_json());
        lab.use_token(&answer);
        assert_eq!(lab.ask("GET", &workspace()).status, 200);
        assert_eq!(
            exchange(&mut lab, &trusted.assertion(&but("aud", json!(AUDIENCE)))).status,
            200,
            "one audience needs no list"
        );

        #[rustfmt::skip]
        let table = [
            ("signed by another",      stranger.assertion(&good),                                         50027),
            ("with an unknown key",    unknown.assertion(&good),                                          50027),
            ("no JWT",                 "nonsense".to_owned(),                                             50027),
            ("of another issuer",      trusted.assertion(&but("iss", json!("https://cluster.test"))),     700_211),
            ("of another subject",     trusted.assertion(&but("sub", json!("SYSTEM:serviceaccount:a:b"))), 700_213),
            ("for another audience",   trusted.assertion(&but("aud", json!(["https://else.test"]))),      700_212),
            ("expired",                trusted.assertion(&but("exp", json!(now))),                        700_024),
            ("not yet valid",          trusted.assertion(&but("nbf", json!(now + 1))),                    700_024),
        ];
        for (case, assertion, expected) in table {
            let answer = exchange(&mut lab, &assertion);
            assert_eq!((answer.status, aadsts(&answer)), (401, expected), "{case}");
        }
    }
}

#[test]
fn without_a_federated_credential_no_assertion_helps() {
    let trusted = signer(Algorithm::ES256, "k1");
    let mut lab = Lab::new();
    let exp = lab.now.as_second() + 600;
    let assertion = trusted.assertion(&json!({"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "exp": exp}));
    let answer = exchange(&mut lab, &assertion);
    assert_eq!((answer.status, aadsts(&answer)), (400, 70021));
}
