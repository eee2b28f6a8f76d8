//! Conditions on a record. What they say about where to look is in [`super::hints`].
//!
//! Two-valued, as SOQL is: a comparison with a null is false, except `!=`, `NOT IN` and EXCLUDES.

use std::{cmp::Ordering, collections::HashSet};

use super::{
    Scope,
    ast::{Cond, Literal, Op, Path, Query, Sense, Set},
    distance,
    lex::{Piece, pieces},
    literal::{Operand, operand},
    names::{Applied, Names, Route},
    plan::{Output, compile, is_long_text},
    run,
};
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    org::{Org, Record},
    schema::{Field, Kind, Slot},
    value::{Ref, Value, same_text},
};

/// A condition ready to be asked.
#[derive(Debug, Clone)]
pub enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Compare {
        route: Route,
        op: Op,
        value: Value,
        case: Case,
    },
    Range {
        route: Route,
        op: Op,
        from: Value,
        to: Value,
    },
    Like {
        route: Route,
        pattern: Vec<Wild>,
    },
    Ids {
        route: Route,
        sense: Sense,
        set: HashSet<SfId>,
    },
    Values {
        route: Route,
        sense: Sense,
        set: Vec<Operand>,
        texts: HashSet<String>,
        case: Case,
    },
    Includes {
        route: Route,
        sense: Sense,
        sets: Vec<Vec<String>>,
    },
}

/// Whether letter case matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Fold,
    Exact,
}

/// A piece of a LIKE pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wild {
    Char(char),
    One,
    Many,
}

/// Reads a condition.
pub fn compile_test(names: &Names<'_>, cond: &Cond) -> Result<Test, Fail> {
    let list = |conds: &[Cond]| {
        conds
            .iter()
            .map(|c| compile_test(names, c))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match cond {
        Cond::And(conds) => Test::All(list(conds)?),
        Cond::Or(conds) => Test::Any(list(conds)?),
        Cond::Not(inner) => Test::Not(Box::new(compile_test(names, inner)?)),
        Cond::Compare { path, op, value } => compare(names, path, *op, value)?,
        Cond::In { path, sense, set } => in_set(names, path, *sense, set)?,
        Cond::Includes { path, sense, sets } => {
            let (route, field) = filterable(names, path)?;
            if field.kind != Kind::Multipicklist {
                return Err(names.fail(
                    "INVALID_FIELD",
                    path.at,
                    &format!("includes operator is not valid for field {}", field.name),
                ));
            }
            let sets = sets
                .iter()
                .map(|set| match set {
                    Literal::Text(raw) => Ok(super::lex::unescape(raw)
                        .split(';')
                        .map(str::to_owned)
                        .collect()),
                    _ => Err(names.fail("MALFORMED_QUERY", path.at, "INCLUDES takes strings")),
                })
                .collect::<Result<_, _>>()?;
            Test::Includes {
                route,
                sense: *sense,
                sets,
            }
        }
    })
}

fn filterable<'n>(names: &'n Names<'_>, path: &Path) -> Result<(Route, &'n Field), Fail> {
    let route = names.route(path)?;
    if let Some(applied) = route.applied {
        return Ok((route, applied.field()));
    }
    let field = names.org.schema.at(route.object).at(route.field);
    let hidden = !field.filterable()
        || field.slot == Slot::Compound
        || is_long_text(field.kind, field.length);
    match hidden {
        true => Err(names.fail(
            "INVALID_FIELD",
            path.at,
            &format!("field '{}' can not be filtered in a query call", field.name),
        )),
        false => Ok((route, field)),
    }
}

/// Whether letter case matters to a field.
pub fn case_of(field: &Field) -> Case {
    match field.case_sensitive() {
        true => Case::Exact,
        false => Case::Fold,
    }
}

