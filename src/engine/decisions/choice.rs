//! What both sides hold after a choice on one row.
//!
//! Pure. Invariant: a result is given only if both sides can hold it and the mapping lets it be
//! written there; otherwise the reason is, in words for a person.

use crate::domain::conflict::{Choice, Kind};
use crate::domain::id::FieldName;
use crate::domain::mapping::Pair;
use crate::domain::reconcile::{CompiledRow, same_cell};
use crate::domain::schema::ObjectInfo;
use crate::domain::text::some;
use crate::domain::transform::{Lookup, Side};
use crate::domain::value::{Cell, FieldKind, Value, canon};

use super::case::{Reach, RowNow};

/// What both sides will hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// App value.
    pub app: Cell,
    /// CRM value.
    pub crm: Cell,
}

/// What a choice is judged by.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The pair.
    pub pair: &'a Pair,
    /// The CRM object.
    pub object: &'a ObjectInfo,
    /// Links and users.
    pub lookup: &'a dyn Lookup,
    /// Where it may be written.
    pub reach: Reach,
}

/// The result of a choice, or why there is none.
pub fn after(rules: Rules<'_>, now: &RowNow<'_>, choice: &Choice) -> Result<After, String> {
    let row = now.row;
    if rules.reach == Reach::Nowhere {
        return Err("the record was deleted, merged or not read yet; sync first".to_owned());
    }
    let (Some(app), Some(crm)) = (&now.app, &now.crm) else {
        return Err("one side's value is not known; sync first".to_owned());
    };
    if row.row.flow.appends() {
        return Err("text is only appended here; there is nothing to decide".to_owned());
    }
    let to_crm = |cell: &[Value]| {
        let sent = row.gone(Side::Crm, cell, rules.lookup);
        sent.map_err(|e| format!("Salesforce cannot hold it: {e}"))
    };
    let to_app = |cell: &[Value]| {
        let sent = row.row.to_app.apply(Side::App, cell, rules.lookup);
        sent.map_err(|e| format!("the App cannot hold it: {e}"))
    };
    let result = match choice {
        Choice::Take(Side::App) => After {
            app: app.clone(),
            crm: to_crm(app)?,
        },
        Choice::Take(Side::Crm) => After {
            app: to_app(crm)?,
            crm: crm.clone(),
        },
        Choice::Base => match now.conflict.map(|c| &c.kind) {
            // What was there before the run; the other side keeps what it has.
            Some(Kind::Rollback { side, before, .. }) => match side {
                Side::App => After {
                    app: before.clone(),
                    crm: crm.clone(),
                },
                Side::Crm => After {
                    app: app.clone(),
                    crm: before.clone(),
                },
            },
            _ => {
                let base = now
                    .base
                    .ok_or("there is no agreed value: the two were never the same")?;
                After {
                    app: base.app.clone(),
                    crm: base.crm.clone(),
                }
            }
        },
        Choice::Typed { side, cell } => {
            let kinds = match side {
                Side::App => &row.app,
                Side::Crm => &row.crm,
            };
            let cell = typed(kinds, cell)?;
            match side {
                Side::App => After {
                    crm: to_crm(&cell)?,
                    app: cell,
                },
                Side::Crm => After {
                    app: to_app(&cell)?,
                    crm: cell,
                },
            }
        }
        Choice::Both => {
            let joined = both(&row.app, app, &to_app(crm)?)?;
            After {
                crm: to_crm(&joined)?,
                app: joined,
            }
        }
        Choice::Ignore => return Err("it is set aside, not decided".to_owned()),
    };
    // What only goes to Salesforce and is asked about all the same may have been the App's, once.
    let taken_back = *choice == Choice::Take(Side::Crm)
        && now.conflict.is_some()
        && same_cell(&row.crm, &to_crm(&result.app)?, crm);
    if !row.row.flow.writes(Side::App) && !taken_back && !same_cell(&row.app, &result.app, app) {
        return Err("the mapping does not write this field to the App".to_owned());
    }
    may_write(rules, row, (app, crm), &result)?;
    Ok(result)
}

