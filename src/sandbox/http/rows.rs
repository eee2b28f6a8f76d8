//! One record: create, read, update, delete, by id and by external id (salesforce-api 2.5).

use serde_json::{Value as Json, json};

use super::{
    Call, Reply,
    blobs::body_of,
    condition::{Condition, condition, etag, precondition_failed},
    recent,
    rest::Context,
};
use crate::sandbox::{
    automation::sees,
    dml::{self, Body},
    fail::Fail,
    ids::SfId,
    org::{Org, Record, Row},
    schema::{FieldIx, ObjIx, Slot},
    soql::{Columns, columns_of, write_record},
    time,
    value::Ref,
};

/// `POST /sobjects/{Obj}`
pub fn create(
    context: &Context<'_>,
    org: &mut Org,
    call: &Call,
    object: ObjIx,
) -> Result<Reply, Fail> {
    let id = dml::create(org, &context.actor(), object, &body_of(call)?)?;
    recent::note_if_asked(context, call, id);
    Ok(created(context, org, object, id, None))
}

fn created(
    context: &Context<'_>,
    org: &Org,
    object: ObjIx,
    id: SfId,
    marker: Option<bool>,
) -> Reply {
    let mut body = json!({"id": id.to_string(), "success": true, "errors": []});
    if let Some(created) = marker {
        body["created"] = json!(created);
    }
    let name = &org.schema.at(object).name;
    Reply::json(201, &body).header(
        "Location",
        format!("/services/data/v{}/sobjects/{name}/{id}", context.version),
    )
}

/// The row of an id given in a path.
fn row_of(org: &Org, object: ObjIx, id: &str) -> Result<Row, Fail> {
    let Some(id) = SfId::parse(id) else {
        let label = &org.schema.at(object).label;
        return Err(Fail::new(
            "MALFORMED_ID",
            format!("{label} ID: id value of incorrect type: {id}"),
        )
        .on("Id"));
    };
    match org.find(id) {
        Some((found, row)) if found == object => Ok(row),
        _ => Err(Fail::not_found()),
    }
}

/// `GET /sobjects/{Obj}/{id}`
pub fn get(
    context: &Context<'_>,
    org: &Org,
    call: &Call,
    object: ObjIx,
    id: &str,
) -> Result<Reply, Fail> {
    let row = row_of(org, object, id)?;
    send(context, org, call, object, dml::live(org, object, row)?)
}

fn send(
    context: &Context<'_>,
    org: &Org,
    call: &Call,
    object: ObjIx,
    record: &Record,
) -> Result<Reply, Fail> {
    let tag = tag_of(org, object, record);
    match condition(call, record.modified, tag.as_deref())? {
        Condition::NotModified => return Ok(Reply::empty(304)),
        Condition::Failed => return Err(precondition_failed()),
        Condition::Met => {}
    }
    let columns = chosen(context, org, object, call.param("fields"))?;
    let mut out = Vec::with_capacity(1024);
    write_record(&mut out, org, object, record, &columns, context.version);
    recent::note_if_asked(context, call, record.id);
    let reply = Reply::bytes(200, out).header("Last-Modified", time::http_date(record.modified));
    Ok(match tag {
        Some(tag) => reply.header("ETag", tag),
        None => reply,
    })
}

/// Only accounts have one.
fn tag_of(org: &Org, object: ObjIx, record: &Record) -> Option<String> {
    (org.schema.at(object).name == "Account").then(|| etag(record))
}

/// The columns of a `fields=` list; all fields without one. `Id` is always there.
pub fn chosen(
    context: &Context<'_>,
    org: &Org,
    object: ObjIx,
    list: Option<&str>,
) -> Result<Columns, Fail> {
    let fields = org.schema.at(object);
    let seen = |ix: &FieldIx| sees(org, Some(context.user), object, fields.at(*ix));
    let Some(list) = list else {
        let all: Vec<FieldIx> = fields.each().map(|(ix, _)| ix).filter(seen).collect();
        return Ok(columns_of(&org.schema, object, &all));
    };
    let mut out: Vec<FieldIx> = Vec::new();
    for name in list.split(',').map(str::trim).filter(|n| !n.is_empty()) {
        let ix = fields.field(name).filter(seen).ok_or_else(|| {
            Fail::new(
                "INVALID_FIELD",
                format!("No such column '{name}' on sobject of type {}", fields.name),
            )
        })?;
        if !out.contains(&ix) {
            out.push(ix);
        }
    }
    if let Some(id) = fields.field("Id").filter(|ix| !out.contains(ix)) {
        out.push(id);
    }
    Ok(columns_of(&org.schema, object, &out))
}

/// `PATCH /sobjects/{Obj}/{id}`
pub fn update(
    context: &Context<'_>,
    org: &mut Org,
    call: &Call,
    object: ObjIx,
    id: &str,
) -> Result<Reply, Fail> {
    let row = row_of(org, object, id)?;
    update_row(context, org, call, object, row, &body_of(call)?)?;
    Ok(Reply::empty(204))
}

fn update_row(
    context: &Context<'_>,
    org: &mut Org,
    call: &Call,
    object: ObjIx,
    row: Row,
    body: &Body,
) -> Result<(), Fail> {
    let record = dml::live(org, object, row)?;
    let (id, tag) = (record.id, tag_of(org, object, record));
    recent::note_if_asked(context, call, id);
    match condition(call, record.modified, tag.as_deref())? {
        Condition::Met => dml::update(org, &context.actor(), object, row, body),
        Condition::NotModified | Condition::Failed => Err(precondition_failed()),
    }
}

