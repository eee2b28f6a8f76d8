//! What an administrator has set up besides validation rules: duplicate rules, flows, assignment
//! rules, field-level security.
//!
//! Small closed forms, not the languages of the platform. Invariant: nothing here saves; it changes
//! or refuses a record on its way into the org.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{
    dml::{Actor, Assign, Reported, Told},
    fail::Fail,
    ids::SfId,
    org::{Org, Record},
    schema::{Field, FieldIx, Kind, ObjIx, Slot},
    soql::{columns_of, write_record},
    value::{Ref, Value, same_text},
};

/// All of it; as JSON it is what control reads and sets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Automation {
    pub duplicate_rules: Vec<DuplicateRule>,
    pub flows: Vec<Flow>,
    pub assignment_rules: Vec<Assignment>,
    pub field_access: Vec<FieldAccess>,
}

/// Refuses or reports a new record that is like another one (salesforce-api 8.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DuplicateRule {
    pub name: String,
    pub object: String,
    /// Records that are the same in all of these, and have them, are alike.
    pub fields: Vec<String>,
    pub action: OnDuplicate,
    #[serde(default = "usual_message")]
    pub message: String,
}

fn usual_message() -> String {
    "Use one of these records?".to_owned()
}

/// What a duplicate rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDuplicate {
    /// The header `allowSave=true` saves all the same.
    Alert,
    Block,
}

/// Changes a value while a record is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub object: String,
    pub field: String,
    pub becomes: Becomes,
}

/// What a flow makes of a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Becomes {
    Text(String),
    UpperCase,
    LowerCase,
    /// Digits and a leading plus sign only, as phone numbers are tidied.
    Digits,
    Empty,
}

/// Gives a record to an owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    pub object: String,
    /// The field and the text it must have; none: every record.
    #[serde(default)]
    pub field: Option<String>,
    #[serde(default)]
    pub equals: Option<String>,
    /// Id of a user or of a queue.
    pub owner: String,
}

/// What a user may do with a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldAccess {
    pub object: String,
    pub field: String,
    /// Id of a user; none: every one.
    #[serde(default)]
    pub user: Option<String>,
    pub access: Access,
}

/// How far access goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    ReadOnly,
    /// As if the field did not exist.
    None,
}

fn of_object<'a, T>(
    list: &'a [T],
    name: &'a str,
    object: fn(&T) -> &str,
) -> impl Iterator<Item = &'a T> {
    list.iter()
        .filter(move |one| object(one).eq_ignore_ascii_case(name))
}

/// What a user may do with a field, if it is less than everything.
pub fn access(org: &Org, user: Option<SfId>, object: ObjIx, field: &Field) -> Option<Access> {
    let name = &org.schema.at(object).name;
    let user = user?;
    of_object(&org.automation.field_access, name, |a| &a.object)
        .filter(|a| a.field.eq_ignore_ascii_case(&field.name))
        .find(|a| {
            a.user
                .as_deref()
                .is_none_or(|u| SfId::parse(u) == Some(user))
        })
        .map(|a| a.access)
}

/// Whether a user sees a field at all.
pub fn sees(org: &Org, user: Option<SfId>, object: ObjIx, field: &Field) -> bool {
    org.automation.field_access.is_empty() || access(org, user, object, field) != Some(Access::None)
}

/// Runs flows and assignment rules on a record that is about to be saved.
pub fn run(org: &Org, actor: &Actor, object: ObjIx, record: &mut Record) {
    let schema = org.schema.clone();
    let fields = schema.at(object);
    for flow in of_object(&org.automation.flows, &fields.name, |f| &f.object) {
        let Some(ix) = fields.field(&flow.field) else {
            continue;
        };
        let old = record.cell(ix).as_text().unwrap_or_default().to_owned();
        let new = match &flow.becomes {
            Becomes::Text(text) => text.clone(),
            Becomes::UpperCase => old.to_uppercase(),
            Becomes::LowerCase => old.to_lowercase(),
            Becomes::Digits => old
                .char_indices()
                .filter(|(at, c)| c.is_ascii_digit() || (*at == 0 && *c == '+'))
                .map(|(_, c)| c)
                .collect(),
            Becomes::Empty => String::new(),
        };
        record.set(ix, Value::text(new));
    }
    if actor.assign == Assign::Skip {
        return;
    }
    let fits = |rule: &&Assignment| match (&rule.field, &rule.equals) {
        (Some(field), Some(text)) => {
            matches!(org.value(object, record, field), Ref::Text(t) if same_text(t, text))
        }
        _ => true,
    };
    let owner = of_object(&org.automation.assignment_rules, &fields.name, |a| {
        &a.object
    })
    .find(fits)
    .and_then(|rule| SfId::parse(&rule.owner));
    if let (Some(owner), Some(ix)) = (owner, fields.field("OwnerId")) {
        record.set(ix, Value::Id(owner));
    }
}

