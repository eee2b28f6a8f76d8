//! Records over a relationship: `/sobjects/Contact/{id}/Account`, `/sobjects/Account/{id}/Contacts`.

use axum::http::Method;

use super::{Call, Reply, query, rest::Context, rows};
use crate::sandbox::{
    dml,
    fail::Fail,
    ids::SfId,
    org::Org,
    schema::{ObjIx, Slot},
    soql::Scope,
};

/// What a path of an id and a name leads to.
pub enum Over {
    /// One parent, by its own object and id; none when the reference is empty.
    Parent(Option<(ObjIx, String)>),
    /// The children: their object, the field that refers, and the parent's id.
    Children(ObjIx, String, SfId),
}

/// Follows a path; nothing when it is no such path.
pub fn follow(org: &Org, object: ObjIx, id: &str, name: &str) -> Option<Result<Over, Fail>> {
    let fields = org.schema.at(object);
    let hop = fields.relationship(name);
    let child = org.schema.child_named(object, name);
    let id = SfId::parse(id).filter(|id| id.prefix() == fields.prefix)?;
    if hop.is_none() && child.is_none() {
        return None;
    }
    let Some((_, row)) = org.find(id) else {
        return Some(Err(Fail::not_found()));
    };
    Some(
        dml::live(org, object, row).map(|record| match (hop, child) {
            (Some(hop), _) => {
                let slot = fields.at(hop).slot;
                let parent = record.get(hop, slot).as_id();
                let found = parent.and_then(|id| Some((org.find(id)?.0, id.to_string())));
                Over::Parent(found)
            }
            (None, Some((child, _))) => {
                let from = org.schema.at(child.object);
                Over::Children(child.object, from.at(child.field).name.clone(), id)
            }
            (None, None) => Over::Parent(None),
        }),
    )
}

/// Reads what a path leads to.
pub fn read(context: &Context<'_>, org: &Org, call: &Call, over: Over) -> Result<Reply, Fail> {
    match over {
        Over::Parent(None) => Err(Fail::not_found()),
        Over::Parent(Some((object, id))) => rows::get(context, org, call, object, &id),
        Over::Children(object, field, id) => {
            let fields = org.schema.at(object);
            let wanted = match call.param("fields") {
                Some(list) => list.to_owned(),
                None => fields
                    .fields
                    .iter()
                    .filter(|f| f.slot != Slot::Compound)
                    .map(|f| f.name.as_str())
                    .collect::<Vec<_>>()
                    .join(","),
            };
            let soql = format!(
                "SELECT {wanted} FROM {} WHERE {field} = '{id}'",
                fields.name
            );
            query::run(context, org, call, &soql, Scope::Live)
        }
    }
}

/// Changes or deletes the parent a path leads to.
pub fn write(
    context: &Context<'_>,
    org: &mut Org,
    call: &Call,
    method: &Method,
    over: Over,
) -> Result<Reply, Fail> {
    match (over, method.as_str()) {
        (Over::Parent(Some((object, id))), "PATCH") => {
            rows::update(context, org, call, object, &id)
        }
        (Over::Parent(Some((object, id))), "DELETE") => rows::delete(context, org, object, &id),
        (Over::Parent(None), _) => Err(Fail::not_found()),
        _ => Err(Fail::new(
            "METHOD_NOT_ALLOWED",
            format!("HTTP Method '{method}' not allowed. Allowed are GET,HEAD"),
        )
        .status(405)),
    }
}
