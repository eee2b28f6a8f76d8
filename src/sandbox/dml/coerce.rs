//! JSON to a stored value: types, lengths, formats (salesforce-api 3.2, 8.3, 8.4).
//!
//! Looks at one value alone; picklists and references are checked on the whole record.

use data_encoding::BASE64;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value as Json;

use super::LengthUnit;
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    schema::{Field, Kind},
    time,
    value::{Value, same_text},
};

/// Characters of a value that a message repeats.
const SHOWN: usize = 255;

/// What is stored when this JSON is sent for this field.
pub fn value(field: &Field, json: &Json, unit: LengthUnit) -> Result<Value, Fail> {
    if json.is_null() {
        return match field.kind {
            Kind::Boolean => Err(wrong_type(field, json)),
            _ => Ok(Value::Null),
        };
    }
    match field.kind {
        Kind::Boolean => boolean(field, json),
        Kind::Int => int(field, json),
        Kind::Double | Kind::Currency | Kind::Percent => decimal(field, json),
        Kind::Date => match given(field, json)? {
            "" => Ok(Value::Null),
            // A full instant is taken for a date by its day.
            text => time::parse_date(text)
                .or_else(|| time::parse_stamp(text).map(|s| s.div_euclid(time::DAY) as i32))
                .map(Value::Date)
                .ok_or_else(|| wrong_type(field, json)),
        },
        Kind::DateTime => match given(field, json)? {
            "" => Ok(Value::Null),
            text => time::parse_stamp(text)
                .or_else(|| time::parse_date(text).map(|d| i64::from(d) * time::DAY))
                .map(Value::Stamp)
                .ok_or_else(|| wrong_type(field, json)),
        },
        Kind::Reference | Kind::Id => match given(field, json)?.trim() {
            "" => Ok(Value::Null),
            text => SfId::parse(text).map(Value::Id).ok_or_else(|| {
                Fail::new(
                    "MALFORMED_ID",
                    format!("{}: id value of incorrect type: {text}", field.label),
                )
                .on(&field.name)
            }),
        },
        Kind::Base64 => match given(field, json)? {
            "" => Ok(Value::Null),
            text => BASE64
                .decode(text.as_bytes())
                .map(|bytes| Value::Bytes(bytes.into()))
                .map_err(|_| wrong_type(field, &Json::from("..."))),
        },
        _ => text(field, json, unit),
    }
}

fn given<'a>(field: &Field, json: &'a Json) -> Result<&'a str, Fail> {
    json.as_str().ok_or_else(|| wrong_type(field, json))
}

fn wrong_type(field: &Field, json: &Json) -> Fail {
    let wanted = match field.kind {
        Kind::Boolean => "boolean",
        Kind::Int => "int",
        Kind::Double | Kind::Currency | Kind::Percent => "double",
        Kind::Date => "date",
        Kind::DateTime => "datetime",
        Kind::Id | Kind::Reference => "id",
        Kind::Base64 => "base64",
        _ => "string",
    };
    let token = match json {
        Json::Null => "VALUE_NULL",
        Json::Bool(true) => "VALUE_TRUE",
        Json::Bool(false) => "VALUE_FALSE",
        Json::Number(n) if n.is_f64() => "VALUE_NUMBER_FLOAT",
        Json::Number(_) => "VALUE_NUMBER_INT",
        Json::String(_) => "VALUE_STRING",
        Json::Array(_) => "START_ARRAY",
        Json::Object(_) => "START_OBJECT",
    };
    let shown = match json {
        Json::String(text) => text.clone(),
        Json::Array(_) => "[".to_owned(),
        Json::Object(_) => "{".to_owned(),
        other => other.to_string(),
    };
    Fail::json(format!(
        "Cannot deserialize instance of {wanted} from {token} value {shown} or request may be missing a required field at [line:1, column:1]"
    ))
    .on(&field.name)
}

fn boolean(field: &Field, json: &Json) -> Result<Value, Fail> {
    match json {
        Json::Bool(b) => Ok(Value::Bool(*b)),
        Json::String(t) if t.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Json::String(t) if t.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        other => Err(wrong_type(field, other)),
    }
}

