//! Values as they stand in JSON and in the CSV of bulk jobs (salesforce-api 3.2, 6.1).
//!
//! Numbers never pass through floating point. Reading is total: what does not fit its kind stays
//! text, and what is no single value at all (an address, a subquery) is left out as unknown.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use rust_decimal::Decimal;
use serde::de::{self, Deserializer, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::value::{FieldKind, Value, canon};

/// Reads the JSON text of one value. `None`: unknown.
pub(super) fn read(kind: FieldKind, raw: &str) -> Option<Value> {
    if kind == FieldKind::Opaque {
        return None;
    }
    match raw.as_bytes().first()? {
        b'n' => Some(Value::Null),
        b't' => Some(Value::Bool(true)),
        b'f' => Some(Value::Bool(false)),
        b'"' => Some(read_text(kind, text(raw)?)),
        b'{' | b'[' => None,
        _ => match (kind, decimal(raw)) {
            (FieldKind::Number { .. }, Some(number)) => Some(Value::Number(number)),
            // More digits than fit, or a number where text was expected: kept exactly as text.
            _ => Some(Value::Text(raw.to_owned())),
        },
    }
}

/// Reads a value of a CSV: the same values as [`read`] gives for the JSON of the same record.
pub(super) fn read_plain(kind: FieldKind, text: &str) -> Option<Value> {
    match (kind, text) {
        (FieldKind::Opaque, _) => None,
        (FieldKind::Bool, "true") => Some(Value::Bool(true)),
        (FieldKind::Bool, "false") => Some(Value::Bool(false)),
        _ => Some(read_text(kind, Cow::Borrowed(text))),
    }
}

fn read_text(kind: FieldKind, text: Cow<'_, str>) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    let typed = match kind {
        FieldKind::Number { .. } => decimal(text.trim()).map(Value::Number),
        FieldKind::Date => date(&text).map(Value::Date),
        FieldKind::DateTime => instant(&text).map(Value::DateTime),
        FieldKind::Time => time(&text).map(Value::Time),
        FieldKind::MultiPicklist => {
            let items = text.split(';').filter(|i| !i.is_empty()).map(str::to_owned);
            Some(Value::Set(items.collect()))
        }
        _ => None,
    };
    typed.unwrap_or_else(|| Value::Text(text.into_owned()))
}

/// The text of a JSON string. Escapes of half a character become replacement characters.
pub(super) fn text(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string")
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }
    // As bytes, because serde_json refuses lone surrogates in a string but not in bytes.
    let bytes = serde_json::Deserializer::from_str(raw)
        .deserialize_bytes(Bytes)
        .ok()?;
    Some(Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }))
}

fn decimal(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) {
        // Exact or not at all: the digits must survive.
        Decimal::from_scientific(text).ok()
    } else {
        Decimal::from_str_exact(text).ok()
    }
}

/// `2021-04-08T18:39:16.000+0000`; also with `Z`, a colon in the offset, or no fraction.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let (day, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix('T')?;
    let at = rest.find(['Z', '+', '-'])?;
    let (clock, zone) = rest.split_at_checked(at)?;
    let there = DateTime::from_parts(date(day)?, wall_clock(clock)?);
    let offset = offset(zone)?;
    offset.to_timestamp(there).ok()
}

fn offset(zone: &str) -> Option<Offset> {
    if zone == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, digits) = zone.split_at_checked(1)?;
    let digits = digits.replace(':', "");
    let (hours, minutes) = digits.split_at_checked(2)?;
    let seconds = number::<i32>(hours)? * 3600 + number::<i32>(minutes)? * 60;
    Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let date = Date::new(
        number(parts.next()?)?,
        number(parts.next()?)?,
        number(parts.next()?)?,
    );
    parts.next().is_none().then_some(date.ok()?)
}

/// `10:30:00.000Z`.
fn time(text: &str) -> Option<Time> {
    wall_clock(text.strip_suffix('Z').unwrap_or(text))
}

fn wall_clock(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':');
    let (hour, minute, second) = (
        number(parts.next()?)?,
        number(parts.next()?)?,
        number(parts.next()?)?,
    );
    let nanos = match fraction.len() {
        0 => 0,
        len @ 1..=9 => number::<i32>(fraction)? * 10i32.pow(9 - u32::try_from(len).ok()?),
        _ => return None,
    };
    let time = Time::new(hour, minute, second, nanos).ok()?;
    parts.next().is_none().then_some(time)
}

