//! The data API: versions, limits, and which resource answers a path (salesforce-api section 2).
//!
//! Reads take the org's lock shared, writes take it alone; composite calls [`dispatch`] again for
//! each part.

use axum::http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Call, Reply, collections, composite, describe, query, rows};
use crate::sandbox::{
    dml::Actor, fail::Fail, ids::SfId, org::Org, schema::ObjIx, server::Server, soql::Scope, time,
};

const OLDEST: u16 = 31;
const NEWEST: u16 = 68;

/// Who asks, with which version, when.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub server: &'a Server,
    /// `67.0`
    pub version: &'static str,
    pub user: SfId,
    pub now: i64,
}

impl Context<'_> {
    /// The one who saves.
    pub fn actor(&self) -> Actor {
        Actor {
            user: self.user,
            now: self.now,
            lengths: self.server.options.lengths,
        }
    }
    /// The version's number.
    pub fn number(&self) -> u16 {
        self.version
            .split('.')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(NEWEST)
    }
}

const NAMES: [&str; 38] = [
    "31.0", "32.0", "33.0", "34.0", "35.0", "36.0", "37.0", "38.0", "39.0", "40.0", "41.0", "42.0",
    "43.0", "44.0", "45.0", "46.0", "47.0", "48.0", "49.0", "50.0", "51.0", "52.0", "53.0", "54.0",
    "55.0", "56.0", "57.0", "58.0", "59.0", "60.0", "61.0", "62.0", "63.0", "64.0", "65.0", "66.0",
    "67.0", "68.0",
];

/// The version a path names.
pub fn version(segment: &str) -> Result<&'static str, Fail> {
    if segment == "latest" {
        return Ok(NAMES[NAMES.len() - 1]);
    }
    let number = segment
        .strip_prefix('v')
        .and_then(|v| v.strip_suffix(".0"))
        .and_then(|n| n.parse::<u16>().ok());
    match number {
        Some(n) if (OLDEST..=NEWEST).contains(&n) => Ok(NAMES[usize::from(n - OLDEST)]),
        Some(n) if (7..OLDEST).contains(&n) => Err(Fail::new(
            "GONE",
            "The requested version has been retired. Please use a supported version.",
        )
        .status(410)),
        _ => Err(Fail::not_found()),
    }
}

/// `GET /services/data/`
pub fn versions() -> Reply {
    let list: Vec<Json> = NAMES
        .iter()
        .zip(OLDEST..)
        .map(|(version, n)| {
            // 31 is Summer '14; three releases a year: Spring, Summer, Winter.
            let season = ["Summer", "Winter", "Spring"][usize::from(n - 31) % 3];
            let year = 14 + (n - 31).div_ceil(3);
            json!({"label": format!("{season} '{year}"), "url": format!("/services/data/v{version}"), "version": version})
        })
        .collect();
    Reply::json(200, &Json::Array(list))
}

