//! The engine's side of the connection: signing in, staying signed in, who we are.
//!
//! Speaks to the CRM through [`Crm`] only and writes no records; reading what the org looks like
//! is in `schema`, where the tokens lie in `kept`. Invariants: a profile belongs to the first
//! org it signed in to; tokens are kept only once the org has said who signed in, and are the
//! pinned org's; refreshing is left to [`Session`], which does it once for all who wait.

mod calls;
mod faults;
mod kept;
mod known;
mod limits;
mod look;
mod pending;
mod schema;
mod search;
mod settings;
mod show;
#[cfg(test)]
pub(super) mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use jiff::SignedDuration;
use secrecy::SecretString;
use tokio::sync::{OnceCell, watch};
use url::Url;

use self::faults::{
    bound_to, failed, forgotten_only, no_key_wanted, no_sign_in_waits, sign_in_failed,
};
use self::kept::{InMemory, InState};
use self::pending::{Answered, Pending};
pub use self::settings::{ConnectorSettings, SCOPES};
use self::show::trouble;
use super::state::{State, lock};
use super::summary::{Env, Trouble};
use super::tables::Connection;
use super::view::{BrowserView, SignInView, SignedInView, SignedOut};
use crate::crm::auth::{
    AuthError, Callback, Disconnected, Grant, JwtKey, OAuth, OAuthApp, Session, TokenStore, Tokens,
    Way, no_callback_hint,
};
use crate::crm::gate::Gate;
use crate::crm::salesforce::Salesforce;
use crate::crm::transport::Http;
use crate::crm::{Crm, Identity, OrgKind};
use crate::domain::budget::Class;
use crate::error::{Error, Kind, Result};

/// The connection to the CRM. Clones are the same connection.
#[derive(Clone)]
pub struct Connector(Arc<Inner>);

struct Inner {
    state: Arc<State>,
    settings: ConnectorSettings,
    http: Http,
    gate: Arc<Gate>,
    tokens: Arc<dyn TokenStore>,
    opened: OnceCell<Opened>,
    /// Held while the sign-in changes.
    turn: tokio::sync::Mutex<()>,
    pending: watch::Sender<Option<Arc<Pending>>>,
    /// The port stays ours as long as anybody waits at it.
    listener: tokio::sync::Mutex<Weak<Callback>>,
    known: Mutex<Known>,
}

/// A client over the kept tokens.
struct Opened {
    session: Session,
    crm: Arc<Salesforce>,
}

/// What is shown without asking anybody.
struct Known {
    connection: Connection,
    trouble: Option<Trouble>,
    /// By how much the org's clock was ahead of ours when it was checked.
    ahead: Option<SignedDuration>,
}

impl Connector {
    /// Over an open state. Reads what is known of the connection; sends nothing. Blocking.
    ///
    /// # Errors
    /// A setting that cannot be used: kind `Config`; or the store cannot be read.
    pub fn new(state: Arc<State>, settings: ConnectorSettings) -> Result<Self> {
        let connection = state.connection()?;
        let gate = calls::gate(&state, &settings)?;
        Ok(Self(Arc::new(Inner {
            gate: Arc::new(gate),
            http: Http::new(&settings.http)?,
            tokens: Arc::new(InState(Arc::clone(&state), settings.clock.clone())),
            opened: OnceCell::new(),
            turn: tokio::sync::Mutex::default(),
            pending: watch::Sender::new(None),
            listener: tokio::sync::Mutex::default(),
            known: Mutex::new(Known {
                connection,
                trouble: None,
                ahead: None,
            }),
            state,
            settings,
        })))
    }

