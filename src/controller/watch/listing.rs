//! The events of a watch, which begin with all existing objects.
//!
//! An API server that serves streaming lists sends one object at a time, so that a list of large objects needs no more memory
//! than one of them. With other API servers, lists have small pages.
//! Source: <https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists>.

use std::fmt::Debug;

use futures::stream::{BoxStream, iter, select_all, unfold};
use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Config, Error, Event, watcher};
use kube::{Error as ClientError, Resource};
use serde::de::DeserializeOwned;

use super::merged::Merged;

/// A load balancer of Azure drops idle connections after four minutes: watches end before that.
const WATCH_SECONDS: u32 = 200;
/// Objects of a page. It is in memory as a whole while it is decoded, and an object can have 1.5 MiB.
const PAGE: u32 = 8;

/// A watch of which the API server may still turn out not to serve streaming lists.
struct Listing<K: 'static> {
    events: BoxStream<'static, watcher::Result<Event<K>>>,
    /// What paged lists need; `None` once they are in use.
    pages: Option<(Api<K>, Config)>,
    is_begun: bool,
}

/// The events of all objects that one of these field selectors selects, as those of one watch without an end. A watch that
/// fails is restarted with backoff; `on_error` is called with its selector.
pub(super) fn events<K>(
    api: &Api<K>,
    selectors: &[Option<String>],
    named: fn(ObjectMeta) -> K,
    on_error: impl Fn(Option<&str>, &Error) + Clone + Send + 'static,
) -> BoxStream<'static, watcher::Result<Event<K>>>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let watch = |selector: &Option<String>| {
        let (of, on_error) = (selector.clone(), on_error.clone());
        let events = listed(api.clone(), selector.as_deref()).default_backoff();
        events.inspect_err(move |error| on_error(of.as_deref(), error)).boxed()
    };
    if let [selector] = selectors {
        return watch(selector);
    }
    let mut merged = Merged::of(selectors.len(), named);
    let numbered = selectors.iter().enumerate().map(|(at, selector)| watch(selector).map(move |event| (at, event)).boxed());
    select_all(numbered)
        .flat_map(move |(at, event)| {
            let events: Vec<_> = match event {
                Ok(event) => merged.take_in(at, event).into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            iter(events)
        })
        .boxed()
}

/// The events of a watch, without an end.
fn listed<K>(api: Api<K>, selector: Option<&str>) -> impl Stream<Item = watcher::Result<Event<K>>> + Send + use<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let config = Config { field_selector: selector.map(ToOwned::to_owned), ..Config::default().timeout(WATCH_SECONDS) };
    let streamed = watcher(api.clone(), config.clone().streaming_lists());
    let listing = Listing { events: streamed.boxed(), pages: Some((api, config)), is_begun: false };
    unfold(listing, |mut listing| async move {
        loop {
            let event = listing.events.next().await?;
            let is_refused = match &event {
                Err(Error::WatchStartFailed(error)) => is_refusal(error),
                // The list restarted without an end: the server does not support marking it.
                Ok(Event::Init) => std::mem::replace(&mut listing.is_begun, true),
                Ok(Event::InitDone) => {
                    listing.is_begun = false;
                    false
                }
                _ => false,
            };
            match listing.pages.take_if(|_| is_refused) {
                Some((api, config)) => {
                    tracing::info!("streaming lists are not supported, falling back to pages");
                    listing.events = watcher(api, config.page_size(PAGE)).boxed();
                }
                None => return Some((event, listing)),
            }
        }
    })
}

/// Whether the server understands the request for a streaming list and refuses it: other errors are temporary, or would also
/// occur for a page as well.
fn is_refusal(error: &ClientError) -> bool {
    // The definition is older than the operator: it does not allow to select by subscription, with or without pages.
    let is_of_selector = |message: &str| message.contains("field label not supported");
    matches!(error, ClientError::Api(status) if matches!(status.code, 400 | 405 | 406 | 422 | 501) && !is_of_selector(&status.message))
}
