//! Turns a filter on CRM fields into a condition of a query, as far as both mean exactly the same
//! (sync-semantics 19.2).
//!
//! The filter's own evaluator says what a filter means. Text stays here, because equality in SOQL
//! ignores case; so do relative dates until they are instants, and those that records only grow
//! into: a long read would miss them. Invariant: the records that answer the condition and match
//! the rest are those that match the filter, then and while time goes on.

use jiff::Timestamp;

use super::soql::instant;
use crate::domain::filter::{Filter, FilterError, Limit, Order, Test, Wanted, place_of};
use crate::domain::id::CrmId;
use crate::domain::schema::{FieldInfo, ObjectInfo};
use crate::domain::text::nearest;
use crate::domain::value::FieldKind;

/// A filter in two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// What the CRM can decide, for a WHERE clause.
    pub condition: Option<String>,
    /// What has to be decided here, beside it.
    pub rest: Filter,
}

/// Splits a filter. Whole seconds for `now`: that is what the CRM has.
pub fn push(filter: &Filter, object: &ObjectInfo, now: Timestamp) -> Pushed {
    let way = Way { object, now };
    let parts = match filter {
        Filter::All => Vec::new(),
        Filter::Each(parts) => parts.clone(),
        one => vec![one.clone()],
    };
    let mut conditions = Vec::new();
    let mut rest = Vec::new();
    for part in parts {
        match way.condition(&part, Sense::As) {
            Some(condition) => conditions.push(condition),
            None => rest.push(part),
        }
    }
    Pushed {
        condition: (!conditions.is_empty()).then(|| conditions.join(" AND ")),
        rest: match rest.len() {
            0 => Filter::All,
            1 => rest.swap_remove(0),
            _ => Filter::Each(rest),
        },
    }
}

/// Checks a filter, as it was typed, against the fields that are read of an object.
///
/// # Errors
/// The first field that is not among them, or is asked what its type cannot answer, and where.
pub fn check(
    text: &str,
    filter: &Filter,
    object: &ObjectInfo,
    read: &[&str],
) -> Result<(), FilterError> {
    let mut wrong = None;
    filter.visit(&mut |part| {
        if wrong.is_none() {
            wrong = misfit(text, part, object, read);
        }
    });
    wrong.map_or(Ok(()), Err)
}

fn misfit(text: &str, part: &Filter, object: &ObjectInfo, read: &[&str]) -> Option<FilterError> {
    let about = |sign: &str, expected: String| {
        Some(FilterError {
            at: place_of(text, sign),
            expected,
        })
    };
    let only = || "a field, as `Amount:>1000`: a pair is filtered by the fields of its object";
    match part {
        Filter::Field { name, test } => {
            let known = read.contains(&name.as_str());
            let Some(field) = object.field(name).filter(|_| known) else {
                let expected = match nearest(name, read.iter().copied()) {
                    Some(near) => format!("a field that is read of {}: `{near}`?", object.name),
                    None => format!("a field that is read of {}", object.name),
                };
                return about(&format!("{name}:"), expected);
            };
            let expected = mistyped(field, test)?;
            about(&format!("{name}:"), expected.to_owned())
        }
        Filter::Word(needle) => about(needle.as_str(), only().to_owned()),
        Filter::State(_) => about("state:", only().to_owned()),
        Filter::Since(_) => about("since:", only().to_owned()),
        Filter::Marked => about("is:", only().to_owned()),
        Filter::All | Filter::Each(_) | Filter::Any(_) | Filter::Not(_) => None,
    }
}