    /// Starts a sign-in in place of one that waits, the way the settings say: listens for the
    /// browser if the port is free, or gets a code, or takes the key; [`Connector::callback`]
    /// then goes on. Without a key, a sign-in by key uses the one that is kept.
    ///
    /// # Errors
    /// No consumer key, an address or a key that cannot be used, or no code: kind `Config`,
    /// `Auth` or `Network`.
    pub async fn begin(&self, key: Option<JwtKey>) -> Result<SignInView> {
        let oauth = self.oauth()?;
        let grant = &self.0.settings.grant;
        if key.is_some() && grant.way() != Way::Jwt {
            return Err(no_key_wanted(grant.way()));
        }
        // Not after the person has signed in.
        grant.secret().map_err(AuthError::from)?;
        let (pending, view) = match grant {
            Grant::Browser { .. } => self.begin_by_browser(&oauth).await,
            Grant::Device { .. } => {
                let device = oauth.by_code().await?;
                let view = SignInView::Code {
                    address: device.address().to_string(),
                    code: device.user_code().to_owned(),
                    minutes: device.life().as_secs() / 60,
                };
                (Pending::Device(device), view)
            }
            Grant::Jwt => {
                let key = match key {
                    Some(key) => key,
                    None => {
                        let kept = self.opened().await?.session.key();
                        kept.ok_or(AuthError::NoKey)?
                    }
                };
                let way = format!("by key, as {}", key.username());
                (Pending::Key(oauth, key), SignInView::ByItself { way })
            }
            Grant::ClientCredentials { .. } => {
                let way = "by the app's secret (client credentials)".to_owned();
                (Pending::Secret(oauth), SignInView::ByItself { way })
            }
        };
        self.wait_for(Some(pending));
        Ok(view)
    }

    async fn begin_by_browser(&self, oauth: &OAuth) -> (Pending, SignInView) {
        let (callback, listens) = match self.listen().await {
            Ok(callback) => (Some(callback), Ok(())),
            Err(AuthError::Listen { cause, .. }) => (None, Err(cause)),
            Err(error) => (None, Err(error.to_string())),
        };
        let redirect_uri = match &callback {
            Some(callback) => callback.redirect_uri().to_owned(),
            None => self.0.settings.redirect_uri(),
        };
        let sign_in = oauth.begin(&redirect_uri);
        let view = SignInView::Browser(BrowserView {
            address: sign_in.address().to_string(),
            hint: no_callback_hint(oauth.app(), &redirect_uri),
            redirect_uri,
            callback: listens,
        });
        (Pending::Browser { sign_in, callback }, view)
    }

    /// Waits until whoever the sign-in that waits now asks has answered, and finishes it. When
    /// nobody can come, as the port is taken, waits until the sign-in ends otherwise. Can be
    /// dropped at any time.
    ///
    /// # Errors
    /// Kind `Cancelled` when the sign-in was replaced, finished by pasting, or there is none;
    /// else as [`Connector::finish`].
    pub async fn callback(&self) -> Result<SignedInView> {
        let mut changes = self.0.pending.subscribe();
        let waiting = changes.borrow_and_update().clone();
        let pending = waiting.ok_or_else(no_sign_in_waits)?;
        let pinned = self.identity().map(|who| who.org_id);
        let answered = tokio::select! {
            biased;
            _ = changes.changed() => return Err(no_sign_in_waits()),
            answered = pending.answered(pinned.as_ref()) => answered,
        };
        match answered {
            Ok(answered) => self.finish_by(pending, answered).await,
            Err(error) => {
                // What nobody listens for any more may still be pasted.
                if !matches!(*pending, Pending::Browser { .. }) {
                    self.wait_for(None);
                }
                Err(sign_in_failed(error))
            }
        }
    }

    /// Finishes the sign-in that waits with the address the browser ended at.
    ///
    /// # Errors
    /// The address is not the one (the sign-in goes on waiting), Salesforce refuses, the profile
    /// is bound to another org, or none waits (kind `Cancelled`). Nothing is kept then.
    pub async fn finish(&self, pasted: SecretString) -> Result<SignedInView> {
        let waiting = self.0.pending.borrow().clone();
        let pending = waiting.ok_or_else(no_sign_in_waits)?;
        self.finish_by(pending, Answered::Address(pasted)).await
    }

