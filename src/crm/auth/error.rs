//! Why a sign-in or a refresh did not work, and what helps (salesforce-api 1.7).
//!
//! Invariant: holds no token, no code, no secret and no pasted text.

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
    /// The loopback address cannot be listened on.
    #[error("cannot wait for the browser at {address}: {cause}")]
    Listen {
        /// Address from the settings.
        address: String,
        /// What the system said.
        cause: String,
    },
    /// A setting is wrong.
    #[error("the sign-in settings are wrong: {0}")]
    Settings(&'static str),
}

const START_AGAIN: &str = "start the sign-in again";

impl AuthError {
    /// What the person or an administrator can do.
    pub fn remedy(&self) -> &'static str {
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
            Self::Refused(refusal) => oauth_remedy(refusal),
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
            Self::Settings(_) => "correct the connection settings",
        }
    }

    /// Whether only a person can go on from here.
    pub fn needs_sign_in(&self) -> bool {
        match self {
            Self::SignedOut | Self::SignInOver(_) | Self::Address(_) | Self::WrongOrg { .. } => {
                true
            }
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
            Self::SignInOver(_) | Self::WrongOrg { .. } => ("sign_in_over", ""),
            Self::Store(_) => ("sign_in_not_kept", ""),
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
            AuthError::Settings(_) => Kind::Config,
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

fn oauth_remedy(refusal: &Refusal) -> &'static str {
    let says = |text: &str| refusal.description.to_ascii_lowercase().contains(text);
    match refusal.code.as_str() {
        "access_denied" => "start the sign-in again and press Allow",
        "invalid_client_id" => {
            "check the consumer key and the sign-in address; a new app needs up to ten minutes to work"
        }
        "invalid_client" | "invalid_basic_auth_header" => {
            "check the consumer secret, or let the app not require one"
        }
        "redirect_uri_mismatch" | "redirect_uri_missing" => {
            "add exactly the redirect address of the settings to the app's callback addresses, port and slash included; it needs up to ten minutes to work"
        }
        "invalid_grant" if says("ip restricted") || says("login hours") => {
            "an administrator changes the allowed addresses or login hours of the user"
        }
        "invalid_grant" if says("login rate") => {
            "too many sign-ins in an hour; wait an hour, then try again"
        }
        "invalid_grant" if says("inactive user") => {
            "the user is deactivated or frozen; sign in as another user"
        }
        "invalid_grant" if says("hasn't approved") => {
            "an administrator approves the app for the user"
        }
        "invalid_grant" if says("not supported on this domain") => {
            "use the My Domain address of the organisation as sign-in address"
        }
        "invalid_grant" if refusal.step == Step::Exchange => {
            "the code was used already or is too old (15 minutes); start the sign-in again"
        }
        "invalid_grant" => {
            "the sign-in was revoked, has expired, or was pushed out by newer ones (five per user and app); sign in again"
        }
        "inactive_user" => "the user is deactivated or frozen; sign in as another user",
        "invalid_app_access" => {
            "an administrator gives the user's profile or permission set access to the app"
        }
        "inactive_org" => "the organisation is locked or closed; its administrator asks Salesforce",
        "rate_limit_exceeded" | "slow_down" => "wait some minutes, then try again",
        "invalid_scope" => "give the app the scopes api, refresh_token and id",
        "unsupported_grant_type" | "oauth_flow_disabled" => {
            "turn the authorization code flow on in the app"
        }
        "app_not_found" | "OAUTH_EC_APP_NOT_FOUND" => {
            "an administrator installs the app in the organisation"
        }
        "app_blocked" | "fail_close_app_blocked" | "OAUTH_APP_BLOCKED" => {
            "an administrator unblocks the app under Connected Apps OAuth Usage"
        }
        "OAUTH_APP_ACCESS_DENIED" => {
            "an administrator installs the app and allows it for the user's profile"
        }
        "ecapp_policy_not_found" | "oauth_policy_not_found" | "invalid_session_level" => {
            "an administrator checks the app's OAuth and session policies"
        }
        "invalid_dpop_proof" | "use_dpop_nonce" => "let the app issue plain bearer tokens",
        "invalid_request" if says("code challenge") || says("code verifier") => START_AGAIN,
        "invalid_token" | "unsupported_token_type" => "nothing to do: it was revoked already",
        "server_error"
        | "service_unavailable"
        | "system_down"
        | "unknown_error"
        | "temporarily_unavailable" => "try again in some minutes; see status.salesforce.com",
        _ => "an administrator checks the app's settings; then start the sign-in again",
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
