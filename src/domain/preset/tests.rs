//! The presets against the fields of the sandbox org, with values in both directions.

use super::*;
use crate::domain::check::check;
use crate::domain::id::{AppId, CrmId, FieldName, ObjectName, PairName};
use crate::domain::mapping::Flow;
use crate::domain::mapping_file::to_toml;
use crate::domain::reconcile::same_cell;
use crate::domain::schema::{FieldInfo, ObjectInfo};
use crate::domain::transform::{Lookup, Side};
use crate::domain::value::{Cell, FieldKind, Value};

/// The sandbox's own list of fields, so that the two cannot drift apart.
const OBJECTS: &str = include_str!("../../sandbox/schema/objects.txt");

/// An object of the sandbox as a client sees it.
pub(crate) fn described(wanted: &ObjectName) -> ObjectInfo {
    let mut object = ObjectInfo {
        name: wanted.clone(),
        label: wanted.to_string(),
        createable: true,
        updateable: true,
        deletable: true,
        triggerable: true,
        fields: std::collections::BTreeMap::new(),
    };
    let mut inside = false;
    let lines = OBJECTS
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    for line in lines {
        if let Some(head) = line.strip_prefix("@ ") {
            inside = head.split(' ').next() == Some(wanted.as_str());
        } else if inside {
            add(&mut object, line);
        }
    }
    assert!(!object.fields.is_empty(), "the sandbox has no {wanted}");
    add(&mut object, "Id id(18) DFGSI");
    object
}

fn add(object: &mut ObjectInfo, line: &str) {
    let (head, picks) = line.split_once(" = ").unwrap_or((line, ""));
    let words: Vec<&str> = head.split(' ').collect();
    let (kind, sizes) = words[1].split_once('(').unwrap_or((words[1], "0)"));
    let (first, second) = sizes[..sizes.len() - 1]
        .split_once(',')
        .unwrap_or((&sizes[..sizes.len() - 1], "0"));
    let scale = second.parse().unwrap();
    let kind = match kind {
        "string" | "combobox" => FieldKind::Text,
        "textarea" => FieldKind::LongText,
        "email" => FieldKind::Email,
        "phone" => FieldKind::Phone,
        "url" => FieldKind::Url,
        "picklist" => FieldKind::Picklist,
        "boolean" => FieldKind::Bool,
        "int" => FieldKind::Number { scale: 0 },
        "double" | "currency" | "percent" => FieldKind::Number { scale },
        "date" => FieldKind::Date,
        "datetime" => FieldKind::DateTime,
        "id" | "reference" => FieldKind::Reference,
        _ => FieldKind::Opaque,
    };
    let flag = |c| words[2].contains(c);
    let name = FieldName::new(words[0]);
    let info = FieldInfo {
        name: name.clone(),
        label: name.to_string(),
        kind,
        length: if matches!(kind, FieldKind::Number { .. }) {
            0
        } else {
            first.parse().unwrap()
        },
        createable: flag('C'),
        updateable: flag('U'),
        nillable: flag('N'),
        defaulted: flag('D'),
        calculated: false,
        money: false,
        unique: words.contains(&"unique"),
        external_id: words.contains(&"ext"),
        case_sensitive: words.contains(&"cs"),
        filterable: flag('F'),
        restricted: flag('R'),
        picklist: picks
            .split('|')
            .filter(|p| !p.is_empty())
            .map(|p| p.trim_start_matches('*').to_owned())
            .collect(),
        reference_to: words
            .iter()
            .filter_map(|w| w.strip_prefix("->"))
            .flat_map(|targets| targets.split(','))
            .map(ObjectName::from)
            .collect(),
    };
    object.fields.insert(name, info);
}

/// Every record is linked, and every user is known.
struct Known;

const ID: &str = "001D000000INjVeIAL";

impl Lookup for Known {
    fn crm_id(&self, _: &PairName, id: &AppId) -> Option<CrmId> {
        (id.as_str() == "app-1").then(|| ID.parse().unwrap())
    }
    fn app_id(&self, _: &PairName, id: &CrmId) -> Option<AppId> {
        (id.as_str() == ID).then(|| AppId::new("app-1"))
    }
    fn user_id(&self, email: &str) -> Option<CrmId> {
        (email == "ada@example.com").then(|| ID.parse().unwrap())
    }
    fn user_email(&self, id: &CrmId) -> Option<String> {
        (id.as_str() == ID).then(|| "ada@example.com".to_owned())
    }
}

