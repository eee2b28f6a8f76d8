//! Records as rows of a table: what bulk queries send.

use super::write::{Columns, Shape, translated};
use crate::sandbox::{
    org::{Org, Record},
    schema::Slot,
    time::stamp_text,
    value::Ref,
};

/// Whether every column is one value, over parents or not.
pub fn is_flat(columns: &Columns) -> bool {
    columns.0.iter().all(|column| match &column.shape {
        Shape::Value { .. } | Shape::Computed(_) | Shape::Missing => true,
        Shape::Parent { columns, .. } => is_flat(columns),
        Shape::Blob { .. } | Shape::Address(_) | Shape::Children { .. } => false,
    })
}

/// The names of the columns: `Owner.Name` over a parent.
pub fn flat_names(columns: &Columns) -> Vec<String> {
    let mut out = Vec::new();
    for column in &columns.0 {
        match &column.shape {
            Shape::Parent { columns, .. } => {
                let below = flat_names(columns);
                out.extend(below.iter().map(|name| format!("{}.{name}", column.name)));
            }
            _ => out.push(column.name.clone()),
        }
    }
    out
}

/// The values of a record; null is empty, and instants end with `Z`.
pub fn flat_values(org: &Org, record: &Record, columns: &Columns) -> Vec<String> {
    let mut out = Vec::new();
    for column in &columns.0 {
        match &column.shape {
            Shape::Value {
                slot: Slot::Sort, ..
            } => {
                let object = org.schema.of_prefix(record.id.prefix());
                let sort = object.map_or(Ref::Null, |object| org.sort_of(object, record));
                out.push(text(sort));
            }
            Shape::Value {
                slot: Slot::Called, ..
            } => {
                let object = org.schema.of_prefix(record.id.prefix());
                let name = object.map_or(Ref::Null, |object| org.name_of(object, record));
                out.push(text(name));
            }
            Shape::Value { ix, slot } => out.push(text(record.get(*ix, *slot))),
            Shape::Computed(route) => out.push(text(route.value(org, record))),
            Shape::Parent {
                hop,
                slot,
                target,
                columns,
                ..
            } => {
                let id = record.get(*hop, *slot).as_id();
                match id.and_then(|id| org.record(id)) {
                    Some((object, parent)) if object == *target => {
                        out.extend(flat_values(org, parent, columns));
                    }
                    Some((object, parent)) => {
                        let own = translated(org, object, columns);
                        out.extend(flat_values(org, parent, &own));
                    }
                    None => out.extend(flat_names(columns).iter().map(|_| String::new())),
                }
            }
            Shape::Missing | Shape::Blob { .. } | Shape::Address(_) | Shape::Children { .. } => {
                out.push(String::new());
            }
        }
    }
    out
}

fn text(value: Ref<'_>) -> String {
    match value {
        Ref::Null => String::new(),
        Ref::Text(text) => text.to_owned(),
        Ref::Id(id) => id.to_string(),
        Ref::Stamp(at) => stamp_text(at).replace("+0000", "Z"),
        other => {
            let mut out = Vec::new();
            other.write_json(&mut out);
            String::from_utf8_lossy(&out).trim_matches('"').to_owned()
        }
    }
}
