//! The API port: every request passes here, is recorded, struck by faults, and answered.
//!
//! Which resource answers is decided in [`rest`] and in [`super::oauth`]. Bodies are read whole,
//! up to 200 MB.

mod about;
mod asked;
mod blobs;
mod collections;
mod columns;
mod composite;
mod condition;
pub mod cursor;
mod describe;
mod form;
mod graph;
pub mod listen;
mod many;
mod pack;
mod query;
pub mod recent;
mod relations;
mod replication;
mod reply;
mod rest;
mod rows;
mod search;
mod strike;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use bytes::Bytes;

use super::{
    audit::Billing,
    bulk,
    fail::Fail,
    faults::{FaultKind, Rows},
    oauth,
    server::Server,
    time::http_date,
};
pub use about::Support;
use asked::{Asked, End};
pub use blobs::body_of as multipart_or_json;
use listen::Wire;
pub use query::whole as whole_query;
pub use reply::{Content, Reply};
pub use rest::{Context, body_of as json_body};
pub use rows::{Upserted, key_field, upsert_one};
use strike::{Turn, hang_up, limit_info, no_calls_left, no_session, refused_rows, truncated};

const LIMIT: usize = 200 * 1024 * 1024;
/// Bytes of path and query, and of these with all headers (salesforce-api 2.1).
const LONGEST_URI: usize = 16_384;
const LONGEST_HEAD: usize = 16_384;

/// The API of a server, for a socket or to be called in process.
pub fn router(server: Arc<Server>) -> Router {
    Router::new().fallback(entry).with_state(server)
}

/// A request with its parts decoded.
#[derive(Debug)]
pub struct Call {
    pub method: Method,
    /// Path segments, decoded.
    pub segments: Vec<String>,
    pub params: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// A fault of some of its rows.
    pub refused_rows: Option<Rows>,
}

impl Call {
    /// Cuts a target into segments and parameters.
    pub fn new(method: Method, path: &str, query: &str, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            method,
            segments: path
                .split('/')
                .filter(|s| !s.is_empty())
                .map(decode)
                .collect(),
            params: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers,
            body,
            refused_rows: None,
        }
    }
    /// Why a fault refuses a row of it, if it does.
    pub fn refusal(&self, row: usize) -> Option<Fail> {
        self.refused_rows.as_ref()?.refusal(row)
    }
    /// The first parameter of a name.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    /// The fields of a form body.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body)
            .into_owned()
            .collect()
    }
}

/// Undoes percent-encoding; what is not valid stays as it is.
fn decode(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|h| std::str::from_utf8(h).ok());
        match (bytes[at], hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

async fn entry(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let wire = parts
        .extensions
        .get::<ConnectInfo<Wire>>()
        .map(|info| info.0.clone());
    let Ok(body) = axum::body::to_bytes(body, LIMIT).await else {
        return send(&server, Reply::fail(&Fail::too_large()));
    };
    let body = match pack::unpack(&parts.headers, body, LIMIT) {
        Ok(body) => body,
        Err(fail) => return send(&server, Reply::fail(&fail)),
    };
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    if path.len() + query.len() > LONGEST_URI {
        return send(&server, Reply::html(414, "<h1>URI Too Long</h1>"));
    }
    let headers = parts.headers.iter();
    let head: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if path.len() + query.len() + head > LONGEST_HEAD {
        let page = "<h1>Request Header Fields Too Large</h1>";
        return send(&server, Reply::html(431, page));
    }
    let target = match query {
        "" => path.to_owned(),
        _ => format!("{path}?{}", decode(&query.replace('+', " "))),
    };
    let turn = Turn::take(&server);
    let strikes = server.faults().strike(parts.method.as_str(), &target);
    let mut call = Call {
        refused_rows: refused_rows(&strikes),
        ..Call::new(
            parts.method.clone(),
            path,
            query,
            parts.headers.clone(),
            body,
        )
    };
    let form = form::asked(&mut call);
    let (headers, struck) = (parts.headers.clone(), !strikes.is_empty());
    let truncates = strikes.contains(&FaultKind::Truncate);
    let asked = Asked {
        server: Arc::clone(&server),
        parts,
        call,
        strikes,
    };
    match asked.run(&turn).await {
        End::HungUp => hang_up(wire.as_ref()),
        End::Answered(reply) if truncates => {
            truncated(send(&server, form::told(&form, reply))).await
        }
        End::Answered(reply) => {
            let reply = form::told(&form, pretty(&headers, reply));
            match struck {
                true => send(&server, reply),
                false => send(&server, pack::pack(&headers, reply)),
            }
        }
    }
}

/// Spreads JSON over lines if the call asks for that.
fn pretty(headers: &HeaderMap, mut reply: Reply) -> Reply {
    if headers.get("x-prettyprint").is_some_and(|v| v == "1")
        && let Some(json) = reply.content.as_json()
        && let Ok(text) = serde_json::to_vec_pretty(&json)
    {
        reply.content = Content::Json(text);
    }
    reply
}

/// The access token of a request.
pub fn bearer(call: &Call) -> Option<&str> {
    let (scheme, token) = call.header("authorization")?.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("Bearer") || scheme.eq_ignore_ascii_case("OAuth");
    known.then(|| token.trim())
}

async fn answer(server: &Arc<Server>, call: &Call) -> (Reply, Billing) {
    let path: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["services", "data"] => (about::versions(&server.versions), Billing::Free),
        ["services", "data", version, rest @ ..] => data(server, call, version, rest),
        ["services", "async", version, rest @ ..] => asynchronous(server, call, version, rest),
        _ => (
            oauth::answer(server, call, bearer(call), &path).await,
            Billing::Free,
        ),
    }
}

