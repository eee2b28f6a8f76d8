//! What was asked of the server: counters by kind and the latest requests, for assertions.
//!
//! Invariant: no secret is kept; requests to the OAuth endpoints are kept without query and body,
//! and the header that carries the token never.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

const KEPT: usize = 10_000;
const BODY: usize = 16_384;

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// Counts from 1.
    pub number: u64,
    /// The server's clock, milliseconds.
    pub at_ms: i64,
    /// Of HTTP: `1.1` or `2`.
    pub http: &'static str,
    pub method: String,
    pub path: String,
    /// Decoded, none for OAuth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What sort of call it is, as counted.
    pub kind: &'static str,
    /// Of the answer; none when the connection was dropped.
    pub status: Option<u16>,
    /// Headers that steer the API (`If-*`, `Sforce-*`, `Accept`, `User-Agent`).
    pub headers: BTreeMap<String, String>,
    /// The start of a data body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    pub response_bytes: usize,
    /// Faults that were injected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<&'static str>,
}

/// How many of a kind.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counters {
    /// Requests of any kind.
    pub requests: u64,
    /// Calls that count against the allowance.
    pub calls: u64,
    pub by_kind: BTreeMap<&'static str, u64>,
    pub by_status: BTreeMap<u16, u64>,
}

/// The record of requests.
#[derive(Debug, Default)]
pub struct Audit {
    counters: Counters,
    seen: VecDeque<Seen>,
}

/// Whether a request counts against the allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Billing {
    Counted,
    Free,
}

impl Audit {
    /// Keeps a request; its number is set here.
    pub fn add(&mut self, mut seen: Seen, billing: Billing) {
        self.counters.requests += 1;
        if billing == Billing::Counted {
            self.counters.calls += 1;
        }
        *self.counters.by_kind.entry(seen.kind).or_default() += 1;
        if let Some(status) = seen.status {
            *self.counters.by_status.entry(status).or_default() += 1;
        }
        seen.number = self.counters.requests;
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back(seen);
    }
    /// The counters.
    pub fn counters(&self) -> Counters {
        self.counters.clone()
    }
    /// The latest requests after a number, oldest first.
    pub fn since(&self, number: u64) -> Vec<Seen> {
        self.seen
            .iter()
            .filter(|s| s.number > number)
            .cloned()
            .collect()
    }
    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The part of a body that is kept.
pub fn body_text(body: &[u8]) -> Option<String> {
    if body.is_empty() {
        return None;
    }
    Some(String::from_utf8_lossy(&body[..body.len().min(BODY)]).into_owned())
}

/// What sort of call a request is.
pub fn kind_of(method: &http::Method, path: &str) -> &'static str {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let data = match segments.as_slice() {
        ["services", "oauth2", what, ..] => {
            return match *what {
                "authorize" => "authorize",
                "token" => "token",
                "revoke" => "revoke",
                "introspect" => "introspect",
                "userinfo" => "userinfo",
                _ => "other",
            };
        }
        ["id", ..] => return "identity",
        ["services", "async", ..] => return "bulk_one",
        ["services", "data"] => return "versions",
        ["services", "data", _, rest @ ..] => rest,
        _ => return "other",
    };
    match (method.as_str(), data) {
        (_, []) => "resources",
        (_, ["limits", "recordCount"]) => "record_count",
        (_, ["limits", ..]) => "limits",
        (_, ["query", _]) | (_, ["queryAll", _]) => "query_more",
        (_, ["query"]) => "query",
        (_, ["queryAll"]) => "query_all",
        (_, ["sobjects"]) => "describe_global",
        (_, ["sobjects", _, "describe", ..]) => "describe",
        (_, ["sobjects", _, "updated"]) => "get_updated",
        (_, ["sobjects", _, "deleted"]) => "get_deleted",
        ("POST", ["sobjects", ..]) => "create",
        ("PATCH", ["sobjects", _, _, _]) => "upsert",
        ("PATCH", ["sobjects", ..]) => "update",
        ("DELETE", ["sobjects", ..]) => "delete",
        (_, ["sobjects", ..]) => "retrieve",
        ("POST", ["composite", "sobjects"]) => "collections_create",
        ("PATCH", ["composite", "sobjects"]) => "collections_update",
        ("PATCH", ["composite", "sobjects", ..]) => "collections_upsert",
        ("DELETE", ["composite", "sobjects", ..]) => "collections_delete",
        (_, ["composite", "sobjects", ..]) => "collections_retrieve",
        (_, ["composite", "batch"]) => "batch",
        (_, ["composite", "graph"]) => "graph",
        (_, ["composite", "tree", _]) => "tree",
        (_, ["composite", ..]) => "composite",
        (_, ["jobs", "ingest", ..]) => "bulk_ingest",
        (_, ["jobs", "query", ..]) => "bulk_query",
        (_, ["search" | "parameterizedSearch", ..]) => "search",
        (_, ["recent"]) => "recent",
        _ => "other",
    }
}
