//! How many pages are open.

use std::time::Duration;

use tokio::sync::watch;

/// The number of streams that are open: one for each page that is visible.
#[derive(Default)]
pub(super) struct Viewers(watch::Sender<usize>);

/// A page that is open, until it is dropped.
pub(super) struct Viewer(watch::Sender<usize>);

impl Viewers {
    /// One more page.
    pub(super) fn enter(&self) -> Viewer {
        self.0.send_modify(|count| *count += 1);
        Viewer(self.0.clone())
    }

    /// Ends when no page has been open for this long.
    pub(super) async fn absent(&self, limit: Duration) {
        let mut count = self.0.subscribe();
        // The sender lives as long as this, so neither wait fails.
        while count.wait_for(|count| *count == 0).await.is_ok() {
            if tokio::time::timeout(limit, count.wait_for(|count| *count > 0)).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn absence_counts_from_the_last_page_on() {
        let viewers = Viewers::default();
        let minutes = Duration::from_mins;
        let page = async {
            tokio::time::sleep(minutes(20)).await;
            let one = viewers.enter();
            let other = viewers.enter();
            tokio::time::sleep(minutes(60)).await;
            drop(one);
            tokio::time::sleep(minutes(60)).await;
            drop(other);
            tokio::time::sleep(minutes(29)).await;
        };
        tokio::select! {
            () = viewers.absent(minutes(30)) => panic!("it ended although a page was open"),
            () = page => {}
        }
        tokio::time::timeout(minutes(31), viewers.absent(minutes(30))).await.expect("it ends without a page");
    }
}
