//! The data plane of storage accounts: blobs, as far as SDK v1 reads and writes them (SDK).
//!
//! A request is for a storage account if its `Host` is that of one, or if its path begins with `/blob/{account}`, for clients
//! that can't resolve such hosts. A blob is written by one request (`Put Blob`); blocks and pages are not served.

mod access;

use std::borrow::Cow;

use crate::azure::Azure;
use crate::exchange::{Answer, Request};
use crate::incoming::Incoming;
use crate::world::blob::Blob;
pub(crate) use access::{Permitted, sas};

/// What follows the account's name in the host, in each cloud (SDK).
pub(crate) const SUFFIXES: [&str; 3] = [".blob.core.windows.net", ".blob.core.chinacloudapi.cn", ".blob.core.usgovcloudapi.net"];

/// The account's name, and the rest of the path, if the request is for a storage account.
pub(crate) fn target<'a>(request: &Request, segments: &'a [String]) -> Option<(String, &'a [String])> {
    request.named_host(&SUFFIXES, "blob", segments)
}

/// The text without the signatures of the SAS in it.
pub(crate) fn without_signatures(text: &str) -> Cow<'_, str> {
    let Some((before, after)) = text.split_once("sig=") else {
        return text.into();
    };
    let end = after.find(['&', '"', '\\', ' ']).unwrap_or(after.len());
    format!("{before}sig=…{}", without_signatures(&after[end..])).into()
}

/// Why a request is refused: the status, the code and the message (DOC).
struct Wrong(u16, &'static str, String);

/// One request to an account.
struct Call<'a> {
    incoming: &'a Incoming<'a>,
    account: &'a str,
    container: &'a str,
    blob: String,
}

pub(crate) fn answer(azure: &mut Azure, incoming: &Incoming<'_>, account: &str, path: &[String]) -> Answer {
    let request = incoming.request;
    let mut answer = handle(azure, incoming, account, path).unwrap_or_else(|Wrong(status, code, message)| {
        let text =
            format!(r#"<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"#);
        let mut answer = Answer::empty(status).with("x-ms-error-code", code).with("Content-Type", "application/xml");
        answer.body = text.into_bytes();
        answer
    });
    if request.method == "HEAD" {
        answer.body.clear();
    }
    for name in ["x-ms-version", "x-ms-client-request-id"] {
        if let Some(value) = request.header(name) {
            answer = answer.with(name, value);
        }
    }
    answer.with("x-ms-request-id", azure.world.guid().to_string())
}

fn handle(azure: &mut Azure, incoming: &Incoming<'_>, account: &str, path: &[String]) -> Result<Answer, Wrong> {
    let request = incoming.request;
    // In Azure there would be no such host.
    let missing = || Wrong(404, "ResourceNotFound", format!("The emulator has no storage account '{account}'."));
    let key = azure.world.account_key(account).ok_or_else(missing)?;
    let [container, blob @ ..] = path else {
        return Err(Wrong(400, "InvalidUri", "The emulator serves blobs only; the path names no container.".into()));
    };
    let call = Call { incoming, account, container, blob: blob.join("/") };
    let needed = match request.method.as_str() {
        "GET" | "HEAD" => Permitted::Read,
        "PUT" => Permitted::Write,
        other => return Err(Wrong(405, "UnsupportedHttpVerb", format!("The emulator doesn't serve {other} of a blob."))),
    };
    if let Some(account) = azure.world.account(account) {
        access::reach(account)?;
    }
    access::check(&call, &key, needed)?;
    if !azure.world.has_container(account, container) {
        return Err(Wrong(404, "ContainerNotFound", "The specified container does not exist.".into()));
    }
    if call.blob.is_empty() || request.query_value("comp").is_some() || request.query_value("restype").is_some() {
        return Err(Wrong(400, "InvalidUri", "The emulator serves Put Blob, Get Blob and Get Blob Properties only.".into()));
    }
    match needed {
        Permitted::Write => put(azure, &call),
        Permitted::Read => get(azure, &call),
    }
}

fn put(azure: &mut Azure, call: &Call<'_>) -> Result<Answer, Wrong> {
    let request = call.incoming.request;
    if request.header("x-ms-blob-type") != Some("BlockBlob") {
        return Err(Wrong(400, "InvalidHeaderValue", "The emulator stores blobs of the type BlockBlob only.".into()));
    }
    let key = (call.account.to_owned(), call.container.to_owned(), call.blob.clone());
    if request.header("If-None-Match") == Some("*") && azure.world.blobs.contains_key(&key) {
        return Err(Wrong(409, "BlobAlreadyExists", "The specified blob already exists.".into()));
    }
    let content_type = request.header("x-ms-blob-content-type").or_else(|| request.header("Content-Type"));
    let blob = Blob {
        content: request.body.clone(),
        content_type: content_type.unwrap_or("application/octet-stream").to_owned(),
        modified: call.incoming.now,
        etag: format!("\"0x{:X}\"", azure.world.guid().as_u128() >> 68),
    };
    let answer = described(Answer::empty(201).with("Content-Length", "0"), &blob);
    azure.world.blobs.insert(key, blob);
    Ok(answer)
}

/// GET, of a range or of all; HEAD is a GET whose body isn't sent.
fn get(azure: &Azure, call: &Call<'_>) -> Result<Answer, Wrong> {
    let request = call.incoming.request;
    let key = (call.account.to_owned(), call.container.to_owned(), call.blob.clone());
    let missing = || Wrong(404, "BlobNotFound", "The specified blob does not exist.".into());
    let blob = azure.world.blobs.get(&key).ok_or_else(missing)?;
    let size = blob.content.len();
    let range = request.header("x-ms-range").or_else(|| request.header("Range")).filter(|_| request.method == "GET");
    let Some(range) = range else {
        let mut answer = described(Answer::empty(200), blob).with("Content-Length", size.to_string());
        answer = answer.with("Content-Type", blob.content_type.clone()).with("x-ms-blob-type", "BlockBlob");
        answer.body.clone_from(&blob.content);
        return Ok(answer);
    };
    let bounds = range.strip_prefix("bytes=").and_then(|bounds| bounds.split_once('-'));
    let bounds = bounds.and_then(|(first, last)| {
        let last = if last.is_empty() { Some(usize::MAX) } else { last.parse().ok() };
        Some((first.parse::<usize>().ok()?, last?.min(size.saturating_sub(1))))
    });
    let Some((first, last)) = bounds.filter(|(first, last)| first <= last && *last < size) else {
        return Err(Wrong(416, "InvalidRange", "The range specified is invalid for the current size of the resource.".into()));
    };
    let mut answer = described(Answer::empty(206), blob).with("Content-Range", format!("bytes {first}-{last}/{size}"));
    answer = answer.with("Content-Type", blob.content_type.clone()).with("x-ms-blob-type", "BlockBlob");
    answer.body = blob.content[first..=last].to_vec();
    Ok(answer)
}

fn described(answer: Answer, blob: &Blob) -> Answer {
    let modified = blob.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    answer.with("ETag", blob.etag.clone()).with("Last-Modified", modified).with("Accept-Ranges", "bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_taken_out_wherever_they_are() {
        for (text, expected) in [
            ("a=b", "a=b"),
            ("sv=1&sig=secret%3D&sp=r", "sv=1&sig=…&sp=r"),
            (r#"{"a":"https://x?sig=one","b":["https://x?sig=two"]}"#, r#"{"a":"https://x?sig=…","b":["https://x?sig=…"]}"#),
        ] {
            assert_eq!(without_signatures(text), expected);
        }
    }
}
