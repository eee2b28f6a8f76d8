//! Field values and their canonical forms (sync-semantics 2.1).
//!
//! Comparison never uses raw values: [`canon`] gives the form in which two values are compared.
//! Invariant: `canon` is idempotent. A field that is missing from a record is *unknown*, which
//! is not [`Value::Null`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::id::FieldName;

/// One value of one field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub enum Value {
    /// No value. Not the same as unknown, which is the absence of the field.
    #[default]
    Null,
    /// A checkbox.
    Bool(bool),
    /// An exact number.
    Number(#[serde(with = "rust_decimal::serde::str")] Decimal),
    /// Text of any kind, including ids, picklist values and e-mail addresses.
    Text(String),
    /// A calendar date without a zone.
    Date(jiff::civil::Date),
    /// An instant, whole seconds, UTC.
    DateTime(#[serde(with = "super::stamp")] jiff::Timestamp),
    /// A time of the day.
    Time(jiff::civil::Time),
    /// A set of picklist values.
    Set(Vec<String>),
}

impl Value {
    /// Text, or [`Value::Null`] for the empty string.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            Self::Null
        } else {
            Self::Text(text)
        }
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// The value as a person reads it; `Null` is empty. Not escaped for a terminal.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(true) => f.write_str("yes"),
            Self::Bool(false) => f.write_str("no"),
            Self::Number(n) => write!(f, "{n}"),
            Self::Text(text) => f.write_str(text),
            Self::Date(date) => write!(f, "{date}"),
            Self::DateTime(at) => write!(f, "{at}"),
            Self::Time(time) => write!(f, "{time}"),
            Self::Set(items) => f.write_str(&items.join("; ")),
        }
    }
}

/// The values of a record, by field. A field that is not in it is unknown.
pub type Fields = BTreeMap<FieldName, Value>;

/// The values of the fields that `names` has; null where there is none.
pub fn subset(values: Option<&Fields>, names: &Fields) -> Fields {
    let value = |name: &FieldName| values.and_then(|v| v.get(name)).cloned();
    names
        .keys()
        .map(|name| (name.clone(), value(name).unwrap_or_default()))
        .collect()
}

/// The values of one mapping row on one side: one per field of the row.
pub type Cell = Vec<Value>;

/// What a field holds, which decides its canonical form. Follows describe's `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// Text with line breaks.
    LongText,
    /// An e-mail address.
    Email,
    /// A phone number, as typed.
    Phone,
    /// A web address.
    Url,
    /// One of a list; compared by API value.
    Picklist,
    /// Several of a list; order is not meaning.
    MultiPicklist,
    /// A checkbox; never null.
    Bool,
    /// A number with this many decimals.
    Number {
        /// Decimals kept.
        scale: u8,
    },
    /// A calendar date.
    Date,
    /// An instant.
    DateTime,
    /// A time of the day.
    Time,
    /// Id of a record.
    Reference,
    /// Something that is never mapped (compound, binary).
    Opaque,
}

/// The canonical form of a value of a kind. Borrows when the value already has it.
pub fn canon(kind: FieldKind, value: &Value) -> Cow<'_, Value> {
    match (kind, value) {
        (FieldKind::Bool, Value::Null) => Cow::Owned(Value::Bool(false)),
        (FieldKind::Bool, Value::Text(t)) => match parse_bool(t) {
            Some(b) => Cow::Owned(Value::Bool(b)),
            None => Cow::Borrowed(value),
        },
        (FieldKind::Number { scale }, Value::Number(n)) => canon_number(scale, *n, value),
        (FieldKind::Number { scale }, Value::Text(t)) => match t.trim().parse::<Decimal>() {
            Ok(n) => Cow::Owned(Value::Number(round(n, scale))),
            Err(_) => canon_text(FieldKind::Text, t, value),
        },
        (FieldKind::Date, Value::Text(t)) => match t.trim().parse() {
            Ok(date) => Cow::Owned(Value::Date(date)),
            Err(_) => canon_text(FieldKind::Text, t, value),
        },
        (FieldKind::DateTime, Value::DateTime(at)) if at.subsec_nanosecond() != 0 => {
            Cow::Owned(Value::DateTime(whole_seconds(*at)))
        }
        (FieldKind::DateTime, Value::Text(t)) => match t.trim().parse::<jiff::Timestamp>() {
            Ok(at) => Cow::Owned(Value::DateTime(whole_seconds(at))),
            Err(_) => canon_text(FieldKind::Text, t, value),
        },
        (FieldKind::MultiPicklist, Value::Set(items)) => canon_set(items, value),
        (FieldKind::MultiPicklist, Value::Text(t)) => {
            let items: Vec<String> = t.split(';').map(|s| s.trim().to_owned()).collect();
            Cow::Owned(sorted_set(items))
        }
        (FieldKind::Reference, Value::Text(t)) => match t.parse::<super::id::CrmId>() {
            Ok(id) if id.as_str() != t => Cow::Owned(Value::Text(id.as_str().to_owned())),
            _ => canon_text(kind, t, value),
        },
        (_, Value::Text(t)) => canon_text(kind, t, value),
        _ => Cow::Borrowed(value),
    }
}

