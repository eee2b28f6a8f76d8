//! The data API: which resource answers a path (salesforce-api section 2).
//!
//! Reads take the org's lock shared, writes take it alone; composite calls [`dispatch`] again for
//! each part.

use axum::http::Method;
use serde_json::{Map, Value as Json, json};

use super::{
    Call, Reply, about, blobs, collections, composite, describe, form, graph, many, query, recent,
    relations, replication, rows, search,
};
use crate::sandbox::{
    dml::{Actor, Assign, Duplicates, Reported, Told},
    fail::Fail,
    ids::SfId,
    org::Org,
    schema::ObjIx,
    server::Server,
    soql::{Asker, Scope},
};

/// Who asks, with which version, when.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub server: &'a Server,
    /// `67.0`
    pub version: &'static str,
    pub user: SfId,
    pub now: i64,
    pub assign: Assign,
    pub duplicates: Duplicates,
}

impl Context<'_> {
    /// The one who saves.
    pub fn actor(&self) -> Actor {
        Actor {
            user: self.user,
            now: self.now,
            lengths: self.server.options.lengths,
            assign: self.assign,
            duplicates: self.duplicates,
            version: self.version,
        }
    }
    /// The one who asks a query.
    pub fn asker(&self) -> Asker {
        Asker::user(self.user, self.now, self.number())
    }
    /// The version's number.
    pub fn number(&self) -> u16 {
        self.version
            .split('.')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(about::NEWEST)
    }
}

/// Whether assignment rules run for a call: they do unless it says no.
pub fn assign_of(call: &Call) -> Assign {
    match call.header("sforce-auto-assign") {
        Some(text) if text.eq_ignore_ascii_case("false") => Assign::Skip,
        _ => Assign::Run,
    }
}

/// What a call says about duplicates.
pub fn duplicates_of(call: &Call) -> Duplicates {
    let header = call.header("sforce-duplicate-rule-header");
    let text = header.unwrap_or_default().to_ascii_lowercase();
    let says = |option: &str| {
        let mut parts = text.split([',', ';']);
        parts.any(|part| part.replace(' ', "") == option)
    };
    Duplicates {
        reported: match says("allowsave=true") {
            true => Reported::Save,
            false => Reported::Refuse,
        },
        told: match says("includerecorddetails=true") {
            true => Told::Records,
            false => Told::Ids,
        },
    }
}

/// Answers a call with the lock it needs.
pub fn answer(context: &Context<'_>, call: &Call, path: &[&str]) -> Reply {
    let turned = match form::received(call, path) {
        Ok(turned) => turned,
        Err(fail) => return Reply::fail(&fail),
    };
    let call = turned.as_ref().unwrap_or(call);
    let method = match call.param("_HttpMethod") {
        Some(name) if call.method == Method::POST => {
            Method::from_bytes(name.as_bytes()).unwrap_or(Method::POST)
        }
        _ => call.method.clone(),
    };
    if writes(&method, path) {
        let mut org = context.server.org_mut();
        let mark = org.savepoint();
        let reply = write(context, &mut org, call, &method, path);
        if reply.is_err() {
            org.rollback(mark);
        }
        org.commit();
        return reply.into();
    }
    read(context, &context.server.org(), call, path, &method).into()
}

/// Answers a part of a composite request under the caller's lock, without committing.
pub fn dispatch(context: &Context<'_>, org: &mut Org, call: &Call, path: &[&str]) -> Reply {
    match writes(&call.method, path) {
        true => write(context, org, call, &call.method, path).into(),
        false => read(context, org, call, path, &call.method).into(),
    }
}

fn writes(method: &Method, path: &[&str]) -> bool {
    let retrieves = *method == Method::POST
        && matches!(path, ["composite", "sobjects", _] | ["parameterizedSearch"]);
    !retrieves && *method != Method::GET && *method != Method::HEAD
}

fn read(
    context: &Context<'_>,
    org: &Org,
    call: &Call,
    path: &[&str],
    method: &Method,
) -> Result<Reply, Fail> {
    if *method == Method::POST
        && let ["composite", "sobjects", object] = path
    {
        return collections::retrieve(context, org, call, object_of(org, object)?);
    }
    if *method == Method::POST && path == ["parameterizedSearch"] {
        return search::parameterized(context, org, call);
    }
    match path {
        [] => Ok(about::resources(context)),
        ["limits"] => Ok(about::limits(context, org)),
        ["limits", "recordCount"] => Ok(about::record_count(org, call)),
        ["search"] => search::search(context, org, call),
        ["parameterizedSearch"] => search::parameterized(context, org, call),
        ["recent"] => recent::recent(context, org, call),
        ["tabs"] => Ok(recent::tabs(context, org)),
        ["query"] => query::first(context, org, call, Scope::Live),
        ["queryAll"] => query::first(context, org, call, Scope::WithDeleted),
        ["query" | "queryAll", locator] => query::more(context, org, locator),
        ["composite"] => Ok(Reply::json(
            200,
            &json!({
                "batch": format!("/services/data/v{}/composite/batch", context.version),
                "graph": format!("/services/data/v{}/composite/graph", context.version),
                "sobjects": format!("/services/data/v{}/composite/sobjects", context.version),
                "tree": format!("/services/data/v{}/composite/tree", context.version),
            }),
        )),
        ["composite", "sobjects", object] => {
            collections::retrieve(context, org, call, object_of(org, object)?)
        }
        ["sobjects"] => Ok(describe::conditional(call, org, || {
            describe::global(context, org)
        })),
        ["sobjects", object] => Ok(describe::basic(context, org, object_of(org, object)?)),
        ["sobjects", object, "describe"] => {
            let object = object_of(org, object)?;
            Ok(describe::conditional(call, org, || {
                describe::full(context, org, object)
            }))
        }
        ["sobjects", object, "updated"] => {
            replication::updated(context, org, call, object_of(org, object)?)
        }
        ["sobjects", object, "deleted"] => {
            replication::deleted(context, org, call, object_of(org, object)?)
        }
        ["sobjects", object, id] => rows::get(context, org, call, object_of(org, object)?, id),
        ["sobjects", object, field, value] => {
            let object = object_of(org, object)?;
            if let Some(bytes) = blobs::download(org, object, field, value) {
                return bytes;
            }
            match relations::follow(org, object, field, value) {
                Some(over) => relations::read(context, org, call, over?),
                None => rows::get_by_key(context, org, call, object, field, value),
            }
        }
        _ => Err(Fail::not_found()),
    }
}

