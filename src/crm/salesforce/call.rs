//! One call to the API: access, retries, counters (salesforce-api 1.9, sync-semantics 9.3).
//!
//! Knows nothing of records. Invariants: reads are repeated only for passing errors; a write is
//! repeated only when certainly nothing happened; one refresh per call; the token goes only to
//! the instance and to the identity address of its own token response.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::ExposeSecret;
use url::Url;
use zeroize::Zeroizing;

use super::super::auth::{Access, AuthError, Renewed};
use super::super::error::{CrmError, Effect, ErrorClass};
use super::super::transport::{Outgoing, Reply};
use super::Salesforce;
use super::catalogue::{Retry, retry};
use super::describe::limit_info;
use super::errors::{Intent, no_answer, not_sent, refresh_did_not_help, refused};

/// How often and how fast a call is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Calls at most, the first included.
    pub attempts: usize,
    /// First pause at most; doubles each time, with full jitter.
    pub base: Duration,
    /// Longest pause; a longer `Retry-After` ends the repeating.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
        }
    }
}

/// Where a call goes.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// Path and query under the instance.
    Path(String),
    /// The identity address of the tokens.
    Identity,
}

/// A call, ready to be sent as often as needed.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) body: Bytes,
    pub(super) headers: &'static [(&'static str, &'static str)],
}

impl Call {
    /// A read by path.
    pub(super) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            target: Target::Path(path),
            body: Bytes::new(),
            headers: &[],
        }
    }

    /// A call with a JSON body.
    pub(super) fn with_body(method: Method, path: String, body: Bytes) -> Self {
        Self {
            method,
            body,
            ..Self::get(path)
        }
    }
}

/// A failed attempt.
struct Failed {
    error: CrmError,
    pause: Pause,
}

/// When the same call may be sent again.
enum Pause {
    /// After a usual pause, if its class allows it.
    Usual,
    /// The server said how long.
    Asked(Duration),
    /// Not by this call.
    Never,
}

impl Failed {
    fn usual(error: CrmError) -> Self {
        Self {
            error,
            pause: Pause::Usual,
        }
    }

    fn may_repeat(&self, intent: Intent, policy: RetryPolicy) -> bool {
        let passing = matches!(
            self.error.class,
            ErrorClass::TransientCall | ErrorClass::TransientRow
        ) && retry(&self.error) == Retry::Soon;
        let harmless = intent == Intent::Read || self.error.effect == Effect::None;
        let in_time = match self.pause {
            Pause::Usual => true,
            Pause::Asked(time) => time <= policy.cap,
            Pause::Never => false,
        };
        passing && harmless && in_time
    }
}

impl From<AuthError> for Failed {
    fn from(error: AuthError) -> Self {
        // Only when nothing left for the token endpoint; a lost refresh is not repeated blindly.
        let again = matches!(&error, AuthError::NoAnswer(f) if f.effect == Effect::None);
        Self {
            error: error.for_call(),
            pause: if again { Pause::Usual } else { Pause::Never },
        }
    }
}

/// Refusals of the access token in one call before it is given up.
const MAX_RENEWALS: usize = 3;

impl Salesforce {
    /// Makes a call and reads its answer; an answer that `parse` cannot read counts as failed.
    pub(super) async fn call<T, P>(
        &self,
        call: &Call,
        intent: Intent,
        parse: P,
    ) -> Result<T, CrmError>
    where
        P: Fn(&Reply) -> Result<T, CrmError> + Sync,
    {
        let policy = self.retry;
        let parse = &parse;
        let attempt = || async move {
            let reply = self.attempt(call, intent).await?;
            parse(&reply).map_err(Failed::usual)
        };
        let backoff = ExponentialBuilder::default()
            .with_min_delay(policy.base)
            .with_max_delay(policy.cap)
            .with_factor(2.0)
            .with_max_times(policy.attempts.saturating_sub(1));
        attempt
            .retry(backoff)
            .when(|failed: &Failed| failed.may_repeat(intent, policy))
            .adjust(|failed, pause| {
                pause.map(|pause| match failed.pause {
                    Pause::Asked(time) => time,
                    _ => full_jitter(pause),
                })
            })
            .notify(|failed, pause| {
                tracing::info!(
                    target: "crm", request = %failed.error.request, code = %failed.error.code,
                    pause_ms = pause.as_millis(), "sending again"
                );
            })
            .await
            .map_err(|failed| failed.error)
    }

