//! Whether values that a person gives fit the fields of an App table.
//!
//! Pure. Invariant: a value that is accepted has the form its field keeps: a number in a number
//! field, a date in a date field.

use crate::domain::id::FieldName;
use crate::domain::mapping::{AppField, Pair};
use crate::domain::text::nearest;
use crate::domain::value::{FieldKind, Fields, Value, canon};
use crate::error::{Error, Kind, Result};

/// The values in the form their fields keep, or what is wrong with the first that does not fit.
pub(super) fn fitting(pair: &Pair, fields: Fields) -> Result<Fields> {
    let mut out = Fields::new();
    for (name, value) in fields {
        let field = field(pair, &name)?;
        let value = fit(field, value).map_err(|why| {
            Error::new(Kind::Usage, format!("{name} {why}")).hint("nothing was changed")
        })?;
        out.insert(name, value);
    }
    Ok(out)
}

fn field<'p>(pair: &'p Pair, name: &FieldName) -> Result<&'p AppField> {
    if let Some(field) = pair.app_fields.iter().find(|f| f.name == *name) {
        return Ok(field);
    }
    let known: Vec<&str> = pair.app_fields.iter().map(|f| f.name.as_str()).collect();
    let error = Error::new(
        Kind::Usage,
        format!("the App table {} has no field {name}", pair.table),
    );
    Err(match nearest(name.as_str(), known.iter().copied()) {
        Some(meant) => error.hint(format!("did you mean {meant}?")),
        None => error.hint(format!("fields: {}", known.join(", "))),
    })
}

fn fit(field: &AppField, value: Value) -> std::result::Result<Value, String> {
    let kind = field.kind;
    if value.is_null() {
        return Ok(canon(kind, &value).into_owned());
    }
    let shown = shown(&value);
    match kind {
        FieldKind::Bool => typed(kind, &value, |v| matches!(v, Value::Bool(_)))
            .ok_or_else(|| format!("is yes or no, not {shown}")),
        FieldKind::Number { scale } => {
            let number = typed(kind, &value, |v| matches!(v, Value::Number(_)))
                .ok_or_else(|| format!("is a number such as 1250.5, not {shown}"))?;
            if exact(&value, &number) {
                Ok(number)
            } else {
                Err(format!("keeps {scale} decimals, and {shown} has more"))
            }
        }
        FieldKind::Date => typed(kind, &value, |v| matches!(v, Value::Date(_)))
            .ok_or_else(|| format!("is a date such as 2026-11-20, not {shown}")),
        FieldKind::DateTime => typed(kind, &value, |v| matches!(v, Value::DateTime(_)))
            .ok_or_else(|| format!("is a time such as 2026-11-20T14:30:00Z, not {shown}")),
        FieldKind::Time => time(&value)
            .ok_or_else(|| format!("is a time of the day such as 14:30:00, not {shown}")),
        FieldKind::MultiPicklist => {
            typed(kind, &value, |v| matches!(v, Value::Set(_) | Value::Null))
                .ok_or_else(|| format!("is a list such as a; b, not {shown}"))
        }
        FieldKind::Opaque => Err("cannot be changed here".to_owned()),
        _ => text(field, value),
    }
}

/// The canonical form, if it is of the right type.
fn typed(kind: FieldKind, value: &Value, right: impl Fn(&Value) -> bool) -> Option<Value> {
    Some(canon(kind, value).into_owned()).filter(right)
}

/// Whether rounding to the field's decimals lost nothing.
fn exact(given: &Value, kept: &Value) -> bool {
    let as_number = |value: &Value| match value {
        Value::Number(n) => Some(*n),
        Value::Text(t) => t.trim().parse().ok(),
        _ => None,
    };
    as_number(given) == as_number(kept)
}

fn time(value: &Value) -> Option<Value> {
    match value {
        Value::Time(_) => Some(value.clone()),
        Value::Text(text) => text.trim().parse().ok().map(Value::Time),
        _ => None,
    }
}

fn text(field: &AppField, value: Value) -> std::result::Result<Value, String> {
    let Value::Text(text) = value else {
        return Err(format!("is text, not {}", shown(&value)));
    };
    // Neither side can hold a NUL (sync-semantics 2.1).
    let text = text.replace('\0', "");
    if field.kind != FieldKind::LongText && text.contains(['\n', '\r']) {
        return Err("is one line, and the text has several".to_owned());
    }
    let length = text.chars().count();
    if field.length > 0 && length > field.length as usize {
        return Err(format!(
            "takes {} characters, and the text has {length}",
            field.length
        ));
    }
    Ok(Value::text(text))
}

fn shown(value: &Value) -> String {
    const MOST: usize = 40;
    let text = value.to_string();
    let cut: String = text.chars().take(MOST).collect();
    let dots = if cut.len() < text.len() { "..." } else { "" };
    format!("{cut:?}{dots}")
}
