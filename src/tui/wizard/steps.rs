//! The pages of the steps, and from their answers to orders.
//!
//! Invariant: an answer that cannot be right is said to be so before anything is ordered.

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use super::page::{Page, field, hidden, off, pick};
use super::port::{Lock, Order, Settings, SignInOrder, VaultState};
use super::{Before, Check, Stage, Step, Wizard};
use crate::config::ProfileName;
use crate::config::draft::Draft;
use crate::domain::run::Word;

/// Names of the fields.
const NAME: &str = "Name";
const PASSPHRASE: &str = "Passphrase";
const AGAIN: &str = "Again";
const PUBLIC: &str = "Public key";
const HOST: &str = "Login host";
const CLIENT: &str = "Client id";
const SECRET: &str = "App secret";
const PORT: &str = "Port";
const KEY: &str = "Key file";
const USER: &str = "User";
/// The field for the address that the browser ended at.
const PASTED: &str = "Address";

/// Where each kind of org signs in.
const KINDS: [&str; 3] = [
    "login.salesforce.com",
    "test.salesforce.com",
    "http://127.0.0.1",
];
/// Places of the ways to sign in among the choices.
const BROWSER: usize = 0;
const TUNNEL: usize = 1;
const BY_KEY: usize = 2;
const BY_SECRET: usize = 3;

/// The kind of org that a host is of.
fn kind_of(host: &str) -> usize {
    match host {
        host if host.starts_with("http://") => 2,
        host if host.starts_with("test.") || host.contains(".sandbox.") => 1,
        _ => 0,
    }
}

/// The way that the settings say.
fn way_of(draft: &Draft) -> usize {
    match draft.sign_in.as_str() {
        "jwt" => BY_KEY,
        "client-credentials" => BY_SECRET,
        _ => BROWSER,
    }
}

impl Wizard {
    /// Goes to a step.
    pub(super) fn arrive(&mut self, step: Step) {
        self.step = step;
        self.stage = Stage::Asking;
        self.checks.clear();
        self.page = Page::default();
        let Some(standing) = &self.standing else {
            return;
        };
        match step {
            Step::Profile if standing.settings == Settings::Theirs => self.stage = Stage::Done,
            Step::Profile => {
                let rows = vec![
                    field(NAME, &standing.profile, "letters, digits, . _ -", &[]),
                    pick("Production", "login.salesforce.com, or your My Domain"),
                    pick(
                        "Sandbox org of yours",
                        "test.salesforce.com, or its My Domain",
                    ),
                    pick(
                        "syncdeck's own sandbox server",
                        "to try it, on this machine",
                    ),
                ];
                self.page = Page::new(rows, kind_of(&standing.draft.login_host));
            }
            Step::Vault => match standing.vault {
                VaultState::Open => self.stage = Stage::Done,
                VaultState::Locked => {
                    self.page = Page::new(vec![hidden(PASSPHRASE, "opens the vault", &[])], 0);
                }
                VaultState::Missing => {
                    let rows = vec![
                        pick("Key file", "nobody types anything; for a daemon"),
                        pick("Passphrase", "typed at every start"),
                        pick("A key you have", "age or SSH; its public half is asked"),
                        hidden(PASSPHRASE, "long; it cannot be asked for again", &[1]),
                        hidden(AGAIN, "the same", &[1]),
                        field(PUBLIC, "", "age1... or ssh-ed25519 ...", &[2]),
                    ];
                    self.page = Page::new(rows, 0);
                }
            },
            Step::Salesforce => match standing.signed_in.clone() {
                Some(who) => {
                    self.stage = Stage::Done;
                    self.check(Word::Ok, format!("signed in as {who}"));
                }
                None => self.ask_sign_in(),
            },
            Step::App => self.begin(Order::ReadApp, "reading the store once", Before::Asking),
            Step::Objects if !standing.pairs.is_empty() => self.stage = Stage::Done,
            Step::Objects => {
                let wait = "asking Salesforce how many records there are";
                self.begin(Order::Count, wait, Before::Asking);
            }
            Step::Check if self.plan.is_some() => self.stage = Stage::Done,
            Step::Check => {}
        }
    }

