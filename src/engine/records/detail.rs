//! One record on both sides, field by field.
//!
//! Reads only. Invariant: what a field's state announces is what the planner would do with the
//! values as they are stored now.

use jiff::Timestamp;

use crate::domain::append::Appended;
use crate::domain::conflict::{Conflict, State as Standing};
use crate::domain::id::{AppId, FieldName, PairName, RowId, RunId};
use crate::domain::mapping::{Creates, Pair, Row, Switch};
use crate::domain::reconcile::{
    Action, CompiledRow, Context, Depth, Way, cell_of, is_blank, reconcile,
};
use crate::domain::record::{AppRecord, CrmPresence, Link, LinkState, Observation, Presence};
use crate::domain::run::{Cause, Word};
use crate::domain::transform::Side;
use crate::domain::value::Cell;
use crate::engine::command::RecordKey;
use crate::engine::cx::{RunCx, Settings, StateLookup};
use crate::engine::left_out;
use crate::engine::mappings;
use crate::engine::naming::record_name;
use crate::engine::state::State;
use crate::engine::view::{Base, Edit, HeldFrom, RecordDetail, RecordField};
use crate::error::{Error, Kind, Result};

use super::holds::Holds;
use super::staged;

/// How the state of a field begins that is held since a run was taken back.
const HELD: &str = "held";
/// Lines of history.
const HISTORY: usize = 50;

/// A record with both sides as far as known.
pub fn record(
    state: &State,
    settings: &Settings,
    key: &RecordKey,
    now: Timestamp,
) -> Result<RecordDetail> {
    let pair = mappings::pair(state, &key.pair)?;
    let app = state.app_record(&pair.table, &key.app_id)?;
    let link = state.link(&pair.name, &key.app_id)?;
    let staged = staged::of(state, key)?.map(|staged| staged.edit);
    let new = staged.as_ref().filter(|edit| edit.base == Base::New);
    if app.is_none() && link.is_none() && new.is_none() {
        return Err(missing(&pair.name, &key.app_id));
    }
    let imagined = new.map(|edit| staged::imagined(&pair, &key.app_id, &edit.fields, now));
    let live = app.filter(|a| a.presence == Presence::Live);
    let seen = link.as_ref().and_then(|l| l.seen.as_ref());
    let url = match &link {
        Some(link) => address(state, link)?,
        None => None,
    };
    let appended = match seen {
        Some(seen) => state.appended(&pair.name, &seen.id)?,
        None => Appended::new(),
    };
    let sides = Sides {
        pair: &pair,
        app: live.as_ref(),
        link: link.as_ref(),
        conflicts: state.open_conflicts(&pair.name, &key.app_id)?,
        decided: state.decided(&pair.name, &key.app_id)?,
        cx: planned(state, settings, &pair)?,
        staged: staged.as_ref(),
        appended,
        now,
    };
    Ok(RecordDetail {
        key: key.clone(),
        name: record_name(&pair, live.as_ref().or(imagined.as_ref()), seen),
        word: match imagined {
            Some(_) => Word::None,
            None => Holds::new(state, &pair).word(&key.app_id, live.as_ref(), link.as_ref())?,
        },
        fields: pair
            .rows
            .iter()
            .map(|row| sides.field(state, row))
            .collect(),
        failure: state
            .quarantined(&pair.name, &key.app_id)?
            .map(|q| q.failure),
        url,
        history: state.history(&pair.name, &key.app_id, HISTORY)?,
        app: live,
        staged,
        link,
        pair,
    })
}

/// The address of a record in the CRM, if it is there and the org is known.
pub fn address(state: &State, link: &Link) -> Result<Option<String>> {
    let identity = state.connection()?.identity;
    let known = identity.zip(link.crm_id);
    Ok(known.map(|(who, id)| format!("{}/{id}", who.instance_url)))
}

/// The error for a record that is nowhere.
pub(super) fn missing(pair: &PairName, id: &AppId) -> Error {
    Error::new(Kind::Usage, format!("{pair} has no record {id}"))
        .hint(format!("`syncdeck records list {pair}` lists them"))
}

