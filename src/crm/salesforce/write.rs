//! Bodies of writes and what their answers say about each record (salesforce-api 2.7).
//!
//! Sends nothing. Invariant: an answer that does not fit its request, record by record, is an
//! error of the whole call with effect `Unknown`.

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde::{Deserialize, Serialize as SerializeDerive};
use serde_json::Value as Json;

use super::super::error::{CrmError, Effect, ErrorClass};
use super::super::transport::Reply;
use super::super::{GuardedUpdate, UpdateRow, WriteResult};
use super::errors::{Intent, bad_body, not_sent, of_row, ours};
use super::soql::name;
use super::wire::Outgoing;
use crate::domain::id::CrmId;
use crate::domain::schema::ObjectInfo;
use crate::domain::value::{FieldKind, Fields};

/// A record of a collection call, or the bare fields of a single update.
struct Record<'a> {
    object: &'a ObjectInfo,
    shape: Shape<'a>,
    fields: &'a Fields,
}

#[derive(Clone, Copy)]
enum Shape<'a> {
    /// With its type, to be made.
    New,
    /// With its type and id.
    Existing(&'a CrmId),
    /// Only fields; the id is in the address.
    Bare,
}

#[derive(SerializeDerive)]
struct Attributes<'a> {
    r#type: &'a str,
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !matches!(self.shape, Shape::Bare) {
            let r#type = self.object.name.as_str();
            map.serialize_entry("attributes", &Attributes { r#type })?;
        }
        if let Shape::Existing(id) = self.shape {
            map.serialize_entry("Id", id)?;
        }
        for (field, value) in self.fields {
            let kind = self
                .object
                .field(field.as_str())
                .map_or(FieldKind::Text, |f| f.kind);
            map.serialize_entry(field.as_str(), &Outgoing(kind, value))?;
        }
        map.end()
    }
}

#[derive(SerializeDerive)]
#[serde(rename_all = "camelCase")]
struct Collection<'a> {
    all_or_none: bool,
    records: Vec<Record<'a>>,
}

/// Body of a create call.
pub(super) fn create_body(object: &ObjectInfo, rows: &[Fields]) -> Result<Bytes, CrmError> {
    collection(rows.iter().map(|fields| Record {
        object,
        shape: Shape::New,
        fields,
    }))
}

/// Body of an update call.
pub(super) fn update_body(object: &ObjectInfo, rows: &[UpdateRow]) -> Result<Bytes, CrmError> {
    collection(rows.iter().map(|row| Record {
        object,
        shape: Shape::Existing(&row.id),
        fields: &row.fields,
    }))
}

fn collection<'a>(records: impl Iterator<Item = Record<'a>>) -> Result<Bytes, CrmError> {
    let records: Vec<Record<'_>> = records.collect();
    for record in &records {
        check_names(record.object, record.fields)?;
    }
    encode(&Collection {
        all_or_none: false,
        records,
    })
}

/// The id has its own place, and names must be names.
pub(super) fn check_names(object: &ObjectInfo, fields: &Fields) -> Result<(), CrmError> {
    name(object.name.as_str())?;
    for field in fields.keys() {
        let field = name(field.as_str())?;
        if field.eq_ignore_ascii_case("id") || field.eq_ignore_ascii_case("attributes") {
            return Err(not_sent("the id is not a value of the record"));
        }
    }
    Ok(())
}

pub(super) fn encode(body: &impl Serialize) -> Result<Bytes, CrmError> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|_| not_sent("the request cannot be encoded"))
}

#[derive(SerializeDerive)]
#[serde(rename_all = "camelCase")]
struct Composite<T> {
    all_or_none: bool,
    collate_subrequests: bool,
    composite_request: Vec<T>,
}

#[derive(SerializeDerive)]
#[serde(rename_all = "camelCase")]
struct Patch<'a> {
    method: &'static str,
    url: String,
    reference_id: String,
    http_headers: Condition,
    body: Record<'a>,
}

#[derive(SerializeDerive)]
struct Condition {
    #[serde(rename = "If-Unmodified-Since")]
    if_unmodified_since: String,
    #[serde(rename = "Sforce-Auto-Assign")]
    auto_assign: &'static str,
}

/// Body of a guarded update: one conditional PATCH per record.
pub(super) fn guarded_body(
    object: &ObjectInfo,
    rows: &[GuardedUpdate],
    base: &str,
) -> Result<Bytes, CrmError> {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    let mut requests = Vec::with_capacity(rows.len());
    for (at, guarded) in rows.iter().enumerate() {
        check_names(object, &guarded.row.fields)?;
        let since = printer
            .timestamp_to_rfc9110_string(&guarded.unmodified_since)
            .map_err(|_| not_sent("a time is out of range"))?;
        requests.push(Patch {
            method: "PATCH",
            url: format!("{base}/sobjects/{}/{}", object.name, guarded.row.id),
            reference_id: reference(at),
            http_headers: Condition {
                if_unmodified_since: since,
                auto_assign: "FALSE",
            },
            body: Record {
                object,
                shape: Shape::Bare,
                fields: &guarded.row.fields,
            },
        });
    }
    encode(&Composite {
        all_or_none: false,
        collate_subrequests: false,
        composite_request: requests,
    })
}