/// Refuses a new record that is like another one.
pub fn check_duplicates(
    org: &Org,
    actor: &Actor,
    object: ObjIx,
    record: &Record,
) -> Result<(), Fail> {
    let fields = org.schema.at(object);
    for rule in of_object(&org.automation.duplicate_rules, &fields.name, |r| &r.object) {
        let may_save = rule.action == OnDuplicate::Alert;
        if may_save && actor.duplicates.reported == Reported::Save {
            continue;
        }
        let keys: Vec<FieldIx> = rule.fields.iter().filter_map(|f| fields.field(f)).collect();
        let same = |other: &Record| {
            keys.iter()
                .all(|ix| match (record.cell(*ix), other.cell(*ix)) {
                    (Ref::Text(a), Ref::Text(b)) => same_text(a, b),
                    (Ref::Null, _) => false,
                    (a, b) => a == b,
                })
        };
        let table = org.table(object);
        let near = keys
            .iter()
            .find_map(|ix| org.with_value(object, *ix, record.cell(*ix)));
        let near: Box<dyn Iterator<Item = &Record>> = match &near {
            Some(rows) => Box::new(rows.iter().filter_map(|row| table.row(*row))),
            None => Box::new(table.each().map(|(_, other)| other)),
        };
        let found: Vec<SfId> = near
            .filter(|other| !other.deleted && !keys.is_empty() && same(other))
            .map(|other| other.id)
            .take(100)
            .collect();
        if !found.is_empty() {
            return Err(refusal(org, actor, rule, object, &found));
        }
    }
    Ok(())
}

fn refusal(org: &Org, actor: &Actor, rule: &DuplicateRule, object: ObjIx, found: &[SfId]) -> Fail {
    let fields = org.schema.at(object);
    let seen = |(ix, field): (FieldIx, &Field)| {
        let tells = actor.duplicates.told == Told::Records || field.slot == Slot::Id;
        (tells && sees(org, Some(actor.user), object, field)).then_some(ix)
    };
    let shown: Vec<FieldIx> = fields.each().filter_map(seen).collect();
    let columns = columns_of(&org.schema, object, &shown);
    let records = found.iter().filter_map(|id| org.record(*id));
    let records: Vec<Json> = records
        .map(|(_, record)| {
            let mut out = Vec::new();
            write_record(&mut out, org, object, record, &columns, actor.version);
            let record = serde_json::from_slice(&out).unwrap_or(Json::Null);
            json!({
                "additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
                "record": record,
            })
        })
        .collect();
    let object = &fields.name;
    let mut fail = Fail::new("DUPLICATES_DETECTED", &rule.message);
    fail.duplicates = Some(Box::new(json!({
        "allowSave": rule.action == OnDuplicate::Alert,
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": object,
        "errorMessage": rule.message,
        "matchResults": [{
            "entityType": object, "errors": [], "matchEngine": "FuzzyMatchEngine",
            "matchRecords": records, "rule": format!("{}_Match", rule.name),
            "size": found.len(), "success": true,
        }],
    })));
    fail
}

/// Whether a flow can work on fields of a kind.
fn is_text(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Text
            | Kind::TextArea
            | Kind::Phone
            | Kind::Url
            | Kind::Email
            | Kind::Picklist
            | Kind::Combobox
    )
}

impl Automation {
    /// Refuses what names objects or fields that are not there.
    pub fn check(&self, org: &Org) -> Result<(), Fail> {
        let field = |object: &str, name: &str| {
            let ix = org
                .schema
                .object(object)
                .ok_or_else(|| Fail::no_type(object))?;
            let fields = org.schema.at(ix);
            let found = fields.field(name).map(|ix| fields.at(ix).kind);
            found.ok_or_else(|| {
                let text = format!("No such column '{name}' on sobject of type {object}");
                Fail::new("INVALID_FIELD", text)
            })
        };
        for rule in &self.duplicate_rules {
            for name in &rule.fields {
                field(&rule.object, name)?;
            }
        }
        for flow in &self.flows {
            if !is_text(field(&flow.object, &flow.field)?) {
                return Err(Fail::new("INVALID_FIELD", "a flow works on text"));
            }
        }
        for rule in &self.assignment_rules {
            field(&rule.object, rule.field.as_deref().unwrap_or("OwnerId"))?;
        }
        for one in &self.field_access {
            field(&one.object, &one.field)?;
        }
        Ok(())
    }
}
