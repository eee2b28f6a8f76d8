//! sObject Collections: up to 200 records in one call, with a result for each (salesforce-api 2.7).

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json, json};

use super::{
    Call, Reply,
    rest::{Context, body_of},
    rows::{Upserted, chosen, key_field, upsert_one},
};
use crate::sandbox::{
    dml::{self, Body},
    fail::Fail,
    ids::SfId,
    org::Org,
    schema::ObjIx,
    soql::write_record,
};

const MOST: usize = 200;

/// Whether one bad record takes the others back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Together {
    AllOrNone,
    Each,
}

struct Good {
    id: SfId,
    created: Option<bool>,
}

/// Runs one step for each record and makes the answer.
fn each<T>(
    org: &mut Org,
    call: &Call,
    together: Together,
    items: Vec<T>,
    mut step: impl FnMut(&mut Org, T) -> Result<Good, Fail>,
) -> Result<Reply, Fail> {
    let start = org.savepoint();
    let mut results = Vec::with_capacity(items.len());
    for (place, item) in items.into_iter().enumerate() {
        let mark = org.savepoint();
        let result = match call.refusal(place) {
            Some(fail) => Err(fail),
            None => step(org, item),
        };
        if let Err(fail) = &result {
            org.rollback(mark);
            // A value of the wrong JSON type spoils the whole body.
            if fail.code == "JSON_PARSER_ERROR" {
                org.rollback(start);
                return Err(fail.clone());
            }
        }
        results.push(result);
    }
    let undone = together == Together::AllOrNone && results.iter().any(Result::is_err);
    if undone {
        org.rollback(start);
    }
    let list = results
        .into_iter()
        .map(|result| match result {
            Ok(_) if undone => failed(&Fail::new(
                "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                "Record rolled back because not all records were valid and the request was using AllOrNone header",
            )),
            Ok(Good { id, created }) => {
                let mut json = json!({"id": id.to_string(), "success": true, "errors": []});
                if let Some(created) = created {
                    json["created"] = json!(created);
                }
                json
            }
            Err(fail) => failed(&fail),
        })
        .collect();
    Ok(Reply::json(200, &Json::Array(list)))
}

fn failed(fail: &Fail) -> Json {
    json!({"success": false, "errors": [fail.record_body()]})
}

fn together(flag: Option<&Json>) -> Together {
    match flag {
        Some(Json::Bool(true)) => Together::AllOrNone,
        Some(Json::String(text)) if text == "true" => Together::AllOrNone,
        _ => Together::Each,
    }
}

/// A record as it was sent, with its object if there is such a one.
type Sent = (Result<ObjIx, Fail>, Body);

/// The records of a body with their objects.
fn records(org: &Org, mut body: Map<String, Json>) -> Result<(Together, Vec<Sent>), Fail> {
    let together = together(body.get("allOrNone"));
    let Some(Json::Array(list)) = body.remove("records") else {
        return Err(Fail::json("The records list is missing"));
    };
    if list.len() > MOST {
        return Err(Fail::new(
            "EXCEEDED_ID_LIMIT",
            "record limit reached. cannot submit more than 200 records into this call",
        ));
    }
    let mut out = Vec::with_capacity(list.len());
    let mut runs = 0;
    let mut before: Option<String> = None;
    for item in list {
        let Json::Object(record) = item else {
            return Err(Fail::json("Each record must be a JSON object"));
        };
        let Some(name) = record
            .get("attributes")
            .and_then(|a| a.get("type"))
            .and_then(Json::as_str)
        else {
            return Err(Fail::new(
                "INVALID_INPUT",
                "Include an entity type in the attributes of each record",
            ));
        };
        if before.as_deref() != Some(name) {
            runs += 1;
            before = Some(name.to_owned());
        }
        out.push((
            org.schema.object(name).ok_or_else(|| Fail::no_type(name)),
            record,
        ));
    }
    match runs > 10 {
        true => Err(Fail::new(
            "LIMIT_EXCEEDED",
            "Cannot have more than 10 chunks per operation. Rearrange the data to reduce chunking.",
        )),
        false => Ok((together, out)),
    }
}

