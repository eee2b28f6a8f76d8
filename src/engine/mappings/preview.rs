//! One row of a draft on real records, both ways.
//!
//! Reads records as they are stored, asks the CRM nothing and changes nothing. Invariant: the
//! same records and the same draft give the same samples in the same order.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use crate::appdb::embedded::RECORDS;
use crate::domain::append::{Block, Origin, Room};
use crate::domain::id::RowId;
use crate::domain::mapping::{Flow, Pair, Row, Strategy, Switch};
use crate::domain::reconcile::{Queues, cell_of, is_blank, same_cell};
use crate::domain::record::{AppRecord, BasePair, Bases, Link, Observation, Presence};
use crate::domain::schema::FieldInfo;
use crate::domain::text::{grouped, some};
use crate::domain::transform::{Lookup, Side};
use crate::domain::value::{Cell, FieldKind, Fields, Value};
use crate::engine::cx::{StateLookup, Users};
use crate::engine::filters;
use crate::engine::naming::record_name;
use crate::engine::queries;
use crate::engine::state::State;
use crate::engine::tables::LINKS;
use crate::engine::view::{Gets, MappingPreview, Sample};
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

/// Records looked at to find telling samples among them.
const LOOKED_AT: usize = 400;
/// Records whose values are held against lists.
const VALUES_OF: usize = 2_000;

/// What a row of a draft does with at most `samples` real records. Those that fail, or do not
/// come back the same, are first; then different values; then the rest.
pub fn preview(
    state: &State,
    draft: &Pair,
    row: RowId,
    samples: usize,
    now: Timestamp,
) -> Result<MappingPreview> {
    let object = state.object(&draft.object)?;
    let known = draft.row(row).ok_or_else(|| {
        Error::new(
            Kind::Usage,
            format!("the mapping {} has no row {row}", draft.name),
        )
    })?;
    let users = Users::new(state.users()?);
    let trial = Trial {
        lookup: &StateLookup {
            state,
            users: &users,
        },
        app: known.app.iter().map(|f| draft.app_kind(f)).collect(),
        crm: known
            .crm
            .iter()
            .map(|name| match &object {
                Some(object) => object.field(name.as_str()).map(|field| field.kind),
                None => Some(FieldKind::Text),
            })
            .collect(),
        room: Room {
            most: known
                .crm
                .first()
                .and_then(|f| object.as_ref()?.field(f.as_str()))
                .map_or(0, |f| f.length as usize),
            on_full: known.flow.on_full().unwrap_or_default(),
        },
        queues: known
            .crm
            .first()
            .and_then(|f| object.as_ref()?.field(f.as_str()))
            .map_or(Queues::Taken, Queues::of),
        row: known,
        now,
    };
    let found = real_records(state, draft, LOOKED_AT)?;
    Ok(MappingPreview {
        row,
        samples: telling(found.iter().map(|r| trial.sample(draft, r)), samples),
        problems: super::problems(state, draft, object.as_ref())?,
        after_saving: {
            let mut said = super::after_saving(state, draft)?;
            said.extend(decided_by_rules(state, draft)?);
            said.extend(filters::effect(state, draft, now)?);
            said
        },
    })
}

/// How many open conflicts the rules that the draft changes would decide, where that is known without
/// comparing.
fn decided_by_rules(state: &State, draft: &Pair) -> Result<Vec<String>> {
    let Some(current) = state.pair(&draft.name)? else {
        return Ok(Vec::new());
    };
    let rule = |pair: &Pair, row: RowId| Some(pair.row(row)?.strategy.under(pair.strategy));
    let ids = draft.active().map(|row| row.id);
    let changed = ids.filter(|id| rule(&current, *id) != rule(draft, *id));
    let rules = queries::rules(state, draft, changed, None)?;
    let said = rules.iter().filter_map(|found| {
        let decides = match rule(draft, found.row)? {
            Strategy::App | Strategy::Crm => found.one_side,
            Strategy::Filled => found.filled,
            _ => return None,
        };
        let name = rule(draft, found.row)?.name();
        let open = some(found.open, "open conflict", "open conflicts");
        let of = match found.looked_at < found.open {
            true => format!("the {} looked at of {open}", grouped(found.looked_at)),
            false => open,
        };
        let decides = grouped(decides);
        Some(format!(
            "The rule {name} decides {decides} of {of} of {}.",
            found.label
        ))
    });
    Ok(said.collect())
}

