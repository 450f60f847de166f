//! Runs every probe, one after the other, and removes what they created.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;

use crate::client::{Azure, LINKED_SERVICES};
use crate::ledger::Created;
use crate::probes;
use crate::seen::{Failure, Seen};
use crate::table::Probe;
use crate::transport::Body;

/// What one probe saw.
#[derive(Debug)]
pub struct Outcome {
    /// The probe.
    pub probe: &'static Probe,
    /// What it saw.
    pub seen: Seen,
    /// Why it ended early, or did not run at all.
    pub failure: Option<Failure>,
}

/// What all probes saw.
#[derive(Debug)]
pub struct Run {
    /// One for each probe.
    pub outcomes: Vec<Outcome>,
    /// What could not be removed.
    pub left: Vec<Created>,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

impl Run {
    /// The probes that went wrong.
    pub fn broken(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.failure {
            Some(Failure::Broken(why)) => Some((outcome.probe.id, why.as_str())),
            _ => None,
        })
    }
}

/// Runs one probe. A panic in it is caught, so that the run still removes what it created.
pub async fn asked(azure: &Azure, probe: &Probe) -> (Seen, Option<Failure>) {
    azure.recorder().begin(probe.id);
    let mut seen = Seen::default();
    let mut asking = (probe.ask)(azure, &mut seen);
    let answer = std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| asking.as_mut().poll(context)))
            .unwrap_or_else(|_| Poll::Ready(Err(Failure::Broken("the probe panicked; this is a defect of the kit".to_owned()))))
    });
    let failure = answer.await.err();
    drop(asking);
    (seen.mapped(|text| azure.comparable(text)), failure)
}

/// Runs every probe. `stop` is notified when the run is to end; a second time: without waiting for what it removes.
pub async fn run(azure: &Azure, read_only: bool, stop: &Notify, progress: impl Fn(&str)) -> Run {
    let all = probes::all();
    let (mut outcomes, mut interrupted) = (Vec::new(), false);
    for (number, probe) in (1..).zip(&all) {
        let reason = if interrupted { Some("the run was interrupted") } else { reason_not_to_ask(azure, probe, read_only) };
        if let Some(reason) = reason {
            outcomes.push(Outcome { probe, seen: Seen::default(), failure: Some(Failure::NotAsked(reason.to_owned())) });
            progress(&format!("[{number}/{}] {}: not checked: {reason}", all.len(), probe.id));
            continue;
        }
        progress(&format!("[{number}/{}] {}: {}", all.len(), probe.id, probe.sends));
        let (seen, failure) = tokio::select! {
            answer = asked(azure, probe) => answer,
            () = stop.notified() => {
                interrupted = true;
                (Seen::default(), Some(Failure::NotAsked("the run was interrupted".to_owned())))
            }
        };
        if let Some(failure) = &failure {
            progress(&format!("[{number}/{}] {}: ended early: {failure}", all.len(), probe.id));
        }
        outcomes.push(Outcome { probe, seen, failure });
        if !interrupted {
            remove(azure).await;
        }
    }
    azure.recorder().begin("end");
    progress("removing what the run created");
    tokio::select! {
        () = removed(azure) => {}
        () = stop.notified() => {}
    }
    Run { outcomes, left: azure.left(), interrupted }
}

fn reason_not_to_ask(azure: &Azure, probe: &Probe, read_only: bool) -> Option<&'static str> {
    if probe.writes && read_only {
        return Some("it writes, and the run is read-only");
    }
    probe.needs.iter().find_map(|need| need.missing(&azure.target))
}

/// Removes what the run created, and waits until it is gone.
pub async fn removed(azure: &Azure) {
    let mut waited = Duration::ZERO;
    loop {
        remove(azure).await;
        if azure.left().is_empty() || waited >= azure.target.patience {
            return;
        }
        azure.wait(azure.target.poll).await;
        waited += azure.target.poll;
    }
}

/// Asks Azure to remove each thing that is left. One that is busy, or whose removal takes time, stays in the ledger.
async fn remove(azure: &Azure) {
    for created in azure.left() {
        // A failure is not final: it stays in the ledger, and is tried again.
        if is_removed(azure, &created).await.unwrap_or(false) {
            azure.is_gone(&created);
        }
    }
}

async fn is_removed(azure: &Azure, created: &Created) -> Result<bool, Failure> {
    let workspace = &azure.target.workspace;
    let reply = match created {
        Created::Compute(name) => {
            // For a name that is refused, DELETE may be refused too: then GET shows whether it exists.
            let reply = azure.detach(name).await?;
            return Ok(match reply.status {
                204 | 404 => !azure.may_appear(name),
                400 => matches!(azure.get(&azure.compute(name)).await?.status, 400 | 404),
                _ => false,
            });
        }
        Created::RoleAssignment(guid) => azure.synapse("DELETE", &format!("roleAssignments/{guid}"), Body::None).await?,
        Created::LinkedService(name) => {
            azure.arm("DELETE", &format!("{workspace}/linkedServices/{name}"), LINKED_SERVICES, Body::None).await?
        }
        Created::Job(name) => {
            let job = format!("{workspace}/jobs/{name}");
            let known = azure.get(&job).await?;
            let status = known.body["properties"]["status"].as_str().unwrap_or_default();
            if known.status == 404 || matches!(status, "Completed" | "Failed" | "Canceled") {
                return Ok(true);
            }
            azure.arm("POST", &format!("{job}/cancel"), azure.version(), Body::None).await?;
            return Ok(false);
        }
    };
    Ok(reply.is_success() || reply.status == 404)
}
