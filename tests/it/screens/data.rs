//! Fixed data for the screens: one org, three pairs, three conflicts, one failed run.

#[path = "data/conflicts.rs"]
mod conflicts;
#[path = "data/history.rs"]
mod history;
#[path = "data/mappings.rs"]
mod mappings;

pub use conflicts::*;
pub use history::*;
pub use mappings::*;

use std::sync::Arc;

use jiff::Timestamp;
use syncdeck::crm::codes::UnknownCodes;
use syncdeck::domain::budget::{Budget, Shares, Space, Storage};
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
use syncdeck::domain::schema::{FieldInfo, ObjectInfo};
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::{Cell, FieldKind, Value};
use syncdeck::engine::command::RecordKey;
use syncdeck::engine::summary::{
    Access, Attention, ConnectionRow, Env, LastRun, Motion, Next, PairRow, Progress, Summary,
    Target,
};
use syncdeck::engine::view::{
    ConflictField, DriftField, DriftRow, ErrorGroup, FieldStanding, LimitsView, MappingDetail,
    MappingPreview, PairSettings, Problem, RelinkPair, RelinkView, RuleRow, RunDetail, RunRow,
    Sample, SettingsView, VersionRow,
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
        rests: None,
        next,
    }
}

fn last(id: u64, time: &str, state: RunState, counts: Counts) -> Option<LastRun> {
    Some(LastRun {
        id: RunId(id),
        at: at(time),
        took: Some(19),
        state,
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
                version: Default::default(),
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
                version: Default::default(),
                checked: None,
                trouble: None,
            },
        ],
        pairs: vec![
            pair_row(
                "people",
                "Contact <-> people",
                Word::Conf,
                last(8841, "14:30:04", RunState::Succeeded, counts(88, 12, 0, 3)),
                Next::At(at("14:35:00")),
            ),
            pair_row(
                "companies",
                "Account <-> companies",
                Word::Run,
                last(8842, "14:31:27", RunState::Running, counts(1_240, 41, 0, 0)),
                Next::Now,
            ),
            pair_row(
                "tickets",
                "Case --> tickets",
                Word::Fail,
                last(8840, "14:15:00", RunState::Failed, counts(0, 0, 37, 0)),
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
                pair: None,
            },
            Attention {
                word: Word::Conf,
                text: format!("{open_conflicts} conflicts wait, oldest 3 h"),
                hint: "decide".into(),
                target: Target::Conflicts,
                pair: None,
            },
        ],
        log: log(),
        open_conflicts,
        staged,
        edits: 0,
        schedules: 0,
        drafts: 0,
        hours: vec![
            0, 0, 0, 0, 0, 0, 0, 0, 310, 900, 1_220, 1_100, 640, 980, 1_410,
        ],
        store_bytes: 48 * 1024 * 1024,
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
        config_read: Some(at("09:02:00")),
        config_changed: None,
        log_dir: "/var/log/syncdeck/prod-eu".into(),
        store_bytes: 48 * 1024 * 1024,
        pairs: ["people", "companies", "tickets"].map(pair_settings).to_vec(),
        limits: vec![limits()],
        recovery: "Without the identity file the sealed records cannot be read by anyone. Keep a copy of it elsewhere.".into(),
    }
}

fn pair_settings(name: &str) -> PairSettings {
    let pair = pair(name);
    let rules = pair.rows.iter().map(|row| RuleRow {
        row: Some(row.id),
        text: format!(
            "{} {} {}",
            row.label(Side::App),
            row.flow.arrow(),
            row.label(Side::Crm)
        ),
        rule: row.strategy,
        open: if row.id == RowId(2) && name == "people" {
            3
        } else {
            0
        },
    });
    PairSettings {
        title: pair.title_line(),
        rules: rules.collect(),
        name: pair.name,
        version: pair.version,
        schedule: pair.schedule,
        filter: pair.filter,
        on_leave: pair.on_leave,
        bad_fields: pair.bad_fields,
    }
}

/// 41,240 of 100,000 calls are used, 1,200 of them by us.
fn limits() -> LimitsView {
    let mut budget = Budget::default();
    budget.report(41_240, 100_000, at("14:31:58"));
    for _ in 0..1_200 {
        budget.count(at("09:00:00"));
    }
    LimitsView {
        system: "Salesforce".into(),
        limits: budget.limits(&Shares::default(), now()),
        storage: Some(Storage {
            data: Some(Space {
                used: 4_310,
                max: 5_120,
            }),
            files: Some(Space {
                used: 19_450,
                max: 20_480,
            }),
            at: at("14:31:58"),
        }),
        at_once: (1, 5),
        resumes: None,
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
            holds: Vec::new(),
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

/// A record of people whose phone differs although nothing moved.
pub fn drifted(n: u64, say: Strategy) -> DriftRow {
    DriftRow {
        key: RecordKey {
            pair: PairName::new("people"),
            app_id: AppId::new(format!("p{n}")),
        },
        name: format!("Person {n}\u{1b}[2J"),
        crm_id: None,
        fields: vec![DriftField {
            label: "phone".into(),
            app: Some(vec![Value::text("+44 1")]),
            crm: Some(vec![Value::Null]),
            say,
        }],
        run: RunId(8840),
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

/// Deletions that wait.
pub fn held(deletes: u64) -> syncdeck::domain::mass::Held {
    use syncdeck::domain::mass::{Example, Held, Mass};
    Held {
        what: Mass::Delete(syncdeck::domain::transform::Side::Crm),
        field: String::new(),
        number: deletes,
        limit: 20,
        records: 2_000,
        allowed: 0,
        examples: vec![Example {
            app_id: "ada".into(),
            name: "Ada Lovelace".into(),
        }],
    }
}

/// The same of another kind.
pub fn held_as(what: syncdeck::domain::mass::Mass, number: u64) -> syncdeck::domain::mass::Held {
    syncdeck::domain::mass::Held {
        what,
        limit: 0,
        ..held(number)
    }
}

/// What leaving the org would mean.
pub fn relink() -> RelinkView {
    let pair = |name: &str, links, keyed, rules| RelinkPair {
        name: PairName::new(name),
        links,
        keyed,
        rules,
        conflicts: 7,
        decisions: 1,
    };
    RelinkView {
        org: Some(("00D5g000000EzZkEAK".into(), "Acme".into())),
        pairs: vec![
            pair("companies", 1_306, 1_306, 2),
            pair("people", 3_902, 3_890, 1),
            pair("tickets", 377, 377, 0),
        ],
    }
}
