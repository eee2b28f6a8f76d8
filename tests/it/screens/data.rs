//! Fixed data for the screens: one org, three pairs, three conflicts, one failed run.

use std::sync::Arc;

use jiff::Timestamp;
use syncdeck::crm::codes::UnknownCodes;
use syncdeck::domain::conflict::{AgreedBase, Fingerprint, Origin};
use syncdeck::domain::dry_run::{
    Basis, Calls, Deed, Left, Plan, PlanItem, PlanState, Planned, PlannedConflict, PlannedField,
    PlannedPair, Tally,
};
use syncdeck::domain::id::{AppId, ConflictId, CrmId, PairName, PlanId, RowId, RunId};
use syncdeck::domain::mapping::{
    AppField, Blanks, Creates, DeletePolicy, FirstLink, Flow, Foreign, Guard, Pair, Row, Strategy,
    Switch,
};
use syncdeck::domain::run::{
    Cause, Counts, Failure, LogLine, Phase, RecordResult, ResultKind, Run, RunState, Word,
};
use syncdeck::domain::schedule::Schedule;
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::{Cell, FieldKind, Value};
use syncdeck::engine::command::RecordKey;
use syncdeck::engine::summary::{
    Access, Attention, ConnectionRow, Env, LastRun, Motion, Next, PairRow, Progress, Summary,
    Target,
};
use syncdeck::engine::view::{
    ConflictField, ErrorGroup, FieldStanding, MappingDetail, MappingPreview, Problem, RunDetail,
    RunRow, Sample, SettingsView, VersionRow,
};

pub fn at(text: &str) -> Timestamp {
    format!("2026-11-20T{text}Z").parse().unwrap()
}

pub fn now() -> Timestamp {
    at("14:32:00")
}

pub fn crm(text: &str) -> CrmId {
    text.parse().unwrap()
}

pub fn key(pair: &str, app: &str) -> RecordKey {
    RecordKey {
        pair: PairName::new(pair),
        app_id: AppId::new(app),
    }
}

pub fn cell(text: &str) -> Cell {
    vec![Value::text(text)]
}

fn counts(pulled: u64, pushed: u64, failed: u64, conflicts: u64) -> Counts {
    Counts {
        read: pulled + 3,
        planned: pulled + pushed + failed + conflicts + 9,
        same: 9,
        pulled,
        pushed,
        failed,
        conflicts,
        ..Counts::default()
    }
}

fn pair_row(name: &str, title: &str, word: Word, last: Option<LastRun>, next: Next) -> PairRow {
    PairRow {
        name: PairName::new(name),
        title: title.into(),
        word,
        last,
        open_conflicts: last.map_or(0, |l| l.counts.conflicts),
        failing: last.map_or(0, |l| l.counts.failed),
        records: 4_118,
        waiting: 2,
        next,
    }
}

fn last(id: u64, time: &str, word: Word, counts: Counts) -> Option<LastRun> {
    Some(LastRun {
        id: RunId(id),
        at: at(time),
        took: Some(19),
        word,
        counts,
    })
}

