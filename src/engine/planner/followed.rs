//! Carries out what a converted lead comes to where that is followed (rule R15, sync-semantics 14.4).
//!
//! Reads and links nothing of what it became: that is for the pairs of those objects. Invariant: the
//! link of the lead ends in the same transaction in which what it became is noted.

use super::super::tables::{FOLLOWED, Followed, crm_key};
use super::Step;
use crate::domain::id::{CrmId, FieldName, PairName};
use crate::domain::mapping::Converts;
use crate::domain::reconcile::{Outcome, same_cell};
use crate::domain::record::{LinkState, Source};
use crate::domain::run::{Failure, Word};
use crate::domain::transform::Side;
use crate::domain::value::Fields;
use crate::error::Result;

/// What a converted lead became.
struct Became {
    object: &'static str,
    id: CrmId,
}

impl Step<'_, '_> {
    /// Takes what the lead holds for the last time, ends its link, and hands on what it became.
    pub(super) fn follow(&mut self, rows: &[Outcome], pull: Fields) -> Result<()> {
        // As long as it is not known what it became, it is one that is not written.
        self.link.state = LinkState::Converted;
        self.fields(rows, Fields::new(), pull)?;
        let Some(became) = self.became() else {
            return Ok(());
        };
        let unsent = self.unsent();
        self.link.state = LinkState::Closed;
        let pairs = self.tx.state().pairs()?;
        let mut followed = Vec::new();
        for Became { object, id } in &became {
            for pair in pairs.iter().filter(|p| p.object.as_str() == *object) {
                self.hand_on(&pair.name, id);
                followed.push(format!("{object} {id}"));
            }
        }
        let into = match followed.is_empty() {
            true => "no pair takes in what it became".to_owned(),
            false => format!("goes on as {}", followed.join(", ")),
        };
        self.note(Word::Info, format!("converted in Salesforce; {into}"));
        if !unsent.is_empty() {
            let text = format!(
                "{} of the App never reached Salesforce: a converted lead is not written",
                unsent.join(", ")
            );
            self.note(Word::Warn, text);
        }
        self.all_superseded()
    }

    /// What it became; none when that is to be read first, or is not shown.
    fn became(&mut self) -> Option<Vec<Became>> {
        let seen = self.seen.as_ref()?;
        let shown = |(name, _): &&(&str, _)| seen.fields.contains_key(&FieldName::new(*name));
        let fields: Vec<_> = Converts::BECAME.iter().filter(shown).collect();
        match (fields.is_empty(), seen.source) {
            (false, _) => {}
            (true, Source::Poll) => {
                self.out.needs_read = Some(seen.id);
                return None;
            }
            (true, Source::ReadBack | Source::Probe) => {
                self.out.fail(Failure {
                    code: "CONVERSION_NOT_SHOWN".to_owned(),
                    what: "what the converted lead became is not shown".to_owned(),
                    why: "the sync user may not see ConvertedContactId and the like".to_owned(),
                    fix: "give the sync user access to them, or set on_convert to \"freeze\""
                        .to_owned(),
                    fields: Converts::BECAME.map(|(name, _)| name.to_owned()).to_vec(),
                    request: String::new(),
                });
                return None;
            }
        }
        let found = fields.into_iter().filter_map(|(name, object)| {
            let id = seen.fields.get(&FieldName::new(*name))?.as_text()?;
            let id = id.parse().ok()?;
            Some(Became { object, id })
        });
        Some(found.collect())
    }

    fn hand_on(&mut self, pair: &PairName, id: &CrmId) {
        let from = Followed {
            became: *id,
            pair: self.link.pair.clone(),
            app_id: self.link.app_id.clone(),
            name: self.cx.title(self.app.as_ref(), self.seen.as_ref()),
        };
        self.tx.put(&FOLLOWED, &crm_key(pair, id), &from);
    }

    /// Rows of which the App holds something that Salesforce has never seen.
    fn unsent(&self) -> Vec<String> {
        let rows = self.cx.pair.rows.iter().filter(|row| row.goes_to_crm());
        let moved = rows.filter(|row| {
            let base = self.link.bases.get(&row.row.id);
            let is = self.cells(row).0;
            base.zip(is)
                .is_some_and(|(base, is)| !same_cell(&row.app, &is, &base.app))
        });
        moved.map(|row| row.row.label(Side::App)).collect()
    }
}
