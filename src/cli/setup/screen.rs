//! The first run on the screen: does what the wizard orders, then opens the console.
//!
//! It draws nothing. Invariant: while the wizard has the terminal nobody is asked on it, and
//! leaving at any point stops the engine and keeps what is saved.

use std::path::PathBuf;

use tokio::sync::mpsc::Sender;

use super::super::console::{self, Opened};
use super::super::leave;
use super::super::out::note;
use super::super::unlock::SaidBy;
use super::super::{Global, Outcome};
use super::steps::{Setup, progress};
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::view::SignedInView;
use crate::error::{Error, Kind, Result};
use crate::tui::wizard::port::{self, First, Host, Lock, Order, Told};
use crate::tui::{ExitReason, signals, wizard};
use crate::vault::{Protection, Recipient, WorkFactor};

/// How the wizard ended.
enum Ended {
    /// The person left, or the terminal.
    Left(ExitReason),
    /// On to the console.
    Whole(First),
}

/// Goes through the steps that are missing, then opens the console.
///
/// # Errors
/// When there is no terminal, or a file of the profile is wrong.
pub async fn run(global: &Global) -> Result<Outcome> {
    let options = console::options(global)?;
    let mut setup = Setup::new(global.clone());
    setup.said_by(SaidBy::Nobody);
    let (ends, host) = port::pair();
    let ended = tokio::select! {
        reason = wizard::run(ends, options, ssh()) => Ended::Left(reason?),
        first = serve(&mut setup, host) => Ended::Whole(first),
    };
    let why = match &ended {
        Ended::Left(reason) => *reason,
        Ended::Whole(_) => ExitReason::Quit,
    };
    let stopped = leave::finish(setup.end(), why, signals::listen()?, note).await;
    let Some((mut global, log)) = stopped else {
        return Ok(Outcome::NeedsPerson);
    };
    match ended {
        Ended::Whole(first) => {
            if matches!(global.keys.said_by, SaidBy::Nobody) {
                global.keys.said_by = SaidBy::Asked;
            }
            console::open(&global, Opened::ToWork, first, log).await
        }
        Ended::Left(ExitReason::TerminalLost | ExitReason::Terminated) => Ok(Outcome::NeedsPerson),
        Ended::Left(ExitReason::Quit) => {
            let name = &global.profile;
            let profile = match name.as_str() {
                "default" => String::new(),
                name => format!(" --profile {name}"),
            };
            note(&format!(
                "left; each step that was done is saved. To go on: syncdeck{profile} setup\n"
            ));
            Ok(Outcome::NeedsPerson)
        }
    }
}

/// Where the person's SSH line comes from.
fn ssh() -> Option<String> {
    let line = std::env::var("SSH_CONNECTION").ok()?;
    line.split(' ').next().map(str::to_owned)
}

/// Does what is ordered until the console is to be opened.
async fn serve(setup: &mut Setup, mut host: Host) -> First {
    let mut sign_in = Waits::No;
    loop {
        let order = tokio::select! {
            order = host.orders.recv() => order,
            who = finished(setup), if sign_in == Waits::Yes => {
                sign_in = Waits::No;
                let told = match who {
                    Ok(who) => setup.signed(who).await,
                    Err(error) => Err(error),
                };
                tell(&host.told, told.map(Box::new).map(Told::SignedIn)).await;
                continue;
            }
        };
        let told = match order {
            Some(Order::Open(first)) => return first,
            Some(order) => obey(setup, order, &mut sign_in, &host.told).await,
            // The screen is gone, and with it this.
            None => std::future::pending().await,
        };
        if let Some(told) = told.transpose() {
            tell(&host.told, told).await;
        }
    }
}

/// Whether a sign-in waits for whoever it asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    Yes,
    No,
}

async fn tell(to: &Sender<Told>, told: Result<Told>) {
    let told = told.unwrap_or_else(Told::Failed);
    // A screen that is gone needs no answer.
    let _ = to.send(told).await;
}

/// The sign-in that ended by its callback, or by itself. Can be dropped while it waits.
async fn finished(setup: &mut Setup) -> Result<SignedInView> {
    setup.session().await?.signed_in().await
}

async fn obey(
    setup: &mut Setup,
    order: Order,
    sign_in: &mut Waits,
    told: &Sender<Told>,
) -> Result<Option<Told>> {
    Ok(Some(match order {
        Order::Look => stands(setup).await?,
        Order::Profile { name, login_host } => {
            setup.profile(name, login_host).await?;
            stands(setup).await?
        }
        Order::MakeVault(lock) => {
            let protection = protection(lock, setup)?;
            let recovery = setup.make_vault(protection).await?;
            Told::Vault { recovery }
        }
        Order::OpenVault(passphrase) => {
            setup.open_vault(passphrase).await?;
            stands(setup).await?
        }
        Order::SignIn(order) => {
            *sign_in = Waits::No;
            let view = setup.begin(*order).await?;
            *sign_in = Waits::Yes;
            Told::SignIn(view)
        }
        Order::Again => {
            let view = setup.again().await?;
            *sign_in = Waits::Yes;
            Told::SignIn(view)
        }
        Order::Paste(pasted) => {
            let session = setup.session().await?;
            match session.ask(Command::FinishSignIn { pasted }).await? {
                Reply::SignedIn(who) => {
                    *sign_in = Waits::No;
                    Told::SignedIn(Box::new(setup.signed(who).await?))
                }
                _ => return Err(super::super::session::Session::wrong_answer()),
            }
        }
        Order::LeaveSignIn => {
            *sign_in = Waits::No;
            setup.session().await?.ask(Command::LeaveSignIn).await?;
            return Ok(None);
        }
        Order::ReadApp => Told::App(setup.read_app().await?),
        Order::Count => Told::Offers(setup.offers().await?),
        Order::Objects(name) => {
            setup.objects(name).await?;
            stands(setup).await?
        }
        Order::DryRun => {
            let command = Command::DryRun { pairs: Vec::new() };
            let session = setup.session().await?;
            let watch = |summary: &crate::engine::summary::Summary| {
                if let Some(text) = progress(summary) {
                    // When the screen is behind, a later figure comes.
                    let _ = told.try_send(Told::Progress(text));
                }
            };
            match session.ask_watching(command, watch).await? {
                Reply::Planned(plan) => Told::Plan(plan),
                _ => return Err(super::super::session::Session::wrong_answer()),
            }
        }
        // Handled before.
        Order::Open(_) => return Ok(None),
    }))
}

async fn stands(setup: &mut Setup) -> Result<Told> {
    Ok(Told::Standing(Box::new(setup.standing().await?)))
}

fn protection(lock: Lock, setup: &Setup) -> Result<Protection> {
    Ok(match lock {
        Lock::KeyFile => Protection::IdentityFile,
        Lock::Passphrase(passphrase) => Protection::Passphrase(passphrase, WorkFactor::default()),
        Lock::PublicKey(text) => {
            let recipient = Recipient::parse(&text).map_err(|_| {
                // It may be a private key: it is not repeated.
                Error::new(Kind::Usage, "that is no public key")
                    .hint("it begins with age1, ssh-ed25519 or ssh-rsa")
            })?;
            let identity: Option<&PathBuf> = setup.global().keys.identity.as_ref();
            if identity.is_none() {
                let text = "the private half of that key is needed to open what it seals";
                return Err(Error::new(Kind::Usage, text)
                    .hint("leave, and start again with it: syncdeck --identity FILE setup"));
            }
            Protection::Recipients(vec![recipient])
        }
    })
}
