//! The filter language of lists (terminal-ux 8): one parser and the evaluator that defines it.
//!
//! It knows no store and no CRM: fields are looked up by the caller. Invariant: what a filter
//! prints is read back as the same filter, and no text makes the parser panic.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::run::Word;
use super::text::fold;
use super::value::Value;

mod print;
mod rows;
mod text;

pub use rows::Rows;
pub use text::{FilterError, place_of};

/// A condition on a row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Every row.
    All,
    /// All of these hold; at least two.
    Each(Vec<Filter>),
    /// One of these holds; at least two.
    Any(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
    /// A visible column contains this.
    Word(Needle),
    /// A field has a value like this.
    Field {
        /// Name of the field.
        name: String,
        /// What is asked of it.
        test: Test,
    },
    /// The state word is one of these, in lower case.
    State(Vec<String>),
    /// It changed within this span.
    Since(Span),
    /// It is marked; only a screen knows.
    Marked,
}

/// What is asked of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It contains one of these.
    Contains(Vec<Wanted>),
    /// It is exactly one of these.
    Is(Vec<Wanted>),
    /// It compares like this.
    Compare(Order, Limit),
}

/// One wanted value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// No value.
    Null,
    /// This text.
    Text(Needle),
}

/// A text to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    text: String,
    folded: String,
}

impl Needle {
    /// Of a text as typed.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let folded = fold(&text).into_owned();
        Self { text, folded }
    }

    /// As typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As [`fold`] has it.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Whether a text holds it, upper and lower case aside.
    pub fn is_in(&self, text: &str) -> bool {
        // Most that is found is found as it was typed.
        text.contains(&self.text) || fold(text).contains(&self.folded)
    }
}

/// How a value compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Order {
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }

    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// A number.
    Number(Decimal),
    /// A day.
    Date(jiff::civil::Date),
    /// An instant.
    At(Timestamp),
    /// An age: `<2d` is newer than two days.
    Age(Span),
}

/// A span of time, as `15m`, `24h`, `2d`, `1w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`: 24 hours
    Day,
    /// `w`
    Week,
}

impl Span {
    /// As a duration.
    pub fn duration(self) -> SignedDuration {
        let unit = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3600,
            Unit::Day => 86_400,
            Unit::Week => 7 * 86_400,
        };
        SignedDuration::from_secs(i64::from(self.count) * unit)
    }
}

/// A row of a list as a filter sees it.
pub struct Subject<'a> {
    /// Value of a field; none when the row has no field of that name.
    pub field: &'a dyn Fn(&str) -> Option<Value>,
    /// Its state.
    pub state: Word,
    /// Texts of its visible columns.
    pub columns: &'a [&'a str],
    /// When it last changed.
    pub changed: Option<Timestamp>,
    /// Whether it is marked.
    pub marked: bool,
    /// The time now.
    pub now: Timestamp,
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Filter {
    /// Whether a row is shown.
    pub fn matches(&self, row: &Subject<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Each(parts) => parts.iter().all(|f| f.matches(row)),
            Self::Any(parts) => parts.iter().any(|f| f.matches(row)),
            Self::Not(part) => !part.matches(row),
            Self::Word(needle) => row.columns.iter().any(|text| needle.is_in(text)),
            Self::Field { name, test } => {
                (row.field)(name).is_some_and(|value| test.holds(&value, row.now))
            }
            Self::State(words) => words
                .iter()
                .any(|w| row.state.as_str().eq_ignore_ascii_case(w)),
            Self::Since(span) => row
                .changed
                .is_some_and(|at| row.now.duration_since(at) <= span.duration()),
            Self::Marked => row.marked,
        }
    }

    /// This filter with something else in the place of what is marked.
    pub fn with_marked(self, marked: &Self) -> Self {
        let each = |parts: Vec<Self>| parts.into_iter().map(|p| p.with_marked(marked)).collect();
        match self {
            Self::Marked => marked.clone(),
            Self::Each(parts) => Self::Each(each(parts)),
            Self::Any(parts) => Self::Any(each(parts)),
            Self::Not(part) => Self::Not(Box::new(part.with_marked(marked))),
            other => other,
        }
    }

    /// Names of the fields it asks for, so that an unknown one can be reported.
    pub fn fields(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.visit(&mut |part| {
            if let Self::Field { name, .. } = part {
                names.push(name.as_str());
            }
        });
        names
    }

    /// Whether it asks for marks, which only a screen knows.
    pub fn asks_for_marks(&self) -> bool {
        let mut found = false;
        self.visit(&mut |part| found |= *part == Self::Marked);
        found
    }

    /// State words it asks for, in lower case.
    pub fn states(&self) -> Vec<&str> {
        let mut words = Vec::new();
        self.visit(&mut |part| {
            if let Self::State(asked) = part {
                words.extend(asked.iter().map(String::as_str));
            }
        });
        words
    }

    /// Shows every part of it, from the outside in.
    pub fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        match self {
            Self::Each(parts) | Self::Any(parts) => parts.iter().for_each(|p| p.visit(see)),
            Self::Not(part) => part.visit(see),
            _ => {}
        }
    }
}

