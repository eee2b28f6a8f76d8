//! What a connection is made from, in plain values.
//!
//! Reads no files. Invariant: a secret in here has no printable form.

use super::super::cx::Clock;
use crate::crm::auth::Grant;
use crate::crm::gate::GateSettings;
use crate::crm::salesforce;
use crate::crm::transport::HttpSettings;
use crate::crm::transport::host::ServerKind;

/// Scopes that a sign-in asks for; `id` is for asking who signed in (salesforce-api 1.2).
pub const SCOPES: [&str; 3] = ["api", "refresh_token", "id"];

/// What a connection is made from.
#[derive(Debug, Clone)]
pub struct ConnectorSettings {
    /// Origin to sign in at, such as `https://login.salesforce.com`.
    pub login: String,
    /// Consumer key; without it nothing but looking works.
    pub client_id: Option<String>,
    /// How to sign in, with what that way needs.
    pub grant: Grant,
    /// Port of `http://localhost:PORT/callback`, for a sign-in by browser; 0 takes a free one.
    pub callback_port: u16,
    /// Server kind, time limits, proxy, roots.
    pub http: HttpSettings,
    /// API version and retries.
    pub api: salesforce::Settings,
    /// API budget and calls at once.
    pub gate: GateSettings,
    /// Where the time comes from.
    pub clock: Clock,
}

impl ConnectorSettings {
    /// The usual ones for an app: by browser, without a secret.
    pub fn new(login: impl Into<String>, client_id: Option<String>, server: ServerKind) -> Self {
        Self {
            login: login.into(),
            client_id,
            grant: Grant::Browser {
                client_secret: None,
            },
            callback_port: 7717,
            http: HttpSettings::new(server),
            api: salesforce::Settings::default(),
            gate: GateSettings::default(),
            clock: Clock::default(),
        }
    }

    /// The redirect address that has to be registered with the app.
    pub fn redirect_uri(&self) -> String {
        format!("http://localhost:{}/callback", self.callback_port)
    }
}
