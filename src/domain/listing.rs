//! How a list of records is shown: filter, order and columns, and such a list under a name.
//!
//! Plain data and its text forms; what a filter takes is `filter`'s business. Invariant: a saved
//! view that was checked names fields of its table only.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::FieldName;
use super::mapping::Pair;
use super::text::nearest;

/// What every list can be ordered by, beside the fields of its table.
pub const ALWAYS: [&str; 3] = ["name", "state", "changed"];
/// Characters of the name of a view.
const NAME: usize = 40;
/// Columns of a view.
const COLUMNS: usize = 8;

/// Which way an order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Smallest first.
    Up,
    /// Largest first.
    Down,
}

/// An order, written `field` or `-field`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// A field of the table, or one of [`ALWAYS`].
    pub by: FieldName,
    /// Which way.
    pub order: Order,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.order {
            Order::Up => "",
            Order::Down => "-",
        };
        write!(f, "{sign}{}", self.by)
    }
}

/// There is nothing to order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order is the name of a field, with - in front for the largest first")]
pub struct BadSort;

impl FromStr for Sort {
    type Err = BadSort;

    fn from_str(text: &str) -> Result<Self, BadSort> {
        let text = text.trim();
        let (by, order) = match text.strip_prefix('-') {
            Some(by) => (by, Order::Down),
            None => (text, Order::Up),
        };
        if by.is_empty() || by.contains(char::is_whitespace) {
            return Err(BadSort);
        }
        Ok(Self {
            by: FieldName::new(by),
            order,
        })
    }
}

/// Order and columns of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shape {
    /// Order; none for the order in which the records were made.
    pub sort: Option<Sort>,
    /// Columns beside the name; none for the usual ones.
    pub columns: Vec<FieldName>,
}

impl Shape {
    /// What is wrong with it for the list of a pair.
    pub fn check(&self, pair: &Pair) -> Result<(), String> {
        let fields = || pair.app_fields.iter().map(|f| f.name.as_str());
        let lacks = |name: &FieldName, known: &mut dyn Iterator<Item = &str>| {
            let known: Vec<&str> = known.collect();
            match nearest(name.as_str(), known.iter().copied()) {
                Some(meant) => format!("has no field {name}; did you mean {meant}?"),
                None => format!("has no field {name}; fields: {}", known.join(", ")),
            }
        };
        if let Some(sort) = &self.sort
            && !fields()
                .chain(ALWAYS)
                .any(|known| known == sort.by.as_str())
        {
            let why = lacks(&sort.by, &mut fields().chain(ALWAYS));
            return Err(format!("{} {why}", pair.table));
        }
        if self.columns.len() > COLUMNS {
            return Err(format!("a view has {COLUMNS} columns at most"));
        }
        match self
            .columns
            .iter()
            .find(|c| !fields().any(|known| known == c.as_str()))
        {
            Some(unknown) => {
                let why = lacks(unknown, &mut fields());
                Err(format!("{} {why}", pair.table))
            }
            None => Ok(()),
        }
    }
}

/// The columns of a text such as `email, city`.
pub fn columns(text: &str) -> Vec<FieldName> {
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names.map(FieldName::new).collect()
}

/// A list under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    /// Its name.
    pub name: String,
    /// Filter.
    pub filter: String,
    /// Order and columns.
    pub shape: Shape,
}

impl SavedView {
    /// The views that every pair has.
    pub fn built_in() -> [Self; 6] {
        [
            ("all", ""),
            ("not in sync", "-state:ok"),
            ("failed", "state:fail"),
            ("conflicts", "state:conf,part,ready,del"),
            ("not linked", "state:app"),
            ("changed today", "since:24h"),
        ]
        .map(|(name, filter)| Self {
            name: name.to_owned(),
            filter: filter.to_owned(),
            shape: Shape::default(),
        })
    }

    /// What is wrong with its name.
    pub fn check_name(&self) -> Result<(), String> {
        if self.name.is_empty() || self.name.trim() != self.name {
            return Err("a view needs a name".to_owned());
        }
        if self.name.chars().count() > NAME || self.name.contains(char::is_control) {
            return Err(format!(
                "the name of a view is one line of {NAME} characters"
            ));
        }
        match Self::built_in().iter().any(|view| view.name == self.name) {
            true => Err(format!("the view {:?} is always there as it is", self.name)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::preset::preset;

    #[test]
    fn an_order_is_read_as_it_is_written() {
        for text in ["name", "-changed"] {
            assert_eq!(text.parse::<Sort>().unwrap().to_string(), text);
        }
        assert!("".parse::<Sort>().is_err());
        assert!("a b".parse::<Sort>().is_err());
    }

    #[test]
    fn a_view_names_fields_there_are() {
        let pair = preset("lead-desk").unwrap().remove(0);
        let shape = |sort: &str, names: &str| Shape {
            sort: sort.parse().ok(),
            columns: columns(names),
        };
        assert_eq!(shape("-changed", "status, owner").check(&pair), Ok(()));
        let error = shape("statsu", "").check(&pair).unwrap_err();
        assert_eq!(error, "leads has no field statsu; did you mean status?");
        assert!(shape("", "nope").check(&pair).is_err());
    }

    #[test]
    fn what_is_always_there_keeps_its_name() {
        let [all, ..] = SavedView::built_in();
        assert!(all.check_name().is_err());
        let own = SavedView {
            name: "mine".to_owned(),
            ..all
        };
        assert_eq!(own.check_name(), Ok(()));
    }
}