/// What a field wants in place of a test that it never passes.
fn mistyped(field: &FieldInfo, test: &Test) -> Option<&'static str> {
    match (field.kind, test) {
        (FieldKind::Bool, Test::Compare(..)) => Some("yes or no for a checkbox"),
        (FieldKind::Bool, Test::Is(wanted) | Test::Contains(wanted)) => {
            let odd = |w: &Wanted| match w {
                Wanted::Null => true,
                Wanted::Text(needle) => checkbox(needle.folded()).is_none(),
            };
            wanted.iter().any(odd).then_some("yes or no for a checkbox")
        }
        (FieldKind::Number { .. }, Test::Compare(_, limit)) => {
            (!matches!(limit, Limit::Number(_))).then_some("a number for a field of numbers")
        }
        (FieldKind::Date | FieldKind::DateTime, Test::Compare(_, limit)) => {
            matches!(limit, Limit::Number(_))
                .then_some("a date like 2026-11-20, or an age like 2d, for a field of dates")
        }
        (_, Test::Compare(..)) if !matches!(field.kind, FieldKind::Time) => {
            Some("a field of numbers or dates for < and >")
        }
        _ => None,
    }
}

/// Whether a condition is meant as it is, or turned around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    As,
    Not,
}

impl Sense {
    fn other(self) -> Self {
        match self {
            Self::As => Self::Not,
            Self::Not => Self::As,
        }
    }
}

struct Way<'a> {
    object: &'a ObjectInfo,
    now: Timestamp,
}

impl Way<'_> {
    /// The same as a condition; none where that is not exactly the same.
    fn condition(&self, filter: &Filter, sense: Sense) -> Option<String> {
        match (filter, sense) {
            (Filter::Not(part), sense) => self.condition(part, sense.other()),
            (Filter::Each(parts), Sense::As) | (Filter::Any(parts), Sense::Not) => {
                self.joined(parts, sense, " AND ")
            }
            (Filter::Each(parts), Sense::Not) | (Filter::Any(parts), Sense::As) => {
                self.joined(parts, sense, " OR ")
            }
            (Filter::Field { name, test }, sense) => {
                let field = self.object.field(name).filter(|field| field.filterable)?;
                self.test(field, test, sense)
            }
            _ => None,
        }
    }

    fn joined(&self, parts: &[Filter], sense: Sense, by: &str) -> Option<String> {
        let parts: Option<Vec<_>> = parts.iter().map(|p| self.condition(p, sense)).collect();
        Some(format!("({})", parts?.join(by)))
    }

    fn test(&self, field: &FieldInfo, test: &Test, sense: Sense) -> Option<String> {
        let name = super::soql::name(field.name.as_str()).ok()?;
        match test {
            Test::Is(wanted) => self.one_of(field, name, wanted, sense, exactly),
            Test::Contains(wanted) => self.one_of(field, name, wanted, sense, containing),
            Test::Compare(order, limit) => self.compare(field, name, *order, limit, sense),
        }
    }

    fn one_of(
        &self,
        field: &FieldInfo,
        name: &str,
        wanted: &[Wanted],
        sense: Sense,
        literal: fn(&FieldInfo, &Wanted) -> Option<String>,
    ) -> Option<String> {
        let (sign, by) = match sense {
            Sense::As => ("=", " OR "),
            Sense::Not => ("!=", " AND "),
        };
        let parts: Option<Vec<_>> = wanted
            .iter()
            .map(|wanted| Some(format!("{name} {sign} {}", literal(field, wanted)?)))
            .collect();
        Some(format!("({})", parts?.join(by)))
    }

    fn compare(
        &self,
        field: &FieldInfo,
        name: &str,
        order: Order,
        limit: &Limit,
        sense: Sense,
    ) -> Option<String> {
        let (order, literal) = self.bound(field.kind, order, limit)?;
        let asked = match sense {
            Sense::As => order,
            Sense::Not => against(order),
        };
        // The instant moves on: whoever is behind it now stays there, others come to be.
        if matches!(limit, Limit::Age(_)) && matches!(asked, Order::Less | Order::AtMost) {
            return None;
        }
        Some(match sense {
            Sense::As => format!("{name} {} {literal}", order.sign()),
            // Nothing compares with null, so that it is among what does not.
            Sense::Not => format!("({name} {} {literal} OR {name} = null)", asked.sign()),
        })
    }

    /// The order and the literal that a field is compared with.
    fn bound(&self, kind: FieldKind, order: Order, limit: &Limit) -> Option<(Order, String)> {
        let midnight = |date: jiff::civil::Date| {
            let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
            Some(instant(zoned.timestamp()))
        };
        match (kind, limit) {
            (FieldKind::Number { .. }, Limit::Number(n)) => Some((order, n.to_string())),
            (FieldKind::Date, Limit::Date(date)) => Some((order, date.to_string())),
            // A day of an instant is the one it falls on in UTC.
            (FieldKind::DateTime, Limit::Date(date)) => match order {
                Order::Less | Order::AtLeast => Some((order, midnight(*date)?)),
                Order::AtMost => Some((Order::Less, midnight(date.tomorrow().ok()?)?)),
                Order::More => Some((Order::AtLeast, midnight(date.tomorrow().ok()?)?)),
            },
            (FieldKind::DateTime, Limit::At(at)) if at.subsec_nanosecond() == 0 => {
                Some((order, instant(*at)))
            }
            (FieldKind::DateTime, Limit::Age(span)) if self.now.subsec_nanosecond() == 0 => {
                let at = self.now.checked_sub(span.duration()).ok()?;
                let order = match order {
                    Order::Less => Order::More,
                    Order::AtMost => Order::AtLeast,
                    Order::More => Order::Less,
                    Order::AtLeast => Order::AtMost,
                };
                Some((order, instant(at)))
            }
            _ => None,
        }
    }
}

