//! One call to the API: access, retries, counters (salesforce-api 1.9, sync-semantics 9.3).
//!
//! Every attempt passes the gate of the connection. Knows nothing of records. Invariants: reads are repeated only for passing errors; a write is
//! repeated only when certainly nothing happened; one refresh per call; the token goes only to
//! the instance and to the identity address of its own token response.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, WARNING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::ExposeSecret;
use url::Url;
use zeroize::Zeroizing;

use super::super::auth::{Access, AuthError, Renewed};
use super::super::error::{CrmError, Effect, ErrorClass};
use super::super::gate::{Ending, Ticket};
use super::super::transport::{Body, Incoming, Outgoing, Reply};
use super::super::version::ApiVersion;
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
    pub(super) body: Body,
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// A header whose value is not known beforehand.
    pub(super) header: Option<(HeaderName, String)>,
}

impl Call {
    /// A read by path.
    pub(super) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            target: Target::Path(path),
            body: Bytes::new().into(),
            headers: &[],
            header: None,
        }
    }

    /// A call with a JSON body.
    pub(super) fn with_body(method: Method, path: String, body: Bytes) -> Self {
        Self {
            method,
            body: body.into(),
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
        let passing = match self.error.class {
            ErrorClass::TransientCall | ErrorClass::TransientRow => {
                retry(&self.error) == Retry::Soon
            }
            // Not a failure: it only has to wait (sync-semantics 9.1).
            ErrorClass::ThrottleConcurrent => true,
            _ => false,
        };
        let harmless = intent == Intent::Read || self.error.effect == Effect::None;
        #[cfg(test)]
        let harmless = harmless || mutants::resends_blindly();
        let in_time = match self.pause {
            Pause::Usual => true,
            Pause::Asked(time) => time <= policy.cap,
            Pause::Never => false,
        };
        passing && harmless && in_time
    }
}

impl From<CrmError> for Failed {
    fn from(error: CrmError) -> Self {
        Self::usual(error)
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
        let parse = &parse;
        let attempt = || async move {
            let (incoming, ticket) = self.attempt(call, intent).await?;
            let reply = incoming.whole().await;
            let (reply, ticket) = ticket.pass(reply.map_err(|f| no_answer(f, intent)))?;
            // A page of a proxy with status 200 is no answer.
            let (value, ticket) = ticket.pass(parse(&reply))?;
            ticket.end(Ending::Answer);
            Ok(value)
        };
        self.repeat(intent, attempt).await
    }

    /// Makes a call that only reads, and gives its answer to `take` while it comes. When it breaks
    /// off, both are done again from the beginning.
    pub(super) async fn stream<'a, T, P>(&'a self, call: &'a Call, take: P) -> Result<T, CrmError>
    where
        P: Fn(Incoming) -> BoxFuture<'a, Result<T, CrmError>> + Sync,
    {
        let take = &take;
        let attempt = || async move {
            let (incoming, ticket) = self.attempt(call, Intent::Read).await?;
            let (taken, ticket) = ticket.pass(take(incoming).await)?;
            ticket.end(Ending::Answer);
            Ok(taken)
        };
        self.repeat(Intent::Read, attempt).await
    }

    /// Attempts as often as the policy allows.
    async fn repeat<T, A, F>(&self, intent: Intent, attempt: A) -> Result<T, CrmError>
    where
        A: FnMut() -> F,
        F: Future<Output = Result<T, Failed>>,
    {
        let policy = self.retry;
        let backoff = ExponentialBuilder::default()
            .with_min_delay(policy.base)
            .with_max_delay(policy.cap)
            .with_factor(2.0)
            .with_max_times(policy.attempts.saturating_sub(1));
        attempt
            .retry(backoff)
            .when(|failed: &Failed| failed.may_repeat(intent, policy))
            .adjust(|failed, pause| {
                // After the last attempt nothing is repeated, and nothing taken for it.
                let pause = pause.filter(|_| self.gate.may_repeat());
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
            .inspect_err(|error| self.note_code(error))
    }

    /// One call, with a refresh in between if the access token has ended.
    async fn attempt(&self, call: &Call, intent: Intent) -> Result<(Incoming, Ticket), Failed> {
        let mut access = self.session.ready().await?;
        let mut fresh = false;
        let mut renewals = 0;
        loop {
            let out = self
                .outgoing(call, &access, intent)
                .map_err(Failed::usual)?;
            let ticket = self.gate.enter(&self.lane).await.map_err(Failed::usual)?;
            let incoming = self.http.open(out).await;
            let (incoming, ticket) = ticket.pass(incoming.map_err(|f| no_answer(f, intent)))?;
            let usage = incoming.headers.get("sforce-limit-info");
            if let Some(usage) = usage.and_then(|usage| limit_info(usage.to_str().ok()?)) {
                self.gate.report(usage);
            }
            // Not modified is an answer, to who asked for it.
            if incoming.status.is_success() || incoming.status == StatusCode::NOT_MODIFIED {
                self.hear_of_version(call, &incoming.headers);
                return Ok((incoming, ticket));
            }
            let reply = incoming.whole().await;
            let (reply, ticket) = ticket.pass(reply.map_err(|f| no_answer(f, intent)))?;
            let error = refused(&reply, intent);
            ticket.end(Ending::Error(&error));
            if ApiVersion::is_gone(&error) {
                self.gate.heard_of_version(ApiVersion::Retired);
            }
            tracing::warn!(
                target: "crm", request = %error.request, code = %error.code, class = ?error.class,
                effect = ?error.effect, "refused"
            );
            if error.class != ErrorClass::Auth {
                let pause = match (retry_after(&reply), error.class) {
                    (Some(time), _) => Pause::Asked(time),
                    (None, ErrorClass::ThrottleConcurrent) => Pause::Asked(self.retry.cap),
                    (None, _) => Pause::Usual,
                };
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

    /// Other addresses than those of the API have no version.
    fn hear_of_version(&self, call: &Call, headers: &HeaderMap) {
        if let Target::Path(_) = call.target {
            let warning = headers
                .get(WARNING)
                .map(|it| it.to_str().unwrap_or_default());
            self.gate.heard_of_version(ApiVersion::answered(warning));
        }
    }

    fn outgoing(&self, call: &Call, access: &Access, intent: Intent) -> Result<Outgoing, CrmError> {
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
        if let Some((name, value)) = &call.header {
            let value = HeaderValue::from_str(value)
                .map_err(|_| not_sent("a header holds signs that cannot be sent"))?;
            headers.insert(name.clone(), value);
        }
        if let Some(length) = call.body.announced() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        Ok(Outgoing {
            method: call.method.clone(),
            url,
            headers,
            body: call.body.clone(),
        })
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
pub(super) fn retry_after(reply: &Reply) -> Option<Duration> {
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

/// Faults that tests put in, to see that they are found.
#[cfg(test)]
pub(super) mod mutants {
    use std::cell::Cell;

    thread_local! {
        static RESENDS_BLINDLY: Cell<bool> = const { Cell::new(false) };
    }

    /// Whether a write of unknown outcome is sent again, on this thread.
    pub(in super::super) fn resends_blindly() -> bool {
        RESENDS_BLINDLY.get()
    }

    /// Puts the fault in, or takes it out.
    pub(in super::super) fn resend_blindly(on: bool) {
        RESENDS_BLINDLY.set(on);
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
