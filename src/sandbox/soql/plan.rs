//! The syntax tree against the schema: names become places, literals become values.
//!
//! Sub-selects of IN are run here, so a plan is complete and needs no text any more.

use std::collections::HashMap;

use super::{
    Asker, Scope,
    aggregate::{Aggregate, plan_aggregate},
    ast::{Cond, FieldSet, Item, Op, Path, Purpose, Query, Sense, Taken},
    fail_at,
    functions::DateFunction,
    malformed,
    run::rows,
    scope::{self, Owned},
    test::{Test, compile_test},
    write::{Columns, add_path, child_column, columns_of},
};
use crate::sandbox::{
    automation::sees,
    fail::Fail,
    ids::SfId,
    org::{Org, Record, Row},
    schema::{FieldIx, Kind, ObjIx, Slot},
    value::Ref,
};

/// How to get from a record to a value: over references, then a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    hops: Vec<(ObjIx, FieldIx)>,
    pub object: ObjIx,
    pub field: FieldIx,
    pub slot: Slot,
    pub function: Option<DateFunction>,
}

impl Route {
    /// Whether it is a field of the record itself.
    pub fn is_own(&self) -> bool {
        self.hops.is_empty() && self.function.is_none()
    }

    /// The value; null when a reference on the way is.
    pub fn value<'r>(&self, org: &'r Org, record: &'r Record) -> Ref<'r> {
        let value = self.plain(org, record);
        match self.function {
            Some(function) => function.of(value),
            None => value,
        }
    }

    fn plain<'r>(&self, org: &'r Org, record: &'r Record) -> Ref<'r> {
        let mut record = record;
        let mut object = None;
        for (from, hop) in &self.hops {
            let slot = org.schema.at(*from).at(*hop).slot;
            let Some(id) = record.get(*hop, slot).as_id() else {
                return Ref::Null;
            };
            let Some((found, next)) = org.record(id) else {
                return Ref::Null;
            };
            (record, object) = (next, Some(found));
        }
        if let (Slot::Sort, Some(object)) = (self.slot, object) {
            return org.sort_of(object, record);
        }
        match object {
            // The owner may be a queue though the name was resolved on users.
            Some(actual) if actual != self.object => org.value(
                actual,
                record,
                &org.schema.at(self.object).at(self.field).name,
            ),
            _ => record.get(self.field, self.slot),
        }
    }
}

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

/// What names in a query are resolved against.
pub struct Names<'a> {
    pub org: &'a Org,
    pub text: &'a str,
    pub object: ObjIx,
    pub alias: Option<&'a str>,
    pub asker: Asker,
}