    /// The questions of the sign-in.
    pub(super) fn ask_sign_in(&mut self) {
        let Some(standing) = &self.standing else {
            return;
        };
        self.stage = Stage::Asking;
        self.sign_in = None;
        if let Some(page) = self.asked.take() {
            self.page = page;
            return;
        }
        let draft = &standing.draft;
        let way = way_of(draft);
        let key = [
            field(KEY, "", "PEM, mode 0600; sealed once it worked", &[BY_KEY]),
            field(USER, "", "the user the key signs in as", &[BY_KEY]),
        ];
        if standing.settings == Settings::Theirs {
            // How is for the person's own file to say; a key is in no file.
            let key = key.into_iter().map(|row| match row {
                super::page::Row::Field(field) => {
                    super::page::Row::Field(super::page::Field { with: &[], ..field })
                }
                row => row,
            });
            let rows = if way == BY_KEY {
                key.collect()
            } else {
                Vec::new()
            };
            self.page = Page::new(rows, 0);
            return;
        }
        let host_note = match kind_of(&draft.login_host) {
            2 => "login_url of the server",
            _ => "best your My Domain",
        };
        let mut rows = vec![
            pick(
                "Browser on your own computer, paste the answer here",
                "works everywhere",
            ),
            pick(
                "Browser on your own computer, through an SSH tunnel",
                "no pasting",
            ),
            pick("Key pair (JWT), no person needed", "for servers"),
            pick("Client credentials, the app's own secret", "for servers"),
            off("Device code", "off: Salesforce blocks it by default"),
            field(HOST, &draft.login_host, host_note, &[]),
            field(CLIENT, &draft.client_id, "consumer key of the app", &[]),
            field(
                SECRET,
                &draft.client_secret,
                "env:NAME or file:/PATH; mostly none",
                &[BROWSER, TUNNEL, BY_SECRET],
            ),
            field(
                PORT,
                &draft.callback_port,
                "of http://localhost:PORT/callback",
                &[BROWSER, TUNNEL],
            ),
        ];
        rows.extend(key);
        self.page = Page::new(rows, way);
    }

    /// The page of a sign-in that waits.
    pub(super) fn ask_address(&mut self) {
        let page = Page::new(vec![hidden(PASTED, "", &[])], self.page.taken());
        let asked = std::mem::replace(&mut self.page, page);
        self.asked.get_or_insert(asked);
        self.stage = Stage::Signing;
    }

    /// The page is answered.
    pub(super) fn submit(&mut self) {
        self.checks.clear();
        let done = match self.step {
            Step::Profile => self.submit_profile(),
            Step::Vault => self.submit_vault(),
            Step::Salesforce => self.submit_sign_in(),
            Step::Objects => self.submit_objects(),
            Step::App => {
                self.arrive(Step::App);
                Ok(())
            }
            Step::Check => {
                let wait = "dry run: reading both sides, writing nothing";
                self.begin(Order::DryRun, wait, Before::Asking);
                Ok(())
            }
        };
        if let Err((label, why)) = done {
            self.page.go_to(label);
            self.check(Word::Fail, why);
        }
    }

    fn submit_profile(&mut self) -> Result<(), (&'static str, String)> {
        let name: ProfileName = self
            .page
            .text(NAME)
            .parse()
            .map_err(|e: crate::error::Error| (NAME, e.message().to_owned()))?;
        let before = self.standing.as_ref().map(|s| s.draft.login_host.clone());
        let kind = self.page.taken();
        // What was said more exactly before stays.
        let login_host = before
            .filter(|host| kind_of(host) == kind)
            .or_else(|| KINDS.get(kind).map(|host| (*host).to_owned()))
            .unwrap_or_default();
        let order = Order::Profile { name, login_host };
        self.begin(order, "saving the profile", Before::Asking);
        Ok(())
    }

    fn submit_vault(&mut self) -> Result<(), (&'static str, String)> {
        let locked = self
            .standing
            .as_ref()
            .is_some_and(|s| s.vault == VaultState::Locked);
        let passphrase = self.page.secret(PASSPHRASE);
        let again = self.page.secret(AGAIN);
        if locked {
            let order = Order::OpenVault(passphrase);
            self.begin(
                order,
                "opening the vault; this takes a second",
                Before::Asking,
            );
            return Ok(());
        }
        let lock = match self.page.taken() {
            1 if passphrase.expose_secret().is_empty() => {
                return Err((
                    PASSPHRASE,
                    "an empty passphrase protects nothing".to_owned(),
                ));
            }
            1 if passphrase.expose_secret() != again.expose_secret() => {
                let text = "the two passphrases differ; nothing was made, type both again";
                return Err((PASSPHRASE, text.to_owned()));
            }
            1 => Lock::Passphrase(passphrase),
            2 => Lock::PublicKey(self.page.text(PUBLIC).to_owned()),
            _ => Lock::KeyFile,
        };
        self.begin(Order::MakeVault(lock), "making the vault", Before::Asking);
        Ok(())
    }

