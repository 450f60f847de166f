//! What ends the command early: its time limit, Ctrl-C and SIGTERM.

use std::pin::Pin;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::sleep;

use super::super::interrupt::shutdown_signal;

/// Why the command ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The time limit was reached.
    TimedOut,
    /// The user pressed Ctrl-C, or the process got SIGTERM.
    Interrupted,
}

/// The time limit and the signals.
pub(super) struct Stop {
    next: Pin<Box<dyn Future<Output = Stopped>>>,
    /// The first one. Later signals change nothing: the clean-up is under way.
    first: Option<Stopped>,
}

impl Stop {
    /// From now on, signals no longer end the process.
    pub(super) fn after(timeout: Duration) -> Result<Self, String> {
        let signal = shutdown_signal()?;
        let next = async move {
            tokio::select! {
                () = sleep(timeout) => Stopped::TimedOut,
                _ = signal => Stopped::Interrupted,
            }
        };
        Ok(Self { next: Box::pin(next), first: None })
    }

    /// Waits until the command has to end.
    pub(super) async fn stopped(&mut self) -> Stopped {
        match self.first {
            Some(first) => first,
            None => *self.first.insert(self.next.as_mut().await),
        }
    }

    /// Whether the command has to end now.
    pub(super) fn now(&mut self) -> Option<Stopped> {
        self.stopped().now_or_never()
    }
}
