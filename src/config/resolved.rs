//! The settings after every check: what the rest of the program works with.
//!
//! [`resolve`] is total: it always gives a complete set, with the default in place of each
//! wrong value, plus the list of problems. The caller starts nothing when the list is not empty.
//! It does not read files and does not look at the network.
//!
//! Invariant: a value of a type in this module is within the range its documentation says.

mod check;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use url::Url;

use crate::domain::budget::Shares;
use crate::domain::id::PairName;
use crate::domain::mapping::{Guard, Strategy};
use crate::domain::preset::Preset;
use crate::domain::schedule::{CatchUp, Overlap, Schedule};

use super::login::{self, LoginAddress};
use super::problem::Problem;
use super::raw::{RawConfig, RawConnection};
use super::sign_in::SignIn;
use check::{Check, word};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// All settings of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What kind of working set this is.
    pub profile: Profile,
    /// How to reach Salesforce.
    pub connection: Connection,
    /// How much, how fast, how carefully.
    pub sync: SyncRules,
    /// How many API calls may be used.
    pub budget: Budget,
    /// When pairs run; one that is not named keeps the schedule it has in the store.
    pub schedules: BTreeMap<PairName, Schedule>,
    /// How the console looks.
    pub ui: Ui,
    /// What is logged.
    pub log: Log,
    /// How the local store works.
    pub store: Store,
}

impl Default for Config {
    fn default() -> Self {
        resolve(RawConfig::default()).0
    }
}

/// `[profile]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Whether anything may be written.
    pub access: Access,
    /// The pairs that a store without any begins with.
    pub preset: Option<Preset>,
}

/// Whether writes are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Both sides may be written.
    ReadWrite,
    /// Nothing is written on either side.
    ReadOnly,
}

/// `[connection]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Address to sign in at; `https`, or `http` to loopback with [`Server::Sandbox`].
    pub login: LoginAddress,
    /// Consumer key of the external client app. Not a secret.
    pub client_id: Option<String>,
    /// How to sign in.
    pub sign_in: SignIn,
    /// Port of `http://localhost:PORT/callback`, 1024 to 65535.
    pub callback_port: u16,
    /// REST API version such as `67.0`.
    pub api_version: String,
    /// Whose server it is.
    pub server: Server,
    /// Until a connection stands; 1 s to 120 s.
    pub connect_timeout: Duration,
    /// Until a whole answer is there; 5 s to 600 s.
    pub request_timeout: Duration,
    /// Way out of the network.
    pub proxy: Proxy,
    /// PEM file with certificate authorities beside those of the system.
    pub extra_ca_file: Option<PathBuf>,
}

/// The word for no preset.
pub const NO_PRESET: &str = "none";

/// Whose server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Salesforce.
    Salesforce,
    /// Our own sandbox server on this machine.
    Sandbox,
}

/// Which proxy is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    /// `HTTPS_PROXY`, `NO_PROXY` and so on.
    System,
    /// None, whatever the environment says.
    Direct,
    /// This one. Without name and password.
    Address(Url),
}

/// `[sync]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRules {
    /// How far before the watermark each poll reads again; 0 s to 3,600 s.
    pub overlap: Duration,
    /// How old an observation must be before it guards a write; 0 s to 60 s.
    pub settle: Duration,
    /// How long a write without an answer may still be carried out; 0 s to 3,600 s.
    pub late: Duration,
    /// Records that are written together, 1 to 200.
    pub write_batch: usize,
    /// How updates of pairs are guarded that a preset makes; afterwards their mapping says it.
    pub guard: Guard,
    /// What is done about fires of a schedule that nobody was there for.
    pub catch_up: CatchUp,
    /// What is done about a fire of a pair whose last run has not ended.
    pub overlap_of_runs: Overlap,
    /// Who decides in pairs that do not say it, when both sides changed.
    pub strategy: Strategy,
    /// How long what runs replaced is kept; 1 day to 3,650.
    pub kept: Duration,
    /// How long after its instant a fire starts at most; 0 s to 300 s.
    pub jitter: Duration,
}

/// `[budget]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Who may use how much; percent from 1 to 100, the reserve up to 100,000.
    pub shares: Shares,
    /// Calls that are on their way at the same time, 1 to 25.
    pub calls_at_once: usize,
}

