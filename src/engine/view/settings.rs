//! Settings, sign-in, schedules and quarantine as viewers show them, and small answers to commands.

use super::*;

/// Settings as they are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SettingsView {
    /// How to sign in, as the settings say: `browser`, `jwt`, `client-credentials`, `device`.
    pub sign_in: String,
    /// Login host.
    pub login_url: String,
    /// Client id of the app in the CRM.
    pub client_id: String,
    /// Callback address that has to be registered.
    pub redirect_uri: String,
    /// Scopes asked for.
    pub scopes: Vec<String>,
    /// How the vault is locked, in words.
    pub vault: String,
    /// Where data lives.
    pub data_dir: String,
    /// Config file.
    pub config_file: String,
    /// When it was read; none where there is none.
    pub config_read: Option<Timestamp>,
    /// When it was changed after that.
    pub config_changed: Option<Timestamp>,
    /// Log file folder.
    pub log_dir: String,
    /// Bytes of the store on disk.
    pub store_bytes: u64,
    /// Pairs with their schedule, filter and rules.
    pub pairs: Vec<PairSettings>,
    /// What may be asked of each connection that counts it.
    pub limits: Vec<LimitsView>,
    /// Recovery text of the vault.
    pub recovery: String,
}

impl SettingsView {
    /// How the config file stands to what is in force. A wrong file starts nothing, so what was
    /// read was valid.
    pub fn config_state(&self) -> &'static str {
        match (self.config_read, self.config_changed) {
            (None, _) => "not there, defaults apply",
            (Some(_), None) => "valid, in force as it is",
            (Some(_), Some(_)) => {
                "changed since it was read: `syncdeck config check` looks at it, a new start uses it"
            }
        }
    }

    /// The version of each mapping: `people v14, tickets v3`.
    pub fn mapping_versions(&self) -> String {
        let versions = self
            .pairs
            .iter()
            .map(|p| format!("{} v{}", p.name, p.version));
        match self.pairs.is_empty() {
            true => "none".to_owned(),
            false => versions.collect::<Vec<_>>().join(", "),
        }
    }

    /// The rules of all pairs, with their pair.
    pub fn rules(&self) -> impl Iterator<Item = (&PairSettings, &RuleRow)> {
        let of = |pair| std::iter::repeat(pair);
        self.pairs
            .iter()
            .flat_map(move |pair| of(pair).zip(&pair.rules))
    }
}

/// What is set for a pair, as saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairSettings {
    /// Pair.
    pub name: PairName,
    /// `Contact <-> people`.
    pub title: String,
    /// When it runs.
    pub schedule: crate::domain::schedule::Schedule,
    /// Version of its mapping.
    pub version: u32,
    /// Which records of the CRM belong to it; empty for all.
    pub filter: String,
    /// What becomes of linked records that leave the filter.
    pub on_leave: Leaves,
    /// What becomes of a record of which the CRM refuses some fields.
    pub bad_fields: BadFields,
    /// Who decides its conflicts, in the order of its rows; whole records come last.
    pub rules: Vec<RuleRow>,
}

/// Who decides when both sides changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    /// The mapping row; none for conflicts about the whole record.
    pub row: Option<RowId>,
    /// `phone <-> Phone`.
    pub text: String,
    /// Who decides.
    pub rule: Strategy,
    /// Its conflicts that wait.
    pub open: u64,
}

/// What may be asked of a connection, and what was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsView {
    /// `Salesforce`.
    pub system: String,
    /// The lines in calls.
    pub limits: crate::domain::budget::Limits,
    /// Room for records and files; none until the org was asked.
    pub storage: Option<crate::domain::budget::Storage>,
    /// Calls on their way, and how many may be at once.
    pub at_once: (usize, usize),
    /// When work in the background that waits for calls goes on.
    pub resumes: Option<Timestamp>,
}

/// A record whose write was refused for good.
#[derive(Debug, Clone, PartialEq)]
pub struct QuarantineRow {
    /// Which.
    pub key: RecordKey,
    /// Its name for people.
    pub name: String,
    /// CRM record.
    pub crm_id: Option<CrmId>,
    /// Why it was refused.
    pub failure: Failure,
    /// How often it was tried.
    pub tries: u32,
    /// First refusal.
    pub first: Timestamp,
    /// Last refusal.
    pub last: Timestamp,
    /// Run of the last.
    pub run: RunId,
}

