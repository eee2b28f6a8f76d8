//! The API port: every request passes here, is recorded, struck by faults, and answered.
//!
//! Which resource answers is decided in [`rest`] and in [`super::oauth`]. Bodies are read whole,
//! up to 200 MB.

mod about;
mod blobs;
mod collections;
mod columns;
mod composite;
mod condition;
pub mod cursor;
mod describe;
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

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use bytes::Bytes;

use super::{
    audit::{Billing, Seen, body_text, kind_of},
    bulk,
    fail::Fail,
    faults::FaultKind,
    oauth,
    server::Server,
    time::http_date,
};
pub use blobs::body_of as multipart_or_json;
use listen::Wire;
pub use query::whole as whole_query;
pub use reply::{Content, Reply};
pub use rest::{Context, body_of as json_body};
pub use rows::{Upserted, key_field, upsert_one};
use strike::{Turn, early_answer, hang_up, no_calls_left, no_session, too_many_at_once, truncated};

const LIMIT: usize = 200 * 1024 * 1024;
/// Bytes of path and query (salesforce-api 2.1).
const LONGEST_URI: usize = 16_384;

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
        }
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
    let target = match query {
        "" => path.to_owned(),
        _ => format!("{path}?{}", decode(&query.replace('+', " "))),
    };
    let turn = Turn::take(&server);
    let strikes = server.faults().strike(parts.method.as_str(), &target);
    for strike in &strikes {
        if let FaultKind::Delay { ms } = strike {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
    }
    let call = Call::new(
        parts.method.clone(),
        path,
        query,
        parts.headers.clone(),
        body,
    );
    if !strikes.is_empty() && strikes.contains(&FaultKind::ExpireSession) {
        server.oauth().expire(bearer(&call));
    }
    let crowded = turn.is_over(&server) && path.starts_with("/services/data/");
    let early = match crowded {
        true => Some(Reply::fail(&too_many_at_once())),
        false => strikes
            .iter()
            .find_map(|strike| early_answer(strike, &parts.method)),
    };
    let (reply, billing) = match early {
        Some(reply) => (reply, Billing::Free),
        None => answer(&server, &call).await,
    };
    let ends = strikes
        .iter()
        .any(|s| matches!(s, FaultKind::DropBefore | FaultKind::DropAfter));
    let status = (!ends).then_some(reply.status);
    record(
        &server,
        &parts,
        &call,
        &strikes,
        status,
        reply.content.len(),
        billing,
    );
    if ends {
        return hang_up(wire.as_ref());
    }
    if strikes.contains(&FaultKind::Truncate) {
        return truncated(send(&server, reply)).await;
    }
    let reply = pretty(&call, reply);
    match strikes.is_empty() {
        true => send(&server, pack::pack(&parts.headers, reply)),
        false => send(&server, reply),
    }
}

/// Spreads JSON over lines if the call asks for that.
fn pretty(call: &Call, mut reply: Reply) -> Reply {
    if call.header("x-prettyprint") == Some("1")
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
        ["services", "data"] => (about::versions(), Billing::Free),
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
    let version = match about::version(version) {
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
        return (Reply::fail(&no_calls_left()), Billing::Counted);
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
    let mut reply = reply.header("Sforce-Limit-Info", format!("api-usage={used}/{max}"));
    if let Some(warning) = about::warning(context.number()) {
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
    let known = about::version(&format!("v{version}"));
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

fn record(
    server: &Server,
    parts: &Parts,
    call: &Call,
    strikes: &[FaultKind],
    status: Option<u16>,
    response_bytes: usize,
    billing: Billing,
) {
    let path = parts.uri.path();
    let kept = |name: &str| {
        name.starts_with("if-")
            || name.starts_with("sforce-")
            || matches!(name, "accept" | "user-agent" | "content-type")
    };
    let headers: BTreeMap<String, String> = parts
        .headers
        .iter()
        .filter(|(name, _)| kept(name.as_str()))
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let open = path.starts_with("/services/data");
    let query = parts
        .uri
        .query()
        .filter(|_| open)
        .map(|q| decode(&q.replace('+', " ")));
    let seen = Seen {
        number: 0,
        at_ms: server.clock.now_ms(),
        method: parts.method.to_string(),
        path: path.to_owned(),
        query,
        kind: kind_of(&parts.method, path),
        status,
        headers,
        body: body_text(&call.body).filter(|_| open),
        response_bytes,
        faults: strikes.iter().map(FaultKind::name).collect(),
    };
    server.audit().add(seen, billing);
}