fn compare(names: &Names<'_>, path: &Path, op: Op, value: &Literal) -> Result<Test, Fail> {
    let (route, field) = filterable(names, path)?;
    if let Some(Applied::Distance { .. }) = route.applied
        && !distance::compares(op)
    {
        let message = "Distance function can only be used with > and < operators";
        return Err(names.fail("MALFORMED_QUERY", path.at, message));
    }
    if op == Op::Like {
        let Literal::Text(raw) = value else {
            return Err(names.fail("INVALID_FIELD", path.at, "LIKE takes a string"));
        };
        if matches!(field.kind, Kind::Id | Kind::Reference) {
            return Err(names.fail(
                "INVALID_QUERY_FILTER_OPERATOR",
                path.at,
                "invalid operator on id field",
            ));
        }
        let pattern = pattern(raw);
        return Ok(Test::Like { route, pattern });
    }
    if matches!(op, Op::Lt | Op::Le | Op::Gt | Op::Ge)
        && (field.kind == Kind::Boolean || *value == Literal::Null)
    {
        return Err(names.fail(
            "INVALID_QUERY_FILTER_OPERATOR",
            path.at,
            &format!("invalid operator on field {}", field.name),
        ));
    }
    Ok(match operand(names, field, value, path.at)? {
        Operand::One(value) => Test::Compare {
            case: case_of(field),
            route,
            op,
            value,
        },
        Operand::Range(from, to) => Test::Range {
            route,
            op,
            from,
            to,
        },
    })
}

fn in_set(names: &Names<'_>, path: &Path, sense: Sense, set: &Set) -> Result<Test, Fail> {
    let (route, field) = filterable(names, path)?;
    if let Some(Applied::Distance { .. }) = route.applied {
        let message = "Distance function can only be used with > and < operators";
        return Err(names.fail("MALFORMED_QUERY", path.at, message));
    }
    let case = case_of(field);
    let set: Vec<Operand> = match set {
        Set::List(list) => list
            .iter()
            .map(|literal| operand(names, field, literal, path.at))
            .collect::<Result<_, _>>()?,
        Set::Select(query) => sub_select(names, query, path, field)?
            .into_iter()
            .map(Operand::One)
            .collect(),
    };
    if matches!(field.kind, Kind::Id | Kind::Reference) {
        let ids = set.iter().filter_map(|o| match o {
            Operand::One(Value::Id(id)) => Some(*id),
            _ => None,
        });
        return Ok(Test::Ids {
            route,
            sense,
            set: ids.collect(),
        });
    }
    let texts = set
        .iter()
        .filter_map(|o| match o {
            Operand::One(Value::Text(t)) => Some(folded(t, case)),
            _ => None,
        })
        .collect();
    let set = set
        .into_iter()
        .filter(|o| !matches!(o, Operand::One(Value::Text(_))))
        .collect();
    Ok(Test::Values {
        route,
        sense,
        set,
        texts,
        case,
    })
}

fn folded(text: &str, case: Case) -> String {
    match case {
        Case::Exact => text.to_owned(),
        Case::Fold => text.to_lowercase(),
    }
}

fn sub_select(
    names: &Names<'_>,
    query: &Query,
    path: &Path,
    field: &Field,
) -> Result<Vec<Value>, Fail> {
    let refused = |message: &str| names.fail("MALFORMED_QUERY", path.at, message);
    if !matches!(field.kind, Kind::Id | Kind::Reference) {
        let message = format!(
            "The left operand field in the where expression for outer query should be an id field, cannot use: '{}'",
            field.name
        );
        return Err(refused(&message));
    }
    let plan = compile(names.org, names.text, query, Scope::Live, names.asker)?;
    let single = match (&plan.output, query.select.as_slice()) {
        (Output::Columns(_), [super::ast::Item::Field { path, .. }]) => Some(path),
        _ => None,
    };
    let Some(column) = single else {
        return Err(names.fail(
            "MALFORMED_QUERY",
            path.at,
            "a sub-select of IN selects one field",
        ));
    };
    let inner = Names {
        object: plan.object,
        alias: query.alias.as_deref(),
        aliases: &query.aliases,
        ..*names
    };
    let route = inner.route(column)?;
    let chosen = names.org.schema.at(route.object).at(route.field);
    if !matches!(chosen.kind, Kind::Id | Kind::Reference) {
        let message = format!(
            "The inner select field '{}' in the semi join sub-select must be an id field",
            chosen.name
        );
        return Err(refused(&message));
    }
    if plan.object == names.object {
        return Err(refused(
            "The inner and outer selects should not be on the same object type",
        ));
    }
    let rows = run::rows(names.org, &plan);
    let table = names.org.table(plan.object);
    Ok(rows
        .into_iter()
        .filter_map(|row| table.row(row))
        .map(|record| route.value(names.org, record).keep())
        .filter(|value| *value != Value::Null)
        .collect())
}