/// Answers a call with the lock it needs.
pub fn answer(context: &Context<'_>, call: &Call, path: &[&str]) -> Reply {
    let method = match call.param("_HttpMethod") {
        Some(name) if call.method == Method::POST => {
            Method::from_bytes(name.as_bytes()).unwrap_or(Method::POST)
        }
        _ => call.method.clone(),
    };
    if writes(&method, path) {
        let mut org = context.server.org_mut();
        let reply = write(context, &mut org, call, &method, path);
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
    let retrieves = *method == Method::POST && matches!(path, ["composite", "sobjects", _]);
    !retrieves && [Method::POST, Method::PATCH, Method::DELETE].contains(method)
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
    if *method != Method::GET && *method != Method::HEAD {
        return Err(not_allowed(method, "HEAD,GET"));
    }
    match path {
        [] => Ok(resources(context)),
        ["limits"] => Ok(limits(context)),
        ["limits", "recordCount"] => Ok(record_count(org, call)),
        ["query"] => query::first(context, org, call, Scope::Live),
        ["queryAll"] => query::first(context, org, call, Scope::WithDeleted),
        ["query" | "queryAll", locator] => query::more(context, org, locator),
        ["composite"] => Ok(Reply::json(
            200,
            &json!({
                "sobjects": format!("/services/data/v{}/composite/sobjects", context.version),
            }),
        )),
        ["composite", "sobjects", object] => {
            collections::retrieve(context, org, call, object_of(org, object)?)
        }
        ["sobjects"] => Ok(describe::global(context, org)),
        ["sobjects", object] => Ok(describe::basic(context, org, object_of(org, object)?)),
        ["sobjects", object, "describe"] => {
            let object = object_of(org, object)?;
            Ok(describe::conditional(context, call, || {
                describe::full(context, org, object)
            }))
        }
        ["sobjects", object, "updated"] => {
            rows::updated(context, org, call, object_of(org, object)?)
        }
        ["sobjects", object, "deleted"] => {
            rows::deleted(context, org, call, object_of(org, object)?)
        }
        ["sobjects", object, id] => rows::get(context, org, call, object_of(org, object)?, id),
        ["sobjects", object, field, value] => {
            rows::get_by_key(context, org, call, object_of(org, object)?, field, value)
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
    if !call.body.is_empty() && !kind.to_ascii_lowercase().contains("json") {
        return Err(Fail::new(
            "UNSUPPORTED_MEDIA_TYPE",
            format!("Content-Type not supported: {kind}"),
        )
        .status(415));
    }
    match (method.as_str(), path) {
        ("POST", ["composite"]) => composite::run(context, org, call),
        ("POST", ["composite", "sobjects"]) => collections::create(context, org, call),
        ("PATCH", ["composite", "sobjects"]) => collections::update(context, org, call),
        ("DELETE", ["composite", "sobjects"]) => collections::delete(context, org, call),
        ("PATCH", ["composite", "sobjects", object, field]) => {
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
        ("PATCH", ["sobjects", object, field, value]) => {
            let object = object_of(org, object)?;
            rows::upsert(context, org, call, object, field, value)
        }
        ("DELETE", ["sobjects", object, field, value]) => {
            let object = object_of(org, object)?;
            rows::delete_by_key(context, org, object, field, value)
        }
        (_, ["query"] | ["queryAll"] | ["limits"] | ["sobjects"] | ["sobjects", _, "describe"]) => {
            Err(not_allowed(method, "HEAD,GET"))
        }
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

fn resources(context: &Context<'_>) -> Reply {
    let base = format!("/services/data/v{}", context.version);
    let mut map = Map::new();
    for name in ["sobjects", "query", "queryAll", "limits", "composite"] {
        map.insert(name.to_owned(), json!(format!("{base}/{name}")));
    }
    let org = context.server.options.org_id();
    map.insert(
        "identity".into(),
        json!(format!(
            "{}/id/{org}/{}",
            context.server.url(),
            context.user
        )),
    );
    Reply::json(200, &Json::Object(map))
}

fn limits(context: &Context<'_>) -> Reply {
    let (used, max) = context.server.allowance.state();
    let entry = |max: u64, used: u64| json!({"Max": max, "Remaining": max.saturating_sub(used)});
    Reply::json(
        200,
        &json!({
            "DailyApiRequests": entry(max, used),
            "DailyBulkApiBatches": entry(15_000, 0),
            "DailyBulkV2QueryFileStorageMB": entry(976_562, 0),
            "DailyBulkV2QueryJobs": entry(10_000, 0),
            "DataStorageMB": entry(1024, 40),
            "FileStorageMB": entry(1024, 2),
            "HourlyPublishedPlatformEvents": entry(50_000, 0),
            "SingleEmail": entry(5000, 0),
        }),
    )
}

fn record_count(org: &Org, call: &Call) -> Reply {
    let wanted: Vec<&str> = call
        .param("sObjects")
        .map(|l| l.split(',').map(str::trim).collect())
        .unwrap_or_default();
    let list: Vec<Json> = org
        .schema
        .each()
        .filter(|(_, o)| {
            wanted.is_empty() || wanted.iter().any(|w| w.eq_ignore_ascii_case(&o.name))
        })
        .map(|(ix, o)| json!({"count": org.table(ix).live(), "name": o.name}))
        .collect();
    Reply::json(200, &json!({"sObjects": list}))
}

/// What a conditional request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Met,
    NotModified,
    Failed,
}

/// Checks `If-Modified-Since` and `If-Unmodified-Since` against a time in whole seconds
/// (salesforce-api 2.1). A date that cannot be read is ignored on reads and refused on writes.
pub fn condition(call: &Call, modified: i64) -> Result<Condition, Fail> {
    let date = |name: &str| match call.header(name) {
        None => Ok(None),
        Some(text) => match time::parse_http_date(text) {
            Some(at) => Ok(Some(at)),
            None if call.method == Method::GET => Ok(None),
            None => Err(Fail::new(
                "INVALID_HEADER_VALUE",
                format!("{name}: invalid date"),
            )),
        },
    };
    if let Some(since) = date("if-unmodified-since")?
        && modified > since
    {
        return Ok(Condition::Failed);
    }
    if let Some(since) = date("if-modified-since")?
        && modified <= since
    {
        return Ok(
            match call.method == Method::GET || call.method == Method::HEAD {
                true => Condition::NotModified,
                false => Condition::Failed,
            },
        );
    }
    Ok(Condition::Met)
}

/// The answer to a condition that does not hold.
pub fn precondition_failed() -> Fail {
    Fail::new(
        "PRECONDITION_FAILED",
        "The record was modified after the time given in the request header.",
    )
    .status(412)
}