impl Names<'_> {
    /// A refusal at a place.
    pub fn fail(&self, code: &'static str, at: usize, message: &str) -> Fail {
        fail_at(code, self.text, at, message)
    }

    /// The parts of a path without the name or alias of the object in front.
    pub fn own_parts<'p>(&self, path: &'p Path) -> &'p [String] {
        match path.parts.split_first() {
            Some((first, rest)) if !rest.is_empty() => {
                let object = self.org.schema.at(self.object);
                let named = self.alias.is_some_and(|a| a.eq_ignore_ascii_case(first))
                    || (object.name.eq_ignore_ascii_case(first)
                        && object.relationship(first).is_none());
                if named { rest } else { &path.parts }
            }
            _ => &path.parts,
        }
    }

    /// Finds what a path means.
    pub fn route(&self, path: &Path) -> Result<Route, Fail> {
        let parts = self.own_parts(path);
        let Some((last, parents)) = parts.split_last() else {
            return Err(self.fail("MALFORMED_QUERY", path.at, "a field name is missing"));
        };
        if parents.len() > 5 {
            return Err(self.fail(
                "INVALID_FIELD",
                path.at,
                "only 5 levels of parent relationships are allowed",
            ));
        }
        let mut object = self.object;
        let mut hops = Vec::new();
        for parent in parents {
            let (hop, next) = self.hop(object, parent, path.at)?;
            hops.push((object, hop));
            object = next;
        }
        let fields = self.org.schema.at(object);
        if let Some(&(from, hop)) = hops.last()
            && self.is_sort(from, hop, last)
            && let Some(field) = fields.name_field()
        {
            return Ok(Route {
                hops,
                object,
                field,
                slot: Slot::Sort,
                function: None,
            });
        }
        let seen = |ix: &FieldIx| sees(self.org, self.asker.user, object, fields.at(*ix));
        let Some(field) = fields.field(last).filter(seen) else {
            return Err(self.fail(
                "INVALID_FIELD",
                path.at,
                &format!(
                    "No such column '{last}' on entity '{}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
                    fields.name
                ),
            ));
        };
        let function = match path.taken {
            Taken::Itself => None,
            Taken::Date(function) => Some(function),
            Taken::Aggregate(_) => {
                let message = "aggregates are allowed in SELECT, HAVING and ORDER BY of groups";
                return Err(self.fail("MALFORMED_QUERY", path.at, message));
            }
        };
        if function.is_some() && !matches!(fields.at(field).kind, Kind::Date | Kind::DateTime) {
            let message = format!("field '{}' is no date", fields.at(field).name);
            return Err(self.fail("MALFORMED_QUERY", path.at, &message));
        }
        Ok(Route {
            hops,
            object,
            field,
            slot: fields.at(field).slot,
            function,
        })
    }

    /// Whether a name behind a reference asks which of several objects it refers to.
    pub fn is_sort(&self, object: ObjIx, hop: FieldIx, name: &str) -> bool {
        let several = self.org.schema.at(object).at(hop).targets.len() > 1;
        several && name.eq_ignore_ascii_case("Type")
    }

    /// The reference field behind a relationship name, and the object it leads to: of several, the
    /// last in the schema's list (users for owners).
    pub fn hop(&self, object: ObjIx, name: &str, at: usize) -> Result<(FieldIx, ObjIx), Fail> {
        let fields = self.org.schema.at(object);
        let found = fields.relationship(name).and_then(|ix| {
            let target = fields.at(ix).targets.last()?;
            Some((ix, self.org.schema.object(target)?))
        });
        found.ok_or_else(|| {
            self.fail(
                "INVALID_FIELD",
                at,
                &format!(
                    "Didn't understand relationship '{name}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."
                ),
            )
        })
    }
}

/// Plans a query.
pub fn compile(
    org: &Org,
    text: &str,
    query: &Query,
    scope: Scope,
    asker: Asker,
) -> Result<Plan, Fail> {
    let Some(object) = org.schema.object(&query.from) else {
        let message = Fail::no_type(&query.from).message;
        return Err(fail_at("INVALID_TYPE", text, query.from_at, &message));
    };
    if org.schema.at(object).name == "ContentDocumentLink" && !names_a_file(query.cond.as_ref()) {
        return Err(Fail::new(
            "MALFORMED_QUERY",
            "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId or LinkedEntityId using the equals operator or multiple Id's using the IN operator.",
        ));
    }
    plan_on(org, text, query, object, scope, asker)
}

