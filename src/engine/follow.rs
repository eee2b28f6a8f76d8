//! Takes in what converted records became, for the pair of their object (sync-semantics 14.4).
//!
//! Decides nothing about the lead: see [`planner`](super::planner). Invariant: what is noted as to be
//! followed stays so until it was asked for, whatever the window of the pair shows.

use crate::crm::{CrmRow, MAX_RETRIEVE};
use crate::domain::budget::Class;
use crate::domain::id::CrmId;
use crate::domain::run::{LogLine, Word};
use crate::store::StoreError;
use crate::store::keys::Key;

use super::matcher::Matcher;
use super::tables::{FOLLOWED, Followed, crm_key};
use super::tx::{Durability, Tx};
use super::work::{Step, Work};

impl Work {
    /// Reads what converted records became and takes it in, as at a first link.
    pub(super) fn follow_converted(&mut self) -> Step<()> {
        let all = self.to_be_followed()?;
        if all.is_empty() {
            return Ok(());
        }
        self.calls_are(Class::Pull);
        let state = self.state();
        let matcher = Matcher::new(&state, &self.cx)?;
        for some in all.chunks(MAX_RETRIEVE) {
            let ids: Vec<CrmId> = some.iter().map(|from| from.became).collect();
            let read = self.tools.crm.retrieve(&self.object, &ids, &self.fields);
            let got = self.read(read)?;
            let rows: Vec<CrmRow> = got.rows.into_iter().flatten().collect();
            let shown: Vec<CrmId> = rows.iter().map(|row| row.id).collect();
            self.take_missed(&matcher, rows, got.at)?;
            let mut tx = state.begin();
            for from in some {
                let id = from.became;
                tx.delete(&FOLLOWED, &crm_key(self.cx.name(), &id));
                match shown.contains(&id) {
                    true => self.was_followed(&mut tx, id, from)?,
                    false => self.was_not_shown(&mut tx, id, from),
                }
            }
            self.commit(tx, Durability::Now)?;
        }
        Ok(())
    }

    fn to_be_followed(&self) -> Step<Vec<Followed>> {
        let state = self.state();
        let prefix = Key::new().text(self.cx.name().as_str());
        let all = state.store().scan(&FOLLOWED, &prefix);
        let all: Result<Vec<_>, _> = all.map(|entry| Ok::<_, StoreError>(entry?.1)).collect();
        Ok(all?)
    }

    /// Both records say where the other is.
    fn was_followed(&self, tx: &mut Tx<'_>, id: CrmId, from: &Followed) -> Step<()> {
        let object = &self.cx.pair.pair.object;
        let text = match tx.by_crm(self.cx.name(), &id)? {
            Some(app_id) => {
                let text = format!("{} was converted in Salesforce into this record", from.name);
                tx.history(self.cx.name(), &app_id, &self.line(Word::Info, text));
                format!("followed as {object} {id}")
            }
            // It waits for a parent or a person, or the rules of the pair leave it out.
            None => format!("{object} {id}, which it became, is in Salesforce only"),
        };
        tx.history(&from.pair, &from.app_id, &self.line(Word::Info, text));
        Ok(())
    }

    fn was_not_shown(&self, tx: &mut Tx<'_>, id: CrmId, from: &Followed) {
        let object = &self.cx.pair.pair.object;
        let text = format!("{object} {id}, which it became, is not shown by Salesforce");
        let told = format!("{}: {text}", from.name);
        tx.log(self.now(), Word::Warn, Some(self.cx.run), told);
        tx.history(&from.pair, &from.app_id, &self.line(Word::Warn, text));
    }

    fn line(&self, word: Word, text: String) -> LogLine {
        LogLine {
            at: self.now(),
            word,
            run: Some(self.cx.run),
            text,
        }
    }
}
