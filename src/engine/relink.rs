//! The connection goes to another org: a refreshed sandbox, or a copy (sync-semantics 3.10, 22).
//!
//! A person leaves the org; then the links of every pair end, and the first run reads everything and
//! links it again, asking wherever values differ (see `restored`). Invariants: what was agreed with
//! the org that was left, and what was to be written there, is forgotten before anything of the other
//! one is read; an App record that had been there is never made in the other one unless a person
//! says so; ending links can be cut off anywhere and goes on.

use std::collections::BTreeMap;

use crate::domain::conflict::{State as ConflictState, Superseded};
use crate::domain::id::AppId;
use crate::domain::mass::{Held, Mass};
use crate::domain::record::{Link, LinkState, Presence};
use crate::domain::run::Word;
use crate::store::keys::Key;
use crate::store::{StoreError, Table};

use super::brake;
use super::command::RecordKey;
use super::conflicts;
use super::decisions::overrules;
use super::ingest::new_link;
use super::runner::Job;
use super::state::State;
use super::tables::{
    ABSENT, APPENDED, COMES_BACK, DRIFT, FIGHTS, FOLLOWED, HELD, INBOX, JOB_ROWS, LINKS, MAY_COME,
    READ_JOBS, REREAD, RESTORED, RUNS, Restored, SURVEYS, SWEEPS, UNLINKED, UNPLACED, UNREACHABLE,
    UNSURE, WATERMARKS, WRITE_JOBS, WRITTEN, app_id_of, record_key,
};
use super::tx::{Durability, Tx};
use super::view::{Anew, RelinkPair, RelinkView};
use super::work::{FULL, Step, Work};

/// What leaving the org would mean.
///
/// # Errors
/// The store cannot be read.
pub(super) fn view(state: &State) -> Result<RelinkView, StoreError> {
    let who = state.connection()?.identity;
    let mut pairs = Vec::new();
    for pair in state.pairs()? {
        let counters = state.counters(&pair.name);
        let mut found = RelinkPair {
            links: 0,
            keyed: 0,
            rules: pair.match_on.len(),
            conflicts: u64::try_from(counters.conflicts).unwrap_or(0),
            decisions: u64::try_from(counters.staged).unwrap_or(0),
            name: pair.name,
        };
        let prefix = Key::new().text(found.name.as_str());
        for row in state.store().scan(&LINKS, &prefix) {
            let (_, link) = row?;
            let counts = link.crm_id.is_some() && link.state != LinkState::Closed;
            found.links += u64::from(counts);
            found.keyed += u64::from(counts && link.sync_key.is_some());
        }
        pairs.push(found);
    }
    Ok(RelinkView {
        org: who.map(|who| (who.org_id.to_string(), who.org_name)),
        pairs,
    })
}

/// Marks every pair: before it reads anything its links end.
///
/// # Errors
/// The store cannot be read.
pub(super) fn leave(tx: &mut Tx<'_>, how: Anew) -> Result<(), StoreError> {
    for pair in tx.state().pairs()? {
        let key = Key::new().text(pair.name.as_str());
        tx.put(&RESTORED, &key, &Restored::Leaves(how));
        tx.delete(&UNSURE, &key);
        // What is held is about the org that was left, but for a backup that nobody has looked at.
        let mut held = tx.state().store().get(&HELD, &key)?.unwrap_or_default();
        held.retain(|held| held.what == Mass::Restored);
        brake::put(tx, &pair.name, &held);
    }
    Ok(())
}

impl Work {
    /// Ends the links of the pair, and forgets what is known of the org that was left.
    pub(super) fn end_links(&mut self, how: Anew) -> Step<()> {
        self.end_writes()?;
        self.forget_undo()?;
        let state = self.state();
        let prefix = self.mark_key();
        // Those that were never linked have no link, perhaps.
        let linked = state.store().keys(&LINKS, &prefix);
        let ids = linked.chain(state.store().keys(&UNLINKED, &prefix));
        let mut tx = state.begin();
        for key in ids {
            if let Some(id) = app_id_of(&key?) {
                self.end_link(&mut tx, &id, how)?;
            }
            if tx.len() >= FULL {
                self.commit(tx, Durability::Soon)?;
                self.boundary()?;
                tx = state.begin();
            }
        }
        self.commit(tx, Durability::Soon)?;
        self.clear(&INBOX)?;
        self.clear(&ABSENT)?;
        self.clear(&UNREACHABLE)?;
        self.clear(&APPENDED)?;
        self.clear(&FOLLOWED)?;
        self.clear(&MAY_COME)?;
        self.clear(&COMES_BACK)?;
        self.clear(&FIGHTS)?;
        self.clear(&DRIFT)?;
        let mut tx = state.begin();
        tx.delete(&WATERMARKS, &prefix);
        tx.delete(&SURVEYS, &prefix);
        tx.delete(&SWEEPS, &prefix);
        tx.delete(&READ_JOBS, &prefix);
        tx.delete(&REREAD, &prefix);
        tx.put(&RESTORED, &prefix, &Restored::Compares);
        let by = match how {
            Anew::ByKey => "our keys and the rules of the pair",
            Anew::ByRules => "the rules of the pair",
        };
        let text = format!("the links to the org that was left have ended; new ones come by {by}");
        self.log(&mut tx, Word::Info, text);
        self.commit(tx, Durability::Now)
    }

    /// Writes to the org that was left are neither sent again nor asked about.
    fn end_writes(&mut self) -> Step<()> {
        let state = self.state();
        let mut tx = state.begin();
        for intent in state.intents()? {
            if intent.pair == *self.cx.name() {
                tx.close_intent(&intent);
            }
            if tx.len() >= FULL {
                self.commit(tx, Durability::Soon)?;
                tx = state.begin();
            }
        }
        self.commit(tx, Durability::Soon)?;
        self.clear(&WRITE_JOBS)?;
        self.clear(&JOB_ROWS)
    }

