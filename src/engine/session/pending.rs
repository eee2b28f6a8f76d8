//! A sign-in between its start and its end, whichever way it is made.
//!
//! Keeps nothing. Invariant: waiting can be dropped at any time; what leaves for the tokens is sent
//! once.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::crm::auth::{AuthError, Callback, Device, JwtKey, OAuth, SignIn, Tokens};
use crate::domain::id::OrgId;

/// A sign-in that is not at its end yet.
pub(super) enum Pending {
    /// A browser comes back with an address, or it is pasted.
    Browser {
        sign_in: SignIn,
        /// None when the port is taken: nobody can come.
        callback: Option<Arc<Callback>>,
    },
    /// A person types a code.
    Device(Device),
    /// Nobody is asked: by key.
    Key(OAuth, JwtKey),
    /// Nobody is asked: by the app's secret.
    Secret(OAuth),
}

impl Pending {
    /// Waits until whoever is asked has answered. Can be dropped at any time.
    pub(super) async fn answered(
        &self,
        pinned: Option<&OrgId>,
    ) -> std::result::Result<Answered, AuthError> {
        match self {
            Self::Browser {
                sign_in,
                callback: Some(callback),
            } => {
                let address = callback.wait(sign_in).await?;
                Ok(Answered::Address(address.into()))
            }
            Self::Browser { callback: None, .. } => std::future::pending().await,
            Self::Device(device) => device
                .wait(pinned, tokio::time::sleep)
                .await
                .map(Box::new)
                .map(Answered::Tokens),
            Self::Key(..) | Self::Secret(_) => Ok(Answered::Nothing),
        }
    }

    /// The tokens for what was answered. What leaves for this cannot be asked for twice.
    pub(super) async fn tokens(
        &self,
        answered: Answered,
        pinned: Option<&OrgId>,
    ) -> std::result::Result<Tokens, AuthError> {
        match (self, answered) {
            (_, Answered::Tokens(tokens)) => Ok(*tokens),
            (Self::Browser { sign_in, .. }, Answered::Address(address)) => {
                sign_in.finish(address.expose_secret(), pinned).await
            }
            (Self::Key(oauth, key), Answered::Nothing) => oauth.by_key(key, pinned).await,
            (Self::Secret(oauth), Answered::Nothing) => oauth.by_secret(pinned).await,
            (_, Answered::Address(_) | Answered::Nothing) => Err(AuthError::Settings(
                "no address is asked for with this sign_in",
            )),
        }
    }
}

/// What a sign-in waited for.
pub(super) enum Answered {
    /// The address the browser ended at.
    Address(SecretString),
    /// The code was allowed.
    Tokens(Box<Tokens>),
    /// Nothing was asked.
    Nothing,
}
