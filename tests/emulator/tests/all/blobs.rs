//! Blobs, with a SAS that a service issued.

use std::time::Duration;

use azure_emulator::{Answer, Request};
use serde_json::json;

use crate::storage::account;
use crate::support::{Lab, workspace};

/// The host of the account, and the target of the one blob for which there is a SAS.
fn place(lab: &mut Lab) -> (String, String) {
    let request = Request::new("POST", &format!("/content/v2.0{}/snapshots/getblob", workspace()));
    let answer = lab.send(request.with_json(&json!({"FileNames": ["main.py"]})));
    let uri = answer.body_json()["fileNodes"][0]["blobUri"].as_str().expect("a place").to_owned();
    let (host, target) = uri.strip_prefix("https://").and_then(|rest| rest.split_once('/')).expect("a URL");
    (host.to_owned(), format!("/{target}"))
}

/// A request without a token to this host, as a client of blobs sends it.
fn sent(lab: &mut Lab, host: &str, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::new(method, target).with_header("Host", host).with_header("x-ms-version", "2021-08-06");
    for (name, value) in headers {
        request = request.with_header(name, value);
    }
    if method == "PUT" {
        request.body = b"0123456789".to_vec();
    }
    lab.azure.answer(lab.now, &request)
}

const BLOCK: (&str, &str) = ("x-ms-blob-type", "BlockBlob");

#[test]
fn a_blob_is_written_and_read_whole_and_in_part() {
    let mut lab = Lab::new();
    let (host, target) = place(&mut lab);
    assert_eq!(sent(&mut lab, &host, "HEAD", &target, &[]).status, 404);
    let put = sent(&mut lab, &host, "PUT", &target, &[BLOCK, ("If-None-Match", "*"), ("Content-Type", "text/x-python")]);
    assert_eq!((put.status, put.header("Last-Modified")), (201, Some("Fri, 02 Jan 2026 03:04:05 GMT")));
    let again = sent(&mut lab, &host, "PUT", &target, &[BLOCK, ("If-None-Match", "*")]);
    assert_eq!((again.status, again.header("x-ms-error-code")), (409, Some("BlobAlreadyExists")));
    assert_eq!(sent(&mut lab, &host, "PUT", &target, &[BLOCK]).status, 201, "without the condition it is replaced");

    let head = sent(&mut lab, &host, "HEAD", &target, &[]);
    assert_eq!((head.status, head.header("Content-Length"), head.body.len()), (200, Some("10"), 0));
    let whole = sent(&mut lab, &host, "GET", &target, &[]);
    assert_eq!((whole.status, whole.body.as_slice()), (200, b"0123456789".as_slice()));
    for (range, status, shown, body) in [
        ("bytes=2-4", 206, Some("bytes 2-4/10"), "234"),
        ("bytes=8-99", 206, Some("bytes 8-9/10"), "89"),
        ("bytes=7-", 206, Some("bytes 7-9/10"), "789"),
    ] {
        for name in ["Range", "x-ms-range"] {
            let part = sent(&mut lab, &host, "GET", &target, &[(name, range)]);
            let seen = (part.status, part.header("Content-Range"), String::from_utf8_lossy(&part.body).into_owned());
            assert_eq!(seen, (status, shown, body.to_owned()), "{range}");
        }
    }
    for range in ["bytes=10-", "bytes=4-2", "lines=1-2"] {
        assert_eq!(sent(&mut lab, &host, "GET", &target, &[("Range", range)]).status, 416, "{range}");
    }
}

#[test]
fn a_blob_can_be_reached_by_a_path() {
    let mut lab = Lab::new();
    let (host, target) = place(&mut lab);
    let account = host.split('.').next().unwrap_or_default();
    assert_eq!(sent(&mut lab, "arm.test", "PUT", &format!("/blob/{account}{target}"), &[BLOCK]).status, 201);
    assert_eq!(sent(&mut lab, &host, "GET", &target, &[]).body, b"0123456789");
}

#[test]
fn a_blob_requires_a_valid_signature() {
    let mut lab = Lab::new();
    let (host, target) = place(&mut lab);
    assert_eq!(sent(&mut lab, &host, "PUT", &target, &[BLOCK]).status, 201);
    let (path, sas) = target.split_once('?').expect("a SAS");
    let key = |lab: &mut Lab| {
        let answer = lab.send(Request::new("GET", &format!("/datastore/v1.0{}/default", workspace()))).body_json();
        answer["azureStorageSection"]["accountKey"].as_str().expect("the key").to_owned()
    };
    let account = host.split('.').next().unwrap_or_default().to_owned();
    let claimed = format!("SharedKey {account}:{}", key(&mut lab));
    let elsewhere = path.replace("main.py", "other.py");
    for (what, target, headers, status, code) in [
        ("nothing", path.to_owned(), vec![], 401, "NoAuthenticationInformation"),
        ("the SAS of another blob", format!("{elsewhere}?{sas}"), vec![], 403, "AuthenticationFailed"),
        ("another permission", format!("{path}?{}", sas.replace("sp=rcw", "sp=rcwd")), vec![], 403, "AuthenticationFailed"),
        ("a later end", format!("{path}?{}", sas.replace("se=2026", "se=2027")), vec![], 403, "AuthenticationFailed"),
        ("a key instead of a signature", path.to_owned(), vec![("Authorization", claimed.as_str())], 403, "AuthenticationFailed"),
        ("a token of Entra ID", path.to_owned(), vec![("Authorization", "Bearer token")], 403, "AuthenticationFailed"),
    ] {
        let answer = sent(&mut lab, &host, "GET", &target, &headers);
        assert_eq!((answer.status, answer.header("x-ms-error-code")), (status, Some(code)), "{what}");
    }
    lab.pass(Duration::from_hours(1));
    assert_eq!(sent(&mut lab, &host, "GET", &target, &[]).status, 403, "after its end");
    let unknown = sent(&mut lab, "nobody.blob.core.windows.net", "GET", &target, &[]);
    assert_eq!((unknown.status, unknown.header("x-ms-error-code")), (404, Some("ResourceNotFound")));
}

#[test]
fn the_journal_has_no_signatures() {
    let mut lab = Lab::new();
    let (host, target) = place(&mut lab);
    sent(&mut lab, &host, "PUT", &target, &[BLOCK]);
    let body = json!({"DirTreeNode": {}, "FileRevisionList": {"FileNodes": [{"FullName": "main.py", "BlobUri": format!("https://{host}{target}")}]}});
    let saved = lab.send(Request::new("POST", &format!("/content/v2.0{}/snapshots/one", workspace())).with_json(&body));
    assert_eq!(saved.status, 200, "{}", saved.body_json());
    let signature = target.split("sig=").nth(1).expect("signed");
    let journal = String::from_utf8(lab.control("GET", "journal", &json!(null)).body).expect("text");
    assert!(journal.matches("sig=…").count() == 2 && !journal.contains(signature), "{journal}");
}

#[test]
fn blobs_are_removed_with_their_workspace() {
    let mut lab = Lab::new();
    let (host, target) = place(&mut lab);
    sent(&mut lab, &host, "PUT", &target, &[BLOCK]);
    lab.control("DELETE", &format!("resource?id={}", workspace()), &json!(null));
    assert_eq!(sent(&mut lab, &host, "GET", &target, &[]).status, 404);
    let again = json!({"workspaces": [{"id": workspace(), "storageAccount": account("yogiamlstorage")}]});
    lab.control("PUT", "world", &again);
    assert_eq!(sent(&mut lab, &host, "GET", &target, &[]).header("x-ms-error-code"), Some("BlobNotFound"));
}
