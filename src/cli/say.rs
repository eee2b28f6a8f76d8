//! Words and JSON for what commands show: times, counts, values.
//!
//! The same words as on the screen. Invariant: JSON keeps values as they are; only text for a
//! person is made safe, and that in [`out`](super::out).

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::out::{Out, shown};
use crate::crm::codes::UnknownCodes;
use crate::domain::id::PairName;
use crate::domain::mass::Held;
use crate::domain::run::{Counts, Failure, LogLine, Run, RunState, Word};
use crate::domain::value::{Cell, FieldKind, Fields, Value, canon};
use crate::error::{Error, Kind, Result};

/// `2026-11-21 14:32:05`, UTC.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The time, or `-`.
pub fn time_or_dash(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".into(), time)
}

pub use crate::domain::text::{grouped as number, some};

/// What of a pair waits because it is very many, for JSON.
pub fn held_json(pair: &PairName, all: &[Held]) -> Vec<Json> {
    let one = |held: &Held| {
        json!({
            "name": held.name(), "number": held.number, "limit": held.limit,
            "records": held.records, "allowed": held.allowed, "examples": held.examples,
            "field": held.field, "side": held.what.side(), "text": held.to_string(),
            "allow": held.way_out(pair),
        })
    };
    all.iter().map(one).collect()
}

/// What of a pair waits because it is very many, each with its way out.
///
/// # Errors
/// When the output cannot be written.
pub fn held<W: Write>(pair: &PairName, all: &[Held], out: &mut Out<W>) -> Result<()> {
    for held in all {
        out.line(&format!("  {:4}  {}", Word::Hold, shown(&held.to_string())))?;
        allow(pair, held, out)?;
    }
    Ok(())
}

/// How to allow what is held.
///
/// # Errors
/// When the output cannot be written.
pub fn allow<W: Write>(pair: &PairName, held: &Held, out: &mut Out<W>) -> Result<()> {
    let way_out = held.way_out(pair);
    out.line(&format!("        to allow it: {}", shown(&way_out)))
}

/// What came of a run: why it failed, or what it did.
pub fn result(run: &Run) -> String {
    match &run.failure {
        Some(failure) if run.counts == Counts::default() => failure.what.clone(),
        Some(failure) => format!("{}; {}", run.counts, failure.what),
        None if run.ended_at.is_none() || run.state == RunState::Interrupted => {
            match run.counts.to_string().as_str() {
                "nothing to do" => "-".to_owned(),
                done => done.to_owned(),
            }
        }
        None => run.counts.to_string(),
    }
}

/// Codes that are not in the catalogue, most frequent first; `code` is none for those that are not
/// told apart.
pub fn codes(codes: &UnknownCodes) -> Json {
    let told = codes
        .rows()
        .into_iter()
        .map(|(code, seen)| json!({ "code": code, "times": seen.times, "last": seen.last }));
    let others = (codes.others() > 0).then(|| json!({ "code": null, "times": codes.others() }));
    told.chain(others).collect()
}

/// What happened, a line each, under a word for what it is of; nothing where nothing did.
///
/// # Errors
/// When the output cannot be written.
pub fn happened<W: Write>(what: &str, lines: &[LogLine], out: &mut Out<W>) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    out.line(&format!("\n{what}"))?;
    for line in lines {
        let (at, word) = (time(line.at), line.word.as_str());
        out.line(&format!("  {at}  {word:5} {}", shown(&line.text)))?;
    }
    Ok(())
}

/// The same in JSON.
pub fn happened_json(lines: &[LogLine]) -> Vec<Json> {
    let one = |line: &LogLine| {
        json!({
            "at": line.at, "state": line.word.as_str(), "run": line.run, "text": line.text,
        })
    };
    lines.iter().map(one).collect()
}

/// `once`, `3 times`.
pub fn times(n: u64) -> String {
    match n {
        1 => "once".to_owned(),
        n => format!("{} times", number(n)),
    }
}

/// A cell as a person reads it; `(empty)` for no value, `(unknown)` for none seen.
pub fn cell(cell: Option<&Cell>) -> String {
    let Some(cell) = cell else {
        return "(unknown)".into();
    };
    let parts: Vec<String> = cell
        .iter()
        .map(|v| match v {
            Value::Null => "(empty)".into(),
            value => value.to_string(),
        })
        .collect();
    parts.join(" | ")
}

/// A failure as an error: what, and what helps.
pub fn failure(failure: &Failure) -> Error {
    let why = if failure.why.is_empty() {
        String::new()
    } else {
        format!(": {}", failure.why)
    };
    let error = Error::new(Kind::Crm, format!("{}{why}", failure.what));
    if failure.fix.is_empty() {
        error
    } else {
        error.hint(failure.fix.clone())
    }
}