/// Plans a query whose object is known.
fn plan_on(
    org: &Org,
    text: &str,
    query: &Query,
    object: ObjIx,
    scope: Scope,
    asker: Asker,
) -> Result<Plan, Fail> {
    let names = Names {
        org,
        text,
        object,
        alias: query.alias.as_deref(),
        asker,
    };
    let output = output(&names, query, scope)?;
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
            if !field.sortable() {
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

fn output(names: &Names<'_>, query: &Query, scope: Scope) -> Result<Output, Fail> {
    let has_call = query.select.iter().any(|i| matches!(i, Item::Call { .. }));
    if let [Item::Call { path: None, at, .. }] = query.select.as_slice() {
        return match query.group.is_empty() && query.order.is_empty() {
            true => Ok(Output::Count),
            false => Err(malformed(
                names.text,
                *at,
                "COUNT() cannot be grouped or sorted",
            )),
        };
    }
    if has_call || !query.group.is_empty() || query.having.is_some() {
        return plan_aggregate(names, query).map(Output::Aggregate);
    }
    let mut columns = Columns::default();
    for item in &query.select {
        match item {
            Item::Field { path, alias } => {
                if let Some(alias) = alias {
                    return Err(malformed(
                        names.text,
                        path.at,
                        &format!("only aggregate expressions use field aliasing: {alias}"),
                    ));
                }
                if names.route(path)?.function.is_some() {
                    let message = "a date function of a query without groups can only filter";
                    return Err(malformed(names.text, path.at, message));
                }
                add_path(names, &mut columns, path, None)?;
            }
            Item::Shown { path, alias } => {
                names.route(path)?;
                add_path(names, &mut columns, path, alias.as_deref())?;
            }
            Item::Fields { set, at } => fields(names, &mut columns, *set, *at, query)?,
            Item::Children(query) => children(names, &mut columns, query, scope)?,
            Item::Call { .. } => {}
        }
    }
    Ok(Output::Columns(columns))
}

/// Adds the rows of a child relationship, found now and kept by the parent they belong to.
fn children(
    names: &Names<'_>,
    columns: &mut Columns,
    query: &Query,
    scope: Scope,
) -> Result<(), Fail> {
    let schema = &names.org.schema;
    let Some((child, name)) = schema.child_named(names.object, &query.from) else {
        return Err(names.fail(
            "INVALID_TYPE",
            query.from_at,
            &format!(
                "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.",
                query.from
            ),
        ));
    };
    if query.select.iter().any(|i| matches!(i, Item::Children(_))) {
        let message = "only one level of child relationships is supported";
        return Err(malformed(names.text, query.from_at, message));
    }
    let plan = plan_on(
        names.org,
        names.text,
        query,
        child.object,
        scope,
        names.asker,
    )?;
    let (limit, offset) = (plan.limit.unwrap_or(usize::MAX), plan.offset);
    let whole = Plan {
        limit: None,
        offset: 0,
        ..plan
    };
    let found = rows(names.org, &whole);
    let Output::Columns(shown) = whole.output else {
        let message = "aggregates are not allowed in child queries";
        return Err(malformed(names.text, query.from_at, message));
    };
    let mut of_parent: HashMap<SfId, Vec<Row>> = HashMap::new();
    for row in found {
        let record = names.org.table(child.object).row(row);
        if let Some(parent) = record.and_then(|r| r.cell(child.field).as_id()) {
            of_parent.entry(parent).or_default().push(row);
        }
    }
    for rows in of_parent.values_mut() {
        rows.drain(..offset.min(rows.len()));
        rows.truncate(limit);
    }
    of_parent.retain(|_, rows| !rows.is_empty());
    match columns.push(child_column(&name, child.object, of_parent, shown)) {
        true => Ok(()),
        false => Err(names.fail(
            "INVALID_FIELD",
            query.from_at,
            &format!("duplicate field selected: {name}"),
        )),
    }
}

fn fields(
    names: &Names<'_>,
    columns: &mut Columns,
    set: FieldSet,
    at: usize,
    query: &Query,
) -> Result<(), Fail> {
    if set != FieldSet::Standard && query.limit.is_none_or(|n| n > 200) {
        return Err(malformed(
            names.text,
            at,
            "The SOQL FIELDS function must have a LIMIT of at most 200",
        ));
    }
    let object = names.org.schema.at(names.object);
    let chosen: Vec<FieldIx> = object
        .each()
        .filter(|(_, f)| sees(names.org, names.asker.user, names.object, f))
        .filter(|(_, f)| match set {
            FieldSet::All => true,
            FieldSet::Standard => !f.custom(),
            FieldSet::Custom => f.custom(),
        })
        .map(|(ix, _)| ix)
        .collect();
    for column in columns_of(&names.org.schema, names.object, &chosen).into_list() {
        if !columns.push(column) {
            return Err(names.fail("INVALID_FIELD", at, "duplicate field selected"));
        }
    }
    Ok(())
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