/// Digits only; `parse` alone would take a sign.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// A value on its way out, in the form its kind has on the wire.
pub(super) struct Outgoing<'v>(pub(super) FieldKind, pub(super) &'v Value);

impl Serialize for Outgoing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = sendable(self.0, self.1);
        match &*value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Number(number) => RawValue::from_string(number.to_string())
                .map_err(S::Error::custom)?
                .serialize(serializer),
            value => serializer.serialize_str(&spelled(value)),
        }
    }
}

/// The text of a value on its way out as CSV; none for null.
pub(super) fn plain(kind: FieldKind, value: &Value) -> Option<String> {
    let value = sendable(kind, value);
    (!value.is_null()).then(|| spelled(&value).into_owned())
}

/// Text goes out as it is; the other kinds have one right form (a checkbox is never null,
/// Salesforce would cut decimals without rounding).
fn sendable(kind: FieldKind, value: &Value) -> Cow<'_, Value> {
    match kind {
        FieldKind::Bool
        | FieldKind::Number { .. }
        | FieldKind::Date
        | FieldKind::DateTime
        | FieldKind::MultiPicklist => canon(kind, value),
        _ => Cow::Borrowed(value),
    }
}

fn spelled(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Text(text) => Cow::Borrowed(text),
        Value::Date(date) => Cow::Owned(date.to_string()),
        Value::DateTime(at) => Cow::Owned(at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
        Value::Time(time) => Cow::Owned(time.strftime("%H:%M:%S.%3fZ").to_string()),
        Value::Set(items) => Cow::Owned(items.join(";")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::value::same;

    const TWO: FieldKind = FieldKind::Number { scale: 2 };

    fn number(text: &str) -> Option<Value> {
        Some(Value::Number(text.parse().unwrap()))
    }

    #[test]
    fn numbers_stay_exact() {
        assert_eq!(read(TWO, "0.1"), number("0.1"));
        assert_eq!(
            read(TWO, "9007199254740993.01"),
            number("9007199254740993.01")
        );
        assert_eq!(read(TWO, "1.0E7"), number("10000000"));
        assert_eq!(read(TWO, "-3"), number("-3"));
        assert_eq!(read(TWO, "\"12.5\""), number("12.5"));
        let long = "123456789012345678901234567890123.5";
        assert_eq!(read(TWO, long), Some(Value::Text(long.into())));
        assert_eq!(read(FieldKind::Text, "17"), Some("17".into()));
    }

    #[test]
    fn times_in_every_documented_form() {
        let at = Timestamp::from_second(1_617_907_156).unwrap();
        for text in [
            "2021-04-08T18:39:16.000+0000",
            "2021-04-08T18:39:16Z",
            "2021-04-08T20:39:16.000+02:00",
            "2021-04-08T13:09:16-0530",
        ] {
            let value = read(FieldKind::DateTime, &format!("\"{text}\""));
            assert_eq!(value, Some(Value::DateTime(at)), "{text}");
        }
        assert_eq!(
            read(FieldKind::Time, "\"10:30:00.250Z\""),
            Some(Value::Time(Time::new(10, 30, 0, 250_000_000).unwrap()))
        );
        assert_eq!(
            read(FieldKind::Date, "\"2021-02-30\""),
            Some("2021-02-30".into())
        );
    }

    #[test]
    fn odd_values_never_panic() {
        assert_eq!(read(FieldKind::Text, r#""a\u0000b""#), Some("a\0b".into()));
        assert_eq!(
            read(FieldKind::Text, r#""\ud83d\ude00""#),
            Some("😀".into())
        );
        let lone = read(FieldKind::Text, r#""a\ud800b""#).unwrap();
        assert!(lone.as_text().unwrap().starts_with('a'));
        assert_eq!(read(FieldKind::Text, "\"\""), Some(Value::Null));
        assert_eq!(read(FieldKind::Text, "null"), Some(Value::Null));
        assert_eq!(read(FieldKind::Text, "{\"a\":1}"), None);
        assert_eq!(read(FieldKind::Opaque, "1"), None);
        assert_eq!(
            read(FieldKind::MultiPicklist, "\"B;A\""),
            Some(Value::Set(vec!["B".into(), "A".into()]))
        );
    }

    #[test]
    fn what_goes_out() {
        let out = |kind, value: Value| serde_json::to_string(&Outgoing(kind, &value)).unwrap();
        assert_eq!(
            out(TWO, Value::Number("1234.505".parse().unwrap())),
            "1234.51"
        );
        assert_eq!(
            out(TWO, "9007199254740993.01".into()),
            "9007199254740993.01"
        );
        assert_eq!(out(FieldKind::Bool, Value::Null), "false");
        assert_eq!(out(FieldKind::Text, Value::Null), "null");
        assert_eq!(out(FieldKind::Text, " a\0 ".into()), r#"" a\u0000 ""#);
        assert_eq!(
            out(
                FieldKind::DateTime,
                Value::DateTime(Timestamp::from_second(0).unwrap())
            ),
            "\"1970-01-01T00:00:00.000Z\""
        );
        assert_eq!(
            out(
                FieldKind::MultiPicklist,
                Value::Set(vec!["B".into(), "A".into()])
            ),
            "\"A;B\""
        );
    }

    fn kind_and_value() -> impl Strategy<Value = (FieldKind, Value)> {
        prop_oneof![
            any::<String>().prop_map(|t| (FieldKind::LongText, Value::text(t))),
            (any::<i64>(), 0u32..12).prop_map(|(n, s)| (
                FieldKind::Number { scale: 12 },
                Value::Number(Decimal::new(n, s))
            )),
            any::<bool>().prop_map(|b| (FieldKind::Bool, Value::Bool(b))),
            (-8_000_000_000i64..60_000_000_000).prop_map(|s| (
                FieldKind::DateTime,
                Value::DateTime(Timestamp::from_second(s).unwrap())
            )),
            (1700i16..4000, 1i8..13, 1i8..29)
                .prop_map(|(y, m, d)| (FieldKind::Date, Value::Date(Date::new(y, m, d).unwrap()))),
            (0i8..24, 0i8..60, 0i8..60, 0i32..1000).prop_map(|(h, m, s, ms)| (
                FieldKind::Time,
                Value::Time(Time::new(h, m, s, ms * 1_000_000).unwrap())
            )),
            proptest::collection::vec("[a-zé' ]{1,6}", 1..4)
                .prop_map(|items| (FieldKind::MultiPicklist, Value::Set(items))),
        ]
    }

    proptest! {
        #[test]
        fn what_goes_out_comes_back((kind, value) in kind_and_value()) {
            let json = serde_json::to_string(&Outgoing(kind, &value)).unwrap();
            let back = read(kind, &json).unwrap();
            prop_assert!(same(kind, &back, &value), "{json} {back:?} {value:?}");
        }

        #[test]
        fn csv_gives_the_values_of_json((kind, value) in kind_and_value()) {
            let json = read(kind, &serde_json::to_string(&Outgoing(kind, &value)).unwrap());
            let text = plain(kind, &value).unwrap_or_default();
            prop_assert_eq!(read_plain(kind, &text), json, "{}", text);
        }

        #[test]
        fn odd_texts_are_the_same_both_ways(text in "\\PC{0,20}|[0-9.eE+-]{0,12}|[0-9T:.Z+-]{8,30}", at in 0usize..9) {
            let kind = [FieldKind::Text, FieldKind::LongText, TWO, FieldKind::Date, FieldKind::DateTime,
                FieldKind::Time, FieldKind::MultiPicklist, FieldKind::Picklist, FieldKind::Opaque][at];
            prop_assert_eq!(read_plain(kind, &text), read(kind, &serde_json::to_string(&text).unwrap()));
            // A number as number: `1E+7` stands in both.
            if let Ok(raw) = RawValue::from_string(text.clone())
                && matches!(kind, FieldKind::Text | FieldKind::Number { .. })
                && raw.get().starts_with(|c: char| c == '-' || c.is_ascii_digit())
            {
                prop_assert_eq!(read_plain(kind, &text), read(kind, raw.get()));
            }
        }

        #[test]
        fn any_text_is_survived(raw in "\\PC{0,30}", kind in 0usize..5) {
            let kinds = [FieldKind::Text, TWO, FieldKind::Date, FieldKind::DateTime, FieldKind::Time];
            read(kinds[kind], &raw);
            read(kinds[kind], &serde_json::to_string(&raw).unwrap());
        }
    }
}