    /// What was written there cannot be taken back here.
    fn forget_undo(&mut self) -> Step<()> {
        let state = self.state();
        for row in state.store().scan(&RUNS, &[]) {
            let (key, run) = row?;
            if run.pair == *self.cx.name() {
                self.clear_under(&WRITTEN, &key)?;
            }
        }
        Ok(())
    }

    fn clear<V>(&mut self, table: &Table<V>) -> Step<()> {
        self.clear_under(table, &self.mark_key())
    }

    fn clear_under<V>(&mut self, table: &Table<V>, prefix: &[u8]) -> Step<()> {
        let state = self.state();
        let mut tx = state.begin();
        for key in state.store().keys(table, prefix) {
            tx.delete(table, &key?);
            if tx.len() >= FULL {
                self.commit(tx, Durability::Soon)?;
                tx = state.begin();
            }
        }
        self.commit(tx, Durability::Soon)
    }

    /// Ends one link, unless that was done: it is of no CRM record, and of the key it is found by.
    fn end_link(&mut self, tx: &mut Tx<'_>, id: &AppId, how: Anew) -> Step<()> {
        let (name, now) = (self.cx.name().clone(), self.now());
        let link = tx.link(&name, id)?;
        let link = link.unwrap_or_else(|| new_link(&self.cx, id));
        let app = tx.app_record(&self.cx.pair.pair.table, id)?;
        let is_live = app.is_some_and(|app| app.presence == Presence::Live);
        let key = record_key(&name, id);
        let ended = link.state == LinkState::Closed && link.crm_id.is_none() && link.seen.is_none();
        if ended && how == Anew::ByKey {
            return Ok(());
        }
        for conflict in tx.open_conflicts(&name, id)? {
            let how = Superseded::Record;
            conflicts::close(tx, conflict, ConflictState::Superseded { how }, now)?;
        }
        let record = RecordKey {
            pair: name.clone(),
            app_id: id.clone(),
        };
        overrules::forget_all(tx, &record)?;
        tx.quarantine(&name, id, None, now)?;
        tx.done(&name, id)?;
        // One that was closed on purpose stays closed, wherever its record is found.
        if is_live && link.state != LinkState::Closed {
            tx.put(&UNPLACED, &key, &());
        }
        let was = link.crm_id;
        let link = Link {
            crm_id: None,
            seen: None,
            bases: BTreeMap::new(),
            state: LinkState::Closed,
            sync_key: match how {
                Anew::ByKey => link.sync_key,
                Anew::ByRules => Some(self.cx.new_sync_key(id)),
            },
            ..link
        };
        tx.put_link(link, was)?;
        // What was deleted here is known by its key only, so that it does not come back.
        match is_live || how == Anew::ByKey {
            true => tx.put(&UNLINKED, &key, &()),
            false => tx.delete(&UNLINKED, &key),
        }
        Ok(())
    }

    /// What is held of the pair because its records are not in the org: none when all are.
    pub(super) fn unplaced(&self) -> Step<Option<Held>> {
        let state = &self.tools.state;
        let mut held = Held {
            what: Mass::Unplaced,
            field: String::new(),
            number: 0,
            limit: 0,
            records: u64::try_from(state.counters(self.cx.name()).records).unwrap_or(0),
            allowed: 0,
            examples: Vec::new(),
        };
        let tx = state.begin();
        for key in state.store().keys(&UNPLACED, &self.mark_key()) {
            let Some(id) = app_id_of(&key?) else { continue };
            held.number += 1;
            if held.examples.len() < crate::domain::mass::EXAMPLES {
                held.examples.push(self.example(&tx, &id)?);
            }
        }
        Ok((held.number > 0).then_some(held))
    }

    /// Lets what is not in the org be made there, once a person says so.
    pub(super) fn place(&mut self, job: &Job) -> Step<()> {
        let state = self.state();
        let name = self.cx.name().clone();
        let held = brake::held(&state, &name)?;
        let is_allowed = |held: &Held| held.what == Mass::Unplaced && held.is_allowed();
        if !job.is_sync() || !held.iter().any(is_allowed) {
            return Ok(());
        }
        let mut tx = state.begin();
        for key in state.store().keys(&UNPLACED, &self.mark_key()) {
            let key = key?;
            if let Some(id) = app_id_of(&key)
                && let Some(mut link) = tx.link(&name, &id)?
                && link.crm_id.is_none()
            {
                link.state = LinkState::Unlinked;
                tx.put_link(link, None)?;
                tx.todo(&name, &id)?;
            }
            tx.delete(&UNPLACED, &key);
            if tx.len() >= FULL {
                self.commit(tx, Durability::Soon)?;
                self.boundary()?;
                tx = state.begin();
            }
        }
        brake::hold(&mut tx, &name, Mass::Unplaced, None)?;
        self.commit(tx, Durability::Now)
    }
}

/// A closed link of a record that the other org was searched for goes on once its record is there.
///
/// # Errors
/// The store cannot be read.
pub(super) fn placed(tx: &mut Tx<'_>, link: &Link) -> Result<LinkState, StoreError> {
    let key = record_key(&link.pair, &link.app_id);
    if tx.state().store().contains(&UNPLACED, &key)? {
        tx.delete(&UNPLACED, &key);
        return Ok(LinkState::Active);
    }
    Ok(match link.state {
        LinkState::Closed => LinkState::Closed,
        _ => LinkState::Active,
    })
}
