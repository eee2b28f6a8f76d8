//! Literals as values of the field they are compared with.

use rust_decimal::Decimal;

use super::{ast::Literal, dates, lex::unescape, names::Names, plan::id_of};
use crate::sandbox::{
    fail::Fail,
    schema::{Field, Kind},
    time::DAY,
    value::Value,
};

/// A value, or a stretch of time from the first to before the last moment.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    One(Value),
    Range(Value, Value),
}

/// The amount behind the three letters of a currency.
fn amount(word: &str) -> Option<Decimal> {
    let (code, digits) = word.split_at_checked(3)?;
    let currency = code.bytes().all(|c| c.is_ascii_uppercase());
    digits.parse().ok().filter(|_| currency)
}

/// Reads a literal for a field; a wrong kind is refused with the text Salesforce shows.
pub fn operand(
    names: &Names<'_>,
    field: &Field,
    literal: &Literal,
    at: usize,
) -> Result<Operand, Fail> {
    let wrong = |wanted: &str, quotes: &str| {
        names.fail(
            "INVALID_FIELD",
            at,
            &format!(
                "value of filter criterion for field '{}' must be of type {wanted}{quotes}",
                field.name
            ),
        )
    };
    let one = match (field.kind, literal) {
        (Kind::Boolean, Literal::Bool(b)) => Value::Bool(*b),
        // A boolean is never null; the comparison is simply false.
        (_, Literal::Null) => Value::Null,
        (Kind::Boolean, _) => {
            return Err(wrong("boolean", " and should not be enclosed in quotes"));
        }
        (Kind::Int | Kind::Double | Kind::Currency | Kind::Percent, Literal::Number(n)) => {
            Value::Num(*n)
        }
        // `USD5000`: there is one currency.
        (Kind::Currency, Literal::Word(word, None)) if amount(word).is_some() => {
            amount(word).map_or(Value::Null, Value::Num)
        }
        (Kind::Int, _) => return Err(wrong("int", " and should not be enclosed in quotes")),
        (Kind::Double | Kind::Currency | Kind::Percent, _) => {
            return Err(wrong("double", " and should not be enclosed in quotes"));
        }
        (Kind::DateTime, Literal::Stamp(s)) => Value::Stamp(*s),
        (Kind::Date, Literal::Date(d)) => Value::Date(*d),
        (Kind::DateTime | Kind::Date, Literal::Word(word, n)) => {
            let Some((from, to)) = dates::range(word, *n, names.asker.now) else {
                return Err(names.fail(
                    "MALFORMED_QUERY",
                    at,
                    &format!("unexpected token: '{word}'"),
                ));
            };
            let value = |day: i32| match field.kind {
                Kind::Date => Value::Date(day),
                _ => Value::Stamp(i64::from(day) * DAY),
            };
            return Ok(Operand::Range(value(from), value(to)));
        }
        (Kind::DateTime, _) => {
            return Err(wrong("dateTime", " and should not be enclosed in quotes"));
        }
        (Kind::Date, _) => return Err(wrong("date", " and should not be enclosed in quotes")),
        (Kind::Id | Kind::Reference, Literal::Text(raw)) => {
            Value::Id(id_of(names, &unescape(raw), at)?)
        }
        (Kind::Id | Kind::Reference, _) => {
            return Err(wrong("ID", " and should be enclosed in quotes"));
        }
        (_, Literal::Text(raw)) => {
            let text = unescape(raw);
            if text.chars().count() > 4000 {
                return Err(names.fail(
                    "MALFORMED_QUERY",
                    at,
                    "a string literal cannot be longer than 4000 characters",
                ));
            }
            Value::text(text)
        }
        (_, Literal::Word(word, _)) => {
            return Err(names.fail(
                "MALFORMED_QUERY",
                at,
                &format!("unexpected token: '{word}'"),
            ));
        }
        _ => return Err(wrong("string", " and should be enclosed in quotes")),
    };
    Ok(Operand::One(one))
}
