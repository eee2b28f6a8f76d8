//! Applies the part of a plan that concerns the pair of a run.
//!
//! Only records of the plan are touched. What changed was read once, when the whole plan was looked
//! at again and nothing had been written (see `plans::same`). Here only the records of the plan are
//! read, by id, in the moment they are written: runs of other pairs, and people, come between the
//! two, and what was read then is no precondition for now. Invariant: a record is written only if both sides are as
//! they were when the plan was made, looked at in the transaction that decides it, and only what
//! the plan says; everything else is left to the next run.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::of_plan;
use crate::appdb::AppDb as _;
use crate::crm::CrmRow;
use crate::domain::dry_run::{Deed, PlanItem, Planned, is_new};
use crate::domain::id::{AppId, CrmId, PlanId};
use crate::domain::mass::PutOff;
use crate::domain::record::Source;
use crate::domain::run::{Phase, RecordResult, ResultKind};
use crate::engine::journal;
use crate::engine::matcher::Matcher;
use crate::engine::push::ToSend;
use crate::engine::tables::{Intent, Op, TODO, record_key};
use crate::engine::tally::Record;
use crate::engine::tx::{Durability, Tx};
use crate::engine::work::{Step, Work};

/// Records that are decided in one transaction.
const TOGETHER: usize = 100;

const MOVED: &str = "it moved after the plan was checked; the next run goes on";

impl Work {
    /// Applies what a plan says of this pair.
    pub(in crate::engine) fn apply(&mut self, id: PlanId) -> Step<()> {
        let state = self.state();
        let plan = super::plan(&state, id)?;
        let Some(part) = plan.pairs.iter().find(|p| p.pair == *self.cx.name()) else {
            return Ok(());
        };
        let held = part.holds.iter().map(|held| held.what).collect();
        self.cx.put_off = PutOff::These(held);
        self.phase(Phase::Write, Some(part.tally.items));
        let matcher = Matcher::new(&state, &self.cx)?;
        let (mut after, mut left) = (part.first.saturating_sub(1), part.tally.items);
        while left > 0 {
            self.boundary()?;
            let items: Vec<PlanItem> = of_plan(state.store(), id, after)
                .take(TOGETHER.min(usize::try_from(left).unwrap_or(TOGETHER)))
                .collect::<Result<_, _>>()?;
            if items.is_empty() {
                break;
            }
            let taken = items.len();
            (after, left) = (after + taken as u64, left.saturating_sub(taken as u64));
            self.apply_some(&matcher, &items)?;
            self.advance(taken);
        }
        Ok(())
    }

    fn apply_some(&mut self, matcher: &Matcher, items: &[PlanItem]) -> Step<()> {
        let (rows, at) = self.rows_of(items)?;
        let state = self.state();
        let mut tx = state.begin();
        let mut to_send = ToSend::default();
        for (item, row) in items.iter().zip(rows) {
            if !self.stands(&tx, item, row.as_ref())? {
                self.leave_item(&mut tx, item)?;
                continue;
            }
            if let Some(row) = row {
                match &item.app_id {
                    Some(_) => self.take_back(&mut tx, matcher, row, at, Source::Probe)?,
                    None => {
                        self.take_in(&mut tx, matcher, row, at, Source::Probe, Record::Each)?;
                    }
                }
            }
            let Some(id) = &item.app_id else {
                continue;
            };
            // A conflict with what was seen before arises only where the App's side is planned.
            if item.to_crm.is_some() || (item.crm_id.is_some() && self.waits(&tx, id)?) {
                self.decide(&mut tx, item, id, &mut to_send)?;
            }
        }
        let durability = match to_send.writes.is_empty() {
            true => Durability::Soon,
            false => Durability::Now,
        };
        self.commit(tx, durability)?;
        let mut again: Vec<AppId> = to_send.reads.into_iter().map(|(id, _)| id).collect();
        again.extend(self.send(to_send.writes)?);
        self.leave(&again)
    }

