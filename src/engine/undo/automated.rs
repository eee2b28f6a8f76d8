//! What the org changed of records that we wrote, as the read-back shows it (sync-semantics 15).
//!
//! Notes and words only: nothing of it is taken back. Invariant: a value counts only where it is
//! another one than what was sent, or than what was there, and nobody else is named as the author.

use super::written::{Deed, Turned};
use crate::domain::id::FieldName;
use crate::domain::reconcile::{CompiledRow, cell_of, same_cell};
use crate::domain::record::{BasePair, Link, Observation, Source, Standing};
use crate::domain::transform::Side;
use crate::domain::value::{Cell, Fields};
use crate::engine::cx::RunCx;
use crate::engine::tx::Tx;

/// Records that are named one by one.
const NAMED: usize = 20;

/// Notes what came back otherwise than a run wrote it. `link` is as it was before the read-back.
pub fn note(tx: &mut Tx<'_>, cx: &RunCx, link: &Link, seen: &Observation) {
    let others = cx.me.is_some() && seen.modified_by.is_some() && seen.modified_by != cx.me;
    let ours = |standing| standing != Standing::Settled;
    let wrote = |b: &BasePair| b.run == cx.run && ours(b.standing);
    if seen.source != Source::ReadBack || others || !link.bases.values().any(wrote) {
        return;
    }
    let (mut before, mut after) = (Fields::new(), Fields::new());
    for row in cx.pair.rows.iter().filter(|row| !row.row.flow.appends()) {
        let sent = link.bases.get(&row.row.id).filter(|base| wrote(base));
        let was = match sent {
            Some(base) => Some(base.crm.clone()),
            None => held(row, link.seen.as_ref()),
        };
        let (Some(was), Some(is)) = (was, held(row, Some(seen))) else {
            continue;
        };
        if !same_cell(&row.crm, &was, &is) {
            before.extend(row.row.crm.iter().cloned().zip(was));
            after.extend(row.row.crm.iter().cloned().zip(is));
        }
    }
    if !after.is_empty() {
        let deed = Deed::Automated { before, after };
        tx.automated(cx.run, &link.app_id, seen.id, deed);
    }
}

fn held(row: &CompiledRow, seen: Option<&Observation>) -> Option<Cell> {
    cell_of(Side::Crm, &row.row.crm, &seen?.fields)
}

/// The records that came back otherwise, in sentences.
#[derive(Debug, Default)]
pub(super) struct Told {
    sentences: Vec<String>,
    more: usize,
}

impl Told {
    /// One record.
    pub(super) fn add<'f>(
        &mut self,
        name: &str,
        fields: impl Iterator<Item = (&'f FieldName, &'f Turned)>,
    ) {
        let fields: Vec<String> = fields
            .map(|(field, turned)| {
                let quoted = |text: String| match text.as_str() {
                    "" => "(empty)".to_owned(),
                    _ => format!("{text:?}"),
                };
                let (was, is) = (turned.before.to_string(), turned.after.to_string());
                format!("{field} became {}, not {}", quoted(is), quoted(was))
            })
            .collect();
        match (fields.is_empty(), self.sentences.len() < NAMED) {
            (true, _) => {}
            (false, true) => self
                .sentences
                .push(format!("{name}: {} when it was saved.", fields.join("; "))),
            (false, false) => self.more += 1,
        }
    }

    /// All of them.
    pub(super) fn sentences(mut self) -> Vec<String> {
        if self.more > 0 {
            let text = format!("{} more records came back otherwise.", self.more);
            self.sentences.push(text);
        }
        self.sentences
    }
}
