//! Aggregate queries: COUNT, SUM, AVG, MIN, MAX, with GROUP BY, HAVING and ORDER BY.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashSet},
};

use rust_decimal::Decimal;

use super::{
    ast::{Function, Item, Path, Query, Taken},
    having::{self, Having},
    malformed,
    names::{Names, Route},
};
use crate::sandbox::{
    fail::Fail,
    org::{Org, Row},
    schema::ObjIx,
    value::{Ref, Value, write_string},
};

/// A value of a group.
#[derive(Debug, Clone)]
pub enum Shown {
    /// The field grouped by at a place.
    Group(usize),
    Call(Function, Option<Route>),
}

impl Shown {
    /// The value for a group: what it is grouped by, and its rows.
    pub fn value(&self, org: &Org, object: ObjIx, group: &[Value], rows: &[Row]) -> Value {
        match self {
            Self::Group(at) => group.get(*at).cloned().unwrap_or(Value::Null),
            Self::Call(function, route) => call(org, object, *function, route.as_ref(), rows),
        }
    }
}

/// What a path of HAVING or ORDER BY stands for, and the field it is made of.
pub fn call_of<'g>(
    names: &Names<'_>,
    path: &Path,
    group: &'g [Route],
) -> Result<(Shown, Option<&'g Route>), Fail> {
    if let Taken::Aggregate(function) = path.taken {
        let plain = Path {
            taken: Taken::Itself,
            ..path.clone()
        };
        let route = match path.parts.is_empty() {
            true => None,
            false => Some(names.route(&plain)?),
        };
        return Ok((Shown::Call(function, route), None));
    }
    let route = names.route(path)?;
    match group.iter().position(|g| *g == route) {
        Some(at) => Ok((Shown::Group(at), group.get(at))),
        None => Err(malformed(
            names.text,
            path.at,
            &format!("Field must be grouped or aggregated: {}", path.text()),
        )),
    }
}

/// What an aggregate query shows.
#[derive(Debug, Clone)]
pub struct Aggregate {
    group: Vec<Route>,
    having: Option<Having>,
    /// One without a name only serves the order.
    shown: Vec<(String, Shown)>,
    order: Vec<OrderKey>,
}

/// Plans the select list of an aggregate query.
pub fn plan_aggregate(names: &Names<'_>, query: &Query) -> Result<Aggregate, Fail> {
    let mut group = Vec::new();
    for path in &query.group {
        let route = names.route(path)?;
        let field = names.org.schema.at(route.object).at(route.field);
        if !field.groupable() && route.applied.is_none() {
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
            Item::Field { path, alias } | Item::Shown { path, alias } => {
                let (grouped, route) = call_of(names, path, &group)?;
                let name = match (alias, route) {
                    (Some(alias), _) => alias.clone(),
                    (
                        None,
                        Some(Route {
                            applied: None,
                            object,
                            field,
                            ..
                        }),
                    ) => names.org.schema.at(*object).at(*field).name.clone(),
                    _ => {
                        unnamed += 1;
                        format!("expr{}", unnamed - 1)
                    }
                };
                shown.push((name, grouped));
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
        let named = shown
            .iter()
            .position(|(name, _)| name.eq_ignore_ascii_case(key.path.last()))
            .filter(|_| key.path.taken == Taken::Itself);
        let at = match named {
            Some(at) => at,
            None => {
                shown.push((String::new(), call_of(names, &key.path, &group)?.0));
                shown.len() - 1
            }
        };
        order.push(OrderKey {
            at,
            descending: key.descending,
            nulls_last: key.nulls_last,
        });
    }
    let having = query.having.as_ref();
    let having = having
        .map(|c| having::compile(names, c, &group))
        .transpose()?;
    Ok(Aggregate {
        group,
        having,
        shown,
        order,
    })
}

/// A key of ORDER BY: a place in the values shown.
#[derive(Debug, Clone, Copy)]
struct OrderKey {
    at: usize,
    descending: bool,
    nulls_last: bool,
}

impl OrderKey {
    fn order(self, a: &[Value], b: &[Value]) -> Ordering {
        let (a, b) = (a[self.at].lend(), b[self.at].lend());
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (one, _) if one || b.is_null() => match one == self.nulls_last {
                true => Ordering::Greater,
                false => Ordering::Less,
            },
            _ if self.descending => b.order(a),
            _ => a.order(b),
        }
    }
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
        let fits = |values: &[Value], rows: &[Row]| {
            let having = self.having.as_ref();
            having.is_none_or(|h| h.fits(org, object, values, rows))
        };
        let mut out: Vec<Vec<Value>> = groups
            .into_values()
            .filter(|(values, rows)| fits(values, rows))
            .map(|(values, rows)| {
                let shown = self.shown.iter();
                shown
                    .map(|(_, shown)| shown.value(org, object, &values, &rows))
                    .collect()
            })
            .collect();
        out.sort_by(|a, b| {
            self.order
                .iter()
                .fold(Ordering::Equal, |order, key| order.then(key.order(a, b)))
        });
        out.iter().map(|values| self.json(values)).collect()
    }

    fn json(&self, values: &[Value]) -> Vec<u8> {
        let mut out = br#"{"attributes":{"type":"AggregateResult"}"#.to_vec();
        for ((name, _), value) in self.shown.iter().zip(values) {
            if name.is_empty() {
                continue;
            }
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
            // As many digits as a double has.
            n => Value::Num(mean(sum(), n)),
        },
        Function::Min => values()
            .min_by(|a, b| a.order(*b))
            .map_or(Value::Null, Ref::keep),
        Function::Max => values()
            .max_by(|a, b| a.order(*b))
            .map_or(Value::Null, Ref::keep),
    }
}

fn mean(sum: Decimal, n: usize) -> Decimal {
    let mean = sum / Decimal::from(n);
    mean.round_sf(16).unwrap_or(mean)
}
