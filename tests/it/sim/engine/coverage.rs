//! What many histories have met: classes of errors, points where a process ended, rules that only
//! the engine has.
//!
//! Invariant: what [`expected`] names and a long run never met is a failure.

use std::collections::BTreeMap;

use syncdeck::crm::ErrorClass;
use syncdeck::domain::run::Phase;

/// How often each thing was met.
#[derive(Debug, Clone, Default)]
pub struct Coverage(pub BTreeMap<String, u64>);

/// Where a process ends in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

/// Where a process ends at the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before a batch is applied.
    Apply,
    /// Power is lost: what was applied after a sync is gone.
    Sync,
}

/// Rule R20: a create in doubt is found by its key.
pub const ADOPTED: &str = "rule R20";

/// The parts of a run in which a process may end.
pub const PHASES: [Phase; 6] = [
    Phase::Recover,
    Phase::Read,
    Phase::Compare,
    Phase::Write,
    Phase::Confirm,
    Phase::Sweep,
];
/// A line of ours was removed from a text after the engine knew it.
pub const REMOVED: &str = "notes: removed";
/// The oldest lines of ours made room in a text.
pub const ROTATED: &str = "notes: made room";
/// A linked record left the pair's filter and rests.
pub const LEFT: &str = "filter: left";
/// One that rested came back.
pub const CAME_BACK: &str = "filter: came back";
/// One that left was unlinked.
pub const UNLINKED: &str = "filter: unlinked";
/// A record of the App was linked with the one that is the same there.
pub const MATCHED: &str = "matches: linked";
/// A person was asked which one a record is.
pub const ASKED_WHICH: &str = "matches: asked";
/// A window that reads everything left records out.
pub const LEFT_OUT: &str = "filter: left out of a window";
/// Writes were held at rest because they were very many.
pub const HELD: &str = "very many: held";
/// And a person allowed them.
pub const ALLOWED: &str = "very many: allowed";
/// Two calls that write were on their way at once.
pub const TWO_FLY: &str = "two calls at once";
/// And more than two.
pub const MORE_FLY: &str = "more calls at once";

/// A delete that no window had was in the list of deletions.
pub const LISTED: &str = "deletions: listed";
/// The list of deletions did not reach back far enough.
pub const TRIMMED: &str = "deletions: trimmed";

/// A backup took the place of the store. Of histories of their own, like the next two.
pub const PUT_BACK: &str = "backup: put back";
/// An org was left.
pub const LEFT_BEHIND: &str = "org: left";
/// The process ended while everything was compared, or before.
pub const CUT_OFF: &str = "comparison: cut off";

impl Coverage {
    /// It was met.
    pub fn met(&mut self, what: String) {
        *self.0.entry(what).or_default() += 1;
    }

    /// An error was answered.
    pub fn error(&mut self, class: ErrorClass) {
        self.met(error(class));
    }

    /// All together.
    pub fn join(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what.clone()).or_default() += times;
        }
    }

    /// What is expected and was never met.
    pub fn never(&self) -> Vec<String> {
        let mut all = expected();
        all.retain(|what| !self.0.contains_key(what));
        all
    }

    /// A line for each.
    pub fn lines(&self) -> String {
        let each = self.0.iter();
        each.map(|(what, times)| format!("{times:9} {what}\n"))
            .collect()
    }
}

/// Its name.
pub fn error(class: ErrorClass) -> String {
    format!("error {class:?}")
}

/// The end of a process in a call.
pub fn in_call(call: &str, when: When) -> String {
    // Numbers of records do not matter.
    let call = call.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
    format!("crash {when:?} {call}")
}

/// The end of a process at the disk.
pub fn at_disk(cut: Cut, phase: Option<Phase>) -> String {
    match phase {
        Some(phase) => format!("crash {cut:?} in {phase:?}"),
        None => format!("crash {cut:?} in no phase"),
    }
}

fn expected() -> Vec<String> {
    use ErrorClass as E;
    let errors = [
        E::TransientRow,
        E::TransientCall,
        E::ThrottleConcurrent,
        E::ThrottleDaily,
        E::Auth,
        E::AuthDead,
        E::Schema,
        E::Data,
        E::Automation,
        E::Identity,
        E::Capacity,
        E::Collateral,
        E::Precondition,
        E::Unknown,
    ];
    let calls = [
        "changes",
        "retrieve",
        "find",
        "create",
        "update",
        "update if",
        "delete",
        "updated",
        "deleted",
    ];
    let mut all: Vec<String> = errors.into_iter().map(error).collect();
    for call in calls {
        all.extend([When::Before, When::After].map(|when| in_call(call, when)));
    }
    for phase in PHASES {
        all.extend([Cut::Apply, Cut::Sync].map(|cut| at_disk(cut, Some(phase))));
    }
    let rules = [
        ADOPTED,
        REMOVED,
        ROTATED,
        LEFT,
        CAME_BACK,
        UNLINKED,
        LEFT_OUT,
        HELD,
        ALLOWED,
        TWO_FLY,
        MORE_FLY,
        LISTED,
        TRIMMED,
        MATCHED,
        ASKED_WHICH,
    ];
    all.extend(rules.map(str::to_owned));
    all
}
