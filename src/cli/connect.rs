//! `syncdeck connect` and `disconnect`: signing in to Salesforce, and out.
//!
//! The engine does the sign-in; here its address is shown and the answer is passed on, by the
//! loopback callback or pasted. Invariant: what is pasted is a secret from the first byte: it is
//! not repeated and not logged. (The terminal shows it while it is typed; it holds a code that is
//! good once, for this sign-in only.)

use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;

use super::Outcome;
use super::ask::{Answer, Consent, Lines};
use super::out::{Out, many_lines, note, shown};
use super::say;
use super::session::{Session, ask};
use super::unlock::secret_text_of;
use crate::crm::auth::{JwtKey, NO_CALLBACK_AFTER};
use crate::engine::command::Command;
use crate::engine::notice::Reply;
use crate::engine::summary::Env;
use crate::engine::view::{BrowserView, SignInView, SignedInView, SignedOut};
use crate::error::{Error, Kind, Result};

/// Arguments of `connect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck connect
  syncdeck --profile prod-eu connect
  syncdeck connect --jwt-key ./server.key --username sync@acme.example

The way is [connection] sign_in of the settings. By browser: the address works on any computer; if
that is not this one, the browser cannot open the page it is sent to at the end: copy that page's
address and paste it here. By key: user and key are kept sealed once the sign-in worked, and the
file can be deleted; later `connect` needs neither, until `disconnect` forgets them.

An address that is not the right one is refused with the reason, and another can be pasted.

Exit codes: 0 signed in, 2 not signed in; nothing was stored then.")]
pub struct ConnectArgs {
    /// Private key of the app's certificate, as a PEM file that only you can read
    #[arg(long, value_name = "FILE", requires = "username")]
    pub jwt_key: Option<PathBuf>,
    /// User that the key signs in as
    #[arg(long, value_name = "NAME", requires = "jwt_key")]
    pub username: Option<String>,
}

impl ConnectArgs {
    fn key(&self) -> Result<Option<JwtKey>> {
        let (Some(file), Some(username)) = (&self.jwt_key, &self.username) else {
            return Ok(None);
        };
        jwt_key(file, username).map(Some)
    }
}

/// The key of a file that only its owner can read, to sign in as a user with.
///
/// # Errors
/// Others can read the file, or it holds no such key.
pub fn jwt_key(file: &Path, username: &str) -> Result<JwtKey> {
    let pem = secret_text_of(file)?;
    JwtKey::from_pem(username, &pem).map_err(|problem| {
        let text = format!("{} is no key to sign in with: {problem}", file.display());
        Error::new(Kind::Usage, text).hint(problem.remedy())
    })
}

/// Arguments of `disconnect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  syncdeck disconnect --yes

The tokens are revoked at Salesforce and forgotten here, with the key of a sign-in by key. Records,
links and history stay.

Exit codes: 0 signed out, now or before, 1 nothing was done, 2 it could not be done.")]
pub struct DisconnectArgs {
    /// Consent.
    #[command(flatten)]
    pub consent: Consent,
}

/// Signs in.
///
/// # Errors
/// When the sign-in is refused, does not fit its request, or the input ends.
pub async fn connect<W: Write>(
    session: &mut Session,
    args: ConnectArgs,
    lines: &mut Lines,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let key = args.key()?;
    let gave_key = key.is_some();
    let done = match ask!(session, Command::BeginSignIn { key }, Reply::SignIn(view) => view) {
        SignInView::Browser(view) => {
            tell_browser(&view, out)?;
            wait(session, lines, &view.hint).await?
        }
        SignInView::Code {
            address,
            code,
            minutes,
        } => {
            out.line("Open this address in a browser on any computer:\n")?;
            out.line(&shown(&address))?;
            out.line(&format!(
                "\nand type this code there; it is good for {}:\n\n{}\n",
                say::some(minutes, "minute", "minutes"),
                shown(&code)
            ))?;
            out.line("Type only codes that you asked for yourself. Waiting; Ctrl-C leaves.")?;
            session.signed_in().await?
        }
        SignInView::ByItself { way } => {
            out.line(&format!("signing in {}", shown(&way)))?;
            session.signed_in().await?
        }
    };
    let env = match done.env {
        Env::Production => "PRODUCTION",
        Env::Sandbox => "sandbox",
    };
    out.line(&format!(
        "signed in as {} at {} ({}), {env}",
        shown(&done.username),
        shown(&done.org_name),
        shown(&done.org_id)
    ))?;
    if gave_key {
        out.line("the key is kept sealed; its file is not needed any more")?;
    }
    Ok(Outcome::Fine)
}

