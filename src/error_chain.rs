//! An error and its causes as one line of text.

/// The error and all of its causes, separated by colons.
///
/// An answer of the Kubernetes API server is printed as its message and reason; `kube` appends all of its fields, for programmers.
/// `reqwest` and `kube` print only the outermost error, which rarely names the reason. A cause that an outer error
/// already quotes is not repeated. The URL that `reqwest` appends is left out, since the URL of an operation may
/// carry a signature.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = plain(error);
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = plain(inner);
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

fn plain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = without_url(error);
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(answer @ kube::Error::Api(status)) = inner.downcast_ref() {
            text = text.replace(&answer.to_string(), &status.to_string());
        }
        cause = inner.source();
    }
    text
}

fn without_url(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let Some((before, after)) = text.split_once(" for url (") else { return text };
    let rest = after.split_once(')').map_or("", |(_, rest)| rest);
    format!("{before}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn each_cause_is_printed_once_without_urls() {
        let inner = Layer("connection refused", None);
        let middle = Layer("error sending request for url (https://example.com/op?sig=secret)", Some(Box::new(inner)));
        let outer = Layer("cannot list: error sending request", Some(Box::new(middle)));
        assert_eq!(chain(&outer), "cannot list: error sending request: connection refused");
    }

    #[test]
    fn answer_of_the_api_server_is_its_message_and_reason() {
        let status = kube::core::Status::failure("storage is (re)initializing", "TooManyRequests").with_code(429);
        let answer = || kube::Error::Api(status.clone().boxed());
        assert_eq!(chain(&answer()), "storage is (re)initializing: TooManyRequests");
        let outer = kube::runtime::watcher::Error::WatchStartFailed(answer());
        assert_eq!(chain(&outer), "failed to start watching object: storage is (re)initializing: TooManyRequests");
    }

    #[test]
    fn text_after_a_url_is_kept() {
        let error = Layer("request for url (https://example.com/a): timed out", None);
        assert_eq!(chain(&error), "request: timed out");
    }
}
