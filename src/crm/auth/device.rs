//! The device flow: a code that a person types on a page of Salesforce (salesforce-api 1.6).
//!
//! Stores nothing. Invariants: it is asked no faster than the server allows; tokens that arrive
//! after nobody waits any more are given up.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::error::{AuthError, Refusal};
use super::sign_in::OAuth;
use super::token_call;
use super::tokens::Tokens;
use crate::crm::transport::host::{Purpose, check};
use crate::crm::transport::text::tidy;
use crate::domain::id::OrgId;

/// Between two polls when the server does not say (RFC 8628 section 3.5).
const USUAL_INTERVAL: Duration = Duration::from_secs(5);
/// What `slow_down` adds to it.
const SLOWER: Duration = Duration::from_secs(5);
/// How long a code is good when the server does not say.
const USUAL_LIFE: Duration = Duration::from_secs(600);

/// A sign-in that waits for a person to type a code.
pub struct Device {
    oauth: OAuth,
    code: SecretString,
    user_code: String,
    address: Url,
    interval: Duration,
    life: Duration,
}

impl Device {
    pub(super) async fn start(oauth: &OAuth) -> Result<Self, AuthError> {
        let answer = token_call::device_start(oauth).await?;
        // A person opens it and signs in there: no other host may name itself.
        let address = check(
            &answer.verification_uri,
            Purpose::Login,
            oauth.http.server(),
        )?;
        let seconds = |number: Option<u64>, usual| number.map_or(usual, Duration::from_secs);
        Ok(Self {
            oauth: oauth.clone(),
            code: answer.device_code.into(),
            user_code: tidy(&answer.user_code, 40),
            address,
            interval: seconds(answer.interval, USUAL_INTERVAL).max(Duration::from_secs(1)),
            life: seconds(answer.expires_in, USUAL_LIFE).min(USUAL_LIFE * 3),
        })
    }

    /// What the person types.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Where the person types it.
    pub fn address(&self) -> &Url {
        &self.address
    }

    /// How long the code is good.
    pub fn life(&self) -> Duration {
        self.life
    }

    /// Asks until the person has decided or the code has ended; `pause` waits between two
    /// questions. With an expected organisation, a sign-in to another one is given up at once.
    /// Can be dropped at any time.
    ///
    /// # Errors
    /// Denied, not decided in time, or refused. Nothing is stored in any case.
    pub async fn wait<P, F>(
        &self,
        expected: Option<&OrgId>,
        mut pause: P,
    ) -> Result<Tokens, AuthError>
    where
        P: FnMut(Duration) -> F,
        F: Future<Output = ()>,
    {
        let (mut interval, mut waited) = (self.interval, Duration::ZERO);
        while waited < self.life {
            pause(interval).await;
            waited += interval;
            match self.poll().await {
                Ok(tokens) => return self.oauth.admit(tokens, expected).await,
                Err(error) => match next(&error) {
                    Next::Again => {}
                    Next::Slower => interval += SLOWER,
                    Next::Over => return Err(error),
                },
            }
        }
        Err(AuthError::CodeEnded)
    }

    /// Asks once, in a task of its own: an answer with tokens must not be dropped unseen.
    async fn poll(&self) -> Result<Tokens, AuthError> {
        let (answer, asked) = tokio::sync::oneshot::channel();
        let (oauth, code) = (self.oauth.clone(), self.code.clone());
        tokio::spawn(async move {
            let result = token_call::device_poll(&oauth, &code).await;
            if let Err(Ok(tokens)) = answer.send(result) {
                oauth.give_up(&tokens).await;
            }
        });
        asked
            .await
            .unwrap_or(Err(AuthError::BadAnswer("the question was stopped")))
    }
}

enum Next {
    Again,
    Slower,
    Over,
}

fn next(error: &AuthError) -> Next {
    match error {
        AuthError::Refused(Refusal { code, .. }) => match code.as_str() {
            "authorization_pending" => Next::Again,
            "slow_down" => Next::Slower,
            _ => Next::Over,
        },
        // The network may come back while the person still types.
        AuthError::NoAnswer(_) | AuthError::ServerTrouble(_) => Next::Slower,
        _ => Next::Over,
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("address", &self.address.as_str())
            .finish_non_exhaustive()
    }
}
