//! Recently used records, and tabs (salesforce-api 2.10).

use std::collections::VecDeque;

use serde_json::{Value as Json, json};

use super::{Call, Reply, rest::Context};
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    org::Org,
    schema::{ObjIx, Object},
};

/// How many are kept for all users.
const KEPT: usize = 2000;
/// How many an answer holds when it is not said.
const USUAL: usize = 200;

/// The records users looked at, the latest first.
#[derive(Debug, Default)]
pub struct Recent(VecDeque<(SfId, SfId)>);

impl Recent {
    /// Notes that a user used a record.
    pub fn note(&mut self, user: SfId, record: SfId) {
        self.0.retain(|entry| *entry != (user, record));
        self.0.push_front((user, record));
        self.0.truncate(KEPT);
    }
    fn of(&self, user: SfId) -> Vec<SfId> {
        let own = self.0.iter().filter(|(by, _)| *by == user);
        own.map(|(_, id)| *id).collect()
    }
}

/// Notes a record a call has touched, if the call asks for that.
pub fn note_if_asked(context: &Context<'_>, call: &Call, record: SfId) {
    let asked = call
        .header("sforce-mru")
        .is_some_and(|v| v.replace(' ', "").eq_ignore_ascii_case("updateMru=true"));
    if asked {
        context.server.recent().note(context.user, record);
    }
}

fn items(context: &Context<'_>, org: &Org, only: Option<ObjIx>, limit: usize) -> Vec<Json> {
    let ids = context.server.recent().of(context.user);
    ids.into_iter()
        .filter_map(|id| org.record(id))
        .filter(|(object, record)| !record.deleted && only.is_none_or(|o| o == *object))
        .take(limit)
        .map(|(object, record)| {
            let fields = org.schema.at(object);
            let name = fields.name_field().and_then(|ix| record.cell(ix).as_text());
            json!({
                "attributes": {
                    "type": fields.name,
                    "url": format!("/services/data/v{}/sobjects/{}/{}", context.version, fields.name, record.id),
                },
                "Id": record.id.to_string(),
                "Name": name,
            })
        })
        .collect()
}

/// `GET /recent`
pub fn recent(context: &Context<'_>, org: &Org, call: &Call) -> Result<Reply, Fail> {
    let limit = match call.param("limit") {
        None => USUAL,
        Some(text) => text
            .parse()
            .ok()
            .filter(|n| (1..=KEPT).contains(n))
            .ok_or_else(|| Fail::new("INVALID_QUERY_VALUE", "limit must be between 1 and 2000"))?,
    };
    let list = items(context, org, None, limit);
    Ok(Reply::json(200, &Json::Array(list)))
}

/// The recent records of one object.
pub fn of_object(context: &Context<'_>, org: &Org, object: ObjIx) -> Vec<Json> {
    items(context, org, Some(object), USUAL)
}

/// `GET /tabs`
pub fn tabs(context: &Context<'_>, org: &Org) -> Reply {
    let shown = |object: &Object| !object.setup() && !object.name.starts_with("Content");
    let list: Vec<Json> = org
        .schema
        .each()
        .filter(|(_, o)| shown(o))
        .map(|(_, o)| {
            let base = context.server.url();
            json!({
                "colors": [], "custom": o.custom(), "iconUrl": null, "icons": [],
                "label": o.plural, "miniIconUrl": null, "name": o.name,
                "sobjectName": o.name, "url": format!("{base}/{}/o", o.prefix_text()),
            })
        })
        .collect();
    Reply::json(200, &Json::Array(list))
}
