//! The kit against the emulator: what it covers, what it reports, what it records, what it leaves behind.

mod coverage;
mod program;
mod recordings;
mod reports;
mod safety;
mod support;
