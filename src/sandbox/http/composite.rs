//! `POST /composite`: up to 25 calls in one, that may use each other's answers (salesforce-api 2.7).

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};

use super::{
    Call, Content, Reply, about,
    rest::{Context, body_of, dispatch},
};
use crate::sandbox::{fail::Fail, org::Org};

struct Part {
    method: Method,
    url: String,
    reference: String,
    headers: HeaderMap,
    body: Option<Json>,
}

struct Answer {
    reference: String,
    status: u16,
    headers: Map<String, Json>,
    body: Json,
}

/// Runs a composite request under the caller's lock.
pub fn run(context: &Context<'_>, org: &mut Org, call: &Call) -> Result<Reply, Fail> {
    let mut body = body_of(call)?;
    let all_or_none = body.get("allOrNone") == Some(&Json::Bool(true));
    let Some(Json::Array(list)) = body.remove("compositeRequest") else {
        return Err(Fail::json("The compositeRequest list is missing"));
    };
    if list.len() > 25 {
        return Err(Fail::new(
            "LIMIT_EXCEEDED",
            "The request exceeds the limit of 25 subrequests.",
        ));
    }
    let parts = parts(Json::Array(list))?;
    let heavy = parts
        .iter()
        .filter(|p| p.url.contains("/query") || p.url.contains("/composite/sobjects"));
    if heavy.count() > 5 {
        return Err(Fail::new(
            "LIMIT_EXCEEDED",
            "Only 5 subrequests may be queries or sObject collections.",
        ));
    }
    let together = match all_or_none {
        true => Together::AllOrNone,
        false => Together::Each,
    };
    let done = perform(context, org, call, &parts, together);
    Ok(Reply::json(
        200,
        &json!({"compositeResponse": done.answers}),
    ))
}

/// Whether one bad part takes the others back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Together {
    AllOrNone,
    Each,
}

/// What parts came to.
pub struct Done {
    pub answers: Vec<Json>,
    pub successful: bool,
}

/// Runs the parts of a graph: all or none.
pub fn whole(context: &Context<'_>, org: &mut Org, call: &Call, list: Json) -> Result<Done, Fail> {
    let parts = parts(list)?;
    Ok(perform(context, org, call, &parts, Together::AllOrNone))
}

/// The answer for a graph that is not tried.
pub fn halted(list: Json) -> Result<Done, Fail> {
    let fail = Fail::new(
        "PROCESSING_HALTED",
        "Too many graphs of the request have failed; this one was not tried.",
    );
    let answers = parts(list)?
        .iter()
        .map(|part| refused(&part.reference, &fail).json())
        .collect();
    Ok(Done {
        answers,
        successful: false,
    })
}

fn parts(list: Json) -> Result<Vec<Part>, Fail> {
    let Json::Array(list) = list else {
        return Err(Fail::json("The compositeRequest list is missing"));
    };
    let parts = list.into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
    check(&parts)?;
    Ok(parts)
}

fn perform(
    context: &Context<'_>,
    org: &mut Org,
    call: &Call,
    parts: &[Part],
    together: Together,
) -> Done {
    let start = org.savepoint();
    let mut answers: Vec<Answer> = Vec::with_capacity(parts.len());
    let mut broken = None;
    for (i, part) in parts.iter().enumerate() {
        let answer = match call.refusal(i) {
            Some(fail) => refused(&part.reference, &fail),
            None => one(context, org, part, &answers),
        };
        let failed = answer.status >= 300 && answer.status != 304;
        answers.push(answer);
        if failed && together == Together::AllOrNone {
            broken = Some(i);
            break;
        }
    }
    if let Some(at) = broken {
        org.rollback(start);
        let halted = Fail::new(
            "PROCESSING_HALTED",
            "The transaction was rolled back since another operation in the same transaction failed.",
        );
        for (i, part) in parts.iter().enumerate() {
            let answer = refused(&part.reference, &halted);
            match answers.get_mut(i) {
                Some(_) if i == at => {}
                Some(place) => *place = answer,
                None => answers.push(answer),
            }
        }
    }
    Done {
        answers: answers.into_iter().map(Answer::json).collect(),
        successful: broken.is_none(),
    }
}

impl Answer {
    fn json(self) -> Json {
        json!({
            "body": self.body, "httpHeaders": self.headers, "httpStatusCode": self.status,
            "referenceId": self.reference,
        })
    }
}

fn part(json: Json) -> Result<Part, Fail> {
    let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
    let (Some(method), Some(url), Some(reference)) =
        (text("method"), text("url"), text("referenceId"))
    else {
        return Err(Fail::json("A subrequest needs method, url and referenceId"));
    };
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
        .map_err(|_| Fail::json(format!("{method} is not an HTTP method")))?;
    let mut headers = HeaderMap::new();
    if let Some(Json::Object(given)) = json.get("httpHeaders") {
        for (name, value) in given {
            if ["accept", "authorization", "content-type"]
                .contains(&name.to_ascii_lowercase().as_str())
            {
                return Err(Fail::new(
                    "INVALID_HEADER",
                    format!("The header {name} is not allowed in a subrequest"),
                ));
            }
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_str(value.as_str().unwrap_or_default());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.insert(name, value);
            }
        }
    }
    Ok(Part {
        method,
        url,
        reference,
        headers,
        body: json.get("body").cloned(),
    })
}

