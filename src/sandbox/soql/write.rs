//! Records as JSON: what a query, a retrieve and a read by id send.
//!
//! Writes straight into the answer's buffer; keys are escaped once, when the columns are made.

use std::{collections::HashMap, sync::Arc};

use super::{
    ast::Path,
    names::{Names, Route},
};
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    org::{Org, Record, Row},
    schema::{FieldIx, Kind, ObjIx, Schema, Slot},
    time::DAY,
    value::{Ref, write_string},
};

/// One key of a record.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// A field that the record's object does not have: null.
    Missing,
    Value {
        ix: FieldIx,
        slot: Slot,
    },
    /// What a function makes of a field.
    Computed(Route),
    /// A file: its address, or null.
    Blob {
        ix: FieldIx,
        name: String,
    },
    /// An address and the fields it is made of.
    Address(Vec<(&'static str, FieldIx)>),
    Parent {
        hop: FieldIx,
        slot: Slot,
        target: ObjIx,
        called: Called,
        columns: Columns,
    },
    Children {
        object: ObjIx,
        /// By parent; one without children is missing.
        rows: Arc<HashMap<SfId, Vec<Row>>>,
        columns: Columns,
    },
}

/// What `attributes` call a parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    ByItsObject,
    /// One of several objects: the object behind all names.
    Name,
}

/// A key with its shape.
#[derive(Debug, Clone)]
pub struct Column {
    pub(super) name: String,
    /// `,"Name":`
    key: Vec<u8>,
    pub(super) shape: Shape,
}

/// The keys of a record in their order.
#[derive(Debug, Clone, Default)]
pub struct Columns(pub(super) Vec<Column>);

impl Columns {
    /// Adds a column; false when its name is there already.
    pub fn push(&mut self, column: Column) -> bool {
        let new = !self.0.iter().any(|c| c.name == column.name);
        if new {
            self.0.push(column);
        }
        new
    }
    /// The columns themselves.
    pub fn into_list(self) -> Vec<Column> {
        self.0
    }
}

fn column(name: &str, shape: Shape) -> Column {
    let mut key = vec![b','];
    write_string(&mut key, name);
    key.push(b':');
    Column {
        name: name.to_owned(),
        key,
        shape,
    }
}

fn field_column(schema: &Schema, object: ObjIx, ix: FieldIx) -> Column {
    let fields = schema.at(object);
    let field = fields.at(ix);
    let shape = match field.slot {
        Slot::Compound => Shape::Address(parts(schema, object, &field.name)),
        _ if field.kind == Kind::Base64 => Shape::Blob {
            ix,
            name: field.name.clone(),
        },
        slot => Shape::Value { ix, slot },
    };
    column(&field.name, shape)
}

/// A column for what a function makes of a field.
pub fn computed_column(name: &str, route: Route) -> Column {
    column(name, Shape::Computed(route))
}

/// A column for the rows of a child relationship.
pub fn child_column(
    name: &str,
    object: ObjIx,
    rows: HashMap<SfId, Vec<Row>>,
    columns: Columns,
) -> Column {
    let rows = Arc::new(rows);
    column(
        name,
        Shape::Children {
            object,
            rows,
            columns,
        },
    )
}

/// The fields of an address, by the key they have in it.
fn parts(schema: &Schema, object: ObjIx, compound: &str) -> Vec<(&'static str, FieldIx)> {
    const KEYS: [(&str, &str); 8] = [
        ("City", "city"),
        ("Country", "country"),
        ("GeocodeAccuracy", "geocodeAccuracy"),
        ("Latitude", "latitude"),
        ("Longitude", "longitude"),
        ("PostalCode", "postalCode"),
        ("State", "state"),
        ("Street", "street"),
    ];
    let prefix = compound.strip_suffix("Address").unwrap_or_default();
    let fields = schema.at(object);
    KEYS.iter()
        .filter_map(|(name, key)| Some((*key, fields.field(&format!("{prefix}{name}"))?)))
        .collect()
}

/// Columns for fields of an object.
pub fn columns_of(schema: &Schema, object: ObjIx, fields: &[FieldIx]) -> Columns {
    Columns(
        fields
            .iter()
            .map(|ix| field_column(schema, object, *ix))
            .collect(),
    )
}