fn data(server: &Arc<Server>, call: &Call, version: &str, rest: &[&str]) -> (Reply, Billing) {
    if let Some(host) = server.elsewhere(call.header("host").unwrap_or_default()) {
        let path = call.segments.join("/");
        let mut reply = Reply::redirect(format!("{host}/{path}"));
        reply.status = 301;
        return (reply, Billing::Free);
    }
    let version = match about::version(&server.versions, version) {
        Ok(version) => version,
        Err(fail) => return (Reply::fail(&fail), Billing::Free),
    };
    if call.header("authorization").is_some() && bearer(call).is_none() {
        let fail = Fail::new("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE").status(401);
        return (Reply::fail(&fail), Billing::Free);
    }
    let now = server.clock.now();
    let session = bearer(call).and_then(|token| server.oauth().session(token, now));
    let Some(session) = session else {
        return (Reply::fail(&no_session()), Billing::Free);
    };
    if !session.may_use_api() {
        let fail = Fail::new(
            "INVALID_SESSION_ID",
            "This session is not valid for use with the REST API",
        )
        .status(401);
        return (Reply::fail(&fail), Billing::Free);
    }
    let (used, max) = server.allowance.count();
    if used > max {
        let reply = Reply::fail(&no_calls_left());
        return (limit_info(reply, (max, max)), Billing::Counted);
    }
    let context = rest::Context {
        server,
        version,
        user: session.user,
        now,
        assign: rest::assign_of(call),
        duplicates: rest::duplicates_of(call),
    };
    let reply = match rest {
        ["jobs"] => bulk::ingest::resources(&context),
        ["jobs", "ingest", rest @ ..] => bulk::ingest::answer(server, &context, call, rest).into(),
        ["jobs", "query", rest @ ..] => bulk::query::answer(server, &context, call, rest).into(),
        _ => rest::answer(&context, call, rest),
    };
    let mut reply = limit_info(reply, (used, max));
    if let Some(warning) = server.versions.warning(context.number()) {
        reply = reply.header("Warning", warning.to_owned());
    }
    (reply, Billing::Counted)
}

/// Bulk 1, which has a session header and errors of its own.
fn asynchronous(
    server: &Arc<Server>,
    call: &Call,
    version: &str,
    rest: &[&str],
) -> (Reply, Billing) {
    let now = server.clock.now();
    let token = bulk::one::token(call).or_else(|| bearer(call));
    let session = token.and_then(|token| server.oauth().session(token, now));
    let known = about::version(&server.versions, &format!("v{version}"));
    let (Some(session), Ok(number)) = (session, known) else {
        return (bulk::told::session_error(call), Billing::Free);
    };
    let (used, max) = server.allowance.count();
    if used > max {
        return (Reply::fail(&no_calls_left()), Billing::Counted);
    }
    let context = Context {
        server,
        version: number,
        user: session.user,
        now,
        assign: rest::assign_of(call),
        duplicates: rest::duplicates_of(call),
    };
    (
        bulk::one::answer(&context, call, version, rest),
        Billing::Counted,
    )
}

/// An answer as HTTP, with the org's date.
pub fn send(server: &Server, reply: Reply) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Ok(date) = HeaderValue::from_str(&http_date(server.clock.now())) {
        headers.insert(header::DATE, date);
    }
    let kind = reply.content.media_type().map(HeaderValue::from_str);
    if let Some(Ok(kind)) = kind {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    for (name, value) in &reply.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name.clone(), value);
        }
    }
    *response.body_mut() = Body::from(reply.content.into_bytes());
    response
}
