//! Stops a run before it writes very many of one kind, on either side, and asks
//! (sync-semantics 14.2).
//!
//! While records are read, writes to the App that may become too many are only put off: they are
//! on the list. Then all that waits is looked at, before anything of it is written. Invariant: more
//! writes of a kind than its limit happen only up to the number that a person allowed, and what was
//! allowed was allowed once.

use std::collections::{BTreeMap, BTreeSet};

use crate::appdb::AppDb as _;
use crate::appdb::embedded::ids_after;
use crate::domain::id::{AppId, PairName, RunId};
use crate::domain::mass::{Changes, EXAMPLES, Example, Held, Mass, PutOff};
use crate::domain::reconcile::Care;
use crate::domain::run::Word;
use crate::domain::text::grouped;
use crate::domain::transform::Side;
use crate::error::{Error, Kind, Result};
use crate::store::Store;
use crate::store::keys::Key;

use super::audit::{Draft, What};
use super::command::Allowance;
use super::cx::Settings;
use super::planner;
use super::state::State;
use super::tables::{HELD, RUN_HOLDS, TODO, WATERMARKS, Watermark};
use super::tx::{Durability, Tx};
use super::work::{Step, Work};

/// Writes of one kind among what waits.
#[derive(Debug, Default)]
struct Found {
    number: u64,
    examples: Vec<Example>,
}

impl Work {
    /// From here on records are read: what may turn out to be one of very many writes to the App is
    /// put off.
    pub(super) fn read_with_care(&mut self) -> Step<()> {
        let state = self.state();
        let mark: Option<Watermark> = state.store().get(&WATERMARKS, &self.mark_key())?;
        let version = self.cx.pair.pair.version;
        self.changes = match mark {
            // Nobody answered for what was done since the backup.
            _ if self.cx.pair.care == Care::AskAlways => Changes::Found,
            Some(mark) if mark.seen_to.is_some() && mark.mapping_version == version => {
                Changes::Found
            }
            _ => Changes::Confirmed,
        };
        self.read_at_most(u64::MAX);
        Ok(())
    }

    /// So many records are read at most: of fewer than are asked about nothing is put off.
    pub(super) fn read_at_most(&mut self, rows: u64) {
        self.cx.put_off = PutOff::UntilCounted {
            rows,
            records: self.live(),
            few: self.cx.settings.few,
            changes: self.changes,
        };
    }

    /// Nothing was read after all: nothing is put off.
    pub(super) fn read_nothing(&mut self) {
        self.cx.put_off = PutOff::Nothing;
    }

    /// Records of the pair in the App.
    fn live(&self) -> u64 {
        let counters = self.tools.state.counters(self.cx.name());
        u64::try_from(counters.records).unwrap_or(0)
    }

    /// Counts what waits, and puts off what is too many of a kind.
    pub(super) fn brake(&mut self) -> Step<()> {
        self.cx.put_off = PutOff::Nothing;
        let name = self.cx.name().clone();
        let state = self.state();
        let known = held(&state, &name)?;
        let waiting = u64::try_from(state.counters(&name).waiting).unwrap_or(u64::MAX);
        let least = Mass::Delete(Side::Crm).limit(self.live(), self.cx.settings.few);
        let found = match waiting > least {
            true => self.count_waiting()?,
            false => BTreeMap::new(),
        };
        // Deleted ones are records still, until that is done.
        let gone = found.get(&Mass::Delete(Side::Crm)).map_or(0, |f| f.number);
        let records = self.live() + gone;
        let mut now = Vec::new();
        for (what, Found { number, examples }) in found {
            let limit = what.limit(records, self.cx.settings.few);
            let allowed = known.iter().find(|held| held.what == what);
            let allowed = allowed.map_or(0, |held| held.allowed);
            if number > limit.max(allowed) && self.changes.asks_about(what) {
                now.push(Held {
                    what,
                    field: self.field_of(what),
                    number,
                    limit,
                    records,
                    allowed: 0,
                    examples,
                });
            }
        }
        self.cx.put_off = match now.is_empty() {
            true => PutOff::Nothing,
            false => PutOff::These(now.iter().map(|held| held.what).collect()),
        };
        // What a sweep left waits until a sweep does it.
        now.extend(known.iter().filter(|k| k.what.is_of_links()).cloned());
        if now.is_empty() && known.is_empty() {
            return Ok(());
        }
        let mut tx = state.begin();
        match now.is_empty() {
            true => tx.delete(&HELD, &key(&name)),
            false => tx.put(&HELD, &key(&name), &now),
        }
        // The run's own: the next one may find another number, or nothing.
        match now.is_empty() {
            true => tx.delete(&RUN_HOLDS, &of_run(self.run.id)),
            false => tx.put(&RUN_HOLDS, &of_run(self.run.id), &now),
        }
        // What a person answered for is not told with each run.
        let told = now
            .iter()
            .filter(|h| !(h.what.is_of_links() && h.is_allowed()));
        for held in told {
            self.log(&mut tx, Word::Hold, format!("{name}: {held}"));
            if known
                .iter()
                .all(|k| k.what != held.what || k.number != held.number)
            {
                let text = format!("{}: {}", held.name(), held.of(held.number));
                let draft = Draft::engine(self.now(), What::Held, text);
                tx.audit(draft.pair(&name).run(self.run.id));
            }
        }
        // Durable before the first of them is written, so that a crash cannot bring it back.
        self.commit(tx, Durability::Now)
    }

    /// What the side that is written calls the field that a kind of write empties.
    fn field_of(&self, what: Mass) -> String {
        match what {
            Mass::Blank(side, row) => {
                let row = self.cx.pair.pair.row(row);
                row.map(|row| row.label(side)).unwrap_or_default()
            }
            Mass::Delete(_)
            | Mass::Update(_)
            | Mass::Unlisted
            | Mass::MostUnlisted
            | Mass::Restored
            | Mass::Unplaced => String::new(),
        }
    }

