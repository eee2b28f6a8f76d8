//! `POST /composite/graph`: composites that are each made whole or not at all (salesforce-api 2.7).
//!
//! Invariant: what a call may hold is checked before anything is done.

use std::collections::{HashMap, HashSet};

use serde_json::{Value as Json, json};

use super::{
    Call, Reply, composite,
    rest::{Context, body_of},
};
use crate::sandbox::{fail::Fail, org::Org};

/// Most graphs of a call, and nodes of all of them.
const GRAPHS: usize = 75;
const NODES: usize = 500;
/// Most nodes of a graph that wait for one another, and most kinds of them.
const DEPTH: usize = 15;
const KINDS: usize = 15;
/// Failed graphs after which the rest is not tried.
const FAILURES: usize = 14;

/// Answers the call.
pub fn graph(context: &Context<'_>, org: &mut Org, call: &Call) -> Result<Reply, Fail> {
    if context.number() < 50 {
        return Err(Fail::not_found());
    }
    let mut body = body_of(call)?;
    let Some(Json::Array(graphs)) = body.remove("graphs") else {
        return Err(Fail::json("The graphs list is missing"));
    };
    check(&graphs)?;
    let mut failures = 0;
    let mut out = Vec::with_capacity(graphs.len());
    for graph in &graphs {
        let list = graph.get("compositeRequest").cloned().unwrap_or(Json::Null);
        let done = match failures >= FAILURES {
            true => composite::halted(list)?,
            false => composite::whole(context, org, call, list)?,
        };
        match done.successful {
            true => org.commit(),
            false => failures += 1,
        }
        out.push(json!({
            "graphId": graph["graphId"],
            "graphResponse": {"compositeResponse": done.answers},
            "isSuccessful": done.successful,
        }));
    }
    Ok(Reply::json(200, &json!({ "graphs": out })))
}

fn too_many(text: impl Into<String>) -> Fail {
    Fail::new("LIMIT_EXCEEDED", text)
}

fn check(graphs: &[Json]) -> Result<(), Fail> {
    let mut ids = HashSet::new();
    let each_has_its_own = graphs.iter().all(|graph| {
        let id = graph.get("graphId").and_then(Json::as_str);
        id.is_some_and(|id| ids.insert(id))
    });
    if !each_has_its_own {
        return Err(Fail::json("Each graph needs a graphId of its own"));
    }
    if graphs.len() > GRAPHS {
        let text = format!("The request exceeds the limit of {GRAPHS} graphs.");
        return Err(too_many(text));
    }
    if graphs.iter().map(|g| nodes(g).len()).sum::<usize>() > NODES {
        let text = format!("The request exceeds the limit of {NODES} nodes in all its graphs.");
        return Err(too_many(text));
    }
    for graph in graphs {
        let id = graph["graphId"].as_str().unwrap_or_default();
        let nodes = nodes(graph);
        let kinds: HashSet<_> = nodes.iter().map(kind).collect();
        if kinds.len() > KINDS {
            let text = format!("The graph {id} exceeds the limit of {KINDS} different nodes.");
            return Err(too_many(text));
        }
        if depth(nodes) > DEPTH {
            let text = format!("The graph {id} exceeds the maximum depth of {DEPTH}.");
            return Err(too_many(text));
        }
    }
    Ok(())
}

fn nodes(graph: &Json) -> &[Json] {
    let list = graph.get("compositeRequest").and_then(Json::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// What a node does to which object: nodes that differ in neither are of one kind.
fn kind(node: &Json) -> (String, String) {
    let text = |name: &str| node.get(name).and_then(Json::as_str).unwrap_or_default();
    let path = text("url").split(['?', '@']).next().unwrap_or_default();
    let object = path.split('/').filter(|part| !part.is_empty()).nth(4);
    (
        text("method").to_ascii_uppercase(),
        object.unwrap_or(path).to_ascii_lowercase(),
    )
}

/// The longest line of nodes of which each refers to the one before.
fn depth(nodes: &[Json]) -> usize {
    let mut depths: HashMap<&str, usize> = HashMap::new();
    for node in nodes {
        let mut found = Vec::new();
        references(node, &mut found);
        let below = found.iter().filter_map(|name| depths.get(name)).max();
        let depth = 1 + below.copied().unwrap_or(0);
        if let Some(name) = node.get("referenceId").and_then(Json::as_str) {
            depths.insert(name, depth);
        }
    }
    depths.values().copied().max().unwrap_or(0)
}

/// The names in all `@{name.path}` of a node.
fn references<'a>(json: &'a Json, found: &mut Vec<&'a str>) {
    match json {
        Json::String(text) => {
            let inside = text.split("@{").skip(1);
            found.extend(inside.filter_map(|t| t.split(['.', '[', '}']).next()));
        }
        Json::Array(list) => list.iter().for_each(|one| references(one, found)),
        Json::Object(map) => map.values().for_each(|one| references(one, found)),
        _ => {}
    }
}
