//! What happens to a request besides its answer: faults, crowds, cut connections.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    body::Body,
    http::{HeaderValue, Method, header},
    response::Response,
};
use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::{Content, Reply, condition::precondition_failed, listen::Wire};
use crate::sandbox::{
    fail::Fail,
    faults::{FaultKind, Rows},
    server::Server,
};

/// A place among the requests under way, given back when it is dropped.
pub struct Turn {
    server: Arc<Server>,
    number: u64,
}

impl Turn {
    /// Takes a place.
    pub fn take(server: &Arc<Server>) -> Self {
        Self {
            number: server.under_way.fetch_add(1, Ordering::Relaxed) + 1,
            server: Arc::clone(server),
        }
    }
    /// Whether it is one too many.
    pub fn is_over(&self, server: &Server) -> bool {
        self.number > server.most_at_once.load(Ordering::Relaxed)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.server.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The fault of rows among some.
pub fn refused_rows(strikes: &[FaultKind]) -> Option<Rows> {
    strikes.iter().find_map(|strike| match strike {
        FaultKind::RefuseRows(rows) => Some(rows.clone()),
        _ => None,
    })
}

/// Says how many calls are used, and of how many.
pub fn limit_info(reply: Reply, (used, max): (u64, u64)) -> Reply {
    reply.header("Sforce-Limit-Info", format!("api-usage={used}/{max}"))
}

/// 403: too many at once.
pub fn too_many_at_once() -> Fail {
    Fail::new(
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    )
    .status(403)
}

/// Answers that take the place of the work.
pub fn early_answer(strike: &FaultKind, method: &Method, path: &str) -> Option<Reply> {
    Some(match strike {
        FaultKind::Status { status, body } => match body {
            Some(body) => Reply::json(*status, body),
            None if path.starts_with("/services/oauth2/") => sign_in_fails(*status),
            None => Reply::fail(&usual(*status)),
        },
        FaultKind::Html { status } => Reply::html(
            *status,
            "<html><head><title>Maintenance</title></head><body><h1>We are down for maintenance.</h1><p>Sorry for the inconvenience.</p></body></html>",
        ),
        FaultKind::Garbage => Reply {
            status: 200,
            content: Content::Json(b"{\"totalSize\":1,\"done\":tru\xff\xfe<".to_vec()),
            headers: Vec::new(),
        },
        FaultKind::ReadOnly if *method == Method::GET || *method == Method::HEAD => return None,
        FaultKind::ReadOnly => Reply::fail(&Fail::new(
            "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
            "The org is read-only during maintenance.",
        )),
        FaultKind::ConcurrentLimit => Reply::fail(&too_many_at_once()),
        FaultKind::Unauthorized => Reply::fail(&no_session()),
        FaultKind::DailyLimit => Reply::fail(&no_calls_left()),
        // The reply is not sent.
        FaultKind::DropBefore => Reply::empty(500),
        FaultKind::Truncate
        | FaultKind::Delay { .. }
        | FaultKind::Hold
        | FaultKind::DropAfter
        | FaultKind::ExpireSession
        | FaultKind::Late { .. }
        | FaultKind::Duplicate
        | FaultKind::RefuseRows(_)
        | FaultKind::ShortList
        | FaultKind::CloseCursors
        | FaultKind::SlowQuery { .. } => return None,
    })
}

/// What the sign-in service says with a status (salesforce-api 1.7).
fn sign_in_fails(status: u16) -> Reply {
    let (error, text) = match status {
        400 | 401 => ("invalid_grant", "expired access/refresh token"),
        503 => ("service_unavailable", "service unavailable"),
        _ => ("server_error", "server error"),
    };
    Reply::json(status, &json!({"error": error, "error_description": text}))
}

/// An answer whose list of results lacks the last.
pub fn shortened(mut reply: Reply) -> Reply {
    let Some(mut json) = reply.content.as_json().filter(|_| reply.status < 300) else {
        return reply;
    };
    let list = match &mut json {
        Json::Object(map) => ["compositeResponse", "results", "records"]
            .into_iter()
            .find(|key| map.contains_key(*key))
            .and_then(|key| map.get_mut(key)),
        other => Some(other),
    };
    if let Some(Json::Array(list)) = list {
        list.pop();
        reply.content = Content::Json(json.to_string().into_bytes());
    }
    reply
}

/// The answer of a query, unless it found too much to be in time (salesforce-api 4).
pub fn in_time(reply: Reply, most: u64) -> Reply {
    let found = reply.content.as_json();
    let found = found.and_then(|json| json.get("totalSize")?.as_u64());
    match found.is_some_and(|found| found > most) {
        true => Reply::fail(&Fail::new(
            "QUERY_TIMEOUT",
            "Your query request was running for too long.",
        )),
        false => reply,
    }
}

fn usual(status: u16) -> Fail {
    match status {
        401 => no_session(),
        403 => no_calls_left(),
        404 => Fail::not_found(),
        412 => precondition_failed(),
        503 => Fail::new("SERVER_UNAVAILABLE", "Server Unavailable").status(503),
        400 => Fail::new("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
        other => Fail::new(
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567-8901 (-123456789)",
        )
        .status(other),
    }
}

/// 401: no session.
pub fn no_session() -> Fail {
    Fail::new("INVALID_SESSION_ID", "Session expired or invalid").status(401)
}

/// 403: the allowance is used up.
pub fn no_calls_left() -> Fail {
    Fail::new("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").status(403)
}

fn failing(first: Option<Bytes>) -> Body {
    let end = Err(std::io::Error::new(
        std::io::ErrorKind::ConnectionReset,
        "dropped by a fault",
    ));
    Body::from_stream(futures::stream::iter(
        first.map(Ok).into_iter().chain([end]),
    ))
}

/// Ends the connection. Without a socket to end, the body fails when it is read.
pub fn hang_up(wire: Option<&Wire>) -> Response {
    if let Some(wire) = wire {
        wire.cut();
    }
    Response::new(failing(None))
}

/// Half of the body, announced as whole.
pub async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    Response::from_parts(parts, failing(Some(whole.slice(..whole.len() / 2))))
}
