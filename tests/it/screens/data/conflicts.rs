//! Records in conflict.

use super::*;
use syncdeck::engine::view::{ByTimes, RowRules};

/// A field that needs a person.
struct Open<'t> {
    conflict: u64,
    row: u16,
    labels: (&'t str, &'t str),
    kind: FieldKind,
    values: (&'t str, &'t str, &'t str),
}

fn open(open: Open<'_>) -> ConflictField {
    let (base, app, salesforce) = open.values;
    ConflictField {
        conflict: Some(ConflictId(open.conflict)),
        row: RowId(open.row),
        app_label: open.labels.0.into(),
        crm_label: open.labels.1.into(),
        kind: open.kind,
        base: Some(AgreedBase {
            app: cell(base),
            crm: cell(base),
            at: "2026-11-12T09:30:00Z".parse().unwrap(),
            run: RunId(6120),
        }),
        app: Some(cell(app)),
        crm: Some(cell(salesforce)),
        app_origin: Origin {
            at: Some(at("14:02:10")),
            by: Some("jo, import-42".into()),
        },
        crm_origin: Origin {
            at: Some(at("14:11:40")),
            by: Some("M. Reyes".into()),
        },
        fp: Fingerprint(open.conflict * 100),
        standing: FieldStanding::Open,
        result: None,
        note: None,
        error: None,
        strategy: Strategy::Ask,
        ruled: None,
        limits: (80, 128),
    }
}

/// The fields of a conflict record by its App id, before any decision.
pub fn fields(app: &str) -> Vec<ConflictField> {
    let email = |conflict, values| {
        open(Open {
            conflict,
            row: 2,
            labels: ("email", "Email"),
            kind: FieldKind::Email,
            values,
        })
    };
    match app {
        "ada" => vec![
            email(
                11,
                (
                    "ada@analytical.example",
                    "ada.l@analytical.example",
                    "a.byron@acme.example",
                ),
            ),
            ConflictField {
                conflict: None,
                standing: FieldStanding::Auto(Side::App),
                crm: Some(vec![Value::Null]),
                ..open(Open {
                    conflict: 12,
                    row: 3,
                    labels: ("phone", "Phone"),
                    kind: FieldKind::Phone,
                    values: ("", "+44 20 7946 0018", ""),
                })
            },
            open(Open {
                conflict: 13,
                row: 4,
                labels: ("title", "Title"),
                kind: FieldKind::Text,
                values: ("Analyst", "Countess of Lovelace", "Analyst, Engines"),
            }),
            open(Open {
                conflict: 14,
                row: 5,
                labels: ("notes", "Description"),
                kind: FieldKind::LongText,
                values: (
                    "Met in May.",
                    "Met in May.\nWants the new engine by autumn.",
                    "Met in May at the Society.\nSend the second volume.",
                ),
            }),
        ],
        "kenji" => vec![email(
            21,
            (
                "kenji@a.example",
                "k.watanabe@a.example",
                "kenji.w@b.example",
            ),
        )],
        // What a web form can put into a record.
        "evil" => vec![email(
            31,
            (
                "x@example.org",
                "\u{1b}[2Jgone\u{202e}moc.live\0",
                "\u{5e9}\u{5dc}\u{5d5}\u{5dd} x@example.org",
            ),
        )],
        many if many.starts_with("many-") => Vec::new(),
        other => panic!("no such conflict {other}"),
    }
}

pub fn conflict_names() -> [(&'static str, &'static str); 3] {
    [
        ("ada", "Ada Lovelace-Byron"),
        ("kenji", "Kenji Watanabe"),
        ("evil", "Tor \u{1b}[31mEgil\u{7} Bakke"),
    ]
}

pub fn crm_id_of(app: &str) -> CrmId {
    crm(match app {
        "ada" => "0035g00000AdaQ1",
        "kenji" => "0035g00000KenT7",
        _ => "0035g00000EviB2",
    })
}

pub fn url_of(app: &str) -> String {
    format!("https://acme.my.salesforce.example/{}", crm_id_of(app))
}

/// What rules would decide: the email of all three records, and of the title half of very many.
pub fn row_rules(app: &str) -> Vec<RowRules> {
    let rules = |row, label: &str, (open, looked_at, one_side, filled)| RowRules {
        row: RowId(row),
        label: label.into(),
        open,
        looked_at,
        one_side,
        filled,
        by_time: Some(ByTimes {
            newest: one_side.saturating_sub(1),
            or_a_side: one_side,
        }),
    };
    let mut all = vec![rules(2, "email", (3, 3, 3, 1))];
    if app == "ada" {
        all.push(rules(4, "title", (1_200, 500, 250, 0)));
        all.push(rules(5, "notes", (1, 1, 0, 0)));
    }
    all
}
