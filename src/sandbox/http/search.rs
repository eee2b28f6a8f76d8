//! `search` and `parameterizedSearch`, and the plan of a query (`explain`).

use axum::http::Method;
use serde_json::{Value as Json, json};

use super::{
    Call, Reply,
    rest::{Context, body_of},
};
use crate::sandbox::{
    fail::Fail,
    org::Org,
    soql::{self, Output, Scope, write_record},
    sosl::{self, Group, Search, Wanted, Words},
};

/// `GET /search?q=`
pub fn search(context: &Context<'_>, org: &Org, call: &Call) -> Result<Reply, Fail> {
    let text = call.param("q").unwrap_or_default();
    let search = sosl::parse(text)?;
    answer(context, org, &search)
}

/// `GET` or `POST /parameterizedSearch`
pub fn parameterized(context: &Context<'_>, org: &Org, call: &Call) -> Result<Reply, Fail> {
    let asked = match call.method == Method::POST {
        true => Json::Object(body_of(call)?),
        false => from_params(call),
    };
    let text = |name: &str| asked.get(name).and_then(Json::as_str).unwrap_or_default();
    let number = |json: &Json, name: &str| {
        let value = json.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    if text("q").is_empty() {
        return Err(Fail::new("MALFORMED_SEARCH", "No search term found."));
    }
    let group = match text("in") {
        "" => Group::All,
        name => Group::named(name)
            .ok_or_else(|| Fail::new("INVALID_SEARCH", format!("unknown scope: {name}")))?,
    };
    let list = |json: &Json| -> String {
        let items = json.get("fields").and_then(Json::as_array);
        let names = items.map(|l| l.iter().filter_map(Json::as_str).collect::<Vec<_>>());
        names
            .filter(|n| !n.is_empty())
            .map_or_else(String::new, |n| n.join(","))
    };
    let usual = match list(&asked).as_str() {
        "" => "Id".to_owned(),
        fields => fields.to_owned(),
    };
    let objects = asked.get("sobjects").and_then(Json::as_array);
    let wanted = objects
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|object| {
            let fields = match list(object).as_str() {
                "" => usual.clone(),
                fields => fields.to_owned(),
            };
            let name = object.get("name").and_then(Json::as_str);
            let mut rest = match object.get("where").and_then(Json::as_str) {
                Some(cond) => format!("WHERE {cond} "),
                None => String::new(),
            };
            let limit = number(object, "limit").or_else(|| number(&asked, "defaultLimit"));
            if let Some(limit) = limit {
                rest.push_str(&format!("LIMIT {limit}"));
            }
            Wanted {
                object: name.unwrap_or_default().to_owned(),
                fields,
                rest,
            }
        });
    let limit = number(&asked, "overallLimit").unwrap_or(2000);
    if limit > 2000 {
        return Err(Fail::new(
            "INVALID_SEARCH",
            "overallLimit must not be greater than 2000",
        ));
    }
    let search = Search {
        words: Words::parse(text("q"))?,
        group,
        wanted: wanted.collect(),
        limit: limit as usize,
    };
    answer(context, org, &search)
}

/// The parameters of a GET in the form of the body of a POST.
fn from_params(call: &Call) -> Json {
    let fields =
        |list: &str| -> Vec<String> { list.split(',').map(|f| f.trim().to_owned()).collect() };
    let all = |name: &str| {
        let found = call.params.iter().filter(move |(n, _)| n == name);
        found.flat_map(|(_, v)| v.split(',')).collect::<Vec<_>>()
    };
    let mut out = json!({});
    for name in ["q", "in", "defaultLimit", "overallLimit"] {
        if let Some(value) = call.param(name) {
            out[name] = json!(value);
        }
    }
    if let Some(list) = call.param("fields") {
        out["fields"] = json!(fields(list));
    }
    let objects: Vec<Json> = all("sobject")
        .into_iter()
        .map(|name| {
            let mut object = json!({ "name": name });
            for part in ["fields", "where", "limit"] {
                if let Some(value) = call.param(&format!("{name}.{part}")) {
                    object[part] = match part {
                        "fields" => json!(fields(value)),
                        _ => json!(value),
                    };
                }
            }
            object
        })
        .collect();
    out["sobjects"] = json!(objects);
    out
}

fn answer(context: &Context<'_>, org: &Org, search: &Search) -> Result<Reply, Fail> {
    let every: Vec<Wanted> = match search.wanted.is_empty() {
        false => search.wanted.clone(),
        true => sosl::searchable(org)
            .into_iter()
            .map(|object| Wanted {
                object: org.schema.at(object).name.clone(),
                fields: "Id".to_owned(),
                rest: String::new(),
            })
            .collect(),
    };
    let mut found: Vec<Vec<u8>> = Vec::new();
    for one in &every {
        let soql = format!("SELECT {} FROM {} {}", one.fields, one.object, one.rest);
        let mut plan = soql::prepare(org, &soql, Scope::Live, context.asker())?;
        let limit = plan.limit.take().unwrap_or(usize::MAX);
        let rows = soql::rows(org, &plan);
        let Output::Columns(columns) = &plan.output else {
            return Err(Fail::new(
                "MALFORMED_SEARCH",
                "RETURNING takes plain fields",
            ));
        };
        let fields = org.schema.at(plan.object);
        let table = org.table(plan.object);
        let fitting = rows
            .iter()
            .filter_map(|row| table.row(*row))
            .filter(|record| search.words.fit(fields, record, search.group))
            .take(limit);
        for record in fitting {
            let mut out = Vec::new();
            write_record(&mut out, org, plan.object, record, columns, context.version);
            found.push(out);
        }
    }
    found.truncate(search.limit);
    let list = found.join(&b',');
    let body = match context.number() >= 37 {
        true => [br#"{"searchRecords":["#.as_slice(), &list, b"]}"].concat(),
        false => [b"[".as_slice(), &list, b"]"].concat(),
    };
    Ok(Reply::bytes(200, body))
}

/// `GET /query?explain=`
pub fn explain(context: &Context<'_>, org: &Org, text: &str) -> Result<Reply, Fail> {
    let plan = soql::prepare(org, text, Scope::Live, context.asker())?;
    let all = org.table(plan.object).by_id.len();
    let found = soql::rows(org, &plan).len();
    let cost = found as f64 / all.max(1) as f64;
    let (way, cost) = match soql::is_indexed(org, &plan) {
        true => ("Index", cost),
        false => ("TableScan", cost.max(1.0)),
    };
    let name = &org.schema.at(plan.object).name;
    Ok(Reply::json(
        200,
        &json!({
            "plans": [{
                "cardinality": found, "fields": [], "leadingOperationType": way, "notes": [],
                "relativeCost": cost, "sobjectCardinality": all, "sobjectType": name,
            }],
            "sourceQuery": text,
        }),
    ))
}
