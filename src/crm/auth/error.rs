//! Why a sign-in or a refresh did not work, and what helps (salesforce-api 1.7).
//!
//! Invariant: holds no token, no code, no secret and no pasted text.

use super::grant::{NoSecret, Way};
use super::jwt::KeyProblem;
use super::remedy;
use crate::crm::error::{CrmError, Effect, ErrorClass};
use crate::crm::transport::Failure;
use crate::crm::transport::host::RefusedAddress;
use crate::domain::id::OrgId;
use crate::error::{Error, Kind};

/// What was asked of the authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The page in the browser.
    Authorize,
    /// Code for tokens.
    Exchange,
    /// Refresh token for an access token.
    Refresh,
    /// A key's assertion or the app's secret for an access token.
    Grant,
    /// Starting and polling for a device code.
    Device,
    /// Giving the tokens up.
    Revoke,
}

/// What is wrong with an address that was pasted or called back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasteProblem {
    /// Nothing there.
    #[error("nothing was pasted")]
    Empty,
    /// Longer than any such address.
    #[error("the text is too long to be the address")]
    TooLong,
    /// Not an address.
    #[error("the text is not a web address")]
    NotAnAddress,
    /// The address of the sign-in page itself.
    #[error("this is the address of the sign-in page, not the one it led to")]
    LoginPage,
    /// Only the code without the address around it.
    #[error("this is only the code; the whole address is needed")]
    OnlyCode,
    /// An address without a code.
    #[error("the address holds no code")]
    MissingCode,
    /// A parameter is there twice.
    #[error("the address holds a parameter twice")]
    Repeated,
}

/// How a state differs from the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateProblem {
    /// It has none.
    #[error("the address holds no state")]
    Missing,
    /// It is one of ours, from before.
    #[error("the address belongs to another sign-in of syncdeck")]
    OtherSignIn,
    /// It is not one of ours.
    #[error("the address was not asked for by syncdeck")]
    Foreign,
}

/// What the authorization server said no with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Salesforce refused: {code}{}{description}", if description.is_empty() { "" } else { ", " })]
pub struct Refusal {
    /// When.
    pub step: Step,
    /// OAuth error code.
    pub code: String,
    /// Its text, shortened.
    pub description: String,
}

