//! Aggregate queries: COUNT, SUM, AVG, MIN, MAX, with GROUP BY.

use std::collections::{BTreeMap, HashSet};

use rust_decimal::Decimal;

use super::{
    ast::{Function, Item, Query},
    malformed,
    plan::{Names, Route},
};
use crate::sandbox::{
    fail::Fail,
    org::{Org, Row},
    schema::ObjIx,
    value::{Ref, Value, write_string},
};

#[derive(Debug, Clone)]
enum Shown {
    Group(usize),
    Call(Function, Option<Route>),
}

/// What an aggregate query shows.
#[derive(Debug, Clone)]
pub struct Aggregate {
    group: Vec<Route>,
    shown: Vec<(String, Shown)>,
    /// Place in `shown` and direction of each key of ORDER BY.
    order: Vec<(usize, bool)>,
}

/// Plans the select list of an aggregate query.
pub fn plan_aggregate(names: &Names<'_>, query: &Query) -> Result<Aggregate, Fail> {
    let mut group = Vec::new();
    for path in &query.group {
        let route = names.route(path)?;
        let field = names.org.schema.at(route.object).at(route.field);
        if !field.groupable() {
            return Err(malformed(
                names.text,
                path.at,
                &format!("field '{}' can not be grouped in a query call", field.name),
            ));
        }
        group.push(route);
    }
    if query.group.is_empty() && query.limit.is_some() {
        return Err(malformed(
            names.text,
            0,
            "Non-grouped query that uses overall aggregate functions cannot also use LIMIT",
        ));
    }
    let mut shown = Vec::new();
    let mut unnamed = 0;
    for item in &query.select {
        match item {
            Item::Field { path, alias } => {
                let written = names.own_parts(path);
                let at = query.group.iter().position(|g| {
                    let own = names.own_parts(g);
                    own.len() == written.len()
                        && own
                            .iter()
                            .zip(written)
                            .all(|(a, b)| a.eq_ignore_ascii_case(b))
                });
                let Some(at) = at else {
                    return Err(malformed(
                        names.text,
                        path.at,
                        &format!("Field must be grouped or aggregated: {}", path.text()),
                    ));
                };
                let route = &group[at];
                let canonical = names
                    .org
                    .schema
                    .at(route.object)
                    .at(route.field)
                    .name
                    .clone();
                shown.push((alias.clone().unwrap_or(canonical), Shown::Group(at)));
            }
            Item::Call {
                function,
                path,
                alias,
                ..
            } => {
                let route = path.as_ref().map(|p| names.route(p)).transpose()?;
                let name = alias.clone().unwrap_or_else(|| {
                    unnamed += 1;
                    format!("expr{}", unnamed - 1)
                });
                shown.push((name, Shown::Call(*function, route)));
            }
            Item::Children(query) => {
                let message = "child queries cannot be grouped";
                return Err(malformed(names.text, query.from_at, message));
            }
            Item::Fields { at, .. } => {
                return Err(malformed(names.text, *at, "FIELDS() cannot be grouped"));
            }
        }
    }
    let mut order = Vec::new();
    for key in &query.order {
        let at = shown
            .iter()
            .position(|(name, _)| name.eq_ignore_ascii_case(key.path.last()));
        let Some(at) = at else {
            return Err(malformed(
                names.text,
                key.path.at,
                &format!(
                    "Ordered field must be grouped or aggregated: {}",
                    key.path.text()
                ),
            ));
        };
        order.push((at, key.descending));
    }
    Ok(Aggregate {
        group,
        shown,
        order,
    })
}

impl Aggregate {
    /// One JSON object for each group, in order.
    pub fn groups(&self, org: &Org, object: ObjIx, rows: &[Row]) -> Vec<Vec<u8>> {
        let table = org.table(object);
        let mut groups: BTreeMap<Vec<u8>, (Vec<Value>, Vec<Row>)> = BTreeMap::new();
        if self.group.is_empty() {
            groups.insert(Vec::new(), (Vec::new(), Vec::new()));
        }
        for row in rows {
            let Some(record) = table.row(*row) else {
                continue;
            };
            let values: Vec<Value> = self
                .group
                .iter()
                .map(|g| g.value(org, record).keep())
                .collect();
            let mut key = Vec::new();
            for value in &values {
                value.lend().write_json(&mut key);
                key.push(0);
            }
            groups
                .entry(key)
                .or_insert_with(|| (values, Vec::new()))
                .1
                .push(*row);
        }
        let mut out: Vec<Vec<Value>> = groups
            .into_values()
            .map(|(values, rows)| {
                self.shown
                    .iter()
                    .map(|(_, shown)| match shown {
                        Shown::Group(at) => values.get(*at).cloned().unwrap_or(Value::Null),
                        Shown::Call(function, route) => {
                            call(org, object, *function, route.as_ref(), &rows)
                        }
                    })
                    .collect()
            })
            .collect();
        out.sort_by(|a, b| {
            self.order
                .iter()
                .fold(std::cmp::Ordering::Equal, |order, (at, descending)| {
                    let next = a[*at].lend().order(b[*at].lend());
                    order.then(if *descending { next.reverse() } else { next })
                })
        });
        out.iter().map(|values| self.json(values)).collect()
    }

    fn json(&self, values: &[Value]) -> Vec<u8> {
        let mut out = br#"{"attributes":{"type":"AggregateResult"}"#.to_vec();
        for ((name, _), value) in self.shown.iter().zip(values) {
            out.push(b',');
            write_string(&mut out, name);
            out.push(b':');
            value.lend().write_json(&mut out);
        }
        out.push(b'}');
        out
    }
}

fn call(
    org: &Org,
    object: ObjIx,
    function: Function,
    route: Option<&Route>,
    rows: &[Row],
) -> Value {
    let Some(route) = route else {
        return Value::Int(rows.len() as i64);
    };
    let table = org.table(object);
    let values = || {
        rows.iter()
            .filter_map(|row| table.row(*row))
            .map(|record| route.value(org, record))
            .filter(|value| !value.is_null())
    };
    let sum = || {
        values()
            .filter_map(Ref::as_number)
            .fold(Decimal::ZERO, |a, b| a.saturating_add(b))
    };
    match function {
        Function::Count => Value::Int(values().count() as i64),
        Function::CountDistinct => {
            let mut seen = HashSet::new();
            for value in values() {
                let mut key = Vec::new();
                value.write_json(&mut key);
                seen.insert(key.to_ascii_lowercase());
            }
            Value::Int(seen.len() as i64)
        }
        Function::Sum => match values().next() {
            Some(_) => Value::Num(sum()),
            None => Value::Null,
        },
        Function::Avg => match values().count() {
            0 => Value::Null,
            n => Value::Num(sum() / Decimal::from(n)),
        },
        Function::Min => values()
            .min_by(|a, b| a.order(*b))
            .map_or(Value::Null, Ref::keep),
        Function::Max => values()
            .max_by(|a, b| a.order(*b))
            .map_or(Value::Null, Ref::keep),
    }
}
