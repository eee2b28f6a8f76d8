//! Error bodies of every shape that is known (salesforce-api 2.2, 8), as [`CrmError`]s.
//!
//! Tolerates web pages, an object in place of an array, empty bodies and unknown codes. Messages
//! are the org's own words: shortened, never logged.

use serde_json::Value as Json;

use super::super::error::{CrmError, Effect, ErrorClass};
use super::super::transport::text::tidy;
use super::super::transport::{Failure, FailureKind, Reply};
use super::catalogue::classify;
use crate::domain::id::{CrmId, FieldName};

const MAX_MESSAGE: usize = 1000;
const MAX_FIELDS: usize = 50;

/// What a request was for; decides what an unclear answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// Changes nothing.
    Read,
    /// Changes records.
    Write,
}

impl Intent {
    /// The effect when it is not known whether the request was executed.
    pub(super) fn unclear(self) -> Effect {
        match self {
            Self::Read => Effect::None,
            Self::Write => Effect::Unknown,
        }
    }
}

/// An error of ours: a code in lower case and our own words.
pub(super) fn ours(
    code: &str,
    message: impl Into<String>,
    request: &str,
    effect: Effect,
) -> CrmError {
    let message = message.into();
    CrmError {
        class: classify(code, &message, 0),
        code: code.to_owned(),
        message,
        fields: Box::default(),
        record: None,
        status: None,
        request: request.to_owned(),
        effect,
    }
}

/// A request that is refused here, before anything is sent.
pub(super) fn not_sent(message: impl Into<String>) -> CrmError {
    ours("not_sent", message, "", Effect::None)
}

/// An answer that cannot be read.
pub(super) fn bad_body(reply: &Reply, intent: Intent, what: &str) -> CrmError {
    let page = reply
        .header("content-type")
        .is_some_and(|t| t.starts_with("text/html"));
    let (code, message) = if page {
        ("web_page", "a web page came instead of data".to_owned())
    } else {
        ("bad_body", format!("the answer cannot be read: {what}"))
    };
    CrmError {
        status: Some(reply.status.as_u16()),
        ..ours(code, message, &reply.request, intent.unclear())
    }
}

/// A request without a complete answer.
pub(super) fn no_answer(failure: Failure, intent: Intent) -> CrmError {
    let code = match failure.kind {
        FailureKind::Unreachable => "unreachable",
        FailureKind::Timeout => "timeout",
        FailureKind::Lost => "connection_lost",
        FailureKind::TooLarge => "too_large",
        FailureKind::Unreadable => "unreadable_file",
    };
    let effect = match failure.effect {
        Effect::None => Effect::None,
        Effect::Unknown => intent.unclear(),
    };
    ours(code, failure.message, &failure.request, effect)
}

/// An answer whose status is not success.
pub(super) fn refused(reply: &Reply, intent: Intent) -> CrmError {
    let status = reply.status.as_u16();
    let mut error = match status {
        // Never followed: the token would go along (salesforce-api 8.5).
        301 | 302 | 303 | 307 | 308 => ours(
            "redirect",
            "the org has another address now",
            "",
            Effect::None,
        ),
        _ => match first_error(&reply.body, status) {
            Some(error) => {
                let certain = matches!(status, 400..=499) && !matches!(status, 408 | 420);
                let effect = if certain {
                    Effect::None
                } else {
                    intent.unclear()
                };
                CrmError { effect, ..error }
            }
            None => unreadable(reply, status, intent),
        },
    };
    error.status = Some(status);
    error.request.clone_from(&reply.request);
    error
}

/// A refusal without an error of the API in it: gateways, proxies, plain texts.
fn unreadable(reply: &Reply, status: u16, intent: Intent) -> CrmError {
    let text = std::str::from_utf8(&reply.body).unwrap_or_default().trim();
    let (code, message) = match text {
        // The identity service answers in plain text (salesforce-api 2.2).
        "Bad_OAuth_Token" | "Missing_OAuth_Token" => {
            ("INVALID_SESSION_ID".to_owned(), text.to_owned())
        }
        _ if status == 410 => ("GONE".to_owned(), "the API version is gone".to_owned()),
        _ if status == 414 || status == 431 => (
            "URI_TOO_LONG".to_owned(),
            "the address is too long".to_owned(),
        ),
        _ if text.starts_with('<') => (
            "web_page".to_owned(),
            format!("a web page came instead of data (HTTP {status})"),
        ),
        _ => (
            format!("http_{status}"),
            format!("HTTP {status} without an explanation"),
        ),
    };
    // These are decided before anything is executed; a bare 400 may come from anywhere.
    let effect = match status {
        401 | 403 | 404 | 405 | 410 | 412..=415 | 428 | 429 | 431 => Effect::None,
        _ => intent.unclear(),
    };
    CrmError {
        class: classify(&code, &message, status),
        ..ours(&code, message, &reply.request, effect)
    }
}

