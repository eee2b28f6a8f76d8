//! Lines that find no room in a text become records of the pair that takes them
//! (sync-semantics 20.4).
//!
//! Writes nothing to the CRM. Invariant: that a line counts as sent, and the record that carries it
//! from here on, are one commit.

use jiff::Timestamp;

use super::{Step, from_app, transform_failure};
use crate::domain::append::Block;
use crate::domain::conflict::Superseded;
use crate::domain::id::PairName;
use crate::domain::reconcile::CompiledRow;
use crate::domain::record::Link;
use crate::domain::run::Word;
use crate::domain::value::{Fields, Value};
use crate::engine::cx::RunCx;
use crate::engine::tx::{Spill, Tx};
use crate::error::Result;

/// Makes records of lines, and notes that these are never to be sent again. Gives the pair that
/// takes them; none, and nothing is done, where that pair is not as the mapping says.
///
/// # Errors
/// When the store cannot be read.
fn spill(
    tx: &mut Tx<'_>,
    cx: &RunCx,
    link: &Link,
    (row, lines): (&CompiledRow, &Block),
    now: Timestamp,
) -> Result<Option<PairName>> {
    let (Some(overflow), Some(crm_id)) = (&cx.pair.pair.overflow, link.crm_id) else {
        return Ok(None);
    };
    let Some(child) = tx.state().pair(&overflow.pair)? else {
        return Ok(None);
    };
    let (Some(target), Some(field)) = (overflow.target(&child), row.row.crm.first()) else {
        return Ok(None);
    };
    let spill = Spill {
        run: cx.run,
        of: &link.app_id,
        row: row.row.id,
        lines,
        at: now,
    };
    tx.spill(&spill, &child, &target).map_err(from_app)?;
    let sent = Fields::from([(field.clone(), Value::text(lines.appended_to("")))]);
    tx.note_appended(&cx.pair, crm_id, &sent)?;
    Ok(Some(child.name))
}

/// What was done with lines that found no room, in words.
pub fn in_words(lines: usize, pair: &PairName) -> String {
    match lines {
        1 => format!("the text is full: 1 new line becomes a record of {pair}"),
        n => format!("the text is full: {n} new lines become records of {pair}"),
    }
}

impl Step<'_, '_> {
    pub(super) fn overflow(&mut self, row: &CompiledRow, lines: &Block) -> Result<()> {
        let Some(pair) = spill(self.tx, self.cx, &self.link, (row, lines), self.now)? else {
            let failure = transform_failure(self.cx, row.row.id, &lines.unfit());
            self.out.fail(failure);
            return Ok(());
        };
        self.rebase(row)?;
        self.went_away(row.row.id, Superseded::OneSided)?;
        self.out.overflowed = true;
        self.note(Word::Ok, in_words(lines.records().count(), &pair));
        Ok(())
    }
}
