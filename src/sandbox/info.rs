//! What a client needs to connect: the ready line of `sandbox serve` is this as JSON.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::{Options, ids::SfId, oauth::App};

/// How to reach an org and sign in.
///
/// It holds secrets of the sandbox and therefore shows none of them in `Debug`.
#[derive(Clone, Serialize)]
pub struct Info {
    /// Where everything but control answers, without a slash at the end.
    pub url: String,
    /// Where the data API answers; the same host.
    pub instance_url: String,
    /// Where a person signs in; the same host.
    pub login_url: String,
    pub api_version: &'static str,
    /// 18 characters.
    pub org_id: String,
    /// The integration user, 18 characters.
    pub user_id: String,
    pub username: String,
    /// Of every user.
    pub password: String,
    /// Follows the password in calls that sign in without a browser.
    pub security_token: String,
    pub client_id: String,
    pub client_secret: String,
    pub redirect_uris: Vec<String>,
    /// Of the integration user, signed in already; no approval counts for it.
    pub access_token: String,
    pub refresh_token: String,
    /// The certificate to trust, in PEM; none over http.
    pub ca_file: Option<PathBuf>,
    /// Private key of the app for the JWT bearer grant, PKCS#8 in PEM.
    pub jwt_key_file: Option<PathBuf>,
    /// A unique external id of Lead.
    pub external_id_field: &'static str,
    /// An external id of Lead that several records may share.
    pub external_id_field_nonunique: &'static str,
    /// A port of its own, always over http.
    pub control_url: String,
    /// Sent as `Authorization: Bearer` to the control interface.
    pub control_token: String,
    pub pid: u32,
}

impl Info {
    /// What is known from the start; the rest is empty.
    pub(super) fn of(url: String, options: &Options, app: &App, user: SfId) -> Self {
        Self {
            instance_url: url.clone(),
            login_url: url.clone(),
            url,
            api_version: "67.0",
            org_id: options.org_id().to_string(),
            user_id: user.to_string(),
            username: String::new(),
            password: String::new(),
            security_token: String::new(),
            client_id: app.client_id.clone(),
            client_secret: app.client_secret.clone(),
            redirect_uris: app.redirects.clone(),
            access_token: String::new(),
            refresh_token: String::new(),
            ca_file: None,
            jwt_key_file: None,
            external_id_field: "Syncdeck_Key__c",
            external_id_field_nonunique: "Legacy_Key__c",
            control_url: String::new(),
            control_token: String::new(),
            pid: std::process::id(),
        }
    }
}

impl fmt::Debug for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Info")
            .field("instance_url", &self.instance_url)
            .field("org_id", &self.org_id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
