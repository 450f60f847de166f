//! What may become of a decision before it is reported.

use synapse_spark_operator::planner::{Decision, Observed, Step, Write, WriteResult};

use crate::faults::faults;
use crate::observations::PATH;

/// The decision that is reported, and what became of the write that was decided first.
pub struct Outcome {
    /// The decision that is reported.
    pub decision: Decision,
    /// What became of the write; none if nothing was written.
    pub result: Option<WriteResult>,
}

/// All outcomes of a decision.
pub fn outcomes<'a>(decision: &'a Decision, observed: &'a Observed) -> Box<dyn Iterator<Item = Outcome> + 'a> {
    let unwritten = |decision: Decision| Outcome { decision, result: None };
    let all_faults = || std::iter::once_with(faults).flatten();
    let superseded = std::iter::once_with(move || unwritten(decision.clone().superseded()));
    let unconfirmed = all_faults().map(move |fault| unwritten(Decision::read_failed(fault, observed)));
    let Some(write) = decision.step.write() else {
        return match decision.step {
            Step::RemoveFinalizer => Box::new(superseded.chain(unconfirmed)),
            // The next reconcile has more to report.
            Step::AddFinalizer => Box::new(superseded),
            _ => Box::new(std::iter::once(unwritten(decision.clone()))),
        };
    };
    let accepted = match &write {
        Write::Put => vec![WriteResult::Accepted(Some(PATH.to_owned())), WriteResult::Accepted(None)],
        Write::Detach => vec![WriteResult::Accepted(Some(PATH.to_owned())), WriteResult::Accepted(None), WriteResult::NotFound],
        Write::AssignRole(_) => vec![WriteResult::Accepted(None), WriteResult::AlreadyExists],
        Write::RevokeRole(_) => vec![WriteResult::Accepted(None)],
    };
    let failed = all_faults().flat_map(|fault| [WriteResult::Failed(fault.clone()), WriteResult::NotSent(fault)]);
    let written = move |result| Outcome { decision: decision.after(&result, observed), result: Some(result) };
    let accepted = std::iter::once(WriteResult::Intent).chain(accepted).map(written);
    Box::new(accepted.chain(superseded).chain(unconfirmed).chain(failed.map(written)))
}
