//! The program: parse, run the command, print the error chain, exit code.

use std::io::Write;
use std::process::ExitCode;

use synapse_spark_operator::cli::Cli;

fn main() -> ExitCode {
    // kube and reqwest share one TLS provider; otherwise the first of them would choose it.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return fail("the TLS provider was set before main");
    }
    let cli = match Cli::from_args(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    let code = match runtime.block_on(cli.execute()) {
        Ok(code) => ExitCode::from(code),
        Err(message) => fail(&message),
    };
    // A call that still hangs must not delay the exit.
    runtime.shutdown_background();
    code
}

fn fail(message: &str) -> ExitCode {
    // If this fails, there is nowhere left to report it.
    let _ = writeln!(std::io::stderr(), "error: {message}");
    ExitCode::FAILURE
}
