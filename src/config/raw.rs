//! The config file as it is written: names and kinds of values, nothing checked yet.
//!
//! Every value carries its place in the file, so that [`resolved`](super::resolved) can point
//! at it. Numbers are read as wide as TOML has them; their range is checked later, with words.
//!
//! Invariant: a key that is not named here is an error, on each level.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A value that may be absent, with its place.
pub type Slot<T> = Option<Spanned<T>>;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    /// `[profile]`
    pub profile: RawProfile,
    /// `[connection]`
    pub connection: RawConnection,
    /// `[sync]`
    pub sync: RawSync,
    /// `[budget]`
    pub budget: RawBudget,
    /// `[pairs.NAME]`
    pub pairs: BTreeMap<Spanned<String>, RawPair>,
    /// `[ui]`
    pub ui: RawUi,
    /// `[log]`
    pub log: RawLog,
    /// `[store]`
    pub store: RawStore,
}

/// `[profile]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawProfile {
    /// `read-write` or `read-only`.
    pub access: Slot<String>,
    /// Name of a preset, or `none`.
    pub preset: Slot<String>,
}

/// `[connection]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConnection {
    /// Host to sign in at.
    pub login_host: Slot<String>,
    /// `browser`, `jwt`, `client-credentials`, `device`.
    pub sign_in: Slot<String>,
    /// Consumer key of the external client app.
    pub client_id: Slot<String>,
    /// Where the consumer secret is found: `env:NAME`, `file:PATH`.
    pub client_secret: Slot<String>,
    /// Port of the loopback callback.
    pub callback_port: Slot<i64>,
    /// REST API version, `MAJOR.0`.
    pub api_version: Slot<String>,
    /// Whether this is our own sandbox server on loopback.
    pub sandbox_server: Slot<bool>,
    /// Seconds.
    pub connect_timeout_seconds: Slot<i64>,
    /// Seconds.
    pub request_timeout_seconds: Slot<i64>,
    /// `system`, `none` or an address.
    pub proxy: Slot<String>,
    /// PEM file with more certificate authorities.
    pub extra_ca_file: Slot<String>,
}

/// `[sync]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawSync {
    /// Seconds.
    pub overlap_seconds: Slot<i64>,
    /// Seconds.
    pub settle_seconds: Slot<i64>,
    /// Seconds.
    pub late_seconds: Slot<i64>,
    /// Records.
    pub write_batch: Slot<i64>,
    /// `precondition` or `none`.
    pub guard: Slot<String>,
    /// `one`, `never` or `all`.
    pub catch_up: Slot<String>,
    /// `queue-one` or `skip`.
    pub overlap: Slot<String>,
    /// Who decides when both sides changed.
    pub strategy: Slot<String>,
    /// Days.
    pub undo_days: Slot<i64>,
    /// Seconds.
    pub jitter_seconds: Slot<i64>,
}

/// `[budget]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawBudget {
    /// Percent.
    pub max_share: Slot<i64>,
    /// Percent.
    pub stop_at_org_used: Slot<i64>,
    /// Percent.
    pub per_run_share: Slot<i64>,
    /// Calls.
    pub interactive_reserve: Slot<i64>,
    /// Calls.
    pub calls_at_once: Slot<i64>,
}

/// `[pairs.NAME]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawPair {
    /// One of the forms of `domain::schedule`.
    pub schedule: Slot<String>,
}

/// `[ui]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawUi {
    /// Name of a theme.
    pub theme: Slot<String>,
    /// `auto`, `never`, `16`, `256`, `truecolor`.
    pub color: Slot<String>,
    /// `utc` or `local`.
    pub times: Slot<String>,
    /// Milliseconds.
    pub esc_wait_ms: Slot<i64>,
    /// A word for the first line.
    pub band: Slot<String>,
    /// Name of a colour.
    pub band_color: Slot<String>,
}

/// `[log]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLog {
    /// `error`, `warn`, `info`, `debug`, `trace`.
    pub level: Slot<String>,
    /// Files.
    pub keep_days: Slot<i64>,
}

/// `[store]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawStore {
    /// MiB.
    pub cache_mib: Slot<i64>,
    /// `daily` or `never`.
    pub backup: Slot<String>,
    /// Backups.
    pub keep_backups: Slot<i64>,
}
