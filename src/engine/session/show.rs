//! The connection as a row of the summary.
//!
//! Asks nobody. Invariant: what is shown is what was last answered, never a guess.

use jiff::SignedDuration;
use url::Url;

use super::{Connector, calls, kept};
use crate::crm::auth::{NoSecret, TokenState, Way};
use crate::crm::{CrmError, ErrorClass, salesforce};
use crate::domain::run::Word;
use crate::engine::state::lock;
use crate::engine::summary::{ConnectionRow, Helps, Trouble};

/// So far apart clocks are not warned about (terminal-ux 9).
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(120);

impl Connector {
    /// How the connection stands. Asks nobody; at most one look into the store.
    pub fn row(&self) -> ConnectionRow {
        let known = lock(&self.0.known);
        let identity = known.connection.identity.as_ref();
        let (way, word, sign_in, over) = self.sign_in_state();
        let standing = self.0.gate.standing();
        let trouble = over
            .or_else(|| calls::down(&standing))
            .or_else(|| calls::retired(&standing))
            .or_else(|| known.trouble.clone());
        // Nothing that asks Salesforce works until calls are free again.
        let spent = standing.figure.is_some_and(|it| it.used >= it.max);
        let word = match (&trouble, word) {
            (Some(_), Word::Ok | Word::Warn) => Word::Fail,
            (None, Word::Ok) if spent => Word::Warn,
            _ => word,
        };
        ConnectionRow {
            word,
            system: "Salesforce".to_owned(),
            account: match identity {
                Some(who) => format!("{} at {}", who.username, host(&who.instance_url)),
                None => host(&self.0.settings.login),
            },
            org_id: identity.map(|who| who.org_id.to_string()),
            org_name: identity.map(|who| who.org_name.clone()),
            way,
            sign_in: sign_in.to_owned(),
            api: standing.figure.map(|figure| (figure.used, figure.max)),
            budget: calls::words(&standing, &self.0.gate),
            codes: standing.unknown,
            version: standing.version,
            checked: known.connection.checked,
            trouble,
        }
    }

    /// By how much the org's clock is ahead of ours, if that is more than a sign-in bears.
    pub fn clock_fault(&self) -> Option<SignedDuration> {
        let ahead = lock(&self.0.known).ahead;
        ahead.filter(|ahead| ahead.abs() > CLOCKS_APART)
    }

    /// Notes how our clock and the org's stand to each other, right after an answer.
    pub(super) fn compare_clocks(&self) {
        let ours = self.0.settings.clock.now();
        let theirs = self.0.http.server_clock();
        lock(&self.0.known).ahead = theirs.map(|theirs| theirs.duration_since(ours));
    }

    /// Whether calls can be made, as far as is known. Asks nobody.
    pub fn is_signed_in(&self) -> bool {
        matches!(self.sign_in_state().1, Word::Ok | Word::Warn)
    }

    /// How the sign-in stands, with the way it was made.
    fn sign_in_state(&self) -> (Option<Way>, Word, &'static str, Option<Trouble>) {
        let state = match self.0.opened.get() {
            Some(opened) => Ok((opened.session.way(), opened.session.status())),
            None => kept::standing(&self.0.state, self.0.settings.grant.way()),
        };
        let (way, state) = match state {
            Ok((way, state)) => (way, state),
            Err(error) => {
                let trouble = Trouble {
                    what: "the kept sign-in cannot be read".to_owned(),
                    why: error.message().to_owned(),
                    now: "nothing is synced".to_owned(),
                    fix: error.remedy().unwrap_or("sign in again").to_owned(),
                    helps: Helps::SigningIn,
                };
                return (None, Word::Fail, "not known", Some(trouble));
            }
        };
        let (word, text, trouble) = match state {
            TokenState::Renews(_) => match self.0.settings.grant.secret() {
                Ok(_) => (Word::Ok, "renews itself", None),
                Err(missing) => (Word::Warn, "cannot renew", Some(no_secret(missing))),
            },
            TokenState::UntilItEnds(_) => (Word::Warn, "ends with its token", None),
            TokenState::SignedOut => (Word::None, "not signed in", None),
            TokenState::NeedsSignIn(why) => (
                Word::Fail,
                "needs sign-in",
                Some(Trouble {
                    what: "sign in needed".to_owned(),
                    why,
                    now: "nothing is lost; changes wait".to_owned(),
                    fix: "sign in again".to_owned(),
                    helps: Helps::SigningIn,
                }),
            ),
        };
        (way, word, text, trouble)
    }
}

fn no_secret(missing: NoSecret) -> Trouble {
    Trouble {
        what: "the app's secret is missing".to_owned(),
        why: missing.what,
        now: "it works until the access token ends".to_owned(),
        fix: missing.fix,
        helps: Helps::Checking,
    }
}

fn host(address: &str) -> String {
    let url = Url::parse(address).ok();
    let host = url.as_ref().and_then(Url::host_str);
    host.unwrap_or(address).to_owned()
}

pub(super) fn trouble(error: &CrmError) -> Trouble {
    Trouble {
        what: "the connection could not be checked".to_owned(),
        why: error.to_string(),
        now: "nothing was changed".to_owned(),
        fix: salesforce::remedy(error).to_owned(),
        helps: match error.class {
            ErrorClass::Auth | ErrorClass::AuthDead => Helps::SigningIn,
            _ => Helps::Checking,
        },
    }
}