/// Columns for all fields of an object.
pub fn all_fields(schema: &Schema, object: ObjIx) -> Columns {
    let all: Vec<FieldIx> = schema.at(object).each().map(|(ix, _)| ix).collect();
    columns_of(schema, object, &all)
}

/// Adds a selected path, whose names are known to be right.
///
/// An alias takes the place of the last name.
pub fn add_path(
    names: &Names<'_>,
    columns: &mut Columns,
    path: &Path,
    alias: Option<&str>,
) -> Result<(), Fail> {
    let parts = names.own_parts(path);
    add(names, columns, names.object, &parts, path, alias)
}

fn add(
    names: &Names<'_>,
    columns: &mut Columns,
    object: ObjIx,
    parts: &[String],
    path: &Path,
    alias: Option<&str>,
) -> Result<(), Fail> {
    let schema = &names.org.schema;
    match parts {
        [] => Ok(()),
        [last] => {
            let Some(ix) = schema.at(object).field(last) else {
                return Err(Fail::new(
                    "INVALID_FIELD",
                    format!("No such column '{last}'"),
                ));
            };
            let mut shown = field_column(schema, object, ix);
            if let Some(alias) = alias {
                shown = column(alias, shown.shape);
            }
            match columns.push(shown) {
                true => Ok(()),
                false => Err(Fail::new(
                    "INVALID_FIELD",
                    format!("duplicate field selected: {}", path.text()),
                )),
            }
        }
        [parent, rest @ ..] => {
            let (hop, target) = names.hop(object, parent, path.at)?;
            let field = schema.at(object).at(hop);
            let name = field.relationship().unwrap_or_default();
            let at = columns.0.iter().position(|c| c.name == name);
            let at = at.unwrap_or_else(|| {
                let shape = Shape::Parent {
                    hop,
                    slot: field.slot,
                    target,
                    called: match names.is_several(object, hop) {
                        true => Called::Name,
                        false => Called::ByItsObject,
                    },
                    columns: Columns::default(),
                };
                columns.0.push(column(&name, shape));
                columns.0.len() - 1
            });
            let Some(Shape::Parent { columns, .. }) = columns.0.get_mut(at).map(|c| &mut c.shape)
            else {
                return Ok(());
            };
            let [last] = rest else {
                return add(names, columns, target, rest, path, alias);
            };
            let own = schema.at(target).field(last);
            let shown = match (
                names.common(object, hop, last),
                schema.at(target).name_field(),
            ) {
                (Some(slot), Some(ix)) => Shape::Value { ix, slot },
                // Another of several objects has it.
                _ if own.is_none() && names.other(object, hop, last).is_some() => Shape::Missing,
                _ => return add(names, columns, target, rest, path, alias),
            };
            let name = match shown {
                Shape::Value {
                    slot: Slot::Sort, ..
                } => "Type",
                Shape::Value { .. } => "Name",
                _ => last,
            };
            match columns.push(column(alias.unwrap_or(name), shown)) {
                true => Ok(()),
                false => Err(Fail::new(
                    "INVALID_FIELD",
                    format!("duplicate field selected: {}", path.text()),
                )),
            }
        }
    }
}

/// How instants and days are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    Text,
    /// Milliseconds since 1970, as in the JSON of Bulk 1.
    Millis,
}

/// Appends a record as JSON with its `attributes`.
pub fn write_record(
    out: &mut Vec<u8>,
    org: &Org,
    object: ObjIx,
    record: &Record,
    columns: &Columns,
    version: &str,
) {
    write_dated(out, org, object, record, columns, version, Dates::Text);
}

/// [`write_record`] with dates of a kind.
pub fn write_dated(
    out: &mut Vec<u8>,
    org: &Org,
    object: ObjIx,
    record: &Record,
    columns: &Columns,
    version: &str,
    dates: Dates,
) {
    let how = (version, dates, Called::ByItsObject);
    write_called(out, org, object, record, columns, how);
}