fn number(field: &Field, json: &Json) -> Result<Option<Decimal>, Fail> {
    let text = match json {
        Json::Number(n) => n.to_string(),
        Json::String(t) if t.trim().is_empty() => return Ok(None),
        Json::String(t) => t.trim().to_owned(),
        other => return Err(wrong_type(field, other)),
    };
    let read = match text.contains(['e', 'E']) {
        true => Decimal::from_scientific(&text),
        false => text.parse(),
    };
    match read {
        Ok(n) => Ok(Some(n)),
        // Too long for any field, or no number at all.
        Err(_) if text.parse::<f64>().is_ok_and(f64::is_finite) => Err(out_of_range(field, &text)),
        Err(_) => Err(wrong_type(field, json)),
    }
}

fn out_of_range(field: &Field, text: &str) -> Fail {
    Fail::new(
        "NUMBER_OUTSIDE_VALID_RANGE",
        format!(
            "{}: value outside of valid range on numeric field: {text}",
            field.label
        ),
    )
    .on(&field.name)
}

fn decimal(field: &Field, json: &Json) -> Result<Value, Fail> {
    let Some(n) = number(field, json)? else {
        return Ok(Value::Null);
    };
    let n = n.round_dp_with_strategy(field.scale, RoundingStrategy::ToZero);
    let whole_digits = field.precision.saturating_sub(field.scale);
    match n.trunc().abs()
        < Decimal::from(10u128.pow(whole_digits.min(28)).min(i64::MAX as u128) as i64)
    {
        true => Ok(Value::Num(n)),
        false => Err(out_of_range(field, &n.to_string())),
    }
}

fn int(field: &Field, json: &Json) -> Result<Value, Fail> {
    let Some(n) = number(field, json)? else {
        return Ok(Value::Null);
    };
    if n.fract() != Decimal::ZERO {
        return Err(wrong_type(field, json));
    }
    let limit = 10i64.pow(field.precision.min(18));
    i64::try_from(n)
        .ok()
        .filter(|n| n.abs() < limit)
        .map(Value::Int)
        .ok_or_else(|| out_of_range(field, &n.to_string()))
}

fn text(field: &Field, json: &Json, unit: LengthUnit) -> Result<Value, Fail> {
    let text = match json {
        Json::String(text) => text.as_str(),
        Json::Number(_) | Json::Bool(_) => {
            return self::text(field, &Json::String(json.to_string()), unit);
        }
        other => return Err(wrong_type(field, other)),
    };
    // Only ASCII blanks go; a no-break space stays, as in Java's trim.
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let length = match unit {
        LengthUnit::CodePoints => text.chars().count(),
        LengthUnit::Utf16 => text.encode_utf16().count(),
    };
    if length > field.length as usize {
        let shown: String = text.chars().take(SHOWN).collect();
        let more = if shown.len() < text.len() { "..." } else { "" };
        return Err(Fail::new(
            "STRING_TOO_LONG",
            format!(
                "{}: data value too large: {shown}{more} (max length={})",
                field.label, field.length
            ),
        )
        .on(&field.name));
    }
    match field.kind {
        Kind::Email if !is_email(text) => Err(Fail::new(
            "INVALID_EMAIL_ADDRESS",
            format!("{}: invalid email address: {text}", field.label),
        )
        .on(&field.name)),
        // A known value is stored in the letter case of its definition.
        Kind::Picklist => Ok(Value::text(
            field
                .picks
                .iter()
                .find(|p| same_text(p, text))
                .map_or(text, String::as_str),
        )),
        Kind::Multipicklist => Ok(Value::text(ordered(field, text))),
        _ => Ok(Value::text(text)),
    }
}

/// The chosen values in the order of their definition, unknown ones last.
fn ordered(field: &Field, text: &str) -> String {
    let chosen: Vec<&str> = text
        .split(';')
        .map(str::trim)
        .filter(|t| !t.is_empty())
        .collect();
    let known = field
        .picks
        .iter()
        .map(String::as_str)
        .filter(|p| chosen.contains(p));
    let unknown = chosen
        .iter()
        .copied()
        .filter(|c| !field.picks.iter().any(|p| p == c));
    known.chain(unknown).collect::<Vec<_>>().join(";")
}

