//! Other composites (salesforce-api 2.7): batch and tree.

use std::collections::HashSet;

use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};

use super::{
    Call, Reply, about,
    rest::{Context, body_of, dispatch},
};
use crate::sandbox::{dml, fail::Fail, org::Org, schema::ObjIx};

/// Most requests of a batch.
const BATCH: usize = 25;
/// Most records of a tree, its levels, and the objects in it.
const TREE: usize = 200;
const LEVELS: usize = 5;
const KINDS: usize = 5;

fn too_many(text: impl Into<String>) -> Fail {
    Fail::new("LIMIT_EXCEEDED", text)
}

/// `POST /composite/batch`: each request by itself, each counted.
pub fn batch(context: &Context<'_>, org: &mut Org, call: &Call) -> Result<Reply, Fail> {
    let mut body = body_of(call)?;
    let halts = body.get("haltOnError") == Some(&Json::Bool(true));
    let Some(Json::Array(list)) = body.remove("batchRequests") else {
        return Err(Fail::json("The batchRequests list is missing"));
    };
    if list.is_empty() || list.len() > BATCH {
        return Err(too_many("Provide between 1 and 25 batch requests."));
    }
    let mut failed = false;
    let mut results = Vec::with_capacity(list.len());
    for request in &list {
        let reply = match failed && halts {
            true => Reply::fail(
                &Fail::new(
                    "BATCH_PROCESSING_HALTED",
                    "Batch processing halted per request",
                )
                .status(412),
            ),
            false => {
                // The call itself was counted already.
                context.server.allowance.count();
                let mark = org.savepoint();
                let reply = one(context, org, request).unwrap_or_else(|f| Reply::fail(&f));
                match reply.status >= 300 {
                    true => org.rollback(mark),
                    false => org.commit(),
                }
                reply
            }
        };
        failed |= reply.status >= 400;
        let result = reply.content.as_json().unwrap_or(Json::Null);
        results.push(json!({"statusCode": reply.status, "result": result}));
    }
    Ok(Reply::json(
        200,
        &json!({"hasErrors": failed, "results": results}),
    ))
}

fn one(context: &Context<'_>, org: &mut Org, request: &Json) -> Result<Reply, Fail> {
    let text = |name: &str| request.get(name).and_then(Json::as_str);
    let (Some(method), Some(url)) = (text("method"), text("url")) else {
        return Err(Fail::json("A batch request needs method and url"));
    };
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
        .map_err(|_| Fail::json(format!("{method} is not an HTTP method")))?;
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let body = match request.get("richInput") {
        Some(input) => Bytes::from(input.to_string()),
        None => Bytes::new(),
    };
    let path = path
        .trim_start_matches('/')
        .trim_start_matches("services/data/");
    let call = Call::new(method, path, query, HeaderMap::new(), body);
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let [version, rest @ ..] = segments.as_slice() else {
        return Err(Fail::not_found());
    };
    if matches!(rest, ["composite", "batch" | "graph"] | ["composite"]) {
        return Err(Fail::new(
            "INVALID_INPUT",
            "a batch cannot contain a composite",
        ));
    }
    let version = about::version(&context.server.versions, version)?;
    let context = Context {
        version,
        ..*context
    };
    Ok(dispatch(&context, org, &call, rest))
}

/// `POST /composite/tree/{Obj}`: records with their children, all or nothing.
pub fn tree(
    context: &Context<'_>,
    org: &mut Org,
    call: &Call,
    object: ObjIx,
) -> Result<Reply, Fail> {
    let mut body = body_of(call)?;
    let Some(Json::Array(list)) = body.remove("records") else {
        return Err(Fail::json("The records list is missing"));
    };
    let mut planting = Planting::default();
    let start = org.savepoint();
    for record in &list {
        planting.plant(context, org, object, record, None, 1)?;
    }
    if planting.errors.is_empty() {
        let body = json!({"hasErrors": false, "results": planting.made});
        return Ok(Reply::json(201, &body));
    }
    org.rollback(start);
    let body = json!({"hasErrors": true, "results": planting.errors});
    Ok(Reply::json(400, &body))
}

#[derive(Default)]
struct Planting {
    made: Vec<Json>,
    errors: Vec<Json>,
    count: usize,
    names: Vec<String>,
    kinds: HashSet<ObjIx>,
}

impl Planting {
    fn plant(
        &mut self,
        context: &Context<'_>,
        org: &mut Org,
        object: ObjIx,
        record: &Json,
        parent: Option<(&str, &str)>,
        level: usize,
    ) -> Result<(), Fail> {
        self.count += 1;
        self.kinds.insert(object);
        if self.kinds.len() > KINDS {
            return Err(too_many("A tree can have records of up to 5 objects."));
        }
        if level > LEVELS || self.count > TREE {
            return Err(too_many("A tree can have up to 200 records in 5 levels."));
        }
        let about = |name: &str| record.get("attributes")?.get(name)?.as_str();
        let Some(reference) = about("referenceId") else {
            return Err(Fail::new(
                "INVALID_INPUT",
                "Include a reference ID for each record in the request.",
            ));
        };
        if self.names.iter().any(|n| n == reference) {
            return Err(Fail::new(
                "INVALID_INPUT",
                format!("Duplicate ReferenceId provided in the request: {reference}"),
            ));
        }
        self.names.push(reference.to_owned());
        let schema = org.schema.clone();
        if about("type").is_some_and(|t| !t.eq_ignore_ascii_case(&schema.at(object).name)) {
            return Err(Fail::new(
                "INVALID_INPUT",
                "The type of a record does not fit its place.",
            ));
        }
        let mut fields = Map::new();
        let mut below = Vec::new();
        for (name, value) in record.as_object().into_iter().flatten() {
            let children = value.get("records").and_then(Json::as_array);
            match (schema.child_named(object, name), children) {
                (Some((child, _)), Some(list)) => below.push((child, list)),
                _ => {
                    fields.insert(name.clone(), value.clone());
                }
            }
        }
        if let Some((field, id)) = parent {
            fields.insert(field.to_owned(), json!(id));
        }
        let mark = org.savepoint();
        match dml::create(org, &context.actor(), object, &fields) {
            Ok(id) => {
                let id = id.to_string();
                self.made.push(json!({"referenceId": reference, "id": id}));
                for (child, list) in below {
                    let field = schema.at(child.object).at(child.field).name.clone();
                    for record in list {
                        let parent = Some((field.as_str(), id.as_str()));
                        self.plant(context, org, child.object, record, parent, level + 1)?;
                    }
                }
            }
            Err(fail) => {
                org.rollback(mark);
                let errors = [fail.record_body()];
                self.errors
                    .push(json!({"referenceId": reference, "errors": errors}));
            }
        }
        Ok(())
    }
}
