//! What a value is to the run that wrote it, when the run is taken back.
//!
//! Pure. Invariant: a value that is neither what was there before nor what the run wrote is
//! somebody else's.

use crate::domain::reconcile::same_cell;
use crate::domain::value::{Cell, FieldKind, Value};

/// What a value is to the run that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is what was there before the run.
    Already,
    /// It is what the run wrote.
    Back,
    /// It is another one.
    Changed,
}

/// What a value is to the run.
pub(super) fn fate(kinds: &[FieldKind], before: &[Value], after: &[Value], is: &[Value]) -> Fate {
    if same_cell(kinds, is, before) {
        Fate::Already
    } else if same_cell(kinds, is, after) {
        Fate::Back
    } else {
        Fate::Changed
    }
}

/// A text without what a run added to it; `None` when that is not there exactly once.
pub(super) fn without(before: &Value, after: &Value, is: Option<&Value>) -> Option<Cell> {
    let (before, after) = (before.to_string(), after.to_string());
    let is = is?.to_string();
    let added = after.strip_prefix(&before)?;
    let mut parts = is.splitn(3, added);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(front), Some(end), None) if !added.is_empty() => {
            Some(vec![Value::text(format!("{front}{end}"))])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_value_that_is_still_the_runs_goes_back() {
        let cell = |t: &str| vec![Value::text(t)];
        let kinds = [FieldKind::Text];
        let fate = |is: &str| super::fate(&kinds, &cell("a"), &cell("b"), &cell(is));
        assert_eq!(fate("b"), Fate::Back);
        assert_eq!(fate(" b "), Fate::Back);
        assert_eq!(fate("a"), Fate::Already);
        assert_eq!(fate("c"), Fate::Changed);
    }

    #[test]
    fn added_lines_are_taken_out_of_a_text_that_went_on() {
        let text = |t: &str| Value::text(t);
        let is = |t: &str| without(&text("old"), &text("old\nnew"), Some(&text(t)));
        assert_eq!(is("old\nnew\nmore"), Some(vec![text("old\nmore")]));
        assert_eq!(is("old\nnew\nnew"), None);
        assert_eq!(is("old\nneu"), None);
    }
}