/// `[ui]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ui {
    /// Name of a theme; whether it exists is known when themes are loaded.
    pub theme: String,
    /// How many colours.
    pub color: Color,
    /// How times are shown at first.
    pub times: Times,
    /// How long a lone Esc waits for what may belong to it; none: as the line is.
    pub esc_wait: Option<Duration>,
    /// What the first line begins with, so that two windows cannot be mistaken for each other.
    pub band: Option<Band>,
}

/// A word and one colour for the first line of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// At most 12 characters.
    pub word: String,
    /// One of the terminal's own.
    pub colour: BandColour,
}

/// The colours of a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandColour {
    /// The text's own.
    Text,
    /// Red.
    Red,
    /// Green.
    Green,
    /// Yellow.
    Yellow,
    /// Blue.
    Blue,
    /// Magenta.
    Magenta,
    /// Cyan.
    Cyan,
}

/// The longest word of a band, in characters.
const BAND: usize = 12;

fn band(word: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_graphic() || c == ' ';
    match !word.trim().is_empty() && word.len() <= BAND && word.chars().all(fits) {
        true => Ok(word.trim().to_owned()),
        false => Err("one to 12 letters, digits and signs"),
    }
}

/// Colour depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// By the environment.
    Auto,
    /// None.
    Never,
    /// The 16 of the terminal.
    Ansi16,
    /// 256.
    Ansi256,
    /// 24 bit.
    TrueColor,
}

impl Color {
    /// The depth of that word, as in the settings.
    ///
    /// # Errors
    /// The words there are.
    pub fn named(word: &str) -> Result<Self, String> {
        let words = <Self as check::Words>::WORDS;
        let found = words.iter().find(|(known, _)| *known == word);
        found.map(|(_, color)| *color).ok_or_else(|| {
            let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            format!("one of {}", list.join(", "))
        })
    }
}

/// How times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// UTC.
    Utc,
    /// Zone of the machine.
    Local,
}

/// `[log]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// From which weight on.
    pub level: LogLevel,
    /// Files kept, one a day, 1 to 365.
    pub keep_days: u16,
}

/// Weight of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Faults.
    Error,
    /// And oddities.
    Warn,
    /// And what happens.
    Info,
    /// And how.
    Debug,
    /// And each step.
    Trace,
}

impl LogLevel {
    /// The word of the config file.
    pub fn word(self) -> &'static str {
        word(self)
    }
}

/// `[store]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Store {
    /// Memory that the store may take for its pages and the table of them, 16 to 4,096 MiB.
    pub cache_mib: u32,
    /// When a backup is made by itself.
    pub backup: Backup,
    /// Backups kept, 1 to 100.
    pub keep_backups: NonZeroUsize,
}

/// When a backup is made by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backup {
    /// Once a day.
    Daily,
    /// Never.
    Never,
}

