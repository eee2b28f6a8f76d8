//! Which kinds of fields can stand for each other, and how they are called.
//!
//! Knows no rows. Invariant: every kind belongs to one family.

use super::fields::way;
use crate::domain::transform::Side;
use crate::domain::value::FieldKind;

/// Kinds that can stand for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Any text, also a value of a list or an id.
    Text,
    /// Yes or no.
    Bool,
    /// A number.
    Number,
    /// A date.
    Date,
    /// An instant.
    DateTime,
    /// A time of the day.
    Time,
    /// Several values of a list.
    Set,
    /// Nothing that is mapped.
    Opaque,
}

impl Family {
    /// The family of a kind.
    pub fn of(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text
            | FieldKind::LongText
            | FieldKind::Email
            | FieldKind::Phone
            | FieldKind::Url
            | FieldKind::Picklist
            | FieldKind::Reference => Self::Text,
            FieldKind::MultiPicklist => Self::Set,
            FieldKind::Bool => Self::Bool,
            FieldKind::Number { .. } => Self::Number,
            FieldKind::Date => Self::Date,
            FieldKind::DateTime => Self::DateTime,
            FieldKind::Time => Self::Time,
            FieldKind::Opaque => Self::Opaque,
        }
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bool => "yes or no",
            Self::Number => "a number",
            Self::Date => "a date",
            Self::DateTime => "a date with time",
            Self::Time => "a time",
            Self::Set => "a set of values",
            Self::Opaque => "not a plain value",
        }
    }

    pub(super) fn remedy(self, kind: FieldKind, toward: Side) -> String {
        match (self, kind) {
            (_, FieldKind::Number { scale }) => {
                format!("add number({scale}) on the way {}", way(toward))
            }
            (Self::Date, _) => format!("add date on the way {}", way(toward)),
            _ => "choose fields of the same kind, or change the kind of the App field".into(),
        }
    }
}

/// How a kind is called: what a field of it holds.
pub fn kind_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::LongText => "long text",
        FieldKind::Email => "an e-mail address",
        FieldKind::Phone => "a phone number",
        FieldKind::Url => "a web address",
        FieldKind::Picklist => "a value of a list",
        FieldKind::Reference => "the id of a record",
        other => Family::of(other).name(),
    }
}