/// What the App's records hold in the rows that may go to a list, or to a field that takes no queue, as
/// far as they are looked at; nothing when no row does.
pub(super) fn app_values(state: &State, pair: &Pair) -> Result<Vec<Fields>> {
    let object = state.object(&pair.object)?;
    let listed = |row: &&Row| {
        let mut fields = row
            .crm
            .iter()
            .filter_map(|f| object.as_ref()?.field(f.as_str()));
        let names_user = row.to_crm.names_user();
        let is_limited = |field: &FieldInfo| {
            !field.picklist.is_empty() || names_user && Queues::of(field) == Queues::Refused
        };
        row.flow.writes(Side::Crm) && fields.any(is_limited)
    };
    let names: Vec<_> = pair
        .active()
        .filter(listed)
        .flat_map(|row| &row.app)
        .collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let prefix = Key::new().text(pair.table.as_str());
    let mut found = Vec::new();
    for record in state.store().scan(&RECORDS, &prefix).take(VALUES_OF) {
        let (_, mut record) = record?;
        if record.presence == Presence::Live {
            record.fields.retain(|name, _| names.contains(&name));
            found.push(record.fields);
        }
    }
    Ok(found)
}

/// How much each row is used: of a hundred live App records so many have a value, as far as they
/// are looked at. Less than one is one, and a hundred are all.
pub(super) fn used(state: &State, pair: &Pair) -> Result<BTreeMap<RowId, u8>> {
    let prefix = Key::new().text(pair.table.as_str());
    let mut filled: BTreeMap<RowId, usize> = pair.rows.iter().map(|row| (row.id, 0)).collect();
    let mut of = 0;
    for record in state.store().scan(&RECORDS, &prefix).take(VALUES_OF) {
        let (_, record) = record?;
        if record.presence != Presence::Live {
            continue;
        }
        of += 1;
        let has = |name| {
            record
                .fields
                .get(name)
                .is_some_and(|v| !is_blank(std::slice::from_ref(v)))
        };
        for row in pair.rows.iter().filter(|row| row.app.iter().any(has)) {
            *filled.entry(row.id).or_default() += 1;
        }
    }
    let percent = |filled: usize| match (filled * 100).checked_div(of)? {
        0 if filled > 0 => Some(1),
        percent => u8::try_from(percent).ok(),
    };
    Ok(filled
        .into_iter()
        .filter_map(|(row, filled)| Some((row, percent(filled)?)))
        .collect())
}

/// A record as both sides have it, as far as known.
pub(super) struct Real {
    pub(super) app: Option<AppRecord>,
    pub(super) seen: Option<Observation>,
    bases: Bases,
}

/// Live records of a pair: linked ones in the order of their ids, then the App's own.
pub(super) fn real_records(state: &State, pair: &Pair, most: usize) -> Result<Vec<Real>> {
    let mut found = Vec::new();
    let prefix = Key::new().text(pair.name.as_str());
    for link in state.store().scan(&LINKS, &prefix).take(most) {
        let (_, link): (_, Link) = link?;
        let app = state.app_record(&pair.table, &link.app_id)?;
        if app.as_ref().is_some_and(|a| a.presence == Presence::Live) && link.seen.is_some() {
            found.push(Real {
                app,
                seen: link.seen,
                bases: link.bases,
            });
        }
    }
    if found.is_empty() {
        let prefix = Key::new().text(pair.table.as_str());
        for record in state.store().scan(&RECORDS, &prefix).take(most) {
            let (_, record) = record?;
            if record.presence == Presence::Live {
                found.push(Real {
                    app: Some(record),
                    seen: None,
                    bases: Bases::new(),
                });
            }
        }
    }
    Ok(found)
}

/// At most so many samples, the telling ones first. Equal values are shown once as long as
/// others are left.
fn telling(samples: impl Iterator<Item = Sample>, most: usize) -> Vec<Sample> {
    let mut broken = Vec::new();
    let mut plain = Vec::new();
    let mut dull = Vec::new();
    let mut seen = HashSet::new();
    for sample in samples {
        let values = (sample.app.clone(), sample.crm.clone());
        let blank = |cell: &Option<Cell>| cell.as_ref().is_none_or(|c| is_blank(c));
        let repeated = !seen.insert(values);
        let fails = sample.to_crm.is_refused()
            || sample.to_app.is_refused()
            || sample.round_trip == Some(false);
        if repeated || (blank(&sample.app) && blank(&sample.crm)) {
            dull.push(sample);
        } else if fails {
            broken.push(sample);
        } else {
            plain.push(sample);
        }
    }
    let ordered = broken.into_iter().chain(plain).chain(dull);
    ordered.take(most).collect()
}

/// A row with what is needed to send values through it.
struct Trial<'a> {
    row: &'a Row,
    app: Vec<FieldKind>,
    /// None when one of the fields is known not to be there.
    crm: Option<Vec<FieldKind>>,
    room: Room,
    queues: Queues,
    lookup: &'a dyn Lookup,
    now: Timestamp,
}

