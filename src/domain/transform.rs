//! The closed set of changes a value can undergo on its way (sync-semantics 2.3).
//!
//! A [`Chain`] is written as text, such as `trim, lower` or `map("Open" = "new", * = "new")`.
//! No expressions, no I/O: what a step has to look up comes through [`Lookup`]. Invariant: every
//! step is total; it gives a value or a [`TransformError`], never a panic.

mod owner;

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

pub(super) use self::owner::NoQueues;
pub use self::owner::is_queue;
use super::id::{AppId, CrmId, PairName};
use super::value::{Cell, Value};

/// Which way a value travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The application.
    App,
    /// The CRM.
    Crm,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::App => Self::Crm,
            Self::Crm => Self::App,
        }
    }
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// Removes white space at both ends.
    Trim,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// Keeps at most this many characters.
    Cut(u32),
    /// Puts a text in front, unless empty.
    Prefix(String),
    /// Takes a text off the front, if it is there.
    StripPrefix(String),
    /// Keeps digits and a leading plus of a phone number, in groups as typed otherwise.
    Phone,
    /// A number with this many decimals, half up.
    Number(u8),
    /// A calendar date; of an instant, its UTC day.
    Date,
    /// Always this text.
    Constant(String),
    /// This text when there is no value.
    Default(String),
    /// One value for another.
    Map {
        /// From, to.
        pairs: Vec<(String, String)>,
        /// For anything else; without it, anything else is an error.
        other: Option<String>,
    },
    /// Joins the values that are not empty.
    Concat(String),
    /// `First Last` into first and last name; a single word is the last name.
    SplitName,
    /// Id of the linked record of another pair, on the side it goes to.
    Link(PairName),
    /// A user: e-mail address in the App, id in the CRM.
    User,
    /// The same; on the way to the CRM the user with this e-mail address takes the place of one that
    /// is deactivated there.
    UserOr(String),
}

/// A value that cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TransformError {
    /// The value does not fit the step.
    #[error("{step} cannot use {value:?}: {why}")]
    Unfit {
        /// The step as written.
        step: String,
        /// The value, cut to 80 characters.
        value: String,
        /// Reason in plain words.
        why: String,
    },
    /// The record it points to is not linked yet.
    #[error("waits for {id} of {pair}, which is not linked yet")]
    WaitsFor {
        /// Pair of the parent.
        pair: PairName,
        /// Id of the parent on the side the value came from.
        id: String,
    },
}

/// What steps have to look up.
pub trait Lookup {
    /// CRM record linked to an App record of a pair.
    fn crm_id(&self, pair: &PairName, id: &AppId) -> Option<CrmId>;
    /// App record linked to a CRM record of a pair.
    fn app_id(&self, pair: &PairName, id: &CrmId) -> Option<AppId>;
    /// CRM user with an e-mail address (compared without case).
    fn user_id(&self, email: &str) -> Option<CrmId>;
    /// The same, if it may own records.
    fn active_user_id(&self, email: &str) -> Option<CrmId> {
        self.user_id(email)
    }
    /// Whether it may own the record, as far as its kind goes.
    fn may_own(&self, _: &CrmId) -> bool {
        true
    }
    /// E-mail address of a CRM user.
    fn user_email(&self, id: &CrmId) -> Option<String>;
}

/// Knows nothing; for mappings without links.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLookup;

impl Lookup for NoLookup {
    fn crm_id(&self, _: &PairName, _: &AppId) -> Option<CrmId> {
        None
    }
    fn app_id(&self, _: &PairName, _: &CrmId) -> Option<AppId> {
        None
    }
    fn user_id(&self, _: &str) -> Option<CrmId> {
        None
    }
    fn user_email(&self, _: &CrmId) -> Option<String> {
        None
    }
}

/// Steps, applied from left to right.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Chain(pub Vec<Step>);

impl Chain {
    /// Whether values pass unchanged.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends the values of a row through, toward a side.
    pub fn apply(
        &self,
        toward: Side,
        cell: &[Value],
        lookup: &dyn Lookup,
    ) -> Result<Cell, TransformError> {
        let mut cell = cell.to_vec();
        for step in &self.0 {
            cell = step.apply(toward, cell, lookup)?;
        }
        Ok(cell)
    }

    /// How many values come out when this many go in; `None` when the steps do not fit.
    pub fn arity(&self, mut n: usize) -> Option<usize> {
        for step in &self.0 {
            n = match step {
                Step::Concat(_) => 1,
                Step::SplitName if n == 1 => 2,
                Step::SplitName => return None,
                _ => n,
            };
        }
        Some(n)
    }

