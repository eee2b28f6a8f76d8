//! Records of a file, in the form of the vendor's `data export tree`.
//!
//! They are saved by the rules, as the integration user, in the order of the file; `@name` stands
//! for the id of an earlier record.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::sandbox::{
    dml::{self, Actor, Assign, Duplicates, LengthUnit},
    fail::Fail,
    ids::SfId,
    org::Org,
};

/// Puts the records of a text.
///
/// # Errors
///
/// What is wrong and with which record, in words.
pub fn records(org: &mut Org, text: &[u8], user: SfId, now: i64) -> Result<(), String> {
    let file: Json = serde_json::from_slice(text).map_err(|e| format!("it is no JSON: {e}"))?;
    let list = file.get("records").and_then(Json::as_array);
    let list = list.ok_or_else(|| "it has no list \"records\"".to_owned())?;
    let actor = Actor {
        user,
        now,
        lengths: LengthUnit::default(),
        assign: Assign::Skip,
        duplicates: Duplicates::SAVE,
        version: "67.0",
    };
    let mut named: HashMap<String, SfId> = HashMap::new();
    for (at, record) in list.iter().enumerate() {
        let about = |key: &str| record.get("attributes")?.get(key)?.as_str();
        let made = put(org, &actor, about("type"), record, &named)
            .map_err(|fail| format!("record {}: {}: {}", at + 1, fail.code, fail.message))?;
        if let Some(name) = about("referenceId") {
            named.insert(name.to_owned(), made);
        }
    }
    org.commit();
    Ok(())
}

fn put(
    org: &mut Org,
    actor: &Actor,
    kind: Option<&str>,
    record: &Json,
    named: &HashMap<String, SfId>,
) -> Result<SfId, Fail> {
    let kind = kind.unwrap_or_default();
    let object = org.schema.object(kind).ok_or_else(|| Fail::no_type(kind))?;
    let fields = record
        .as_object()
        .ok_or_else(|| Fail::json("a record is a JSON object"))?;
    let body: Map<String, Json> = fields
        .iter()
        .map(|(name, value)| {
            let id = value.as_str().and_then(|t| named.get(t.strip_prefix('@')?));
            (
                name.clone(),
                id.map_or_else(|| value.clone(), |id| Json::from(id.to_string())),
            )
        })
        .collect();
    dml::create(org, actor, object, &body)
}
