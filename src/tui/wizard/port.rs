//! What the first-run wizard and whoever does its steps say to each other.
//!
//! The screen never touches vault, store or network: it gives orders, and is told what came of
//! them. Invariant: a secret in an order is wrapped, and leaves the screen with it.

use std::path::PathBuf;

use secrecy::SecretString;
use tokio::sync::mpsc;

use crate::config::ProfileName;
use crate::config::draft::Draft;
use crate::domain::dry_run::Plan;
use crate::engine::view::{SignInView, SignedInView};
use crate::error::Error;

/// Something to be done. Each is answered once, by what its line names or by [`Told::Failed`].
#[derive(Debug)]
pub enum Order {
    /// Say what is saved → `Standing`.
    Look,
    /// Work on this profile and save where it signs in → `Standing`.
    Profile {
        /// Its name.
        name: ProfileName,
        /// Host to sign in at, until the sign-in says it more exactly.
        login_host: String,
    },
    /// Make the vault → `Vault`.
    MakeVault(Lock),
    /// Open the vault that is there → `Standing`.
    OpenVault(SecretString),
    /// Save how to sign in, and begin → `SignIn`, and `SignedIn` once it is done.
    SignIn(Box<SignInOrder>),
    /// Begin again with a fresh address → as `SignIn`.
    Again,
    /// Finish with the address the browser ended at → `SignedIn`.
    Paste(SecretString),
    /// Leave the sign-in that waits; nothing is answered.
    LeaveSignIn,
    /// Read the App's side once → `App`.
    ReadApp,
    /// Say what can be synced, and how many records there are → `Offers`.
    Count,
    /// Take the pairs of this preset → `Standing`.
    Objects(&'static str),
    /// Say what a first sync would do; `Progress` on the way → `Plan`.
    DryRun,
    /// Go on to the console; nothing is answered.
    Open(First),
}

/// What opens a new vault.
#[derive(Debug)]
pub enum Lock {
    /// A new key file.
    KeyFile,
    /// This passphrase.
    Passphrase(SecretString),
    /// The private key of this public one.
    PublicKey(String),
}

/// How to sign in.
#[derive(Debug)]
pub struct SignInOrder {
    /// The settings, with the preset as it was.
    pub draft: Draft,
    /// For a sign-in by key: the file, and the user it signs in as.
    pub key: Option<(PathBuf, String)>,
}

/// What the console begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The first sync.
    Sync,
    /// Nothing.
    Nothing,
}

/// What came of orders.
#[derive(Debug)]
pub enum Told {
    /// What is saved.
    Standing(Box<Standing>),
    /// The vault is made; what is lost if its key is lost.
    Vault {
        /// For a person to read.
        recovery: String,
    },
    /// A sign-in waits.
    SignIn(SignInView),
    /// A sign-in was finished, pasted or by its callback.
    SignedIn(Box<Signed>),
    /// What was read on the App's side, a line each.
    App(Vec<String>),
    /// What can be synced.
    Offers(Vec<Offer>),
    /// How far a dry run is.
    Progress(String),
    /// What a first sync would do.
    Plan(Box<Plan>),
    /// It could not be done.
    Failed(Error),
}

/// Whose the settings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settings {
    /// There are none.
    Missing,
    /// As the set-up wrote them: it may write them again.
    Ours,
    /// A person wrote or changed them: they are left as they are.
    Theirs,
}

/// How the vault stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultState {
    /// There is none.
    Missing,
    /// It waits for its passphrase.
    Locked,
    /// It is open.
    Open,
}

/// What is saved of a profile.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its name.
    pub profile: String,
    /// Its settings file.
    pub file: String,
    /// Whose the settings are.
    pub settings: Settings,
    /// The settings; the usual ones where there are none.
    pub draft: Draft,
    /// The vault.
    pub vault: VaultState,
    /// Who is signed in: user, organisation.
    pub signed_in: Option<String>,
    /// Titles of the pairs.
    pub pairs: Vec<String>,
}

/// A sign-in that is done.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who, where.
    pub who: SignedInView,
    /// API calls of today: used, allowed.
    pub api: Option<(u64, u64)>,
}

/// A set of pairs that can be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Name of the preset.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// Its pairs: title, and about how many records Salesforce has; none when it has no such
    /// object or does not let this user read it.
    pub pairs: Vec<(String, Option<u64>)>,
}

/// The wizard's end.
#[derive(Debug)]
pub struct Ends {
    /// Orders out.
    pub orders: mpsc::Sender<Order>,
    /// Answers in.
    pub told: mpsc::Receiver<Told>,
}

/// The end of whoever does the steps.
#[derive(Debug)]
pub struct Host {
    /// Orders in.
    pub orders: mpsc::Receiver<Order>,
    /// Answers out.
    pub told: mpsc::Sender<Told>,
}

/// Orders and answers that may be on their way.
const MOST: usize = 16;

/// Makes both ends.
pub fn pair() -> (Ends, Host) {
    let (orders, asked) = mpsc::channel(MOST);
    let (said, told) = mpsc::channel(MOST);
    (
        Ends { orders, told },
        Host {
            orders: asked,
            told: said,
        },
    )
}