/// The first error of a body, if it is one of the API's shapes.
pub(super) fn first_error(body: &[u8], status: u16) -> Option<CrmError> {
    from_json(&serde_json::from_slice(body).ok()?, status)
}

/// The first error of an array of errors, or of a lone one; what the others say is added to its
/// message and fields.
pub(super) fn from_json(json: &Json, status: u16) -> Option<CrmError> {
    let all: Vec<&Json> = match json {
        Json::Array(items) => items.iter().filter(|item| item.is_object()).collect(),
        other => vec![other],
    };
    let text = |error: &Json, names: &[&str]| {
        names
            .iter()
            .find_map(|name| error.get(name)?.as_str())
            .map(str::to_owned)
    };
    let said = |error: &Json| {
        let said = text(error, &["message", "error_description"]).unwrap_or_default();
        without_query(&said).to_owned()
    };
    let first = *all.first()?;
    let code = tidy(&text(first, &["errorCode", "statusCode", "error"])?, 80);
    let message = tidy(&said(first), MAX_MESSAGE);
    let mut whole = message.clone();
    for more in all.iter().skip(1).map(|error| said(error)) {
        if !whole.contains(&more) {
            whole.push_str("; ");
            whole.push_str(&more);
        }
    }
    let fields = all
        .iter()
        .filter_map(|error| error.get("fields")?.as_array());
    let fields = fields.flatten().filter_map(Json::as_str);
    let fields = fields.chain(column_not_there(&message));
    Some(CrmError {
        class: classify(&code, &message, status),
        record: record_in(first, &code, &message),
        fields: fields.take(MAX_FIELDS).map(FieldName::from).collect(),
        ..ours(&code, tidy(&whole, MAX_MESSAGE), "", Effect::None)
    })
}

/// What a refused query is refused for: before it stand a piece of the query, which is ours, an
/// arrow, and the place.
fn without_query(message: &str) -> &str {
    let mut parts = message.splitn(2, "\nERROR at Row:").skip(1);
    let said = parts.next().and_then(|rest| rest.split_once('\n'));
    match said {
        Some((_, said)) if !said.trim().is_empty() => said,
        _ => message,
    }
}

/// The field that a refused query names in its message, and nowhere else (salesforce-api 4).
fn column_not_there(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("No such column '")?;
    let (field, rest) = rest.split_once('\'')?;
    rest.starts_with(" on entity").then_some(field)
}

/// An error of one record in an answer that was a success as a whole.
pub(super) fn of_row(errors: &Json, status: u16, request: &str) -> CrmError {
    let error = from_json(errors, status).unwrap_or_else(|| CrmError {
        class: classify("", "", status),
        ..ours(
            &format!("http_{status}"),
            "refused without an explanation",
            "",
            Effect::None,
        )
    });
    CrmError {
        status: Some(status),
        request: request.to_owned(),
        effect: if status >= 500 {
            Effect::Unknown
        } else {
            Effect::None
        },
        ..error
    }
}

/// The other record of a duplicate.
fn record_in(error: &Json, code: &str, message: &str) -> Option<CrmId> {
    match code {
        "DUPLICATE_VALUE" => {
            let (_, after) = message.rsplit_once("with id:")?;
            let id: String = after
                .trim()
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            id.parse().ok()
        }
        "DUPLICATES_DETECTED" => {
            // The key is misspelled in real answers (salesforce-api 8.6).
            let result = error
                .get("duplicateResut")
                .or_else(|| error.get("duplicateResult"))?;
            let matches = result.get("matchResults")?.as_array()?;
            let mut records = matches
                .iter()
                .filter_map(|m| m.get("matchRecords")?.as_array())
                .flatten();
            records.find_map(|r| r.get("record")?.get("Id")?.as_str()?.parse().ok())
        }
        _ => None,
    }
}

