//! Rows of a mapping that the CRM stands in the way of: their field is gone, or takes no value from
//! this user (sync-semantics 9.1 `schema`, 22).
//!
//! The others go on. Decides nothing about records. Invariants: what is left out is in the store, so
//! that a person is told until it takes part again; and then every record is looked at whose value
//! moved meanwhile.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::crm::CrmError;
use crate::domain::currency::{CURRENCY, fix as currency_fix};
use crate::domain::id::{AppId, FieldName, PairName, RowId};
use crate::domain::mapping::Pair;
use crate::domain::reconcile::{Compiled, CompiledRow, canon_of};
use crate::domain::record::Link;
use crate::domain::run::{Cause, Word};
use crate::domain::schema::ObjectInfo;
use crate::domain::text::{nearest, some};
use crate::domain::transform::Side;
use crate::domain::value::Fields;
use crate::store::StoreError;
use crate::store::keys::Key;

use super::state::State;
use super::tables::{BROKEN, Intent, LINKS};
use super::tx::{Durability, Tx};
use super::work::{FULL, Step, Work};

/// A refusal that no description explains is tried again after this.
const TRIED_AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// A row that is left out, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Row; none for all that would be made in the CRM.
    pub row: Option<RowId>,
    /// Field that is in the way.
    pub field: FieldName,
    /// Why.
    pub why: Why,
    /// Since when.
    pub since: Timestamp,
    /// The mapping version that was used.
    pub version: u32,
}

/// Why a row is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The object has no such field, or this user may not see it. Perhaps this one is meant.
    Missing(Option<FieldName>),
    /// This user may not write it, says its description.
    ReadOnly,
    /// Every new record must have it, and no row writes it.
    Wanted,
    /// It was refused, although it was described as one that may be written.
    Refused {
        /// Code of the refusal.
        code: String,
        /// What the description said then.
        described: Described,
    },
    /// The org has several currencies, and the amount is not in one row with its currency.
    Apart,
}

/// What a description says about writing a field; while it says the same a refusal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    createable: bool,
    updateable: bool,
}

impl Described {
    fn of(object: &ObjectInfo, field: &FieldName) -> Option<Self> {
        object.field(field.as_str()).map(|f| Self {
            createable: f.createable,
            updateable: f.updateable,
        })
    }
}

impl LeftOut {
    /// `phone is left out: ...`, or what else follows from it.
    pub fn so(&self, pair: &Pair) -> String {
        let what = self.what(pair.object.as_str());
        match self.row {
            None => format!("new records wait: {what}"),
            Some(row) => format!("{} is left out: {what}", label(pair, row)),
        }
    }

    /// What is so, as a clause.
    pub fn what(&self, object: &str) -> String {
        let field = &self.field;
        match &self.why {
            Why::Missing(_) => format!("{object} has no field {field} for this user"),
            Why::ReadOnly => format!("Salesforce does not let this user write {field}"),
            Why::Wanted => {
                format!("Salesforce wants {field} in every new {object}, and no row writes it")
            }
            Why::Apart => format!(
                "the org has several currencies, and {field} is not in one row with {CURRENCY}"
            ),
            Why::Refused { code, .. } => format!("Salesforce refuses values for {field} ({code})"),
        }
    }

    /// What helps.
    pub fn fix(&self) -> String {
        let field = &self.field;
        match &self.why {
            Why::Missing(Some(meant)) => format!(
                "Perhaps it is called {meant} now: map that, give the user access to {field}, or \
                 switch the row off"
            ),
            Why::Missing(None) => {
                format!("Map another field, give the user access to {field}, or switch the row off")
            }
            Why::Wanted => format!(
                "Add a row that writes {field}, give it a default in Salesforce, or turn creation \
                 there off"
            ),
            Why::Apart => currency_fix(field),
            Why::ReadOnly | Why::Refused { .. } => format!(
                "Give the user edit access to {field}, set the row to <--, or switch it off; edits \
                 wait until then"
            ),
        }
    }
}

/// What the App calls a row.
pub fn label(pair: &Pair, row: RowId) -> String {
    let row = pair.row(row).map(|row| row.label(Side::App));
    row.unwrap_or_default()
}

fn key(pair: &PairName) -> Key {
    Key::new().text(pair.as_str())
}

/// The rows of a pair that are left out, as far as its last run knows.
///
/// # Errors
/// When the store cannot be read.
pub fn of(state: &State, pair: &PairName) -> Result<Vec<LeftOut>, StoreError> {
    Ok(state.store().get(&BROKEN, &key(pair))?.unwrap_or_default())
}

/// A pair over its described object, without what the CRM refused to have written.
///
/// # Errors
/// When the store cannot be read.
pub fn compiled(state: &State, pair: Pair, object: &ObjectInfo) -> Result<Compiled, StoreError> {
    let known = of(state, &pair.name)?;
    let mut compiled = Compiled::new(pair, object);
    for row in known {
        if let (Why::Refused { .. }, Some(id)) = (&row.why, row.row) {
            compiled.shut_row(id, &row.field);
        }
    }
    Ok(compiled)
}