pub fn summary(open_conflicts: u64, staged: u64) -> Summary {
    Summary {
        profile: "prod-eu".into(),
        env: Some(Env::Production),
        access: Access::ReadWrite,
        at: now(),
        connections: vec![
            ConnectionRow {
                word: Word::Ok,
                system: "Salesforce".into(),
                account: "sync@acme.example".into(),
                org_id: Some("00D5g000000EzZkEAK".into()),
                org_name: Some("Acme".into()),
                way: None,
                sign_in: "renews itself".into(),
                api: Some((41_240, 100_000)),
                budget: None,
                codes: UnknownCodes::default(),
                checked: Some(at("14:31:58")),
                trouble: None,
            },
            ConnectionRow {
                word: Word::Ok,
                system: "App".into(),
                account: "embedded".into(),
                org_id: None,
                org_name: None,
                way: None,
                sign_in: "-".into(),
                api: None,
                budget: None,
                codes: UnknownCodes::default(),
                checked: None,
                trouble: None,
            },
        ],
        pairs: vec![
            pair_row(
                "people",
                "Contact <-> people",
                Word::Conf,
                last(8841, "14:30:04", Word::Conf, counts(88, 12, 0, 3)),
                Next::At(at("14:35:00")),
            ),
            pair_row(
                "companies",
                "Account <-> companies",
                Word::Run,
                last(8842, "14:31:27", Word::Run, counts(1_240, 41, 0, 0)),
                Next::Now,
            ),
            pair_row(
                "tickets",
                "Case --> tickets",
                Word::Fail,
                last(8840, "14:15:00", Word::Fail, counts(0, 0, 37, 0)),
                Next::At(at("14:45:00")),
            ),
        ],
        running: Some(Progress {
            run: RunId(8842),
            pair: PairName::new("companies"),
            title: "Account <-> companies".into(),
            phase: Phase::Read,
            done: 1_240,
            total: Some(5_000),
            started_at: at("14:31:20"),
            phase_at: at("14:31:20"),
            moved_at: at("14:31:59"),
            counts: counts(1_240, 41, 0, 0),
            motion: Motion::Working,
        }),
        paused: false,
        attention: vec![
            Attention {
                word: Word::Fail,
                text: "Case --> tickets: Salesforce has no field Priority__x".into(),
                hint: "fix map".into(),
                target: Target::Mapping(PairName::new("tickets"), None),
            },
            Attention {
                word: Word::Conf,
                text: format!("{open_conflicts} conflicts wait, oldest 3 h"),
                hint: "decide".into(),
                target: Target::Conflicts,
            },
        ],
        log: log(),
        open_conflicts,
        staged,
        store_bytes: 48 * 1024 * 1024,
    }
}

fn log() -> Vec<LogLine> {
    let line = |time: &str, word, run, text: &str| LogLine {
        at: at(time),
        word,
        run: Some(RunId(run)),
        text: text.into(),
    };
    vec![
        line("14:31:59", Word::Run, 8842, "read 1,240 Accounts"),
        line(
            "14:30:21",
            Word::Conf,
            8841,
            "Ada Lovelace-Byron: 2 fields changed on both sides",
        ),
        line(
            "14:15:02",
            Word::Fail,
            8840,
            "Salesforce 400 INVALID_FIELD, request 7f3c-19",
        ),
    ]
}

fn run(id: u64, pair: &str, time: &str, state: RunState, counts: Counts) -> Run {
    Run {
        id: RunId(id),
        pair: PairName::new(pair),
        cause: Cause::Schedule,
        state,
        started_at: at(time),
        ended_at: (state != RunState::Running)
            .then(|| at(time) + jiff::SignedDuration::from_secs(19)),
        mapping_version: 14,
        counts,
        calls: 2,
        failure: None,
    }
}

pub fn runs() -> Vec<RunRow> {
    use RunState::{Running, Succeeded, SucceededWithErrors};
    let rows = [
        (
            8842,
            "companies",
            "Account <-> companies",
            "14:31:27",
            Running,
            counts(1_240, 41, 0, 0),
        ),
        (
            8841,
            "people",
            "Contact <-> people",
            "14:30:04",
            Succeeded,
            counts(88, 12, 0, 3),
        ),
        (
            8840,
            "tickets",
            "Case --> tickets",
            "14:15:00",
            SucceededWithErrors,
            counts(0, 0, 37, 0),
        ),
        (
            8829,
            "people",
            "Contact <-> people",
            "12:15:02",
            Succeeded,
            counts(402, 61, 0, 0),
        ),
    ];
    rows.into_iter()
        .map(|(id, pair, title, time, state, counts)| RunRow {
            run: run(id, pair, time, state, counts),
            title: title.into(),
        })
        .collect()
}

pub fn run_detail(id: RunId) -> RunDetail {
    let row = runs().into_iter().find(|r| r.run.id == id).unwrap();
    let failed = row.run.counts.failed > 0;
    let failure = Failure {
        code: "INVALID_FIELD".into(),
        what: "Salesforce has no field Priority__x on Case".into(),
        why: "renamed or deleted in Salesforce after 13:30 (last good run 8832)".into(),
        fix: "Enter opens the mapping row.".into(),
        fields: vec!["Priority__x".into()],
        request: "7f3c-19".into(),
    };
    let result = |n: u32, name: &str| RecordResult {
        run: id,
        app_id: AppId::new(format!("ticket-{n}")),
        crm_id: Some(crm(&format!("5005g00000AAAA{n}"))),
        name: name.into(),
        kind: if failed {
            ResultKind::Quarantined
        } else {
            ResultKind::Applied
        },
        did: "phone, title -> Salesforce".into(),
        failure: failed.then(|| failure.clone()),
        tries: 1,
    };
    let names = [
        "Printer on 4th floor",
        "VPN drops at noon",
        "No sound in room 7",
        "Badge not read",
    ];
    let rows: Vec<RecordResult> = (1..).zip(names).map(|(n, name)| result(n, name)).collect();
    RunDetail {
        title: row.title,
        groups: if failed {
            vec![ErrorGroup {
                code: failure.code.clone(),
                records: 37,
                what: failure.what.clone(),
                why: failure.why.clone(),
                fix: failure.fix.clone(),
                request: failure.request.clone(),
                target: Some(Target::Mapping(PairName::new("tickets"), Some(RowId(3)))),
                retry: true,
            }]
        } else {
            Vec::new()
        },
        records: super::fake::part(rows),
        steps: log(),
        run: row.run,
    }
}

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

