//! An answer before it becomes HTTP, so that composite can put answers into one another.

use axum::http::{HeaderName, header};
use serde_json::Value as Json;

use crate::sandbox::fail::Fail;

/// The body of an answer.
#[derive(Debug, Clone)]
pub enum Content {
    Empty,
    Json(Vec<u8>),
    Text(String),
    Html(String),
    /// Bytes of any kind: CSV, files, XML.
    Other {
        kind: String,
        bytes: Vec<u8>,
    },
}

impl Content {
    /// Its size.
    pub fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Json(bytes) => bytes.len(),
            Self::Text(text) | Self::Html(text) => text.len(),
            Self::Other { bytes, .. } => bytes.len(),
        }
    }
    /// Its media type.
    pub fn media_type(&self) -> Option<&str> {
        match self {
            Self::Empty => None,
            Self::Json(_) => Some("application/json;charset=UTF-8"),
            Self::Text(_) => Some("text/plain;charset=UTF-8"),
            Self::Html(_) => Some("text/html;charset=UTF-8"),
            Self::Other { kind, .. } => Some(kind),
        }
    }
    /// Its bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Empty => Vec::new(),
            Self::Json(bytes) => bytes,
            Self::Text(text) | Self::Html(text) => text.into_bytes(),
            Self::Other { bytes, .. } => bytes,
        }
    }
    /// Bytes of another kind.
    pub fn other(kind: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self::Other {
            kind: kind.into(),
            bytes: bytes.into(),
        }
    }
    /// What it says, if it is JSON.
    pub fn as_json(&self) -> Option<Json> {
        match self {
            Self::Json(bytes) => serde_json::from_slice(bytes).ok(),
            _ => None,
        }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub content: Content,
    pub headers: Vec<(HeaderName, String)>,
}

impl Reply {
    /// Any content.
    pub fn of(status: u16, content: Content) -> Self {
        Self {
            status,
            content,
            headers: Vec::new(),
        }
    }
    /// No body.
    pub fn empty(status: u16) -> Self {
        Self::of(status, Content::Empty)
    }
    /// JSON already written.
    pub fn bytes(status: u16, json: Vec<u8>) -> Self {
        Self::of(status, Content::Json(json))
    }
    /// JSON.
    pub fn json(status: u16, json: &Json) -> Self {
        Self::bytes(status, json.to_string().into_bytes())
    }
    /// Plain text.
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self::of(status, Content::Text(text.into()))
    }
    /// A page.
    pub fn html(status: u16, page: impl Into<String>) -> Self {
        Self::of(status, Content::Html(page.into()))
    }
    /// A refusal of the data API: an array of one.
    pub fn fail(fail: &Fail) -> Self {
        Self::json(fail.status, &Json::Array(vec![fail.body()]))
    }
    /// Sends the browser elsewhere.
    pub fn redirect(to: String) -> Self {
        let mut reply = Self::empty(302);
        reply.headers.push((header::LOCATION, to));
        reply
    }
    /// The same answer with another body.
    #[must_use]
    pub fn replaced(mut self, kind: &str, body: String) -> Self {
        self.content = Content::other(kind, body);
        self
    }
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: String) -> Self {
        if let Ok(name) = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()) {
            self.headers.push((name, value));
        }
        self
    }
}

impl From<Result<Reply, Fail>> for Reply {
    fn from(result: Result<Reply, Fail>) -> Self {
        result.unwrap_or_else(|fail| Reply::fail(&fail))
    }
}
