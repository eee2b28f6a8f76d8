//! Values of fields as the org keeps them, and their JSON form.
//!
//! Does not check values against a field; [`super::dml`] does.
//! Invariant: text is never empty (an empty string is stored as null, salesforce-api 3.2).

use std::{cmp::Ordering, sync::Arc};

use data_encoding::BASE64;
use rust_decimal::Decimal;

use super::{ids::SfId, time};

/// A stored value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Num(Decimal),
    /// Days since 1970.
    Date(i32),
    /// Seconds since 1970.
    Stamp(i64),
    Id(SfId),
    Text(Box<str>),
    /// A file.
    Bytes(Arc<[u8]>),
}

/// A value lent from a record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ref<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Num(Decimal),
    Date(i32),
    Stamp(i64),
    Id(SfId),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl Value {
    /// Text, or null when it is empty.
    pub fn text(text: impl Into<String>) -> Self {
        let text: String = text.into();
        match text.is_empty() {
            true => Self::Null,
            false => Self::Text(text.into_boxed_str()),
        }
    }

    /// Lends the value.
    pub fn lend(&self) -> Ref<'_> {
        match self {
            Self::Null => Ref::Null,
            Self::Bool(b) => Ref::Bool(*b),
            Self::Int(n) => Ref::Int(*n),
            Self::Num(n) => Ref::Num(*n),
            Self::Date(d) => Ref::Date(*d),
            Self::Stamp(s) => Ref::Stamp(*s),
            Self::Id(id) => Ref::Id(*id),
            Self::Text(t) => Ref::Text(t),
            Self::Bytes(b) => Ref::Bytes(b),
        }
    }
}

impl<'a> Ref<'a> {
    /// A copy to keep.
    pub fn keep(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(b),
            Self::Int(n) => Value::Int(n),
            Self::Num(n) => Value::Num(n),
            Self::Date(d) => Value::Date(d),
            Self::Stamp(s) => Value::Stamp(s),
            Self::Id(id) => Value::Id(id),
            Self::Text(t) => Value::Text(t.into()),
            Self::Bytes(b) => Value::Bytes(b.into()),
        }
    }

    /// The text, if it is one.
    pub fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Text(t) => Some(t),
            _ => None,
        }
    }

    /// The id, if it is one.
    pub fn as_id(self) -> Option<SfId> {
        match self {
            Self::Id(id) => Some(id),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(self) -> Option<Decimal> {
        match self {
            Self::Int(n) => Some(Decimal::from(n)),
            Self::Num(n) => Some(n),
            _ => None,
        }
    }

    /// Whether there is no value.
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// Order of ORDER BY and of the comparison operators: text without regard to case, nulls
    /// first, an instant compared with a date by its day.
    pub fn order(self, other: Ref<'_>) -> Ordering {
        match (self, other) {
            (Ref::Null, Ref::Null) => Ordering::Equal,
            (Ref::Null, _) => Ordering::Less,
            (_, Ref::Null) => Ordering::Greater,
            (Ref::Text(a), Ref::Text(b)) => fold_cmp(a, b),
            (Ref::Id(a), Ref::Id(b)) => a.cmp(&b),
            (Ref::Bool(a), Ref::Bool(b)) => a.cmp(&b),
            (Ref::Date(a), Ref::Date(b)) => a.cmp(&b),
            (Ref::Stamp(a), Ref::Stamp(b)) => a.cmp(&b),
            (Ref::Stamp(a), Ref::Date(b)) => a.cmp(&(i64::from(b) * time::DAY)),
            (Ref::Date(a), Ref::Stamp(b)) => (i64::from(a) * time::DAY).cmp(&b),
            (a, b) => match (a.as_number(), b.as_number()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => Ordering::Equal,
            },
        }
    }

    /// Appends the JSON form (salesforce-api 3.2).
    pub fn write_json(self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(n) => out.extend_from_slice(n.to_string().as_bytes()),
            Self::Num(n) => out.extend_from_slice(number_text(n).as_bytes()),
            Self::Text(t) => write_string(out, t),
            Self::Bytes(b) => write_string(out, &BASE64.encode(b)),
            Self::Id(id) => quoted(out, |out| {
                out.extend_from_slice(id.full().as_str().as_bytes())
            }),
            Self::Date(d) => quoted(out, |out| time::write_date(out, d)),
            Self::Stamp(s) => quoted(out, |out| time::write_stamp(out, s)),
        }
    }
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// Appends a JSON string.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    // Writing text into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

fn fold_cmp(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        let lower = |t: &'_ str| {
            t.bytes()
                .map(|b| b.to_ascii_lowercase())
                .collect::<Vec<_>>()
        };
        if a.len() <= 64 && b.len() <= 64 {
            let (a, b) = (a.bytes(), b.bytes());
            return a
                .map(|c| c.to_ascii_lowercase())
                .cmp(b.map(|c| c.to_ascii_lowercase()));
        }
        return lower(a).cmp(&lower(b));
    }
    a.chars()
        .flat_map(char::to_lowercase)
        .cmp(b.chars().flat_map(char::to_lowercase))
}

/// Whether two texts are the same to a case-insensitive comparison.
pub fn same_text(a: &str, b: &str) -> bool {
    fold_cmp(a, b) == Ordering::Equal
}

/// A decimal as the platform prints doubles: `150000.0`, and `1.5E7` from ten million on.
fn number_text(n: Decimal) -> String {
    let plain = n.normalize();
    if plain.abs() < Decimal::from(10_000_000) {
        return match plain.scale() {
            0 => format!("{plain}.0"),
            _ => plain.to_string(),
        };
    }
    let all = plain.abs().to_string();
    let (whole, fraction) = all.split_once('.').unwrap_or((&all, ""));
    let exponent = whole.len() - 1;
    let digits = format!("{}{fraction}", &whole[1..]);
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    let sign = if plain.is_sign_negative() { "-" } else { "" };
    format!("{sign}{}.{digits}E{exponent}", &whole[..1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(value: Value) -> String {
        let mut out = Vec::new();
        value.lend().write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_look_like_doubles() {
        for (text, shown) in [
            ("0", "0.0"),
            ("150000", "150000.0"),
            ("-12.50", "-12.5"),
            ("10000000", "1.0E7"),
            ("-123456789.25", "-1.2345678925E8"),
        ] {
            assert_eq!(json(Value::Num(text.parse().unwrap())), shown);
        }
    }

    #[test]
    fn text_is_ordered_without_regard_to_case() {
        assert!(same_text("ÄPFEL", "äpfel"));
        assert_eq!(Ref::Text("b").order(Ref::Text("A")), Ordering::Greater);
        assert_eq!(Ref::Null.order(Ref::Text("")), Ordering::Less);
    }

    proptest! {
        #[test]
        fn numbers_survive_json(units in -999_999_999_999_999i64..999_999_999_999_999, scale in 0u32..6) {
            let n = Decimal::new(units, scale);
            let read: f64 = json(Value::Num(n)).parse().unwrap();
            let back = Decimal::from_scientific(&format!("{read:e}")).unwrap();
            prop_assert_eq!(back.normalize(), n.normalize());
        }

        #[test]
        fn text_survives_json(text in "\\PC{0,30}[\\x00-\\x1f]{0,5}") {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