    fn submit_sign_in(&mut self) -> Result<(), (&'static str, String)> {
        if self.stage == Stage::Signing {
            return self.submit_address();
        }
        let Some(standing) = &self.standing else {
            return Ok(());
        };
        let (page, mut draft) = (&self.page, standing.draft.clone());
        let theirs = standing.settings == Settings::Theirs;
        let way = match theirs {
            true => way_of(&draft),
            false => page.taken(),
        };
        if !theirs {
            page.text(HOST).clone_into(&mut draft.login_host);
            page.text(CLIENT).clone_into(&mut draft.client_id);
            page.text(PORT).clone_into(&mut draft.callback_port);
            draft.client_secret = match way {
                BY_KEY => String::new(),
                _ => page.text(SECRET).to_owned(),
            };
            draft.sign_in = match way {
                BY_KEY => "jwt",
                BY_SECRET => "client-credentials",
                _ => "browser",
            }
            .to_owned();
            fits(&draft)?;
        }
        let key = match way {
            BY_KEY if page.text(KEY).is_empty() => {
                return Err((KEY, "name the file of the private key".to_owned()));
            }
            BY_KEY if page.text(USER).is_empty() => {
                return Err((USER, "name the user the key signs in as".to_owned()));
            }
            BY_KEY => Some((PathBuf::from(page.text(KEY)), page.text(USER).to_owned())),
            _ => None,
        };
        if let Some(standing) = &mut self.standing {
            standing.draft = draft.clone();
        }
        let order = Order::SignIn(Box::new(SignInOrder { draft, key }));
        self.begin(
            order,
            "saving this and beginning the sign-in",
            Before::Asking,
        );
        Ok(())
    }

    fn submit_address(&mut self) -> Result<(), (&'static str, String)> {
        let pasted = self.page.secret(PASTED);
        if pasted.expose_secret().trim().is_empty() {
            let text = "paste the whole address the browser ended at";
            return Err((PASTED, text.to_owned()));
        }
        let wait = "checking the answer, then asking Salesforce for the token";
        self.begin(Order::Paste(pasted), wait, Before::Signing);
        self.ahead();
        Ok(())
    }

    /// What is still to come once a sign-in is finished.
    pub(super) fn ahead(&mut self) {
        self.check(
            Word::None,
            "who it is, and whether the org is real or a sandbox",
        );
        self.check(Word::None, "how many API calls are left today");
        self.check(Word::None, "stored in the vault, shown to nobody");
    }

    fn submit_objects(&mut self) -> Result<(), (&'static str, String)> {
        match self.offers.get(self.page.taken()) {
            Some(offer) => {
                let order = Order::Objects(offer.name);
                self.begin(order, "taking the pairs", Before::Asking);
            }
            None => self.arrive(Step::Objects),
        }
        Ok(())
    }

    /// The page of what can be synced.
    pub(super) fn ask_objects(&mut self) {
        let rows = self.offers.iter().map(|o| pick(o.name, o.summary));
        self.page = Page::new(rows.collect(), 0);
        self.stage = Stage::Asking;
    }

    /// Gives an order, and says what is waited for.
    pub(super) fn begin(&mut self, order: Order, wait: &str, before: Before) {
        self.stage = Stage::Busy(before);
        self.checks.clear();
        self.check(Word::Wait, wait);
        self.order(order);
    }

    /// Adds a line to what was looked at.
    pub(super) fn check(&mut self, word: Word, text: impl Into<String>) {
        let text = text.into();
        self.checks.push(Check { word, text });
    }
}

/// Whether each answer can be right, and all of them together.
fn fits(draft: &Draft) -> Result<(), (&'static str, String)> {
    let file = Path::new("settings");
    let alone = |one: Draft| one.check(file).is_ok();
    let usual = Draft::default();
    let host = Draft {
        login_host: draft.login_host.clone(),
        ..usual.clone()
    };
    if !alone(host) {
        let text = "Login host takes a host such as acme.my.salesforce.com, without a path; http:// \
                    only for syncdeck's own sandbox server on this machine";
        return Err((HOST, text.to_owned()));
    }
    let client = Draft {
        client_id: draft.client_id.clone(),
        ..usual.clone()
    };
    if draft.client_id.is_empty() || !alone(client) {
        let text = "Client id is the consumer key of the app: letters, digits, dot, - and _";
        return Err((CLIENT, text.to_owned()));
    }
    let secret = Draft {
        client_secret: draft.client_secret.clone(),
        ..usual.clone()
    };
    if !alone(secret) {
        // It may be the secret itself: it is not repeated.
        let text = "App secret takes the place of the secret, not the secret: env:NAME, or \
                    file:/PATH of a file that only you can read";
        return Err((SECRET, text.to_owned()));
    }
    let port = Draft {
        callback_port: draft.callback_port.clone(),
        ..usual
    };
    if !alone(port) {
        let text = "Port takes a number from 1024 to 65535, the one in the app's callback address";
        return Err((PORT, text.to_owned()));
    }
    match draft.check(file) {
        Ok(_) => Ok(()),
        Err(error) => {
            let first = error
                .message()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            let label = match draft.sign_in.as_str() {
                "client-credentials" if draft.client_secret.is_empty() => SECRET,
                _ => HOST,
            };
            let text = first
                .split_once(": ")
                .map_or(first.as_str(), |(_, text)| text);
            Err((label, text.to_owned()))
        }
    }
}

impl Wizard {
    /// Whether the sign-in that waits comes through a tunnel.
    pub fn tunnels(&self) -> bool {
        self.page.taken() == TUNNEL
    }
}