/// A value in JSON: numbers stay exact as text would not, so they are written as numbers only
/// where JSON keeps them.
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Number(n) => match n.to_string().parse::<i64>() {
            Ok(whole) => Json::from(whole),
            Err(_) => Json::String(n.to_string()),
        },
        Value::Set(items) => Json::from(items.clone()),
        Value::Text(t) => Json::String(t.clone()),
        Value::Date(_) | Value::DateTime(_) | Value::Time(_) => Json::String(value.to_string()),
    }
}

/// Fields in JSON.
pub fn fields_json(fields: &Fields) -> Json {
    let map: Map<String, Json> = fields
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), to_json(value)))
        .collect();
    Json::Object(map)
}

/// A cell in JSON: one value, or a list of them.
pub fn cell_json(cell: Option<&Cell>) -> Json {
    match cell.map(Vec::as_slice) {
        None => Json::Null,
        Some([one]) => to_json(one),
        Some(more) => more.iter().map(to_json).collect(),
    }
}

/// Reads what a person or a file wrote for a field of a kind; the empty text is no value.
///
/// # Errors
/// [`Kind::Usage`] when it is not of that kind. The text is not repeated.
pub fn parse(kind: FieldKind, text: &str) -> Result<Value> {
    let value = Value::text(text);
    if value.is_null() {
        return Ok(Value::Null);
    }
    let (fits, expected): (fn(&Value) -> bool, &str) = match kind {
        FieldKind::Bool => (|v| matches!(v, Value::Bool(_)), "yes or no"),
        FieldKind::Number { .. } => (
            |v| matches!(v, Value::Number(_)),
            "a number such as 1200.50",
        ),
        FieldKind::Date => (|v| matches!(v, Value::Date(_)), "a date such as 2026-11-21"),
        FieldKind::DateTime => (
            |v| matches!(v, Value::DateTime(_)),
            "a time such as 2026-11-21T14:32:00Z",
        ),
        FieldKind::Time => {
            return text.trim().parse().map(Value::Time).map_err(|_| {
                Error::new(Kind::Usage, "this is not a time of the day").hint("such as 14:32:00")
            });
        }
        FieldKind::MultiPicklist => (|v| matches!(v, Value::Set(_)), "values with `;` between"),
        FieldKind::Opaque => {
            return Err(Error::new(Kind::Usage, "this field cannot be typed"));
        }
        FieldKind::Text
        | FieldKind::LongText
        | FieldKind::Email
        | FieldKind::Phone
        | FieldKind::Url
        | FieldKind::Picklist
        | FieldKind::Reference => return Ok(value),
    };
    let typed = canon(kind, &value).into_owned();
    if fits(&typed) {
        Ok(typed)
    } else {
        Err(Error::new(
            Kind::Usage,
            format!("this field takes {expected}"),
        ))
    }
}

/// Reads a JSON value for a field of a kind.
///
/// # Errors
/// As [`parse`].
pub fn parse_json(kind: FieldKind, json: &Json) -> Result<Value> {
    match json {
        Json::Null => Ok(Value::Null),
        Json::String(text) => parse(kind, text),
        Json::Bool(b) if kind == FieldKind::Bool => Ok(Value::Bool(*b)),
        Json::Number(n) => parse(kind, &n.to_string()),
        Json::Array(items) if kind == FieldKind::MultiPicklist => {
            let items: Option<Vec<&str>> = items.iter().map(Json::as_str).collect();
            match items {
                Some(items) => parse(kind, &items.join(";")),
                None => Err(Error::new(Kind::Usage, "this field takes a list of texts")),
            }
        }
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => Err(Error::new(
            Kind::Usage,
            "this field takes one value of another kind",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(n), text);
        }
    }

    #[test]
    fn what_is_typed_must_fit_the_field() {
        let scale = FieldKind::Number { scale: 2 };
        assert_eq!(
            parse(scale, "12.5").unwrap().to_string(),
            "12.50".trim_end_matches('0')
        );
        assert_eq!(parse(FieldKind::Date, "").unwrap(), Value::Null);
        assert!(parse(FieldKind::Bool, "true").is_ok());
        for (kind, text) in [
            (scale, "many"),
            (FieldKind::Date, "2026-02-30"),
            (FieldKind::Bool, "perhaps"),
            (FieldKind::DateTime, "yesterday"),
            (FieldKind::Time, "25:00"),
            (FieldKind::Opaque, "x"),
        ] {
            let error = parse(kind, text).unwrap_err();
            assert!(!error.message().contains(text), "{}", error.message());
        }
    }

    #[test]
    fn json_comes_back_as_it_went() {
        for (kind, text) in [
            (FieldKind::Text, "a\u{1b}\"b"),
            (FieldKind::Date, "2026-11-21"),
            (FieldKind::Number { scale: 4 }, "0.1"),
            (FieldKind::MultiPicklist, "a;b"),
            (FieldKind::Bool, "true"),
            (FieldKind::Time, "14:32:00"),
        ] {
            let value = parse(kind, text).unwrap();
            assert_eq!(parse_json(kind, &to_json(&value)).unwrap(), value, "{text}");
        }
    }
}
