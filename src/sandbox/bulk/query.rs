//! Bulk 2.0 query: `/jobs/query` (salesforce-api 6.2).

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{
    Answer, Job, Pace, Sort, State, Task, csv,
    ingest::{add, format, start},
    jobs::{self, abort, wrong_state},
    locator, page_at,
};
use crate::sandbox::{
    fail::Fail,
    http::{Call, Content, Context, Reply, json_body},
    ids::SfId,
    org::Org,
    server::Server,
    soql::{self, Asker, Output, Plan, Scope, ast::Item, flat_names, flat_values, is_flat},
};

/// Records of a page when it is not said.
const USUAL: usize = 50_000;

/// Answers a call below `/jobs/query`.
pub fn answer(
    server: &Arc<Server>,
    context: &Context<'_>,
    call: &Call,
    path: &[&str],
) -> Result<Reply, Fail> {
    if let Some(reply) = jobs::answer(server, context, call, Sort::Query, path) {
        return reply;
    }
    match (call.method.as_str(), path) {
        ("POST", []) => create(server, context, call),
        ("PATCH", [id]) => match json_body(call)?.get("state").and_then(Json::as_str) {
            Some("Aborted") => abort(server, context, Sort::Query, id),
            _ => Err(Fail::new(
                "INVALIDJOB",
                "InvalidJob : a query job can only be aborted",
            )),
        },
        ("GET", [id, "results"]) => results(server, context, call, id),
        ("GET", [id, "resultPages"]) if context.number() >= 58 => pages(server, context, call, id),
        _ => Err(Fail::not_found()),
    }
}

/// A plan of a query that Bulk can run.
pub fn plan(org: &Org, text: &str, scope: Scope, asker: Asker) -> Result<Plan, Fail> {
    let plan = soql::prepare(org, text, scope, asker)?;
    let query = soql::parse_only(text)?;
    let nested = query.select.iter().any(|i| matches!(i, Item::Children(_)));
    let compound = matches!(&plan.output, Output::Columns(columns) if !is_flat(columns));
    let what = match () {
        () if !matches!(plan.output, Output::Columns(_)) || query.offset.is_some() => {
            "Aggregate functions, GROUP BY and OFFSET are not supported in Bulk Query"
        }
        () if nested => "Nested queries are not supported in Bulk Query",
        () if compound => "Selecting compound data is not supported in Bulk Query",
        () => return Ok(plan),
    };
    Err(Fail::new("FEATURENOTENABLED", what))
}

fn create(server: &Arc<Server>, context: &Context<'_>, call: &Call) -> Result<Reply, Fail> {
    let body = json_body(call)?;
    let text = |name: &str| body.get(name).and_then(Json::as_str).unwrap_or_default();
    let scope = match text("operation") {
        "query" => Scope::Live,
        "queryAll" => Scope::WithDeleted,
        other => {
            let text = format!("InvalidJob : operation {other} is not supported");
            return Err(Fail::new("INVALIDJOB", text));
        }
    };
    let formats = format(&body)?;
    let object = {
        let org = server.org();
        let plan = plan(&org, text("query"), scope, context.asker())?;
        org.schema.at(plan.object).name.clone()
    };
    let task = Task::Query {
        text: text("query").to_owned(),
        scope,
        answer: None,
    };
    let id = add(
        server,
        context,
        object,
        formats,
        State::UploadComplete,
        task,
    );
    let jobs = server.jobs();
    let made = jobs.list.get(&id).map(Job::json).unwrap_or_default();
    let pace = jobs.pace;
    drop(jobs);
    if pace == Pace::AtOnce {
        start(server, id);
    }
    Ok(Reply::json(200, &made))
}

/// Finds the rows of a job.
pub fn run(context: &Context<'_>, id: SfId, text: &str, scope: Scope) -> Result<(), Fail> {
    let org = context.server.org();
    let plan = plan(&org, text, scope, context.asker())?;
    let rows = Arc::new(soql::rows(&org, &plan));
    let Output::Columns(columns) = plan.output else {
        return Ok(());
    };
    let found = Answer {
        object: plan.object,
        rows,
        columns,
    };
    let mut jobs = context.server.jobs();
    if let Some(Job {
        task: Task::Query { answer, .. },
        ..
    }) = jobs.list.get_mut(&id)
    {
        *answer = Some(found);
    }
    Ok(())
}

