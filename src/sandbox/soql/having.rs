//! Conditions on groups: HAVING.

use super::{
    aggregate::{Shown, call_of},
    ast::{Cond, Function, Literal, Op, Sense, Set},
    functions::number_field,
    literal::{Operand, operand},
    names::{Names, Route},
    test::{Case, Wild, case_of, holds, in_range, like, pattern},
};
use crate::sandbox::{
    fail::Fail,
    org::{Org, Row},
    schema::{Field, ObjIx},
    value::Value,
};

/// A condition on a group.
#[derive(Debug, Clone)]
pub enum Having {
    All(Vec<Having>),
    Any(Vec<Having>),
    Not(Box<Having>),
    Compare {
        shown: Shown,
        op: Op,
        operand: Operand,
        case: Case,
    },
    Like {
        shown: Shown,
        pattern: Vec<Wild>,
    },
    In {
        shown: Shown,
        sense: Sense,
        set: Vec<Operand>,
        case: Case,
    },
}

/// Reads a condition; `group` are the fields grouped by.
pub fn compile(names: &Names<'_>, cond: &Cond, group: &[Route]) -> Result<Having, Fail> {
    let list = |conds: &[Cond]| {
        conds
            .iter()
            .map(|c| compile(names, c, group))
            .collect::<Result<Vec<_>, _>>()
    };
    let refused = |at: usize| names.fail("MALFORMED_QUERY", at, "not allowed in HAVING");
    Ok(match cond {
        Cond::And(conds) => Having::All(list(conds)?),
        Cond::Or(conds) => Having::Any(list(conds)?),
        Cond::Not(inner) => Having::Not(Box::new(compile(names, inner, group)?)),
        Cond::Compare {
            op: Op::Like,
            path,
            value: Literal::Text(raw),
        } => Having::Like {
            shown: call_of(names, path, group)?.0,
            pattern: pattern(raw),
        },
        Cond::Compare {
            op: Op::Like, path, ..
        } => return Err(refused(path.at)),
        Cond::Compare { path, op, value } => {
            let (shown, field) = call_of(names, path, group)?;
            let field = field_of(names, &shown, field);
            Having::Compare {
                operand: operand(names, field, value, path.at)?,
                case: case_of(field),
                op: *op,
                shown,
            }
        }
        Cond::In {
            path,
            sense,
            set: Set::List(set),
        } => {
            let (shown, field) = call_of(names, path, group)?;
            let field = field_of(names, &shown, field);
            let operands = set.iter().map(|l| operand(names, field, l, path.at));
            Having::In {
                set: operands.collect::<Result<_, _>>()?,
                case: case_of(field),
                sense: *sense,
                shown,
            }
        }
        Cond::In { path, .. } | Cond::Includes { path, .. } => return Err(refused(path.at)),
    })
}

/// The field whose values literals are compared with.
fn field_of<'n>(names: &'n Names<'_>, shown: &Shown, route: Option<&Route>) -> &'n Field {
    match (shown, route) {
        (Shown::Group(_) | Shown::Call(Function::Min | Function::Max, _), Some(route)) => {
            match route.applied {
                Some(applied) => applied.field(),
                None => names.org.schema.at(route.object).at(route.field),
            }
        }
        _ => number_field(),
    }
}

impl Having {
    /// Whether a group fits.
    pub fn fits(&self, org: &Org, object: ObjIx, group: &[Value], rows: &[Row]) -> bool {
        let equal = |op, value: &Value, operand: &Operand, case| match operand {
            Operand::One(one) => holds(op, value.lend(), one.lend(), case),
            Operand::Range(from, to) => in_range(op, value.lend(), from.lend(), to.lend()),
        };
        match self {
            Self::All(all) => all.iter().all(|h| h.fits(org, object, group, rows)),
            Self::Any(any) => any.iter().any(|h| h.fits(org, object, group, rows)),
            Self::Not(inner) => !inner.fits(org, object, group, rows),
            Self::Compare {
                shown,
                op,
                operand,
                case,
            } => equal(*op, &shown.value(org, object, group, rows), operand, *case),
            Self::Like { shown, pattern } => {
                let value = shown.value(org, object, group, rows);
                value
                    .lend()
                    .as_text()
                    .is_some_and(|text| like(pattern, text))
            }
            Self::In {
                shown,
                sense,
                set,
                case,
            } => {
                let value = shown.value(org, object, group, rows);
                let found = set.iter().any(|o| equal(Op::Eq, &value, o, *case));
                found == (*sense == Sense::Is)
            }
        }
    }
}
