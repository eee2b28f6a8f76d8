//! Pairs whose references lead back to themselves (sync-semantics 7.1): their records may point at
//! each other, so none could ever be made first. Such a reference is left out when a record is made,
//! and written when its parent is there.
//!
//! Knows no records. Invariant: without the rows that [`deferrable`] gives, what is left of the
//! references has no circle, unless Salesforce requires every reference of one.

use std::collections::BTreeSet;

use super::id::{PairName, RowId};
use super::mapping::{Pair, Row};
use super::schema::ObjectInfo;
use super::transform::Step;

/// Rows of a pair that a new record may do without at first: references into a circle that
/// Salesforce does not require.
pub fn deferrable(pair: &Pair, object: &ObjectInfo, others: &[Pair]) -> BTreeSet<RowId> {
    let circular = |row: &&Row| {
        let mut links = parents(row);
        !required(row, object) && links.any(|to| way_back(pair, to, others, |_, _| true).is_some())
    };
    pair.active().filter(circular).map(|row| row.id).collect()
}

/// Whether Salesforce wants a value in a row's fields.
pub fn required(row: &Row, object: &ObjectInfo) -> bool {
    let wanted = |name: &str| object.field(name).is_some_and(|field| field.required());
    row.crm.iter().any(|name| wanted(name.as_str()))
}

/// Pairs that a row points at, on the way to either side.
pub fn parents(row: &Row) -> impl Iterator<Item = &PairName> {
    let steps = row.to_crm.0.iter().chain(&row.to_app.0);
    steps.filter_map(|step| match step {
        Step::Link(pair) => Some(pair),
        _ => None,
    })
}

/// Pairs from `from` back to this one along references that count; `from` comes first, and a pair
/// that points at itself has only itself.
pub fn way_back(
    pair: &Pair,
    from: &PairName,
    others: &[Pair],
    counts: impl Fn(&Pair, &Row) -> bool,
) -> Option<Vec<PairName>> {
    let mut stack = vec![vec![from.clone()]];
    let mut seen = BTreeSet::new();
    while let Some(path) = stack.pop() {
        let at = path.last()?;
        if *at == pair.name {
            return Some(path);
        }
        if !seen.insert(at.clone()) {
            continue;
        }
        let Some(next) = others.iter().find(|p| p.name == *at) else {
            continue;
        };
        for to in next
            .active()
            .filter(|row| counts(next, row))
            .flat_map(parents)
        {
            let mut longer = path.clone();
            longer.push(to.clone());
            stack.push(longer);
        }
    }
    None
}