/// Where a page begins and how long it is.
fn window(call: &Call) -> Result<(usize, usize), Fail> {
    let from = page_at(call.param("locator"))?;
    let bad = || Fail::new("INVALIDJOB", "InvalidJob : Invalid maxRecords");
    let most = match call.param("maxRecords") {
        None => USUAL,
        Some(text) => text.parse().ok().filter(|n| *n > 0).ok_or_else(bad)?,
    };
    Ok((from, most))
}

fn done(server: &Server, context: &Context<'_>, id: &str) -> Result<(Job, Answer), Fail> {
    let job = {
        let mut jobs = server.jobs();
        jobs.find(id, context.user, Sort::Query)?.clone()
    };
    if job.version != context.version {
        let text = "the results are read with the version the job was made with";
        return Err(Fail::new("APIVERSIONMISMATCH", text).status(409));
    }
    let answer = match &job.task {
        Task::Query { answer, .. } if job.state == State::JobComplete => answer.clone(),
        _ => None,
    };
    let state = job.state.name();
    match answer {
        Some(answer) => Ok((job, answer)),
        None => Err(wrong_state(format!("Invalid State: the job is {state}"))),
    }
}

fn results(server: &Server, context: &Context<'_>, call: &Call, id: &str) -> Result<Reply, Fail> {
    let (job, answer) = done(server, context, id)?;
    let (from, most) = window(call)?;
    let end = answer.rows.len().min(from.saturating_add(most));
    let page = answer.rows.get(from..end).unwrap_or_default();
    let org = server.org();
    let out = sheet(&org, &answer, page, job.delimiter, job.ending);
    let next = match end < answer.rows.len() {
        true => locator(end),
        false => "null".to_owned(),
    };
    Ok(Reply::of(200, Content::other(csv::MEDIA_TYPE, out))
        .header("Sforce-Locator", next)
        .header("Sforce-NumberOfRecords", page.len().to_string()))
}

/// Rows as CSV with a header.
pub fn sheet(
    org: &Org,
    answer: &Answer,
    rows: &[u32],
    delimiter: csv::Delimiter,
    ending: csv::Ending,
) -> Vec<u8> {
    let mut out = Vec::new();
    let names = flat_names(&answer.columns);
    csv::line(
        &mut out,
        names.iter().map(String::as_str),
        delimiter,
        ending,
    );
    let table = org.table(answer.object);
    for record in rows.iter().filter_map(|row| table.row(*row)) {
        let values = flat_values(org, record, &answer.columns);
        csv::line(
            &mut out,
            values.iter().map(String::as_str),
            delimiter,
            ending,
        );
    }
    out
}

fn pages(server: &Server, context: &Context<'_>, call: &Call, id: &str) -> Result<Reply, Fail> {
    let (job, answer) = done(server, context, id)?;
    let (from, most) = window(call)?;
    let base = format!("/services/data/v{}/jobs/query/{}", job.version, job.id);
    let address = |what: &str, at: usize| match at {
        0 => format!("{base}/{what}?maxRecords={most}"),
        at => format!("{base}/{what}?locator={}&maxRecords={most}", locator(at)),
    };
    let starts: Vec<usize> = (from..answer.rows.len().max(from + 1))
        .step_by(most)
        .take(6)
        .collect();
    let list: Vec<Json> = starts
        .iter()
        .take(5)
        .map(|at| json!({"resultUrl": address("results", *at)}))
        .collect();
    let mut body = json!({"resultPages": list, "done": starts.len() < 6});
    if let Some(next) = starts.get(5) {
        body["nextRecordsUrl"] = json!(address("resultPages", *next));
    }
    Ok(Reply::json(200, &body))
}
