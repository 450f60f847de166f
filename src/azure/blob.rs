//! Blobs: uploads with a SAS.

use azure_core::http::headers::HeaderName;
use azure_core::http::{Method, Request, Url};
use futures::StreamExt;

use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::transport::{MAX_BODY_BYTES, REQUEST_TIMEOUT, no_answer_within};
use crate::azure::wire::{UploadPlace, storage_error};
use crate::error_chain::chain;
use crate::service_error::Service;

/// The version of the API: Put Blob is the same in all.
const VERSION: &str = "2021-12-02";

impl Client {
    /// Creates a blob in a container, and replaces one that exists.
    ///
    /// The SAS of the place authorizes the request: it carries no access token, so it may go to any host.
    /// Source: <https://learn.microsoft.com/rest/api/storageservices/put-blob>.
    ///
    /// # Errors
    ///
    /// [`Error`] if the storage account does not store the blob. None of its texts contains the SAS.
    pub async fn upload_blob(&self, place: &UploadPlace, name: &str, content: &[u8]) -> Result<(), Error> {
        let request = put_blob(place, name, content)?;
        let sent = async {
            // The text of a transport's error names the URL, which has the SAS in its query.
            let failed = |error: &azure_core::Error| Error::of_transport(without_query(&chain(error), &request));
            let answer = self.transports.pooled.execute_request(&request).await.map_err(|error| failed(&error))?;
            let (status, headers, mut stream) = answer.deconstruct();
            let mut body = Vec::new();
            while let Some(chunk) = stream.next().await {
                body.extend_from_slice(&chunk.map_err(|error| failed(&error))?);
                if body.len() > MAX_BODY_BYTES {
                    return Err(Error::unavailable(format!("the answer has more than {MAX_BODY_BYTES} bytes")));
                }
            }
            // A proxy's page may repeat the URL.
            let body = without_query(&String::from_utf8_lossy(&body), &request).into_bytes();
            let code = headers.get_optional_string(&HeaderName::from_static("x-ms-error-code"));
            match u16::from(status) {
                200..300 => Ok(()),
                status => Err(match storage_error(code, &body) {
                    Some(error) => Error::of_status(status, None, error),
                    None => Error::of_answer(status, None, None, &body),
                }),
            }
        };
        let sent = tokio::time::timeout(REQUEST_TIMEOUT, sent).await;
        sent.unwrap_or_else(|_| Err(Error::unavailable(no_answer_within(REQUEST_TIMEOUT))))
            .map_err(|error| error.of(Service::Storage))
    }
}

fn put_blob(place: &UploadPlace, name: &str, content: &[u8]) -> Result<Request, Error> {
    // The text itself is a secret.
    let mut url: Url = place.with_sas.parse().map_err(|_| Error::unavailable("the place for the upload is not a valid URL"))?;
    if url.scheme() != "https" {
        return Err(Error::unavailable("the place for the upload does not use https"));
    }
    let path = format!("{}/{name}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    let mut request = Request::new(url, Method::Put);
    request.insert_header("x-ms-blob-type", "BlockBlob");
    request.insert_header("x-ms-version", VERSION);
    request.insert_header("content-type", "application/octet-stream");
    request.insert_header("content-length", content.len().to_string());
    request.insert_header("user-agent", concat!("synapse-spark-operator/", env!("CARGO_PKG_VERSION")));
    request.set_body(content.to_vec());
    Ok(request)
}

/// A text without the query of the request's URL.
fn without_query(text: &str, request: &Request) -> String {
    request
        .url()
        .query()
        .filter(|query| !query.is_empty())
        .map_or_else(|| text.to_owned(), |query| text.replace(query, "REDACTED"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(with_sas: &str) -> UploadPlace {
        UploadPlace { container: "https://yogistorage.blob.core.windows.net/c".to_owned(), with_sas: with_sas.to_owned() }
    }

    #[test]
    fn a_blob_is_created_below_the_container_with_its_sas() {
        let request = put_blob(&place("https://yogistorage.blob.core.windows.net/c?sv=1&sig=s%2Fecret"), "try/main.py", b"x");
        let request = request.expect("a request");
        assert_eq!(request.url().as_str(), "https://yogistorage.blob.core.windows.net/c/try/main.py?sv=1&sig=s%2Fecret");
        assert_eq!(request.headers().get_optional_str(&HeaderName::from_static("authorization")), None);
        let text = format!("error sending request for url ({})", request.url());
        assert!(!without_query(&text, &request).contains("s%2Fecret"), "{text}");
    }

    #[test]
    fn the_sas_is_not_sent_without_encryption_nor_shown() {
        for wrong in ["http://yogistorage.blob.core.windows.net/c?sig=secret", "c?sig=secret"] {
            let error = put_blob(&place(wrong), "main.py", b"x").expect_err(wrong).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