/// What the planner knows; none before the object was described.
pub(super) fn planned(state: &State, settings: &Settings, pair: &Pair) -> Result<Option<RunCx>> {
    let Some(object) = state.object(&pair.object)? else {
        return Ok(None);
    };
    let compiled = left_out::compiled(state, pair.clone(), &object)?;
    let cx = RunCx::new(state, RunId::default(), compiled, settings.clone())?;
    Ok(Some(cx))
}

struct Sides<'a> {
    pair: &'a Pair,
    app: Option<&'a AppRecord>,
    link: Option<&'a Link>,
    conflicts: Vec<Conflict>,
    /// The latest that was decided of each row.
    decided: Vec<Conflict>,
    cx: Option<RunCx>,
    staged: Option<&'a Edit>,
    /// The lines of ours that the CRM record once had.
    appended: Appended,
    now: Timestamp,
}

impl Sides<'_> {
    fn field(&self, state: &State, row: &Row) -> RecordField {
        let seen = self.link.and_then(|l| l.seen.as_ref());
        let state_of = self.state_of(state, row);
        RecordField {
            row: row.id,
            app_label: row.label(Side::App),
            crm_label: row.label(Side::Crm),
            app: self
                .app
                .and_then(|a| cell_of(Side::App, &row.app, &a.fields)),
            crm: seen.and_then(|s| cell_of(Side::Crm, &row.crm, &s.fields)),
            held: state_of.starts_with(HELD).then(|| self.held_from(row)),
            state: state_of,
            staged: self.staged(row),
        }
    }

    fn held_from(&self, row: &Row) -> HeldFrom {
        match self.decided.iter().any(|c| c.row == Some(row.id)) {
            true => HeldFrom::Decision,
            false => HeldFrom::Write,
        }
    }

    /// The App fields of a row with what is staged in them; none where nothing is.
    fn staged(&self, row: &Row) -> Option<Cell> {
        let edit = self.staged?;
        let mut fields = self.app.map(|app| app.fields.clone()).unwrap_or_default();
        let touched = row.app.iter().any(|name| edit.fields.contains_key(name));
        fields.extend(edit.fields.clone());
        let cell = |name| fields.get(name).cloned().unwrap_or_default();
        touched.then(|| row.app.iter().map(cell).collect())
    }

    fn state_of(&self, state: &State, row: &Row) -> String {
        if row.switch == Switch::Off {
            return "off".to_owned();
        }
        if let Some(conflict) = self.conflicts.iter().find(|c| c.row == Some(row.id)) {
            return conflict_state(conflict).to_owned();
        }
        let Some(app) = self.app else {
            if self.staged.is_some_and(|edit| edit.base == Base::New) {
                return "not made yet".to_owned();
            }
            return "deleted in the App".to_owned();
        };
        if self.link.is_some_and(|l| l.state == LinkState::Closed) {
            return "not synced".to_owned();
        }
        if self.link.is_some_and(|l| l.state == LinkState::OutOfScope) {
            return "not synced: outside the filter of the pair".to_owned();
        }
        if self.link.is_some_and(|l| l.state == LinkState::Unreachable) {
            return "not synced: Salesforce does not show it".to_owned();
        }
        let seen = self.link.and_then(|l| l.seen.as_ref());
        let (Some(link), Some(seen)) = (self.link, seen) else {
            return self.unlinked(row).to_owned();
        };
        match seen.presence {
            CrmPresence::Deleted => return "deleted in Salesforce".to_owned(),
            CrmPresence::Merged(_) => return "merged in Salesforce".to_owned(),
            CrmPresence::Live | CrmPresence::Converted => {}
        }
        let Some(cx) = &self.cx else {
            return "not known: Salesforce has not described its fields".to_owned();
        };
        if let Some((_, field)) = cx.pair.broken.iter().find(|(id, _)| *id == row.id) {
            return format!("FAIL: Salesforce has no field {field}");
        }
        let compiled = cx.pair.rows.iter().find(|r| r.row.id == row.id);
        let Some(compiled) = compiled else {
            return "off".to_owned();
        };
        let two = Two { app, link, seen };
        match two.action(state, cx, compiled, &self.appended, self.now) {
            Action::Drift => {
                if let Some(run) = taken_back(state, link, row.id) {
                    return format!("{HELD} since run {run} was taken back");
                }
                // A row that keeps blanks may stay like this for good.
                let blank = |cell: Option<Cell>| cell.is_none_or(|c| is_blank(&c));
                if blank(cell_of(Side::App, &row.app, &app.fields)) {
                    "in Salesforce only".to_owned()
                } else if blank(cell_of(Side::Crm, &row.crm, &seen.fields)) {
                    "in the App only".to_owned()
                } else {
                    "differs".to_owned()
                }
            }
            Action::Unknown => match &compiled.way {
                Way::Shut(field) => format!("FAIL: Salesforce takes no value for {field}"),
                Way::Open => "not known".to_owned(),
            },
            action => described(action, &link.state),
        }
    }

    fn unlinked(&self, row: &Row) -> &'static str {
        let makes = self.pair.create_in_crm == Creates::Allowed && self.pair.key_field.is_some();
        if self.link.is_some_and(|l| l.crm_id.is_some()) {
            "not read yet"
        } else if makes && row.flow.writes(Side::Crm) {
            "to CRM"
        } else {
            "in the App only"
        }
    }
}