/// What is left out from now on, and which rows take part again; refusals that still stand are put
/// into what is compiled.
///
/// # Errors
/// When the store cannot be read.
pub fn sort_out(
    state: &State,
    compiled: &mut Compiled,
    object: &ObjectInfo,
    now: Timestamp,
) -> Result<(Vec<LeftOut>, Vec<LeftOut>), StoreError> {
    let version = compiled.pair.version;
    let known = of(state, &compiled.pair.name)?;
    let names = || object.fields.keys().map(FieldName::as_str);
    let missing = compiled.broken.iter().map(|(row, field)| {
        let meant = nearest(field.as_str(), names()).map(FieldName::new);
        (Some(*row), field.clone(), Why::Missing(meant))
    });
    let apart = compiled.apart.iter();
    let apart = apart.map(|(row, field)| (Some(*row), field.clone(), Why::Apart));
    let read_only = compiled.shut();
    let read_only = read_only.map(|(row, field)| (Some(row), field.clone(), Why::ReadOnly));
    let wanted = compiled.lacks();
    let wanted = wanted.map(|field| (None, field.clone(), Why::Wanted));
    let mut out: Vec<LeftOut> = missing
        .chain(apart)
        .chain(read_only)
        .chain(wanted)
        .map(|(row, field, why)| LeftOut {
            since: since(&known, row, &why).unwrap_or(now),
            row,
            field,
            why,
            version,
        })
        .collect();
    for refused in &known {
        let (Why::Refused { described, .. }, Some(row)) = (&refused.why, refused.row) else {
            continue;
        };
        let stands = refused.version == version
            && now.duration_since(refused.since) < TRIED_AGAIN
            && Described::of(object, &refused.field) == Some(*described);
        if stands && out.iter().all(|it| it.row != refused.row) {
            compiled.shut_row(row, &refused.field);
            out.push(refused.clone());
        }
    }
    let mut again = known;
    again.retain(|was| {
        let takes_part = compiled.rows.iter().any(|row| Some(row.row.id) == was.row);
        takes_part && out.iter().all(|it| it.row != was.row)
    });
    Ok((out, again))
}

fn since(known: &[LeftOut], row: Option<RowId>, why: &Why) -> Option<Timestamp> {
    let mut same = known.iter().filter(|it| it.row == row && it.why == *why);
    same.next().map(|it| it.since)
}

/// Keeps what is left out. What takes part again stays among it until its records were looked at.
pub fn keep(tx: &mut Tx<'_>, pair: &PairName, left_out: &[LeftOut]) {
    match left_out.is_empty() {
        true => tx.delete(&BROKEN, &key(pair)),
        false => tx.put(&BROKEN, &key(pair), &left_out.to_vec()),
    }
}

impl Work {
    /// Rows whose fields a refusal is about are not written from here on: the records go on without
    /// them. Whether there are any that this write was made of.
    pub(super) fn shut_rows(
        &mut self,
        tx: &mut Tx<'_>,
        intent: &Intent,
        error: &CrmError,
    ) -> Step<Shut> {
        // What else a person asked for is theirs to put right.
        let plans = match self.run.cause {
            Cause::Person | Cause::Schedule | Cause::Continued | Cause::Retry(_) => true,
            Cause::Decisions | Cause::Undo(_) | Cause::Plan(_) => false,
        };
        if !plans || !intent.resolves.is_empty() {
            return Ok(Shut::None);
        }
        let found = named(error, &intent.fields)
            .into_iter()
            .filter_map(|field| {
                let mut rows = self.cx.pair.rows.iter();
                let row =
                    rows.find(|r| r.row.flow.writes(Side::Crm) && r.row.crm.contains(&field))?;
                Some((row.row.id, field))
            });
        let found: Vec<(RowId, FieldName)> = found.collect();
        if found.is_empty() {
            return Ok(Shut::None);
        }
        let (now, name) = (self.now(), self.cx.name().clone());
        for (row, field) in found {
            let Some(described) = Described::of(&self.object, &field) else {
                continue;
            };
            if self.left_out.iter().any(|it| it.row == Some(row)) {
                // By another record of the same call.
                continue;
            }
            let refused = LeftOut {
                row: Some(row),
                why: Why::Refused {
                    code: error.code.clone(),
                    described,
                },
                since: now,
                version: self.cx.pair.pair.version,
                field,
            };
            let text = format!("{}: left out", refused.what(self.object.name.as_str()));
            self.log(tx, Word::Warn, text);
            self.cx.pair.shut_row(row, &refused.field);
            self.left_out.push(refused);
        }
        let all: Vec<LeftOut> = self.left_out.iter().chain(&self.again).cloned().collect();
        keep(tx, &name, &all);
        Ok(Shut::Some)
    }

