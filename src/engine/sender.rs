//! Sends intents to the CRM until each has an outcome (sync-semantics 8); what becomes of one is
//! in `outcomes`.
//!
//! Decides nothing about values. Invariant: an intent that comes in here is durable, and leaves
//! closed, held, or as it was with an error that stops the run.

mod flight;
mod look;
mod outcomes;

use std::sync::Arc;
use std::time::Duration;

use crate::crm::{CrmError, Effect, MAX_BODY, MAX_COLLECTION, MAX_GUARDED, WriteResult};
use crate::domain::budget::Class;
use crate::domain::dry_run::NEW_IN_CRM;
use crate::domain::id::{AppId, CrmId};
use crate::domain::record::Source;
use crate::domain::run::Word;
use crate::domain::text::some;
use crate::error::{Error, Kind};
use crate::store::digest;

use super::cx::RunCx;
use super::lanes::{self, Most};
use super::plans::Items;
use super::tables::{Intent, Op};
use super::tx::Durability;
use super::work::{Step, Stop, Work};

/// Waits before a locked record is tried again, in milliseconds, give or take half
/// (sync-semantics 9.1).
const AGAIN: [u64; 3] = [1_000, 4_000, 15_000];
/// What automation of the org refused, or nobody knows what, goes in smaller calls, so that it is
/// not their number that is too much: the most records of a call, and the wait before, in
/// milliseconds (sync-semantics 9.1).
const SMALLER: [(usize, u64); 2] = [(40, 250), (8, 1_000)];
/// Times such a record is sent in all.
const TRIES: u32 = 1 + SMALLER.len() as u32;

/// How records are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Create,
    Update,
    /// Read right before: see [`Guard::Recheck`](crate::domain::mapping::Guard::Recheck).
    Rechecked,
    Guarded,
    Delete,
}

impl Way {
    fn of(cx: &RunCx, intent: &Intent) -> Self {
        match (intent.op, intent.unmodified_since) {
            (Op::Create, _) => Self::Create,
            (Op::Update, Some(_)) => Self::Guarded,
            (Op::Update, None) if cx.rechecks(intent) => Self::Rechecked,
            (Op::Update, None) => Self::Update,
            (Op::Delete, _) => Self::Delete,
        }
    }

    fn most(self) -> usize {
        match self {
            Self::Guarded => MAX_GUARDED,
            Self::Create | Self::Update | Self::Rechecked | Self::Delete => MAX_COLLECTION,
        }
    }
}

/// What is left of a batch after its answer.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// To be planned again; they are on the list, too.
    replan: Vec<AppId>,
    /// To be read first.
    pub(super) reread: Vec<CrmId>,
    /// To be sent again as they are.
    pub(super) again: Vec<Intent>,
    /// To be sent again in smaller calls.
    pub(super) smaller: Vec<Intent>,
    /// Somebody else may have their key.
    find: Vec<(Intent, CrmError)>,
    /// Records like them are there.
    alike: Vec<(Intent, CrmError)>,
    /// Why nothing more can be written.
    pub(super) stop: Option<CrmError>,
}

/// Which sending of a batch this is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nth {
    /// Of those that get smaller, from 1.
    of_tries: u32,
    /// Whether a locked record is waited for once more.
    locks: Locks,
    /// Whether there is a wait before.
    waits: Waits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    First,
    Between,
}

impl Nth {
    /// A job: what it found locked is on the list again, and what its automation refused goes in
    /// smaller calls.
    pub(super) const OF_A_JOB: Self = Self::of(1);
    /// Refused for a lock once: there is a wait before.
    const AFTER_A_LOCK: Self = Self {
        waits: Waits::First,
        ..Self::of(1)
    };

