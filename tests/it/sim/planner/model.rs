//! The product's planner at work on a case: plans, carries decisions out as if every write
//! succeeded, and checks each of them while it does.
//!
//! [`Switch`] turns one rule of the product off, to see that the checks notice. Invariant: only
//! what `plan` says is carried out, in an order that the case's seed decides.

mod build;
mod carry;
mod events;
mod fights;
mod looks;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use syncdeck::domain::append;
use syncdeck::domain::fight::Chain;
use syncdeck::domain::id::{AppId, FieldName, RowId};
use syncdeck::domain::mapping::{AppField, Blanks};
use syncdeck::domain::mapping::{Converts, DeletePolicy, Guard, Leaves, Pair, Row};
use syncdeck::domain::plan::{Act, App, Crm, Input, Plan, RecordRule, Survivor, plan};
use syncdeck::domain::reconcile::{
    Action, Clocks, Compiled, CompiledRow, Context, Depth, FieldRule, Outcome, canon_cell, cell_of,
    same_cell,
};
use syncdeck::domain::record::{
    AppRecord, BasePair, CrmPresence, Link, LinkState, Observation, Presence, Source, Standing,
};
use syncdeck::domain::schedule::Schedule;
use syncdeck::domain::schema::{FieldInfo, ObjectInfo};
use syncdeck::domain::transform::{NoLookup, Side};
use syncdeck::domain::value::{Cell, FieldKind, Fields, Value};

use self::build::{OUTSIDE, STAGE, app_record, at, compiled, names};
use self::events::{change, raw_lines, saved, written, zip};
use super::case::{Case, Event, Key, Kind, MEANINGS, Number, RowCase, Saves, Start, Step};
use crate::sim::random::Random;
use crate::sim::{Broken, must};

/// Rounds in which something may be written before it must be quiet.
const WRITING: usize = 3;
/// Rounds before a case is given up.
const ROUNDS: usize = 200;

/// How a line of the product's shows its token.
const MARK: &str = "\u{27e8}sd:";

/// A rule of the product that is turned off in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    None,
    /// An overwrite is not written down.
    Unlogged,
    /// A conflict's row is pushed all the same.
    FrozenIsWritten,
    /// A conflict is forgotten as if both sides agreed.
    ConflictIsDropped,
    /// A field that is not shown counts as empty.
    UnknownIsEmpty,
    /// Values are compared as they are written.
    RawCompare,
    /// One shared base value instead of a pair.
    SharedBase,
    /// A group is written by its first field.
    HalfGroups,
    /// A link that ended is forgotten.
    EndedIsForgotten,
    /// A conflict stops the whole record.
    ConflictStopsRecord,
    /// A delete does not look at what changed on the other side.
    DeleteIsBlind,
    /// The link of a created record is not kept.
    CreateWithoutLink,
    /// The clocks count as right although they differ.
    ClocksAreTrusted,
    /// A value that is changed again whenever it is written is written again.
    NothingIsStopped,
    /// The pair's filter is not asked.
    NoFilter,
    /// What was agreed is forgotten when a record leaves the pair's filter.
    LeftIsForgotten,
    /// A converted record keeps its link.
    ConvertedIsKept,
    /// A line gets another token whenever it is planned.
    TokensAreFresh,
    /// Whoever is to be made in the CRM is taken to get a key of ours there.
    KeyIsAssumed,
    /// What was written is not remembered as agreed.
    NothingIsAgreed,
    /// The planner asks a clock of its own.
    ClockIsAsked,
    /// Once lines are appended, what others wrote counts as known in the App.
    AppendAgreesOnAll,
}

/// How often each rule was met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    pub records: BTreeMap<RecordRule, u64>,
    pub fields: BTreeMap<FieldRule, u64>,
}

impl Coverage {
    pub fn join(&mut self, other: &Self) {
        for (rule, n) in &other.records {
            *self.records.entry(*rule).or_default() += n;
        }
        for (rule, n) in &other.fields {
            *self.fields.entry(*rule).or_default() += n;
        }
    }
}

/// A record on both sides.
#[derive(Debug, Clone)]
pub struct Slot {
    pub app: Option<AppRecord>,
    pub crm: Option<Observation>,
    pub link: Option<Link>,
    pub readable: bool,
    pub hidden: BTreeSet<FieldName>,
    pub twin: bool,
    /// Rows a person is asked about.
    pub asked: BTreeSet<RowId>,
    /// A person is asked about the record.
    pub open: bool,
    /// Rows that were written too often.
    pub fights: BTreeSet<RowId>,
    chains: BTreeMap<RowId, Chain>,
    /// The lines of the product's that its texts once had.
    appended: append::Appended,
    /// What a merge leads to.
    survivor: Option<(Survivor, Observation)>,
    created: (u32, u32),
}

