//! Rows of Bulk 1 as XML: what is posted, and what a query found.

use serde_json::{Map, Value as Json, json};

use super::NAMESPACE;
use crate::sandbox::{
    fail::Fail,
    http::{Content, Reply},
    markup,
};

/// The rows of a batch: `<sObjects><sObject>...`.
///
/// # Errors
///
/// What is no XML, or has another root.
pub fn bodies(request: &[u8]) -> Result<Vec<Map<String, Json>>, Fail> {
    let root = markup::parse(&String::from_utf8_lossy(request))?;
    if root.name != "sObjects" {
        return Err(Fail::new("InvalidBatch", "the root must be sObjects"));
    }
    let rows = root.children.iter().filter(|row| row.name == "sObject");
    let fields = rows.map(|row| match row.json() {
        Json::Object(fields) => fields.into_iter().filter_map(field).collect(),
        _ => Map::new(),
    });
    Ok(fields.collect())
}

/// A field as it is saved: a parent stands in an `sObject` of its own, and the type is known.
fn field((name, value): (String, Json)) -> Option<(String, Json)> {
    if name == "type" {
        return None;
    }
    let value = match value {
        Json::Object(mut parent) => {
            let inner = parent.remove("sObject").unwrap_or(Json::Object(parent));
            match inner {
                Json::Object(keys) => Json::Object(keys.into_iter().filter_map(field).collect()),
                other => other,
            }
        }
        // An empty element leaves the field as it is.
        Json::String(text) if text.is_empty() => return None,
        other => other,
    };
    Some((name, value))
}

/// A document with the namespace of Bulk 1.
pub fn document(root: &str, inner: &str) -> Reply {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{root} xmlns=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{inner}</{root}>"
    );
    Reply::of(200, Content::other("application/xml", text))
}

/// The rows that a query found, given as a JSON list of records.
pub fn found(records: &[u8]) -> Reply {
    let list: Vec<Json> = serde_json::from_slice(records).unwrap_or_default();
    let rows: String = list
        .into_iter()
        .map(|record| markup::element("records", &typed(record)))
        .collect();
    document("queryResult", &rows)
}

/// A record with its type as an element, as SOAP has it.
fn typed(record: Json) -> Json {
    let Json::Object(mut fields) = record else {
        return record;
    };
    // What follows keeps its order.
    let kind = fields.shift_remove("attributes");
    let kind = kind
        .and_then(|about| about.get("type").cloned())
        .unwrap_or(Json::Null);
    let mut out = Map::new();
    out.insert("attributes".to_owned(), json!({"xsi:type": "sObject"}));
    out.insert("type".to_owned(), kind);
    out.extend(fields.into_iter().map(|(name, value)| (name, typed(value))));
    Json::Object(out)
}
