//! Whether a mapping is sound (sync-semantics 2.3, 3.2, 3.7, 5.3): findings with row and remedy.
//!
//! It changes nothing and asks nobody: the described object, the other pairs and sample records
//! are given. Invariant: a mapping without [`Severity::Fail`] findings can be planned for every
//! record, and its two-way rows come to rest.

use super::id::RowId;
use super::mapping::{Pair, Row};
use super::schema::ObjectInfo;
use super::value::Fields;

mod conversion;
mod coverage;
mod dropping;
mod fields;
mod kinds;
mod lines;
mod overflow;
mod pair;
#[cfg(test)]
mod tests;
mod values;

pub use self::coverage::{Coverage, coverage};
pub use self::kinds::{Family, kind_name};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Must not be saved.
    Fail,
    /// Works, but look.
    Warn,
}

/// One thing that is wrong or worth a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Row; none for the pair as a whole.
    pub row: Option<RowId>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub text: String,
    /// What helps.
    pub fix: String,
}

/// One real record: the App's values and the CRM's, as far as there are any.
pub type SampleFields = (Option<Fields>, Option<Fields>);

/// Checks a pair. Without `object` (nobody has signed in yet), nothing is said about what the
/// CRM allows; `objects` are those of the other pairs, as far as they are known. Findings come with failures first, then by row.
pub fn check(
    pair: &Pair,
    object: Option<&ObjectInfo>,
    others: &[Pair],
    objects: &[ObjectInfo],
    samples: &[SampleFields],
) -> Vec<Finding> {
    let mut cx = Checker {
        pair,
        object,
        others,
        objects,
        samples,
        found: Vec::new(),
    };
    cx.pair_as_a_whole();
    cx.takes_lines();
    cx.double_writes();
    for row in pair.active() {
        cx.row_fields(row);
        cx.row_values(row);
    }
    let order: Vec<RowId> = pair.rows.iter().map(|r| r.id).collect();
    let place = |row: Option<RowId>| row.map(|id| order.iter().position(|o| *o == id));
    cx.found.sort_by_key(|f| (f.severity, place(f.row)));
    cx.found
}

struct Checker<'a> {
    pair: &'a Pair,
    object: Option<&'a ObjectInfo>,
    others: &'a [Pair],
    objects: &'a [ObjectInfo],
    samples: &'a [SampleFields],
    found: Vec<Finding>,
}

impl Checker<'_> {
    fn fail(&mut self, row: Option<&Row>, text: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Fail, row, text.into(), fix.into());
    }

    fn warn(&mut self, row: Option<&Row>, text: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Warn, row, text.into(), fix.into());
    }

    fn add(&mut self, severity: Severity, row: Option<&Row>, text: String, fix: String) {
        self.found.push(Finding {
            row: row.map(|r| r.id),
            severity,
            text,
            fix,
        });
    }

    /// The other pairs, without an older self.
    fn rivals(&self) -> impl Iterator<Item = &Pair> {
        self.others.iter().filter(|p| p.name != self.pair.name)
    }
}
