//! The select list of a query: the columns of its rows, or what it counts.

use std::collections::HashMap;

use super::{
    Scope,
    aggregate::plan_aggregate,
    ast::{FieldSet, Item, Query},
    malformed,
    names::{Applied, Names},
    plan::{Output, Plan, plan_on},
    run::rows,
    write::{Columns, add_path, child_column, columns_of, computed_column},
};
use crate::sandbox::{automation::sees, fail::Fail, ids::SfId, org::Row, schema::FieldIx};

fn twice(names: &Names<'_>, at: usize, name: &str) -> Fail {
    names.fail(
        "INVALID_FIELD",
        at,
        &format!("duplicate field selected: {name}"),
    )
}

/// What a query shows.
pub fn output(names: &Names<'_>, query: &Query, scope: Scope) -> Result<Output, Fail> {
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
    let mut unnamed = 0;
    for item in &query.select {
        match item {
            Item::Field { path, alias } => {
                let route = names.route(path)?;
                if let Some(Applied::Distance { .. }) = route.applied {
                    let name = alias.clone().unwrap_or_else(|| {
                        unnamed += 1;
                        format!("expr{}", unnamed - 1)
                    });
                    if !columns.push(computed_column(&name, route)) {
                        return Err(twice(names, path.at, &name));
                    }
                    continue;
                }
                if route.applied.is_some() {
                    let message = "a date function of a query without groups can only filter";
                    return Err(malformed(names.text, path.at, message));
                }
                if let Some(alias) = alias {
                    return Err(malformed(
                        names.text,
                        path.at,
                        &format!("only aggregate expressions use field aliasing: {alias}"),
                    ));
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
    let of_this = query.of.as_deref().is_none_or(|of| names.is_own(of));
    let found = schema.child_named(names.object, &query.from);
    let Some((child, name)) = found.filter(|_| of_this) else {
        return Err(names.fail(
            "INVALID_TYPE",
            query.from_at,
            &format!(
                "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.",
                query.from
            ),
        ));
    };
    let most = names.asker.levels;
    if names.level >= most {
        let message = format!(
            "SOQL statements cannot query aggregate relationships more than {most} level away from the root entity object."
        );
        return Err(malformed(names.text, query.from_at, &message));
    }
    let plan = plan_on(
        names.org,
        names.text,
        query,
        child.object,
        scope,
        names.asker,
        names.level + 1,
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
        false => Err(twice(names, query.from_at, &name)),
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
