//! Which values of one side have no place in a list of the other (sync-semantics 22).
//!
//! Asks nobody: the described object and values of the App are given. Invariant: a value that is
//! said to have a place can be written there as the mapping is now.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::id::{FieldName, RowId};
use crate::domain::mapping::{Pair, Row};
use crate::domain::schema::{FieldInfo, ObjectInfo};
use crate::domain::transform::{NoLookup, Side, Step};
use crate::domain::value::{FieldKind, Fields, Value};

/// So many values without a place are named.
const NAMED: usize = 100;

/// How the values of one side fare in a row with a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Row.
    pub row: RowId,
    /// The CRM's field that has the list.
    pub field: FieldName,
    /// Whose values.
    pub from: Side,
    /// How many different ones are known: those of the list, or those found in the App.
    pub values: usize,
    /// How many of them have no place.
    pub lacking: usize,
    /// Those that have no place on the other side, the first of them in order.
    pub without: Vec<String>,
}

/// How all rows fare that go from or to a list of the CRM; `local` are records of the App.
pub fn coverage(pair: &Pair, object: &ObjectInfo, local: &[Fields]) -> Vec<Coverage> {
    let mut found = Vec::new();
    for row in pair.active() {
        let ([app], [crm]) = (row.app.as_slice(), row.crm.as_slice()) else {
            continue;
        };
        let listed = object.field(crm.as_str()).filter(|field| has_list(field));
        let (Some(field), false) = (listed, row.flow.appends()) else {
            continue;
        };
        if row.flow.writes(Side::App) && can_be_tried(row, Side::App) {
            let all: BTreeSet<&str> = field.picklist.iter().map(String::as_str).collect();
            let goes = |value: &&str| {
                let chain = row.chain(Side::App);
                let cell = [of_kind(field.kind, value)];
                chain.apply(Side::App, &cell, &NoLookup).is_ok()
            };
            found.push(of(row, field, Side::App.other(), &all, goes));
        }
        if row.flow.writes(Side::Crm) && can_be_tried(row, Side::Crm) && !local.is_empty() {
            let values: BTreeSet<String> = local.iter().flat_map(|it| parts(it.get(app))).collect();
            let all: BTreeSet<&str> = values.iter().map(String::as_str).collect();
            let goes = |value: &&str| {
                let chain = row.chain(Side::Crm);
                let cell = [of_kind(pair.app_kind(app), value)];
                let sent = chain.apply(Side::Crm, &cell, &NoLookup);
                sent.is_ok_and(|sent| takes(field, &sent))
            };
            found.push(of(row, field, Side::App, &all, goes));
        }
    }
    found
}

fn of(
    row: &Row,
    field: &FieldInfo,
    from: Side,
    all: &BTreeSet<&str>,
    goes: impl Fn(&&str) -> bool,
) -> Coverage {
    let without = all.iter().filter(|value| !goes(value));
    Coverage {
        row: row.id,
        field: field.name.clone(),
        from,
        values: all.len(),
        lacking: without.clone().count(),
        without: without.take(NAMED).map(|v| (*v).to_owned()).collect(),
    }
}

fn has_list(field: &FieldInfo) -> bool {
    let kind = matches!(field.kind, FieldKind::Picklist | FieldKind::MultiPicklist);
    kind && !field.picklist.is_empty()
}

/// What other records say cannot be tried here.
fn can_be_tried(row: &Row, toward: Side) -> bool {
    let looks_up = |step: &Step| matches!(step, Step::Link(_) | Step::User | Step::UserOr(_));
    !row.chain(toward).0.iter().any(looks_up)
}

fn of_kind(kind: FieldKind, value: &str) -> Value {
    match kind {
        FieldKind::MultiPicklist => Value::Set(vec![value.to_owned()]),
        _ => Value::text(value),
    }
}

/// The values of a field of a record, each for itself.
fn parts(value: Option<&Value>) -> Vec<String> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Set(values)) => values.clone(),
        Some(value) => vec![value.to_string()],
    }
}

/// Whether a list takes what comes: one that is not restricted takes anything.
fn takes(field: &FieldInfo, sent: &[Value]) -> bool {
    let mut values = sent.iter().flat_map(|value| parts(Some(value)));
    !field.restricted || values.all(|value| field.picklist.contains(&value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::preset::preset;

    fn listed(values: &[&str], restricted: bool) -> ObjectInfo {
        let field = FieldInfo {
            restricted,
            picklist: values.iter().map(|v| (*v).to_owned()).collect(),
            ..FieldInfo::new("Status", FieldKind::Picklist, 40)
        };
        ObjectInfo {
            name: "Lead".into(),
            label: "Lead".into(),
            createable: true,
            updateable: true,
            deletable: true,
            triggerable: true,
            fields: [(field.name.clone(), field)].into(),
        }
    }

    fn found(to_app: &str, to_crm: &str, object: &ObjectInfo, app: &[&str]) -> Vec<Vec<String>> {
        let mut pair = preset("whole-crm").unwrap().remove(0);
        pair.rows.truncate(1);
        let row = &mut pair.rows[0];
        (row.app, row.crm) = (vec!["status".into()], vec!["Status".into()]);
        row.flow = crate::domain::mapping::Flow::Both;
        row.to_app = to_app.parse().unwrap();
        row.to_crm = to_crm.parse().unwrap();
        let local = app
            .iter()
            .map(|value| Fields::from([("status".into(), Value::text(*value))]));
        let local: Vec<Fields> = local.collect();
        let all = coverage(&pair, object, &local);
        all.into_iter().map(|it| it.without).collect()
    }

    #[test]
    fn values_without_a_place_are_named_on_either_side() {
        let object = listed(&["Open", "Won", "Lost"], true);
        let map = r#"map("Open" = "open", "Won" = "won")"#;
        let back = r#"map("open" = "Open", "won" = "Wonn")"#;
        let got = found(map, back, &object, &["open", "won", "odd", "odd"]);
        assert_eq!(got, [vec!["Lost"], vec!["odd", "won"]]);
        let rest = r#"map("Open" = "open", * = "other")"#;
        assert_eq!(found(rest, "", &object, &[]), [Vec::<String>::new()]);
        let any = listed(&["Open"], false);
        assert_eq!(found("", "", &any, &["odd"])[1], Vec::<String>::new());
    }
}
