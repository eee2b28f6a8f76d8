//! The control interface over HTTP: a port and a token of its own.
//!
//! Answers JSON; a refusal is an array of errors as in the data API. Whoever speaks is an
//! administrator, `?as=USERNAME` names the user who is to have done it.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json, json};

use super::{By, Control, Field, Pick};
use crate::sandbox::{
    bulk::Pace,
    fail::Fail,
    faults::Fault,
    http::{Call, Reply, bearer, send},
    oauth::Rotation,
    rules::Rule,
    server::Server,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    advance_seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    id: String,
    tries: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowance {
    used: Option<u64>,
    max: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Losers {
    losers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Convert {
    opportunity: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Storage {
    megabytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Concurrency {
    calls: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Versions {
    oldest: u16,
    supported: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum JobPace {
    AtOnce,
    Held,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rotate {
    Keep,
    Rotate,
}

/// Size of the largest body: a snapshot of an org.
const LIMIT: usize = 1 << 30;

/// The control interface of a server, for a socket of its own.
pub fn router(server: Arc<Server>) -> Router {
    Router::new().fallback(entry).with_state(server)
}

async fn entry(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LIMIT).await else {
        return send(&server, Reply::fail(&Fail::too_large()));
    };
    let query = parts.uri.query().unwrap_or_default();
    let call = Call::new(parts.method, parts.uri.path(), query, parts.headers, body);
    let path: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    send(&server, answer(&server, &call, &path))
}

fn answer(server: &Arc<Server>, call: &Call, path: &[&str]) -> Reply {
    if bearer(call) != Some(server.control_token()) {
        let fail = Fail::new(
            "INVALID_SESSION_ID",
            "the control token is missing or wrong",
        );
        return Reply::fail(&fail.status(401));
    }
    run(&Control::new(Arc::clone(server)), call, path).map_or_else(
        |fail| Reply::fail(&fail),
        |json| match json {
            Json::Null => Reply::empty(204),
            json => Reply::json(200, &json),
        },
    )
}

fn run(control: &Control, call: &Call, path: &[&str]) -> Result<Json, Fail> {
    match path {
        ["records", rest @ ..] => records(control, call, rest),
        ["faults", rest @ ..] => faults(control, call, rest),
        ["rules", rest @ ..] => rules(control, call, rest),
        _ => org(control, call, path),
    }
}

fn records(control: &Control, call: &Call, path: &[&str]) -> Result<Json, Fail> {
    let by = call.param("as").map_or(By::Colleague, By::User);
    let done = |()| Json::Null;
    match (call.method.as_str(), path) {
        ("POST", [object]) => {
            let id = control.create(by, object, &body::<Map<String, Json>>(call)?)?;
            Ok(json!({"id": id}))
        }
        ("GET", [id]) => control.get(id),
        ("PATCH", [id]) => control.update(by, id, &body(call)?).map(done),
        ("DELETE", [id]) => match call.param("forever") {
            Some("true") => control.purge(id).map(done),
            _ => control.delete(by, id).map(done),
        },
        ("POST", [id, "undelete"]) => control.undelete(by, id).map(done),
        ("POST", [id, "hide"]) => control.hide(id).map(done),
        ("POST", [id, "show"]) => control.show(id).map(done),
        ("POST", [id, "merge"]) => {
            let Losers { losers } = body(call)?;
            control.merge(by, id, &losers).map(done)
        }
        ("POST", [id, "convert"]) => {
            let Convert { opportunity } = body(call)?;
            let made = control.convert(by, id, opportunity.as_deref())?;
            Ok(json!(made))
        }
        _ => Err(Fail::not_found()),
    }
}

fn faults(control: &Control, call: &Call, path: &[&str]) -> Result<Json, Fail> {
    match (call.method.as_str(), path) {
        ("GET", []) => Ok(json!(control.faults())),
        ("POST", []) => Ok(json!({"id": control.inject(body::<Fault>(call)?)})),
        ("DELETE", []) => {
            control.clear_faults();
            Ok(Json::Null)
        }
        ("DELETE", [number]) => match number.parse().is_ok_and(|n| control.remove_fault(n)) {
            true => Ok(Json::Null),
            false => Err(Fail::not_found()),
        },
        _ => Err(Fail::not_found()),
    }
}

fn rules(control: &Control, call: &Call, path: &[&str]) -> Result<Json, Fail> {
    match (call.method.as_str(), path) {
        ("GET", []) => Ok(json!(control.rules())),
        ("PUT", []) => {
            control.put_rule(body::<Rule>(call)?);
            Ok(Json::Null)
        }
        ("DELETE", [name]) => match control.remove_rule(name) {
            true => Ok(Json::Null),
            false => Err(Fail::not_found()),
        },
        _ => Err(Fail::not_found()),
    }
}

/// What concerns the org as a whole.
fn org(control: &Control, call: &Call, path: &[&str]) -> Result<Json, Fail> {
    let since = || {
        call.param("since")
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    };
    match (call.method.as_str(), path) {
        ("GET", ["query"]) => return control.query(call.param("q").unwrap_or_default()),
        ("GET", ["counters"]) => return Ok(json!(control.counters())),
        ("GET", ["requests"]) => return Ok(json!(control.requests(since()))),
        ("GET", ["changes"]) => return Ok(json!(control.changes(since()))),
        ("GET", ["written"]) => return Ok(json!(control.written())),
        ("POST", ["clock"]) => {
            let Clock { advance_seconds } = body(call)?;
            return Ok(json!({"now": control.advance(advance_seconds)}));
        }
        ("POST", ["forget"]) => control.forget(),
        ("POST", ["sessions", "expire"]) => control.expire_sessions(),
        ("POST", ["grants", "revoke"]) => control.revoke_grants(),
        ("POST", ["cursors", "close"]) => control.close_cursors(),
        ("PUT", ["rotation"]) => control.set_rotation(match body(call)? {
            Rotate::Keep => Rotation::Keep,
            Rotate::Rotate => Rotation::Rotate,
        }),
        ("PUT", ["required"]) => control.set_required(&body::<Vec<Field>>(call)?)?,
        ("PUT", ["restricted"]) => control.set_restricted(&body::<Vec<Field>>(call)?)?,
        ("PUT", ["retired"]) => control.set_retired(&body::<Vec<Pick>>(call)?)?,
        ("POST", ["deletes", "trim"]) => control.trim_deletes(),
        ("PUT", ["allowance"]) => {
            let Allowance { used, max } = body(call)?;
            control.set_allowance(used, max);
        }
        ("GET", ["automation"]) => return Ok(json!(control.automation())),
        ("PUT", ["automation"]) => control.set_automation(body(call)?)?,
        ("PUT", ["storage"]) => control.set_storage(body::<Storage>(call)?.megabytes),
        ("PUT", ["concurrency"]) => control.set_most_at_once(body::<Concurrency>(call)?.calls),
        ("PUT", ["versions"]) => {
            let Versions { oldest, supported } = body(call)?;
            control.set_versions(oldest, supported);
        }
        ("PUT", ["jobs"]) => control.hold_jobs(match body(call)? {
            JobPace::AtOnce => Pace::AtOnce,
            JobPace::Held => Pace::Held,
        }),
        ("POST", ["unseen", id]) => {
            let by = call.param("as").map_or(By::Colleague, By::User);
            control.update_unseen(by, id, &body(call)?)?;
        }
        ("POST", ["migrate"]) => control.migrate(),
        ("POST", ["unseen"]) => control.end_unseen()?,
        ("POST", ["snapshots", name]) => control.snapshot(name),
        ("POST", ["snapshots", name, "restore"]) => {
            if !control.restore(name) {
                return Err(Fail::not_found());
            }
        }
        ("POST", ["locks"]) => {
            let Lock { id, tries } = body(call)?;
            control.lock(&id, tries)?;
        }
        _ => return Err(Fail::not_found()),
    }
    Ok(Json::Null)
}

fn body<T: DeserializeOwned>(call: &Call) -> Result<T, Fail> {
    serde_json::from_slice(&call.body).map_err(|e| Fail::json(e.to_string()))
}