impl Test {
    /// Whether a value is as asked.
    pub fn holds(&self, value: &Value, now: Timestamp) -> bool {
        match self {
            Self::Contains(wanted) => wanted.iter().any(|w| match w {
                Wanted::Null => value.is_null(),
                Wanted::Text(needle) => !value.is_null() && needle.is_in(&value.to_string()),
            }),
            Self::Is(wanted) => wanted.iter().any(|w| match w {
                Wanted::Null => value.is_null(),
                Wanted::Text(needle) => !value.is_null() && needle.text == value.to_string(),
            }),
            Self::Compare(order, limit) => limit.compare(*order, value, now),
        }
    }
}

impl Limit {
    fn compare(&self, order: Order, value: &Value, now: Timestamp) -> bool {
        match self {
            Self::Number(limit) => number(value).is_some_and(|n| order.holds(n.cmp(limit))),
            Self::Date(limit) => date(value).is_some_and(|d| order.holds(d.cmp(limit))),
            Self::At(limit) => instant(value).is_some_and(|t| order.holds(t.cmp(limit))),
            Self::Age(span) => instant(value)
                .is_some_and(|t| order.holds(now.duration_since(t).cmp(&span.duration()))),
        }
    }
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(n) => Some(*n),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn date(value: &Value) -> Option<jiff::civil::Date> {
    match value {
        Value::Date(date) => Some(*date),
        Value::DateTime(at) => Some(at.to_zoned(jiff::tz::TimeZone::UTC).date()),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// An instant; a day counts from its first moment, UTC.
fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::DateTime(at) => Some(*at),
        Value::Date(date) => date
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp()),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        text::read(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::write(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(filter: &str) -> bool {
        let field = |name: &str| match name {
            "city" => Some(Value::from("London")),
            "score" => Some(Value::Number(7.into())),
            "born" => Some(Value::Date("1815-12-10".parse().unwrap())),
            "seen" => Some(Value::DateTime("2026-11-20T00:00:00Z".parse().unwrap())),
            "fax" => Some(Value::Null),
            _ => None,
        };
        let row = Subject {
            field: &field,
            state: Word::Fail,
            columns: &["Ada Lovelace", "ada@analytical.example"],
            changed: Some("2026-11-20T12:00:00Z".parse().unwrap()),
            marked: false,
            now: "2026-11-21T00:00:00Z".parse().unwrap(),
        };
        filter.parse::<Filter>().unwrap().matches(&row)
    }

    #[test]
    fn what_filters_mean() {
        for filter in [
            "",
            "  ",
            "ada",
            "LOVE",
            "\"a l\"",
            "city:lond",
            "city:=London",
            "city:paris,lon",
            "city:=Paris,London",
            "-city:paris",
            "fax:null",
            "fax:=null",
            "-city:null",
            "score:>5",
            "score:>=7",
            "score:<7.5",
            "born:<1900-01-01",
            "seen:<2d",
            "seen:>12h",
            "seen:>2026-11-19T23:59:59Z",
            "state:fail",
            "state:ok,FAIL",
            "since:24h",
            "-since:1h",
            "-is:marked",
            "nobody or ada",
            "(nobody or ada) city:london",
            "-(nobody or nothing)",
            "ada -(city:paris or score:>9)",
        ] {
            assert!(shows(filter), "{filter}");
        }
        for filter in [
            "nobody",
            "\"ada  l\"",
            "city:=london",
            "city:paris",
            "nothere:x",
            "nothere:null",
            "fax:x",
            "score:>7",
            "score:<2d",
            "seen:<12h",
            "state:ok",
            "since:1h",
            "is:marked",
            "ada nobody",
            "-ada",
        ] {
            assert!(!shows(filter), "{filter}");
        }
    }

    #[test]
    fn names_of_fields_are_known_before_rows_are_read() {
        let filter: Filter = "a (city:x or -zip:>5) state:ok is:marked".parse().unwrap();
        assert_eq!(filter.fields(), ["city", "zip"]);
        assert_eq!(filter.states(), ["ok"]);
        assert!(filter.asks_for_marks());
    }
}
