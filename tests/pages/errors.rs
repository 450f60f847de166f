//! The page of Azure's errors, from the table of the code.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use synapse_spark_operator::api::Reason;
use synapse_spark_operator::azure::Error;
use synapse_spark_operator::azure::auth::aadsts;
use synapse_spark_operator::azure::codes::{Row, TABLE};
use synapse_spark_operator::controller::observe::fault;

use super::{keep, meanings};

const ABSENT: u16 = 404;
/// A status that no row names: it alone says that the request is rejected.
const ANY: u16 = 400;
/// Answers with a code that the table does not have, or without an error of Azure: what they are, status and body.
#[rustfmt::skip]
const OTHERS: &[(&str, u16, &str)] = &[
    ("401 with any code",              401, r#"{"error": {"code": "Other"}}"#),
    ("403 with another code",          403, r#"{"error": {"code": "Other"}}"#),
    ("409 with another code",          409, r#"{"error": {"code": "Other"}}"#),
    ("424 with any code",              424, r#"{"error": {"code": "Other"}}"#),
    ("429",                            429, r#"{"error": {"code": "Other"}}"#),
    ("408, 5xx",                       503, r#"{"error": {"code": "Other"}}"#),
    ("another 4xx with another code",  400, r#"{"error": {"code": "Other"}}"#),
    ("3xx, or 4xx without an Azure error, such as an HTML page", 403, "<html></html>"),
];
/// What prevents an answer: what it is, and how the transport says so.
#[rustfmt::skip]
const UNANSWERED: &[(&str, &str)] = &[
    ("no connection, no answer within a minute", "connection refused"),
    ("the proxy does not connect to Azure",      "tunnel error: unsuccessful"),
    ("the certificate is not trusted",           "invalid peer certificate: UnknownIssuer"),
];

fn reason(error: Error) -> Reason {
    fault(error).kind.reason()
}

fn of(row: &Row) -> Reason {
    let body = format!(r#"{{"error": {{"code": "{}", "message": "{}"}}}}"#, row.code, row.message_contains);
    reason(Error::of_answer(row.statuses.first().copied().unwrap_or(ANY), None, None, body.as_bytes()))
}

#[test]
fn the_errors_page_matches_the_table_of_codes() {
    let meanings = meanings();
    let mut page = "# Azure's errors

<!-- Generated: UPDATE=1 cargo test --test pages -->

This page lists how the operator interprets errors from Azure. The error code determines the reason; if the code is not in this table, the HTTP status does. The operator also considers nested codes: those in `details`, in an `innererror`, or in JSON inside the message. A specific code takes precedence over a general one that contains it.

| code | status | reason | what it means | what to do | source |
|---|---|---|---|---|---|
"
    .to_owned();
    let mut cell = |what: &str, status: &str, reason: Reason, source: &str| {
        let advice = Some(reason.advice()).filter(|advice| !advice.is_empty()).unwrap_or("Nothing: the operator retries.");
        let anchor = reason.as_str().to_lowercase();
        let meaning = &meanings[reason.as_str()];
        writeln!(page, "| {what} | {status} | [{reason}](troubleshooting.md#{anchor}) | {meaning} | {advice} | {source} |")
            .expect("a String takes it");
    };
    for row in TABLE {
        let statuses: Vec<_> = row.statuses.iter().map(u16::to_string).collect();
        let status = if statuses.is_empty() { "any".to_owned() } else { statuses.join(", ") };
        let with = match row.message_contains {
            "" => String::new(),
            text => format!(" with “{text}” in the message"),
        };
        cell(&format!("`{}`{with}", row.code), &status, of(row), &format!("<{}>", row.source));
    }
    for (what, status, body) in OTHERS {
        let status_cell = if what.starts_with(&status.to_string()) { status.to_string() } else { String::new() };
        cell(what, &status_cell, reason(Error::of_answer(*status, None, None, body.as_bytes())), "");
    }
    for (what, text) in UNANSWERED {
        cell(what, "", reason(Error::of_transport((*text).to_owned())), "");
    }
    page.push_str("\nA 404 for the compute, the pool or the linked service itself is not an error: it means that the resource does not exist. The table also applies to Synapse's answers about role assignments, except that a missing permission has the reason [RoleAssignmentForbidden](troubleshooting.md#roleassignmentforbidden).\n");
    page.push_str("\n## Microsoft Entra ID\n\nThe reason is [AuthenticationFailed](troubleshooting.md#authenticationfailed). Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.\n\n| code | what to do |\n|---|---|\n");
    for (code, advice) in aadsts::TABLE {
        writeln!(page, "| `{code}` | {advice} |").expect("a String takes it");
    }
    keep("docs/errors.md", &page);
}

#[test]
fn no_code_has_two_meanings_with_one_status() {
    let mut seen = BTreeSet::new();
    for row in TABLE {
        let statuses = if row.statuses.is_empty() { &[ANY, ABSENT][..] } else { row.statuses };
        for status in statuses {
            assert!(seen.insert((row.code.to_lowercase(), row.message_contains, *status)), "{} {status}", row.code);
        }
        assert!(row.source.starts_with("https://"), "{}", row.code);
        assert_eq!(row.message_contains, row.message_contains.to_lowercase(), "{}", row.code);
    }
}
