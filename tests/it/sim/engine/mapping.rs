//! The pair that histories are about, and its object; the seed decides who wins.

use syncdeck::domain::id::{FieldName, RowId};
use syncdeck::domain::mapping::{
    AppField, Blanks, Creates, DeletePolicy, FirstLink, Flow, Foreign, Guard, Mark, Pair, Row,
    Strategy, Switch,
};
use syncdeck::domain::schedule::Schedule;
use syncdeck::domain::schema::{FieldInfo, ObjectInfo};
use syncdeck::domain::transform::Chain;
use syncdeck::domain::value::FieldKind;

use super::notes::{self, Notes};
use super::org::{FIELDS, KEY, MARK, PARENT, UNGUARDED};
use super::scope::Scope;
use super::world::HERE;
use crate::sim::random::Random;

/// Strategies that decide alone, so that a seed keeps its story.
const BASIC: usize = 5;

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
pub fn object(parent: Parent, notes: Option<&Notes>) -> ObjectInfo {
    let text = notes.map(|_| notes::THERE);
    let fields = FIELDS.into_iter().chain([KEY, MARK, PARENT]).chain(text);
    let fields = fields.map(|name| {
        let info = FieldInfo {
            name: name.into(),
            label: name.into(),
            kind: match name {
                notes::THERE => FieldKind::LongText,
                _ => FieldKind::Text,
            },
            length: match (name, notes) {
                (notes::THERE, Some(notes)) => notes.room(),
                _ => 255,
            },
            createable: true,
            updateable: true,
            nillable: !["LastName", "Company", PARENT].contains(&name)
                || name == PARENT && parent == Parent::Kept,
            // No row writes it: the org gives it to every new lead.
            defaulted: name == PARENT,
            calculated: false,
            money: false,
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

/// The pair, with the filter, and the row that appends, of a history that has them.
pub fn pair(random: &mut Random, scope: Option<&Scope>, notes: Option<&Notes>) -> Pair {
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
            strategy: Strategy::ALL[random.below(BASIC)],
            blanks: match i {
                0 | 1 => Blanks::Keep,
                _ => Blanks::Propagate,
            },
            switch: Switch::On,
        });
    let mut rows: Vec<Row> = rows.collect();
    rows.extend(notes.map(|notes| Row {
        id: notes::ROW,
        app: vec![notes::HERE.into()],
        crm: vec![notes::THERE.into()],
        flow: notes.flow,
        to_crm: Chain::default(),
        to_app: Chain::default(),
        strategy: Strategy::Ask,
        blanks: Blanks::Propagate,
        switch: Switch::On,
    }));
    let mut app_fields: Vec<AppField> = HERE
        .map(|name| AppField {
            name: name.into(),
            kind: FieldKind::Text,
            length: 255,
        })
        .into();
    app_fields.extend(notes.map(|_| AppField {
        name: notes::HERE.into(),
        kind: FieldKind::LongText,
        length: 0,
    }));
    let policies = [
        DeletePolicy::Propagate,
        DeletePolicy::Mark,
        DeletePolicy::Unlink,
        DeletePolicy::Ignore,
    ];
    let mark = Mark {
        field: MARK.into(),
        value: "gone".to_owned(),
    };
    Pair {
        name: "leads".into(),
        object: "Lead".into(),
        table: "leads".into(),
        app_fields,
        version: 1,
        key_field: Some(KEY.into()),
        title: "last_name".into(),
        create_in_app: Creates::Allowed,
        create_in_crm: Creates::Allowed,
        on_crm_delete: policies[random.below(4)].clone(),
        on_app_delete: match random.below(5) {
            4 => DeletePolicy::MarkWith(mark),
            n => policies[n].clone(),
        },
        guard: Guard::Precondition,
        first_link: FirstLink::Review,
        match_on: Vec::new(),
        filter: scope.map_or_else(String::new, |scope| scope.only.text().to_owned()),
        bad_fields: Default::default(),
        on_convert: Default::default(),
        overflow: None,
        on_leave: scope.map_or_else(Default::default, |scope| scope.on_leave),
        strategy: Strategy::Ask,
        schedule: Schedule::Manual,
        rows,
    }
}