fn write_called(
    out: &mut Vec<u8>,
    org: &Org,
    object: ObjIx,
    record: &Record,
    columns: &Columns,
    (version, dates, called): (&str, Dates, Called),
) {
    let name = &org.schema.at(object).name;
    out.extend_from_slice(br#"{"attributes":{"type":""#);
    out.extend_from_slice(match called {
        Called::ByItsObject => name.as_bytes(),
        Called::Name => b"Name",
    });
    out.extend_from_slice(br#"","url":"/services/data/v"#);
    out.extend_from_slice(version.as_bytes());
    out.extend_from_slice(b"/sobjects/");
    out.extend_from_slice(name.as_bytes());
    out.push(b'/');
    out.extend_from_slice(record.id.full().as_str().as_bytes());
    out.extend_from_slice(br#""}"#);
    for column in &columns.0 {
        out.extend_from_slice(&column.key);
        match &column.shape {
            Shape::Missing => out.extend_from_slice(b"null"),
            Shape::Value {
                slot: Slot::Sort, ..
            } => org.sort_of(object, record).write_json(out),
            Shape::Value {
                slot: Slot::Called, ..
            } => org.name_of(object, record).write_json(out),
            Shape::Value { ix, slot } => match (record.get(*ix, *slot), dates) {
                (Ref::Stamp(at), Dates::Millis) => Ref::Int(at * 1000).write_json(out),
                (Ref::Date(day), Dates::Millis) => {
                    Ref::Int(i64::from(day) * DAY * 1000).write_json(out);
                }
                (value, _) => value.write_json(out),
            },
            Shape::Computed(route) => route.value(org, record).write_json(out),
            Shape::Blob { ix, .. } if record.cell(*ix).is_null() => {
                out.extend_from_slice(b"null");
            }
            Shape::Blob { name: field, .. } => {
                let address = format!(
                    "/services/data/v{version}/sobjects/{name}/{}/{field}",
                    record.id
                );
                write_string(out, &address);
            }
            Shape::Address(parts) => write_address(out, record, parts),
            Shape::Children {
                object,
                rows,
                columns,
            } => {
                let table = org.table(*object);
                let rows = rows.get(&record.id).map_or(&[][..], Vec::as_slice);
                let children: Vec<&Record> =
                    rows.iter().filter_map(|row| table.row(*row)).collect();
                write_children(out, org, *object, &children, columns, version);
            }
            Shape::Parent {
                hop,
                slot,
                target,
                called,
                columns,
            } => {
                let how = (version, dates, *called);
                let id = record.get(*hop, *slot).as_id();
                match id.and_then(|id| org.record(id)) {
                    None => out.extend_from_slice(b"null"),
                    Some((object, parent)) if object == *target => {
                        write_called(out, org, object, parent, columns, how);
                    }
                    Some((object, parent)) => {
                        let own = translated(org, object, columns);
                        write_called(out, org, object, parent, &own, how);
                    }
                }
            }
        }
    }
    out.push(b'}');
}

fn write_children(
    out: &mut Vec<u8>,
    org: &Org,
    object: ObjIx,
    children: &[&Record],
    columns: &Columns,
    version: &str,
) {
    if children.is_empty() {
        out.extend_from_slice(b"null");
        return;
    }
    let head = format!(
        r#"{{"totalSize":{},"done":true,"records":["#,
        children.len()
    );
    out.extend_from_slice(head.as_bytes());
    for (i, child) in children.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_record(out, org, object, child, columns, version);
    }
    out.extend_from_slice(b"]}");
}

/// The same columns by name on another object: a queue where users were expected.
pub(super) fn translated(org: &Org, object: ObjIx, columns: &Columns) -> Columns {
    let fields = org.schema.at(object);
    let own = |c: &Column| match c.shape {
        Shape::Value {
            slot: Slot::Sort | Slot::Called,
            ..
        } => c.clone(),
        _ => match fields.field(&c.name) {
            Some(ix) => field_column(&org.schema, object, ix),
            None => column(&c.name, Shape::Missing),
        },
    };
    Columns(columns.0.iter().map(own).collect())
}

fn write_address(out: &mut Vec<u8>, record: &Record, parts: &[(&'static str, FieldIx)]) {
    if parts.iter().all(|(_, ix)| record.cell(*ix) == Ref::Null) {
        out.extend_from_slice(b"null");
        return;
    }
    for (i, (key, ix)) in parts.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"{\"" } else { b",\"" });
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\":");
        record.cell(*ix).write_json(out);
    }
    out.push(b'}');
}
