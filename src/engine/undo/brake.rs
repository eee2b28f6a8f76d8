//! Very many writes of one kind in taking back a run, which a person has to allow by number
//! (sync-semantics 14.2, 15).
//!
//! Counts what a preview would write; writes nothing. Invariant: the limits are those of any run.

use std::collections::BTreeMap;

use crate::domain::mass::{Held, Mass};
use crate::domain::reconcile::is_blank;
use crate::domain::record::Presence;
use crate::domain::transform::Side;
use crate::engine::command::Allowance;
use crate::error::{Error, Kind, Result};

use super::plan::{Back, CrmBack};

/// Counts writes by kind.
#[derive(Debug, Default)]
pub(super) struct Masses(BTreeMap<Mass, (u64, String)>);

impl Masses {
    /// One more record.
    pub(super) fn add(&mut self, back: &Back) {
        let mut found: BTreeMap<Mass, &str> = BTreeMap::new();
        if back.stand == Some(Presence::Deleted) {
            found.insert(Mass::Delete(Side::App), "");
        } else if !back.app.is_empty() {
            found.insert(Mass::Update(Side::App), "");
        }
        match &back.crm {
            Some(CrmBack::Delete(_)) => drop(found.insert(Mass::Delete(Side::Crm), "")),
            Some(CrmBack::Fields(_)) => drop(found.insert(Mass::Update(Side::Crm), "")),
            Some(CrmBack::Create(_)) | None => {}
        }
        for line in back.lines.iter().filter(|line| is_blank(&line.after)) {
            if let Some(row) = line.row {
                found.insert(Mass::Blank(line.to, row), &line.field);
            }
        }
        for (mass, field) in found {
            let known = self.0.entry(mass).or_insert((0, field.to_owned()));
            known.0 += 1;
        }
    }

    /// What is too much for a pair of so many records.
    pub(super) fn too_many(self, records: u64, few: u64) -> Vec<Held> {
        let all = self.0.into_iter().map(|(what, (number, field))| Held {
            what,
            field,
            number,
            limit: what.limit(records, few),
            records,
            allowed: 0,
            examples: Vec::new(),
        });
        all.filter(|held| held.number > held.limit).collect()
    }
}

/// Refuses what is too much and was not allowed.
///
/// # Errors
/// [`Kind::Refused`], with what has to be allowed.
pub(super) fn allowed(held: &[Held], allow: &[Allowance]) -> Result<()> {
    let is_allowed = |held: &&Held| {
        let name = held.name();
        allow
            .iter()
            .any(|a| a.name == name && a.number >= held.number)
    };
    let left: Vec<&Held> = held.iter().filter(|held| !is_allowed(held)).collect();
    let Some(first) = left.first() else {
        return Ok(());
    };
    let flags = left.iter().map(|held| {
        let flag = format!("{}={}", held.name(), held.number);
        match flag.contains(' ') {
            true => format!("--allow '{flag}'"),
            false => format!("--allow {flag}"),
        }
    });
    let flags: Vec<String> = flags.collect();
    let what = format!("it would do {}: nothing was written", first.much());
    Err(Error::new(Kind::Refused, what).hint(format!("to do it all the same: {}", flags.join(" "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::RowId;
    use crate::domain::value::Value;
    use crate::engine::undo::plan::Line;

    fn blanks() -> Back {
        let line = Line {
            to: Side::App,
            row: Some(RowId(2)),
            field: "phone".to_owned(),
            now: vec![Value::text("1")],
            after: vec![Value::Null],
        };
        Back {
            app: [("phone".into(), Value::Null)].into(),
            lines: vec![line],
            ..Back::default()
        }
    }

    #[test]
    fn the_limits_are_those_of_any_run() {
        let held = |times: usize, records| {
            let mut masses = Masses::default();
            (0..times).for_each(|_| masses.add(&blanks()));
            let held = masses.too_many(records, 20);
            held.iter()
                .map(|h| (h.name(), h.number))
                .collect::<Vec<_>>()
        };
        assert_eq!(held(20, 20), [], "few are never asked about");
        let both = [
            ("app-updates".to_owned(), 21),
            ("app-blanks:phone".to_owned(), 21),
        ];
        assert_eq!(held(21, 20), both);
        assert_eq!(held(21, 400), both[1..], "21 of 400 are no mass of updates");
        assert_eq!(held(21, 420), []);
    }

    #[test]
    fn each_kind_is_allowed_by_name_and_number() {
        let mut masses = Masses::default();
        (0..30).for_each(|_| masses.add(&blanks()));
        let held = masses.too_many(30, 20);
        let allow = |pairs: &[(&str, u64)]| {
            let one = |(name, number): &(&str, u64)| Allowance {
                name: (*name).to_owned(),
                number: *number,
            };
            allowed(&held, &pairs.iter().map(one).collect::<Vec<_>>())
        };
        let error = allow(&[("app-updates", 30)]).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        let hint = error.remedy().unwrap();
        assert!(hint.ends_with("--allow app-blanks:phone=30"), "{hint}");
        assert!(allow(&[("app-updates", 30), ("app-blanks:phone", 29)]).is_err());
        assert!(allow(&[("app-updates", 30), ("app-blanks:phone", 30)]).is_ok());
    }
}