    /// The e-mail address of whoever takes the place of deactivated owners.
    pub fn fallback(&self) -> Option<&str> {
        self.0.iter().find_map(|step| match step {
            Step::UserOr(fallback) => Some(fallback.as_str()),
            _ => None,
        })
    }

    /// The same where nobody takes the place of anybody; none where nobody does anyway.
    pub fn without_fallback(&self) -> Option<Self> {
        self.fallback()?;
        let plain = |step: &Step| match step {
            Step::UserOr(_) => Step::User,
            step => step.clone(),
        };
        Some(Self(self.0.iter().map(plain).collect()))
    }

    /// Whether a user of the CRM is looked up.
    pub fn names_user(&self) -> bool {
        let is_user = |step: &Step| matches!(step, Step::User | Step::UserOr(_));
        self.0.iter().any(is_user)
    }

    /// Whether different inputs may give one output by design (a map with `*`, a cut…).
    pub fn loses(&self) -> bool {
        self.0.iter().any(|step| match step {
            Step::Cut(_) | Step::Constant(_) | Step::Lower | Step::Upper | Step::Phone => true,
            Step::Map { pairs, other } => {
                let mut to: Vec<_> = pairs.iter().map(|(_, t)| t).collect();
                to.sort_unstable();
                other.is_some() || to.windows(2).any(|w| w[0] == w[1])
            }
            _ => false,
        })
    }
}

impl Step {
    fn apply(&self, toward: Side, cell: Cell, lookup: &dyn Lookup) -> Result<Cell, TransformError> {
        match self {
            Self::Concat(separator) => {
                let parts: Vec<String> = cell
                    .iter()
                    .map(ToString::to_string)
                    .filter(|s| !s.trim().is_empty())
                    .collect();
                Ok(vec![Value::text(parts.join(separator))])
            }
            Self::SplitName => {
                let name = cell.first().map(ToString::to_string).unwrap_or_default();
                Ok(split_name(&name))
            }
            _ => cell
                .into_iter()
                .map(|value| self.apply_one(toward, value, lookup))
                .collect(),
        }
    }

    fn apply_one(
        &self,
        toward: Side,
        value: Value,
        lookup: &dyn Lookup,
    ) -> Result<Value, TransformError> {
        if value.is_null() {
            return Ok(match self {
                Self::Constant(text) | Self::Default(text) => Value::text(text.clone()),
                Self::Map {
                    other: Some(other), ..
                } => Value::text(other.clone()),
                _ => Value::Null,
            });
        }
        match self {
            Self::Trim => Ok(self.on_text(value, |t| t.trim().to_owned())),
            Self::Lower => Ok(self.on_text(value, |t| t.to_lowercase())),
            Self::Upper => Ok(self.on_text(value, |t| t.to_uppercase())),
            Self::Cut(n) => Ok(self.on_text(value, |t| t.chars().take(*n as usize).collect())),
            Self::Prefix(prefix) => Ok(self.on_text(value, |t| format!("{prefix}{t}"))),
            Self::StripPrefix(prefix) => Ok(self.on_text(value, |t| {
                t.strip_prefix(prefix.as_str()).unwrap_or(t).to_owned()
            })),
            Self::Phone => Ok(self.on_text(value, tidy_phone)),
            Self::Number(scale) => self.number(*scale, value),
            Self::Date => self.date(value),
            Self::Constant(text) => Ok(Value::text(text.clone())),
            Self::Default(_) => Ok(value),
            Self::Map { pairs, other } => {
                let text = value.to_string();
                pairs
                    .iter()
                    .find(|(from, _)| *from == text)
                    .map(|(_, to)| to)
                    .or(other.as_ref())
                    .map(|to| Value::text(to.clone()))
                    .ok_or_else(|| self.unfit(&value, "not in the list, and there is no *"))
            }
            Self::Link(pair) => self.link(pair, toward, &value, lookup),
            Self::User => self.user(toward, &value, lookup),
            Self::UserOr(fallback) => self.user_or(fallback, toward, &value, lookup),
            Self::Concat(_) | Self::SplitName => Ok(value),
        }
    }

    fn on_text(&self, value: Value, change: impl FnOnce(&str) -> String) -> Value {
        match value {
            Value::Text(text) => Value::text(change(&text)),
            other => other,
        }
    }

