//! Faults to inject: which requests they hit, how often, and what happens to them.
//!
//! Decides only; [`super::http`] carries them out.

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::fail::Fail;

/// A fault and when it strikes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    /// Path and query it hits: `*` stands for anything; without one, any path that contains it.
    #[serde(default)]
    pub path: Option<String>,
    /// Only this method.
    #[serde(default)]
    pub method: Option<String>,
    /// How many matching requests are let through first.
    #[serde(default)]
    pub after: u32,
    /// How often it strikes before it is used up; none: always.
    #[serde(default)]
    pub times: Option<u32>,
    /// Chance of striking from 0 to 1; none: certain.
    #[serde(default)]
    pub probability: Option<f64>,
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// This status and JSON body instead of the real answer; nothing is done. Without a body, the
    /// one Salesforce sends with that status.
    Status {
        status: u16,
        #[serde(default)]
        body: Option<serde_json::Value>,
    },
    /// A maintenance page in HTML; nothing is done.
    Html { status: u16 },
    /// The real answer, cut in the middle, then the connection ends.
    Truncate,
    /// 200 with bytes that are no JSON; nothing is done.
    Garbage,
    /// The answer comes later.
    Delay { ms: u64 },
    /// It is done once no fault of this kind is in force any more.
    Hold,
    /// The connection ends before anything is done.
    DropBefore,
    /// Everything is done, then the connection ends without an answer.
    DropAfter,
    /// 401 INVALID_SESSION_ID though the session is fine.
    Unauthorized,
    /// 403 REQUEST_LIMIT_EXCEEDED; nothing is done.
    DailyLimit,
    /// 403 REQUEST_LIMIT_EXCEEDED of too many long calls at once; nothing is done.
    ConcurrentLimit,
    /// Writes are refused as during maintenance; reads go on.
    ReadOnly,
    /// The access token of this request ends for good, then the request goes on.
    ExpireSession,
    /// The connection ends at once; what was asked is done later all the same.
    Late { ms: u64 },
    /// It is done twice, as when a proxy sends again; the second answer is sent.
    Duplicate,
    /// Some rows of a collection, a composite or a bulk upload are refused, the others done.
    RefuseRows(Rows),
    /// The list of results is one shorter than what was asked.
    ShortList,
    /// All query cursors end, then the request goes on.
    CloseCursors,
    /// A query that finds more records than this takes too long: 400 QUERY_TIMEOUT.
    SlowQuery { most: u64 },
}

/// Which rows are refused, and with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Their places from 0; none: by chance.
    #[serde(default)]
    pub rows: Option<Vec<usize>>,
    /// Chance of a row from 0 to 1 when no places are given.
    #[serde(default = "half")]
    pub share: f64,
    #[serde(default)]
    pub code: RowCode,
    /// What chance starts from, another each time it strikes.
    #[serde(skip)]
    salt: u64,
}

fn half() -> f64 {
    0.5
}

/// What a row is refused with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RowCode {
    #[default]
    UnableToLockRow,
    CannotInsertUpdateActivateEntity,
    FieldCustomValidationException,
    UnknownException,
    DeleteFailed,
    /// None that a list of codes has.
    BrandNewCode,
}

impl Rows {
    /// Why a row is refused, if it is.
    pub fn refusal(&self, row: usize) -> Option<Fail> {
        let refused = match &self.rows {
            Some(rows) => rows.contains(&row),
            None => unit(&mut self.salt.wrapping_add(row as u64)) < self.share,
        };
        refused.then(|| match self.code {
            RowCode::UnableToLockRow => Fail::new(
                "UNABLE_TO_LOCK_ROW",
                "unable to obtain exclusive access to this record",
            ),
            RowCode::CannotInsertUpdateActivateEntity => Fail::new(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                "LeadTrigger: execution of BeforeUpdate\n\ncaused by: System.LimitException: Apex CPU time limit exceeded",
            ),
            RowCode::FieldCustomValidationException => Fail::new(
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "A rule of the org does not allow this.",
            ),
            RowCode::DeleteFailed => Fail::new(
                "DELETE_FAILED",
                "Your attempt to delete it could not be completed because it is associated with the following contracts.: 00000100",
            ),
            RowCode::BrandNewCode => Fail::new(
                "BRAND_NEW_CODE",
                "This org refuses it for a reason that no list has yet.",
            ),
            RowCode::UnknownException => Fail::new(
                "UNKNOWN_EXCEPTION",
                "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567-8901 (-123456789)",
            ),
        })
    }
}