fn value(field: &FieldInfo) -> Value {
    match field.kind {
        FieldKind::Picklist => Value::text(field.picklist[0].clone()),
        FieldKind::Bool => Value::Bool(true),
        FieldKind::Number { scale } => {
            Value::Number(rust_decimal::Decimal::new(12_345, u32::from(scale)))
        }
        FieldKind::Date => Value::Date(jiff::civil::date(1970, 2, 28)),
        FieldKind::Reference => Value::from(ID),
        FieldKind::LongText => Value::from("first line\r\nzwei \u{1f600}\nשלום"),
        _ => Value::from("Zoë van der Berg"),
    }
}

#[test]
fn every_preset_is_sound_in_the_sandbox_org() {
    for preset in presets() {
        let pairs = super::preset(preset.name).unwrap();
        for pair in &pairs {
            let object = described(&pair.object);
            let found = check(pair, Some(&object), &pairs, &[], &[]);
            assert_eq!(found, [], "{} of {}", pair.name, preset.name);
        }
    }
}

#[test]
fn what_a_preset_says_is_printed_and_read_back() {
    for preset in presets() {
        let pairs = super::preset(preset.name).unwrap();
        assert_eq!(from_toml(&to_toml(&pairs)), Ok(pairs));
    }
}

#[test]
fn values_come_back_as_they_went() {
    let mut rows = 0;
    for preset in presets() {
        for pair in super::preset(preset.name).unwrap() {
            let object = described(&pair.object);
            for row in &pair.rows {
                let fields: Vec<&FieldInfo> = row
                    .crm
                    .iter()
                    .map(|f| object.field(f.as_str()).unwrap())
                    .collect();
                let there: Cell = fields.iter().map(|f| value(f)).collect();
                if !row.flow.writes(Side::App) {
                    continue;
                }
                let app = row.to_app.apply(Side::App, &there, &Known).unwrap();
                if row.flow.writes(Side::Crm) && row.flow != Flow::AppendBoth {
                    let kinds: Vec<FieldKind> = fields.iter().map(|f| f.kind).collect();
                    let back = row.to_crm.apply(Side::Crm, &app, &Known).unwrap();
                    assert!(
                        same_cell(&kinds, &there, &back),
                        "{} {}: {there:?} {back:?}",
                        pair.name,
                        row.id
                    );
                    rows += 1;
                }
            }
        }
    }
    assert!(rows > 40);
}

#[test]
fn the_lead_desk_does_what_it_promises() {
    let pairs = preset("lead-desk").unwrap();
    let [leads] = pairs.as_slice() else {
        panic!("one pair")
    };
    let row = |app: &str| {
        leads
            .rows
            .iter()
            .find(|r| r.app[0].as_str() == app)
            .unwrap()
    };
    let to_app =
        |app: &str, cell: &[Value]| row(app).to_app.apply(Side::App, cell, &Known).unwrap();
    assert_eq!(
        to_app("contactName", &["Zoë".into(), "van der Berg".into()]),
        ["Zoë van der Berg".into()]
    );
    assert_eq!(
        to_app("contactName", &[Value::Null, "Berg".into()]),
        ["Berg".into()]
    );
    assert_eq!(
        to_app("source", &["Web".into()]),
        ["Salesforce: Web".into()]
    );
    assert_eq!(to_app("source", &[Value::Null]), [Value::Null]);
    assert_eq!(
        to_app("status", &["Something of their own".into()]),
        ["new".into()]
    );
    let to_crm = |cell: &[Value]| row("status").to_crm.apply(Side::Crm, cell, &Known);
    assert_eq!(
        to_crm(&["qualified".into()]).unwrap(),
        ["Closed - Converted".into()]
    );
    assert!(to_crm(&["lost".into()]).is_err());
    let into_description = leads
        .rows
        .iter()
        .filter(|r| r.crm[0].as_str() == "Description");
    assert!(into_description.clone().count() == 3);
    assert!(into_description.clone().all(|r| r.flow.appends()));
}

#[test]
fn parents_come_before_their_children() {
    let names = |preset: &str| -> Vec<String> {
        super::preset(preset)
            .unwrap()
            .iter()
            .map(|p| p.name.to_string())
            .collect()
    };
    assert_eq!(names("lead-desk"), ["leads"]);
    assert_eq!(
        names("customer-success"),
        ["accounts", "contacts", "opportunities"]
    );
    assert_eq!(
        names("whole-crm"),
        ["accounts", "contacts", "opportunities", "leads"]
    );
}

#[test]
fn a_misspelt_preset_is_suggested() {
    let error = preset("lead-dsk").unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no preset \"lead-dsk\"; there are: lead-desk, customer-success, whole-crm; did you mean lead-desk?"
    );
}
