//! Where tokens lie: sealed in the store, or in memory while it is not known whose they are.
//!
//! Decides nothing. Invariant: what `InState` has saved is durable when it returns.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use zeroize::Zeroizing;

use crate::crm::auth::{TokenState, TokenStore, Tokens, Way};
use crate::engine::audit::{Draft, What};
use crate::engine::cx::Clock;
use crate::engine::state::{State, lock};
use crate::engine::tables::TOKENS;
use crate::engine::tx::Durability;
use crate::error::{Error, Kind, Result};
use crate::store::StoreError;

/// Does blocking work on the state away from the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    state: &Arc<State>,
    work: impl FnOnce(&State) -> std::result::Result<T, StoreError> + Send + 'static,
) -> Result<T> {
    let state = Arc::clone(state);
    match tokio::task::spawn_blocking(move || work(&state)).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Error::new(Kind::Internal, "work on the store was stopped")),
    }
}

/// The store's own place; its values are sealed.
pub(super) struct InState(pub(super) Arc<State>, pub(super) Clock);

impl TokenStore for InState {
    fn load(&self) -> BoxFuture<'_, Result<Option<Tokens>>> {
        async {
            let found = blocking(&self.0, |state| {
                Ok(state.store().get(&TOKENS, &[])?.map(Zeroizing::new))
            });
            let bytes: Option<Zeroizing<Vec<u8>>> = found.await?;
            bytes.map(|bytes| Tokens::decode(&bytes)).transpose()
        }
        .boxed()
    }

    fn save<'a>(&'a self, tokens: &'a Tokens) -> BoxFuture<'a, Result<()>> {
        async {
            let bytes = tokens.encode()?;
            blocking(&self.0, move |state| {
                let mut tx = state.begin();
                tx.put(&TOKENS, &[], &bytes);
                tx.commit(Durability::Now)
            })
            .await
        }
        .boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        let now = self.1.now();
        blocking(&self.0, move |state| {
            let mut tx = state.begin();
            if state.store().contains(&TOKENS, &[])? {
                tx.audit(Draft::engine(now, What::SignedOut, ""));
            }
            tx.delete(&TOKENS, &[]);
            tx.commit(Durability::Now)
        })
        .boxed()
    }
}

/// How a kept sign-in stands that is not in use yet; `wanted` is the way of the settings. One look
/// into the store.
pub(super) fn standing(state: &State, wanted: Way) -> Result<(Option<Way>, TokenState)> {
    let found = state.store().get(&TOKENS, &[])?.map(Zeroizing::new);
    let tokens = found.map(|bytes| Tokens::decode(&bytes)).transpose()?;
    Ok(match tokens {
        Some(tokens) => (Some(tokens.way()), tokens.standing(wanted)),
        None => (None, TokenState::SignedOut),
    })
}

/// Tokens of a sign-in on trial.
#[derive(Default)]
pub(super) struct InMemory(Mutex<Option<Tokens>>);

impl TokenStore for InMemory {
    fn load(&self) -> BoxFuture<'_, Result<Option<Tokens>>> {
        ready(Ok(lock(&self.0).clone())).boxed()
    }

    fn save<'a>(&'a self, tokens: &'a Tokens) -> BoxFuture<'a, Result<()>> {
        *lock(&self.0) = Some(tokens.clone());
        ready(Ok(())).boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        *lock(&self.0) = None;
        ready(Ok(())).boxed()
    }
}
