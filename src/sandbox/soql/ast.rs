//! The syntax tree of a query: names as written, places for error texts.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{distance::Point, functions::DateFunction};

/// What is taken of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Itself,
    Date(DateFunction),
    /// How far a place is from a point.
    Distance(Point),
    /// Of a group; `COUNT()` has no field.
    Aggregate(Function),
}

/// A dotted name, where it stands, and the function around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    pub parts: Vec<String>,
    pub at: usize,
    pub taken: Taken,
}

impl Path {
    /// As written.
    pub fn text(&self) -> String {
        self.parts.join(".")
    }
    /// The last part.
    pub fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }
}

/// `FIELDS(...)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldSet {
    All,
    Standard,
    Custom,
}

/// An aggregate function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
}

/// One entry of the select list.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Field {
        path: Path,
        alias: Option<String>,
    },
    /// `toLabel(Status) label`: a field under another name.
    Shown {
        path: Path,
        alias: Option<String>,
    },
    Fields {
        set: FieldSet,
        at: usize,
    },
    /// A query over a child relationship, whose name stands as its object.
    Children(Box<Query>),
    /// `COUNT()` has no path.
    Call {
        function: Function,
        path: Option<Path>,
        alias: Option<String>,
        at: usize,
    },
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Like,
}

/// A literal. Text is still escaped, because LIKE reads escapes differently.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(String),
    Date(i32),
    Stamp(i64),
    /// `TODAY`, `LAST_N_DAYS:5`.
    Word(String, Option<i64>),
}

/// What IN compares with.
#[derive(Debug, Clone, PartialEq)]
pub enum Set {
    List(Vec<Literal>),
    Select(Box<Query>),
}

/// Whether a set test is turned round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    Is,
    IsNot,
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Cond {
    And(Vec<Cond>),
    Or(Vec<Cond>),
    Not(Box<Cond>),
    Compare {
        path: Path,
        op: Op,
        value: Literal,
    },
    In {
        path: Path,
        sense: Sense,
        set: Set,
    },
    /// INCLUDES and EXCLUDES; `a;b` means both.
    Includes {
        path: Path,
        sense: Sense,
        sets: Vec<Literal>,
    },
}

/// One key of ORDER BY.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub path: Path,
    pub descending: bool,
    pub nulls_last: bool,
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub select: Vec<Item>,
    pub from: String,
    /// What stands before the dot of `FROM Account.Contacts` or `FROM a.Contacts`.
    pub of: Option<String>,
    pub from_at: usize,
    pub alias: Option<String>,
    /// More names of FROM: `FROM Contact c, c.Account a`.
    pub aliases: Vec<Alias>,
    pub using: Option<Using>,
    pub cond: Option<Cond>,
    pub group: Vec<Path>,
    pub having: Option<Cond>,
    pub order: Vec<Order>,
    pub limit: Option<u64>,
    pub offset: Option<u64>,
    pub purpose: Purpose,
}

/// A short name for a path to a parent.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    pub name: String,
    pub path: Path,
}

/// The parts of a path with what aliases stand for.
pub fn spelled<'p>(aliases: &[Alias], path: &'p Path) -> Cow<'p, [String]> {
    let mut parts = Cow::Borrowed(&*path.parts);
    // An alias is made of those before it, so that the last is looked at first.
    for alias in aliases.iter().rev() {
        if let [first, rest @ ..] = &*parts
            && alias.name.eq_ignore_ascii_case(first)
            && !rest.is_empty()
        {
            parts = Cow::Owned(alias.path.parts.iter().chain(rest).cloned().collect());
        }
    }
    parts
}

/// `USING SCOPE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Using {
    pub scope: String,
    pub at: usize,
}

/// `FOR VIEW` and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Read,
    /// The rows count as looked at: VIEW and REFERENCE.
    Look,
    Update,
}
