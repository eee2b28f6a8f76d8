//! `syncdeck sandbox serve`: the Salesforce-compatible server by itself, for trials and tests.
//!
//! Invariant: standard output gets one line of JSON, and only when the server answers.

use std::io::{Read as _, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Outcome;
use super::interrupt::Stops;
use super::out::{Out, note};
use crate::error::Result;
use crate::sandbox::{self, Approval, Offer, Options, Pkce, Rotation, Seed, Transport};

/// What to do with the sandbox server.
#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Run a Salesforce-compatible server on this machine
    #[command(after_help = "\
Examples:
  syncdeck sandbox serve
  syncdeck sandbox serve --listen 127.0.0.1:8080 --scale 100 --random-seed 7
  syncdeck sandbox serve --tls --ca-out ca.pem --auto-approve
  syncdeck sandbox serve --seed empty --until-eof | head -n 1 | jq .url

When it answers, it prints one line of JSON: where it is, its client_id and client_secret, a
username and password, tokens, and the control interface, which has a port of its own. It keeps
nothing on disk but its key and certificate while it runs, and is no place for real data.

Exit codes: 0 it was stopped, 2 it could not start.")]
    Serve(ServeArgs),
}

/// Arguments of `sandbox serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address of this machine to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Speak https, with a certificate authority of its own
    #[arg(long)]
    pub tls: bool,
    /// Where to write the authority's certificate
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub ca_out: Option<PathBuf>,
    /// The records: demo, empty (users only), or a file as `data export tree` writes it
    #[arg(long, value_name = "demo|empty|FILE", default_value = "demo")]
    pub seed: String,
    /// Leads of the demo; accounts, contacts and opportunities come in proportion
    #[arg(
        long,
        visible_alias = "leads",
        value_name = "N",
        default_value_t = 10_000
    )]
    pub scale: usize,
    /// The same number gives the same records
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub random_seed: u64,
    /// Users only, no records: the same as --seed empty
    #[arg(long, conflicts_with = "seed")]
    pub bare: bool,
    /// Allow the app without a person, for tests
    #[arg(long)]
    pub auto_approve: bool,
    /// Offer the SOAP login call, with password and security token
    #[arg(long)]
    pub soap_login: bool,
    /// Offer the username-password grant
    #[arg(long)]
    pub password_grant: bool,
    /// Change the refresh token with each use
    #[arg(long)]
    pub rotate_refresh_tokens: bool,
    /// One more callback address of the app; can be given more than once
    #[arg(long, value_name = "ADDRESS")]
    pub redirect: Vec<String>,
    /// Let the app sign in only with a code challenge (PKCE)
    #[arg(long)]
    pub require_pkce: bool,
    /// Stop when standard input ends, too: the server then lives no longer than who started it
    #[arg(long)]
    pub until_eof: bool,
}

fn offer(asked: bool) -> Offer {
    match asked {
        true => Offer::Yes,
        false => Offer::No,
    }
}

fn options(args: &ServeArgs) -> Options {
    let seed = match args.seed.as_str() {
        _ if args.bare => Seed::Bare,
        "empty" => Seed::Bare,
        "demo" => Seed::Demo {
            leads: args.scale,
            number: args.random_seed,
        },
        file => Seed::File(PathBuf::from(file)),
    };
    let usual = Options::default();
    let redirects = [usual.redirects, args.redirect.clone()].concat();
    Options {
        bind: args.listen,
        seed,
        transport: match args.tls {
            true => Transport::Https {
                ca: args.ca_out.clone(),
            },
            false => Transport::Http,
        },
        approval: match args.auto_approve {
            true => Approval::Automatic,
            false => Approval::AskPerson,
        },
        rotation: match args.rotate_refresh_tokens {
            true => Rotation::Rotate,
            false => Rotation::Keep,
        },
        pkce: match args.require_pkce {
            true => Pkce::Required,
            false => Pkce::Optional,
        },
        soap_login: offer(args.soap_login),
        password_grant: offer(args.password_grant),
        jwt_key: Offer::Yes,
        redirects,
        ..Options::default()
    }
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
