//! Lines that find no room in a text, as records of another pair (sync-semantics 20.4).
//!
//! The App's half only: that pair makes them in the CRM like any record. Invariants: a record has
//! the id and the key of its line, so that a line has one record however often it is made; and it
//! is in the commit of what says that its line was sent.

use jiff::Timestamp;

use super::Tx;
use crate::appdb::embedded::RECORDS;
use crate::appdb::{AppError, Author, Change, Expect};
use crate::domain::append::{self, Appended, Block};
use crate::domain::conflict::Fingerprint;
use crate::domain::id::{AppId, PairName, RowId, RunId, SyncKey};
use crate::domain::mapping::{OnFull, Pair, Target};
use crate::domain::reconcile::{Compiled, CompiledRow};
use crate::domain::record::{AppRecord, Link, LinkState, Presence};
use crate::domain::value::{Fields, Value};
use crate::engine::tables::{UNLINKED, app_id_of, record_key};
use crate::engine::undo::{Deed, Stand};
use crate::store::StoreError;
use crate::store::keys::Key;

/// Lines of a record that find no room.
#[derive(Debug)]
pub struct Spill<'a> {
    /// The run that makes records of them.
    pub run: RunId,
    /// The App record whose lines they are.
    pub of: &'a AppId,
    /// The row that appends them.
    pub row: RowId,
    /// The lines.
    pub lines: &'a Block,
    /// When.
    pub at: Timestamp,
}