/// Both sides of a record, its link, and whether a person is asked about it.
pub type End = (Option<AppRecord>, Option<Fields>, Option<LinkState>, bool);

/// The product over a case.
#[derive(Debug)]
pub struct Model<'a> {
    case: &'a Case,
    switch: Switch,
    pair: Compiled,
    pub slots: Vec<Slot>,
    now: i64,
    /// How often it was settled: what happened before is out of reach.
    phase: u64,
    ids: u32,
    order: Random,
    pub coverage: Coverage,
    pub writes: u64,
    /// How often something was agreed.
    agreed: std::cell::Cell<i64>,
}

impl<'a> Model<'a> {
    /// As the case begins.
    pub fn new(case: &'a Case, switch: Switch, order: u64) -> Self {
        let mut model = Self {
            case,
            switch,
            pair: compiled(case, switch),
            slots: Vec::new(),
            now: 0,
            phase: 0,
            ids: 0,
            order: Random(order),
            coverage: Coverage::default(),
            writes: 0,
            agreed: std::cell::Cell::default(),
        };
        for (index, record) in case.records.iter().enumerate() {
            let (mut here, mut there) = (Fields::new(), Fields::new());
            for (row, number) in model.pair.rows.iter().zip(&record.values) {
                let kind = case.rows[usize::from(row.row.id.0) - 1].kind;
                let (m, form) = (number.meaning(), number.form());
                here.extend(zip(&row.row.app, kind.cell(Side::App, m, form)));
                there.extend(zip(&row.row.crm, kind.cell(Side::Crm, m, 0)));
                if row.row.flow.appends() {
                    here.extend(zip(&row.row.app, kind.cell(Side::App, m, 0)));
                }
            }
            let app = (record.start != Start::CrmOnly).then(|| app_record(index, here));
            let crm = (record.start != Start::AppOnly).then(|| model.observe(there));
            let mut slot = Slot {
                app,
                crm,
                link: None,
                readable: true,
                hidden: BTreeSet::new(),
                twin: record.start == Start::Twice,
                asked: BTreeSet::new(),
                open: false,
                fights: BTreeSet::new(),
                chains: BTreeMap::new(),
                appended: append::Appended::new(),
                survivor: None,
                created: (0, 0),
            };
            if matches!(record.start, Start::Linked | Start::BaseLost) {
                let known = record.start == Start::Linked;
                slot.link = Some(model.link_of(&slot, |_| known));
            }
            model.slots.push(slot);
        }
        model
    }

    fn observe(&mut self, mut fields: Fields) -> Observation {
        self.ids += 1;
        fields.entry(STAGE.into()).or_default();
        Observation {
            id: format!("00Q{:012}", self.ids).parse().unwrap(),
            fields,
            stamp: at(self.now),
            modified: at(self.now),
            modified_by: None,
            seen_at: at(self.now),
            source: Source::Poll,
            presence: CrmPresence::Live,
        }
    }

    /// An active link of what is there, with bases for the rows that are agreed.
    fn link_of(&self, slot: &Slot, agreed: impl Fn(&CompiledRow) -> bool) -> Link {
        let (app, crm) = (slot.app.as_ref().unwrap(), slot.crm.as_ref().unwrap());
        let bases = self
            .pair
            .rows
            .iter()
            .filter(|row| agreed(row))
            .filter_map(|row| {
                let a = cell_of(Side::App, &row.row.app, &app.fields)?;
                let c = cell_of(Side::Crm, &row.row.crm, &crm.fields)?;
                Some((row.row.id, self.base(row, &a, &c)))
            });
        Link {
            pair: "leads".into(),
            app_id: app.id.clone(),
            crm_id: Some(crm.id),
            sync_key: None,
            state: LinkState::Active,
            seen: None,
            bases: bases.collect(),
            app_rev: app.rev,
            mapping_version: 1,
        }
    }

    fn base(&self, row: &CompiledRow, app: &[Value], crm: &[Value]) -> BasePair {
        let app = match self.switch {
            Switch::SharedBase => crm,
            _ => app,
        };
        // No two agreements of a row are of the same instant.
        self.agreed.set(self.agreed.get() + 1);
        BasePair {
            app: canon_cell(&row.app, app),
            crm: canon_cell(&row.crm, crm),
            standing: Standing::Settled,
            at: at(self.agreed.get()),
            run: Default::default(),
        }
    }