    /// Puts records on the list whose values moved while a row was left out that takes part again.
    pub(super) fn catch_up_rows(&mut self) -> Step<()> {
        if self.again.is_empty() {
            return Ok(());
        }
        let state = self.state();
        let rows: Vec<CompiledRow> = {
            let rows = self.cx.pair.rows.iter();
            let again = |row: &&CompiledRow| self.again.iter().any(|it| it.row == Some(row.row.id));
            rows.filter(again).cloned().collect()
        };
        let table = self.cx.pair.pair.table.clone();
        let mut after: Vec<u8> = Vec::new();
        let mut found = 0;
        loop {
            self.boundary()?;
            let mut tx = state.begin();
            let (ids, last) = self.moved_after(&tx, &rows, &table, &after)?;
            for id in &ids {
                tx.todo(self.cx.name(), id)?;
            }
            found += ids.len() as u64;
            self.commit(tx, Durability::Soon)?;
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        let mut tx = state.begin();
        let fields: Vec<&str> = self.again.iter().map(|it| it.field.as_str()).collect();
        let text = format!(
            "{} may be written again: {} looked at that moved meanwhile",
            fields.join(", "),
            some(found, "record", "records")
        );
        self.log(&mut tx, Word::Info, text);
        self.again.clear();
        keep(&mut tx, self.cx.name(), &self.left_out);
        self.commit(tx, Durability::Now)
    }

    /// Records behind a key in which one of these rows moved since both sides agreed; and the key of
    /// the last that was looked at, unless all were.
    fn moved_after(
        &self,
        tx: &Tx<'_>,
        rows: &[CompiledRow],
        table: &crate::domain::id::TableName,
        after: &[u8],
    ) -> Step<(Vec<AppId>, Option<Vec<u8>>)> {
        let prefix = self.mark_key();
        let from: &[u8] = match after.is_empty() {
            true => &prefix,
            false => after,
        };
        let mut ids = Vec::new();
        let scan = self.tools.state.store().scan_from(&LINKS, from);
        for (looked_at, row) in scan.enumerate() {
            let (key, link) = row?;
            if !key.starts_with(&prefix) {
                break;
            }
            if key == after {
                continue;
            }
            let app = tx.app_record(table, &link.app_id)?;
            if app.is_some_and(|app| rows.iter().any(|row| moved(row, &app.fields, &link))) {
                ids.push(link.app_id);
            }
            if looked_at >= FULL {
                return Ok((ids, Some(key.to_vec())));
            }
        }
        Ok((ids, None))
    }
}

/// Whether a side of a row is not what was agreed. One that was never agreed on counts.
fn moved(row: &CompiledRow, app: &Fields, link: &Link) -> bool {
    let Some(seen) = &link.seen else {
        return false;
    };
    let Some(base) = link.bases.get(&row.row.id) else {
        return true;
    };
    let app = canon_of(Side::App, &row.row.app, &row.app, app);
    let crm = canon_of(Side::Crm, &row.row.crm, &row.crm, &seen.fields);
    app.is_some_and(|is| is != base.app) || crm.is_some_and(|is| is != base.crm)
}

/// Whether a refusal was about rows that are not written any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shut {
    /// It was: the record goes on without them.
    Some,
    /// It was not.
    None,
}

/// Fields of a write that a refusal names, in its list or in quotes in its words.
fn named(error: &CrmError, sent: &Fields) -> Vec<FieldName> {
    let listed = error
        .fields
        .iter()
        .filter(|field| sent.contains_key(*field));
    let listed: Vec<FieldName> = listed.cloned().collect();
    if !listed.is_empty() {
        return listed;
    }
    let quoted = error.message.split('\'').skip(1).step_by(2);
    let quoted = quoted.map(FieldName::new);
    quoted.filter(|field| sent.contains_key(field)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::{Effect, ErrorClass};
    use crate::domain::value::Value;

    #[test]
    fn a_refusal_names_fields_in_its_list_or_in_quotes() {
        let error = |message: &str, fields: &[&str]| CrmError {
            class: ErrorClass::Schema,
            code: "INVALID_FIELD".into(),
            message: message.into(),
            fields: fields.iter().map(|f| FieldName::new(*f)).collect(),
            record: None,
            status: None,
            request: String::new(),
            effect: Effect::None,
        };
        let sent: Fields = ["Title", "Phone"].map(|f| (f.into(), Value::Null)).into();
        let found = |error: &CrmError| {
            let names = named(error, &sent).into_iter();
            names.map(|f| f.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(found(&error("'Phone' is bad", &["Title"])), ["Title"]);
        assert_eq!(
            found(&error(
                "No such column 'Phone' on sobject of type Lead",
                &[]
            )),
            ["Phone"]
        );
        assert_eq!(found(&error("No such column 'Fax'", &["Email"])), [""; 0]);
    }
}
