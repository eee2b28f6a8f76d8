//! The syntax tree against the schema: names become places, literals become values.
//!
//! Sub-selects of IN are run here, so a plan is complete and needs no text any more.

use super::{
    Asker, Scope,
    aggregate::Aggregate,
    ast::{Cond, Op, Path, Purpose, Query, Sense, Set},
    fail_at,
    names::{Applied, Names, Route},
    scope::{self, Owned},
    select::output,
    test::{Test, compile_test},
    write::Columns,
};
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    org::Org,
    schema::{Kind, ObjIx},
};

/// A key of ORDER BY.
#[derive(Debug, Clone)]
pub struct Key {
    pub route: Route,
    pub descending: bool,
    pub nulls_last: bool,
}

/// What a query shows.
#[derive(Debug, Clone)]
pub enum Output {
    Columns(Columns),
    Count,
    Aggregate(Aggregate),
}

/// A query ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub object: ObjIx,
    pub scope: Scope,
    /// Whose records; none: everybody's.
    pub owned: Option<Owned>,
    pub output: Output,
    pub test: Option<Test>,
    pub order: Vec<Key>,
    pub limit: Option<usize>,
    pub offset: usize,
    pub purpose: Purpose,
}

/// Plans a query.
pub fn compile(
    org: &Org,
    text: &str,
    query: &Query,
    scope: Scope,
    asker: Asker,
) -> Result<Plan, Fail> {
    let from = match &query.of {
        Some(of) => format!("{of}.{}", query.from),
        None => query.from.clone(),
    };
    let Some(object) = org.schema.object(&from) else {
        let message = Fail::no_type(&from).message;
        return Err(fail_at("INVALID_TYPE", text, query.from_at, &message));
    };
    if org.schema.at(object).name == "ContentDocumentLink" && !names_a_file(query.cond.as_ref()) {
        return Err(Fail::new(
            "MALFORMED_QUERY",
            "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId or LinkedEntityId using the equals operator or multiple Id's using the IN operator.",
        ));
    }
    plan_on(org, text, query, object, scope, asker, 0)
}

/// Plans a query whose object is known, in so many levels of children.
pub fn plan_on(
    org: &Org,
    text: &str,
    query: &Query,
    object: ObjIx,
    scope: Scope,
    asker: Asker,
    level: usize,
) -> Result<Plan, Fail> {
    let names = Names {
        org,
        text,
        object,
        alias: query.alias.as_deref(),
        aliases: &query.aliases,
        asker,
        level,
    };
    let output = output(&names, query, scope)?;
    if let Some(cond) = &query.cond {
        let message = match sub_selects(cond, At::Top) {
            Ok(0..=MOST_SUB_SELECTS) => None,
            Ok(_) => Some("Maximum 2 semi join sub-selects are allowed"),
            Err(message) => Some(message),
        };
        if let Some(message) = message {
            return Err(Fail::new("MALFORMED_QUERY", message));
        }
    }
    let test = query
        .cond
        .as_ref()
        .map(|c| compile_test(&names, c))
        .transpose()?;
    let using = query.using.as_ref();
    let owned = using
        .map(|using| scope::compile(&names, using))
        .transpose()?;
    let owned = owned.flatten();
    let offset = query.offset.unwrap_or(0);
    if offset > 2000 {
        return Err(Fail::new(
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ));
    }
    let order = match output {
        Output::Columns(_) => order(&names, query)?,
        _ => Vec::new(),
    };
    Ok(Plan {
        object,
        scope,
        owned,
        output,
        test,
        order,
        limit: query.limit.map(|n| n.min(50_000_000) as usize),
        offset: offset as usize,
        purpose: query.purpose,
    })
}

/// Most sub-selects of IN in one query.
const MOST_SUB_SELECTS: usize = 2;

/// Where a condition stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Among those that must all hold.
    Top,
    Below,
}

/// How many sub-selects a condition has; they stand at the top only.
fn sub_selects(cond: &Cond, at: At) -> Result<usize, &'static str> {
    let each = |conds: &[Cond], at| conds.iter().map(|c| sub_selects(c, at)).sum();
    match cond {
        Cond::And(conds) => each(conds, at),
        Cond::Or(conds) => each(conds, At::Below),
        Cond::Not(inner) => sub_selects(inner, At::Below),
        Cond::In {
            set: Set::Select(_),
            ..
        } if at == At::Below => Err(
            "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions.",
        ),
        Cond::In {
            set: Set::Select(_),
            ..
        } => Ok(1),
        _ => Ok(0),
    }
}

/// Whether a condition holds a link of a file to something: `=` or `IN` on one of its ids.
fn names_a_file(cond: Option<&Cond>) -> bool {
    let keys = ["Id", "ContentDocumentId", "LinkedEntityId"];
    let key = |path: &Path| keys.iter().any(|k| path.last().eq_ignore_ascii_case(k));
    match cond {
        Some(Cond::And(all)) => all.iter().any(|c| names_a_file(Some(c))),
        Some(Cond::Compare { path, op, .. }) => *op == Op::Eq && key(path),
        Some(Cond::In { path, sense, .. }) => *sense == Sense::Is && key(path),
        _ => false,
    }
}

fn order(names: &Names<'_>, query: &Query) -> Result<Vec<Key>, Fail> {
    query
        .order
        .iter()
        .map(|key| {
            let route = names.route(&key.path)?;
            let field = names.org.schema.at(route.object).at(route.field);
            let far = matches!(route.applied, Some(Applied::Distance { .. }));
            if !field.sortable() && !far {
                return Err(names.fail(
                    "MALFORMED_QUERY",
                    key.path.at,
                    &format!("field '{}' can not be sorted in a query call", field.name),
                ));
            }
            Ok(Key {
                route,
                descending: key.descending,
                nulls_last: key.nulls_last,
            })
        })
        .collect()
}

/// Whether values of a kind can be compared at all.
pub fn is_long_text(kind: Kind, length: u32) -> bool {
    kind == Kind::TextArea && length > 255
}

/// The id a text stands for in a condition.
pub fn id_of(names: &Names<'_>, text: &str, at: usize) -> Result<SfId, Fail> {
    SfId::parse(text).ok_or_else(|| {
        names.fail(
            "INVALID_QUERY_FILTER_OPERATOR",
            at,
            &format!("invalid ID field: {text}"),
        )
    })
}
