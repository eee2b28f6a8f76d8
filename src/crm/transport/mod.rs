//! One HTTP exchange: TLS, proxy, timeouts per phase, limits, and the request id in the log.
//!
//! Knows nothing of Salesforce, tokens or retries. Redirects are never followed, because what
//! travels here is a credential. Invariants: a failure says whether a byte may have left
//! ([`Failure::effect`]); no log line holds a header, a body or a query string.

pub mod host;
mod stream;
pub mod text;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use self::host::ServerKind;
use self::stream::Trace;
pub use self::stream::{Body, Incoming, Upload};
use super::error::Effect;
use crate::error::{Error, Kind};

/// How long each phase of an exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name lookup, connection and TLS.
    pub connect: Duration,
    /// From sending to the head of the answer; a query may take two minutes to start
    /// (salesforce-api 2.4).
    pub answer: Duration,
    /// Between two pieces of the body.
    pub idle: Duration,
    /// The whole body.
    pub body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(130),
            idle: Duration::from_secs(30),
            body: Duration::from_secs(600),
        }
    }
}

/// Which proxy is used. Loopback of a local sandbox never goes through one.
#[derive(Debug, Clone, Default)]
pub enum Proxy {
    /// `HTTPS_PROXY`, `NO_PROXY` and the like.
    #[default]
    System,
    /// None, whatever the environment says.
    Direct,
    /// This address; it may hold a user and a password.
    Fixed(SecretString),
}

/// What an [`Http`] is made from.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Which hosts may be talked to.
    pub server: ServerKind,
    /// Time limits.
    pub timeouts: Timeouts,
    /// User-Agent header.
    pub user_agent: String,
    /// More root certificates than the system's, as PEM.
    pub extra_roots: Option<Vec<u8>>,
    /// Proxy.
    pub proxy: Proxy,
    /// Largest body that is read, in bytes after decompression.
    pub max_body: usize,
}

impl HttpSettings {
    /// Usual settings for a kind of server.
    pub fn new(server: ServerKind) -> Self {
        Self {
            server,
            timeouts: Timeouts::default(),
            user_agent: concat!("syncdeck/", env!("CARGO_PKG_VERSION")).to_owned(),
            extra_roots: None,
            proxy: Proxy::default(),
            max_body: 256 << 20,
        }
    }
}

/// What went wrong with an exchange that gave no complete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection; nothing was sent.
    Unreachable,
    /// The time of a phase ran out.
    Timeout,
    /// The connection broke.
    Lost,
    /// The body is larger than allowed.
    TooLarge,
    /// The file to be sent cannot be read; nothing was sent.
    Unreadable,
}

/// An exchange without a complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Which sort.
    pub kind: FailureKind,
    /// Whether the server may have acted on the request.
    pub effect: Effect,
    /// What happened, free of addresses' queries and of secrets.
    pub message: String,
    /// Our id of the request.
    pub request: String,
}

/// A complete answer, whatever its status.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, decompressed.
    pub body: Bytes,
    /// Our id of the request.
    pub request: String,
}

impl Reply {
    /// The answer as if it had come over the network.
    #[cfg(test)]
    fn into_response(self) -> reqwest::Response {
        let mut response = http::Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response.into()
    }

    /// The server's clock, from the Date header.
    pub fn date(&self) -> Option<Timestamp> {
        date(&self.headers)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What is sent.
pub struct Outgoing {
    /// Method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Body,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("path", &self.url.path())
            .finish_non_exhaustive()
    }
}

/// A client for one kind of server. Clones share connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    server: ServerKind,
    timeouts: Timeouts,
    max_body: usize,
    /// The server's clock in the newest answer, and when it was heard.
    heard: Arc<Mutex<Option<(Timestamp, Instant)>>>,
    #[cfg(test)]
    double: Option<std::sync::Arc<dyn Exchange>>,
}

/// Stands in for the network in tests of what is above it.
#[cfg(test)]
pub(in crate::crm) trait Exchange: fmt::Debug + Send + Sync {
    /// Answers a request.
    fn exchange(&self, out: Outgoing, request: &str) -> Result<Reply, Failure>;
}