/// A typed value in the form of its kind.
fn typed(kinds: &[FieldKind], cell: &[Value]) -> Result<Cell, String> {
    if kinds.len() != cell.len() {
        return Err(format!(
            "it needs {}",
            some(kinds.len() as u64, "value", "values")
        ));
    }
    let mut out = Cell::with_capacity(cell.len());
    for (kind, value) in kinds.iter().zip(cell) {
        let value = match kind {
            FieldKind::LongText => value.clone(),
            FieldKind::Text
            | FieldKind::Email
            | FieldKind::Phone
            | FieldKind::Url
            | FieldKind::Picklist => {
                if value.as_text().is_some_and(|t| t.contains(['\n', '\r'])) {
                    return Err("this field holds one line only".to_owned());
                }
                value.clone()
            }
            _ => canon(*kind, value).into_owned(),
        };
        fits(*kind, &value)?;
        out.push(value);
    }
    Ok(out)
}

/// Whether a value is of a kind.
fn fits(kind: FieldKind, value: &Value) -> Result<(), String> {
    let what = match (kind, value) {
        (_, Value::Null) => return Ok(()),
        (FieldKind::Number { .. }, Value::Number(_))
        | (FieldKind::Bool, Value::Bool(_))
        | (FieldKind::Date, Value::Date(_))
        | (FieldKind::DateTime, Value::DateTime(_))
        | (FieldKind::Time, Value::Time(_) | Value::Text(_))
        | (FieldKind::MultiPicklist, Value::Set(_)) => return Ok(()),
        (FieldKind::Number { .. }, _) => "a number",
        (FieldKind::Bool, _) => "yes or no",
        (FieldKind::Date, _) => "a date such as 2026-11-20",
        (FieldKind::DateTime, _) => "a time such as 2026-11-20T14:32:00Z",
        (FieldKind::MultiPicklist, _) => "a list, with ; between its values",
        (FieldKind::Opaque, _) => return Err("this field is not written".to_owned()),
        _ => return Ok(()),
    };
    Err(format!("this field holds {what}"))
}

/// Both values, the App's first; only for long text and lists.
fn both(kinds: &[FieldKind], app: &[Value], crm: &[Value]) -> Result<Cell, String> {
    if app.len() != crm.len() {
        return Err("the two sides have a different number of values".to_owned());
    }
    kinds
        .iter()
        .zip(app.iter().zip(crm))
        .map(|(kind, (a, c))| match kind {
            FieldKind::LongText => Ok(join(a, c)),
            FieldKind::MultiPicklist => {
                Ok(canon(*kind, &Value::text(format!("{a};{c}").replace("; ", ";"))).into_owned())
            }
            _ => Err("both values can be joined only for lists and long text".to_owned()),
        })
        .collect()
}

fn join(first: &Value, second: &Value) -> Value {
    let same = |v: &Value| canon(FieldKind::LongText, v).into_owned();
    match (first.is_null(), second.is_null()) {
        (true, _) => second.clone(),
        (_, true) => first.clone(),
        _ if same(first) == same(second) => first.clone(),
        _ => Value::text(format!("{first}\n{second}")),
    }
}

/// Checks what would be written against what may be written there and both sides' fields.
fn may_write(
    rules: Rules<'_>,
    row: &CompiledRow,
    (app, crm): (&Cell, &Cell),
    result: &After,
) -> Result<(), String> {
    if !same_cell(&row.app, &result.app, app) {
        for (name, value) in row.row.app.iter().zip(&result.app) {
            let field = rules.pair.app_fields.iter().find(|f| f.name == *name);
            short_enough("the App", name, value, field.map_or(0, |f| f.length))?;
        }
    }
    if !same_cell(&row.crm, &result.crm, crm) {
        if !row.row.flow.writes(Side::Crm) {
            return Err("the mapping does not write this field to Salesforce".to_owned());
        }
        if rules.reach == Reach::App {
            return Err("a converted lead cannot be changed in Salesforce".to_owned());
        }
        for ((name, kind), value) in row.row.crm.iter().zip(&row.crm).zip(&result.crm) {
            let Some(field) = rules.object.field(name.as_str()) else {
                return Err(format!("Salesforce has no field {name} any more"));
            };
            if !field.updateable {
                return Err(format!("Salesforce does not let {name} be changed"));
            }
            if value.is_null() && !field.nillable && *kind != FieldKind::Bool {
                return Err(format!("Salesforce needs a value in {name}"));
            }
            short_enough("Salesforce", name, value, field.length)?;
        }
    }
    Ok(())
}

fn short_enough(side: &str, name: &FieldName, value: &Value, length: u32) -> Result<(), String> {
    let Some(text) = value.as_text().filter(|_| length > 0) else {
        return Ok(());
    };
    let count = text.chars().count();
    if count > length as usize {
        return Err(format!(
            "{name} holds {length} characters in {side}; this has {count}"
        ));
    }
    Ok(())
}