    /// Kinds of writes among all that waits.
    fn count_waiting(&mut self) -> Step<BTreeMap<Mass, Found>> {
        let name = self.cx.name().clone();
        let table = self.cx.pair.pair.table.clone();
        let state = self.state();
        let batch = self.cx.settings.batch;
        let mut found = BTreeMap::new();
        let mut after: Option<AppId> = None;
        loop {
            self.boundary()?;
            let ids = state.app().waiting(&table, after.as_ref(), batch)?;
            self.count_some(&ids, &mut found)?;
            after = match ids.last() {
                Some(last) => Some(last.clone()),
                None => break,
            };
        }
        let mut after: Option<AppId> = None;
        loop {
            self.boundary()?;
            let ids = ids_after(state.store(), &TODO, name.as_str(), after.as_ref(), batch)?;
            after = match ids.last() {
                Some(last) => Some(last.clone()),
                None => break,
            };
            // What is in the outbox as well was counted there.
            let mut fresh = Vec::with_capacity(ids.len());
            for id in ids {
                if !state.app().waits(&table, &id)? {
                    fresh.push(id);
                }
            }
            self.count_some(&fresh, &mut found)?;
        }
        Ok(found)
    }

    fn count_some(&self, ids: &[AppId], found: &mut BTreeMap<Mass, Found>) -> Step<()> {
        let now = self.now();
        // Only looked through; dropped, it changes nothing.
        let tx = self.tools.state.begin();
        for id in ids {
            let Some(link) = tx.link(self.cx.name(), id)? else {
                continue;
            };
            let masses = planner::masses(&tx, &self.cx, &link, now)?;
            for mass in masses.into_iter().collect::<BTreeSet<_>>() {
                let found = found.entry(mass).or_default();
                found.number += 1;
                if found.examples.len() < EXAMPLES {
                    found.examples.push(self.example(&tx, id)?);
                }
            }
        }
        Ok(())
    }

    pub(super) fn example(&self, tx: &Tx<'_>, id: &AppId) -> Step<Example> {
        let app = tx.app_record(&self.cx.pair.pair.table, id)?;
        let link = tx.link(self.cx.name(), id)?;
        let seen = link.as_ref().and_then(|link| link.seen.as_ref());
        Ok(Example {
            app_id: id.clone(),
            name: self.cx.title(app.as_ref(), seen),
        })
    }
}

fn key(pair: &PairName) -> Key {
    Key::new().text(pair.as_str())
}

fn of_run(run: RunId) -> Key {
    Key::new().number(run.0)
}

/// What a run left for being very many.
///
/// # Errors
/// When the store cannot be read.
pub fn left_by(state: &State, run: RunId) -> Result<Vec<Held>> {
    let left = state.store().get(&RUN_HOLDS, &of_run(run))?;
    Ok(left.unwrap_or_default())
}

/// What is held of a pair.
///
/// # Errors
/// When the store cannot be read.
pub fn held(state: &State, pair: &PairName) -> Result<Vec<Held>> {
    held_in(state.store(), pair)
}

/// The same, of a layer.
///
/// # Errors
/// When the store cannot be read.
pub fn held_in(store: &Store, pair: &PairName) -> Result<Vec<Held>> {
    Ok(store.get(&HELD, &key(pair))?.unwrap_or_default())
}

/// Puts one kind of what is held of a pair in the place of what was known of it.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn hold(tx: &mut Tx<'_>, pair: &PairName, what: Mass, now: Option<Held>) -> Result<()> {
    let mut all = held(tx.state(), pair)?;
    all.retain(|held| held.what != what);
    all.extend(now);
    put(tx, pair, &all);
    Ok(())
}

/// Puts all that is held of a pair in the place of what was known of it.
pub(super) fn put(tx: &mut Tx<'_>, pair: &PairName, all: &Vec<Held>) {
    match all.is_empty() {
        true => tx.delete(&HELD, &key(pair)),
        false => tx.put(&HELD, &key(pair), all),
    }
}

/// Lets the next run of a pair write so many of what is held.
///
/// # Errors
/// When nothing of that name is held, or more than that.
pub fn allow(
    state: &State,
    settings: &Settings,
    pair: &PairName,
    allowances: &[Allowance],
) -> Result<()> {
    let mut all = held(state, pair)?;
    let mut tx = state.begin();
    for Allowance { name, number } in allowances {
        let Some(held) = all.iter_mut().find(|held| held.name() == *name) else {
            return Err(not_held(pair, name, &all));
        };
        if held.number > *number {
            let text = format!(
                "{} wait in {pair}, and {} are allowed",
                held.of(held.number),
                grouped(*number)
            );
            return Err(Error::new(Kind::Changed, text).hint("look at them, and allow that many"));
        }
        held.allowed = *number;
        let text = format!("{name}: up to {}, once", held.of(*number));
        let entry = Draft::new(settings.clock.now(), &settings.person, What::Allowed, text);
        tx.audit(entry.pair(pair));
    }
    tx.put(&HELD, &key(pair), &all);
    Ok(tx.commit(Durability::Now)?)
}

fn not_held(pair: &PairName, name: &str, all: &[Held]) -> Error {
    let names: Vec<String> = all.iter().map(Held::name).collect();
    let error = Error::new(Kind::Refused, format!("no {name} of {pair} are held"));
    match names.is_empty() {
        true => error.hint("run: syncdeck status"),
        false => error.hint(format!("what is held: {}", names.join(", "))),
    }
}
