//! Starts the program: arguments, runtime, exit code; nothing else.

use std::process::ExitCode;

use clap::Parser as _;
use syncdeck::cli::{self, Cli, out};
use syncdeck::error::{Error, Kind, Result};
use syncdeck::logging;
use syncdeck::tui::priority;

/// Much of an import is spent in the allocator: sled copies a node for every write. This one does it
/// in less time than the platform's, and leaves fewer holes where one thread takes what another frees.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // The library's own text would repeat the values a panic was made with.
    logging::hook_panics(|text| out::note(&format!("{text}\n")));
    match start(Cli::parse()) {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) => {
            out::print_error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn start(cli: Cli) -> Result<cli::Outcome> {
    // The HTTP client is built without a crypto provider and panics at its first use otherwise.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| Error::new(Kind::Internal, "a crypto provider was installed already"))?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if cli.has_screen() {
        // This thread is the screen's; all others are started by the runtime, or by those.
        runtime.on_thread_start(priority::step_back);
    }
    let runtime = runtime
        .enable_all()
        .build()
        .map_err(|e| Error::new(Kind::Internal, "the runtime did not start").caused_by(e))?;
    let done = runtime.block_on(cli::run(cli));
    // A read of standard input that nobody waits for any more must not keep the process.
    runtime.shutdown_background();
    done
}