impl Http {
    /// Builds the client.
    ///
    /// # Errors
    /// A certificate or a proxy address that cannot be read: kind `Config`.
    pub fn new(settings: &HttpSettings) -> crate::error::Result<Self> {
        // An error only means that the process has a provider already.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let mut builder = reqwest::Client::builder()
            .user_agent(&settings.user_agent)
            .connect_timeout(settings.timeouts.connect)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tls_version_min(reqwest::tls::Version::TLS_1_2);
        if settings.server == ServerKind::Salesforce {
            builder = builder.https_only(true);
        }
        if let Some(pem) = &settings.extra_roots {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|found| !found.is_empty())
                .ok_or_else(|| {
                    Error::new(Kind::Config, "the extra root certificate cannot be read")
                        .hint("give a file with certificates in PEM form")
                })?;
            builder = builder.tls_certs_merge(certificates);
        }
        builder = match (&settings.proxy, settings.server) {
            (Proxy::Direct, _) | (Proxy::System, ServerKind::LocalSandbox) => builder.no_proxy(),
            (Proxy::System, ServerKind::Salesforce) => builder,
            (Proxy::Fixed(address), _) => {
                let proxy = reqwest::Proxy::all(address.expose_secret()).map_err(|_| {
                    Error::new(Kind::Config, "the proxy address cannot be read")
                        .hint("write it as http://host:port, with user:password@ if needed")
                })?;
                builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_env()))
            }
        };
        let client = builder.build().map_err(|error| {
            Error::new(Kind::Config, "the HTTPS client cannot be set up").hint(root_cause(&error))
        })?;
        Ok(Self {
            client,
            server: settings.server,
            timeouts: settings.timeouts,
            max_body: settings.max_body,
            heard: Arc::default(),
            #[cfg(test)]
            double: None,
        })
    }

    /// The same client with somebody else in place of the network.
    #[cfg(test)]
    pub(in crate::crm) fn instead(&self, double: std::sync::Arc<dyn Exchange>) -> Self {
        Self {
            double: Some(double),
            ..self.clone()
        }
    }

    /// Which hosts may be talked to.
    pub fn server(&self) -> ServerKind {
        self.server
    }

    /// What the server's clock shows now, as far as its answers say.
    pub fn server_clock(&self) -> Option<Timestamp> {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, since) = heard?;
        at.checked_add(since.elapsed()).ok()
    }

    fn hear(&self, headers: &HeaderMap) {
        if let Some(at) = date(headers) {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            *heard = Some((at, Instant::now()));
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// No complete answer; see [`Failure::effect`].
    pub async fn send(&self, out: Outgoing) -> Result<Reply, Failure> {
        self.open(out).await?.whole().await
    }

    /// Sends a request; the answer's body is still to be read.
    ///
    /// # Errors
    /// No head of an answer; see [`Failure::effect`].
    pub async fn open(&self, out: Outgoing) -> Result<Incoming, Failure> {
        let trace = Trace::new(out.method.clone(), out.url.path().to_owned());
        match self.head(out, &trace.request).await {
            Ok(response) => Ok(Incoming::new(response, trace, self)),
            Err(failure) => {
                trace.failed(&failure);
                Err(failure)
            }
        }
    }

    async fn head(&self, out: Outgoing, request: &str) -> Result<reqwest::Response, Failure> {
        #[cfg(test)]
        if let Some(double) = &self.double {
            return double.exchange(out, request).map(Reply::into_response);
        }
        let failure = |kind, effect, message: String| Failure {
            kind,
            effect,
            message,
            request: request.to_owned(),
        };
        let body = out.body.open().await.map_err(|error| {
            let message = format!("the file cannot be read: {}", error.kind());
            failure(FailureKind::Unreadable, Effect::None, message)
        })?;
        let sending = self
            .client
            .request(out.method, out.url)
            .headers(out.headers)
            .body(body)
            .send();
        match tokio::time::timeout(self.timeouts.answer, sending).await {
            Err(_) => {
                let message = format!("no answer within {:?}", self.timeouts.answer);
                Err(failure(FailureKind::Timeout, Effect::Unknown, message))
            }
            Ok(Err(error)) if error.is_connect() || error.is_builder() => {
                let message = format!("no connection: {}", root_cause(&error));
                Err(failure(FailureKind::Unreachable, Effect::None, message))
            }
            Ok(Err(error)) => {
                let message = format!("the connection broke: {}", root_cause(&error));
                Err(failure(FailureKind::Lost, Effect::Unknown, message))
            }
            Ok(Ok(response)) => {
                self.hear(response.headers());
                Ok(response)
            }
        }
    }
}

/// The Date header.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get("date")?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
}

/// The innermost cause. The outer texts of an HTTP error hold the address with its query.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    cause.map_or_else(
        || "no further detail".to_owned(),
        |cause| text::tidy(&cause.to_string(), 200),
    )
}
