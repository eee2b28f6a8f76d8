//! Calls that write, several on their way at once.
//!
//! Decides nothing about records: an answer is handed on as it came. Invariant: a run waits for
//! every call it has made before it goes on, so that standing still means that nothing is in
//! flight.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use jiff::SignedDuration;

use super::{Left, Nth, Way, wrong_count};
use crate::crm::{
    Crm, CrmError, Effect, ErrorClass, GuardedUpdate, MAX_BODY, MAX_COLLECTION, UpdateRow,
    WritePermit, WriteResult,
};
use crate::domain::id::{AppId, CrmId};
use crate::domain::record::Source;
use crate::domain::schema::ObjectInfo;
use crate::domain::value::Fields;
use crate::engine::journal;
use crate::engine::lanes::{self, Lanes, Most, Waiting};
use crate::engine::tables::Intent;
use crate::engine::tempo::Tempo;
use crate::engine::work::{Step, Stop, Work, Writes};

/// A write that waited longer since its intent was made says anew when it leaves.
const STALE: SignedDuration = SignedDuration::from_secs(30);

/// A call that has its answer.
pub(super) struct Landed {
    pub(super) batch: Vec<Intent>,
    pub(super) answer: Result<Vec<WriteResult>, CrmError>,
    locks: Vec<lanes::Locks>,
}

/// What is left of several calls.
#[derive(Default)]
struct Leftover {
    again: Vec<Intent>,
    smaller: Vec<Intent>,
    reread: Vec<CrmId>,
    doubts: Vec<(CrmError, Vec<Intent>)>,
    stop: Option<Stop>,
}

impl Work {
    /// Sends records of one way until every one has an outcome, in as many lanes as go.
    pub(super) fn send_all(&mut self, way: Way, intents: Vec<Intent>) -> Step<Vec<AppId>> {
        let mut replan = Vec::new();
        let mut left = self.fly(way, intents, &mut replan)?;
        for (error, batch) in std::mem::take(&mut left.doubts) {
            // What is in doubt is open, and stays so when nobody can look now.
            if left.stop.is_none() {
                match self.in_doubt(&error, batch) {
                    Ok(again) => replan.extend(again),
                    Err(stop) => left.stop = Some(stop),
                }
            }
        }
        if left.stop.is_none() && !left.reread.is_empty() {
            let settle = self.cx.settings.settle;
            left.stop = self.read_back(&left.reread, Source::Probe, settle).err();
        }
        if let Some(stop) = left.stop {
            left.again.append(&mut left.smaller);
            self.give_back(&left.again)?;
            return Err(stop);
        }
        // Alone, so that nobody but others holds a lock.
        let (mut smaller, mut locked) = (left.smaller, left.again);
        while !locked.is_empty() {
            let batch = lanes::cut(&mut locked, self.most(way));
            match self.insist(way, batch, Nth::AFTER_A_LOCK, &mut replan) {
                Ok(more) => smaller.extend(more),
                Err(stop) => {
                    smaller.extend(locked);
                    self.give_back(&smaller)?;
                    return Err(stop);
                }
            }
        }
        self.deliver_smaller(way, smaller, &mut replan)?;
        Ok(replan)
    }

    /// Makes the calls, and takes each answer as it comes.
    fn fly(&mut self, way: Way, intents: Vec<Intent>, replan: &mut Vec<AppId>) -> Step<Leftover> {
        let mut lanes = Lanes::new(self.with_locks(intents)?);
        let mut flights: FuturesUnordered<BoxFuture<'static, Landed>> = FuturesUnordered::new();
        let mut left = Leftover::default();
        loop {
            while left.stop.is_none()
                && !self.disturbed()
                && let Some(batch) = lanes.next(self.lanes(way), self.most(way))
            {
                let (mut batch, locks) = batch.into_parts();
                match self.take_off(way, &mut batch, &locks, replan) {
                    Ok(Some(flight)) => flights.push(flight),
                    Ok(None) => lanes.landed(&locks),
                    Err(stop) => {
                        lanes.landed(&locks);
                        left.stop = Some(stop);
                    }
                }
            }
            let handle = self.tools.handle.clone();
            let Some(landed) = handle.block_on(flights.next()) else {
                break;
            };
            lanes.landed(&landed.locks);
            if let Err(stop) = self.landed_call(landed, &mut left, replan) {
                left.stop.get_or_insert(stop);
            }
        }
        // What was not sent is not in doubt.
        let unsent = lanes.rest();
        self.give_back(&unsent)?;
        replan.extend(unsent.into_iter().map(|intent| intent.app_id));
        Ok(left)
    }