fn check(parts: &[Part]) -> Result<(), Fail> {
    for (i, part) in parts.iter().enumerate() {
        let plain = part
            .reference
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_');
        if part.reference.is_empty() || !plain {
            return Err(Fail::json(format!(
                "Invalid reference ID: {}",
                part.reference
            )));
        }
        if parts[..i].iter().any(|p| p.reference == part.reference) {
            return Err(Fail::json(format!(
                "Duplicate reference ID: {}",
                part.reference
            )));
        }
    }
    Ok(())
}

fn refused(reference: &str, fail: &Fail) -> Answer {
    Answer {
        reference: reference.to_owned(),
        status: fail.status,
        headers: Map::new(),
        body: Json::Array(vec![fail.body()]),
    }
}

fn one(context: &Context<'_>, org: &mut Org, part: &Part, before: &[Answer]) -> Answer {
    match call_of(part, before) {
        Err(fail) => refused(&part.reference, &fail),
        Ok(call) => {
            let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
            let reply = match segments.as_slice() {
                ["services", "data", version, rest @ ..] => {
                    match about::version(&context.server.versions, version) {
                        Ok(_)
                            if matches!(rest, ["composite"] | ["composite", "batch" | "graph"]) =>
                        {
                            Reply::fail(&Fail::new(
                                "INVALID_INPUT",
                                "composite cannot contain composite",
                            ))
                        }
                        Ok(version) => {
                            let mark = org.savepoint();
                            let reply = dispatch(
                                &Context {
                                    version,
                                    ..*context
                                },
                                org,
                                &call,
                                rest,
                            );
                            if reply.status >= 300 {
                                org.rollback(mark);
                            }
                            reply
                        }
                        Err(fail) => Reply::fail(&fail),
                    }
                }
                _ => Reply::fail(&Fail::not_found()),
            };
            let headers = reply
                .headers
                .iter()
                .filter(|(name, _)| *name == axum::http::header::LOCATION)
                .map(|(_, value)| ("Location".to_owned(), json!(value)))
                .collect();
            let body = match reply.content {
                Content::Json(bytes) => serde_json::from_slice(&bytes).unwrap_or(Json::Null),
                _ => Json::Null,
            };
            Answer {
                reference: part.reference.clone(),
                status: reply.status,
                headers,
                body,
            }
        }
    }
}

fn call_of(part: &Part, before: &[Answer]) -> Result<Call, Fail> {
    let url = fill(&part.url, &part.reference, before)?;
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let body = match &part.body {
        Some(body) => Bytes::from(fill_json(body, &part.reference, before)?.to_string()),
        None => Bytes::new(),
    };
    Ok(Call::new(
        part.method.clone(),
        path,
        query,
        part.headers.clone(),
        body,
    ))
}

/// Puts answers in the place of `@{ref.path}` in a text.
fn fill(text: &str, reference: &str, before: &[Answer]) -> Result<String, Fail> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once("@{") {
        let Some((path, tail)) = tail.split_once('}') else {
            break;
        };
        out.push_str(head);
        match look_up(path, reference, before)? {
            Json::String(value) => out.push_str(value),
            other => out.push_str(&other.to_string()),
        }
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

fn fill_json(json: &Json, reference: &str, before: &[Answer]) -> Result<Json, Fail> {
    Ok(match json {
        Json::String(text) => Json::String(fill(text, reference, before)?),
        Json::Array(list) => Json::Array(
            list.iter()
                .map(|j| fill_json(j, reference, before))
                .collect::<Result<_, _>>()?,
        ),
        Json::Object(map) => Json::Object(
            map.iter()
                .map(|(k, v)| Ok((k.clone(), fill_json(v, reference, before)?)))
                .collect::<Result<_, Fail>>()?,
        ),
        other => other.clone(),
    })
}

/// `q.records[0].Id` in the answers so far.
fn look_up<'a>(path: &str, reference: &str, before: &'a [Answer]) -> Result<&'a Json, Fail> {
    let missing = || {
        Fail::new(
            "PROCESSING_HALTED",
            format!("Invalid reference specified. No value for {path} found in {reference}"),
        )
    };
    let mut steps = path.split('.');
    let name = steps.next().unwrap_or_default();
    let (name, _) = name.split_once('[').unwrap_or((name, ""));
    let answer = before
        .iter()
        .find(|a| a.reference == name && a.status < 300)
        .ok_or_else(missing)?;
    let first = path
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_start_matches(name);
    let mut at = indexed(&answer.body, first).ok_or_else(missing)?;
    for step in steps {
        let (key, index) = match step.find('[') {
            Some(cut) => step.split_at(cut),
            None => (step, ""),
        };
        at = at
            .get(key)
            .and_then(|found| indexed(found, index))
            .ok_or_else(missing)?;
    }
    Ok(at)
}

/// Follows `[0][1]`.
fn indexed<'a>(json: &'a Json, index: &str) -> Option<&'a Json> {
    let mut at = json;
    for piece in index.split('[').skip(1) {
        at = at.get(piece.strip_suffix(']')?.parse::<usize>().ok()?)?;
    }
    Some(at)
}