/// A sign-in, refresh or revoke that did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The address cannot be used.
    #[error(transparent)]
    Paste(#[from] PasteProblem),
    /// The state does not match.
    #[error(transparent)]
    State(#[from] StateProblem),
    /// Salesforce said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The sign-in is for another organisation than the connection.
    #[error("this sign-in is for organisation {got}, the connection is for {expected}")]
    WrongOrg {
        /// Organisation of the connection.
        expected: OrgId,
        /// Organisation that was signed in to.
        got: OrgId,
    },
    /// An address that must not get a token.
    #[error(transparent)]
    Address(#[from] RefusedAddress),
    /// No complete answer.
    #[error("Salesforce did not answer: {}", .0.message)]
    NoAnswer(Failure),
    /// An answer that cannot be used.
    #[error("Salesforce gave an answer that cannot be used: {0}")]
    BadAnswer(&'static str),
    /// The server has trouble; the HTTP status.
    #[error("Salesforce has trouble at the moment (HTTP {0})")]
    ServerTrouble(u16),
    /// The tokens could not be read or saved.
    #[error("the sign-in cannot be kept: {0}")]
    Store(String),
    /// There are no tokens.
    #[error("not signed in")]
    SignedOut,
    /// The tokens are over.
    #[error("the sign-in is over: {0}")]
    SignInOver(String),
    /// The kept sign-in was made another way than the settings say now.
    #[error("the settings say sign_in = \"{wanted}\", the kept sign-in was made by {kept}")]
    OtherWay {
        /// How it was made.
        kept: Way,
        /// What the settings say.
        wanted: Way,
    },
    /// A signing key cannot be used.
    #[error("{0}")]
    Key(KeyProblem),
    /// Signing in by key without a key.
    #[error("no key is kept to sign in with")]
    NoKey,
    /// The code for the device was not used in time.
    #[error("nobody allowed the code in time")]
    CodeEnded,
    /// An assertion was refused, and this machine's clock is wrong.
    #[error("{refusal}; the clock of this machine is {} seconds {} that of Salesforce", server_ahead.unsigned_abs(), if *server_ahead < 0 { "ahead of" } else { "behind" })]
    Clock {
        /// Seconds that the server's clock is ahead of ours.
        server_ahead: i64,
        /// What was said.
        refusal: Refusal,
    },
    /// The loopback address cannot be listened on.
    #[error("cannot wait for the browser at {address}: {cause}")]
    Listen {
        /// Address from the settings.
        address: String,
        /// What the system said.
        cause: String,
    },
    /// The secret of the app is not where the settings say.
    #[error(transparent)]
    NoSecret(#[from] NoSecret),
    /// A setting is wrong.
    #[error("the sign-in settings are wrong: {0}")]
    Settings(&'static str),
}

impl AuthError {
    /// What the person or an administrator can do.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Paste(PasteProblem::LoginPage) => {
                "sign in and allow access first; then copy the address of the page that cannot be shown"
            }
            Self::Paste(PasteProblem::OnlyCode) => {
                "copy the whole address from the browser, from http to the end"
            }
            Self::Paste(_) => {
                "copy the whole address of the page the browser ended on, it starts with the redirect address and holds code= and state="
            }
            Self::State(StateProblem::OtherSignIn) => {
                "use the newest browser tab, or start the sign-in again"
            }
            Self::State(_) => {
                "nothing was stored; start the sign-in again and use only the address it gives"
            }
            Self::Refused(refusal) => remedy::of(refusal),
            Self::WrongOrg { .. } => {
                "nothing was stored; sign out in the browser and sign in to the right organisation, or make a new connection"
            }
            Self::Address(_) => {
                "the address must be https and end in .my.salesforce.com; an administrator can look at My Domain"
            }
            Self::NoAnswer(_) => "check network and proxy, then try again",
            Self::BadAnswer(_) | Self::ServerTrouble(_) => {
                "try again in some minutes; see status.salesforce.com"
            }
            Self::Store(_) => "check disk space and permissions, then try again",
            Self::SignedOut => "sign in: `syncdeck connect`, or on the Settings screen",
            Self::SignInOver(_) => {
                "sign in again (`syncdeck connect`, or on the Settings screen); nothing is lost, changes wait"
            }
            Self::Listen { .. } => {
                "close what uses the port, choose another redirect address in the app, or paste the address by hand"
            }
            Self::OtherWay { .. } => {
                "run `syncdeck connect` to sign in that way, or set sign_in back"
            }
            Self::Key(problem) => problem.remedy(),
            Self::NoKey => {
                "run `syncdeck connect --jwt-key FILE --username NAME`; the key is kept sealed, and the file can be deleted then"
            }
            Self::CodeEnded => "start the sign-in again; a code is good for ten minutes",
            Self::Clock { .. } => "set this machine's clock, best by NTP; then try again",
            Self::NoSecret(missing) => &missing.fix,
            Self::Settings(_) => "correct the connection settings",
        }
    }

    /// Whether only a person can go on from here.
    pub fn needs_sign_in(&self) -> bool {
        match self {
            Self::SignedOut
            | Self::SignInOver(_)
            | Self::Address(_)
            | Self::WrongOrg { .. }
            | Self::OtherWay { .. }
            | Self::Key(_)
            | Self::NoKey => true,
            Self::Refused(refusal) => !refusal.passing(),
            _ => false,
        }
    }

    /// The error of an API call that could not be made because of this one.
    pub fn for_call(&self) -> CrmError {
        let (code, request) = match self {
            Self::Refused(refusal) => (refusal.code.as_str(), ""),
            Self::NoAnswer(failure) => ("sign_in_unreachable", failure.request.as_str()),
            Self::Address(_) => ("host_refused", ""),
            Self::SignedOut => ("signed_out", ""),
            Self::SignInOver(_) | Self::WrongOrg { .. } | Self::OtherWay { .. } => {
                ("sign_in_over", "")
            }
            Self::Clock { .. } => ("clock", ""),
            Self::Store(_) => ("sign_in_not_kept", ""),
            Self::NoSecret(_) => ("no_app_secret", ""),
            _ => ("sign_in_failed", ""),
        };
        CrmError {
            class: if self.needs_sign_in() {
                ErrorClass::AuthDead
            } else {
                ErrorClass::TransientCall
            },
            code: code.to_owned(),
            message: self.to_string(),
            fields: Box::default(),
            record: None,
            status: None,
            request: request.to_owned(),
            effect: Effect::None,
        }
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        let kind = match &error {
            AuthError::NoAnswer(_) | AuthError::BadAnswer(_) | AuthError::ServerTrouble(_) => {
                Kind::Network
            }
            AuthError::Store(_) => Kind::Store,
            // The sign-in goes on: another address may be given.
            AuthError::Paste(_) | AuthError::State(_) => Kind::Usage,
            AuthError::Settings(_)
            | AuthError::NoSecret(_)
            | AuthError::Key(_)
            | AuthError::NoKey => Kind::Config,
            _ => Kind::Auth,
        };
        Error::new(kind, error.to_string()).hint(error.remedy())
    }
}

impl Refusal {
    /// Whether it may pass by itself.
    pub fn passing(&self) -> bool {
        match self.code.as_str() {
            "server_error"
            | "service_unavailable"
            | "system_down"
            | "unknown_error"
            | "rate_limit_exceeded"
            | "temporarily_unavailable"
            | "slow_down" => true,
            "invalid_grant" => self.description.contains("login rate exceeded"),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(step: Step, code: &str, description: &str) -> AuthError {
        AuthError::Refused(Refusal {
            step,
            code: code.into(),
            description: description.into(),
        })
    }

    #[test]
    fn the_same_code_means_different_things_at_different_steps() {
        let used = refused(
            Step::Exchange,
            "invalid_grant",
            "expired authorization code",
        );
        let over = refused(
            Step::Refresh,
            "invalid_grant",
            "expired access/refresh token",
        );
        assert!(used.remedy().contains("start the sign-in again"));
        assert!(over.remedy().contains("sign in again"));
        assert!(over.needs_sign_in());
        assert_eq!(over.for_call().class, ErrorClass::AuthDead);
    }

    #[test]
    fn trouble_that_passes_does_not_ask_for_a_sign_in() {
        for code in ["server_error", "rate_limit_exceeded"] {
            let error = refused(Step::Refresh, code, "");
            assert!(!error.needs_sign_in(), "{code}");
            assert_eq!(error.for_call().class, ErrorClass::TransientCall);
            assert_eq!(error.for_call().effect, Effect::None);
        }
        let rate = refused(Step::Refresh, "invalid_grant", "login rate exceeded");
        assert!(!rate.needs_sign_in());
    }
}
