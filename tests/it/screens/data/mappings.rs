//! A mapping, its preview and its faults.

use super::*;
use syncdeck::engine::view::{FilterSample, Gets};

fn row(id: u16, app: &str, crm: &str, flow: Flow, chain: &str, strategy: Strategy) -> Row {
    Row {
        id: RowId(id),
        app: vec![app.into()],
        crm: vec![crm.into()],
        flow,
        to_crm: chain.parse().unwrap(),
        to_app: if flow == Flow::Both {
            chain.parse().unwrap()
        } else {
            String::new().parse().unwrap()
        },
        strategy,
        blanks: Blanks::Propagate,
        switch: Switch::On,
    }
}

pub fn pair(name: &str) -> Pair {
    let field = |name: &str, kind, length| AppField {
        name: name.into(),
        kind,
        length,
    };
    let (object, table) = match name {
        "companies" => ("Account", "companies"),
        "tickets" => ("Case", "tickets"),
        _ => ("Contact", "people"),
    };
    Pair {
        name: PairName::new(name),
        object: object.into(),
        table: table.into(),
        app_fields: vec![
            field("external_id", FieldKind::Text, 36),
            field("email", FieldKind::Email, 80),
            field("phone", FieldKind::Phone, 40),
            field("title", FieldKind::Text, 80),
            field("notes", FieldKind::LongText, 0),
        ],
        version: 14,
        key_field: Some("App_Id__c".into()),
        title: "email".into(),
        create_in_app: Creates::Allowed,
        create_in_crm: Creates::Allowed,
        on_crm_delete: DeletePolicy::Mark,
        on_app_delete: DeletePolicy::Unlink,
        guard: Guard::Precondition,
        first_link: FirstLink::Review,
        match_on: vec![vec![RowId(1)]],
        filter: String::new(),
        on_leave: Default::default(),
        bad_fields: Default::default(),
        on_convert: Default::default(),
        overflow: None,
        strategy: Strategy::Ask,
        schedule: Schedule::Every { minutes: 5 },
        rows: vec![
            row(1, "external_id", "App_Id__c", Flow::Both, "", Strategy::Ask),
            row(
                2,
                "email",
                "Email",
                Flow::Both,
                "lower, trim",
                Strategy::Ask,
            ),
            row(3, "phone", "Phone", Flow::Both, "phone", Strategy::Filled),
            row(4, "title", "Title", Flow::Both, "cut(40)", Strategy::Ask),
            Row {
                switch: Switch::Off,
                ..row(
                    5,
                    "notes",
                    "Description",
                    Flow::ToCrm(Foreign::Keep),
                    "",
                    Strategy::App,
                )
            },
        ],
    }
}

/// What Salesforce says of a Contact: fields that rows have, and some that none has.
fn contact() -> ObjectInfo {
    let field = |name: &str, label: &str, kind, length| FieldInfo {
        label: label.into(),
        ..FieldInfo::new(name, kind, length)
    };
    let fields = [
        field("App_Id__c", "App id", FieldKind::Text, 36),
        field("Email", "Email", FieldKind::Email, 80),
        field("Phone", "Phone", FieldKind::Phone, 40),
        field("Title", "Title", FieldKind::Text, 128),
        field("Description", "Description", FieldKind::LongText, 32_000),
        field("MailingCity", "Mailing city", FieldKind::Text, 40),
        field("Department", "Department", FieldKind::Text, 80),
        field("Birthdate", "Birthdate", FieldKind::Date, 0),
        FieldInfo {
            nillable: false,
            ..field("LastName", "Last name", FieldKind::Text, 80)
        },
        FieldInfo {
            createable: false,
            updateable: false,
            calculated: true,
            money: false,
            ..field("Score__c", "Score", FieldKind::Number { scale: 0 }, 0)
        },
    ];
    ObjectInfo {
        name: "Contact".into(),
        label: "Contact".into(),
        createable: true,
        updateable: true,
        deletable: true,
        triggerable: true,
        fields: fields.into_iter().map(|f| (f.name.clone(), f)).collect(),
    }
}

pub fn mapping(pair: Pair) -> MappingDetail {
    MappingDetail {
        used: (1..).map(RowId).zip([100, 98, 61, 44, 9]).collect(),
        draft: None,
        coverage: Vec::new(),
        problems: problems(&pair),
        object: Some(contact()),
        versions: vec![
            VersionRow {
                version: pair.version,
                at: at("13:58:00"),
                changes: vec!["phone: change on the way trim -> phone".into()],
            },
            VersionRow {
                version: 13,
                at: "2026-11-12T09:30:00Z".parse().unwrap(),
                changes: Vec::new(),
            },
        ],
        pair,
    }
}

/// `cut` both ways makes a value come back changed.
pub fn problems(pair: &Pair) -> Vec<Problem> {
    pair.rows
        .iter()
        .filter(|r| r.to_app.to_string().contains("cut"))
        .map(|r| Problem {
            row: Some(r.id),
            word: Word::Fail,
            text: "cut(40) also runs toward App, so a longer Salesforce title would come back cut and look like a change".into(),
            fix: "set Direction to --> or leave \"To App\" empty".into(),
        })
        .collect()
}

pub fn mapping_preview(pair: &Pair, row: RowId) -> MappingPreview {
    let cuts = pair
        .row(row)
        .is_some_and(|r| r.to_app.to_string().contains("cut"));
    let goes = |toward: Side, cell: Cell| match pair.row(row) {
        Some(row) if row.switch == Switch::Off => Gets::Off,
        Some(row) if !row.flow.writes(toward) => Gets::NotSent,
        Some(row) if row.flow.appends() && toward == Side::Crm => Gets::Appended(cell),
        _ => Gets::Value(cell),
    };
    let sample = |name: &str, app: &str, crm: &str, after: &str| Sample {
        name: name.into(),
        app: Some(cell(app)),
        crm: Some(cell(crm)),
        to_crm: goes(Side::Crm, cell(after)),
        to_app: goes(Side::App, cell(crm)),
        round_trip: Some(app == after || !cuts),
    };
    MappingPreview {
        row,
        samples: vec![
            sample("Blue Anchor contact", "Buyer", "Buyer", "Buyer"),
            sample(
                "Maria del Mar Ruiz",
                "Directora de Operaciones y Logistica del Sur",
                "Directora de Operaciones",
                "Directora de Operaciones y Logistica del",
            ),
            sample("Zeynep Arslan", "", "CTO", ""),
        ],
        problems: problems(pair),
        after_saving: vec![
            "Next run compares all 4,118 contacts again (about 21 API calls).".into(),
        ],
    }
}

/// Who leaves by a filter: all of "few" and "some", one of any other.
pub fn leaving(filter: Option<&str>) -> Vec<FilterSample> {
    let all = [
        "Thomas Young",
        "Ada King",
        "Mary Somerville",
        "Kenji Watanabe",
        "Maria Ruiz",
    ];
    let leave = match filter {
        Some("few") => 4,
        Some("some") => 5,
        _ => 1,
    };
    let sample = |name: &&str| FilterSample {
        name: (*name).to_owned(),
        app_id: AppId::new(*name),
        crm_id: crm_id_of("ada"),
    };
    all.iter().take(leave).map(sample).collect()
}