impl Test {
    /// Whether a record fits.
    pub fn fits(&self, org: &Org, record: &Record) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|t| t.fits(org, record)),
            Self::Any(tests) => tests.iter().any(|t| t.fits(org, record)),
            Self::Not(test) => !test.fits(org, record),
            Self::Compare {
                route,
                op,
                value,
                case,
            } => holds(*op, route.value(org, record), value.lend(), *case),
            Self::Range {
                route,
                op,
                from,
                to,
            } => in_range(*op, route.value(org, record), from.lend(), to.lend()),
            Self::Like { route, pattern } => route
                .value(org, record)
                .as_text()
                .is_some_and(|text| like(pattern, text)),
            Self::Ids { route, sense, set } => {
                let found = route
                    .value(org, record)
                    .as_id()
                    .is_some_and(|id| set.contains(&id));
                found == (*sense == Sense::Is)
            }
            Self::Values {
                route,
                sense,
                set,
                texts,
                case,
            } => {
                let value = route.value(org, record);
                let found = match value {
                    Ref::Text(text) => texts.contains(&folded(text, *case)),
                    _ => set.iter().any(|operand| match operand {
                        Operand::One(one) => holds(Op::Eq, value, one.lend(), *case),
                        Operand::Range(from, to) => in_range(Op::Eq, value, from.lend(), to.lend()),
                    }),
                };
                found == (*sense == Sense::Is)
            }
            Self::Includes { route, sense, sets } => {
                let value = route.value(org, record);
                let has: Vec<&str> = value
                    .as_text()
                    .map(|t| t.split(';').collect())
                    .unwrap_or_default();
                let found = sets
                    .iter()
                    .any(|set| set.iter().all(|one| has.iter().any(|h| same_text(h, one))));
                found == (*sense == Sense::Is)
            }
        }
    }
}

/// Whether a comparison of two values holds.
pub fn holds(op: Op, value: Ref<'_>, wanted: Ref<'_>, case: Case) -> bool {
    let equal = || match (value, wanted, case) {
        (Ref::Text(a), Ref::Text(b), Case::Exact) => a == b,
        _ => value.is_null() == wanted.is_null() && value.order(wanted) == Ordering::Equal,
    };
    let order = || match value.is_null() || wanted.is_null() {
        true => None,
        false => Some(value.order(wanted)),
    };
    match op {
        Op::Eq => equal(),
        Op::Ne => !equal(),
        Op::Lt => order() == Some(Ordering::Less),
        Op::Le => order().is_some_and(Ordering::is_le),
        Op::Gt => order() == Some(Ordering::Greater),
        Op::Ge => order().is_some_and(Ordering::is_ge),
        Op::Like => false,
    }
}

/// The same against a stretch of time.
pub fn in_range(op: Op, value: Ref<'_>, from: Ref<'_>, to: Ref<'_>) -> bool {
    if value.is_null() {
        return op == Op::Ne;
    }
    let before = value.order(from) == Ordering::Less;
    let after = value.order(to) != Ordering::Less;
    match op {
        Op::Eq => !before && !after,
        Op::Ne => before || after,
        Op::Lt => before,
        Op::Le => !after,
        Op::Gt => after,
        Op::Ge => !before,
        Op::Like => false,
    }
}

/// What a text of LIKE matches.
pub fn pattern(raw: &str) -> Vec<Wild> {
    let wild = |piece| match piece {
        Piece::Char('%') => vec![Wild::Many],
        Piece::Char('_') => vec![Wild::One],
        Piece::Char(c) | Piece::Literal(c) => c.to_lowercase().map(Wild::Char).collect(),
    };
    pieces(raw).into_iter().flat_map(wild).collect()
}

/// Matches with `%` and `_`; linear in text times pattern.
pub fn like(pattern: &[Wild], text: &str) -> bool {
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Wild::Many) => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(Wild::One) => (p, t) = (p + 1, t + 1),
            Some(Wild::Char(c)) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|w| *w == Wild::Many)
}