fn reference(at: usize) -> String {
    format!("r{at}")
}

/// Whose id an answer must name.
#[derive(Clone, Copy)]
pub(super) enum Expect<'a> {
    /// New ids.
    New(usize),
    /// These, in order.
    Ids(&'a [CrmId]),
}

#[derive(Deserialize)]
struct SaveResult {
    id: Option<CrmId>,
    success: bool,
    #[serde(default)]
    errors: Json,
}

/// Reads the answer of a collection call.
pub(super) fn collection_results(
    reply: &Reply,
    expect: Expect<'_>,
) -> Result<Vec<WriteResult>, CrmError> {
    let results: Vec<SaveResult> = serde_json::from_slice(&reply.body)
        .map_err(|_| bad_body(reply, Intent::Write, "not a list of results"))?;
    let count = match expect {
        Expect::New(count) => count,
        Expect::Ids(ids) => ids.len(),
    };
    if results.len() != count {
        return Err(does_not_fit(reply, results.len(), count));
    }
    let read = |(at, result): (usize, SaveResult)| {
        let known = match expect {
            Expect::New(_) => None,
            Expect::Ids(ids) => ids.get(at).copied(),
        };
        match (result.success, result.id.or(known)) {
            (true, Some(id)) if known.is_none_or(|known| known == id) => {
                Ok(WriteResult::Applied(id))
            }
            (true, _) => Err(bad_body(reply, Intent::Write, "a result of another record")),
            (false, _) => {
                let error = of_row(&result.errors, reply.status.as_u16(), &reply.request);
                // In a collection the status is that of the whole call; 200 says nothing.
                Ok(WriteResult::Refused(CrmError {
                    status: None,
                    ..error
                }))
            }
        }
    };
    results.into_iter().enumerate().map(read).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompositeReply {
    composite_response: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(default)]
    body: Json,
    http_status_code: u16,
    reference_id: String,
}

/// Reads the answer of a guarded update.
pub(super) fn guarded_results(
    reply: &Reply,
    rows: &[GuardedUpdate],
) -> Result<Vec<WriteResult>, CrmError> {
    let CompositeReply { composite_response } = serde_json::from_slice(&reply.body)
        .map_err(|_| bad_body(reply, Intent::Write, "not a composite answer"))?;
    if composite_response.len() != rows.len() {
        return Err(does_not_fit(reply, composite_response.len(), rows.len()));
    }
    let mut parts: Vec<Option<Part>> = Vec::new();
    parts.resize_with(rows.len(), || None);
    for part in composite_response {
        let place = (0..rows.len()).find(|at| reference(*at) == part.reference_id);
        match place.and_then(|at| parts.get_mut(at)) {
            Some(slot @ None) => *slot = Some(part),
            _ => {
                return Err(bad_body(
                    reply,
                    Intent::Write,
                    "parts that were not asked for",
                ));
            }
        }
    }
    let results = parts.into_iter().flatten().zip(rows);
    Ok(results
        .map(|(part, row)| result_of(part, row, reply))
        .collect())
}

fn result_of(part: Part, row: &GuardedUpdate, reply: &Reply) -> WriteResult {
    let status = part.http_status_code;
    if (200..300).contains(&status) {
        return WriteResult::Applied(row.row.id);
    }
    let error = of_row(&part.body, status, &reply.request);
    // Whatever its words, a failed condition is one; only a halted part has 412 as well.
    if status == 412 && error.class != ErrorClass::Collateral {
        return WriteResult::Refused(CrmError {
            class: ErrorClass::Precondition,
            ..error
        });
    }
    WriteResult::Refused(error)
}

