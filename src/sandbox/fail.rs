//! Refusals of the data API: code, text, status, fields (salesforce-api 2.2 and 8).
//!
//! Invariant: texts are those Salesforce shows, since clients print and match them.

use serde_json::{Value as Json, json};

use crate::error::{Error, Kind};

/// Why a request or one record of it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fail {
    /// HTTP status when it is the answer to a whole request.
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    pub fields: Vec<String>,
    /// What a duplicate rule found.
    pub duplicates: Option<Box<Json>>,
}

impl Fail {
    /// A refusal with status 400 and no fields.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code,
            message: message.into(),
            fields: Vec::new(),
            duplicates: None,
        }
    }

    /// Another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The fields concerned.
    #[must_use]
    pub fn on(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }

    /// 404 for a resource that is not there.
    pub fn not_found() -> Self {
        Self::new("NOT_FOUND", "The requested resource does not exist").status(404)
    }

    /// 404 for a deleted record.
    pub fn deleted() -> Self {
        Self::new("ENTITY_IS_DELETED", "entity is deleted").status(404)
    }

    /// A body beyond what is taken.
    pub fn too_large() -> Self {
        Self::new("REQUEST_TOO_LARGE", "the request body is too large").status(413)
    }

    /// A body that is not what the resource expects.
    pub fn json(message: impl Into<String>) -> Self {
        Self::new("JSON_PARSER_ERROR", message)
    }

    /// Fields without the value they need.
    pub fn required(missing: Vec<String>) -> Self {
        let text = format!("Required fields are missing: [{}]", missing.join(", "));
        Self {
            fields: missing,
            ..Self::new("REQUIRED_FIELD_MISSING", text)
        }
    }

    /// An object that does not exist.
    pub fn no_type(name: &str) -> Self {
        Self::new(
            "INVALID_TYPE",
            format!(
                "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
            ),
        )
    }

    /// One element of the array the data API answers with.
    pub fn body(&self) -> Json {
        let mut body = json!({"message": self.message, "errorCode": self.code});
        if let Some(found) = &self.duplicates {
            // The platform misspells it.
            body["duplicateResut"] = found.as_ref().clone();
        }
        if !self.fields.is_empty() || self.is_of_a_save() {
            body["fields"] = json!(self.fields);
        }
        body
    }

    /// The form inside per-record results, where the code is called `statusCode`.
    pub fn record_body(&self) -> Json {
        json!({"statusCode": self.code, "message": self.message, "fields": self.fields})
    }

    fn is_of_a_save(&self) -> bool {
        matches!(
            self.code,
            "DUPLICATE_VALUE"
                | "CANNOT_UPDATE_CONVERTED_LEAD"
                | "UNABLE_TO_LOCK_ROW"
                | "ENTITY_IS_DELETED"
                | "INVALID_CROSS_REFERENCE_KEY"
                | "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        )
    }
}

impl From<Fail> for Error {
    /// For those who steer the org in process.
    fn from(fail: Fail) -> Self {
        Self::new(Kind::Refused, format!("{}: {}", fail.code, fail.message))
    }
}