    /// Ends the sign-in that waits; nothing comes of it any more.
    pub fn leave(&self) {
        self.wait_for(None);
    }

    /// The signed-in client.
    ///
    /// # Errors
    /// Kind `Auth` with the remedy when only a person can sign in.
    pub async fn crm(&self) -> Result<Arc<dyn Crm>> {
        let opened = self.opened().await?;
        opened.session.access()?;
        Ok(Arc::clone(&opened.crm) as Arc<dyn Crm>)
    }

    /// Asks who we are and how many calls are left, and remembers the answer.
    ///
    /// # Errors
    /// Not signed in, no answer, or another org than before: then the tokens are given up.
    pub async fn check(&self, class: Class) -> Result<()> {
        let crm = self.crm().await?.lane(class);
        let asked = async {
            let identity = crm.identity().await?;
            crm.limits().await.map(|_| identity)
        };
        match asked.await {
            Ok(identity) => {
                self.compare_clocks();
                if let Err(bound) = self.admit(&identity) {
                    if let Err(error) = self.disconnect().await {
                        tracing::warn!(target: "engine", %error, "giving up a sign-in");
                    }
                    return Err(bound);
                }
                self.remember(identity).await
            }
            Err(error) => {
                lock(&self.0.known).trouble = Some(trouble(&error));
                Err(failed(&error))
            }
        }
    }

    /// Gives the tokens up at Salesforce and forgets them here, with the key of a sign-in by key.
    /// Records, links and the bond to the org stay.
    ///
    /// # Errors
    /// Salesforce could not be told; they are forgotten here all the same.
    pub async fn disconnect(&self) -> Result<SignedOut> {
        let _turn = self.0.turn.lock().await;
        self.wait_for(None);
        lock(&self.0.known).trouble = None;
        match self.opened().await {
            Ok(opened) => match opened.session.revoke().await? {
                Disconnected::Revoked => Ok(SignedOut::Now),
                Disconnected::WasSignedOut => Ok(SignedOut::Before),
                Disconnected::ForgottenOnly(error) => Err(forgotten_only(&error.to_string())),
            },
            Err(error) => {
                self.0.tokens.clear().await?;
                Err(forgotten_only(error.message()))
            }
        }
    }

    /// Who we are, as last answered.
    pub fn identity(&self) -> Option<Identity> {
        lock(&self.0.known).connection.identity.clone()
    }

    /// Whether the org is real, once known.
    pub fn env(&self) -> Option<Env> {
        self.identity().map(|who| env(who.org_kind))
    }

    /// The settings it was made from.
    pub fn settings(&self) -> &ConnectorSettings {
        &self.0.settings
    }

    // ---- signing in --------------------------------------------------------------------

    async fn listen(&self) -> std::result::Result<Arc<Callback>, AuthError> {
        let mut listener = self.0.listener.lock().await;
        if let Some(callback) = listener.upgrade() {
            return Ok(callback);
        }
        let callback = Arc::new(Callback::bind(&self.0.settings.redirect_uri()).await?);
        *listener = Arc::downgrade(&callback);
        Ok(callback)
    }

    /// Replaces the sign-in that waits; whoever waits for the old one is told.
    fn wait_for(&self, pending: Option<Pending>) {
        self.0.pending.send_replace(pending.map(Arc::new));
    }

    async fn finish_by(&self, pending: Arc<Pending>, answered: Answered) -> Result<SignedInView> {
        // In a task of its own: once the code has left, nobody may drop the answer.
        let this = self.clone();
        let task = tokio::spawn(async move { this.exchange(&pending, answered).await });
        task.await.unwrap_or_else(|_| {
            Err(Error::new(Kind::Internal, "the sign-in was stopped").hint("start it again"))
        })
    }

