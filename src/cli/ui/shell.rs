//! The frame of every page. It holds no data, so that it can be answered without a secret: its script signs in and fetches the view.

use axum::response::Html;
use maud::{DOCTYPE, html};

use super::assets::{STYLE, scripts};
use super::gate::Nonce;
use super::views::NAVIGATION;

/// htmx without what a strict content security policy forbids, and without histories and indicators, which are not used.
const HTMX: &str = r#"{"extensions": "hx-csp,sse", "history": false, "includeIndicatorCSS": false, "noSwap": [204, 304, 401]}"#;

/// The frame of a page.
pub(super) async fn page(nonce: Nonce) -> Html<String> {
    let frame = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                title { "Synapse Spark attachments" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(STYLE);
                @for script in scripts() {
                    script src=(script) nonce=(nonce.as_str()) defer {}
                }
            }
            body {
                header class="top" {
                    p class="brand" { "Synapse Spark" }
                    nav aria-label="Pages" {
                        @for (address, name) in NAVIGATION {
                            a href=(address) { (name) }
                        }
                    }
                }
                p id="offline" class="banner" role="status" hidden {
                    "The program does not answer. It may have ended; start "
                    code { "kubectl synapse ui" }
                    " again."
                }
                main id="view" tabindex="-1" {
                    div id="locked" class="notice" hidden {
                        h1 { "Open a new link" }
                        p {
                            "This page needs the link that "
                            code { "kubectl synapse ui" }
                            " prints. A link is valid once, for 60 seconds. Press Enter in that terminal for another one."
                        }
                    }
                    noscript { p class="notice" { "This page requires JavaScript." } }
                }
            }
        }
    };
    Html(frame.into_string())
}
