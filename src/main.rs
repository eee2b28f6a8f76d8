//! Starts the program: arguments, runtime, exit code; nothing else.

use std::process::ExitCode;

use clap::Parser as _;
use syncdeck::cli::{self, Cli, out};
use syncdeck::error::{Error, Kind, Result};
use syncdeck::logging;

fn main() -> ExitCode {
    // The library's own text would repeat the values a panic was made with.
    std::panic::set_hook(Box::new(|info| {
        out::note(&format!("{}\n", logging::panic_text(info)));
    }));
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
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::new(Kind::Internal, "the runtime did not start").caused_by(e))?
        .block_on(cli::run(cli))
}
