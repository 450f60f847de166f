//! Measures the operator next to a real API server and the Azure emulator with ARM's own limits, and a naive controller in
//! the same way.
//!
//! `ROWS=storm N=200 make bench` measures one row of another size; `cargo bench --bench scale -- --help` lists the options.

mod about;
mod arguments;
mod harness;
mod naive;
mod run;
#[path = "../../tests/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "what the tests of the whole stand on is more than a measurement needs")]
mod support;

use std::io::Write;

use clap::Parser;

use arguments::Arguments;
use run::Run;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("naive") {
        naive::run();
        return;
    }
    let arguments = Arguments::parse();
    let mut run = Run::new(&arguments);
    if !arguments.page_only {
        for objects in arguments.sizes() {
            for who in &arguments.controllers {
                run.measure(*who, objects);
            }
        }
    }
    run.write();
    let _ = write!(std::io::stdout(), "{}", run.page());
}
