//! Our keys say when they were made, and by that whether the whole store was set back, its mark with
//! it: the CRM then has records that were made from here and are not known here (sync-semantics 22).
//!
//! Looks at what a window brings, before it is taken in. What is to be done then is `restored`'s.
//! Invariant: of such a store no pair is written by a run that reads such a record. Who else writes
//! keys into the same org does it as another user; what was only changed, and not made, since then
//! leaves no trace of that kind.

use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::crm::CrmRow;
use crate::domain::id::SyncKey;
use crate::domain::reconcile::Care;
use crate::domain::record::CrmPresence;
use crate::domain::run::Word;
use crate::store::StoreError;
use crate::store::keys::Key;

use super::restored;
use super::state::State;
use super::tables::{LINKS, UNLINKED, WATERMARKS, app_id_of};
use super::tx::Durability;
use super::work::{Step, Work, Writes};

/// A key that no record has, made now.
pub(super) fn new_key(now: Timestamp) -> SyncKey {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
    SyncKey::new(Uuid::new_v7(time).to_string())
}

/// When a key was made; none for one that is not of ours.
fn made_at(key: &str) -> Option<Timestamp> {
    let uuid = Uuid::try_parse(key).ok()?;
    if uuid.get_version_num() != 7 {
        return None;
    }
    let (seconds, nanos) = uuid.get_timestamp()?.to_unix();
    Timestamp::new(seconds.try_into().ok()?, nanos.try_into().ok()?).ok()
}

impl Work {
    /// Looks for records that were made from here and are not known here.
    ///
    /// # Errors
    /// There is one: the pairs of this store are stopped.
    pub(super) fn look_for_unknown(&mut self, rows: &[CrmRow]) -> Step<()> {
        let strange = self.strange(rows)?;
        if strange.is_empty() {
            return Ok(());
        }
        let state = self.state();
        let strange = without_known(&state, strange)?;
        let Some(key) = strange.into_iter().next() else {
            return Ok(());
        };
        // A rehearsal says it, too; the run that is not one stops the pairs.
        if let Writes::Rehearsed(_) = self.tools.writes {
            return Err(self.not_compared(None).into());
        }
        let mut tx = state.begin();
        restored::wait(&mut tx)?;
        let text = format!(
            "Salesforce has a record that was made from here and is not known here, with our key \
             {key}: the store looks like an earlier one that was put back, or another profile \
             writes there as the same user"
        );
        self.log(&mut tx, Word::Hold, text);
        self.commit(tx, Durability::Now)?;
        Err(self.stopped_for_backup()?.into())
    }

    /// Keys that our user wrote after all that was read before, of records that are not linked.
    fn strange(&self, rows: &[CrmRow]) -> Step<HashSet<String>> {
        let state = &self.tools.state;
        let mut strange = HashSet::new();
        let (Some(field), Care::Usual) = (&self.cx.pair.pair.key_field, self.cx.pair.care) else {
            return Ok(strange);
        };
        let mark = state.store().get(&WATERMARKS, &self.mark_key())?;
        let Some(read_to) = mark.and_then(|mark| mark.seen_to) else {
            return Ok(strange);
        };
        let is_ours = |row: &&CrmRow| {
            row.presence == CrmPresence::Live
                && row.modified_by.is_some()
                && row.modified_by == self.cx.me
        };
        for row in rows.iter().filter(is_ours) {
            let key = row.fields.get(field).and_then(|key| key.as_text());
            if let Some(key) = key
                && made_at(key).is_some_and(|made| made > read_to)
                && state.by_crm(self.cx.name(), &row.id)?.is_none()
            {
                strange.insert(key.to_owned());
            }
        }
        Ok(strange)
    }
}

/// Those of these keys that nothing here has: no link, no write that is not over, and no App record.
fn without_known(state: &State, mut keys: HashSet<String>) -> Result<HashSet<String>, StoreError> {
    for intent in state.intents()? {
        if let Some(key) = intent.sync_key {
            keys.remove(key.as_str());
        }
    }
    // Of other pairs, too: the same object may be in several.
    for row in state.store().scan(&LINKS, &[]) {
        let (_, link) = row?;
        if let Some(key) = link.sync_key {
            keys.remove(key.as_str());
        }
    }
    for pair in state.pairs()? {
        let prefix = Key::new().text(pair.name.as_str());
        for key in state.store().keys(&UNLINKED, &prefix) {
            let Some(id) = app_id_of(&key?) else {
                continue;
            };
            let app = state.app_record(&pair.table, &id)?;
            if let Some(key) = app.and_then(|app| app.sync_key) {
                keys.remove(key.as_str());
            }
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_when_it_was_made() {
        let at: Timestamp = "2026-08-22T10:15:00.123Z".parse().unwrap();
        assert_eq!(made_at(new_key(at).as_str()), Some(at));
        assert_ne!(new_key(at), new_key(at));
        assert_eq!(made_at("A-17"), None);
        assert_eq!(made_at(&Uuid::new_v4().to_string()), None);
    }
}