    fn row_case(&self, row: &CompiledRow) -> &'a RowCase {
        &self.case.rows[usize::from(row.row.id.0) - 1]
    }

    /// Plans and carries out until nothing is left to do.
    pub fn settle(&mut self) -> Result<(), Broken> {
        let mut writing = 0;
        self.phase += 1;
        let quiet = self.case.rows.iter().all(RowCase::settles);
        for _ in 0..ROUNDS {
            let mut decisions: Vec<(usize, Plan)> = Vec::new();
            for index in 0..self.slots.len() {
                self.revive(index);
                let plan = self.plan(index);
                must!(
                    plan == self.plan(index),
                    "I31",
                    "two plans of one record differ"
                );
                decisions.push((index, plan));
            }
            self.order.shuffle(&mut decisions);
            let before = self.writes;
            let mut changed = false;
            for (index, mut plan) in decisions {
                self.order.shuffle(&mut plan.rows);
                changed |= self.carry_out(index, plan)?;
            }
            writing += usize::from(self.writes > before);
            if writing > WRITING {
                let invariant = if quiet { "I2" } else { "I42" };
                let what = format!("still writing in round {writing}");
                return Err(Broken::new(invariant, what));
            }
            if !changed && self.writes == before {
                return Ok(());
            }
        }
        Err(Broken::new("I2", "never at rest"))
    }

    fn revive(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let ended = slot
            .link
            .as_ref()
            .is_some_and(|l| l.state == LinkState::CrmDeleted);
        let live = slot
            .crm
            .as_ref()
            .is_some_and(|c| c.presence == CrmPresence::Live);
        if ended && live && slot.readable {
            slot.app.as_mut().unwrap().presence = Presence::Live;
        }
    }

    fn shown(&self, slot: &Slot) -> Option<Observation> {
        let mut seen = slot.crm.clone()?;
        for name in &slot.hidden {
            match self.switch {
                Switch::UnknownIsEmpty => drop(seen.fields.insert(name.clone(), Value::Null)),
                _ => drop(seen.fields.remove(name)),
            }
        }
        Some(seen)
    }

    fn plan(&mut self, index: usize) -> Plan {
        self.looks_at_texts(index);
        let error = match self.switch {
            Switch::ClockIsAsked => self.order.below(100) as i64,
            _ => 2,
        };
        let error = SignedDuration::from_secs(error);
        let slot = &self.slots[index];
        let seen = self.shown(slot);
        let forgotten = |link: &&Link| {
            self.switch == Switch::EndedIsForgotten && link.state == LinkState::Closed
        };
        let link = slot.link.as_ref().filter(|l| !forgotten(l));
        let crm = match (&seen, link) {
            (None, _) => Crm::Absent,
            (Some(_), Some(_)) if !slot.readable => Crm::Unreadable,
            (Some(seen), _) => match seen.presence {
                CrmPresence::Live if slot.twin && link.is_none() && slot.app.is_some() => {
                    Crm::Several
                }
                CrmPresence::Live => Crm::Live(seen),
                CrmPresence::Converted => Crm::Converted(seen),
                _ if link.is_none() => Crm::Absent,
                CrmPresence::Deleted => Crm::Deleted(Some(seen)),
                CrmPresence::Merged(into) => Crm::Merged {
                    into,
                    survivor: slot.survivor.as_ref().unwrap().0,
                },
            },
        };
        // The App's clock is wrong; by how much is known.
        let wrong = [0, 40, -600][(self.case.order % 3) as usize];
        let wrong = SignedDuration::from_secs(wrong);
        let ahead = match self.switch {
            Switch::ClocksAreTrusted => SignedDuration::ZERO,
            _ => -wrong,
        };
        let id = match self.switch {
            Switch::TokensAreFresh => AppId::new(format!("app-{index}-{}", self.writes)),
            _ => AppId::new(format!("app-{index}")),
        };
        let changed = |field: &FieldName| {
            let at = slot.app.as_ref()?.changed_at.get(field)?;
            Some(*at + wrong)
        };
        let cx = Context {
            lookup: &NoLookup,
            depth: match self.case.order % 4 {
                0 => Depth::Everything,
                _ => Depth::Moves,
            },
            first_link: self.case.first_link,
            app_id: &id,
            app_changed: &changed,
            clocks: Clocks {
                crm: seen.as_ref().map(|s| s.modified),
                ahead: Some(ahead),
                error,
            },
            appended: &slot.appended,
            now: at(self.now),
        };
        let input = Input {
            link,
            app: App::of(slot.app.as_ref()),
            crm,
        };
        let mut plan = match self.switch {
            Switch::RawCompare => {
                let mut pair = self.pair.clone();
                for row in &mut pair.rows {
                    row.app.fill(FieldKind::Opaque);
                    row.crm.fill(FieldKind::Opaque);
                }
                plan(&cx, &pair, input)
            }
            _ => plan(&cx, &self.pair, input),
        };
        self.freeze(index, &mut plan, seen.as_ref());
        *self.coverage.records.entry(plan.rule).or_default() += 1;
        for outcome in &plan.rows {
            *self.coverage.fields.entry(outcome.rule).or_default() += 1;
        }
        plan
    }
}