fn does_not_fit(reply: &Reply, got: usize, asked: usize) -> CrmError {
    CrmError {
        status: Some(reply.status.as_u16()),
        ..ours(
            "row_count",
            format!("{got} results for {asked} records"),
            &reply.request,
            Effect::Unknown,
        )
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use jiff::Timestamp;

    use super::super::rows::tests::lead;
    use super::*;
    use crate::domain::value::Value;

    fn reply(body: &str) -> Reply {
        Reply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            request: "r".into(),
        }
    }

    fn id(text: &str) -> CrmId {
        text.parse().unwrap()
    }

    fn guarded(text: &str) -> GuardedUpdate {
        GuardedUpdate {
            row: UpdateRow {
                id: id(text),
                fields: [("LastName".into(), Value::from("O'Brien"))].into(),
            },
            unmodified_since: Timestamp::from_second(784_111_777).unwrap(),
        }
    }

    #[test]
    fn bodies() {
        let fields: Fields = [
            ("LastName".into(), Value::Null),
            (
                "AnnualRevenue".into(),
                Value::Number("0.10".parse().unwrap()),
            ),
        ]
        .into();
        assert_eq!(
            create_body(&lead(), std::slice::from_ref(&fields)).unwrap(),
            r#"{"allOrNone":false,"records":[{"attributes":{"type":"Lead"},"AnnualRevenue":0.1,"LastName":null}]}"#
        );
        let rows = [UpdateRow {
            id: id("00Qx000000KTaQq"),
            fields,
        }];
        assert_eq!(
            update_body(&lead(), &rows).unwrap(),
            r#"{"allOrNone":false,"records":[{"attributes":{"type":"Lead"},"Id":"00Qx000000KTaQqEAL","AnnualRevenue":0.1,"LastName":null}]}"#
        );
        assert_eq!(
            guarded_body(
                &lead(),
                &[guarded("00Qx000000KTaQq")],
                "/services/data/v67.0"
            )
            .unwrap(),
            r#"{"allOrNone":false,"collateSubrequests":false,"compositeRequest":[{"method":"PATCH","url":"/services/data/v67.0/sobjects/Lead/00Qx000000KTaQqEAL","referenceId":"r0","httpHeaders":{"If-Unmodified-Since":"Sun, 06 Nov 1994 08:49:37 GMT","Sforce-Auto-Assign":"FALSE"},"body":{"LastName":"O'Brien"}}]}"#
        );
        for bad in ["Id", "attributes", "a b", ""] {
            let fields: Fields = [(bad.into(), Value::Null)].into();
            assert_eq!(
                create_body(&lead(), &[fields]).unwrap_err().code,
                "not_sent",
                "{bad}"
            );
        }
    }

    #[test]
    fn results_in_order() {
        let body = r#"[{"id":"00Qx000000KTaQqEAL","success":true,"errors":[]},{"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"m","fields":["LastName"]}]}]"#;
        let results = collection_results(&reply(body), Expect::New(2)).unwrap();
        assert_eq!(results[0], WriteResult::Applied(id("00Qx000000KTaQq")));
        let WriteResult::Refused(error) = &results[1] else {
            panic!("refused")
        };
        assert_eq!(error.class, ErrorClass::Data);
        assert_eq!(*error.fields, ["LastName".into()]);
        assert_eq!(error.effect, Effect::None);
    }

    #[test]
    fn an_answer_that_does_not_fit_leaves_the_effect_open() {
        let one = r#"[{"id":"00Qx000000KTaQqEAL","success":true,"errors":[]}]"#;
        let other = [id("00Qx000000KTaQr")];
        for (body, expect, code) in [
            (one, Expect::New(2), "row_count"),
            (one, Expect::Ids(&other), "bad_body"),
            (
                r#"[{"success":true,"errors":[]}]"#,
                Expect::New(1),
                "bad_body",
            ),
            (&one[..one.len() - 3], Expect::New(1), "bad_body"),
            ("", Expect::New(1), "bad_body"),
            ("{}", Expect::New(1), "bad_body"),
        ] {
            let error = collection_results(&reply(body), expect).unwrap_err();
            assert_eq!(
                (error.code.as_str(), error.effect),
                (code, Effect::Unknown),
                "{body}"
            );
        }
    }

    #[test]
    fn guarded_results_are_matched_by_reference() {
        let rows = [
            guarded("00Qx000000KTaQq"),
            guarded("00Qx000000KTaQr"),
            guarded("00Qx000000KTaQs"),
            guarded("00Qx000000KTaQt"),
        ];
        let body = r#"{"compositeResponse":[
            {"body":[{"errorCode":"PRECONDITION_FAILED","message":"m"}],"httpHeaders":{},"httpStatusCode":412,"referenceId":"r1"},
            {"body":null,"httpHeaders":{},"httpStatusCode":204,"referenceId":"r0"},
            {"body":[{"errorCode":"UNKNOWN_EXCEPTION","message":"m"}],"httpHeaders":{},"httpStatusCode":500,"referenceId":"r3"},
            {"body":[{"errorCode":"ENTITY_IS_DELETED","message":"m"}],"httpHeaders":{},"httpStatusCode":404,"referenceId":"r2"}]}"#;
        let results = guarded_results(&reply(body), &rows).unwrap();
        assert_eq!(results[0], WriteResult::Applied(rows[0].row.id));
        let seen: Vec<_> = results[1..]
            .iter()
            .map(|r| match r {
                WriteResult::Refused(e) => (e.class, e.effect),
                WriteResult::Applied(_) => panic!("applied"),
            })
            .collect();
        assert_eq!(
            seen,
            [
                (ErrorClass::Precondition, Effect::None),
                (ErrorClass::Identity, Effect::None),
                (ErrorClass::TransientCall, Effect::Unknown),
            ]
        );
        for (from, to) in [
            ("\"r1\"", "\"r0\""),
            ("\"r1\"", "\"r9\""),
            ("\"r1\"", "\"R1\""),
        ] {
            let error = guarded_results(&reply(&body.replace(from, to)), &rows).unwrap_err();
            assert_eq!(error.effect, Effect::Unknown);
        }
        assert_eq!(
            guarded_results(&reply(body), &rows[..3]).unwrap_err().code,
            "row_count"
        );
    }
}