    /// Plans a record, and keeps to what the plan says of it.
    fn decide(
        &mut self,
        tx: &mut Tx<'_>,
        item: &PlanItem,
        id: &AppId,
        to_send: &mut ToSend,
    ) -> Step<()> {
        let before = to_send.writes.len();
        self.plan_one(tx, id, to_send)?;
        if let Some(intent) = to_send.writes.get(before)
            && !says(
                item.to_crm.as_ref(),
                intent,
                self.cx.pair.pair.key_field.as_ref(),
            )
        {
            journal::not_sent(tx, intent, self.now())?;
            to_send.writes.truncate(before);
            self.leave_item(tx, item)?;
        }
        Ok(())
    }

    /// Whether a person's change of a record waits to be compared.
    fn waits(&self, tx: &Tx<'_>, id: &AppId) -> Step<bool> {
        let state = tx.state();
        Ok(state.app().waits(&self.cx.pair.pair.table, id)?
            || state
                .store()
                .contains(&TODO, &record_key(self.cx.name(), id))?)
    }

    /// The CRM records of items, each old enough to be a precondition.
    fn rows_of(&mut self, items: &[PlanItem]) -> Step<(Vec<Option<CrmRow>>, Timestamp)> {
        let ids: Vec<CrmId> = items.iter().filter_map(|item| item.crm_id).collect();
        if ids.is_empty() {
            return Ok((vec![None; items.len()], self.now()));
        }
        let read = |work: &Self| {
            let crm = &work.tools.crm;
            work.read(crm.retrieve(&work.object, &ids, &work.fields))
        };
        let mut got = read(self)?;
        let settle = self.cx.settings.settle;
        let young = got.rows.iter().flatten().map(|row| {
            let since = got.at.duration_since(row.stamp.max(row.modified));
            settle - since
        });
        let wait = young.max().unwrap_or(SignedDuration::ZERO);
        if wait > SignedDuration::ZERO {
            self.sleep(Duration::try_from(wait.min(settle)).unwrap_or_default())?;
            got = read(self)?;
        }
        self.hear(got.at);
        let mut found = got.rows.into_iter();
        let rows = items
            .iter()
            .map(|item| item.crm_id.and_then(|_| found.next().flatten()));
        Ok((rows.collect(), got.at))
    }

    /// Whether both sides are as they were when the plan was made.
    fn stands(&self, tx: &Tx<'_>, item: &PlanItem, row: Option<&CrmRow>) -> Step<bool> {
        let rev = match &item.app_id {
            Some(id) => tx
                .app_record(&self.cx.pair.pair.table, id)?
                .map(|app| app.rev),
            None => None,
        };
        let taken = match (&item.app_id, &item.crm_id) {
            (None, Some(crm)) => tx.by_crm(self.cx.name(), crm)?.is_some(),
            _ => false,
        };
        // A record that is gone for good has no row any more; what is known of it has not moved.
        let stamp = row.map_or(item.basis.stamp, |row| Some(row.stamp));
        Ok(rev == item.basis.rev && !taken && stamp == item.basis.stamp)
    }

    fn leave_item(&mut self, tx: &mut Tx<'_>, item: &PlanItem) -> Step<()> {
        let shown = item.crm_id.map(|id| id.to_string()).unwrap_or_default();
        Ok(tx.put_result(&RecordResult {
            run: self.run.id,
            app_id: item.app_id.clone().unwrap_or_else(|| AppId::new(shown)),
            crm_id: item.crm_id,
            name: item.name.clone(),
            kind: ResultKind::Deferred,
            did: MOVED.to_owned(),
            failure: None,
            tries: 1,
        })?)
    }
}

/// Whether a write is the one that was planned. References to records that the plan itself makes
/// have their ids only now.
fn says(
    planned: Option<&Planned>,
    intent: &Intent,
    key: Option<&crate::domain::id::FieldName>,
) -> bool {
    let Some(planned) = planned else {
        return false;
    };
    let deed = match intent.op {
        Op::Create => Deed::Create,
        Op::Update => Deed::Change,
        Op::Delete => Deed::Delete,
    };
    let key = intent.sync_key.as_ref().and(key);
    let sent: Vec<_> = intent
        .fields
        .iter()
        .filter(|(name, _)| Some(*name) != key)
        .collect();
    deed == planned.deed
        && sent.len() == planned.fields.len()
        && sent.iter().all(|(name, value)| {
            let field = planned.fields.iter().find(|field| field.name == **name);
            field.is_some_and(|field| field.to == **value || is_new(&field.to))
        })
}