/// `DELETE /sobjects/{Obj}/{id}`
pub fn delete(
    context: &Context<'_>,
    org: &mut Org,
    object: ObjIx,
    id: &str,
) -> Result<Reply, Fail> {
    let row = row_of(org, object, id).map_err(|fail| match fail.code {
        "NOT_FOUND" => {
            Fail::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id").status(404)
        }
        _ => fail,
    })?;
    dml::delete(org, &context.actor(), object, row)?;
    Ok(Reply::empty(204))
}

/// The field that is the key of an upsert.
pub fn key_field(org: &Org, object: ObjIx, name: &str) -> Result<FieldIx, Fail> {
    let fields = org.schema.at(object);
    let found = fields
        .field(name)
        .filter(|ix| fields.at(*ix).external_id() || fields.at(*ix).slot == Slot::Id);
    found.ok_or_else(|| {
        Fail::new(
            "NOT_FOUND",
            format!("Provided external ID field does not exist or is not accessible: {name}"),
        )
        .status(404)
    })
}

/// The live rows with a key.
pub fn rows_with(org: &Org, object: ObjIx, field: FieldIx, value: &str) -> Vec<Row> {
    org.with_value(object, field, Ref::Text(value))
        .unwrap_or_default()
}

fn ambiguous(context: &Context<'_>, org: &Org, object: ObjIx, rows: &[Row]) -> Reply {
    let name = &org.schema.at(object).name;
    let urls: Vec<Json> = rows
        .iter()
        .filter_map(|row| org.table(object).row(*row))
        .map(|r| {
            json!(format!(
                "/services/data/v{}/sobjects/{name}/{}",
                context.version, r.id
            ))
        })
        .collect();
    Reply::json(300, &Json::Array(urls))
}

/// `GET /sobjects/{Obj}/{Ext}/{value}`
pub fn get_by_key(
    context: &Context<'_>,
    org: &Org,
    call: &Call,
    object: ObjIx,
    field: &str,
    value: &str,
) -> Result<Reply, Fail> {
    let ix = key_field(org, object, field)?;
    if org.schema.at(object).at(ix).slot == Slot::Id {
        return get(context, org, call, object, value);
    }
    match rows_with(org, object, ix, value).as_slice() {
        [] => Err(Fail::not_found()),
        [row] => send(context, org, call, object, dml::live(org, object, *row)?),
        many => Ok(ambiguous(context, org, object, many)),
    }
}

/// `DELETE /sobjects/{Obj}/{Ext}/{value}`
pub fn delete_by_key(
    context: &Context<'_>,
    org: &mut Org,
    object: ObjIx,
    field: &str,
    value: &str,
) -> Result<Reply, Fail> {
    let ix = key_field(org, object, field)?;
    if org.schema.at(object).at(ix).slot == Slot::Id {
        return delete(context, org, object, value);
    }
    match rows_with(org, object, ix, value).as_slice() {
        [] => Err(Fail::not_found()),
        [row] => {
            dml::delete(org, &context.actor(), object, *row)?;
            Ok(Reply::empty(204))
        }
        many => Ok(ambiguous(context, org, object, many)),
    }
}

/// What an upsert did.
pub enum Upserted {
    Created(SfId),
    Updated(SfId),
    Ambiguous(Vec<Row>),
}

/// Creates or updates the record with a key.
pub fn upsert_one(
    context: &Context<'_>,
    org: &mut Org,
    call: &Call,
    object: ObjIx,
    ix: FieldIx,
    value: &str,
    body: &Body,
) -> Result<Upserted, Fail> {
    let name = org.schema.at(object).at(ix).name.clone();
    if body.keys().any(|k| k.eq_ignore_ascii_case(&name)) {
        return Err(Fail::new(
            "INVALID_FIELD",
            format!("The {name} field should not be specified in the sobject data."),
        ));
    }
    match rows_with(org, object, ix, value).as_slice() {
        [] if call.param("updateOnly") == Some("true") => Err(Fail::not_found()),
        [] => {
            let mut body = body.clone();
            body.insert(name, json!(value));
            dml::create(org, &context.actor(), object, &body).map(Upserted::Created)
        }
        [row] => {
            let id = dml::live(org, object, *row)?.id;
            update_row(context, org, call, object, *row, body)?;
            Ok(Upserted::Updated(id))
        }
        many => Ok(Upserted::Ambiguous(many.to_vec())),
    }
}

/// `PATCH /sobjects/{Obj}/{Ext}/{value}`
pub fn upsert(
    context: &Context<'_>,
    org: &mut Org,
    call: &Call,
    object: ObjIx,
    field: &str,
    value: &str,
) -> Result<Reply, Fail> {
    let ix = key_field(org, object, field)?;
    if org.schema.at(object).at(ix).slot == Slot::Id {
        return update(context, org, call, object, value);
    }
    let tells = context.number() >= 46;
    Ok(
        match upsert_one(context, org, call, object, ix, value, &body_of(call)?)? {
            Upserted::Created(id) => created(context, org, object, id, tells.then_some(true)),
            Upserted::Updated(id) if tells => Reply::json(
                200,
                &json!({"id": id.to_string(), "success": true, "errors": [], "created": false}),
            ),
            Upserted::Updated(_) => Reply::empty(204),
            Upserted::Ambiguous(rows) => ambiguous(context, org, object, &rows),
        },
    )
}
