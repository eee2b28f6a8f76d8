//! Runs a plan: which rows to look at, filter, order, cut.

use std::{cmp::Ordering, ops::Bound};

use super::{
    Found, Scope,
    plan::{Key, Output, Plan},
    test::Test,
};
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    org::{Org, Record, Row},
    schema::{ObjIx, Slot},
};

/// Runs a plan.
pub fn run(org: &Org, plan: &Plan) -> Result<Found, Fail> {
    Ok(match &plan.output {
        Output::Columns(_) => Found::Rows(plan.object, rows(org, plan)),
        Output::Count => Found::Count(rows(org, plan).len()),
        Output::Aggregate(aggregate) => {
            let whole = Plan {
                limit: None,
                offset: 0,
                ..plan.clone()
            };
            let found = rows(org, &whole);
            let groups = aggregate.groups(org, plan.object, &found);
            let limit = plan.limit.unwrap_or(usize::MAX);
            let groups: Vec<_> = groups.into_iter().skip(plan.offset).take(limit).collect();
            if groups.len() > 2000 {
                return Err(Fail::new(
                    "EXCEEDED_ID_LIMIT",
                    "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch",
                ));
            }
            Found::Groups(groups)
        }
    })
}

/// The rows of a plan in their order.
pub fn rows(org: &Org, plan: &Plan) -> Vec<Row> {
    let table = org.table(plan.object);
    let fits = |record: &Record| {
        (plan.scope == Scope::WithDeleted || !record.deleted)
            && plan.owned.is_none_or(|owned| owned.has(record))
            && plan.test.as_ref().is_none_or(|t| t.fits(org, record))
    };
    let wanted = plan
        .limit
        .map_or(usize::MAX, |n| n.saturating_add(plan.offset));
    let (candidates, sorted) = candidates(org, plan);
    let checked = candidates.filter(|row| table.row(*row).is_some_and(&fits));
    let mut found: Vec<Row> = match sorted {
        Sorted::Yes => checked.take(wanted).collect(),
        Sorted::No => checked.collect(),
    };
    if let Sorted::No = sorted {
        found.sort_by(|a, b| match (table.row(*a), table.row(*b)) {
            (Some(a), Some(b)) => by_keys(org, &plan.order, a, b),
            _ => Ordering::Equal,
        });
    }
    found.truncate(wanted);
    found.drain(..plan.offset.min(found.len()));
    found
}

fn by_keys(org: &Org, keys: &[Key], a: &Record, b: &Record) -> Ordering {
    for key in keys {
        let (x, y) = (key.route.value(org, a), key.route.value(org, b));
        let order = match (x.is_null(), y.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if key.nulls_last => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, true) if key.nulls_last => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) if key.descending => y.order(x),
            (false, false) => x.order(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

enum Sorted {
    Yes,
    No,
}

/// The rows worth looking at, and whether they come in the order of the plan.
fn candidates<'o>(org: &'o Org, plan: &Plan) -> (Box<dyn Iterator<Item = Row> + 'o>, Sorted) {
    let table = org.table(plan.object);
    let test = plan.test.as_ref();
    let wanted: Vec<Slot> = plan.order.iter().map(|k| k.route.slot).collect();
    let rising = plan.order.iter().all(|k| k.route.is_own() && !k.descending);
    let free = if plan.order.is_empty() {
        Sorted::Yes
    } else {
        Sorted::No
    };

    if let Some(ids) = test.and_then(|t| t.ids()) {
        let mut ids = ids;
        ids.sort_unstable();
        let rows: Vec<Row> = ids
            .iter()
            .filter_map(|id| table.by_id.get(id).copied())
            .collect();
        let sorted = if rising && wanted == [Slot::Id] {
            Sorted::Yes
        } else {
            free
        };
        return (Box::new(rows.into_iter()), sorted);
    }
    // The indexes hold live rows only.
    if plan.scope == Scope::Live
        && let Some(rows) = test.and_then(|t| indexed(org, plan.object, t))
    {
        return (Box::new(rows.into_iter()), free);
    }
    let (low, high) = test.map_or((None, None), |t| t.stamps());
    let by_stamp = rising
        && matches!(
            wanted.as_slice(),
            [Slot::SystemModstamp] | [Slot::SystemModstamp, Slot::Id]
        );
    if by_stamp || low.is_some() || high.is_some() {
        let low = low.unwrap_or(i64::MIN);
        let rows = match high {
            Some(high) if high < low => table.by_stamp.range((low, SfId::MIN)..(low, SfId::MIN)),
            Some(high) => table
                .by_stamp
                .range((low, SfId::MIN)..(high.saturating_add(1), SfId::MIN)),
            None => table.by_stamp.range((low, SfId::MIN)..),
        };
        let sorted = if by_stamp { Sorted::Yes } else { free };
        return (Box::new(rows.map(|(_, row)| *row)), sorted);
    }
    if rising && wanted == [Slot::Id] {
        let from = test
            .and_then(|t| t.after_id())
            .map_or(Bound::Unbounded, Bound::Excluded);
        let rows = table.by_id.range((from, Bound::Unbounded));
        return (Box::new(rows.map(|(_, row)| *row)), Sorted::Yes);
    }
    (Box::new(table.each().map(|(row, _)| row)), free)
}

/// Whether an index says where to look.
pub fn is_indexed(org: &Org, plan: &Plan) -> bool {
    plan.test.as_ref().is_some_and(|test| {
        test.ids().is_some()
            || test.stamps() != (None, None)
            || indexed(org, plan.object, test).is_some()
    })
}

/// The rows an index gives for a condition, in the order they were made.
fn indexed(org: &Org, object: ObjIx, test: &Test) -> Option<Vec<Row>> {
    test.all().iter().find_map(|test| {
        let (field, values) = test.one_of()?;
        let found: Option<Vec<Vec<Row>>> = values
            .into_iter()
            .map(|value| org.with_value(object, field, value))
            .collect();
        let mut rows = found?.concat();
        rows.sort_unstable();
        rows.dedup();
        Some(rows)
    })
}
