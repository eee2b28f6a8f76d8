//! `columns=true` on a query: what the select list means, without its rows.
//!
//! The vendor's command line asks it to lay out tables.

use serde_json::{Value as Json, json};

use super::{Reply, rest::Context};
use crate::sandbox::{
    fail::Fail,
    org::Org,
    schema::{Kind, ObjIx, Schema},
    soql::{
        self, Scope,
        ast::{Function, Item, Query, Taken, spelled},
    },
};

/// Answers for a query.
pub fn columns(context: &Context<'_>, org: &Org, text: &str) -> Result<Reply, Fail> {
    // Refuses what the query itself would refuse.
    soql::prepare(org, text, Scope::Live, context.asker())?;
    let query = soql::parse_only(text)?;
    let object = org
        .schema
        .object(&query.from)
        .ok_or_else(|| Fail::no_type(&query.from))?;
    let list = of_query(&org.schema, object, &query);
    let id_selected = query.select.iter().any(
        |item| matches!(item, Item::Field { path, .. } if path.last().eq_ignore_ascii_case("Id")),
    );
    let fields = org.schema.at(object);
    Ok(Reply::json(
        200,
        &json!({
            "columnMetadata": list,
            "entityName": fields.name,
            "groupBy": !query.group.is_empty(),
            "idSelected": id_selected,
            "keyPrefix": fields.prefix_text(),
        }),
    ))
}

fn of_query(schema: &Schema, object: ObjIx, query: &Query) -> Vec<Json> {
    let mut out: Vec<Json> = Vec::new();
    let mut unnamed = 0;
    for item in &query.select {
        match item {
            Item::Field { path, alias } | Item::Shown { path, alias } => {
                let own = |part: &String| {
                    query
                        .alias
                        .as_ref()
                        .is_some_and(|a| a.eq_ignore_ascii_case(part))
                        || schema.at(object).name.eq_ignore_ascii_case(part)
                };
                let spelled = spelled(&query.aliases, path);
                let parts = match spelled.split_first() {
                    Some((first, rest)) if !rest.is_empty() && own(first) => rest,
                    _ => &*spelled,
                };
                if let Taken::Distance(_) = path.taken {
                    let name = alias.clone().unwrap_or_else(|| {
                        unnamed += 1;
                        format!("expr{}", unnamed - 1)
                    });
                    out.push(leaf(&name, Kind::Double, false));
                    continue;
                }
                put(schema, object, parts, alias.as_deref(), &mut out);
            }
            Item::Fields { .. } => out.extend(
                schema
                    .at(object)
                    .fields
                    .iter()
                    .map(|f| leaf(&f.name, f.kind, f.custom())),
            ),
            Item::Call {
                function,
                path,
                alias,
                ..
            } => {
                let name = alias.clone().unwrap_or_else(|| {
                    unnamed += 1;
                    format!("expr{}", unnamed - 1)
                });
                let inner = path.as_ref().map(|p| p.text()).unwrap_or_default();
                let shown = format!("{}({inner})", word(*function));
                let mut column = leaf(&name, Kind::Double, false);
                column["aggregate"] = json!(true);
                column["displayName"] = json!(alias.clone().unwrap_or(shown));
                out.push(column);
            }
            Item::Children(inner) => {
                if let Some((child, name)) = schema.child_named(object, &inner.from) {
                    let mut column = leaf(&name, Kind::Text, false);
                    column["aggregate"] = json!(true);
                    column["joinColumns"] = json!(of_query(schema, child.object, inner));
                    out.push(column);
                }
            }
        }
    }
    out
}

fn put(schema: &Schema, object: ObjIx, parts: &[String], alias: Option<&str>, out: &mut Vec<Json>) {
    let fields = schema.at(object);
    match parts {
        [] => {}
        [last] => {
            // What is no field is the `Type` of one of several objects.
            let field = fields.field(last).map(|ix| fields.at(ix));
            let (name, kind, custom) = match field {
                Some(field) => (field.name.as_str(), field.kind, field.custom()),
                None => (last.as_str(), Kind::Text, false),
            };
            out.push(leaf(alias.unwrap_or(name), kind, custom));
        }
        [parent, rest @ ..] => {
            let Some(hop) = fields.relationship(parent).map(|ix| fields.at(ix)) else {
                return;
            };
            let target = hop.targets.last().and_then(|t| schema.object(t));
            let name = hop.relationship().unwrap_or_default();
            let mut joined = Vec::new();
            if let Some(target) = target {
                put(schema, target, rest, alias, &mut joined);
            }
            let known = out.iter_mut().find(|c| c["columnName"] == *name);
            match known.and_then(|c| c["joinColumns"].as_array_mut()) {
                Some(list) => list.extend(joined),
                None => {
                    let mut column = leaf(&name, Kind::Text, hop.custom());
                    column["joinColumns"] = json!(joined);
                    column["foreignKeyName"] = json!(hop.name);
                    out.push(column);
                }
            }
        }
    }
}

fn word(function: Function) -> &'static str {
    match function {
        Function::Count => "count",
        Function::CountDistinct => "count_distinct",
        Function::Sum => "sum",
        Function::Avg => "avg",
        Function::Min => "min",
        Function::Max => "max",
    }
}

fn leaf(name: &str, kind: Kind, custom: bool) -> Json {
    let number = matches!(
        kind,
        Kind::Int | Kind::Double | Kind::Currency | Kind::Percent
    );
    let apex = match kind {
        Kind::Id | Kind::Reference => "Id",
        Kind::Boolean => "Boolean",
        Kind::Int => "Integer",
        Kind::Double | Kind::Currency | Kind::Percent => "Double",
        Kind::Date => "Date",
        Kind::DateTime => "Datetime",
        Kind::Address => "Address",
        _ => "String",
    };
    json!({
        "aggregate": false, "apexType": apex, "booleanType": kind == Kind::Boolean,
        "columnName": name, "custom": custom, "displayName": name, "foreignKeyName": null,
        "insertable": true, "joinColumns": [], "numberType": number,
        "textType": !number && kind != Kind::Boolean, "updatable": true,
    })
}