fn tell_browser<W: Write>(view: &BrowserView, out: &mut Out<W>) -> Result<()> {
    out.line("Open this address in a browser and allow the app:\n")?;
    // On a line of its own, from the first column, so that it can be selected.
    out.line(&shown(&view.address))?;
    out.line("")?;
    match &view.callback {
        Ok(()) => out.line(&format!(
            "Waiting for the answer at {}. If the browser is on another computer, paste the \
             address it ends at here:",
            shown(&view.redirect_uri)
        )),
        Err(reason) => out.line(&format!(
            "Nothing listens at {} ({}). Paste the address the browser ends at here:",
            shown(&view.redirect_uri),
            shown(reason)
        )),
    }
}

/// Addresses that may be pasted until one is right.
const PASTES: usize = 5;

/// Waits for the callback or a pasted line, whichever comes first. A line that is not the address
/// is told, and another may be pasted.
async fn wait(session: &mut Session, lines: &mut Lines, late: &str) -> Result<SignedInView> {
    let mut hint = Some(Box::pin(tokio::time::sleep(NO_CALLBACK_AFTER)));
    let mut input = Input::Open;
    let mut tries = 0;
    let mut wrong = None;
    loop {
        tokio::select! {
            result = session.signed_in() => return result,
            line = lines.next(), if input == Input::Open => match line {
                Ok(pasted) => {
                    let pasted = SecretString::from(pasted);
                    let command = Command::FinishSignIn { pasted };
                    match session.ask(command).await {
                        Ok(Reply::SignedIn(view)) => return Ok(view),
                        Ok(_) => return Err(Session::wrong_answer()),
                        // Not the address, and nothing was spent: the sign-in still waits.
                        Err(error) if error.kind() == Kind::Usage && tries + 1 < PASTES => {
                            tries += 1;
                            tell_wrong(&error, PASTES - tries);
                            wrong = Some(error);
                        }
                        Err(error) => return Err(error),
                    }
                }
                Err(_) => match wrong {
                    Some(error) => return Err(error),
                    None if std::io::stdin().is_terminal() => {
                        let text = "the sign-in was left; nothing was stored";
                        return Err(Error::new(Kind::Cancelled, text));
                    }
                    // Without a terminal the callback may still come.
                    None => input = Input::Closed,
                },
            },
            () = async { if let Some(sleep) = &mut hint { sleep.await } }, if hint.is_some() => {
                hint = None;
                note(&format!("\nhint: {}\n", many_lines(late)));
            }
        }
    }
}

/// What was wrong with a pasted line, without any of it.
fn tell_wrong(error: &Error, left: usize) {
    let hint = error.remedy().unwrap_or_default();
    note(&format!(
        "\nnot yet: {error}\n  {hint}\nPaste it here again ({}):\n",
        say::some(left as u64, "try left", "tries left")
    ));
}

#[derive(PartialEq, Eq)]
enum Input {
    Open,
    Closed,
}

/// Signs out.
///
/// # Errors
/// When the tokens could not be revoked.
pub async fn disconnect<W: Write>(
    session: &mut Session,
    args: DisconnectArgs,
    out: &mut Out<W>,
) -> Result<Outcome> {
    if args.consent.ask("Revoke and forget the sign-in?").await? == Answer::No {
        out.line("nothing was done")?;
        return Ok(Outcome::NeedsPerson);
    }
    let text = match ask!(session, Command::Disconnect, Reply::SignedOut(done) => done) {
        SignedOut::Now => "signed out: the tokens are revoked and forgotten",
        SignedOut::Before => "nobody was signed in: there was nothing to sign out of",
    };
    out.line(text)?;
    Ok(Outcome::Fine)
}
