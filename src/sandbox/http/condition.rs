//! Conditional requests (salesforce-api 2.1): dates on records and describes, ETags on accounts.

use axum::http::Method;
use data_encoding::BASE64;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::Call;
use crate::sandbox::{fail::Fail, org::Record, time};

/// What a conditional request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Met,
    NotModified,
    Failed,
}

/// The ETag of a record in its present state.
pub fn etag(record: &Record) -> String {
    let state = format!("{}{}", record.id, record.stamp);
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, state.as_bytes());
    format!("\"{}\"", BASE64.encode(hash.as_ref()))
}

/// Checks the dates, in whole seconds, and the ETag if the resource has one. A date that cannot be
/// read is ignored on reads and refused on writes.
pub fn condition(call: &Call, modified: i64, tag: Option<&str>) -> Result<Condition, Fail> {
    let reads = call.method == Method::GET || call.method == Method::HEAD;
    let unchanged = match reads {
        true => Condition::NotModified,
        false => Condition::Failed,
    };
    if let Some(tag) = tag {
        let named = |name: &str| call.header(name).map(|list| lists(list, tag));
        if named("if-match") == Some(false) {
            return Ok(Condition::Failed);
        }
        if named("if-none-match") == Some(true) {
            return Ok(unchanged);
        }
    }
    let date = |name: &str| match call.header(name) {
        None => Ok(None),
        Some(text) => match time::parse_http_date(text) {
            Some(at) => Ok(Some(at)),
            None if reads => Ok(None),
            None => Err(Fail::new(
                "INVALID_HEADER_VALUE",
                format!("{name}: invalid date"),
            )),
        },
    };
    if date("if-unmodified-since")?.is_some_and(|since| modified > since) {
        return Ok(Condition::Failed);
    }
    if date("if-modified-since")?.is_some_and(|since| modified <= since) {
        return Ok(unchanged);
    }
    Ok(Condition::Met)
}

/// Whether a list of ETags holds one, whatever packing it was sent with.
fn lists(list: &str, tag: &str) -> bool {
    let bare = |tag: &str| {
        let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
        tag.trim_end_matches("-gzip").to_owned()
    };
    list.split(',')
        .any(|one| one.trim() == "*" || bare(one) == bare(tag))
}

/// The answer to a condition that does not hold.
pub fn precondition_failed() -> Fail {
    Fail::new(
        "PRECONDITION_FAILED",
        "The record was modified after the time given in the request header.",
    )
    .status(412)
}