fn against(order: Order) -> Order {
    match order {
        Order::Less => Order::AtLeast,
        Order::AtMost => Order::More,
        Order::More => Order::AtMost,
        Order::AtLeast => Order::Less,
    }
}

/// A checkbox as the filter language says it, as a literal.
fn checkbox(word: &str) -> Option<String> {
    match word {
        "yes" => Some("true".to_owned()),
        "no" => Some("false".to_owned()),
        _ => None,
    }
}

/// The literal that equals exactly what is wanted.
fn exactly(field: &FieldInfo, wanted: &Wanted) -> Option<String> {
    match (field.kind, wanted) {
        // A checkbox is never null.
        (FieldKind::Bool, Wanted::Null) => None,
        (_, Wanted::Null) => Some("null".to_owned()),
        (FieldKind::Bool, Wanted::Text(needle)) => checkbox(needle.as_str()),
        (FieldKind::Reference, Wanted::Text(needle)) => {
            let id: CrmId = needle.as_str().parse().ok()?;
            (id.as_str() == needle.as_str()).then(|| super::soql::id_literal(&id))
        }
        _ => None,
    }
}

/// The literal that equals every value holding what is wanted.
fn containing(field: &FieldInfo, wanted: &Wanted) -> Option<String> {
    match (field.kind, wanted) {
        (FieldKind::Bool, Wanted::Text(needle)) => checkbox(needle.folded()),
        // A part of an id is none.
        (FieldKind::Reference, Wanted::Text(_)) => None,
        _ => exactly(field, wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_age_that_records_grow_out_of_is_pushed() {
        let field = FieldInfo::new("CreatedDate", FieldKind::DateTime, 0);
        let object = ObjectInfo {
            name: "Lead".into(),
            label: "Lead".into(),
            createable: true,
            updateable: true,
            deletable: true,
            triggerable: true,
            fields: [(field.name.clone(), field)].into(),
        };
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let condition = |text: &str| push(&text.parse().unwrap(), &object, now).condition;
        let day = "2027-01-14T08:00:00Z";
        assert_eq!(
            condition("CreatedDate:<1d").unwrap(),
            format!("CreatedDate > {day}")
        );
        assert_eq!(
            condition("-CreatedDate:>1d").unwrap(),
            format!("(CreatedDate >= {day} OR CreatedDate = null)")
        );
        for grown in ["CreatedDate:>1d", "CreatedDate:>=1d", "-CreatedDate:<1d"] {
            assert_eq!(condition(grown), None, "{grown}");
        }
        assert!(condition("CreatedDate:<2027-01-01").is_some());
    }
}