impl Trial<'_> {
    fn sample(&self, draft: &Pair, real: &Real) -> Sample {
        let app = real
            .app
            .as_ref()
            .and_then(|a| cell_of(Side::App, &self.row.app, &a.fields));
        let crm = real
            .seen
            .as_ref()
            .and_then(|s| cell_of(Side::Crm, &self.row.crm, &s.fields));
        Sample {
            name: record_name(draft, real.app.as_ref(), real.seen.as_ref()),
            to_crm: self.to_crm(real, app.as_deref(), crm.as_deref()),
            to_app: self.to_app(crm.as_deref()),
            round_trip: self.round_trip(app.as_deref(), crm.as_deref()),
            app,
            crm,
        }
    }

    /// What the CRM would get.
    fn to_crm(&self, real: &Real, app: Option<&[Value]>, crm: Option<&[Value]>) -> Gets {
        let (Some(app), Some(record)) = (app, &real.app) else {
            return self.nothing();
        };
        if !self.goes(Side::Crm) {
            return self.nothing();
        }
        if !self.row.flow.appends() {
            return gets(self.go(Side::Crm, app), Gets::Value);
        }
        let base = real.bases.get(&self.row.id);
        let kept = crm.unwrap_or_default();
        let sent = self.go(Side::Crm, app);
        let whole = sent.and_then(|sent| self.appended(record, base, &sent, kept));
        gets(whole, Gets::Appended)
    }

    /// What the App would get.
    fn to_app(&self, crm: Option<&[Value]>) -> Gets {
        match crm {
            Some(crm) if self.goes(Side::App) => gets(self.go(Side::App, crm), Gets::Value),
            _ => self.nothing(),
        }
    }

    fn goes(&self, toward: Side) -> bool {
        self.row.switch == Switch::On && self.row.flow.writes(toward)
    }

    fn nothing(&self) -> Gets {
        match self.row.switch {
            Switch::On => Gets::NotSent,
            Switch::Off => Gets::Off,
        }
    }

    fn appended(
        &self,
        record: &AppRecord,
        base: Option<&BasePair>,
        sent: &[Value],
        crm: &[Value],
    ) -> Gone {
        let text = |cell: &[Value]| cell.first().map(ToString::to_string).unwrap_or_default();
        let there = text(crm);
        let was = match base {
            Some(base) => text(&self.go(Side::Crm, &base.app)?),
            None => there.clone(),
        };
        let origin = Origin {
            app_id: &record.id,
            row: self.row.id,
            agreed: base.map(|b| b.at),
        };
        let typed = self.row.app.iter().filter_map(|f| record.changed_at.get(f));
        let typed = typed.max().copied().unwrap_or(self.now);
        Ok(match Block::of_new_text(origin, &was, &text(sent), typed) {
            Some(block) => {
                let block = block.within(self.room);
                match block.fitted(&there) {
                    Ok(text) => vec![Value::text(text)],
                    // Its lines become records of their own, and the text stays.
                    Err(_) if block.overflows() => crm.to_vec(),
                    Err(error) => return Err(error.to_string()),
                }
            }
            None => crm.to_vec(),
        })
    }

    /// Whether both values come back as they went; none for a row that goes one way, and where
    /// there is nothing to send, or a field is not there.
    fn round_trip(&self, app: Option<&[Value]>, crm: Option<&[Value]>) -> Option<bool> {
        let crm_kinds = self.crm.as_deref()?;
        let flow = self.row.flow;
        let circle = self.goes(Side::Crm) && self.goes(Side::App) && flow != Flow::AppendBoth;
        if !circle {
            return None;
        }
        let back = |from: Side, kinds: &[FieldKind], cell: Option<&[Value]>| {
            let cell = cell.filter(|c| !is_blank(c))?;
            let there = self.go(from.other(), cell).ok()?;
            let back = self.go(from, &there).ok()?;
            Some(same_cell(kinds, &back, cell))
        };
        let app = back(Side::App, &self.app, app);
        let crm = back(Side::Crm, crm_kinds, crm);
        match (app, crm) {
            (None, None) => None,
            (app, crm) => Some(app.unwrap_or(true) && crm.unwrap_or(true)),
        }
    }

    /// As a run does it, so that what is shown is what would be sent.
    fn go(&self, toward: Side, cell: &[Value]) -> Gone {
        let gone = self.queues.gone(self.row, toward, cell, self.lookup);
        gone.map_err(|error| error.to_string())
    }
}

type Gone = std::result::Result<Cell, String>;

fn gets(gone: Gone, whole: impl FnOnce(Cell) -> Gets) -> Gets {
    gone.map_or_else(Gets::Refused, whole)
}