/// A record whose sides differ although neither moved since they agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftRow {
    /// Which.
    pub key: RecordKey,
    /// Its name for people.
    pub name: String,
    /// CRM record.
    pub crm_id: Option<CrmId>,
    /// Fields that differ.
    pub fields: Vec<DriftField>,
    /// Run that found it.
    pub run: RunId,
}

/// A field whose sides differ although neither moved, with both values as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftField {
    /// As the App calls it.
    pub label: String,
    /// App value.
    pub app: Option<Cell>,
    /// CRM value.
    pub crm: Option<Cell>,
    /// Who has the say when it is put right.
    pub say: Strategy,
}

impl DriftField {
    /// What putting it right does.
    pub fn deed(&self) -> &'static str {
        match self.say {
            Strategy::App => "the App's value goes to Salesforce",
            Strategy::Crm => "Salesforce's value goes to the App",
            Strategy::Newest | Strategy::NewestOrCrm | Strategy::NewestOrApp => {
                "the later value goes to the other side"
            }
            Strategy::Filled => "the side that has a value gives it to the other",
            Strategy::Ask | Strategy::Inherit => "becomes a conflict: you decide",
        }
    }
}

/// A schedule that a preview would set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleLine {
    /// Pair.
    pub pair: PairName,
    /// When it runs.
    pub now: crate::domain::schedule::Schedule,
    /// When it shall.
    pub after: crate::domain::schedule::Schedule,
}

/// What is staged of when a pair runs, and what was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleStaged {
    /// Pair.
    pub pair: PairName,
    /// What was.
    pub before: Option<crate::domain::schedule::Schedule>,
    /// What is.
    pub after: Option<crate::domain::schedule::Schedule>,
}

/// When a pair would run, were what is staged in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedTimes {
    /// When.
    pub schedule: crate::domain::schedule::Schedule,
    /// The next times, were it set now.
    pub next: Vec<Timestamp>,
}

/// When pairs run by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleList {
    /// Paused by a person: nothing starts by schedule.
    pub paused: bool,
    /// By name of the pair.
    pub rows: Vec<ScheduleRow>,
}

/// When a pair runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Pair.
    pub pair: PairName,
    /// Its title.
    pub title: String,
    /// When.
    pub schedule: crate::domain::schedule::Schedule,
    /// Who says so.
    pub given_by: GivenBy,
    /// What a person staged for it.
    pub staged: Option<StagedTimes>,
    /// The next times, soonest first; what is in the past starts at once.
    pub next: Vec<Timestamp>,
    /// Fires that started nothing since the last that did: how many, since when, and why.
    pub missed: Option<(u32, Timestamp, String)>,
    /// Why it starts nothing although it says when, and what helps.
    pub stuck: Option<String>,
}

/// Where a schedule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenBy {
    /// The settings; it is changed there.
    Settings,
    /// It was chosen here.
    Person,
}

/// What a started sign-in shows; how it ends comes as a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInView {
    /// A browser is needed.
    Browser(BrowserView),
    /// A code is to be typed.
    Code {
        /// Page to open.
        address: String,
        /// What to type there.
        code: String,
        /// How long it is good.
        minutes: u64,
    },
    /// Nobody is asked for anything.
    ByItself {
        /// How, in words.
        way: String,
    },
}

/// What a sign-in by browser shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserView {
    /// Address to open.
    pub address: String,
    /// Callback it returns to.
    pub redirect_uri: String,
    /// Whether the callback is listened for, or why not.
    pub callback: Result<(), String>,
    /// What helps when nothing comes back from the browser.
    pub hint: String,
}

/// What came of signing out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedOut {
    /// The tokens are revoked and forgotten.
    Now,
    /// There was nothing to sign out of.
    Before,
}

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInView {
    /// User name.
    pub username: String,
    /// Organisation name.
    pub org_name: String,
    /// Organisation id.
    pub org_id: String,
    /// Sandbox or production.
    pub env: crate::engine::summary::Env,
}

/// Refused decisions, by conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// How many were staged (or taken back).
    pub staged: usize,
    /// Those that were not, with the reason.
    pub refused: Vec<(ConflictId, String)>,
}

/// A new App record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedView {
    /// Its id.
    pub app_id: AppId,
}
