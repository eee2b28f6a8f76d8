//! The pair that histories are about, and its object; the seed decides who wins.

use syncdeck::domain::id::{FieldName, RowId};
use syncdeck::domain::mapping::{
    AppField, Blanks, Creates, DeletePolicy, FirstLink, Flow, Foreign, Guard, Pair, Row, Strategy,
    Switch,
};
use syncdeck::domain::schedule::Schedule;
use syncdeck::domain::schema::{FieldInfo, ObjectInfo};
use syncdeck::domain::transform::Chain;
use syncdeck::domain::value::FieldKind;

use super::org::{FIELDS, KEY, PARENT, UNGUARDED};
use super::scope::Scope;
use super::world::HERE;
use crate::sim::random::Random;

/// The CRM field of a row.
pub fn field_of(row: u16) -> Option<&'static str> {
    FIELDS.get(usize::from(row).checked_sub(1)?).copied()
}

/// The row of a CRM field.
pub fn row_of(field: &str) -> RowId {
    let at = FIELDS.iter().position(|name| *name == field);
    RowId(at.map_or(0, |at| at as u16 + 1))
}

/// Whether the object is described with the parent of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    Told,
    Kept,
}

/// The object as described.
pub fn object(parent: Parent) -> ObjectInfo {
    let fields = FIELDS.into_iter().chain([KEY, PARENT]).map(|name| {
        let info = FieldInfo {
            name: name.into(),
            label: name.into(),
            kind: FieldKind::Text,
            length: 255,
            createable: true,
            updateable: true,
            nillable: !["LastName", "Company", PARENT].contains(&name)
                || name == PARENT && parent == Parent::Kept,
            defaulted: false,
            calculated: false,
            unique: name == KEY,
            external_id: name == KEY,
            case_sensitive: true,
            filterable: true,
            restricted: false,
            picklist: Vec::new(),
            reference_to: match name {
                PARENT => vec!["Account".into()],
                _ => Vec::new(),
            },
        };
        (FieldName::new(name), info)
    });
    ObjectInfo {
        name: "Lead".into(),
        label: "Lead".into(),
        createable: true,
        updateable: true,
        deletable: true,
        triggerable: true,
        fields: fields.collect(),
    }
}

/// The pair, with the filter of a history that has one.
pub fn pair(random: &mut Random, scope: Option<&Scope>) -> Pair {
    let rows = FIELDS
        .into_iter()
        .zip(HERE)
        .enumerate()
        .map(|(i, (crm, app))| Row {
            id: RowId(i as u16 + 1),
            app: vec![app.into()],
            crm: vec![crm.into()],
            flow: match crm {
                UNGUARDED => Flow::ToCrm(Foreign::Keep),
                _ => Flow::Both,
            },
            to_crm: Chain::default(),
            to_app: Chain::default(),
            strategy: Strategy::ALL[random.below(Strategy::ALL.len())],
            blanks: match i {
                0 | 1 => Blanks::Keep,
                _ => Blanks::Propagate,
            },
            switch: Switch::On,
        });
    let rows = rows.collect();
    let policies = [
        DeletePolicy::Propagate,
        DeletePolicy::Mark,
        DeletePolicy::Unlink,
    ];
    Pair {
        name: "leads".into(),
        object: "Lead".into(),
        table: "leads".into(),
        app_fields: HERE
            .map(|name| AppField {
                name: name.into(),
                kind: FieldKind::Text,
                length: 255,
            })
            .into(),
        version: 1,
        key_field: Some(KEY.into()),
        title: "last_name".into(),
        create_in_app: Creates::Allowed,
        create_in_crm: Creates::Allowed,
        on_crm_delete: policies[random.below(3)],
        on_app_delete: policies[random.below(3)],
        guard: Guard::Precondition,
        first_link: FirstLink::Review,
        match_on: Vec::new(),
        filter: scope.map_or_else(String::new, |scope| scope.only.text().to_owned()),
        bad_fields: Default::default(),
        on_leave: scope.map_or_else(Default::default, |scope| scope.on_leave),
        strategy: Strategy::Ask,
        schedule: Schedule::Manual,
        rows,
    }
}