/// The error after a refresh that did not help: not an expiry (salesforce-api 1.9).
pub(super) fn refresh_did_not_help(error: CrmError) -> CrmError {
    CrmError {
        class: ErrorClass::AuthDead,
        ..error
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn reply(status: u16, body: &[u8]) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body),
            request: "r1".into(),
        }
    }

    #[test]
    fn a_refused_query_is_told_without_the_query() {
        let said = |message: &str| {
            let body = json!([{"errorCode": "INVALID_FIELD", "message": message}]);
            from_json(&body, 400).unwrap().message
        };
        let query = "\nId,Phone FROM Lead\n   ^\nERROR at Row:1:Column:11\n";
        let why = "No such column 'Phone' on entity 'Lead'.";
        assert_eq!(said(&format!("{query}{why}")), why);
        assert_eq!(said(query), query.trim());
        assert_eq!(said(why), why);
    }

    #[test]
    fn shapes_of_bodies() {
        let read = |status, body: &str| {
            let error = refused(&reply(status, body.as_bytes()), Intent::Read);
            (error.code, error.class)
        };
        assert_eq!(
            read(
                400,
                r#"[{"message":"m","errorCode":"STRING_TOO_LONG","fields":["Name"]}]"#
            ),
            ("STRING_TOO_LONG".into(), ErrorClass::Data)
        );
        assert_eq!(
            read(404, r#"{"errorCode":"NOT_FOUND","message":"m"}"#),
            ("NOT_FOUND".into(), ErrorClass::Identity)
        );
        assert_eq!(
            read(503, "<html>We are down for maintenance</html>"),
            ("web_page".into(), ErrorClass::TransientCall)
        );
        assert_eq!(
            read(502, ""),
            ("http_502".into(), ErrorClass::TransientCall)
        );
        assert_eq!(read(410, ""), ("GONE".into(), ErrorClass::Schema));
        assert_eq!(read(301, ""), ("redirect".into(), ErrorClass::Auth));
        assert_eq!(
            read(403, "Bad_OAuth_Token"),
            ("INVALID_SESSION_ID".into(), ErrorClass::Auth)
        );
        assert_eq!(read(400, "[]"), ("http_400".into(), ErrorClass::Unknown));
    }

    #[test]
    fn whether_a_write_may_have_happened() {
        let json = br#"[{"errorCode":"SOME_CODE","message":"m"}]"#;
        for (status, body, effect) in [
            (400, &json[..], Effect::None),
            (400, b"<html>Access Declined</html>", Effect::Unknown),
            (401, b"", Effect::None),
            (403, b"", Effect::None),
            (408, json, Effect::Unknown),
            (420, json, Effect::Unknown),
            (500, json, Effect::Unknown),
            (503, b"", Effect::Unknown),
            (302, b"", Effect::None),
        ] {
            let error = refused(&reply(status, body), Intent::Write);
            assert_eq!(error.effect, effect, "{status}");
            assert_eq!(error.request, "r1");
            assert_eq!(
                refused(&reply(status, body), Intent::Read).effect,
                Effect::None
            );
        }
    }

    #[test]
    fn what_is_wrong_with_two_values_is_said_of_both() {
        let body = r#"[{"statusCode":"STRING_TOO_LONG","message":"Title: too long","fields":["Title"]},
            {"statusCode":"INVALID_EMAIL_ADDRESS","message":"Email: not one","fields":["Email"]}]"#;
        let error = first_error(body.as_bytes(), 400).unwrap();
        assert_eq!(error.code, "STRING_TOO_LONG");
        assert_eq!(error.message, "Title: too long; Email: not one");
        assert_eq!(error.fields.len(), 2);
    }

    #[test]
    fn a_refused_query_says_which_field_it_was_refused_for() {
        let of = |message: &str| {
            let body = json!([{"errorCode": "INVALID_FIELD", "message": message}]).to_string();
            let error = first_error(body.as_bytes(), 400).unwrap();
            error
                .fields
                .iter()
                .map(|f| f.as_str().to_owned())
                .collect::<Vec<_>>()
        };
        let said = "SELECT Id, Phone FROM Lead\n           ^\nERROR at Row:1:Column:12\n\
                    No such column 'Phone' on entity 'Lead'. If you are attempting";
        assert_eq!(of(said), ["Phone"]);
        assert!(of("unexpected token: 'Phone'").is_empty());
    }

    #[test]
    fn the_other_record_of_a_duplicate() {
        let of = |body: &str| first_error(body.as_bytes(), 400).unwrap().record;
        let id = |text: &str| Some(text.parse().unwrap());
        let value = |tail: &str| {
            of(&format!(
                r#"[{{"errorCode":"DUPLICATE_VALUE","message":"duplicate value found: K__c duplicates value on record with id: {tail}"}}]"#
            ))
        };
        assert_eq!(value("001D000000INjVe"), id("001D000000INjVe"));
        assert_eq!(value("001D000000INjVeIAL"), id("001D000000INjVe"));
        assert_eq!(value("<unknown>"), None);
        for key in ["duplicateResut", "duplicateResult"] {
            let body = format!(
                r#"[{{"{key}":{{"matchResults":[{{"matchRecords":[{{"record":{{"Id":"001D000000INjVe"}}}}]}}]}},"errorCode":"DUPLICATES_DETECTED","message":"m"}}]"#
            );
            assert_eq!(of(&body), id("001D000000INjVe"), "{key}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_survived(status in 300u16..600, body in proptest::collection::vec(any::<u8>(), 0..60)) {
            refused(&reply(status, &body), Intent::Write);
        }

        #[test]
        fn messages_are_bounded(message in "\\PC{0,30}", times in 1usize..200) {
            let body = serde_json::json!([{"errorCode": "X", "message": message.repeat(times)}]);
            let error = from_json(&body, 400).unwrap();
            prop_assert!(error.message.chars().count() <= MAX_MESSAGE);
        }
    }
}