    async fn exchange(&self, pending: &Arc<Pending>, answered: Answered) -> Result<SignedInView> {
        let _turn = self.0.turn.lock().await;
        // The callback may have come while this was pasted.
        let waits = self
            .0
            .pending
            .borrow()
            .as_ref()
            .is_some_and(|p| Arc::ptr_eq(p, pending));
        if !waits {
            return Err(no_sign_in_waits());
        }
        let pinned = self.identity().map(|who| who.org_id);
        let done = match pending.tokens(answered, pinned.as_ref()).await {
            // The code was not spent: another address may be pasted.
            Err(error @ (AuthError::Paste(_) | AuthError::State(_) | AuthError::NoAnswer(_)))
                if matches!(**pending, Pending::Browser { .. }) =>
            {
                return Err(error.into());
            }
            // The sign-in that waits was not meant; it goes on.
            Err(error @ AuthError::Settings(_)) => return Err(error.into()),
            Err(error) => Err(sign_in_failed(error)),
            Ok(tokens) => self.adopt(tokens).await,
        };
        self.wait_for(None);
        done
    }

    /// Asks who signed in with these tokens, and only then keeps them.
    async fn adopt(&self, tokens: Tokens) -> Result<SignedInView> {
        let kept = Arc::new(InMemory::default());
        let oauth = self.oauth()?;
        let trial = Session::open(oauth, Arc::clone(&kept) as Arc<dyn TokenStore>).await?;
        trial.adopt(tokens).await?;
        let done = self.keep(&trial, &kept).await;
        if done.is_err() {
            match trial.revoke().await {
                Ok(Disconnected::ForgottenOnly(error)) | Err(error) => {
                    tracing::warn!(target: "engine", %error, "giving up a sign-in");
                }
                Ok(_) => {}
            }
        }
        done
    }

    async fn keep(&self, trial: &Session, kept: &InMemory) -> Result<SignedInView> {
        let crm = Salesforce::new(self.0.http.clone(), trial.clone(), &self.0.settings.api)?
            .behind(Arc::clone(&self.0.gate));
        let identity = crm.identity().await.map_err(|error| failed(&error))?;
        self.admit(&identity)?;
        let view = SignedInView {
            username: identity.username.clone(),
            org_name: identity.org_name.clone(),
            org_id: identity.org_id.to_string(),
            env: env(identity.org_kind),
        };
        let tokens = kept.load().await?.ok_or(AuthError::SignedOut)?;
        self.take(tokens, identity).await?;
        Ok(view)
    }

    // ---- the client --------------------------------------------------------------------

    async fn opened(&self) -> Result<&Opened> {
        self.0
            .opened
            .get_or_try_init(|| async {
                let oauth = self.oauth()?;
                self.over(Session::open(oauth, Arc::clone(&self.0.tokens)).await?)
            })
            .await
    }

    /// A client over a session.
    fn over(&self, session: Session) -> Result<Opened> {
        let http = self.0.http.clone();
        let crm = Salesforce::new(http, session.clone(), &self.0.settings.api)?
            .behind(Arc::clone(&self.0.gate));
        Ok(Opened {
            session,
            crm: Arc::new(crm),
        })
    }

    fn oauth(&self) -> Result<OAuth> {
        let settings = &self.0.settings;
        let client_id = settings.client_id.clone().ok_or_else(|| {
            Error::new(Kind::Config, "there is no client_id to sign in with")
                .hint("put the consumer key of the external client app into [connection] client_id")
        })?;
        let login_url = Url::parse(&settings.login)
            .map_err(|_| AuthError::Settings("the sign-in address cannot be read"))?;
        Ok(OAuth::new(
            self.0.http.clone(),
            OAuthApp {
                client_id,
                grant: settings.grant.clone(),
                login_url,
                scopes: SCOPES.map(str::to_owned).to_vec(),
            },
        )?)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("login", &self.0.settings.login)
            .finish_non_exhaustive()
    }
}

fn env(kind: OrgKind) -> Env {
    match kind {
        OrgKind::Production => Env::Production,
        OrgKind::Sandbox => Env::Sandbox,
    }
}
