//! Why a sign-in or a call came to nothing, as a person sees it.
//!
//! Decides nothing. Invariant: holds no part of a credential.

use crate::crm::auth::{AuthError, Way};
use crate::crm::{CrmError, ErrorClass, salesforce};
use crate::domain::id::OrgId;
use crate::error::{Error, Kind};

pub(super) fn no_sign_in_waits() -> Error {
    Error::new(Kind::Cancelled, "no sign-in is waiting for this").hint("start the sign-in again")
}

pub(super) fn no_key_wanted(way: Way) -> Error {
    let text = format!("a key was given, but the settings say sign_in = \"{way}\"");
    Error::new(Kind::Config, text).hint("set [connection] sign_in = \"jwt\" to sign in by key")
}

pub(super) fn sign_in_failed(error: AuthError) -> Error {
    match error {
        AuthError::WrongOrg { expected, got } => bound_to(&expected, &got),
        error => error.into(),
    }
}

pub(super) fn bound_to(pinned: &OrgId, other: &OrgId) -> Error {
    Error::new(
        Kind::Auth,
        format!("this profile is bound to organisation {pinned}, the sign-in is for {other}"),
    )
    .hint(
        "nothing was kept, and nothing is written there; sign out in the browser and sign in to the \
         right organisation. A sandbox that was refreshed is another one, too: `syncdeck \
         relink`, or \"other org\" in the list of m, says how this profile goes on with it",
    )
}

pub(super) fn forgotten_only(why: &str) -> Error {
    Error::new(
        Kind::Network,
        format!("the sign-in is forgotten here, but Salesforce could not be told: {why}"),
    )
    .hint("revoke it there: Setup, Connected Apps OAuth Usage")
}

/// An error of a call as a person sees it.
pub(super) fn failed(error: &CrmError) -> Error {
    let kind = match error.class {
        ErrorClass::Auth | ErrorClass::AuthDead => Kind::Auth,
        ErrorClass::TransientCall => Kind::Network,
        _ => Kind::Crm,
    };
    Error::new(kind, format!("Salesforce: {error}")).hint(salesforce::remedy(error))
}
