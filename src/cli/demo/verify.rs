//! Compares every record of both sides, value by value, after a sync.
//!
//! Asks the org itself, not our copy of it. Invariant: a record is left out only when something
//! says that the two sides may differ: an open conflict, a refused write, or a deleted record.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::super::say;
use super::place::Place;
use super::story;
use crate::domain::append::Appended;
use crate::domain::id::{AppId, CrmId, RunId};
use crate::domain::mapping::{Flow, Pair};
use crate::domain::reconcile::{Compiled, CompiledRow, canon_cell, cell_of};
use crate::domain::transform::Side;
use crate::domain::value::{Cell, Fields};
use crate::engine::cx::{RunCx, Settings};
use crate::error::{Error, Kind, Result};

/// What was compared.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// Records on both sides.
    pub records: u64,
    /// Values.
    pub values: u64,
    /// Records left out.
    pub waiting: u64,
}

impl std::fmt::Display for Compared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let records = say::some(self.records, "record", "records");
        let values = say::some(self.values, "value", "values");
        write!(f, "{records}, {values}")
    }
}

/// Compares all pairs.
///
/// # Errors
/// At the first value that differs, with both.
pub fn agree(place: &Place) -> Result<Compared> {
    let mut sum = Compared::default();
    for pair in place.state.pairs()? {
        let one = pair_agrees(place, pair)?;
        sum.records += one.records;
        sum.values += one.values;
        sum.waiting += one.waiting;
    }
    Ok(sum)
}

fn differs(text: String) -> Error {
    Error::new(Kind::Internal, text)
        .hint("this is a fault of syncdeck: please report it with the output above")
}

fn pair_agrees(place: &Place, pair: Pair) -> Result<Compared> {
    let state = &place.state;
    let object = state
        .object(&pair.object)?
        .ok_or_else(|| differs(format!("{} was never described", pair.object)))?;
    let compiled = Compiled::new(pair, &object);
    let cx = RunCx::new(state, RunId(0), compiled, Settings::default())?;
    let rows: Vec<&CompiledRow> = cx
        .pair
        .rows
        .iter()
        .filter(|row| {
            matches!(
                row.row.flow,
                Flow::Both | Flow::ToApp(_) | Flow::Computed(_)
            )
        })
        .collect();
    let mut names: Vec<&str> = rows
        .iter()
        .flat_map(|row| row.row.crm.iter().map(|f| f.as_str()))
        .chain(["Id"])
        .collect();
    names.sort_unstable();
    names.dedup();
    let soql = format!("SELECT {} FROM {}", names.join(", "), cx.pair.pair.object);
    let answer = place.org().query(&soql).map_err(story::refused)?;
    let records = answer["records"].as_array().cloned().unwrap_or_default();
    let mut compared = Compared::default();
    let mut seen: HashSet<AppId> = HashSet::new();
    let tx = state.begin();
    for record in &records {
        let id = record["Id"].as_str().unwrap_or_default();
        let crm: CrmId = id.parse().map_err(|_| differs(format!("{id} is no id")))?;
        let Some(app_id) = state.by_crm(cx.name(), &crm)? else {
            return Err(differs(format!(
                "{} {id} is not in the App",
                cx.pair.pair.object
            )));
        };
        if !seen.insert(app_id.clone()) {
            return Err(differs(format!(
                "two records of Salesforce share App record {app_id}"
            )));
        }
        let open = !state.open_conflicts(cx.name(), &app_id)?.is_empty();
        if open || state.quarantined(cx.name(), &app_id)?.is_some() {
            compared.waiting += 1;
            continue;
        }
        let app = state
            .app_record(&cx.pair.pair.table, &app_id)?
            .ok_or_else(|| differs(format!("App record {app_id} is gone")))?;
        let fields = fields_of(&rows, record)?;
        for row in &rows {
            let in_app = cell_of(Side::App, &row.row.app, &app.fields).unwrap_or_default();
            let in_app = canon_cell(&row.app, &in_app);
            let there = cell_of(Side::Crm, &row.row.crm, &fields).unwrap_or_default();
            let turned = cx.with(
                &tx,
                Some(&app),
                None,
                &Appended::new(),
                app.updated_at,
                |c| row.row.to_app.apply(Side::App, &there, c.lookup),
            );
            let turned =
                turned.map_err(|e| differs(format!("{id} {}: {e}", row.row.label(Side::Crm))))?;
            let turned: Cell = canon_cell(&row.app, &turned);
            if turned != in_app {
                return Err(differs(format!(
                    "{} {id} {}: the App has {:?}, Salesforce {:?}",
                    cx.pair.pair.object,
                    row.row.label(Side::App),
                    say::cell(Some(&in_app)),
                    say::cell(Some(&turned)),
                )));
            }
            compared.values += 1;
        }
        compared.records += 1;
    }
    Ok(compared)
}

fn fields_of(rows: &[&CompiledRow], record: &Json) -> Result<Fields> {
    let mut fields: HashMap<_, _> = HashMap::new();
    for row in rows {
        for (name, kind) in row.row.crm.iter().zip(&row.crm) {
            let value = say::parse_json(*kind, &record[name.as_str()])?;
            fields.insert(name.clone(), value);
        }
    }
    Ok(fields.into_iter().collect())
}