/// Whether two values are the same under [`canon`].
pub fn same(kind: FieldKind, left: &Value, right: &Value) -> bool {
    if left == right {
        return true;
    }
    canon(kind, left) == canon(kind, right)
}

fn parse_bool(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" | "" => Some(false),
        _ => None,
    }
}

fn canon_number(scale: u8, n: Decimal, value: &Value) -> Cow<'_, Value> {
    let rounded = round(n, scale);
    // Decimal's equality ignores trailing zeros but its text does not; one form for both.
    if rounded.scale() == n.scale() && rounded == n {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(Value::Number(rounded))
    }
}

fn round(n: Decimal, scale: u8) -> Decimal {
    n.round_dp_with_strategy(u32::from(scale), RoundingStrategy::MidpointAwayFromZero)
        .normalize()
}

fn whole_seconds(at: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn canon_set<'v>(items: &[String], value: &'v Value) -> Cow<'v, Value> {
    let tidy = !items.is_empty()
        && items.windows(2).all(|w| w[0] < w[1])
        && items.iter().all(|i| !i.is_empty());
    if tidy {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(sorted_set(items.to_vec()))
    }
}

fn sorted_set(mut items: Vec<String>) -> Value {
    items.retain(|i| !i.is_empty());
    items.sort_unstable();
    items.dedup();
    if items.is_empty() {
        Value::Null
    } else {
        Value::Set(items)
    }
}

fn canon_text<'v>(kind: FieldKind, text: &'v str, value: &'v Value) -> Cow<'v, Value> {
    // Salesforce trims white space; a non-breaking space survives (sync-semantics 2.1).
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let breaks = kind == FieldKind::LongText && trimmed.contains('\r');
    let controls = trimmed.contains('\0');
    if trimmed.len() == text.len() && !text.is_empty() && !breaks && !controls && is_nfc(text) {
        return Cow::Borrowed(value);
    }
    let mut out: String = trimmed.chars().filter(|c| *c != '\0').nfc().collect();
    if breaks {
        out = out.replace("\r\n", "\n").replace('\r', "\n");
    }
    // Dropping a NUL can bare white space at an end; once more keeps this idempotent.
    let again = out.trim_matches(|c: char| c.is_ascii_whitespace());
    Cow::Owned(Value::text(again))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds() -> impl Strategy<Value = FieldKind> {
        prop_oneof![
            Just(FieldKind::Text),
            Just(FieldKind::LongText),
            Just(FieldKind::Email),
            Just(FieldKind::Picklist),
            Just(FieldKind::MultiPicklist),
            Just(FieldKind::Bool),
            (0u8..6).prop_map(|scale| FieldKind::Number { scale }),
            Just(FieldKind::Date),
            Just(FieldKind::DateTime),
            Just(FieldKind::Reference),
        ]
    }

    fn values() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (any::<i64>(), 0u32..10).prop_map(|(n, s)| Value::Number(Decimal::new(n, s))),
            "\\PC{0,12}".prop_map(Value::Text),
            "[ \\r\\n\\t\\x00a\u{e9}e\u{301}\u{a0};]{0,8}".prop_map(Value::Text),
            (0i64..4_000_000_000, 0i32..999_999_999)
                .prop_map(|(s, n)| Value::DateTime(jiff::Timestamp::new(s, n).unwrap())),
            proptest::collection::vec("[a-c]{0,2}", 0..4).prop_map(Value::Set),
        ]
    }

    proptest! {
        #[test]
        fn canon_is_idempotent(kind in kinds(), value in values()) {
            let once = canon(kind, &value).into_owned();
            let twice = canon(kind, &once).into_owned();
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn same_is_an_equivalence(kind in kinds(), a in values(), b in values()) {
            prop_assert!(same(kind, &a, &a));
            prop_assert_eq!(same(kind, &a, &b), same(kind, &b, &a));
        }
    }

    #[test]
    fn salesforce_forms() {
        let number = |s: &str| Value::Number(s.parse().unwrap());
        let two = FieldKind::Number { scale: 2 };
        assert!(same(two, &number("1.005"), &number("1.01")));
        assert!(same(two, &number("10"), &number("10.00")));
        assert!(same(
            FieldKind::Number { scale: 0 },
            &number("0.0"),
            &number("0")
        ));
        assert!(same(FieldKind::Bool, &Value::Null, &Value::Bool(false)));
        assert!(same(FieldKind::Text, &" a ".into(), &"a".into()));
        assert!(same(
            FieldKind::Text,
            &Value::Text(String::new()),
            &Value::Null
        ));
        assert!(!same(FieldKind::Text, &"\u{a0}a".into(), &"a".into()));
        assert!(same(FieldKind::LongText, &"a\r\nb".into(), &"a\nb".into()));
        assert!(same(FieldKind::Text, &"e\u{301}".into(), &"\u{e9}".into()));
        let short: Value = "001D000000INjVe".into();
        assert!(same(
            FieldKind::Reference,
            &short,
            &"001D000000INjVeIAL".into()
        ));
        assert!(!same(FieldKind::Text, &short, &"001D000000INjVE".into()));
        assert!(same(
            FieldKind::MultiPicklist,
            &"B;A".into(),
            &Value::Set(vec!["A".into(), "B".into()])
        ));
    }
}
