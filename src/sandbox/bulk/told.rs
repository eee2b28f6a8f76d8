//! How Bulk 1 says things: JSON or XML, by what the client sends.

use serde_json::{Map, Value as Json, json};

use crate::sandbox::{
    fail::Fail,
    http::{Call, Content, Reply},
    xml,
};

/// The namespace of its elements.
pub const NAMESPACE: &str = "http://www.force.com/2009/06/asyncapi/dataload";

/// How the org answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    Json,
    Xml,
}

/// What a call asks for.
pub fn spoken(call: &Call) -> Spoken {
    let says = |name: &str, what: &str| call.header(name).is_some_and(|v| v.contains(what));
    match says("content-type", "xml") || (says("accept", "xml") && !says("accept", "json")) {
        true => Spoken::Xml,
        false => Spoken::Json,
    }
}

/// A refusal in the form of Bulk 1.
pub fn session_error(call: &Call) -> Reply {
    error(
        &Fail::new("InvalidSessionId", "Invalid session id"),
        spoken(call),
    )
}

/// A refusal.
pub fn error(fail: &Fail, spoken: Spoken) -> Reply {
    let pairs = [
        ("exceptionCode", json!(fail.code)),
        ("exceptionMessage", json!(fail.message)),
    ];
    told(400, "error", &pairs, spoken)
}

/// Pairs as JSON or XML.
pub fn told(status: u16, root: &str, pairs: &[(&str, Json)], spoken: Spoken) -> Reply {
    match spoken {
        Spoken::Json => {
            let map: Map<String, Json> = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), v.clone()))
                .collect();
            Reply::json(status, &Json::Object(map))
        }
        Spoken::Xml => {
            let text = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{root} xmlns=\"{NAMESPACE}\">{}</{root}>",
                inner(pairs)
            );
            Reply::of(status, Content::other("application/xml", text))
        }
    }
}

/// Pairs as elements; null is left out.
pub fn inner(pairs: &[(&str, Json)]) -> String {
    pairs
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let text = match value {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            };
            format!("<{name}>{}</{name}>", xml::escape(&text))
        })
        .collect()
}

/// A field of a body in JSON or XML.
pub fn given(call: &Call, name: &str) -> Option<String> {
    match spoken(call) {
        Spoken::Xml => xml::element(&String::from_utf8_lossy(&call.body), name),
        Spoken::Json => {
            let body: Json = serde_json::from_slice(&call.body).ok()?;
            body.get(name)?.as_str().map(str::to_owned)
        }
    }
}