/// Checks what was written and fills in the defaults.
pub fn resolve(raw: RawConfig) -> (Config, Vec<Problem>) {
    let mut check = Check::default();
    let config = Config {
        profile: Profile {
            access: check.choice(raw.profile.access, Access::ReadWrite),
            preset: check.preset(raw.profile.preset),
        },
        connection: connection(&mut check, raw.connection),
        sync: SyncRules {
            overlap: check.seconds(raw.sync.overlap_seconds, 660, 0..=3_600),
            settle: check.seconds(raw.sync.settle_seconds, 2, 0..=60),
            late: check.seconds(raw.sync.late_seconds, 660, 0..=3_600),
            write_batch: check.number(raw.sync.write_batch, 200, 1..=200),
            guard: check.choice(raw.sync.guard, Guard::Precondition),
            catch_up: check.choice(raw.sync.catch_up, CatchUp::One),
            overlap_of_runs: check.choice(raw.sync.overlap, Overlap::QueueOne),
            strategy: check.choice(raw.sync.strategy, Strategy::Ask),
            kept: DAY * check.number(raw.sync.undo_days, 90, 1..=3_650),
            jitter: check.seconds(raw.sync.jitter_seconds, 30, 0..=300),
        },
        budget: Budget {
            shares: Shares {
                max_share: check.number(raw.budget.max_share, 50, 1..=100),
                stop_at_org_used: check.number(raw.budget.stop_at_org_used, 80, 1..=100),
                per_run_share: check.number(raw.budget.per_run_share, 25, 1..=100),
                interactive_reserve: check.number(raw.budget.interactive_reserve, 200, 0..=100_000),
            },
            calls_at_once: check.number(raw.budget.calls_at_once, 5, 1..=25),
        },
        schedules: raw
            .pairs
            .into_iter()
            .filter_map(|(name, pair)| {
                let name = check.name(name, "a pair");
                Some((PairName::new(name), check.schedule(pair.schedule)?))
            })
            .collect(),
        ui: Ui {
            theme: match raw.ui.theme {
                Some(theme) => check.name(theme, "a theme"),
                None => "terminal".into(),
            },
            color: check.choice(raw.ui.color, Color::Auto),
            times: check.choice(raw.ui.times, Times::Utc),
            esc_wait: raw
                .ui
                .esc_wait_ms
                .is_some()
                .then(|| Duration::from_millis(check.number(raw.ui.esc_wait_ms, 60, 10..=1_000))),
            band: {
                let colour = check.choice(raw.ui.band_color, BandColour::Text);
                let word = check.text(raw.ui.band, band);
                word.map(|word| Band { word, colour })
            },
        },
        log: Log {
            level: check.choice(raw.log.level, LogLevel::Info),
            keep_days: check.number(raw.log.keep_days, 14, 1..=365),
        },
        store: Store {
            cache_mib: check.number(raw.store.cache_mib, 192, 16..=4_096),
            backup: check.choice(raw.store.backup, Backup::Daily),
            keep_backups: NonZeroUsize::new(check.number(raw.store.keep_backups, 3, 1..=100))
                .unwrap_or(NonZeroUsize::MIN),
        },
    };
    (config, check.problems)
}

fn connection(check: &mut Check, raw: RawConnection) -> Connection {
    let server = match raw.sandbox_server.as_ref().map(|s| *s.get_ref()) {
        Some(true) => Server::Sandbox,
        Some(false) | None => Server::Salesforce,
    };
    let sandbox_span = raw.sandbox_server.as_ref().map(Spanned::span);
    let login_span = raw.login_host.as_ref().map(Spanned::span);
    let login = login::resolve(raw.login_host, server, sandbox_span).unwrap_or_else(|problem| {
        check.problems.push(problem);
        LoginAddress::standard()
    });
    Connection {
        sign_in: check.sign_in(raw.sign_in, raw.client_secret, (login.clone(), login_span)),
        login,
        client_id: check.text(raw.client_id, |id| {
            let known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            (!id.is_empty() && id.chars().all(known))
                .then(|| id.to_owned())
                .ok_or(
                    "the consumer key of the external client app (letters, digits, `.`, `_`, `-`)",
                )
        }),
        callback_port: check.number(raw.callback_port, 7_717, 1_024..=65_535),
        api_version: check
            .text(raw.api_version, |v| {
                let major = v.strip_suffix(".0").and_then(|m| m.parse::<u16>().ok());
                match major {
                    Some(40..=199) => Ok(v.to_owned()),
                    _ => Err("a version of the REST API from \"40.0\" on, such as \"67.0\""),
                }
            })
            .unwrap_or_else(|| "67.0".into()),
        server,
        connect_timeout: check.seconds(raw.connect_timeout_seconds, 10, 1..=120),
        request_timeout: check.seconds(raw.request_timeout_seconds, 120, 5..=600),
        proxy: check.text(raw.proxy, proxy).unwrap_or(Proxy::System),
        extra_ca_file: check.text(raw.extra_ca_file, |p| {
            let path = PathBuf::from(p);
            path.is_absolute()
                .then_some(path)
                .ok_or("the full path of a PEM file")
        }),
    }
}

fn proxy(text: &str) -> Result<Proxy, &'static str> {
    let expected = "\"system\", \"none\" or an address like \"http://proxy.example:3128\" without name and password";
    match text {
        "system" => Ok(Proxy::System),
        "none" => Ok(Proxy::Direct),
        address => match Url::parse(address) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.username().is_empty()
                    && url.password().is_none() =>
            {
                Ok(Proxy::Address(url))
            }
            _ => Err(expected),
        },
    }
}