    /// A batch leaves; none when nothing of it is to be sent any more.
    fn take_off(
        &mut self,
        way: Way,
        batch: &mut Vec<Intent>,
        locks: &[lanes::Locks],
        replan: &mut Vec<AppId>,
    ) -> Step<Option<BoxFuture<'static, Landed>>> {
        replan.extend(self.look_before(way, batch)?);
        if batch.is_empty() {
            return Ok(None);
        }
        let flight = self.flight(way, batch)?;
        let locks = locks.to_vec();
        let flight = flight.map(move |landed| Landed { locks, ..landed });
        Ok(Some(flight.boxed()))
    }

    /// The call that writes a batch, not yet made. When there is none, the batch is on the list
    /// again.
    pub(super) fn flight(
        &mut self,
        way: Way,
        batch: &mut Vec<Intent>,
    ) -> Step<BoxFuture<'static, Landed>> {
        match self.prepare(way, batch) {
            Ok(flight) => Ok(flight),
            Err(stop) => {
                self.give_back(batch)?;
                Err(stop)
            }
        }
    }

    fn prepare(&mut self, way: Way, batch: &mut Vec<Intent>) -> Step<BoxFuture<'static, Landed>> {
        if let Writes::Rehearsed(calls) = &self.tools.writes {
            calls.fetch_add(1, Ordering::Relaxed);
            let answer = Ok(self.rehearse(batch)?);
            let landed = Landed {
                batch: std::mem::take(batch),
                answer,
                locks: Vec::new(),
            };
            return Ok(std::future::ready(landed).boxed());
        }
        let now = self.sent_now();
        if batch
            .iter()
            .any(|i| now.duration_since(journal::sent_at(i)).abs() > STALE)
        {
            self.sending(batch)?;
        }
        let permit = self.permit(batch.len())?;
        let (crm, object) = (Arc::clone(&self.tools.crm), Arc::clone(&self.object));
        let batch = std::mem::take(batch);
        Ok(async move {
            let answer = call(way, crm, &object, permit, &batch).await;
            Landed {
                answer: answer.and_then(|results| match results.len() == batch.len() {
                    true => Ok(results),
                    false => Err(wrong_count(results.len(), batch.len())),
                }),
                batch,
                locks: Vec::new(),
            }
        }
        .boxed())
    }

    /// Commits what an answer says; what has to be done about it is left for later.
    fn landed_call(
        &mut self,
        landed: Landed,
        left: &mut Leftover,
        replan: &mut Vec<AppId>,
    ) -> Step<()> {
        let records = landed.batch.len();
        let results = match landed.answer {
            Ok(results) => results,
            Err(error) => {
                if took_too_long(&error) {
                    self.tempo(|tempo, _| tempo.too_much(records));
                }
                if error.effect == Effect::Unknown {
                    left.doubts.push((error, landed.batch));
                    return Ok(());
                }
                // A refused call, or none at all: nothing happened.
                self.give_back(&landed.batch)?;
                left.stop.get_or_insert(Stop::from(error));
                return Ok(());
            }
        };
        self.keep_tempo(&results);
        let Left {
            replan: more,
            reread,
            again,
            smaller,
            stop,
            ..
        } = self.outcomes(landed.batch, results, Nth::of(1))?;
        let later = more.len() + again.len() + smaller.len();
        self.advance(records.saturating_sub(later));
        replan.extend(more);
        left.reread.extend(reread);
        left.again.extend(again);
        left.smaller.extend(smaller);
        if let Some(error) = stop {
            left.stop.get_or_insert(Stop::from(error));
        }
        Ok(())
    }

    // ---- how many ----------------------------------------------------------------------

    /// Every write with the rows that the CRM locks for it, and its size.
    fn with_locks(&self, intents: Vec<Intent>) -> Step<Vec<Waiting<Intent>>> {
        let fields = lanes::lock_fields(&self.object);
        let mut all = Vec::with_capacity(intents.len());
        for intent in intents {
            let link = match fields.is_empty() {
                true => None,
                false => self.tools.state.link(&intent.pair, &intent.app_id)?,
            };
            let seen = link.as_ref().and_then(|link| link.seen.as_ref());
            all.push(Waiting {
                locks: lanes::Locks::of(&fields, &intent, seen),
                bytes: lanes::body_bytes(&intent.fields),
                item: intent,
            });
        }
        Ok(all)
    }

    /// Calls that may be on their way at once. What is read right before goes one after the other.
    fn lanes(&self, way: Way) -> usize {
        match (way, &self.tools.writes) {
            (Way::Delete | Way::Rechecked, _) | (_, Writes::Rehearsed(_)) => 1,
            _ => {
                let tempo = self.tools.state.tempo(&self.object.name, |tempo| *tempo);
                tempo.lanes(self.cx.settings.lanes, self.now())
            }
        }
    }

    /// How much the next batch may be.
    fn most(&self, way: Way) -> Most {
        let usual = way.most().min(self.cx.settings.batch);
        let records = match self.tools.writes {
            Writes::Rehearsed(_) => usual,
            Writes::Sent => {
                let state = &self.tools.state;
                state.tempo(&self.object.name, |tempo| tempo.most(usual))
            }
        };
        let bytes = MAX_BODY;
        Most { records, bytes }
    }

    fn tempo(&self, change: impl FnOnce(&mut Tempo, jiff::Timestamp)) {
        let now = self.now();
        let state = &self.tools.state;
        state.tempo(&self.object.name, |tempo| change(tempo, now));
    }

    /// What the results of a batch say about the next ones.
    fn keep_tempo(&self, results: &[WriteResult]) {
        let refused = |like: fn(&CrmError) -> bool| {
            results
                .iter()
                .any(|result| matches!(result, WriteResult::Refused(error) if like(error)))
        };
        let usual = self.cx.settings.lanes;
        self.tempo(|tempo, now| {
            if refused(is_locked) {
                tempo.locked(usual, now);
            }
            match refused(took_too_long) {
                true => tempo.too_much(results.len()),
                false => tempo.went_well(results.len(), MAX_COLLECTION),
            }
        });
    }
}