fn write(
    context: &Context<'_>,
    org: &mut Org,
    call: &Call,
    method: &Method,
    path: &[&str],
) -> Result<Reply, Fail> {
    let kind = call.header("content-type").unwrap_or("application/json");
    let lower = kind.to_ascii_lowercase();
    let multipart = matches!(path, ["sobjects", ..]) && lower.starts_with("multipart/form-data");
    if !call.body.is_empty() && !lower.contains("json") && !multipart {
        return Err(Fail::new(
            "UNSUPPORTED_MEDIA_TYPE",
            format!("Content-Type not supported: {kind}"),
        )
        .status(415));
    }
    if matches!(path, ["composite", "sobjects", ..]) {
        since(context, 42)?;
    }
    match (method.as_str(), path) {
        ("POST", ["composite"]) => composite::run(context, org, call),
        ("POST", ["composite", "batch"]) => many::batch(context, org, call),
        ("POST", ["composite", "graph"]) => graph::graph(context, org, call),
        ("POST", ["composite", "tree", object]) => {
            let object = object_of(org, object)?;
            many::tree(context, org, call, object)
        }
        ("POST", ["composite", "sobjects"]) => collections::create(context, org, call),
        ("PATCH", ["composite", "sobjects"]) => collections::update(context, org, call),
        ("DELETE", ["composite", "sobjects"]) => collections::delete(context, org, call),
        ("PATCH", ["composite", "sobjects", object, field]) => {
            since(context, 46)?;
            let object = object_of(org, object)?;
            collections::upsert(context, org, call, object, field)
        }
        ("POST", ["sobjects", object] | ["sobjects", object, "Id"]) => {
            let object = object_of(org, object)?;
            rows::create(context, org, call, object)
        }
        ("PATCH", ["sobjects", object, id] | ["sobjects", object, "Id", id]) => {
            let object = object_of(org, object)?;
            rows::update(context, org, call, object, id)
        }
        ("DELETE", ["sobjects", object, id]) => {
            let object = object_of(org, object)?;
            rows::delete(context, org, object, id)
        }
        ("PATCH" | "DELETE", ["sobjects", object, field, value]) => {
            let object = object_of(org, object)?;
            if let Some(over) = relations::follow(org, object, field, value) {
                return relations::write(context, org, call, method, over?);
            }
            match *method == Method::PATCH {
                true => rows::upsert(context, org, call, object, field, value),
                false => rows::delete_by_key(context, org, object, field, value),
            }
        }
        (
            _,
            ["query" | "queryAll" | "limits" | "recent" | "search" | "tabs"]
            | ["sobjects"]
            | ["sobjects", _, "describe"],
        ) => Err(not_allowed(method, "HEAD,GET")),
        (_, ["sobjects", _]) => Err(not_allowed(method, "HEAD,GET,POST")),
        (_, ["sobjects", _, _]) => Err(not_allowed(method, "HEAD,GET,PATCH,DELETE")),
        _ => Err(Fail::not_found()),
    }
}

fn not_allowed(method: &Method, allowed: &str) -> Fail {
    Fail::new(
        "METHOD_NOT_ALLOWED",
        format!("HTTP Method '{method}' not allowed. Allowed are {allowed}"),
    )
    .status(405)
}

/// Refuses a resource that came with a later version.
fn since(context: &Context<'_>, version: u16) -> Result<(), Fail> {
    match context.number() >= version {
        true => Ok(()),
        false => Err(Fail::not_found()),
    }
}

/// The object a path names.
fn object_of(org: &Org, name: &str) -> Result<ObjIx, Fail> {
    org.schema.object(name).ok_or_else(Fail::not_found)
}

/// The JSON object of a body.
pub fn body_of(call: &Call) -> Result<Map<String, Json>, Fail> {
    match serde_json::from_slice(&call.body) {
        Ok(Json::Object(map)) => Ok(map),
        Ok(_) => Err(Fail::json(
            "Unexpected token: the body must be a JSON object at [line:1, column:1]",
        )),
        Err(error) => Err(Fail::json(format!(
            "Unexpected character or end of input at [line:{}, column:{}]",
            error.line(),
            error.column()
        ))),
    }
}