/// `POST /composite/sobjects`
pub fn create(context: &Context<'_>, org: &mut Org, call: &Call) -> Result<Reply, Fail> {
    let (together, records) = records(org, body_of(call)?)?;
    each(org, call, together, records, |org, (object, body)| {
        let id = dml::create(org, &context.actor(), object?, &body)?;
        Ok(Good { id, created: None })
    })
}

fn in_a_list(fail: Fail) -> Fail {
    match fail.code {
        "NOT_FOUND" => Fail::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        _ => fail,
    }
}

/// Takes the id out of a record.
fn take_id(record: &mut Body) -> Result<SfId, Fail> {
    let key = record
        .keys()
        .find(|k| k.eq_ignore_ascii_case("Id"))
        .cloned();
    let value = key.and_then(|k| record.shift_remove(&k));
    let Some(text) = value.as_ref().and_then(Json::as_str) else {
        return Err(Fail::new(
            "MISSING_ARGUMENT",
            "Id not specified in an update call",
        ));
    };
    SfId::parse(text)
        .ok_or_else(|| Fail::new("MALFORMED_ID", format!("malformed id {text}")).on("Id"))
}

/// `PATCH /composite/sobjects`
pub fn update(context: &Context<'_>, org: &mut Org, call: &Call) -> Result<Reply, Fail> {
    let (together, records) = records(org, body_of(call)?)?;
    let mut seen = HashSet::new();
    each(org, call, together, records, |org, (object, mut body)| {
        let object = object?;
        let id = take_id(&mut body)?;
        if !seen.insert(id) {
            return Err(Fail::new(
                "DUPLICATE_VALUE",
                format!("duplicate id specified: {id}"),
            ));
        }
        let row = org
            .find(id)
            .filter(|(found, _)| *found == object)
            .map(|(_, row)| row);
        let row = row.ok_or_else(|| in_a_list(Fail::not_found()))?;
        dml::update(org, &context.actor(), object, row, &body)?;
        Ok(Good { id, created: None })
    })
}

/// `DELETE /composite/sobjects?ids=`
pub fn delete(context: &Context<'_>, org: &mut Org, call: &Call) -> Result<Reply, Fail> {
    let ids: Vec<String> = call
        .param("ids")
        .map(|list| {
            list.split(',')
                .map(|t| t.trim().to_owned())
                .filter(|t| !t.is_empty())
                .collect()
        })
        .unwrap_or_default();
    if ids.is_empty() || ids.len() > MOST {
        return Err(Fail::new(
            "EXCEEDED_ID_LIMIT",
            "between 1 and 200 ids are needed in this call",
        ));
    }
    let together = match call.param("allOrNone") {
        Some(text) if text.eq_ignore_ascii_case("true") => Together::AllOrNone,
        _ => Together::Each,
    };
    each(org, call, together, ids, |org, text| {
        let id = SfId::parse(&text)
            .ok_or_else(|| Fail::new("MALFORMED_ID", format!("malformed id {text}")))?;
        let (object, row) = org.find(id).ok_or_else(|| in_a_list(Fail::not_found()))?;
        dml::delete(org, &context.actor(), object, row)?;
        Ok(Good { id, created: None })
    })
}

