//! `USING SCOPE`: whose records a query is about (salesforce-api 4).
//!
//! Nobody shares territories, delegates records or has a team in this org: what rests on that is
//! refused, or is what the user owns. Invariant: queries understand exactly the scopes that the
//! describe of an object names.

use super::{ast::Using, names::Names};
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    org::Record,
    schema::{FieldIx, Object, Schema},
};

/// The object that queues are.
const QUEUES: &str = "Group";

/// Which owners a query is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// This user's.
    Of(SfId),
    /// Those of queues, which have ids of this kind.
    Queues([u8; 3]),
    /// Those of everybody but queues.
    Users([u8; 3]),
}

/// A part of an object's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owned {
    owner: FieldIx,
    whose: Whose,
}

impl Owned {
    /// Whether a record is one of them.
    pub fn has(&self, record: &Record) -> bool {
        let owner = record.cell(self.owner).as_id();
        owner.is_some_and(|owner| match self.whose {
            Whose::Of(user) => owner == user,
            Whose::Queues(prefix) => owner.prefix() == prefix,
            Whose::Users(queues) => owner.prefix() != queues,
        })
    }
}

/// The scopes of an object: name and label, by name.
pub fn scopes(schema: &Schema, object: &Object) -> Vec<(&'static str, String)> {
    let many = object.plural.to_lowercase();
    let mut all = vec![("everything", format!("All {many}"))];
    let Some(owner) = object.field("OwnerId") else {
        return all;
    };
    all.push(("mine", format!("My {many}")));
    let owners = &object.at(owner).targets;
    if owners.iter().any(|name| name == QUEUES) && schema.object(QUEUES).is_some() {
        all.push(("queue_owned", format!("Queue owned {many}")));
        all.push(("user_owned", format!("User owned {many}")));
    }
    if matches!(
        &*object.name,
        "Account" | "Contact" | "Lead" | "Opportunity"
    ) {
        all.push(("team", format!("My team's {many}")));
    }
    all.sort_unstable();
    all
}

/// Which records a scope stands for; none for all of them.
pub fn compile(names: &Names<'_>, using: &Using) -> Result<Option<Owned>, Fail> {
    let schema = &names.org.schema;
    let object = schema.at(names.object);
    let wanted = using.scope.to_ascii_lowercase();
    let offered = scopes(schema, object);
    let (Some((name, _)), owner) = (
        offered.iter().find(|(name, _)| *name == wanted),
        object.field("OwnerId"),
    ) else {
        let offered: Vec<&str> = offered.iter().map(|(name, _)| *name).collect();
        let message = format!(
            "scope '{}' is not supported for {}; it has {}",
            using.scope,
            object.name,
            offered.join(", ")
        );
        return Err(names.fail("MALFORMED_QUERY", using.at, &message));
    };
    let queues = schema.object(QUEUES).map(|ix| schema.at(ix).prefix);
    let whose = match (*name, names.asker.user, queues) {
        ("mine" | "team", Some(user), _) => Whose::Of(user),
        ("queue_owned", _, Some(prefix)) => Whose::Queues(prefix),
        ("user_owned", _, Some(prefix)) => Whose::Users(prefix),
        // The administrator owns nothing and sees everything.
        _ => return Ok(None),
    };
    Ok(owner.map(|owner| Owned { owner, whose }))
}
