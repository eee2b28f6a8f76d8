//! What is known of the connection, and the tokens that belong to it.
//!
//! Asks nobody. Invariant: tokens, whose they are, and the entry that says that somebody signed in
//! are one commit, so that none is there without the others.

use std::future::ready;
use std::sync::Arc;

use super::kept::blocking;
use super::{Connector, bound_to};
use crate::crm::Identity;
use crate::crm::auth::{Session, Tokens};
use crate::domain::run::Word;
use crate::domain::text::grouped;
use crate::engine::audit::{Draft, What};
use crate::engine::relink;
use crate::engine::state::lock;
use crate::engine::tables::{CONNECTION, Connection, TOKENS, UNSURE, USERS};
use crate::engine::tx::{Durability, Tx};
use crate::engine::view::{Anew, Relink};
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

/// What the log says of it.
const LEFT: &str = "the org of this profile was left: the next sign-in may be to another one";

impl Connector {
    /// Keeps tokens, whose they are, and the entry that tells of it, in one commit; then uses them.
    pub(super) async fn take(&self, tokens: Tokens, identity: Identity) -> Result<()> {
        let at = self.0.settings.clock.now();
        let who = format!("{} at {}", identity.username, identity.org_id);
        let entry = Draft::engine(at, What::SignedIn, who);
        let bytes = tokens.encode()?;
        let pairs = match self.identity() {
            // Whether it is still the org as it was, its records say.
            Some(_) => self.0.state.pairs()?,
            None => Vec::new(),
        };
        let keep = self.note(move |tx, connection| {
            for pair in &pairs {
                tx.put(&UNSURE, &Key::new().text(pair.name.as_str()), &());
            }
            connection.identity = Some(identity);
            connection.checked = Some(at);
            tx.put(&TOKENS, &[], &bytes);
            tx.audit(entry);
        });
        match self.opened().await {
            Ok(opened) => opened.session.adopt_kept(tokens, keep).await?,
            Err(error) => {
                // Earlier tokens that cannot be read are in nobody's way: these take their place.
                tracing::warn!(target: "engine", %error, "the earlier sign-in is replaced");
                let store = Arc::clone(&self.0.tokens);
                let opened = self.over(Session::signed_out(self.oauth()?, store))?;
                opened.session.adopt_kept(tokens.clone(), keep).await?;
                if self.0.opened.set(opened).is_err()
                    && let Ok(opened) = self.opened().await
                {
                    // Somebody looked at the same time, perhaps at what lay there before.
                    opened.session.adopt_kept(tokens, ready(Ok(()))).await?;
                }
            }
        }
        lock(&self.0.known).trouble = None;
        Ok(())
    }

    /// Lets go of the org that the profile belongs to: signs out, and the links of all pairs end before
    /// anything is read from the org that is signed in to next. All in one commit but the sign-out,
    /// which is made before.
    ///
    /// # Errors
    /// It is not as many links as were shown, or the store cannot be written.
    pub async fn leave_org(&self, relink: Relink, person: String) -> Result<()> {
        let shown = blocking(&self.0.state, relink::view).await?;
        if shown.links() != relink.links {
            let text = format!("{} are linked by now", grouped(shown.links()));
            return Err(Error::new(Kind::Changed, text).hint("look again, and give that number"));
        }
        if let Err(error) = self.disconnect().await {
            // The org may be gone.
            tracing::warn!(target: "engine", %error, "giving up a sign-in");
        }
        let at = self.0.settings.clock.now();
        let how = relink.how;
        let told = match shown.ends_too() {
            Some(too) => format!("{LEFT}. With its links end {too}"),
            None => LEFT.to_owned(),
        };
        let by = match how {
            Anew::ByKey => "by key",
            Anew::ByRules => "by rules",
        };
        let org = shown.org.map_or_else(|| "no org".to_owned(), |(id, _)| id);
        let text = format!("{org} with {} links; new ones {by}", relink.links);
        let entry = Draft::new(at, &person, What::OrgLeft, text);
        let connection = blocking(&self.0.state, move |state| {
            let mut tx = state.begin();
            let connection = Connection {
                version: state.connection()?.version,
                ..Connection::default()
            };
            for key in state.store().keys(&USERS, &[]) {
                tx.delete(&USERS, &key?);
            }
            relink::leave(&mut tx, how)?;
            tx.put(&CONNECTION, &[], &connection);
            tx.audit(entry);
            tx.log(at, Word::Warn, None, told);
            tx.commit(Durability::Now)?;
            Ok(connection)
        })
        .await?;
        lock(&self.0.known).connection = connection;
        Ok(())
    }

    /// Whether this org is the one that the profile belongs to.
    pub(super) fn admit(&self, identity: &Identity) -> Result<()> {
        match self.identity() {
            Some(pinned) if pinned.org_id != identity.org_id => {
                Err(bound_to(&pinned.org_id, &identity.org_id))
            }
            _ => Ok(()),
        }
    }

    /// Keeps who we are.
    pub(super) async fn remember(&self, identity: Identity) -> Result<()> {
        let at = self.0.settings.clock.now();
        self.note(move |_, connection| {
            connection.identity = Some(identity);
            connection.checked = Some(at);
        })
        .await?;
        lock(&self.0.known).trouble = None;
        Ok(())
    }

    /// Notes that the org answered as it should: a run tells as much as a question.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn answered(&self) -> Result<()> {
        let at = self.0.settings.clock.now();
        self.note(move |_, connection| connection.checked = Some(at))
            .await
    }

    /// Changes what is kept of the connection, with whatever belongs to it, and shows it once it
    /// is durable.
    pub(super) async fn note(
        &self,
        change: impl FnOnce(&mut Tx<'_>, &mut Connection) + Send + 'static,
    ) -> Result<()> {
        let connection = blocking(&self.0.state, |state| {
            let mut tx = state.begin();
            let mut connection = state.connection()?;
            change(&mut tx, &mut connection);
            tx.put(&CONNECTION, &[], &connection);
            tx.commit(Durability::Now)?;
            Ok(connection)
        })
        .await?;
        lock(&self.0.known).connection = connection;
        Ok(())
    }
}
