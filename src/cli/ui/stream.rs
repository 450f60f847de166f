//! Keeps a part of a page up to date, by server-sent events.
//!
//! The page reads them with `fetch`, since `EventSource` cannot send the secret. Each event holds the whole part, so a page that
//! reconnects misses nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::unfold;
use maud::Markup;
use tokio::sync::watch;

use super::context::Context;
use super::store::Content;
use super::viewers::Viewer;

/// The time between two events: ten a second at most.
const PAUSE: Duration = Duration::from_millis(100);
/// Without a change, the ages on the page are brought up to date.
const AGING: Duration = Duration::from_secs(10);
/// A sign of life, without which proxies close a connection.
const HEARTBEAT: Duration = Duration::from_secs(15);

struct Stream<T, F> {
    context: Arc<Context>,
    changes: watch::Receiver<Content>,
    /// What else the part shows.
    other: watch::Receiver<T>,
    render: F,
    /// What the page shows.
    shown: Option<String>,
    _viewer: Viewer,
}

/// The part of a page that this renders, now and whenever it changes.
pub(super) fn stream<F>(context: Arc<Context>, render: F) -> impl IntoResponse
where
    F: Fn(&Context, &Content) -> Markup + Send + 'static,
{
    stream_with(context, watch::channel(()).1, move |context, known, ()| render(context, known))
}

/// The part of a page that this renders from the attachments and something else, now and whenever one of them changes.
pub(super) fn stream_with<T, F>(context: Arc<Context>, other: watch::Receiver<T>, render: F) -> impl IntoResponse
where
    T: Send + Sync + 'static,
    F: Fn(&Context, &Content, &T) -> Markup + Send + 'static,
{
    let events = unfold(Stream::new(context, other, render), |mut stream| async move {
        let text = stream.next().await;
        Some((Ok::<_, Infallible>(Event::default().data(text)), stream))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

impl<T, F> Stream<T, F>
where
    F: Fn(&Context, &Content, &T) -> Markup,
{
    fn new(context: Arc<Context>, other: watch::Receiver<T>, render: F) -> Self {
        let (changes, viewer) = (context.store.subscribe(), context.viewers.enter());
        Self { context, changes, other, render, shown: None, _viewer: viewer }
    }

    async fn changed(&mut self) {
        let other = async {
            // What has ended does not change any more.
            if self.other.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            _ = self.changes.changed() => {}
            () = other => {}
        }
    }

    /// The next text that differs from what the page shows.
    async fn next(&mut self) -> String {
        loop {
            if self.shown.is_some() {
                tokio::time::sleep(PAUSE).await;
                // The store lives as long as the program, so it never ends; and a time limit is as good as a change.
                let _ = tokio::time::timeout(AGING, self.changed()).await;
            }
            let text =
                (self.render)(&self.context, &self.changes.borrow_and_update(), &self.other.borrow_and_update()).into_string();
            if self.shown.as_ref() != Some(&text) {
                self.shown = Some(text.clone());
                return text;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use maud::html;
    use serde_json::json;

    use super::*;
    use crate::cli::kube::Cluster;
    use crate::cli::plugin::Program;
    use crate::cli::selection::{ObjectKey, Selection};

    fn context() -> Arc<Context> {
        Arc::new(Context::new(Cluster::answering(|_| (200, json!({}))), Selection::parsed(&[]), Program::Plugin))
    }

    /// One more line in the store.
    fn change(context: &Context, number: usize) {
        let key = ObjectKey { namespace: String::new(), name: format!("{number:03}") };
        context.store.change(|content| drop(content.undecodable.insert(key, String::new())));
    }

    #[tokio::test(start_paused = true)]
    async fn many_changes_are_ten_events_a_second_and_the_last_one_is_among_them() {
        let context = context();
        let mut stream = Stream::new(context.clone(), watch::channel(()).1, |_: &Context, known: &Content, ()| {
            html! { (known.undecodable.len()) }
        });
        let changes = async {
            for number in 0..200 {
                change(&context, number);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            std::future::pending::<()>().await;
        };
        let events = async {
            let mut events = 1;
            while stream.next().await != "200" {
                events += 1;
            }
            events
        };
        tokio::select! {
            () = changes => {}
            events = events => assert!((15..=22).contains(&events), "{events} events in two seconds"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_something_else_is_an_event_and_its_end_is_none() {
        let (send, other) = watch::channel(1);
        let rendered = std::cell::Cell::new(0);
        let mut stream = Stream::new(context(), other, |_: &Context, _: &Content, number: &i32| {
            rendered.set(rendered.get() + 1);
            html! { (number) }
        });
        assert_eq!(stream.next().await, "1");
        send.send_replace(2);
        let began = tokio::time::Instant::now();
        assert_eq!(stream.next().await, "2");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        drop(send);
        assert!(tokio::time::timeout(Duration::from_mins(5), stream.next()).await.is_err());
        assert!(rendered.get() < 40, "{} times in five minutes", rendered.get());
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_the_page_does_not_show_sends_nothing() {
        let context = context();
        let mut stream = Stream::new(context.clone(), watch::channel(()).1, |_: &Context, _: &Content, ()| html! { "the same" });
        assert_eq!(stream.next().await, "the same");
        change(&context, 1);
        assert!(tokio::time::timeout(Duration::from_mins(5), stream.next()).await.is_err());
    }
}