/// One `@`, a part before it, and a domain with a dot; no blanks.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let fine = |c: char| !c.is_whitespace() && !c.is_control() && !"()<>[],;:\\\"@".contains(c);
    !local.is_empty()
        && local.len() <= 64
        && local.chars().all(fine)
        && domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::schema::Schema;
    use proptest::prelude::*;
    use serde_json::json;

    fn on(object: &str, name: &str, json: Json) -> Result<Value, Fail> {
        let schema = Schema::load().unwrap();
        let object = schema.at(schema.object(object).unwrap());
        value(
            object.at(object.field(name).unwrap()),
            &json,
            LengthUnit::CodePoints,
        )
    }

    #[test]
    fn text_is_trimmed_and_empty_is_null() {
        assert_eq!(on("Lead", "Title", json!(" \n ")), Ok(Value::Null));
        assert_eq!(
            on("Lead", "Title", json!("\u{a0}CTO ")),
            Ok(Value::text("\u{a0}CTO"))
        );
        assert_eq!(
            on("Lead", "Status", json!("open - not contacted")),
            Ok(Value::text("Open - Not Contacted"))
        );
    }

    #[test]
    fn too_long_text_is_refused_with_its_label() {
        let fail = on("Lead", "FirstName", json!("x".repeat(41))).unwrap_err();
        assert_eq!(fail.code, "STRING_TOO_LONG");
        assert!(
            fail.message
                .starts_with("First Name: data value too large: xxx")
        );
        assert!(fail.message.ends_with("(max length=40)"));
        assert_eq!(
            on("Lead", "FirstName", json!("😀".repeat(40))),
            Ok(Value::text("😀".repeat(40)))
        );
    }

    #[test]
    fn numbers_are_cut_to_scale_and_range() {
        assert_eq!(
            on("Opportunity", "Amount", json!(1.159)),
            Ok(Value::Num("1.15".parse().unwrap()))
        );
        assert_eq!(
            on("Opportunity", "Amount", json!("-1.159")),
            Ok(Value::Num("-1.15".parse().unwrap()))
        );
        assert_eq!(
            on("Opportunity", "Amount", json!(1e17)).unwrap_err().code,
            "NUMBER_OUTSIDE_VALID_RANGE"
        );
        assert_eq!(
            on("Opportunity", "Amount", json!(1e300)).unwrap_err().code,
            "NUMBER_OUTSIDE_VALID_RANGE"
        );
        assert_eq!(
            on("Lead", "NumberOfEmployees", json!(100_000_000))
                .unwrap_err()
                .code,
            "NUMBER_OUTSIDE_VALID_RANGE"
        );
        assert_eq!(
            on("Lead", "NumberOfEmployees", json!("x"))
                .unwrap_err()
                .code,
            "JSON_PARSER_ERROR"
        );
        assert_eq!(
            on("Opportunity", "CloseDate", json!("2026-02-30"))
                .unwrap_err()
                .code,
            "JSON_PARSER_ERROR"
        );
    }

    #[test]
    fn addresses_are_checked() {
        for good in [
            "a@b.co",
            "first.last+tag@sub.example.com",
            "müller@example.de",
        ] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "a", "a@b", "@b.co", "a b@c.de", "a@-b.de", "a@b..de", "a@b@c.de",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
        assert_eq!(
            on("Lead", "Email", json!("nobody")).unwrap_err().message,
            "Email: invalid email address: nobody"
        );
    }

    proptest! {
        #[test]
        fn nothing_sent_makes_it_fail_badly(text in "\\PC{0,40}", n in any::<f64>()) {
            for field in ["Email", "Description", "AnnualRevenue", "NumberOfEmployees", "OwnerId", "Latitude", "EmailBouncedDate", "HasOptedOutOfEmail"] {
                let _ = on("Lead", field, json!(text));
                let _ = on("Lead", field, json!(n));
            }
        }
    }
}
