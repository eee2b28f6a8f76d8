//! The rules of saving: create, update, delete, undelete, merge, convert (salesforce-api 2.5, 3).
//!
//! Does not commit or roll back; the caller brackets calls with `savepoint` and `commit`.
//! Invariant: a refused save leaves the org as it was.

mod coerce;
mod convert;
pub mod derive;
mod files;
mod life;

use serde_json::{Map, Value as Json};

use super::{
    automation,
    fail::Fail,
    ids::SfId,
    org::{Org, Record, Row},
    schema::{FieldIx, Kind, ObjIx},
    value::{Ref, Value},
};
pub use convert::{Conversion, Source, Wish, convert};
pub use life::{delete, hard_delete, merge, undelete};

/// Who saves, and when.
#[derive(Debug, Clone, Copy)]
pub struct Actor {
    pub user: SfId,
    /// The server's clock, in whole seconds.
    pub now: i64,
    pub lengths: LengthUnit,
    pub assign: Assign,
    pub duplicates: Duplicates,
    /// Of the API, `67.0`: it stands in the addresses of records.
    pub version: &'static str,
}

/// Whether assignment rules run (`Sforce-Auto-Assign`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assign {
    Run,
    Skip,
}

/// What is done about duplicates (`Sforce-Duplicate-Rule-Header`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicates {
    pub reported: Reported,
    pub told: Told,
}

impl Duplicates {
    /// As without the header.
    pub const REFUSE: Self = Self {
        reported: Reported::Refuse,
        told: Told::Ids,
    };
    /// Saves where a rule allows it.
    pub const SAVE: Self = Self {
        reported: Reported::Save,
        told: Told::Ids,
    };
}

/// What becomes of a record whose likeness a rule only reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    Refuse,
    Save,
}

/// What a refusal tells of the records that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Ids,
    Records,
}

/// How text lengths are counted (salesforce-api 3.2 leaves it open).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LengthUnit {
    /// Unicode code points.
    #[default]
    CodePoints,
    /// UTF-16 code units, so that an emoji counts twice.
    Utf16,
}

/// The fields of a body.
pub type Body = Map<String, Json>;

#[derive(Clone, Copy)]
enum Save {
    Create,
    Update,
}

/// Makes a record.
pub fn create(org: &mut Org, actor: &Actor, object: ObjIx, body: &Body) -> Result<SfId, Fail> {
    if org.schema.at(object).setup() || org.schema.at(object).name == "ContentDocument" {
        return Err(Fail::new(
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            format!(
                "entity type cannot be inserted: {}",
                org.schema.at(object).label
            ),
        ));
    }
    if org.data_mb() >= org.storage_mb {
        return Err(Fail::new(
            "STORAGE_LIMIT_EXCEEDED",
            "storage limit exceeded",
        ));
    }
    // The id is a placeholder until everything is known to be right.
    let mut record = Record::new(SfId::MIN, actor.user, actor.now);
    apply(org, actor, object, &mut record, body, Save::Create)?;
    derive::defaults(org, actor, object, &mut record);
    files::prepare(org, actor, object, &mut record)?;
    automation::run(org, actor, object, &mut record);
    derive::computed(org, actor, object, None, &mut record, body);
    check(org, object, &record, None)?;
    automation::check_duplicates(org, actor, object, &record)?;
    record.id = org.next_id(object);
    let id = record.id;
    derive::number(org, object, &mut record);
    let mark = org.savepoint();
    org.insert(object, record);
    let settled = files::settle(org, actor, object, id);
    if settled.is_err() {
        org.rollback(mark);
    }
    settled.map(|()| id)
}

/// Changes a record.
pub fn update(
    org: &mut Org,
    actor: &Actor,
    object: ObjIx,
    row: Row,
    body: &Body,
) -> Result<(), Fail> {
    let before = live(org, object, row)?.clone();
    if org.schema.at(object).setup() {
        return Err(Fail::new(
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "entity is read-only",
        ));
    }
    take_lock(org, before.id)?;
    if org.value(object, &before, "IsConverted") == Ref::Bool(true) {
        return Err(Fail::new(
            "CANNOT_UPDATE_CONVERTED_LEAD",
            "cannot reference converted lead",
        ));
    }
    let mut record = before.clone();
    apply(org, actor, object, &mut record, body, Save::Update)?;
    automation::run(org, actor, object, &mut record);
    derive::computed(org, actor, object, Some(&before), &mut record, body);
    check(org, object, &record, Some((row, &before)))?;
    touch(&mut record, actor);
    org.put(object, row, Some(record));
    Ok(())
}

