//! Values the org sets itself: defaults, names of persons, what follows from a stage or a status.
//!
//! Runs after a body was applied and before the record is checked.

use rust_decimal::Decimal;

use super::{Actor, Body};
use crate::sandbox::{
    org::{Org, Record, record_types_of},
    schema::{Kind, ObjIx},
    value::{Ref, Value},
};

/// What a stage of an opportunity stands for (the standard set of a new org).
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    pub name: &'static str,
    pub probability: i64,
    pub forecast: &'static str,
    pub closed: bool,
    pub won: bool,
}

const fn stage(name: &'static str, probability: i64, forecast: &'static str) -> Stage {
    let closed = probability == 0 || probability == 100;
    Stage {
        name,
        probability,
        forecast,
        closed,
        won: probability == 100,
    }
}

/// The stages in their order.
pub const STAGES: [Stage; 10] = [
    stage("Prospecting", 10, "Pipeline"),
    stage("Qualification", 15, "Pipeline"),
    stage("Needs Analysis", 20, "Pipeline"),
    stage("Value Proposition", 50, "Pipeline"),
    stage("Id. Decision Makers", 60, "Pipeline"),
    stage("Perception Analysis", 70, "Pipeline"),
    stage("Proposal/Price Quote", 75, "Pipeline"),
    stage("Negotiation/Review", 90, "Pipeline"),
    stage("Closed Won", 100, "Closed"),
    stage("Closed Lost", 0, "Omitted"),
];

/// Fills what a new record gets by itself.
pub fn defaults(org: &Org, actor: &Actor, object: ObjIx, record: &mut Record) {
    for (ix, field) in org.schema.at(object).each() {
        if !record.cell(ix).is_null() {
            continue;
        }
        let value = match field.kind {
            Kind::Boolean => Value::Bool(false),
            Kind::Reference if field.name == "RecordTypeId" => {
                let types = record_types_of(org, &org.schema.at(object).name);
                types.first().map_or(Value::Null, |(id, ..)| Value::Id(*id))
            }
            Kind::Reference if field.name == "OwnerId" => Value::Id(actor.user),
            Kind::Picklist => field.default.as_deref().map_or(Value::Null, Value::text),
            _ => Value::Null,
        };
        if field.slot == crate::sandbox::schema::Slot::Cell {
            record.set(ix, value);
        }
    }
}

/// Recomputes what follows from other fields.
pub fn computed(
    org: &Org,
    actor: &Actor,
    object: ObjIx,
    before: Option<&Record>,
    record: &mut Record,
    body: &Body,
) {
    person_name(org, object, record);
    match org.schema.at(object).name.as_str() {
        "Opportunity" => opportunity(org, actor, object, before, record, body),
        "Project__c" => remaining(org, object, record),
        "Case" => end(org, actor, object, before, record, "Closed", "ClosedDate"),
        "Task" => {
            let high = text(org, object, record, "Priority").as_deref() == Some("High");
            set(org, object, record, "IsHighPriority", Value::Bool(high));
            let field = "CompletedDateTime";
            end(org, actor, object, before, record, "Completed", field);
        }
        _ => {}
    }
}

/// Whether a record has the status that ends it, and since when.
fn end(
    org: &Org,
    actor: &Actor,
    object: ObjIx,
    before: Option<&Record>,
    record: &mut Record,
    status: &str,
    since: &str,
) {
    let closed = text(org, object, record, "Status").as_deref() == Some(status);
    let was = before.map(|b| org.value(object, b, "IsClosed") == Ref::Bool(true));
    set(org, object, record, "IsClosed", Value::Bool(closed));
    if closed != was.unwrap_or(false) {
        let at = match closed {
            true => Value::Stamp(actor.now),
            false => Value::Null,
        };
        set(org, object, record, since, at);
    }
}

