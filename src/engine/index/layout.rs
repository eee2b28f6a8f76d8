//! What of a pair's records the index keeps, and in which form.
//!
//! Pure. Invariant: a text that was kept whole decides a filter's words exactly as the value
//! itself would; one that was not is marked, and the record has to be opened.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::lines::PART;
use crate::domain::id::{FieldName, ObjectName, TableName};
use crate::domain::mapping::Pair;
use crate::domain::record::AppRecord;
use crate::domain::text::fold;
use crate::domain::value::{FieldKind, Value};
use crate::engine::records::columns;
use crate::engine::view::SHOWN;

/// Ends a part that is not the whole value.
pub const NOT_WHOLE: char = '\u{1e}';
/// Text fields kept beside title and columns.
const MORE: usize = 6;

/// CRM fields that people count by.
const COUNTED: [(&str, &str); 6] = [
    ("StageName", "stage"),
    ("Status", "status"),
    ("LeadSource", "source"),
    ("Priority", "priority"),
    ("Type", "type"),
    ("Industry", "industry"),
];

/// A field with few values, kept as a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    /// The field.
    pub field: FieldName,
    /// What people count by it, such as `stage`; none when they do not.
    pub counted: Option<&'static str>,
}

/// What of a pair's records is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The table of the records.
    pub table: TableName,
    /// CRM object.
    pub object: ObjectName,
    /// Field that names a record: the first part of its text.
    pub title: FieldName,
    /// Columns of the list.
    pub columns: Vec<FieldName>,
    /// Fields kept as text, after the title.
    pub texts: Vec<FieldName>,
    /// Fields kept as codes.
    pub coded: Vec<Coded>,
    /// Field with what a record is worth.
    pub amount: Option<FieldName>,
    /// Field with the day it was made in the CRM; without it, the App's own counts.
    pub made: Option<FieldName>,
}

impl Layout {
    /// Of a pair.
    pub fn of(pair: &Pair) -> Self {
        let app_field = |crm: &str| {
            let row = pair.active().find(|row| match row.crm.as_slice() {
                [one] => one.as_str() == crm,
                _ => false,
            })?;
            match row.app.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            }
        };
        let counted: Vec<Coded> = COUNTED
            .iter()
            .filter_map(|(crm, what)| {
                Some(Coded {
                    field: app_field(crm)?,
                    counted: Some(what),
                })
            })
            .collect();
        let few = |kind| matches!(kind, FieldKind::Picklist | FieldKind::Bool);
        let mut coded = counted;
        for field in pair.app_fields.iter().filter(|f| few(f.kind)) {
            if field.name != pair.title && coded.iter().all(|c| c.field != field.name) {
                coded.push(Coded {
                    field: field.name.clone(),
                    counted: None,
                });
            }
        }
        let columns = columns(pair);
        let text = |name: &FieldName| *name != pair.title && coded.iter().all(|c| c.field != *name);
        let mut texts: Vec<FieldName> = columns.iter().filter(|c| text(c)).cloned().collect();
        let more = pair.app_fields.iter().filter(|f| {
            // Addresses of the web say what names and e-mail addresses say, and ids of the CRM are
            // found by themselves.
            let kind = matches!(
                f.kind,
                FieldKind::Text | FieldKind::Email | FieldKind::Phone
            );
            kind && text(&f.name)
                && !columns.contains(&f.name)
                && app_field("Id") != Some(f.name.clone())
        });
        texts.extend(more.map(|f| f.name.clone()).take(MORE));
        Self {
            table: pair.table.clone(),
            object: pair.object.clone(),
            title: pair.title.clone(),
            columns,
            texts,
            coded,
            amount: app_field("Amount"),
            made: app_field("CreatedDate"),
        }
    }

    /// The text of a record: title and texts, folded.
    pub fn text(&self, record: &AppRecord) -> String {
        let mut out = String::with_capacity(96);
        part(&mut out, record.fields.get(&self.title), Cut::Never);
        for name in &self.texts {
            out.push(PART);
            part(&mut out, record.fields.get(name), Cut::AsShown);
        }
        out
    }

    /// What a record is worth, in hundredths.
    pub fn worth(&self, record: &AppRecord) -> i64 {
        let value = self.amount.as_ref().and_then(|f| record.fields.get(f));
        let number = match value {
            Some(Value::Number(n)) => *n,
            Some(Value::Text(text)) => text.trim().parse().unwrap_or_default(),
            _ => Decimal::ZERO,
        };
        number
            .checked_mul(Decimal::ONE_HUNDRED)
            .and_then(|n| n.round().to_i64())
            .unwrap_or(0)
    }

    /// The day a record was made, in days since 1970.
    pub fn day(&self, record: &AppRecord) -> u16 {
        let at = match self.made.as_ref().and_then(|f| record.fields.get(f)) {
            Some(Value::DateTime(at)) => *at,
            _ => record.created_at,
        };
        day_of(at)
    }
}

/// The day of a time, UTC, in days since 1970.
pub fn day_of(at: jiff::Timestamp) -> u16 {
    u16::try_from(at.as_second().div_euclid(86_400)).unwrap_or(0)
}

/// How much of a value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// All, as far as a line of it goes.
    Never,
    /// As much as a list shows.
    AsShown,
}

/// More of a value is never kept.
const LONGEST: usize = 1_000;

fn part(out: &mut String, value: Option<&Value>, cut: Cut) {
    let text = match value {
        None | Some(Value::Null) => return,
        Some(Value::Text(text)) => std::borrow::Cow::Borrowed(text.as_str()),
        Some(other) => std::borrow::Cow::Owned(other.to_string()),
    };
    let most = match cut {
        Cut::Never => LONGEST,
        Cut::AsShown => SHOWN,
    };
    let shown: String = match text.char_indices().nth(most) {
        Some((at, _)) => fold(text.get(..at).unwrap_or_default()).into_owned(),
        None => fold(&text).into_owned(),
    };
    let whole = text.len() <= most || text.chars().nth(most).is_none();
    let plain = !shown.contains(|c: char| c.is_control());
    if plain {
        out.push_str(&shown);
    } else {
        out.extend(shown.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    // Text of no length is not the same as no value, and is seldom.
    if !whole || !plain || shown.is_empty() {
        out.push(NOT_WHOLE);
    }
}
