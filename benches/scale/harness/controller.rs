//! What works on the objects: a process.

use std::time::Instant;

use azure_emulator::Counters;

use super::stage::Stage;
use crate::support::{DEADLINE, Operator};

/// The metric that counts the operator's observations of computes, by source.
const OBSERVATIONS: &str = "synapse_spark_operator_azure_observations_total{";
/// The metric that is 1 on the leader.
const LEADER: &str = "synapse_spark_operator_leader";

/// A controller that is measured.
pub trait Controller {
    fn pid(&self) -> i32;

    /// When its process began.
    fn started(&self) -> Instant;

    /// How many observations of computes it has made since it started. The counters are those of Azure since then.
    fn observations(&self, counters: &Counters) -> u64;

    /// Ends it as Kubernetes does.
    fn stop(&mut self);
}

/// Starts a controller, which works from then on.
pub type Start<'a> = &'a dyn Fn(&Stage) -> Box<dyn Controller>;

impl Controller for Operator {
    fn pid(&self) -> i32 {
        Self::pid(self)
    }

    fn started(&self) -> Instant {
        Self::started(self)
    }

    fn observations(&self, _: &Counters) -> u64 {
        self.get("/metrics").map_or(0, |(_, metrics)| sum(&metrics, OBSERVATIONS))
    }

    fn stop(&mut self) {
        assert_eq!(self.terminate(DEADLINE), Some(0), "{}", self.log(""));
    }
}

/// Whether an operator is the leader.
pub fn leads(operator: &Operator) -> bool {
    operator.get("/metrics").is_some_and(|(_, metrics)| sum(&metrics, LEADER) > 0)
}

/// The sum of all series whose line begins like this.
pub fn sum(metrics: &str, series: &str) -> u64 {
    let of_it = metrics.lines().filter(|line| line.starts_with(series));
    of_it.filter_map(|line| line.rsplit(' ').next()?.split('.').next()?.parse::<u64>().ok()).sum()
}
