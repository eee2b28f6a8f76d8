//! Reading records: windows, searches, retrieval by id (salesforce-api 2.4, 2.7, 5).
//!
//! Invariant: an answer is as old as its first call; the time that is reported never flatters.

use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::error::{CrmError, Effect};
use super::super::transport::Reply;
use super::super::{CrmRow, Retrieved};
use super::Salesforce;
use super::call::Call;
use super::errors::{Intent, bad_body, from_json, not_sent};
use super::rows::{self, Page, Plan};
use super::soql;
use super::write::encode;
use crate::domain::id::{CrmId, FieldName};
use crate::domain::schema::ObjectInfo;
use crate::domain::value::FieldKind;

/// Which records a query sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Live ones.
    Live,
    /// Those in the recycle bin too.
    All,
}

/// The limit of an address with its headers is 16,384 bytes; this leaves room for a long token.
const MAX_QUERY: usize = 12_000;

/// A query with so many columns goes inside a composite call anyway, and may be as long as any.
const MAX_INSIDE: usize = 95_000;

/// Encoded length up to which values are added to a query.
fn longest(select: &str) -> usize {
    match soql::encoded_len(select) > MAX_QUERY / 2 {
        true => MAX_INSIDE,
        false => MAX_QUERY,
    }
}

const PAGE_SIZE: &[(&str, &str)] = &[("sforce-query-options", "batchSize=2000")];

/// `query/?q=…` under the version.
pub(super) fn target(scope: Scope, soql: &str) -> String {
    let resource = match scope {
        Scope::Live => "query",
        Scope::All => "queryAll",
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", soql);
    format!("{resource}/?{}", query.finish())
}

impl Salesforce {
    /// Runs a query; one that is too long for an address goes inside a composite call.
    pub(super) async fn first_page(
        &self,
        plan: &Plan,
        scope: Scope,
        soql: &str,
    ) -> Result<(Page, Timestamp), CrmError> {
        let path = self.path(&target(scope, soql));
        if soql::encoded_len(soql) <= MAX_QUERY {
            let call = Call {
                headers: PAGE_SIZE,
                ..Call::get(path)
            };
            return self
                .call(&call, Intent::Read, |reply| page_of(plan, reply))
                .await;
        }
        let body = serde_json::json!({
            "allOrNone": false,
            "compositeRequest": [{
                "method": "GET",
                "url": path,
                "referenceId": "q",
                "httpHeaders": {"Sforce-Query-Options": "batchSize=2000"},
            }],
        });
        let call = Call::with_body(Method::POST, self.path("composite"), encode(&body)?);
        self.call(&call, Intent::Read, |reply| page_inside(plan, reply))
            .await
    }

    /// The page at a cursor. Only a path of this API is followed.
    pub(super) async fn next_page(
        &self,
        plan: &Plan,
        cursor: &str,
    ) -> Result<(Page, Timestamp), CrmError> {
        let fits = cursor.starts_with("/services/data/v")
            && !cursor.contains("..")
            && cursor
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"\\#?@".contains(&b));
        if !fits {
            return Err(not_sent(
                "the next page is at an address that is not followed",
            ));
        }
        let call = Call {
            headers: PAGE_SIZE,
            ..Call::get(cursor.to_owned())
        };
        self.call(&call, Intent::Read, |reply| page_of(plan, reply))
            .await
    }

    /// Runs a query to its end.
    async fn all_pages(
        &self,
        plan: &Plan,
        scope: Scope,
        soql: &str,
    ) -> Result<(Vec<CrmRow>, Timestamp), CrmError> {
        let (page, at) = self.first_page(plan, scope, soql).await?;
        let (mut rows, mut next) = (page.rows, page.next);
        while let Some(cursor) = next {
            let (page, _) = self.next_page(plan, &cursor).await?;
            rows.extend(page.rows);
            next = page.next;
        }
        Ok((rows, at))
    }

    pub(super) async fn find_rows(
        &self,
        object: &ObjectInfo,
        field: &FieldName,
        values: &[String],
        fields: &[FieldName],
    ) -> Result<Retrieved, CrmError> {
        let plans = self.plans(object, fields);
        let [plan] = &plans[..] else {
            return self.find_wide(object, field, values, &plans).await;
        };
        self.find_by(object, field, values, plan).await
    }

    /// Finds records with the columns of one plan.
    pub(super) async fn find_by(
        &self,
        object: &ObjectInfo,
        field: &FieldName,
        values: &[String],
        plan: &Plan,
    ) -> Result<Retrieved, CrmError> {
        let kind = object
            .field(field.as_str())
            .map_or(FieldKind::Text, |f| f.kind);
        let mut literals: Vec<String> = values
            .iter()
            .filter_map(|v| soql::literal(kind, v))
            .collect();
        literals.sort_unstable();
        literals.dedup();
        let select = soql::select(object, plan.columns())?;
        let field = soql::name(field.as_str())?;
        let mut found = Found::default();
        for soql in soql::in_lists(&select, field, &literals, longest(&select)) {
            found.add(self.all_pages(plan, Scope::All, &soql).await?);
        }
        let at = match found.at {
            Some(at) => at,
            // No value can match; the caller still wants the server's time.
            None => self.server_time().await?,
        };
        Ok(Retrieved {
            rows: found.rows.into_iter().map(Some).collect(),
            at,
        })
    }

    /// Reads records by id with the columns of one plan.
    pub(super) async fn retrieve_by(
        &self,
        object: &ObjectInfo,
        ids: &[CrmId],
        plan: &Plan,
    ) -> Result<Retrieved, CrmError> {
        let select = soql::select(object, plan.columns())?;
        let body = encode(&serde_json::json!({ "ids": ids, "fields": plan.columns() }))?;
        let path = self.path(&format!("composite/sobjects/{}", object.name));
        let call = Call::with_body(Method::POST, path, body);
        let (mut rows, at) = self
            .call(&call, Intent::Read, |reply| {
                let rows = rows::rows(plan, text_of(reply)?).map_err(|e| unreadable(reply, &e))?;
                let fits = rows.len() == ids.len()
                    && rows
                        .iter()
                        .zip(ids)
                        .all(|(row, id)| row.as_ref().is_none_or(|r| r.id == *id));
                if !fits {
                    return Err(bad_body(
                        reply,
                        Intent::Read,
                        "rows that were not asked for",
                    ));
                }
                Ok((rows, time_of(reply)?))
            })
            .await?;
        // A deleted record reads as missing here, but the recycle bin still shows it.
        let missing = rows.iter().zip(ids).filter(|(row, _)| row.is_none());
        let literals: Vec<String> = missing.map(|(_, id)| soql::id_literal(id)).collect();
        let mut binned = Found::default();
        for soql in soql::in_lists(&select, "Id", &literals, longest(&select)) {
            binned.add(self.all_pages(plan, Scope::All, &soql).await?);
        }
        for row in binned.rows {
            for (place, _) in rows.iter_mut().zip(ids).filter(|(_, id)| **id == row.id) {
                *place = Some(row.clone());
            }
        }
        Ok(Retrieved { rows, at })
    }

    /// The server's clock, from the list of versions, which counts against no limit.
    async fn server_time(&self) -> Result<Timestamp, CrmError> {
        let call = Call::get("/services/data/".to_owned());
        self.call(&call, Intent::Read, time_of).await
    }
}

