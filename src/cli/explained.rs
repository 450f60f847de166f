//! An error of Azure as text, with the setting that helps where no answer came from Azure at all.

use crate::azure::Error;
use crate::controller::observe::fault;

/// The error, and the advice for its reason if a setting of this program is in the way: a certificate that is not trusted, or a
/// proxy. Azure's own answers name what to do.
pub(super) fn explained(error: &Error) -> String {
    let advice = if error.is_no_answer() { fault(error.clone()).kind.reason().advice() } else { "" };
    if advice.is_empty() { error.to_string() } else { format!("{error}. {advice}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_between_here_and_azure_comes_with_its_advice() {
        #[rustfmt::skip]
        let table = [
            ("invalid peer certificate: UnknownIssuer", Some("--azure-ca-file (chart: azure.ca)")),
            ("tunnel error: unsuccessful",              Some("HTTPS_PROXY")),
            ("connection refused",                      None),
        ];
        for (text, advice) in table {
            let error = Error::of_transport(text.to_owned());
            let shown = explained(&error);
            assert!(shown.starts_with(&error.to_string()), "{shown}");
            match advice {
                Some(words) => assert!(shown.contains(words), "{words:?} is not in {shown}"),
                None => assert_eq!(shown, error.to_string()),
            }
        }
    }
}