impl Tx<'_> {
    /// Makes a record of each line in the pair that takes them, for that pair to make in the CRM.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn spill(&mut self, spill: &Spill<'_>, pair: &Pair, to: &Target) -> Result<(), AppError> {
        for (token, says) in spill.lines.records() {
            let first = format!("{}{token}", begins(spill.of, spill.row));
            let Some(id) = self.free_id(to, first)? else {
                continue;
            };
            let change = Change {
                table: to.table.clone(),
                id: id.clone(),
                expect: Expect::New,
                fields: Fields::from([
                    (to.parent.clone(), Value::text(spill.of.as_str())),
                    (to.text.clone(), Value::text(says)),
                ]),
                presence: Presence::Live,
                sync_key: None,
                by: Author::Run(spill.run),
                at: spill.at,
            };
            let record = self.change_unnoted(&to.pair, None, &change)?;
            let link = Link {
                pair: to.pair.clone(),
                app_id: id.clone(),
                crm_id: None,
                sync_key: Some(key(&to.pair, &id)),
                state: LinkState::Unlinked,
                seen: None,
                bases: std::collections::BTreeMap::new(),
                app_rev: record.rev,
                mapping_version: pair.version,
            };
            self.put_link(link, None)?;
            self.put_unlinked(&to.pair, &id);
            self.todo(&to.pair, &id)?;
            self.note_line(spill.run, spill.of, &to.pair, &record);
        }
        Ok(())
    }

    /// The id for the record of a line; none where it has one. One that is gone had another record of
    /// the CRM for its parent: as long as that is the same one, the line counts as sent.
    fn free_id(&self, to: &Target, first: String) -> Result<Option<AppId>, StoreError> {
        let mut id = AppId::new(first.clone());
        for nth in 2.. {
            match self.app_record(&to.table, &id)? {
                None => break,
                Some(record) if self.is_there(&to.pair, &record)? => return Ok(None),
                Some(_) => id = AppId::new(format!("{first}-{nth}")),
            }
        }
        Ok(Some(id))
    }

    /// Whether the record of a line is on neither side deleted.
    fn is_there(&self, pair: &PairName, record: &AppRecord) -> Result<bool, StoreError> {
        let link = self.link(pair, &record.id)?;
        let gone = link.is_some_and(|link| link.state == LinkState::CrmDeleted);
        Ok(record.presence == Presence::Live && !gone)
    }

    /// The lines of ours that the CRM record of a link once had, by field. Where nothing is agreed, the
    /// lines count that have records of their own: in another org, or when the CRM record was made
    /// anew, nothing else tells that they are not new.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn known_lines(&self, pair: &Compiled, link: &Link) -> Result<Appended, StoreError> {
        let mut known = self.appended(pair, link.crm_id)?;
        let Some(overflow) = &pair.pair.overflow else {
            return Ok(known);
        };
        let anew = |row: &&CompiledRow| {
            row.row.flow.on_full() == Some(OnFull::Child) && !link.bases.contains_key(&row.row.id)
        };
        for row in pair.rows.iter().filter(anew) {
            let child = self.state.pair(&overflow.pair)?;
            let target = child.and_then(|child| overflow.target(&child));
            let (Some(target), Some(field)) = (target, row.row.crm.first()) else {
                continue;
            };
            for line in self.lines_of(&target, &begins(&link.app_id, row.row.id))? {
                known.entry(field.clone()).or_default().note(&line);
            }
        }
        Ok(known)
    }

    /// What the records say whose ids begin like this, each as a line with its token.
    fn lines_of(&self, target: &Target, begins: &str) -> Result<Vec<String>, StoreError> {
        let all = Key::new().text(target.table.as_str());
        let from = all.clone().text(begins);
        let mut lines = Vec::new();
        for key in self.state.store().keys_from(&RECORDS, &all, &from) {
            let id = app_id_of(&key?);
            let Some((token, id)) = id
                .as_ref()
                .and_then(|id| Some((id.as_str().strip_prefix(begins)?, id)))
            else {
                break;
            };
            let token = token.split('-').next().unwrap_or_default();
            let Some(record) = self.app_record(&target.table, id)? else {
                continue;
            };
            if self.is_there(&target.pair, &record)?
                && let Some(says) = record.fields.get(&target.text)
            {
                lines.push(append::marked(&says.to_string(), token));
            }
        }
        Ok(lines)
    }

    /// Takes such a record back, or brings it back, which takes back that: only as it was left, and
    /// only before it was sent.
    ///
    /// # Errors
    /// When it was changed since, or the store cannot be read.
    pub fn turn_line(
        &mut self,
        run: RunId,
        of: &AppId,
        record: &AppRecord,
        mut link: Link,
        at: Timestamp,
    ) -> Result<(), AppError> {
        let presence = match record.presence {
            Presence::Live => Presence::Deleted,
            Presence::Deleted => Presence::Live,
        };
        let change = Change {
            table: record.table.clone(),
            id: record.id.clone(),
            expect: Expect::Rev(record.rev),
            fields: Fields::new(),
            presence,
            sync_key: None,
            by: Author::Run(run),
            at,
        };
        let pair = link.pair.clone();
        let record = self.change_unnoted(&pair, Some(record), &change)?;
        match presence {
            Presence::Live => {
                link.state = LinkState::Unlinked;
                self.put_unlinked(&pair, &record.id);
                self.todo(&pair, &record.id)?;
            }
            Presence::Deleted => {
                link.state = LinkState::Closed;
                self.clear(&UNLINKED, &record_key(&pair, &record.id))?;
                self.quarantine(&pair, &record.id, None, at)?;
                self.done(&pair, &record.id)?;
            }
        }
        let was = link.crm_id;
        self.put_link(link, was)?;
        self.note_line(run, of, &pair, &record);
        Ok(())
    }

    fn note_line(&mut self, run: RunId, of: &AppId, pair: &PairName, record: &AppRecord) {
        let deed = Deed::Overflowed {
            pair: pair.clone(),
            id: record.id.clone(),
            stands: Stand::of(Some(record)),
            rev: record.rev,
        };
        self.notes.push(run, of, None, deed);
    }
}

/// What the ids of the records of lines begin with.
fn begins(of: &AppId, row: RowId) -> String {
    format!("{of}-{row}-")
}

/// The key of the record of a line. The token in its id has only as many bits as the lines of one
/// text need; this one is told apart from all keys of the org.
fn key(pair: &PairName, id: &AppId) -> SyncKey {
    let half = |salt: &str| {
        let salted = vec![Value::text(salt), Value::text(id.as_str())];
        let of = vec![Value::text(pair.as_str())];
        Fingerprint::of(None, Some(&salted), Some(&of)).0
    };
    let bytes = (u128::from(half("upper")) << 64) | u128::from(half("lower"));
    let made = uuid::Builder::from_custom_bytes(bytes.to_be_bytes()).into_uuid();
    SyncKey::new(made.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_line_is_its_own_and_stays_so() {
        let of = |pair: &str, id: &str| key(&pair.into(), &id.into());
        let one = of("tasks", "a-1-abcdefghij");
        assert_eq!(one, of("tasks", "a-1-abcdefghij"));
        assert_eq!(one.as_str().len(), 36);
        for other in [
            of("tasks", "a-1-abcdefghik"),
            of("tasks", "a-2-abcdefghij"),
            of("notes", "a-1-abcdefghij"),
        ] {
            assert_ne!(one, other);
        }
    }
}