    /// One call, with a refresh in between if the access token has ended.
    async fn attempt(&self, call: &Call, intent: Intent) -> Result<Reply, Failed> {
        let mut access = self.session.ready().await?;
        let mut fresh = false;
        let mut renewals = 0;
        loop {
            let reply = self
                .once(call, &access, intent)
                .await
                .map_err(Failed::usual)?;
            if reply.status.is_success() {
                return Ok(reply);
            }
            let error = refused(&reply, intent);
            tracing::warn!(
                target: "crm", request = %error.request, code = %error.code, class = ?error.class,
                effect = ?error.effect, "refused"
            );
            if error.class != ErrorClass::Auth {
                let pause = retry_after(&reply).map_or(Pause::Usual, Pause::Asked);
                return Err(Failed { error, pause });
            }
            if fresh || renewals == MAX_RENEWALS {
                return Err(Failed::usual(refresh_did_not_help(error)));
            }
            renewals += 1;
            access = match self.session.renew(&access).await? {
                Renewed::Fresh(access) => {
                    fresh = true;
                    access
                }
                Renewed::Newer(access) => access,
            };
        }
    }

    async fn once(&self, call: &Call, access: &Access, intent: Intent) -> Result<Reply, CrmError> {
        let url = match &call.target {
            Target::Path(path) => under(access.instance_url(), path)?,
            Target::Identity => access.identity_url().clone(),
        };
        let mut headers = HeaderMap::new();
        let token = Zeroizing::new(format!("Bearer {}", access.token().expose_secret()));
        let mut token = HeaderValue::from_str(&token)
            .map_err(|_| not_sent("the access token holds signs that cannot be sent"))?;
        token.set_sensitive(true);
        headers.insert(AUTHORIZATION, token);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert("sforce-call-options", self.call_options.clone());
        if intent == Intent::Write {
            // Otherwise a create or an update may hand the record to another owner (2.11).
            headers.insert("sforce-auto-assign", HeaderValue::from_static("FALSE"));
        }
        if !call.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in call.headers {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        self.count_call();
        let reply = self
            .http
            .send(Outgoing {
                method: call.method.clone(),
                url,
                headers,
                body: call.body.clone(),
            })
            .await
            .map_err(|failure| no_answer(failure, intent))?;
        if let Some(usage) = reply.header("sforce-limit-info").and_then(limit_info) {
            self.note_usage(usage);
        }
        Ok(reply)
    }
}

/// A path under the instance. The result is never at another host.
fn under(instance: &Url, path: &str) -> Result<Url, CrmError> {
    let url = instance
        .join(path)
        .map_err(|_| not_sent("the path cannot be read"))?;
    if url.origin() == instance.origin() && path.starts_with('/') {
        Ok(url)
    } else {
        Err(not_sent("the path leads to another host"))
    }
}

/// `Retry-After` in seconds. The form with a date is left to the usual pause.
fn retry_after(reply: &Reply) -> Option<Duration> {
    let seconds: u64 = reply.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Anything from nothing to the pause, so that callers that failed together come back apart.
fn full_jitter(pause: Duration) -> Duration {
    let mut bytes = [0u8; 4];
    // Without randomness the full pause is still right.
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => pause.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)),
        Err(_) => pause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_at_its_host() {
        let instance = Url::parse("https://acme.my.salesforce.com").unwrap();
        let at = |path: &str| under(&instance, path).map(String::from);
        assert_eq!(
            at("/services/data/v67.0/query/01g-2").unwrap(),
            "https://acme.my.salesforce.com/services/data/v67.0/query/01g-2"
        );
        for path in [
            "//evil.example/x",
            "/\\evil.example",
            "https://evil.example/",
            "x",
            "",
        ] {
            assert!(at(path).is_err(), "{path}");
        }
    }

    #[test]
    fn jitter_is_within_the_pause() {
        let pause = Duration::from_millis(100);
        for _ in 0..100 {
            assert!(full_jitter(pause) <= pause);
        }
    }
}