/// The record of a row, or the refusal that it is gone.
pub fn live(org: &Org, object: ObjIx, row: Row) -> Result<&Record, Fail> {
    match org.table(object).row(row) {
        Some(record) if record.deleted => Err(Fail::deleted()),
        Some(record) => Ok(record),
        None => Err(Fail::not_found()),
    }
}

fn touch(record: &mut Record, actor: &Actor) {
    record.modified = actor.now;
    record.modified_by = actor.user;
    record.stamp = actor.now;
}

/// Fails while somebody else holds the record (salesforce-api 8.2).
fn take_lock(org: &mut Org, id: SfId) -> Result<(), Fail> {
    let Some(tries) = org.locked.get_mut(&id) else {
        return Ok(());
    };
    *tries = tries.saturating_sub(1);
    if *tries == 0 {
        org.locked.remove(&id);
    }
    Err(Fail::new(
        "UNABLE_TO_LOCK_ROW",
        "unable to obtain exclusive access to this record or 1 records: ".to_owned()
            + id.full().as_str(),
    ))
}

/// Puts the values of a body into a record.
fn apply(
    org: &Org,
    actor: &Actor,
    object: ObjIx,
    record: &mut Record,
    body: &Body,
    save: Save,
) -> Result<(), Fail> {
    let schema = org.schema.clone();
    let fields = schema.at(object);
    let mut forbidden = Vec::new();
    let mut values: Vec<(FieldIx, Value)> = Vec::new();
    for (name, json) in body {
        if name.eq_ignore_ascii_case("attributes") {
            continue;
        }
        if let (Json::Object(parent), Some(ix)) = (json, fields.relationship(name)) {
            values.push((ix, Value::Id(parent_by_key(org, object, ix, parent)?)));
            continue;
        }
        let seen = |ix: &FieldIx| automation::sees(org, Some(actor.user), object, fields.at(*ix));
        let Some(ix) = fields.field(name).filter(seen) else {
            return Err(Fail::new(
                "INVALID_FIELD",
                format!("No such column '{name}' on sobject of type {}", fields.name),
            ));
        };
        let field = fields.at(ix);
        if field.kind == Kind::Id {
            return Err(Fail::new(
                "INVALID_FIELD",
                "The Id field should not be specified in the sobject data.",
            ));
        }
        let writable = match save {
            Save::Create => field.createable(),
            Save::Update => field.updateable(),
        } && automation::access(org, Some(actor.user), object, field).is_none();
        match writable {
            true => values.push((ix, coerce::value(field, json, actor.lengths)?)),
            false => forbidden.push(field.name.clone()),
        }
    }
    if !forbidden.is_empty() {
        let mut fail = Fail::new(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            format!(
                "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
                forbidden.join(", ")
            ),
        );
        fail.fields = forbidden;
        return Err(fail);
    }
    for (ix, value) in values {
        record.set(ix, value);
    }
    Ok(())
}

/// The parent that `{"Ext__c": value}` names.
fn parent_by_key(org: &Org, object: ObjIx, ix: FieldIx, parent: &Body) -> Result<SfId, Fail> {
    let field = org.schema.at(object).at(ix);
    let mut keys = parent
        .iter()
        .filter(|(k, _)| !k.eq_ignore_ascii_case("attributes"));
    let (Some((name, value)), None) = (keys.next(), keys.next()) else {
        return Err(Fail::new(
            "INVALID_FIELD",
            format!(
                "Exactly one external ID must be given for the reference {}",
                field.name
            ),
        ));
    };
    let text = match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    for target in field.targets.iter().filter_map(|t| org.schema.object(t)) {
        let candidate = org.schema.at(target);
        let Some(key) = candidate.field(name).filter(|k| candidate.at(*k).indexed()) else {
            continue;
        };
        let rows = org.with_value(target, key, Ref::Text(&text));
        if let Some([row]) = rows.as_deref()
            && let Some(found) = org.table(target).row(*row)
        {
            return Ok(found.id);
        }
        return Err(Fail::new(
            "INVALID_FIELD",
            format!(
                "Foreign key external ID: {text} not found for field {name} in entity {}",
                candidate.name
            ),
        ));
    }
    Err(Fail::new(
        "INVALID_FIELD",
        format!(
            "No such column '{name}' on sobject of type {}",
            field.targets.join(", ")
        ),
    ))
}

