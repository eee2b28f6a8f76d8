//! The tokens of a connection while it is in use (salesforce-api 1.4, 1.9).
//!
//! The one place that renews, by whatever the sign-in was made with: when the org refused a token,
//! and before a call when it is known that the token has ended. Does not decide when an API call
//! is repeated. Invariants: one renewal at a time, and everybody
//! who waits for it shares its result; tokens are durable before they are used; a refresh whose
//! answer was lost is not repeated without reading the store again; a cancelled caller does not
//! cancel a refresh.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::AuthError;
use super::grant::Way;
use super::jwt::JwtKey;
use super::sign_in::OAuth;
use super::token_call;
use super::tokens::{Held, TokenState, TokenStore, Tokens};
use crate::crm::error::Effect;
use crate::crm::transport::host::{Purpose, check};
use crate::error::Error;

/// Leave to make API calls: an access token and where to.
#[derive(Clone)]
pub struct Access(Arc<Tokens>);

impl Access {
    /// Base address of the API.
    pub fn instance_url(&self) -> &Url {
        &self.0.instance_url
    }

    /// Where to ask who we are.
    pub fn identity_url(&self) -> &Url {
        &self.0.identity_url
    }

    pub(in crate::crm) fn token(&self) -> &SecretString {
        &self.0.access
    }

    fn same(&self, other: &Tokens) -> bool {
        self.0.access.expose_secret() == other.access.expose_secret()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What came of asking for newer access.
#[derive(Debug, Clone)]
pub enum Renewed {
    /// Refreshed just now: if this is refused too, refreshing does not help.
    Fresh(Access),
    /// Somebody else had refreshed meanwhile.
    Newer(Access),
}

/// What came of disconnecting. The tokens are gone from here in both cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disconnected {
    /// Salesforce does not accept them any more either.
    Revoked,
    /// Salesforce could not be told.
    ForgottenOnly(AuthError),
    /// There was nothing to give up.
    WasSignedOut,
}

/// A connection's tokens, shared by everything that uses the connection. Clones are the same
/// session.
#[derive(Clone)]
pub struct Session(Arc<Shared>);

struct Shared {
    oauth: OAuth,
    store: Arc<dyn TokenStore>,
    /// Held while tokens change.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In use, and durable.
    current: Option<Arc<Tokens>>,
    /// Received but not saved yet; the only copy of a rotated token.
    unsaved: Option<Arc<Tokens>>,
    /// Why only a person can go on.
    over: Option<AuthError>,
    /// Refreshes tried so far, and what the last one failed with.
    tries: u64,
    failed: Option<AuthError>,
    /// When the access token was last given out; each use makes it last longer.
    used: Option<Timestamp>,
}

/// A token is renewed this long before its end, or a tenth of its life if that is less.
const MARGIN: Duration = Duration::from_secs(60);

/// Whether a token has ended, or is about to, as far as that can be known (salesforce-api 1.3).
fn has_ended(tokens: &Tokens, used: Option<Timestamp>, now: Timestamp) -> bool {
    let Some(life) = tokens.life else {
        return false;
    };
    let since = used.map_or(tokens.issued_at, |used| used.max(tokens.issued_at));
    let idle = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    idle >= life - MARGIN.min(life / 10)
}

impl Session {
    /// Reads the store. The session may be signed out.
    ///
    /// # Errors
    /// The store cannot be read, or its tokens are for an address that is not allowed.
    pub async fn open(oauth: OAuth, store: Arc<dyn TokenStore>) -> Result<Self, AuthError> {
        let current = store.load().await.map_err(kept)?;
        if let Some(tokens) = &current {
            check(
                tokens.instance_url.as_str(),
                Purpose::Api,
                oauth.http.server(),
            )?;
        }
        let wanted = oauth.app().grant.way();
        let over = current.as_ref().and_then(|tokens| tokens.ended(wanted));
        let session = Self::signed_out(oauth, store);
        *session.0.state() = State {
            current: current.map(Arc::new),
            over,
            ..State::default()
        };
        Ok(session)
    }

    /// Without looking into the store: for tokens that come, whatever lies there.
    pub fn signed_out(oauth: OAuth, store: Arc<dyn TokenStore>) -> Self {
        Self(Arc::new(Shared {
            oauth,
            store,
            turn: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }))
    }

    /// Takes the tokens of a finished sign-in: saves them, then uses them.
    ///
    /// # Errors
    /// They cannot be saved; the session stays as it was.
    pub async fn adopt(&self, tokens: Tokens) -> Result<(), AuthError> {
        let copy = tokens.clone();
        self.adopt_kept(tokens, async { self.0.store.save(&copy).await })
            .await
    }