pub fn mapping(pair: Pair) -> MappingDetail {
    MappingDetail {
        draft: None,
        problems: problems(&pair),
        object: None,
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
    let sample = |name: &str, app: &str, crm: &str, after: &str| Sample {
        name: name.into(),
        app: Some(cell(app)),
        crm: Some(cell(crm)),
        to_crm: Ok(cell(after)),
        to_app: Ok(cell(crm)),
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

pub fn settings() -> SettingsView {
    SettingsView {
        sign_in: "browser".into(),
        login_url: "https://acme.my.salesforce.example".into(),
        client_id: "3MVG9.example".into(),
        redirect_uri: "http://localhost:7717/callback".into(),
        scopes: vec!["api".into(), "refresh_token".into()],
        vault: "identity file, mode 0600".into(),
        data_dir: "/var/lib/syncdeck/prod-eu".into(),
        config_file: "/etc/syncdeck/prod-eu/config.toml".into(),
        log_dir: "/var/log/syncdeck/prod-eu".into(),
        store_bytes: 48 * 1024 * 1024,
        pairs: ["people", "companies", "tickets"]
            .map(|name| (PairName::new(name), pair(name).title_line(), pair(name).schedule))
            .to_vec(),
        recovery: "Without the identity file the sealed records cannot be read by anyone. Keep a copy of it elsewhere.".into(),
    }
}

pub fn shared(summary: Summary) -> Arc<Summary> {
    Arc::new(summary)
}

/// A plan with one record of each sort.
pub fn plan() -> Plan {
    let mut tally = Tally {
        read: 4,
        ..Tally::default()
    };
    for item in plan_items() {
        tally.count(&item);
    }
    Plan {
        id: PlanId(3),
        at: now(),
        by: "you".into(),
        pairs: vec![PlannedPair {
            pair: PairName::new("contacts"),
            title: "Contact <-> people".into(),
            version: 14,
            first: 1,
            tally,
        }],
        calls: Calls { read: 2, write: 2 },
        hash: "5f".repeat(32),
        state: PlanState::Ready,
    }
}

/// Its records.
pub fn plan_items() -> Vec<PlanItem> {
    let item = |id: &str, name: &str| PlanItem {
        pair: PairName::new("contacts"),
        app_id: Some(AppId::new(id)),
        crm_id: None,
        name: name.into(),
        basis: Basis::default(),
        to_app: None,
        to_crm: None,
        conflicts: Vec::new(),
        left: None,
    };
    let planned = |deed, from: &str, to: &str| {
        Some(Planned {
            deed,
            fields: vec![PlannedField {
                name: "phone".into(),
                from: Value::text(from),
                to: Value::text(to),
            }],
        })
    };
    vec![
        PlanItem {
            to_crm: planned(Deed::Change, "+44 20 7946 0018", "+44 20 7946 0000"),
            ..item("ada", "Ada Lovelace-Byron")
        },
        PlanItem {
            to_app: planned(Deed::Create, "", "x\u{1b}[2Jy"),
            ..item("babbage", "Charles Babbage")
        },
        PlanItem {
            conflicts: vec![PlannedConflict {
                about: "phone".into(),
                app: Some(cell("1")),
                crm: Some(cell("2")),
            }],
            ..item("luigi", "Luigi Menabrea")
        },
        PlanItem {
            left: Some(Left::Waits("waits for the record it belongs to".into())),
            ..item("mary", "Mary Somerville")
        },
    ]
}
