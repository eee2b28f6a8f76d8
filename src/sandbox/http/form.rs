//! JSON or XML: what a call of the data API asks for and sends (salesforce-api 2.1).
//!
//! Inside, everything is JSON. Invariant: only answers that are JSON change their form.

use axum::http::{HeaderValue, Method, header};
use bytes::Bytes;
use serde_json::Value as Json;

use super::{Call, Content, Reply};
use crate::sandbox::{fail::Fail, markup};

/// The form of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    Json,
    /// With what the path says of the answer.
    Xml {
        root: String,
    },
}

/// Parts of a path below the version whose end may name the form. A value of an external id, which
/// would be a fourth part, may end like that itself.
const ENDS: usize = 3;

/// The form that a call asks for by the end of its path, which is taken off, or by its header.
pub fn asked(call: &mut Call) -> Form {
    if !matches!(call.segments.as_slice(), [services, data, ..]
        if services == "services" && (data == "data" || data.starts_with("data.")))
    {
        return Form::Json;
    }
    let accepts = call
        .header("accept")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let by_header = accepts.contains("/xml") && !accepts.contains("json");
    let mut ends = None;
    if call.segments.len() <= 3 + ENDS
        && let Some(last) = call.segments.last_mut()
    {
        for end in [".json", ".xml"] {
            if last.ends_with(end) {
                last.truncate(last.len() - end.len());
                ends = Some(end);
                break;
            }
        }
    }
    match (ends, by_header) {
        (Some(".xml"), _) | (None, true) => Form::Xml {
            root: root(&call.method, &call.segments).to_owned(),
        },
        _ => Form::Json,
    }
}

/// The root of an answer, where it is no record.
fn root<'p>(method: &Method, segments: &'p [String]) -> &'p str {
    let path: Vec<&str> = segments.iter().skip(3).map(String::as_str).collect();
    let reads = *method == Method::GET || *method == Method::HEAD;
    // A borrowed name of the object must live as long as the path.
    let object = segments.get(4).map_or("Result", String::as_str);
    match path.as_slice() {
        [] if segments.len() == 2 => "Versions",
        [] => "urls",
        ["sobjects"] => "DescribeGlobal",
        ["sobjects", _] | ["sobjects", _, "describe" | "updated" | "deleted"] if reads => object,
        ["query" | "queryAll", ..] => "QueryResult",
        ["search" | "parameterizedSearch"] => "SearchResults",
        ["recent"] => "RecentlyViewed",
        ["limits"] => "LimitsSnapshot",
        ["composite", "tree", _] => "SObjectTreeResponse",
        ["composite", "batch"] => "batchResults",
        _ => "Result",
    }
}

/// An answer in the form that was asked for.
pub fn told(form: &Form, mut reply: Reply) -> Reply {
    let Form::Xml { root } = form else {
        return reply;
    };
    let Some(json) = reply.content.as_json() else {
        return reply;
    };
    let kind = json["attributes"]["type"].as_str();
    let (root, item) = match (reply.status, &json, kind) {
        (400.., Json::Array(_), _) => ("Errors", "Error"),
        (300, Json::Array(_), _) => ("Urls", "url"),
        (_, Json::Array(_), _) if root == "Versions" => ("Versions", "Version"),
        (_, Json::Array(_), _) if root == "Result" => ("Results", "Result"),
        (_, _, Some(kind)) => (kind, "record"),
        _ => (root.as_str(), "record"),
    };
    let text = markup::document(root, item, &json);
    reply.content = Content::other("application/xml;charset=UTF-8", text);
    reply
}

/// Whether a call sends XML.
fn sends_xml(call: &Call) -> bool {
    let kind = call.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["application/xml", "text/xml"]
        .iter()
        .any(|xml| kind.eq_ignore_ascii_case(xml))
}

/// Makes JSON of the body of a call to a resource that takes XML, too.
///
/// # Errors
///
/// A body that is no XML.
pub fn received(call: &Call, path: &[&str]) -> Result<Option<Call>, Fail> {
    let takes = matches!(
        path,
        ["sobjects", ..]
            | ["composite", "tree" | "batch" | "sobjects", ..]
            | ["parameterizedSearch"]
    );
    if !takes || call.body.is_empty() || !sends_xml(call) {
        return Ok(None);
    }
    let root = markup::parse(&String::from_utf8_lossy(&call.body))?;
    let mut headers = call.headers.clone();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let body = match root.json() {
        body @ Json::Object(_) => body,
        // An empty root: no field at all.
        _ => serde_json::json!({}),
    };
    Ok(Some(Call {
        method: call.method.clone(),
        segments: call.segments.clone(),
        params: call.params.clone(),
        headers,
        body: Bytes::from(body.to_string()),
        refused_rows: call.refused_rows.clone(),
    }))
}
