//! `ui`: a page on the user's machine that shows attachments, with the user's own permissions.
//!
//! | to find | see |
//! |---|---|
//! | what a request must be to be answered | `gate.rs`, `session.rs` |
//! | which pages there are, and how to add one | `views.rs` |
//! | what is known of the attachments, from one watch | `store.rs` |
//! | how a page is kept up to date | `stream.rs` |
//! | what a page changes, and how it is written | `change.rs`, `write.rs` |

mod address;
mod assets;
mod browser;
mod change;
mod context;
mod diff;
mod ends;
mod gate;
mod link;
mod manifest;
mod parts;
mod rights;
mod server;
mod session;
mod shell;
mod store;
mod stream;
mod viewers;
mod views;
mod window;
mod write;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;

use super::interrupt::until_interrupted;
use super::kube::ClusterArgs;
use super::output::remark;
use super::plugin::Program;
use super::selection::Selection;
use context::Context;
use link::Links;

/// The program ends when no page has been open for this long.
const IDLE: Duration = Duration::from_mins(30);

#[derive(Debug, Args)]
pub(super) struct Ui {
    #[command(flatten)]
    selection: Selection,
    /// The port on 127.0.0.1. Give one to forward it with ssh -L, under the same number. Default: a free port.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Print the link, and do not open a browser.
    #[arg(long)]
    no_open: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl Ui {
    pub(super) async fn execute(self, program: Program) -> Result<u8, String> {
        assets::are_complete()?;
        let cluster = self.cluster.connect().await?;
        // Never another address: whoever can reach the port could try to sign in.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await;
        let listener = listener.map_err(|error| format!("cannot listen on port {} of 127.0.0.1: {error}", self.port))?;
        let address = listener.local_addr().map_err(|error| format!("cannot listen on 127.0.0.1: {error}"))?;
        let context = Arc::new(Context::new(cluster, self.selection, program));
        let links = Links::new(address.port(), context.sessions.clone());
        links.print(!self.no_open)?;
        until_interrupted(None, async {
            tokio::select! {
                ended = server::serve(listener, address.port(), context.clone()) => ended,
                ended = links.print_on_enter() => ended,
                () = context.store.follow(&context.cluster, &context.selection, context.program) => Ok(()),
                () = context.viewers.absent(IDLE) => {
                    remark("No page has been open for 30 minutes.");
                    Ok(())
                }
            }
        })
        .await
        .map(|()| 0)
    }
}
