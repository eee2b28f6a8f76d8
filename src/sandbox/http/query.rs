//! `query`, `queryAll` and the pages that follow.

use std::sync::Arc;

use super::{Call, Reply, columns, cursor::Cursor, rest::Context, search};
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    org::Org,
    soql::{self, Found, Scope, write_record},
};

/// Runs a query and gives all its rows at once, for the control interface.
pub fn whole(
    org: &Org,
    text: &str,
    scope: Scope,
    now: i64,
    version: &str,
) -> Result<Vec<u8>, Fail> {
    let plan = soql::prepare(org, text, scope, soql::Asker::anyone(now))?;
    let parts: Vec<Vec<u8>> = match soql::run(org, &plan)? {
        Found::Count(n) => return Ok(count(n)),
        Found::Groups(groups) => groups,
        Found::Rows(object, rows) => {
            let columns = shown(plan)?;
            let table = org.table(object);
            rows.into_iter()
                .filter_map(|row| table.row(row))
                .map(|record| {
                    let mut out = Vec::new();
                    write_record(&mut out, org, object, record, &columns, version);
                    out
                })
                .collect()
        }
    };
    Ok(list(&parts))
}

fn count(n: usize) -> Vec<u8> {
    format!(r#"{{"totalSize":{n},"done":true,"records":[]}}"#).into_bytes()
}

fn list(records: &[Vec<u8>]) -> Vec<u8> {
    let head = format!(r#"{{"totalSize":{},"done":true,"records":["#, records.len());
    let mut out = head.into_bytes();
    out.extend_from_slice(&records.join(&b','));
    out.extend_from_slice(b"]}");
    out
}

fn shown(plan: soql::Plan) -> Result<soql::Columns, Fail> {
    match plan.output {
        soql::Output::Columns(columns) => Ok(columns),
        _ => Err(Fail::new("UNKNOWN_EXCEPTION", "rows without columns").status(500)),
    }
}

/// Runs a query and gives its first page.
pub fn first(context: &Context<'_>, org: &Org, call: &Call, scope: Scope) -> Result<Reply, Fail> {
    if let Some(text) = call.param("explain") {
        return search::explain(context, org, text);
    }
    let Some(text) = call.param("q") else {
        return Err(Fail::new(
            "MALFORMED_QUERY",
            "A query string has to be specified",
        ));
    };
    match call.param("columns") {
        Some("true") => columns::columns(context, org, text),
        _ => run(context, org, call, text, scope),
    }
}

/// Runs a query given as text and gives its first page.
pub fn run(
    context: &Context<'_>,
    org: &Org,
    call: &Call,
    text: &str,
    scope: Scope,
) -> Result<Reply, Fail> {
    let plan = soql::prepare(org, text, scope, context.asker())?;
    let looks = plan.purpose == soql::ast::Purpose::Look;
    match soql::run(org, &plan)? {
        Found::Count(n) => Ok(Reply::bytes(200, count(n))),
        Found::Groups(groups) => Ok(Reply::bytes(200, list(&groups))),
        Found::Rows(object, rows) => {
            if looks {
                let table = org.table(object);
                let mut recent = context.server.recent();
                let records = rows.iter().rev().filter_map(|row| table.row(*row));
                records.for_each(|record| recent.note(context.user, record.id));
            }
            let columns = shown(plan)?;
            let size = page_size(call);
            let cursor = Cursor::new(
                object,
                scope,
                columns,
                rows,
                context.user,
                size,
                context.now,
            );
            Ok(page(context, org, &Arc::new(cursor), None, 0))
        }
    }
}

fn page_size(call: &Call) -> usize {
    let wanted = call.header("sforce-query-options").and_then(|options| {
        options.split(',').find_map(|option| {
            let (name, value) = option.split_once('=')?;
            let size: usize = value.trim().parse().ok()?;
            name.trim()
                .eq_ignore_ascii_case("batchSize")
                .then_some(size)
        })
    });
    wanted.unwrap_or(2000).clamp(200, 2000)
}

/// A later page.
pub fn more(context: &Context<'_>, org: &Org, locator: &str) -> Result<Reply, Fail> {
    let bad = || Fail::new("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (id, from) = locator.split_once('-').ok_or_else(bad)?;
    let id = SfId::parse(id).ok_or_else(bad)?;
    let from: usize = from.parse().map_err(|_| bad())?;
    let cursor = context
        .server
        .cursors()
        .find(id, context.now)
        .ok_or_else(bad)?;
    if cursor.user != context.user || from >= cursor.rows.len() {
        return Err(bad());
    }
    Ok(page(context, org, &cursor, Some(id), from))
}

/// Bytes after which a page ends before it is full, as those of wide rows do.
const WIDE: usize = 8 << 20;

fn page(
    context: &Context<'_>,
    org: &Org,
    cursor: &Arc<Cursor>,
    id: Option<SfId>,
    from: usize,
) -> Reply {
    let most = cursor.rows.len().min(from + cursor.page);
    let mut records = Vec::with_capacity(512 * (most - from));
    let table = org.table(cursor.object);
    let mut end = from;
    while end < most && records.len() < WIDE {
        // A row deleted since the query began is left out; its page is shorter.
        let visible = |deleted: bool| cursor.scope == Scope::WithDeleted || !deleted;
        let record = table.row(cursor.rows[end]).filter(|r| visible(r.deleted));
        end += 1;
        let Some(record) = record else { continue };
        if !records.is_empty() {
            records.push(b',');
        }
        let (object, columns) = (cursor.object, &cursor.columns);
        write_record(&mut records, org, object, record, columns, context.version);
    }
    let next = match end < cursor.rows.len() {
        true => Some(id.unwrap_or_else(|| context.server.cursors().add(Arc::clone(cursor)))),
        false => None,
    };
    let mut out = Vec::with_capacity(records.len() + 160);
    let (total, done) = (cursor.rows.len(), next.is_none());
    out.extend_from_slice(format!(r#"{{"totalSize":{total},"done":{done}"#).as_bytes());
    if let Some(id) = next {
        let version = context.version;
        let url = format!(r#","nextRecordsUrl":"/services/data/v{version}/query/{id}-{end}""#);
        out.extend_from_slice(url.as_bytes());
    }
    out.extend_from_slice(br#","records":["#);
    out.append(&mut records);
    out.extend_from_slice(b"]}");
    Reply::bytes(200, out)
}