/// Rows of several queries; the time is that of the first.
#[derive(Default)]
struct Found {
    rows: Vec<CrmRow>,
    at: Option<Timestamp>,
}

impl Found {
    fn add(&mut self, (rows, at): (Vec<CrmRow>, Timestamp)) {
        self.rows.extend(rows);
        self.at.get_or_insert(at);
    }
}

fn text_of(reply: &Reply) -> Result<&str, CrmError> {
    std::str::from_utf8(&reply.body).map_err(|_| bad_body(reply, Intent::Read, "not UTF-8"))
}

fn time_of(reply: &Reply) -> Result<Timestamp, CrmError> {
    reply
        .date()
        .ok_or_else(|| bad_body(reply, Intent::Read, "no Date header"))
}

/// Where reading failed. The parser's own words may quote a value.
fn unreadable(reply: &Reply, error: &serde_json::Error) -> CrmError {
    let what = format!(
        "{:?} error at line {} column {}",
        error.classify(),
        error.line(),
        error.column()
    );
    bad_body(reply, Intent::Read, &what)
}

pub(super) fn page_of(plan: &Plan, reply: &Reply) -> Result<(Page, Timestamp), CrmError> {
    let page = rows::page(plan, text_of(reply)?).map_err(|e| unreadable(reply, &e))?;
    Ok((page, time_of(reply)?))
}

#[derive(Deserialize)]
struct Composite<'a> {
    #[serde(rename = "compositeResponse", borrow)]
    parts: Vec<Part<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
    http_status_code: u16,
}

pub(super) fn page_inside(plan: &Plan, reply: &Reply) -> Result<(Page, Timestamp), CrmError> {
    let composite: Composite<'_> =
        serde_json::from_str(text_of(reply)?).map_err(|e| unreadable(reply, &e))?;
    let [part] = &composite.parts[..] else {
        return Err(bad_body(reply, Intent::Read, "not one part"));
    };
    if part.http_status_code != 200 {
        let json = serde_json::from_str(part.body.get()).unwrap_or_default();
        let error = from_json(&json, part.http_status_code)
            .ok_or_else(|| bad_body(reply, Intent::Read, "a part without an explanation"))?;
        return Err(CrmError {
            status: Some(part.http_status_code),
            request: reply.request.clone(),
            effect: Effect::None,
            ..error
        });
    }
    let page = rows::page(plan, part.body.get()).map_err(|e| unreadable(reply, &e))?;
    Ok((page, time_of(reply)?))
}