/// Checks a whole record: required fields, picklists, references, rules, unique values.
///
/// Picklists and references are looked at only where they changed, as an old value may stay.
fn check(
    org: &Org,
    object: ObjIx,
    record: &Record,
    before: Option<(Row, &Record)>,
) -> Result<(), Fail> {
    let fields = org.schema.at(object);
    let missing: Vec<String> = fields
        .each()
        .filter(|(ix, f)| f.required() || org.required.contains(&(object, *ix)))
        .filter(|(ix, _)| record.cell(*ix).is_null())
        .map(|(_, f)| f.name.clone())
        .collect();
    if !missing.is_empty() {
        return Err(Fail::required(missing));
    }
    for (ix, field) in fields.each() {
        let value = record.cell(ix);
        if before.is_some_and(|(_, old)| old.cell(ix) == value) {
            continue;
        }
        if let Some(text) = value.as_text() {
            let restricted = field.restricted() || org.restricted.contains(&(object, ix));
            let known = field.picks.iter().any(|p| p == text)
                && !org.retired_of(object, ix).any(|r| r == text);
            if restricted && field.kind == Kind::Picklist && !known {
                return Err(Fail::new(
                    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                    format!(
                        "{}: bad value for restricted picklist field: {text}",
                        field.label
                    ),
                )
                .on(&field.name));
            }
        }
        if let Some(id) = value.as_id() {
            reference(org, object, record, field, id)?;
        }
    }
    for rule in org
        .rules
        .iter()
        .filter(|r| r.active && r.object.eq_ignore_ascii_case(&fields.name))
    {
        if let Some(fail) = rule.check(org, object, record) {
            return Err(fail);
        }
    }
    for (ix, field) in fields.each().filter(|(_, f)| f.unique()) {
        let Some(text) = record.cell(ix).as_text() else {
            continue;
        };
        let rows = org
            .with_value(object, ix, Ref::Text(text))
            .unwrap_or_default();
        let other = rows
            .iter()
            .find(|r| before.is_none_or(|(row, _)| row != **r));
        if let Some(other) = other.and_then(|r| org.table(object).row(*r)) {
            return Err(Fail::new(
                "DUPLICATE_VALUE",
                format!(
                    "duplicate value found: {} duplicates value on record with id: {}",
                    field.name,
                    other.id.short()
                ),
            ));
        }
    }
    Ok(())
}

/// Checks one reference that is new or changed.
fn reference(
    org: &Org,
    of: ObjIx,
    record: &Record,
    field: &super::schema::Field,
    id: SfId,
) -> Result<(), Fail> {
    let target = org.schema.of_prefix(id.prefix()).map(|o| org.schema.at(o));
    if !target.is_some_and(|t| field.targets.contains(&t.name)) {
        return Err(Fail::new(
            "FIELD_INTEGRITY_EXCEPTION",
            format!(
                "{}: id value of incorrect type: {}",
                field.label,
                id.full().as_str()
            ),
        )
        .on(&field.name));
    }
    let Some((object, target)) = org.record(id) else {
        return Err(
            Fail::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id").on(&field.name),
        );
    };
    if target.deleted {
        return Err(Fail::new("ENTITY_IS_DELETED", "entity is deleted"));
    }
    if field.name == "OwnerId" && org.value(object, target, "IsActive") == Ref::Bool(false) {
        return Err(Fail::new(
            "INACTIVE_OWNER_OR_USER",
            format!("operation performed with inactive user [{}]", id.short()),
        ));
    }
    if field.name == "RecordTypeId" && !record_type_fits(org, of, object, target) {
        return Err(Fail::new(
            "INVALID_CROSS_REFERENCE_KEY",
            format!(
                "Record Type ID: this ID value isn't valid for the user: {}",
                id.short()
            ),
        )
        .on(&field.name));
    }
    if field.name == "ParentId" && record.id == id {
        return Err(Fail::new(
            "CIRCULAR_DEPENDENCY",
            "attempt to create a circular dependency",
        ));
    }
    Ok(())
}

/// Whether a record type is one of an object's.
fn record_type_fits(org: &Org, of: ObjIx, types: ObjIx, record_type: &Record) -> bool {
    let name = org.value(types, record_type, "SobjectType");
    name == Ref::Text(&org.schema.at(of).name)
}