/// `PATCH /composite/sobjects/{Obj}/{Ext}`
pub fn upsert(
    context: &Context<'_>,
    org: &mut Org,
    call: &Call,
    object: ObjIx,
    field: &str,
) -> Result<Reply, Fail> {
    let ix = key_field(org, object, field)?;
    let name = org.schema.at(object).at(ix).name.clone();
    let (together, records) = records(org, body_of(call)?)?;
    let by_id = name == "Id";
    let mut items = Vec::with_capacity(records.len());
    let mut times: HashMap<String, usize> = HashMap::new();
    for (kind, mut body) in records {
        if kind != Ok(object) {
            return Err(Fail::new(
                "INVALID_TYPE",
                "all records of an upsert must be of the type in the path",
            ));
        }
        let key = body.keys().find(|k| k.eq_ignore_ascii_case(&name)).cloned();
        let value = key
            .and_then(|k| body.shift_remove(&k))
            .and_then(|v| match v {
                Json::String(text) => Some(text),
                Json::Number(n) => Some(n.to_string()),
                _ => None,
            });
        if let Some(value) = &value {
            *times.entry(value.clone()).or_default() += 1;
        }
        items.push((value, body));
    }
    each(org, call, together, items, |org, (value, body)| {
        let Some(value) = value.filter(|v| !v.is_empty()) else {
            return Err(Fail::new(
                "MISSING_ARGUMENT",
                format!("{name} not specified"),
            ));
        };
        if times.get(&value).is_some_and(|n| *n > 1) {
            return Err(Fail::new(
                "DUPLICATE_VALUE",
                format!("Duplicate external id specified: {value}"),
            )
            .on(&name));
        }
        if by_id {
            let id = SfId::parse(&value)
                .ok_or_else(|| Fail::new("MALFORMED_ID", format!("malformed id {value}")))?;
            let (_, row) = org
                .find(id)
                .filter(|(o, _)| *o == object)
                .ok_or_else(|| in_a_list(Fail::not_found()))?;
            dml::update(org, &context.actor(), object, row, &body)?;
            return Ok(Good {
                id,
                created: Some(false),
            });
        }
        match upsert_one(context, org, call, object, ix, &value, &body)? {
            Upserted::Created(id) => Ok(Good {
                id,
                created: Some(true),
            }),
            Upserted::Updated(id) => Ok(Good {
                id,
                created: Some(false),
            }),
            Upserted::Ambiguous(_) => Err(Fail::new(
                "DUPLICATE_EXTERNAL_ID",
                format!("{name}: more than one record found for external id field"),
            )
            .on(&name)),
        }
    })
}

/// `GET /composite/sobjects/{Obj}?ids=&fields=` and the same as POST.
pub fn retrieve(
    context: &Context<'_>,
    org: &Org,
    call: &Call,
    object: ObjIx,
) -> Result<Reply, Fail> {
    let (ids, fields) = match call.body.is_empty() {
        true => {
            let list = |name: &str| -> Vec<String> {
                call.param(name)
                    .map(|l| l.split(',').map(|t| t.trim().to_owned()).collect())
                    .unwrap_or_default()
            };
            (list("ids"), list("fields"))
        }
        false => {
            let body = body_of(call)?;
            let list = |name: &str| -> Vec<String> {
                let items = body.get(name).and_then(Json::as_array);
                items
                    .map(|l| {
                        l.iter()
                            .filter_map(Json::as_str)
                            .map(str::to_owned)
                            .collect()
                    })
                    .unwrap_or_default()
            };
            (list("ids"), list("fields"))
        }
    };
    if ids.len() > 2000 {
        return Err(Fail::new(
            "EXCEEDED_ID_LIMIT",
            "no more than 2000 ids can be retrieved in one call",
        ));
    }
    if fields.is_empty() || ids.is_empty() {
        return Err(Fail::new(
            "MISSING_ARGUMENT",
            "ids and fields must be specified",
        ));
    }
    let columns = chosen(context, org, object, Some(&fields.join(",")))?;
    let mut out = b"[".to_vec();
    for (i, text) in ids.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        let id = SfId::parse(text)
            .ok_or_else(|| Fail::new("MALFORMED_ID", format!("malformed id {text}")))?;
        match org
            .record(id)
            .filter(|(found, r)| *found == object && !r.deleted)
        {
            Some((_, record)) => {
                write_record(&mut out, org, object, record, &columns, context.version)
            }
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b']');
    Ok(Reply::bytes(200, out))
}