    const fn of(of_tries: u32) -> Self {
        Self {
            of_tries,
            locks: Locks::Wait,
            waits: Waits::Between,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Locks {
    Wait,
    Leave,
}

impl Work {
    /// Sends intents; those that have an outcome are progress. Gives back the records that have to
    /// be planned again.
    pub(super) fn send(&mut self, mut intents: Vec<Intent>) -> Step<Vec<AppId>> {
        intents.sort_by_key(|intent| Way::of(&self.cx, intent));
        let mut replan = Vec::new();
        let mut rest = intents.into_iter().peekable();
        while let Some(way) = rest.peek().map(|next| Way::of(&self.cx, next)) {
            let mut same = Vec::new();
            while let Some(next) = rest.next_if(|intent| Way::of(&self.cx, intent) == way) {
                same.push(next);
            }
            match self.send_all(way, same) {
                Ok(again) => replan.extend(again),
                Err(stop) => {
                    // What was not sent yet is not in doubt.
                    let unsent: Vec<Intent> = rest.collect();
                    self.give_back(&unsent)?;
                    return Err(stop);
                }
            }
        }
        Ok(replan)
    }

    /// Intents that certainly were not executed go back to the list.
    pub(super) fn give_back(&mut self, intents: &[Intent]) -> Step<()> {
        if intents.is_empty() {
            return Ok(());
        }
        let state = self.state();
        let mut tx = state.begin();
        for intent in intents {
            self.not_done(&mut tx, intent)?;
        }
        self.commit(tx, Durability::Now)
    }

    /// Sends what a job refused for a reason that fewer records together may not have. What has to
    /// be planned again is on the list.
    pub(super) fn send_smaller(&mut self, intents: Vec<Intent>) -> Step<()> {
        let Some(way) = intents.first().map(|intent| Way::of(&self.cx, intent)) else {
            return Ok(());
        };
        self.deliver_smaller(way, intents, &mut Vec::new())
    }

    /// Sends what was refused in smaller and smaller calls until every record has an outcome.
    fn deliver_smaller(
        &mut self,
        way: Way,
        mut refused: Vec<Intent>,
        replan: &mut Vec<AppId>,
    ) -> Step<()> {
        for (of_tries, (most, wait)) in (2..).zip(SMALLER) {
            if refused.is_empty() {
                break;
            }
            self.counts().retried += refused.len() as u64;
            self.wait(wait, &refused)?;
            refused = self.in_parts(way, refused, (most, of_tries), replan)?;
        }
        Ok(())
    }

    /// Sends what was refused in smaller calls. Gives what was refused again.
    fn in_parts(
        &mut self,
        way: Way,
        intents: Vec<Intent>,
        (most, of_tries): (usize, u32),
        replan: &mut Vec<AppId>,
    ) -> Step<Vec<Intent>> {
        let mut refused = Vec::new();
        let mut rest = intents;
        let most = Most {
            records: most,
            bytes: MAX_BODY,
        };
        while !rest.is_empty() {
            let part = lanes::cut(&mut rest, most);
            if self.disturbed() {
                refused.extend(part.into_iter().chain(rest));
                self.give_back(&refused)?;
                replan.extend(refused.into_iter().map(|i| i.app_id));
                return Ok(Vec::new());
            }
            match self.insist(way, part, Nth::of(of_tries), replan) {
                Ok(again) => refused.extend(again),
                Err(stop) => {
                    refused.extend(rest);
                    self.give_back(&refused)?;
                    return Err(stop);
                }
            }
        }
        Ok(refused)
    }

    /// Sends records, alone, and waits for those that are locked. Gives those to be sent in smaller
    /// calls.
    fn insist(
        &mut self,
        way: Way,
        mut batch: Vec<Intent>,
        first: Nth,
        replan: &mut Vec<AppId>,
    ) -> Step<Vec<Intent>> {
        let mut smaller = Vec::new();
        let mut waits = AGAIN.iter();
        if first.waits == Waits::First {
            self.pause_for_locks(waits.next(), &batch, &smaller)?;
        }
        loop {
            match self.look_before(way, &mut batch) {
                Ok(again) => replan.extend(again),
                Err(stop) => {
                    self.give_back(&smaller)?;
                    return Err(stop);
                }
            }
            if batch.is_empty() {
                break;
            }
            let flight = match self.flight(way, &mut batch) {
                Ok(flight) => flight,
                Err(stop) => {
                    self.give_back(&smaller)?;
                    return Err(stop);
                }
            };
            let landed = self.tools.handle.block_on(flight);
            let results = match landed.answer {
                Ok(results) => results,
                Err(error) if error.effect == Effect::Unknown => {
                    match self.in_doubt(&error, landed.batch) {
                        Ok(again) => replan.extend(again),
                        Err(stop) => {
                            self.give_back(&smaller)?;
                            return Err(stop);
                        }
                    }
                    return Ok(smaller);
                }
                Err(error) => {
                    // A refused call, or none at all: nothing happened.
                    smaller.extend(landed.batch);
                    self.give_back(&smaller)?;
                    return Err(error.into());
                }
            };
            let wait = waits.next();
            let nth = Nth {
                locks: wait.map_or(Locks::Leave, |_| Locks::Wait),
                ..first
            };
            let left = self.outcomes(landed.batch, results, nth)?;
            replan.extend(left.replan);
            smaller.extend(left.smaller);
            batch = left.again;
            let settle = self.cx.settings.settle;
            let stop = match left.stop {
                Some(error) => Some(Stop::from(error)),
                None if left.reread.is_empty() => None,
                None => {
                    let read = self.read_back(&left.reread, Source::Probe, settle);
                    read.err()
                }
            };
            if let Some(stop) = stop {
                smaller.extend(batch);
                self.give_back(&smaller)?;
                return Err(stop);
            }
            if wait.is_none() || batch.is_empty() {
                break;
            }
            self.pause_for_locks(wait, &batch, &smaller)?;
        }
        Ok(smaller)
    }

    /// Waits for locked records; when the run is to end all of these go back to the list.
    fn pause_for_locks(
        &mut self,
        millis: Option<&u64>,
        locked: &[Intent],
        others: &[Intent],
    ) -> Step<()> {
        let Some(millis) = millis else {
            return Ok(());
        };
        self.counts().retried += locked.len() as u64;
        if let Err(stop) = self.wait(*millis, locked) {
            self.give_back(others)?;
            return Err(stop);
        }
        Ok(())
    }

    /// Waits before these are sent again; when the run is to end they go back to the list.
    fn wait(&mut self, millis: u64, intents: &[Intent]) -> Step<()> {
        let seed = intents.first().map_or(0, |intent| intent.id.0);
        if let Err(stop) = self.sleep(Duration::from_millis(spread(millis, seed))) {
            self.give_back(intents)?;
            return Err(stop);
        }
        Ok(())
    }

    /// Finds out what became of records whose answer was lost.
    fn in_doubt(&mut self, error: &CrmError, batch: Vec<Intent>) -> Step<Vec<AppId>> {
        self.doubt(error, batch.len())?;
        let usual = Arc::clone(&self.tools.crm);
        self.calls_are(Class::Resolve);
        let again = self.resolve(batch)?;
        self.tools.crm = usual;
        Ok(again)
    }

    /// Notes writes in place of sending them.
    fn rehearse(&self, batch: &[Intent]) -> Step<Vec<WriteResult>> {
        let mut items = Items::new(self.tools.state.store());
        let mut results = Vec::with_capacity(batch.len());
        for intent in batch {
            items.sent(&self.cx.pair.pair, intent)?;
            let id = intent.crm_id.or_else(|| new_id(intent));
            let id = id.ok_or_else(|| Error::new(Kind::Internal, "an id is not made well"))?;
            results.push(WriteResult::Applied(id));
        }
        items.flush()?;
        Ok(results)
    }

    fn doubt(&mut self, error: &CrmError, records: usize) -> Step<()> {
        let state = self.state();
        let mut tx = state.begin();
        let records = some(records as u64, "record", "records");
        let text = format!("{error}; reading {records} to see what was written");
        self.log(&mut tx, Word::Warn, text);
        Ok(tx.commit(Durability::Soon)?)
    }
}

/// Half to one and a half times as long: two runs that met do not meet again.
fn spread(millis: u64, seed: u64) -> u64 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    millis / 2 + mixed % (millis + 1)
}

/// Stands for the id of a record that would be made: the same every time.
fn new_id(intent: &Intent) -> Option<CrmId> {
    const LETTERS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let (pair, app) = (intent.pair.as_str(), intent.app_id.as_str());
    let hash = digest::sha256(&[pair.as_bytes(), b"/", app.as_bytes()]);
    let rest = hash.iter().take(9);
    let rest = rest.filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()));
    let rest: String = rest.map(|letter| char::from(*letter)).collect();
    format!("{NEW_IN_CRM}{rest}").parse().ok()
}

/// An answer that does not have one result for each record.
pub(super) fn wrong_count(answers: usize, records: usize) -> CrmError {
    CrmError {
        class: crate::crm::ErrorClass::TransientCall,
        code: "wrong_count".to_owned(),
        message: format!("{answers} answers for {records} records"),
        fields: Box::default(),
        record: None,
        status: None,
        request: String::new(),
        effect: Effect::Unknown,
    }
}