/// Both sides of a linked record.
pub(super) struct Two<'a> {
    pub(super) app: &'a AppRecord,
    pub(super) link: &'a Link,
    /// The CRM record as last read.
    pub(super) seen: &'a Observation,
}

impl Two<'_> {
    /// What a run would do about a row.
    pub(super) fn action(
        &self,
        state: &State,
        cx: &RunCx,
        row: &CompiledRow,
        appended: &Appended,
        now: Timestamp,
    ) -> Action {
        let Self { app, link, seen } = self;
        let lookup = StateLookup {
            state,
            users: &cx.users,
        };
        let context = Context {
            lookup: &lookup,
            depth: Depth::Everything,
            first_link: cx.pair.pair.first_link,
            app_id: &app.id,
            app_changed: &|field: &FieldName| app.changed_at.get(field).copied(),
            clocks: cx.clocks(state, Some(seen), now),
            appended,
            now,
        };
        // A row whose meaning changed since the record was last compared has no base.
        let stale = |id: RowId| {
            cx.rows_changed_since(link.mapping_version)
                .is_some_and(|rows| rows.contains(&id))
        };
        let base = link.bases.get(&row.row.id).filter(|_| !stale(row.row.id));
        reconcile(&context, row, &app.fields, &seen.fields, base).action
    }
}

/// The run whose value was put back on a side, so that both differ until one changes
/// (sync-semantics 15).
fn taken_back(state: &State, link: &Link, row: RowId) -> Option<RunId> {
    let base = link.bases.get(&row)?;
    match state.run(base.run).ok()??.cause {
        Cause::Undo(run) => Some(run),
        _ => None,
    }
}

fn conflict_state(conflict: &Conflict) -> &'static str {
    match (&conflict.state, &conflict.staged) {
        (Standing::Ignored, _) => "left as it is",
        (Standing::Resolving, _) => "being written",
        (_, Some(_)) => "decided",
        _ => "conflict",
    }
}

fn described(action: Action, state: &LinkState) -> String {
    let converted = *state == LinkState::Converted;
    match action {
        Action::Nothing | Action::Adopt => "same".to_owned(),
        Action::Accept(_) => "differs, stays so".to_owned(),
        Action::Push(_) | Action::Append(_) if converted => "not sent: converted".to_owned(),
        Action::Push(_) | Action::Append(_) => "to CRM".to_owned(),
        Action::Overflow(_) => "to records of its own".to_owned(),
        Action::Pull(_) => "to App".to_owned(),
        Action::BlankKept => "kept although the other is empty".to_owned(),
        Action::Conflict => "conflict".to_owned(),
        Action::Drift => "differs".to_owned(),
        Action::Unknown => "not known".to_owned(),
        Action::Failed(error) => format!("FAIL: {error}"),
    }
}