/// `Name` of objects that have a first and a last name.
pub fn person_name(org: &Org, object: ObjIx, record: &mut Record) {
    if org.schema.at(object).field("LastName").is_none() {
        return;
    }
    let parts = ["FirstName", "LastName"].map(|f| text(org, object, record, f));
    let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    set(org, object, record, "Name", Value::text(name));
}

/// The formula `Budget__c - Spent__c`; an empty number counts as zero.
fn remaining(org: &Org, object: ObjIx, record: &mut Record) {
    let number = |field: &str| {
        let value = org.value(object, record, field).as_number();
        value.unwrap_or(Decimal::ZERO)
    };
    let left = number("Budget__c").saturating_sub(number("Spent__c"));
    set(org, object, record, "Remaining__c", Value::Num(left));
}

fn opportunity(
    org: &Org,
    actor: &Actor,
    object: ObjIx,
    before: Option<&Record>,
    record: &mut Record,
    body: &Body,
) {
    let named = text(org, object, record, "StageName");
    let stage = STAGES.iter().find(|s| Some(s.name) == named.as_deref());
    let moved =
        before.is_none_or(|b| org.value(object, b, "StageName").as_text() != named.as_deref());
    let sent = |name: &str| body.keys().any(|k| k.eq_ignore_ascii_case(name));
    if let Some(stage) = stage {
        if moved && !sent("Probability") {
            set(
                org,
                object,
                record,
                "Probability",
                Value::Num(Decimal::from(stage.probability)),
            );
        }
        if moved && !sent("ForecastCategoryName") {
            set(
                org,
                object,
                record,
                "ForecastCategoryName",
                Value::text(stage.forecast),
            );
        }
    }
    if moved {
        if before.is_some() {
            set(
                org,
                object,
                record,
                "LastStageChangeDate",
                Value::Stamp(actor.now),
            );
        }
        set(
            org,
            object,
            record,
            "IsClosed",
            Value::Bool(stage.is_some_and(|s| s.closed)),
        );
        set(
            org,
            object,
            record,
            "IsWon",
            Value::Bool(stage.is_some_and(|s| s.won)),
        );
    }
    let category = text(org, object, record, "ForecastCategoryName").map(|c| match c.as_str() {
        "Best Case" => "BestCase".to_owned(),
        "Commit" => "Forecast".to_owned(),
        _ => c,
    });
    set(
        org,
        object,
        record,
        "ForecastCategory",
        category.map_or(Value::Null, Value::text),
    );
    let amount = org.value(object, record, "Amount").as_number();
    let probability = org.value(object, record, "Probability").as_number();
    let expected = amount
        .zip(probability)
        .and_then(|(a, p)| a.checked_mul(p))
        .map(|n| Value::Num((n / Decimal::ONE_HUNDRED).round_dp(2)));
    set(
        org,
        object,
        record,
        "ExpectedRevenue",
        expected.unwrap_or(Value::Null),
    );
}

/// Gives the next number to objects that have one, and its id as a name to one without.
pub fn number(org: &Org, object: ObjIx, record: &mut Record) {
    let fields = org.schema.at(object);
    if let Some(name) = fields.name_field().filter(|_| fields.custom())
        && record.cell(name).is_null()
    {
        record.set(name, Value::text(record.id.to_string()));
    }
    if let Some((ix, _)) = fields.each().find(|(_, f)| f.auto_number()) {
        let next = org.table(object).by_id.len() + 1000;
        let name = match fields.custom() {
            true => format!("M-{:04}", next - 999),
            false => format!("{next:08}"),
        };
        record.set(ix, Value::text(name));
    }
}

fn text(org: &Org, object: ObjIx, record: &Record, field: &str) -> Option<String> {
    org.value(object, record, field)
        .as_text()
        .map(str::to_owned)
}

fn set(org: &Org, object: ObjIx, record: &mut Record, field: &str, value: Value) {
    if let Some(ix) = org.schema.at(object).field(field) {
        record.set(ix, value);
    }
}
