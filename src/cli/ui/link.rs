//! The link that opens the page. It is written to the terminal and to no log, because whoever has it can sign in.

use std::io::{IsTerminal as _, Stdin};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;
use tokio::sync::mpsc;

use super::super::output::{print, remark};
use super::browser;
use super::session::Sessions;

/// Links to the page, one for each tab.
pub(super) struct Links {
    port: u16,
    sessions: Arc<Sessions>,
}

impl Links {
    pub(super) fn new(port: u16, sessions: Arc<Sessions>) -> Self {
        Self { port, sessions }
    }

    /// Prints a link, and opens it in a browser if that is wanted and possible.
    pub(super) fn print(&self, open: bool) -> Result<(), String> {
        // In the fragment, which browsers neither send to a server nor name as the referrer.
        let link = format!("http://127.0.0.1:{}/#{}", self.port, self.sessions.issue()?);
        print(&format!("{link}\n"))?;
        remark("The link is valid once, for 60 seconds. Press Enter for another one, and Ctrl-C to end.");
        if open && let Err(why) = browser::open(&link) {
            remark(&format!("no browser was opened: {why}. Open the link yourself."));
        }
        Ok(())
    }

    /// Prints another link at each line of the standard input.
    pub(super) async fn print_on_enter(&self) -> Result<(), String> {
        let (send, mut lines) = mpsc::channel(1);
        // A thread of its own, because a read of a terminal cannot be interrupted.
        std::thread::spawn(move || {
            let (input, mut line) = (std::io::stdin(), String::new());
            loop {
                until_readable(&input);
                let has_line = input.read_line(&mut line).is_ok_and(|length| length > 0);
                if !has_line || send.blocking_send(()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        while let Some(()) = lines.recv().await {
            self.print(false)?;
        }
        // The end of the input does not end the program: it may have none.
        std::future::pending().await
    }
}

/// How often the terminal is read again while another program in the foreground reads the user's input.
const BACKGROUND: Duration = Duration::from_secs(1);

/// Blocks until a line can be read without stopping the program: a process in the background that reads its terminal is stopped
/// (SIGTTIN), and its page with it. A pipe or a file stops nobody.
fn until_readable(input: &Stdin) {
    while input.is_terminal() {
        let has_input = poll(&mut [PollFd::new(input, PollFlags::IN)], None).is_ok();
        // Without an answer the terminal is gone, and the read shows that.
        if has_input && tcgetpgrp(input).map_or(true, |foreground| foreground == getpgrp()) {
            break;
        }
        std::thread::sleep(BACKGROUND);
    }
}
