//! Uploads of code, and jobs that run it.

use azure_emulator::{Answer, Request};
use serde_json::json;

use crate::jobs::{able, end, standalone};
use crate::storage::{account, seed};
use crate::support::{Lab, workspace};

const NOT_FOUND: &str = "The file 'main.py' was not found in the code of the job.";

fn code() -> String {
    format!("{}/codes/c/versions/1", workspace())
}

/// Where code is uploaded to: the container, and the target of a file in it with a SAS.
fn place(lab: &mut Lab, file: &str) -> (String, String) {
    let request = Request::new("POST", &format!("{}/startPendingUpload?api-version=2024-04-01", code()));
    let answer = lab.send(request.with_json(&json!({"pendingUploadType": "TemporaryBlobReference"})));
    let answer = &answer.body_json()["blobReferenceForConsumption"];
    let text = |value: &serde_json::Value| value.as_str().expect("a URL").to_owned();
    let with_sas = text(&answer["credential"]["sasUri"]);
    let at = with_sas.find("/blob/").expect("a path");
    (text(&answer["blobUri"]), with_sas[at..].replacen('?', &format!("/{file}?"), 1))
}

fn upload(lab: &mut Lab, target: &str) -> Answer {
    let mut request = Request::new("PUT", target).with_header("x-ms-blob-type", "BlockBlob");
    request.body = b"print()".to_vec();
    lab.azure.answer(lab.now, &request)
}

#[test]
fn a_job_runs_the_file_that_was_uploaded_and_fails_without_it() {
    let mut lab = able();
    let (container, target) = place(&mut lab, "src/main.py");
    assert!(container.starts_with("https://yogiamlstorage.blob.core.windows.net/"), "{container}");
    let version = json!({"properties": {"codeUri": format!("{container}/src"), "isAnonymous": true}});
    assert_eq!(lab.put(&code(), &version).status, 201);
    let (ended, error) = end(&mut lab, "before", &standalone());
    assert!(ended == "Failed" && error.contains(NOT_FOUND), "{ended}: {error}");

    assert_eq!(upload(&mut lab, &target).status, 201);
    assert_eq!(end(&mut lab, "after", &standalone()).0, "Completed");
    assert_eq!(lab.ask("DELETE", &code()).status, 200);
    assert_eq!(lab.ask("DELETE", &code()).status, 204);
}

#[test]
fn the_sas_is_for_its_container_alone_and_not_in_the_journal() {
    let mut lab = able();
    let (_, one) = place(&mut lab, "main.py");
    let (_, other) = place(&mut lab, "main.py");
    let path = other.split('?').next().expect("a path");
    let query = one.split('?').nth(1).expect("a query");
    let refused = upload(&mut lab, &format!("{path}?{query}"));
    assert_eq!((refused.status, refused.header("x-ms-error-code")), (403, Some("AuthenticationFailed")));
    let signature = query.split("sig=").nth(1).expect("a signature");
    let journal = lab.control("GET", "journal", &json!(null)).body_json().to_string();
    assert!(!journal.contains(signature), "{journal}");
}

#[test]
fn the_account_refuses_what_its_settings_do_not_allow() {
    let mut lab = able();
    let (_, target) = place(&mut lab, "main.py");
    for (settings, code) in [
        (json!({"publicNetworkAccess": "Disabled"}), "AuthorizationFailure"),
        (json!({"networkAcls": {"defaultAction": "Deny"}}), "AuthorizationFailure"),
        (json!({"allowSharedKeyAccess": false}), "KeyBasedAuthenticationNotPermitted"),
    ] {
        let mut one = settings.clone();
        one["id"] = json!(account("yogiamlstorage"));
        seed(&mut lab, &json!({"storageAccounts": [one]}));
        let refused = upload(&mut lab, &target);
        assert_eq!((refused.status, refused.header("x-ms-error-code")), (403, Some(code)), "{settings}");
    }
}

#[test]
fn the_run_history_shows_why_a_job_failed() {
    let mut lab = able();
    let (container, _) = place(&mut lab, "main.py");
    assert_eq!(lab.put(&code(), &json!({"properties": {"codeUri": container}})).status, 201);
    end(&mut lab, "failed", &standalone());
    let details = lab.ask("GET", &format!("/history/v1.0{}/runs/failed/details", workspace())).body_json();
    assert_eq!(details["error"]["error"], json!({"code": "UserError", "message": NOT_FOUND}));
    assert_eq!(lab.ask("GET", &format!("/history/v1.0{}/runs/none/details", workspace())).status, 404);
}
