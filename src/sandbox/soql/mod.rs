//! SOQL (salesforce-api section 4): text -> syntax tree -> plan -> rows.
//!
//! TYPEOF, ROLLUP and CUBE are refused as MALFORMED_QUERY.
//! Invariant: no text makes it panic; every refusal carries Row and Column where there is one.

mod aggregate;
pub mod ast;
mod dates;
mod distance;
mod flat;
mod functions;
mod having;
mod hints;
mod lex;
mod literal;
mod names;
mod parse;
mod plan;
mod run;
pub mod scope;
mod select;
mod test;
mod write;

use super::{
    fail::Fail,
    ids::SfId,
    org::{Org, Row},
    schema::ObjIx,
};

pub use flat::{flat_names, flat_values, is_flat};
pub use plan::{Output, Plan, compile};
pub use run::{is_indexed, rows};
pub use write::{Columns, Dates, all_fields, columns_of, write_dated, write_record};

/// Whether deleted rows are seen: `query` or `queryAll`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Live,
    WithDeleted,
}

/// Levels of children in new versions, and in those before 58.
const LEVELS: usize = 4;
const FORMER_LEVELS: usize = 1;

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// None sees everything: the administrator.
    pub user: Option<SfId>,
    pub now: i64,
    /// How many levels of children may be selected within one another: more from version 58 on.
    pub levels: usize,
}

impl Asker {
    /// A user, in a version of the API.
    pub fn user(user: SfId, now: i64, version: u16) -> Self {
        Self {
            user: Some(user),
            now,
            levels: if version < 58 { FORMER_LEVELS } else { LEVELS },
        }
    }
    /// The administrator.
    pub fn anyone(now: i64) -> Self {
        Self {
            user: None,
            now,
            levels: LEVELS,
        }
    }
}

/// What a query gives.
#[derive(Debug)]
pub enum Found {
    /// Rows of an object in their order.
    Rows(ObjIx, Vec<Row>),
    /// `SELECT COUNT()`.
    Count(usize),
    /// Aggregate rows, already JSON.
    Groups(Vec<Vec<u8>>),
}

/// Reads and plans a query.
pub fn prepare(org: &Org, text: &str, scope: Scope, asker: Asker) -> Result<Plan, Fail> {
    if text.len() > 100_000 {
        return Err(Fail::new(
            "MALFORMED_QUERY",
            "SOQL statements cannot be longer than 100000 characters.",
        ));
    }
    let query = parse::parse(text)?;
    compile(org, text, &query, scope, asker)
}

/// Reads a query without looking at the org.
pub fn parse_only(text: &str) -> Result<ast::Query, Fail> {
    parse::parse(text)
}

/// Runs a plan.
pub fn run(org: &Org, plan: &Plan) -> Result<Found, Fail> {
    run::run(org, plan)
}

/// A refusal that shows where in the text it is.
fn fail_at(code: &'static str, text: &str, at: usize, message: &str) -> Fail {
    let at = at.min(text.len());
    let head = text.get(..at).unwrap_or_default();
    let row = head.matches('\n').count() + 1;
    let line = head.rsplit('\n').next().unwrap_or_default();
    let column = line.chars().count() + 1;
    let from: String = {
        let tail: Vec<char> = line.chars().rev().take(30).collect();
        tail.into_iter().rev().collect()
    };
    let rest: String = text
        .get(at..)
        .unwrap_or_default()
        .chars()
        .take_while(|c| *c != '\n')
        .take(30)
        .collect();
    let caret = " ".repeat(from.chars().count());
    Fail::new(
        code,
        format!("\n{from}{rest}\n{caret}^\nERROR at Row:{row}:Column:{column}\n{message}"),
    )
}

fn malformed(text: &str, at: usize, message: &str) -> Fail {
    fail_at("MALFORMED_QUERY", text, at, message)
}

#[cfg(test)]
mod tests;
