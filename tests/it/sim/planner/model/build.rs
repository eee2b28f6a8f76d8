//! A case in the product's own types: mapping, schema, records.

use super::*;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

/// Fields of a row. Rows that append share a text of the CRM.
pub(super) fn names(row: usize, side: Side, case: &RowCase) -> Vec<FieldName> {
    if side == Side::Crm && case.appends() {
        return vec![FieldName::new("Text")];
    }
    let (first, second) = match side {
        Side::App => ("a", "b"),
        Side::Crm => ("A", "B"),
    };
    let mut names = vec![FieldName::new(format!("{first}{row}"))];
    if case.kind == Kind::Group {
        names.push(FieldName::new(format!("{second}{row}")));
    }
    names
}

pub(super) fn a_row(index: usize, case: &RowCase) -> Row {
    let (to_crm, to_app) = match case.kind {
        Kind::Prefixed => ("prefix(\"p: \")", "strip_prefix(\"p: \")"),
        Kind::Mapped => (
            "map(\"Open\" = \"1-open\", \"Done\" = \"2-done\")",
            "map(\"1-open\" = \"Open\", \"2-done\" = \"Done\")",
        ),
        _ => ("", ""),
    };
    Row {
        id: RowId(index as u16 + 1),
        app: names(index, Side::App, case),
        crm: names(index, Side::Crm, case),
        flow: case.flow,
        to_crm: to_crm.parse().unwrap(),
        to_app: to_app.parse().unwrap(),
        strategy: case.strategy,
        blanks: case.blanks,
        switch: syncdeck::domain::mapping::Switch::On,
    }
}

pub(super) fn info(name: &FieldName, kind: FieldKind) -> FieldInfo {
    FieldInfo::new(name.clone(), kind, 0)
}

/// The field that the pair's filter asks for, and its value where a record is outside.
pub(super) const STAGE: &str = "Stage";
pub(super) const OUTSIDE: &str = "outside";

pub(super) fn compiled(case: &Case, switch: Switch) -> Compiled {
    let rows: Vec<Row> = case
        .rows
        .iter()
        .enumerate()
        .map(|(i, r)| a_row(i, r))
        .collect();
    let kinds = || rows.iter().zip(&case.rows);
    let app_fields = kinds().flat_map(|(row, case)| {
        row.app.iter().map(|name| AppField {
            name: name.clone(),
            kind: case.kind.field(),
            length: 0,
        })
    });
    let fields = kinds().flat_map(|(row, case)| {
        row.crm
            .iter()
            .map(|name| (name.clone(), info(name, case.kind.field())))
    });
    let object = ObjectInfo {
        name: "Lead".into(),
        label: "Lead".into(),
        createable: true,
        updateable: true,
        deletable: true,
        triggerable: true,
        fields: fields.collect(),
    };
    let pair = Pair {
        name: "leads".into(),
        object: "Lead".into(),
        table: "leads".into(),
        app_fields: app_fields.collect(),
        version: 1,
        key_field: match (case.key(), switch) {
            (Key::Ours, _) | (_, Switch::KeyIsAssumed) => Some("Key__c".into()),
            (Key::None, _) => None,
        },
        title: "a0".into(),
        create_in_app: case.creates,
        create_in_crm: case.creates,
        on_crm_delete: case.on_crm_delete.clone(),
        on_app_delete: case.on_app_delete.clone(),
        guard: Guard::Precondition,
        first_link: case.first_link,
        match_on: Vec::new(),
        filter: match (case.on_leave, switch) {
            (None, _) | (_, Switch::NoFilter) => String::new(),
            (Some(_), _) => format!("-{STAGE}:={OUTSIDE}"),
        },
        bad_fields: Default::default(),
        overflow: None,
        on_convert: match switch {
            Switch::ConvertedIsKept => Converts::Freeze,
            _ => case.on_convert,
        },
        on_leave: case.on_leave.unwrap_or_default(),
        strategy: case.strategy,
        schedule: Schedule::Manual,
        rows,
    };
    Compiled::new(pair, &object)
}

pub(super) fn app_record(index: usize, fields: Fields) -> AppRecord {
    let changed_at = fields.keys().map(|name| (name.clone(), at(0))).collect();
    AppRecord {
        id: AppId::new(format!("app-{index}")),
        table: "leads".into(),
        rev: 1,
        fields,
        changed_at,
        changed_by: "a person".into(),
        typed_by: BTreeMap::new(),
        created_at: at(0),
        updated_at: at(0),
        presence: Presence::Live,
        sync_key: None,
    }
}
