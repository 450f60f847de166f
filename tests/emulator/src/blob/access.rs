//! Who may read and write blobs: the holder of the account's key, and of a SAS (DOC).

use jiff::Timestamp;

use super::{Call, Wrong};
use crate::world::blob::signature;
use crate::world::seed::StorageAccount;

/// What a request does with a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permitted {
    Read,
    Write,
}

/// The version of the SAS that the services issue: the one that SDK v1's client of blobs supports (SDK).
const VERSION: &str = "2021-08-06";

/// The keys of a SAS that are signed after the resource, in this order (DOC, since 2020-12-06).
const SIGNED: [&str; 12] = ["si", "sip", "spr", "sv", "sr", "snapshot", "ses", "rscc", "rscd", "rsce", "rscl", "rsct"];

/// The headers that are signed with the key, in this order (DOC). An empty length is not signed.
const HEADERS: [&str; 11] = [
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-MD5",
    "Content-Type",
    "Date",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Unmodified-Since",
    "Range",
];

/// A SAS with which one blob, or the blobs of a container, can be read and written until then: a query.
pub(crate) fn sas(key: &str, account: &str, path: &str, until: Timestamp) -> String {
    let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (permissions, resource) = if path.contains('/') { ("rcw", "b") } else { ("rwl", "c") };
    let given = [("sp", permissions), ("se", until.as_str()), ("spr", "https"), ("sv", VERSION), ("sr", resource)];
    let value = |name: &str| given.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()).unwrap_or_default();
    let sig = signature(key, &to_sign(&format!("/blob/{account}/{path}"), value)).unwrap_or_default();
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given).append_pair("sig", &sig).finish()
}

/// Refuses a request that is signed neither with the key of the account nor by a SAS that permits it.
///
/// Tokens of Entra ID are not accepted: SDK v1 does not send them to a datastore that has the account's key (SDK).
pub(super) fn check(call: &Call<'_>, key: &str, needed: Permitted) -> Result<(), Wrong> {
    let request = call.incoming.request;
    if let Some(header) = request.header("Authorization") {
        let given = header.strip_prefix("SharedKey ").and_then(|rest| rest.split_once(':'));
        let is_ours = given.is_some_and(|(account, sig)| {
            account.eq_ignore_ascii_case(call.account) && signature(key, &signed_request(call)).as_deref() == Some(sig)
        });
        return if is_ours {
            Ok(())
        } else {
            Err(failed("The MAC signature found in the HTTP request is not the same as any computed signature."))
        };
    }
    let value = |name: &str| request.query_value(name).unwrap_or_default();
    let sig = value("sig");
    if sig.is_empty() {
        let message =
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.";
        return Err(Wrong(401, "NoAuthenticationInformation", message.into()));
    }
    let resource = match value("sr").as_str() {
        "c" => format!("/blob/{}/{}", call.account, call.container),
        _ => format!("/blob/{}/{}/{}", call.account, call.container, call.blob),
    };
    if signature(key, &to_sign(&resource, value)).as_deref() != Some(sig.as_str()) {
        return Err(failed("Signature did not match."));
    }
    if value("se").parse::<Timestamp>().map_or(true, |until| until <= call.incoming.received) {
        return Err(failed("Signature not valid in the specified time frame."));
    }
    let permissions = value("sp");
    let suffices = match needed {
        Permitted::Read => permissions.contains('r'),
        Permitted::Write => permissions.contains(['w', 'c']),
    };
    if suffices {
        return Ok(());
    }
    let message = "This request is not authorized to perform this operation using this permission.";
    Err(Wrong(403, "AuthorizationPermissionMismatch", message.into()))
}

/// Refuses what the settings of the account do not allow (DOC): requests from here, which come from the public network, and the
/// account's key, with which a SAS is signed too.
pub(super) fn reach(account: &StorageAccount) -> Result<(), Wrong> {
    if account.public_network_access != "Enabled" || account.network_acls.default_action != "Allow" {
        return Err(Wrong(403, "AuthorizationFailure", "This request is not authorized to perform this operation.".into()));
    }
    if account.allow_shared_key_access {
        return Ok(());
    }
    let message = "Key based authentication is not permitted on this storage account.";
    Err(Wrong(403, "KeyBasedAuthenticationNotPermitted", message.into()))
}

fn failed(detail: &str) -> Wrong {
    let message = "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.";
    Wrong(403, "AuthenticationFailed", format!("{message} {detail}"))
}

/// What a SAS signs (DOC).
fn to_sign(resource: &str, value: impl Fn(&str) -> String) -> String {
    let mut lines = vec![value("sp"), value("st"), value("se"), resource.to_owned()];
    lines.extend(SIGNED.iter().map(|name| value(name)));
    lines.join("\n")
}

/// What the key of the account signs: the method, headers, and the path with its query (DOC).
fn signed_request(call: &Call<'_>) -> String {
    let request = call.incoming.request;
    let mut lines = vec![request.method.clone()];
    lines.extend(HEADERS.iter().map(|name| match (*name, request.header(name).unwrap_or_default()) {
        ("Content-Length", "0") => String::new(),
        (_, value) => value.to_owned(),
    }));
    let headers = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.trim()));
    let mut own: Vec<_> = headers.filter(|(name, _)| name.starts_with("x-ms-")).collect();
    own.sort();
    lines.extend(own.iter().map(|(name, value)| format!("{name}:{value}")));
    lines.push(format!("/{}{}", call.account, request.path));
    let query = url::form_urlencoded::parse(request.query.as_bytes());
    let mut query: Vec<_> = query.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    query.sort();
    lines.extend(query.iter().map(|(name, value)| format!("{name}:{value}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use crate::azure::Azure;
    use crate::exchange::Request;
    use crate::world::blob::{ARTIFACTS, Store};
    use crate::world::seed::Seed;

    use super::*;

    #[test]
    fn a_sas_of_a_container_is_for_each_of_its_blobs_and_no_others() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let mut azure = Azure::new("https://arm.test");
        azure.seed(now, Seed::documented()).expect("a good seed");
        let store = azure.world.workspaces.values().next().map(Store::of).expect("a workspace");
        let key = azure.world.account_key(&store.account).expect("its key");
        let sas = sas(&key, &store.account, &store.container, "2026-01-02T04:04:05Z".parse().expect("a time"));
        let mut put = |container: &str, blob: &str| {
            let target = format!("/blob/{}/{container}/{blob}?{sas}", store.account);
            azure.answer(now, &Request::new("PUT", &target).with_header("x-ms-blob-type", "BlockBlob")).status
        };
        assert_eq!([put(&store.container, "a.py"), put(&store.container, "code/b.py"), put(ARTIFACTS, "a.py")], [201, 201, 403]);
    }
}
