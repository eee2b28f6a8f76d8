//! Saving the rows of a job.

use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};

use crate::sandbox::{
    dml,
    fail::Fail,
    http::{Call, Context, Upserted, key_field, upsert_one},
    ids::SfId,
    org::{Org, Row},
    schema::{Kind, ObjIx, Object, Slot},
};

/// What is done with each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Insert,
    Update,
    Upsert,
    Delete,
    HardDelete,
}

const OPERATIONS: [(Operation, &str); 5] = [
    (Operation::Insert, "insert"),
    (Operation::Update, "update"),
    (Operation::Upsert, "upsert"),
    (Operation::Delete, "delete"),
    (Operation::HardDelete, "hardDelete"),
];

impl Operation {
    /// The operation of a name.
    pub fn named(name: &str) -> Option<Self> {
        let found = OPERATIONS.iter().find(|(_, n)| *n == name);
        found.map(|(operation, _)| *operation)
    }
    /// Its name.
    pub fn name(self) -> &'static str {
        let found = OPERATIONS.iter().find(|(o, _)| *o == self);
        found.map_or("insert", |(_, name)| name)
    }
}

/// A record that was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    pub id: SfId,
    pub created: bool,
}

/// What a row came to; a refusal has the id the row named.
pub type Outcome = Result<Saved, (Option<SfId>, Fail)>;

/// A refusal as the results of a job show it.
pub fn error_text(fail: &Fail) -> String {
    format!(
        "{}:{}:{} --",
        fail.code,
        fail.message,
        fail.fields.join(",")
    )
}

/// Checks that an object has the columns of a header.
pub fn check_header(object: &Object, header: &[String]) -> Result<(), Fail> {
    let known = |name: &str| {
        let name = name.rsplit(':').next().unwrap_or(name);
        match name.split_once('.') {
            Some((parent, _)) => object.relationship(parent).is_some(),
            None => object.field(name).is_some(),
        }
    };
    match header.iter().find(|name| !known(name.trim())) {
        Some(name) => Err(Fail::new(
            "INVALIDBATCH",
            format!("InvalidBatch : Field name not found : {name}"),
        )),
        None => Ok(()),
    }
}

/// A row of a CSV as the body of a save: an empty value is left out, `#N/A` is null.
pub fn body(object: &Object, header: &[String], row: &[String]) -> Map<String, Json> {
    let mut out = Map::new();
    for (name, value) in header.iter().zip(row) {
        let json = match value.as_str() {
            "" => continue,
            "#N/A" => Json::Null,
            text => typed(object, name, text),
        };
        // `Lead:Who.Email` names the object of a reference to several.
        let name = name.trim().rsplit(':').next().unwrap_or(name);
        match name.split_once('.') {
            Some((parent, key)) => {
                out.insert(parent.to_owned(), json!({ key: json }));
            }
            None => {
                out.insert(name.to_owned(), json);
            }
        }
    }
    out
}

fn typed(object: &Object, name: &str, text: &str) -> Json {
    let kind = object.field(name.trim()).map(|ix| object.at(ix).kind);
    match (kind, text.to_ascii_lowercase().as_str()) {
        (Some(Kind::Boolean), "true" | "1" | "yes" | "y") => json!(true),
        (Some(Kind::Boolean), "false" | "0" | "no" | "n") => json!(false),
        _ => json!(text),
    }
}

/// Saves one row.
pub fn save(
    context: &Context<'_>,
    org: &mut Org,
    operation: Operation,
    object: ObjIx,
    key: Option<&str>,
    mut body: Map<String, Json>,
) -> Outcome {
    let mark = org.savepoint();
    let mut named = None;
    let saved = try_save(context, org, operation, object, key, &mut body, &mut named);
    saved.map_err(|fail| {
        org.rollback(mark);
        // Without a body of its own, a wrong type is a matter of one row.
        let fail = match fail.code {
            "JSON_PARSER_ERROR" => Fail::new("INVALID_TYPE_ON_FIELD_IN_RECORD", fail.message),
            "NOT_FOUND" => Fail::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
            _ => fail,
        };
        (named, fail)
    })
}

fn try_save(
    context: &Context<'_>,
    org: &mut Org,
    operation: Operation,
    object: ObjIx,
    key: Option<&str>,
    body: &mut Map<String, Json>,
    named: &mut Option<SfId>,
) -> Result<Saved, Fail> {
    let actor = context.actor();
    match operation {
        Operation::Insert => {
            let id = dml::create(org, &actor, object, body)?;
            Ok(Saved { id, created: true })
        }
        Operation::Upsert => {
            let ix = key_field(org, object, key.unwrap_or_default())?;
            let field = org.schema.at(object).at(ix);
            if field.slot == Slot::Id {
                if !body.keys().any(|k| k.eq_ignore_ascii_case("Id")) {
                    let id = dml::create(org, &actor, object, body)?;
                    return Ok(Saved { id, created: true });
                }
                let (id, row) = take_row(org, object, body, named)?;
                dml::update(org, &actor, object, row, body)?;
                return Ok(Saved { id, created: false });
            }
            let name = field.name.clone();
            let value = take(body, &name)
                .ok_or_else(|| Fail::new("MISSING_ARGUMENT", format!("{name} not specified")))?;
            let call = Call::new(Method::PATCH, "", "", HeaderMap::new(), Bytes::new());
            match upsert_one(context, org, &call, object, ix, &value, body)? {
                Upserted::Created(id) => Ok(Saved { id, created: true }),
                Upserted::Updated(id) => Ok(Saved { id, created: false }),
                Upserted::Ambiguous(_) => Err(Fail::new(
                    "DUPLICATE_EXTERNAL_ID",
                    format!("{name}: more than one record found for external id field"),
                )),
            }
        }
        Operation::Update => {
            let (id, row) = take_row(org, object, body, named)?;
            dml::update(org, &actor, object, row, body)?;
            Ok(Saved { id, created: false })
        }
        Operation::Delete | Operation::HardDelete => {
            let (id, row) = take_row(org, object, body, named)?;
            dml::delete(org, &actor, object, row)?;
            if operation == Operation::HardDelete {
                dml::hard_delete(org, object, row)?;
            }
            Ok(Saved { id, created: false })
        }
    }
}

/// Takes a value out of a body.
fn take(body: &mut Map<String, Json>, name: &str) -> Option<String> {
    let key = body
        .keys()
        .find(|k| k.eq_ignore_ascii_case(name))
        .cloned()?;
    match body.shift_remove(&key)? {
        Json::String(text) => Some(text),
        Json::Null => None,
        other => Some(other.to_string()),
    }
}

fn take_row(
    org: &Org,
    object: ObjIx,
    body: &mut Map<String, Json>,
    named: &mut Option<SfId>,
) -> Result<(SfId, Row), Fail> {
    let text = take(body, "Id")
        .ok_or_else(|| Fail::new("MISSING_ARGUMENT", "Id not specified in an update call"))?;
    let id = SfId::parse(&text)
        .ok_or_else(|| Fail::new("MALFORMED_ID", format!("malformed id {text}")).on("Id"))?;
    *named = Some(id);
    let found = org.find(id).filter(|(found, _)| *found == object);
    let (_, row) = found.ok_or_else(Fail::not_found)?;
    dml::live(org, object, row)?;
    Ok((id, row))
}
