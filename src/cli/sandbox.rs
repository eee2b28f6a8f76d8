//! `syncdeck sandbox serve`: the Salesforce-compatible server by itself, for trials and tests.
//!
//! Invariant: standard output gets one line of JSON, and only when the server answers.

use std::io::{Read as _, Write};

use clap::{Args, Subcommand};

use super::Outcome;
use super::interrupt::Stops;
use super::out::{Out, note};
use crate::error::Result;
use crate::sandbox::{self, Approval, Options, Seed};

/// What to do with the sandbox server.
#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Run a Salesforce-compatible server on this machine
    #[command(after_help = "\
Examples:
  syncdeck sandbox serve
  syncdeck sandbox serve --port 8080 --leads 100
  syncdeck sandbox serve --bare --until-eof | head -n 1 | jq .login_url

When it answers, it prints one line of JSON: where it is, its client_id and client_secret, a
username and password, and the control interface. It keeps nothing on disk and is no place for
real data.

Exit codes: 0 it was stopped, 2 it could not start.")]
    Serve(ServeArgs),
}

/// Arguments of `sandbox serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Leads; accounts, contacts and opportunities come in proportion
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10_000,
        conflicts_with = "bare"
    )]
    pub leads: usize,
    /// The same number gives the same records
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,
    /// Users only, no records
    #[arg(long)]
    pub bare: bool,
    /// Allow the app without a person, for tests
    #[arg(long)]
    pub auto_approve: bool,
    /// One more callback address of the app; can be given more than once
    #[arg(long, value_name = "ADDRESS")]
    pub redirect: Vec<String>,
    /// Stop when standard input ends, too: the server then lives no longer than who started it
    #[arg(long)]
    pub until_eof: bool,
}

fn options(args: &ServeArgs) -> Options {
    let mut options = Options::default();
    options.bind.set_port(args.port);
    options.seed = if args.bare {
        Seed::Bare
    } else {
        Seed::Demo {
            leads: args.leads,
            number: args.seed,
        }
    };
    if args.auto_approve {
        options.approval = Approval::Automatic;
    }
    options.redirects.extend(args.redirect.iter().cloned());
    options
}

/// Runs it until Ctrl-C, SIGTERM or, if asked for, the end of standard input.
///
/// # Errors
/// When the port is taken or a signal cannot be watched.
pub async fn run<W: Write>(command: SandboxCommand, out: &mut Out<W>) -> Result<Outcome> {
    let SandboxCommand::Serve(args) = command;
    // Watched before anybody is told that it is up.
    let mut end = End::watch(&args)?;
    let running = sandbox::serve(options(&args)).await?;
    out.json(running.info())?;
    note("the sandbox org is up; Ctrl-C stops it\n");
    end.asked_for().await;
    tokio::select! {
        () = running.shutdown() => Ok(Outcome::Fine),
        // An answer that does not come to an end must not keep it.
        stop = end.stops.next() => Ok(Outcome::Stopped(stop)),
    }
}

/// The ways in which it is told to stop.
struct End {
    stops: Stops,
    input: Option<tokio::sync::oneshot::Receiver<()>>,
}

impl End {
    fn watch(args: &ServeArgs) -> Result<Self> {
        Ok(Self {
            stops: Stops::watch()?,
            input: args.until_eof.then(end_of_input),
        })
    }

    async fn asked_for(&mut self) {
        let input = async {
            match self.input.take() {
                Some(ended) => {
                    // The thread that watches ends only with the input, so both ways mean that.
                    let _ = ended.await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.stops.next() => {}
            () = input => {}
        }
    }
}

/// Reads standard input away on a thread of its own: such a read cannot be taken back.
fn end_of_input() -> tokio::sync::oneshot::Receiver<()> {
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        let mut input = std::io::stdin().lock();
        while input.read(&mut buffer).is_ok_and(|n| n > 0) {}
        // Nobody waits any more when a signal came first.
        let _ = ended.send(());
    });
    end
}