fn is_locked(error: &CrmError) -> bool {
    error.class == ErrorClass::TransientRow && error.code == "UNABLE_TO_LOCK_ROW"
}

/// Whether fewer records together may help: the CRM ran out of time.
fn took_too_long(error: &CrmError) -> bool {
    let limit = || {
        error
            .message
            .to_ascii_lowercase()
            .contains("time limit exceeded")
    };
    error.code == "timeout"
        || error.status == Some(504)
        || (error.class == ErrorClass::Automation && limit())
}

/// Makes the call of a batch.
async fn call(
    way: Way,
    crm: Arc<dyn Crm>,
    object: &ObjectInfo,
    permit: WritePermit,
    batch: &[Intent],
) -> Result<Vec<WriteResult>, CrmError> {
    let update = |i: &Intent| {
        Some(UpdateRow {
            id: i.crm_id?,
            fields: i.fields.clone(),
        })
    };
    match way {
        Way::Create => {
            let rows: Vec<Fields> = batch.iter().map(|i| i.fields.clone()).collect();
            crm.create(permit, object, &rows).await
        }
        Way::Update | Way::Rechecked => {
            let rows: Vec<UpdateRow> = batch.iter().filter_map(update).collect();
            crm.update(permit, object, &rows).await
        }
        Way::Guarded => {
            let guarded = |i: &Intent| {
                Some(GuardedUpdate {
                    row: update(i)?,
                    unmodified_since: i.unmodified_since?,
                })
            };
            let rows: Vec<GuardedUpdate> = batch.iter().filter_map(guarded).collect();
            crm.update_guarded(permit, object, &rows).await
        }
        Way::Delete => {
            let ids: Vec<CrmId> = batch.iter().filter_map(|i| i.crm_id).collect();
            crm.delete(permit, &ids).await
        }
    }
}