    fn number(&self, scale: u8, value: Value) -> Result<Value, TransformError> {
        let number = match &value {
            Value::Number(n) => *n,
            Value::Text(t) => {
                let plain: String = t
                    .chars()
                    .filter(|c| !matches!(c, ' ' | ',' | '_'))
                    .collect();
                plain
                    .parse::<Decimal>()
                    .map_err(|_| self.unfit(&value, "not a number"))?
            }
            _ => return Err(self.unfit(&value, "not a number")),
        };
        let rounded =
            number.round_dp_with_strategy(u32::from(scale), RoundingStrategy::MidpointAwayFromZero);
        Ok(Value::Number(rounded.normalize()))
    }

    fn date(&self, value: Value) -> Result<Value, TransformError> {
        match &value {
            Value::Date(_) => Ok(value),
            Value::DateTime(at) => Ok(Value::Date(at.to_zoned(jiff::tz::TimeZone::UTC).date())),
            Value::Text(t) => t
                .trim()
                .parse()
                .map(Value::Date)
                .map_err(|_| self.unfit(&value, "not a date like 2026-11-20")),
            _ => Err(self.unfit(&value, "not a date")),
        }
    }

    fn link(
        &self,
        pair: &PairName,
        toward: Side,
        value: &Value,
        lookup: &dyn Lookup,
    ) -> Result<Value, TransformError> {
        let text = value.to_string();
        let found = match toward {
            Side::Crm => lookup
                .crm_id(pair, &AppId::new(text.clone()))
                .map(|id| id.as_str().to_owned()),
            Side::App => {
                let id: CrmId = text
                    .parse()
                    .map_err(|_| self.unfit(value, "not a Salesforce id"))?;
                lookup.app_id(pair, &id).map(|id| id.as_str().to_owned())
            }
        };
        found.map(Value::Text).ok_or(TransformError::WaitsFor {
            pair: pair.clone(),
            id: text,
        })
    }

    fn unfit(&self, value: &Value, why: &str) -> TransformError {
        TransformError::Unfit {
            step: self.to_string(),
            value: value.to_string().chars().take(80).collect(),
            why: why.to_owned(),
        }
    }
}

fn split_name(name: &str) -> Cell {
    let name = name.trim();
    match name.rsplit_once(char::is_whitespace) {
        Some((first, last)) => vec![Value::text(first.trim_end()), Value::text(last)],
        None => vec![Value::Null, Value::text(name)],
    }
}

fn tidy_phone(text: &str) -> String {
    let text = text.trim();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    // Fewer digits than any subscriber number: an extension or a note; leave it alone.
    if digits < 5 {
        return text.to_owned();
    }
    let plus = text.starts_with('+') || text.starts_with("00");
    let body: String = text
        .trim_start_matches('+')
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if plus {
        let body = if text.starts_with("00") {
            &body[2..]
        } else {
            &body
        };
        format!("+{body}")
    } else {
        body
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trim => f.write_str("trim"),
            Self::Lower => f.write_str("lower"),
            Self::Upper => f.write_str("upper"),
            Self::Cut(n) => write!(f, "cut({n})"),
            Self::Prefix(t) => write!(f, "prefix({})", Quoted(t)),
            Self::StripPrefix(t) => write!(f, "strip_prefix({})", Quoted(t)),
            Self::Phone => f.write_str("phone"),
            Self::Number(n) => write!(f, "number({n})"),
            Self::Date => f.write_str("date"),
            Self::Constant(t) => write!(f, "constant({})", Quoted(t)),
            Self::Default(t) => write!(f, "default({})", Quoted(t)),
            Self::Map { pairs, other } => {
                f.write_str("map(")?;
                for (i, (from, to)) in pairs.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{} = {}", Quoted(from), Quoted(to))?;
                }
                if let Some(other) = other {
                    let comma = if pairs.is_empty() { "" } else { ", " };
                    write!(f, "{comma}* = {}", Quoted(other))?;
                }
                f.write_str(")")
            }
            Self::Concat(t) => write!(f, "concat({})", Quoted(t)),
            Self::SplitName => f.write_str("split_name"),
            Self::Link(pair) => write!(f, "link({pair})"),
            Self::User => f.write_str("user"),
            Self::UserOr(fallback) => write!(f, "user({})", Quoted(fallback)),
        }
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{step}")?;
        }
        Ok(())
    }
}

impl Serialize for Chain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Chain {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
