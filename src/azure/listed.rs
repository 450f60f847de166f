//! Computes, observed together with others of their workspace: by one LIST for all, or by a GET where that costs less.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::azure::cache::Freshness;
use crate::azure::call::Call;
use crate::azure::client::Client;
use crate::azure::error::Error;
use crate::azure::list::{List, ListError};
use crate::azure::view::{Ask, Shown, Source, View};
use crate::azure::views::{COMPUTE_TTL, Request};
use crate::azure::wire;
use crate::resource_id::{ComputeId, WorkspaceId};

/// If a LIST fails within this time, one compute is read to see whether Azure answers that. After a longer wait the failure is
/// final.
const PROBE_WITHIN: Duration = Duration::from_secs(10);

impl Client {
    /// Calls the resulting function with each LIST of computes that this client receives, before it is used for any answer. Only
    /// the first call of this method has an effect.
    pub fn on_list(&self, make: impl FnOnce() -> Box<dyn Fn(&WorkspaceId, &View) + Send + Sync>) {
        self.cached.views.on_list.set(make);
    }

    /// A compute, no older than `ask` accepts; `None` if it does not exist, or if no LIST shows it and that is enough.
    ///
    /// No answer to a request that began before a write of this client is served after it.
    ///
    /// # Errors
    ///
    /// [`Error`] if Azure gives no such answer. The failure of a LIST is that of all who waited for it.
    pub async fn shared_compute(&self, id: &ComputeId, ask: &Ask) -> Result<(Option<wire::Compute>, Source), Error> {
        let max_age = ask.max_age.min(COMPUTE_TTL);
        if let Some(cached) = self.cached.computes.get(id, Freshness::Within(max_age)) {
            self.metrics.observed(Source::Cache);
            return Ok((cached, Source::Cache));
        }
        let (asked, workspace) = (Instant::now(), id.workspace());
        let known = match self.cached.views.current(workspace) {
            Some(view) => self.answer(&view, id, ask, asked),
            None => Answer::Outdated,
        };
        let known = match known {
            Answer::Outdated => match self.cached.views.request(id, ask.sharers) {
                Request::List => match self.view(id, max_age).await? {
                    Some(view) => self.answer(&view, id, ask, asked),
                    None => Answer::Unknown,
                },
                Request::Get => {
                    self.cached.views.reads_alone(id);
                    Answer::Outdated
                }
            },
            known => known,
        };
        match known {
            Answer::Known(found) => {
                self.metrics.observed(Source::List);
                Ok((found.map(|found| *found), Source::List))
            }
            Answer::Unknown | Answer::Outdated => Ok((self.compute(id, Freshness::Now).await?, Source::Get)),
        }
    }

    /// What a view shows of a compute for a request that was made at this time.
    fn answer(&self, view: &View, id: &ComputeId, ask: &Ask, asked: Instant) -> Answer {
        match view.shown(id, ask, asked, self.cached.computes.after_write(id)) {
            // One that cannot be decoded is read: the error of that answer is what its user sees.
            Shown::Present(raw) => {
                serde_json::from_str(raw.get()).map_or(Answer::Unknown, |one| Answer::Known(Some(Box::new(one))))
            }
            Shown::Absent => Answer::Known(None),
            Shown::Missing => Answer::Unknown,
            Shown::Outdated => Answer::Outdated,
        }
    }

    /// A view of the compute's workspace that is not older than this; `None` if LIST is refused.
    async fn view(&self, probe: &ComputeId, max_age: Duration) -> Result<Option<Arc<View>>, Error> {
        let workspace = probe.workspace();
        if let Some(failure) = self.cached.views.failure(workspace, max_age) {
            return Err(failure);
        }
        let now = Instant::now();
        let not_before = now.checked_sub(max_age).unwrap_or(now);
        // Boxed, since it is in the future of every reader, and most find a view.
        self.cached.views.flights.run(workspace, not_before, Box::pin(self.list_computes(workspace, probe))).await
    }

    /// Lists the computes of a workspace. If that fails soon, and this compute can be read, the LIST is not used for a while.
    async fn list_computes(&self, workspace: &WorkspaceId, probe: &ComputeId) -> Result<Option<Arc<View>>, Error> {
        let began = Instant::now();
        let mut view = View::new(began);
        let first = self.machine_learning(&format!("{workspace}/computes"));
        let list = List { call: Call::Computes, subscription: workspace.subscription(), first, is_shared: true };
        let listed = self.pages(list, |page| page.raw().for_each(|compute| view.add(workspace, compute))).await;
        if let Err(ListError::Page(error)) = &listed {
            self.reconsider_region(workspace, error);
        }
        match listed {
            Ok(pages) => {
                let view = Arc::new(view);
                self.cached.views.keep(workspace, &view, pages);
                Ok(Some(view))
            }
            Err(error) if error.is_of_the_list_alone() => {
                tracing::warn!(%workspace, %error, "list of computes not used: reading each compute");
                self.cached.views.refused(workspace, began);
                Ok(None)
            }
            Err(error) => {
                let error = error.into_azure();
                let is_unavailable = error.is_no_answer() && began.elapsed() < PROBE_WITHIN;
                if is_unavailable && self.compute(probe, Freshness::Now).await.is_ok() {
                    tracing::warn!(%workspace, %error, "list of computes fails: reading each compute");
                    self.cached.views.refused(workspace, began);
                    return Ok(None);
                }
                if error.concerns_all() {
                    self.cached.views.failed(workspace, &error);
                }
                Err(error)
            }
        }
    }
}

/// What a view shows of a compute.
enum Answer {
    /// This is it.
    Known(Option<Box<wire::Compute>>),
    /// It proves nothing: the compute is read.
    Unknown,
    /// It is older than it may be.
    Outdated,
}