    /// Takes the tokens of a finished sign-in that `keep` saves, together with whatever belongs to
    /// them. No renewal comes in between.
    ///
    /// # Errors
    /// `keep` failed; the session stays as it was.
    pub async fn adopt_kept<T>(
        &self,
        tokens: Tokens,
        keep: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, AuthError> {
        let _turn = self.0.turn.lock().await;
        let done = keep.await.map_err(kept)?;
        *self.0.state() = State {
            current: Some(Arc::new(tokens)),
            used: Some(Timestamp::now()),
            ..State::default()
        };
        Ok(done)
    }

    /// Begins a sign-in for this session's app.
    pub fn oauth(&self) -> &OAuth {
        &self.0.oauth
    }

    /// How the kept sign-in was made.
    pub fn way(&self) -> Option<Way> {
        self.0.state().current.as_ref().map(|tokens| tokens.way())
    }

    /// The key of a sign-in by key, and its user.
    pub fn key(&self) -> Option<JwtKey> {
        let state = self.0.state();
        state
            .current
            .as_ref()
            .and_then(|tokens| tokens.key().cloned())
    }

    /// An access token for a call that is about to be made: renewed first if it is known to have
    /// ended. Renewing that fails for now leaves the old one, which the org may still take.
    ///
    /// # Errors
    /// Signed out, or only a person can go on.
    pub async fn ready(&self) -> Result<Access, AuthError> {
        let access = self.access()?;
        let now = Timestamp::now();
        let used = self.0.state().used.replace(now);
        if !has_ended(&access.0, used, now) {
            return Ok(access);
        }
        match self.renew(&access).await {
            Ok(Renewed::Fresh(newer) | Renewed::Newer(newer)) => Ok(newer),
            Err(error) if error.needs_sign_in() => Err(error),
            Err(error) => {
                tracing::debug!(target: "crm", %error, "not renewed ahead of its end");
                Ok(access)
            }
        }
    }

    /// The access token in use, without a call.
    ///
    /// # Errors
    /// Signed out, or only a person can go on.
    pub fn access(&self) -> Result<Access, AuthError> {
        self.0.access()
    }

    /// Gets access newer than one that was refused.
    ///
    /// # Errors
    /// See [`AuthError::needs_sign_in`].
    pub async fn renew(&self, refused: &Access) -> Result<Renewed, AuthError> {
        let tries = self.0.state().tries;
        let (shared, refused) = (Arc::clone(&self.0), refused.clone());
        // In a task of its own: after the request has left, nobody may drop its answer.
        tokio::spawn(async move { shared.renew(refused, tries).await })
            .await
            .unwrap_or(Err(AuthError::BadAnswer("the refresh was stopped")))
    }

    /// Gives the tokens up at Salesforce and forgets them here.
    ///
    /// # Errors
    /// They cannot be removed from the store.
    pub async fn revoke(&self) -> Result<Disconnected, AuthError> {
        let _turn = self.0.turn.lock().await;
        let (unsaved, current) = {
            let state = self.0.state();
            (state.unsaved.clone(), state.current.clone())
        };
        let outcome = match unsaved.or(current) {
            None => Disconnected::WasSignedOut,
            Some(tokens) => {
                let http = &self.0.oauth.http;
                match token_call::revoke(http, &tokens.login_url, tokens.root()).await {
                    Ok(()) => Disconnected::Revoked,
                    Err(error) => Disconnected::ForgottenOnly(error),
                }
            }
        };
        self.0.store.clear().await.map_err(kept)?;
        *self.0.state() = State::default();
        Ok(outcome)
    }

    /// How the sign-in stands.
    pub fn status(&self) -> TokenState {
        let state = self.0.state();
        match (&state.over, &state.current) {
            (Some(error), _) => TokenState::NeedsSignIn(error.to_string()),
            (None, None) => TokenState::SignedOut,
            (None, Some(tokens)) => tokens.standing(self.0.oauth.app().grant.way()),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn access(&self) -> Result<Access, AuthError> {
        let state = self.state();
        match (&state.over, &state.current) {
            (Some(error), _) => Err(error.clone()),
            (None, None) => Err(AuthError::SignedOut),
            (None, Some(tokens)) => Ok(Access(Arc::clone(tokens))),
        }
    }

    async fn renew(&self, refused: Access, tries: u64) -> Result<Renewed, AuthError> {
        let _turn = self.turn.lock().await;
        let current = self.access()?;
        if !refused.same(&current.0) {
            return Ok(Renewed::Newer(current));
        }
        let unsaved = {
            let state = self.state();
            if let (true, Some(error)) = (state.tries > tries, &state.failed) {
                return Err(error.clone());
            }
            state.unsaved.clone()
        };
        if let Some(tokens) = unsaved {
            // Issued a while ago: it may have ended meanwhile.
            return self.keep(tokens).await.map(Renewed::Newer);
        }
        if let Some(newer) = self.read_again(&current).await? {
            return Ok(Renewed::Newer(newer));
        }
        self.state().tries += 1;
        let result = self.newer(&current.0).await;
        let before = std::mem::replace(&mut self.state().failed, result.as_ref().err().cloned());
        match result {
            Err(error) if error.needs_sign_in() => {
                // Another process may have rotated the token under us.
                if let Some(newer) = self.read_again(&current).await? {
                    return Ok(Renewed::Newer(newer));
                }
                Err(self.end(&current.0, &error, before.as_ref()).await)
            }
            result => result.map(Renewed::Fresh),
        }
    }

    /// Notes for good that only a person can go on.
    async fn end(
        &self,
        tokens: &Tokens,
        error: &AuthError,
        before: Option<&AuthError>,
    ) -> AuthError {
        let mut why = error.to_string();
        if tokens.held.refresh().is_some() && before.is_some_and(may_have_rotated) {
            why.push_str(
                "; the answer to the renewal before was lost, and where refresh tokens rotate \
                 that ends a sign-in",
            );
        }
        tracing::warn!(target: "crm", why, "only a person can sign in again");
        let ended = Tokens {
            over: Some(why.clone()),
            ..tokens.clone()
        };
        // What the settings or an administrator can mend is tried again after a restart.
        let mendable = matches!(tokens.held, Held::Key(_) | Held::AppSecret);
        // Only what is shown after a restart depends on it: there it would be found out again.
        if !mendable && let Err(error) = self.store.save(&ended).await {
            tracing::warn!(target: "crm", %error, "that the sign-in is over is not kept");
        }
        let over = AuthError::SignInOver(why);
        self.state().over = Some(over.clone());
        over
    }

    /// Renews by what the sign-in was made with.
    async fn newer(&self, old: &Tokens) -> Result<Access, AuthError> {
        let mut new = match &old.held {
            Held::Browser(Some(token)) | Held::Device(Some(token)) => {
                token_call::refresh(&self.oauth, old, token).await?
            }
            Held::Browser(None) | Held::Device(None) => {
                let why = "the access token has ended and cannot be renewed";
                return Err(AuthError::SignInOver(why.into()));
            }
            Held::Key(key) => token_call::bearer(&self.oauth, key).await?,
            Held::AppSecret => token_call::credentials(&self.oauth).await?,
        };
        if new.org != old.org {
            return Err(AuthError::WrongOrg {
                expected: old.org.clone(),
                got: new.org,
            });
        }
        new.life = old.life;
        if new.scope.is_empty() {
            new.scope.clone_from(&old.scope);
        }
        let new = Arc::new(new);
        self.state().unsaved = Some(Arc::clone(&new));
        let access = self.keep(new).await?;
        tracing::info!(target: "crm", way = %old.way(), "access token renewed");
        Ok(access)
    }

    /// Saves tokens, and uses them once that is done.
    async fn keep(&self, tokens: Arc<Tokens>) -> Result<Access, AuthError> {
        self.store.save(&tokens).await.map_err(kept)?;
        let mut state = self.state();
        state.unsaved = None;
        state.failed = None;
        state.used = Some(Timestamp::now());
        state.current = Some(Arc::clone(&tokens));
        Ok(Access(tokens))
    }

    /// Takes over tokens that another process saved.
    async fn read_again(&self, current: &Access) -> Result<Option<Access>, AuthError> {
        let Some(stored) = self.store.load().await.map_err(kept)? else {
            *self.state() = State::default();
            return Err(AuthError::SignedOut);
        };
        if current.same(&stored) {
            return Ok(None);
        }
        if stored.org != current.0.org {
            return Err(AuthError::WrongOrg {
                expected: current.0.org.clone(),
                got: stored.org,
            });
        }
        check(
            stored.instance_url.as_str(),
            Purpose::Api,
            self.oauth.http.server(),
        )?;
        let stored = Arc::new(stored);
        self.state().current = Some(Arc::clone(&stored));
        Ok(Some(Access(stored)))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// Whether the server may have given out a new refresh token that did not arrive.
fn may_have_rotated(error: &AuthError) -> bool {
    match error {
        AuthError::NoAnswer(failure) => failure.effect == Effect::Unknown,
        AuthError::BadAnswer(_) => true,
        _ => false,
    }
}

fn kept(error: Error) -> AuthError {
    AuthError::Store(error.message().to_owned())
}