impl FaultKind {
    /// Its name in the record of requests.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Html { .. } => "html",
            Self::Truncate => "truncate",
            Self::Garbage => "garbage",
            Self::Delay { .. } => "delay",
            Self::Hold => "hold",
            Self::DropBefore => "drop_before",
            Self::DropAfter => "drop_after",
            Self::Unauthorized => "unauthorized",
            Self::DailyLimit => "daily_limit",
            Self::ConcurrentLimit => "concurrent_limit",
            Self::ReadOnly => "read_only",
            Self::ExpireSession => "expire_session",
            Self::Late { .. } => "late",
            Self::Duplicate => "duplicate",
            Self::RefuseRows(_) => "refuse_rows",
            Self::ShortList => "short_list",
            Self::CloseCursors => "close_cursors",
            Self::SlowQuery { .. } => "slow_query",
        }
    }
}

/// A fault in force.
#[derive(Debug, Clone, Serialize)]
pub struct Active {
    pub id: u64,
    #[serde(flatten)]
    pub fault: Fault,
    /// How often it struck.
    pub struck: u32,
    #[serde(skip)]
    passed: u32,
}

/// All faults in force.
#[derive(Debug, Default)]
pub struct Faults {
    active: Vec<Active>,
    next: u64,
    random: u64,
    /// Whether requests are held.
    holding: watch::Sender<bool>,
}

impl Faults {
    /// Adds a fault and gives its number.
    pub fn add(&mut self, fault: Fault) -> u64 {
        self.next += 1;
        self.active.push(Active {
            id: self.next,
            fault,
            struck: 0,
            passed: 0,
        });
        self.tell();
        self.next
    }
    /// Says whether requests are held, from now on.
    pub fn holding(&self) -> watch::Receiver<bool> {
        self.holding.subscribe()
    }
    fn tell(&self) {
        let holds = |active: &Active| active.fault.kind == FaultKind::Hold;
        self.holding.send_replace(self.active.iter().any(holds));
    }
    /// The faults with their counts, used-up ones included.
    pub fn list(&self) -> Vec<Active> {
        self.active.clone()
    }
    /// Removes one; false when there is none of that number.
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.active.len();
        self.active.retain(|a| a.id != id);
        self.tell();
        self.active.len() != before
    }
    /// Removes all.
    pub fn clear(&mut self) {
        self.active.clear();
        self.tell();
    }

    /// The faults that strike this request, in the order they were added.
    pub fn strike(&mut self, method: &str, target: &str) -> Vec<FaultKind> {
        let random = &mut self.random;
        self.active
            .iter_mut()
            .filter_map(|active| {
                let fault = &active.fault;
                let used_up = fault.times.is_some_and(|times| active.struck >= times);
                let meant = fault
                    .method
                    .as_ref()
                    .is_none_or(|m| m.eq_ignore_ascii_case(method))
                    && fault.path.as_ref().is_none_or(|p| matches(p, target));
                if used_up || !meant {
                    return None;
                }
                active.passed += 1;
                let chance = fault.probability.is_none_or(|p| unit(random) < p);
                if active.passed <= fault.after || !chance {
                    return None;
                }
                active.struck += 1;
                let mut kind = active.fault.kind.clone();
                if let FaultKind::RefuseRows(rows) = &mut kind {
                    rows.salt = super::seed::Random::step(random);
                }
                Some(kind)
            })
            .collect()
    }
}

/// The next number of a sequence between 0 and 1, the same in every run.
fn unit(state: &mut u64) -> f64 {
    super::seed::Random::step(state) as f64 / u64::MAX as f64
}

fn matches(pattern: &str, target: &str) -> bool {
    if !pattern.contains('*') {
        return target.contains(pattern);
    }
    let mut rest = target;
    let parts: Vec<&str> = pattern.split('*').collect();
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        if last && !part.is_empty() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) if i > 0 || at == 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: serde_json::Value) -> Fault {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn patterns() {
        assert!(matches(
            "composite",
            "/services/data/v67.0/composite/sobjects"
        ));
        assert!(matches(
            "/services/*/composite",
            "/services/data/v67.0/composite"
        ));
        assert!(!matches(
            "/services/*/composite",
            "/services/data/v67.0/composite/sobjects"
        ));
        assert!(matches(
            "*query*Lead*",
            "/services/data/v67.0/query?q=SELECT Id FROM Lead LIMIT 1"
        ));
        assert!(!matches("query*", "/services/data/v67.0/query"));
    }

    #[test]
    fn a_fault_strikes_so_often_and_after_so_many() {
        let mut faults = Faults::default();
        faults.add(fault(serde_json::json!({"kind": "status", "status": 500, "path": "/a", "times": 2, "after": 1})));
        let struck: Vec<bool> = (0..5)
            .map(|_| !faults.strike("GET", "/a").is_empty())
            .collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(faults.strike("GET", "/b").is_empty());
        assert_eq!(faults.list()[0].struck, 2);
    }

    #[test]
    fn a_misspelt_fault_is_refused() {
        for bad in [
            serde_json::json!({"kind": "stats"}),
            serde_json::json!({"kind": "html"}),
        ] {
            assert!(serde_json::from_value::<Fault>(bad).is_err());
        }
    }
}
