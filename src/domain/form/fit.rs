//! A value in the form that its field keeps, by the App's table alone.
//!
//! Pure. It knows neither mapping nor lists. Invariant: what is taken loses nothing on the way.

use crate::domain::mapping::AppField;
use crate::domain::value::{FieldKind, Value, canon};

/// A value in the form that a field of an App table keeps; or what is wrong, as words that follow
/// the field's name.
pub fn fit(field: &AppField, value: Value) -> Result<Value, String> {
    let kind = field.kind;
    if value.is_null() {
        return Ok(canon(kind, &value).into_owned());
    }
    let given = shown(&value.to_string());
    match kind {
        FieldKind::Bool => typed(kind, &value, |v| matches!(v, Value::Bool(_)))
            .ok_or_else(|| format!("is yes or no, not {given}")),
        FieldKind::Number { scale } => {
            let number = typed(kind, &value, |v| matches!(v, Value::Number(_)))
                .ok_or_else(|| format!("is a number such as 1250.5, not {given}"))?;
            if exact(&value, &number) {
                Ok(number)
            } else {
                Err(format!("keeps {scale} decimals, and {given} has more"))
            }
        }
        FieldKind::Date => typed(kind, &value, |v| matches!(v, Value::Date(_)))
            .ok_or_else(|| format!("is a date such as 2026-11-20, not {given}")),
        FieldKind::DateTime => typed(kind, &value, |v| matches!(v, Value::DateTime(_)))
            .ok_or_else(|| format!("is a time such as 2026-11-20T14:30:00Z, not {given}")),
        FieldKind::Time => time(&value)
            .ok_or_else(|| format!("is a time of the day such as 14:30:00, not {given}")),
        FieldKind::MultiPicklist => {
            typed(kind, &value, |v| matches!(v, Value::Set(_) | Value::Null))
                .ok_or_else(|| format!("is a list such as a; b, not {given}"))
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

fn text(field: &AppField, value: Value) -> Result<Value, String> {
    let Value::Text(text) = value else {
        return Err(format!("is text, not {}", shown(&value.to_string())));
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

/// A text as a message shows it: quoted, and not all of a long one.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let cut: String = text.chars().take(MOST).collect();
    let dots = if cut.len() < text.len() { "..." } else { "" };
    format!("{cut:?}{dots}")
}

/// Whether Salesforce may take a text for an e-mail address: it refuses more than this finds.
pub(super) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let blank = |c: char| c.is_whitespace() || c.is_control();
    !local.is_empty()
        && !text.contains(blank)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}
