//! A conformance kit: it sends the same requests to an Azure and to the emulator,
//! and reports for each row of the emulator's evidence table whether they agree.
//!
//! ```text
//!   run ── every probe ──► client::Azure ── transport ──► a real Azure, an emulator over TLS, or an emulator in this process
//!    │                        ├─ guard      refuses writes to what this run did not create
//!    │                        ├─ ledger     what has to be removed at the end
//!    │                        └─ recording  each exchange as a file, redacted
//!    └─ expectation (the emulator's answers, one per value of a setting) ──► verdict ──► report
//! ```
//!
//! No expectation is written down here: what a probe expects is what the emulator
//! answers to the same probe. To add a row of the evidence table, name it in a
//! probe of [`probes`], or in [`gaps`] with the reason why it cannot be probed.

pub mod client;
pub mod cloud;
pub mod expectation;
pub mod gaps;
pub mod ledger;
pub mod probes;
pub mod recording;
pub mod redact;
pub mod report;
pub mod run;
pub mod seen;
pub mod table;
pub mod target;
pub mod transport;
pub mod verdict;
