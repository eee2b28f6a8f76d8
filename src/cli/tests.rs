//! The argument tree, and the commands against an engine that is played by a function.

use super::session::Session;
use super::session::tests::played;
use super::*;
use crate::domain::conflict::{Fingerprint, Origin};
use crate::domain::id::{
    AppId, ConflictId, FieldName, ObjectName, PairName, RowId, RunId, TableName,
};
use crate::domain::mapping::{AppField, Creates, DeletePolicy, FirstLink, Guard, Pair, Strategy};
use crate::domain::record::{AppRecord, Presence};
use crate::domain::run::{Cause, Counts, Run, RunState, Word};
use crate::domain::schedule::Schedule;
use crate::domain::value::{FieldKind, Fields, Value};
use crate::engine::command::{Command, Decide, RecordKey};
use crate::engine::notice::Reply;
use crate::engine::view::{
    ConflictDetail, ConflictField, CreatedView, Decided, FieldStanding, FormField, MappingDetail,
    MappingPreview, Part, Problem, RecordDetail, RecordFormView, RecordPage, RecordRow, RunDetail,
    WritePreview,
};
use crate::error::Kind;
use clap::CommandFactory as _;

#[test]
fn the_arguments_fit_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_a_text_an_example_and_exit_codes() {
    fn walk(command: &clap::Command, path: &str) {
        for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
            let path = format!("{path} {}", sub.get_name());
            assert!(sub.get_about().is_some(), "`{path}` has no text");
            if sub.has_subcommands() {
                walk(sub, &path);
                continue;
            }
            let after = sub
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(after.contains("Example"), "`{path}` has no example");
            assert!(
                after.contains(&path[1..]),
                "the example of `{path}` is another command"
            );
            assert!(after.contains("Exit codes"), "`{path}` says no exit codes");
        }
    }
    walk(&Cli::command(), " syncdeck");
    let over_link = <engine::EngineCommand as clap::Subcommand>::augment_subcommands(
        clap::Command::new("syncdeck"),
    );
    over_link.clone().debug_assert();
    walk(&over_link, " syncdeck");
}

/// What a command printed and how it ended.
async fn printed<F>(run: F) -> (Result<Outcome>, String)
where
    F: AsyncFnOnce(&mut Out<Vec<u8>>) -> Result<Outcome>,
{
    let mut out = Out::to(Vec::new());
    let result = run(&mut out).await;
    (result, String::from_utf8(out.into_inner()).unwrap())
}

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn sample_run(state: RunState, counts: Counts) -> Run {
    Run {
        id: RunId(7),
        pair: PairName::new("leads"),
        cause: Cause::Person,
        state,
        started_at: at("2026-11-21T14:00:00Z"),
        ended_at: None,
        mapping_version: 1,
        counts,
        calls: 12,
        failure: None,
    }
}

fn run_reply(run: Run) -> Result<Reply> {
    Ok(Reply::Run(Box::new(RunDetail {
        run,
        title: "Lead <-> leads".into(),
        groups: Vec::new(),
        records: Part {
            rows: Vec::new(),
            offset: 0,
            total: 0,
        },
        steps: Vec::new(),
    })))
}

/// A session whose one run is in these states, one after the other.
fn syncing(states: Vec<(RunState, Counts)>) -> Session {
    let mut states = states.into_iter();
    played(move |command| match command {
        Command::Sync { .. } => Ok(Reply::Started(vec![RunId(7)])),
        Command::Run { id: RunId(7), .. } => {
            let (state, counts) = states.next().unwrap();
            run_reply(sample_run(state, counts))
        }
        other => panic!("not asked for: {other:?}"),
    })
}

#[tokio::test]
async fn sync_waits_for_its_runs_and_says_what_came_of_them() {
    let pulled = Counts {
        pulled: 1_200,
        ..Counts::default()
    };
    let conflict = Counts {
        conflicts: 2,
        ..Counts::default()
    };
    let none = Counts::default();
    for (last, counts, expected) in [
        (RunState::Succeeded, pulled, Ok(Outcome::Fine)),
        (RunState::Succeeded, conflict, Ok(Outcome::NeedsPerson)),
        (RunState::Failed, none, Err(2)),
        (RunState::Cancelled, none, Err(130)),
    ] {
        let mut session = syncing(vec![
            (RunState::Queued, none),
            (RunState::Running, none),
            (last, counts),
        ]);
        let args = sync::SyncArgs {
            pair: None,
            json: false,
        };
        let (result, text) = printed(async |out| sync::run(&mut session, args, out).await).await;
        assert_eq!(result.map_err(|e| e.exit_code()), expected, "{last:?}");
        assert!(text.starts_with("run 7 Lead <-> leads: "), "{text}");
        assert_eq!(text.contains("1,200 to App"), counts.pulled > 0, "{text}");
    }
}

fn text_cell(text: &str) -> Option<Vec<Value>> {
    Some(vec![Value::text(text)])
}

fn conflict_field(conflict: Option<u64>, app: &str, crm: &str) -> ConflictField {
    ConflictField {
        conflict: conflict.map(ConflictId),
        row: RowId(1),
        app_label: app.into(),
        crm_label: crm.into(),
        kind: FieldKind::Text,
        base: None,
        app: text_cell("from\u{1b}[2J App"),
        crm: text_cell("from CRM"),
        app_origin: Origin::default(),
        crm_origin: Origin::default(),
        fp: Fingerprint(u64::from(conflict.is_some())),
        standing: FieldStanding::Open,
        result: None,
        error: None,
        strategy: Strategy::Ask,
        limits: (0, 0),
    }
}

fn key() -> RecordKey {
    session::record_key("leads/1").unwrap()
}

fn conflict_detail() -> ConflictDetail {
    ConflictDetail {
        key: key(),
        name: "Ada".into(),
        object: ObjectName::new("Lead"),
        table: TableName::new("leads"),
        crm_id: None,
        word: Word::Conf,
        record: None,
        fields: vec![
            conflict_field(Some(3), "phone", "Phone"),
            conflict_field(Some(4), "notes", "Description"),
            conflict_field(None, "email", "Email"),
        ],
        same: Vec::new(),
        writes: WritePreview::default(),
        history: Vec::new(),
    }
}

/// A session with one record in conflict; decisions are sent to the receiver.
fn deciding() -> (Session, std::sync::mpsc::Receiver<Decide>) {
    let (sent, received) = std::sync::mpsc::channel();
    let session = played(move |command| match command {
        Command::Conflict { .. } => Ok(Reply::Conflict(Some(Box::new(conflict_detail())))),
        Command::Decide { decisions } => {
            let mut refused = Vec::new();
            for decide in decisions {
                if decide.conflict == ConflictId(4) {
                    refused.push((ConflictId(4), "the values moved".into()));
                }
                sent.send(decide).unwrap();
            }
            Ok(Reply::Decided(Decided { staged: 1, refused }))
        }
        other => panic!("not asked for: {other:?}"),
    });
    (session, received)
}

fn parse(args: &[&str]) -> Parsed {
    #[derive(Parser)]
    struct Only {
        #[command(subcommand)]
        command: conflicts::ConflictsCommand,
    }
    Only::try_parse_from([&["x"], args].concat()).map(|o| o.command)
}

type Parsed = std::result::Result<conflicts::ConflictsCommand, clap::Error>;

#[tokio::test]
async fn decisions_carry_the_fingerprint_that_was_read() {
    for (args, expected, outcome) in [
        (
            &["take", "leads/1", "crm"][..],
            vec![3, 4],
            Outcome::NeedsPerson,
        ),
        (
            &["take", "leads/1", "app", "--field", "Phone"],
            vec![3],
            Outcome::Fine,
        ),
        (
            &["take", "leads/1", "--field", "phone", "--value", "1"],
            vec![3],
            Outcome::Fine,
        ),
    ] {
        let (mut session, decisions) = deciding();
        let command = parse(args).unwrap();
        let (result, text) =
            printed(async |out| conflicts::run(&mut session, command, out).await).await;
        assert_eq!(result.unwrap(), outcome, "{text}");
        drop(session);
        let made: Vec<Decide> = decisions.try_iter().collect();
        assert!(made.iter().all(|d| d.fp == Fingerprint(1)));
        let ids: Vec<u64> = made.iter().map(|d| d.conflict.0).collect();
        assert_eq!(ids, expected, "{args:?}");
    }
}

#[tokio::test]
async fn a_field_that_is_not_in_conflict_is_refused_with_those_that_are() {
    let (mut session, _decisions) = deciding();
    let command = parse(&["take", "leads/1", "app", "--field", "email"]).unwrap();
    let (result, _) = printed(async |out| conflicts::run(&mut session, command, out).await).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), crate::error::Kind::Usage);
    assert_eq!(error.remedy(), Some("fields in conflict: phone, notes"));
}

#[test]
fn decisions_that_say_too_little_or_too_much_are_not_taken() {
    for args in [
        &["take"][..],
        &["take", "leads/1"],
        &["take", "leads"],
        &["take", "leads/1", "--value", "x"],
        &["take", "leads/1", "crm", "--field", "a", "--value", "x"],
        &["write", "--preview", "--yes"],
    ] {
        assert!(parse(args).is_err(), "{args:?}");
    }
    assert!(parse(&["take", "all", "crm"]).is_ok());
}

#[tokio::test]
async fn a_decision_for_all_records_is_about_whole_records() {
    for args in [
        &["take", "all", "crm", "--field", "a"][..],
        &["take", "all", "--field", "a", "--value", "x"],
    ] {
        let mut session = played(|command| panic!("not asked for: {command:?}"));
        let command = parse(args).unwrap();
        let (result, _) =
            printed(async |out| conflicts::run(&mut session, command, out).await).await;
        assert_eq!(result.unwrap_err().kind(), crate::error::Kind::Usage);
    }
}

#[tokio::test]
async fn a_record_shows_no_escape_codes_but_json_keeps_the_value() {
    let (mut session, _decisions) = deciding();
    let command = parse(&["show", "leads/1"]).unwrap();
    let (_, text) = printed(async |out| conflicts::run(&mut session, command, out).await).await;
    assert!(
        text.contains("from^[[2J App") && !text.contains('\u{1b}'),
        "{text}"
    );
    let command = parse(&["show", "leads/1", "--json"]).unwrap();
    let (_, text) = printed(async |out| conflicts::run(&mut session, command, out).await).await;
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["fields"][0]["app"], "from\u{1b}[2J App");
}

#[tokio::test]
async fn nothing_is_written_without_consent_and_only_what_was_previewed() {
    let preview = WritePreview {
        decisions: 2,
        hash: 99,
        ..WritePreview::default()
    };
    let play = move |command| match command {
        Command::Preview { .. } => Ok(Reply::Preview(Box::new(preview.clone()))),
        Command::Write { hash: 99, .. } => Ok(Reply::Started(vec![RunId(7)])),
        Command::Run { .. } => run_reply(sample_run(RunState::Succeeded, Counts::default())),
        other => panic!("not asked for: {other:?}"),
    };
    let mut session = played(play);
    for (args, written) in [
        (&["write", "--preview"][..], false),
        (&["write", "--yes"], true),
    ] {
        let command = parse(args).unwrap();
        let (result, text) =
            printed(async |out| conflicts::run(&mut session, command, out).await).await;
        assert_eq!(result.unwrap(), Outcome::Fine);
        assert_eq!(text.contains("run 7"), written, "{text}");
    }
}

fn pair() -> Pair {
    let field = |name: &str, kind| AppField {
        name: FieldName::new(name),
        kind,
        length: 0,
    };
    Pair {
        name: PairName::new("leads"),
        object: ObjectName::new("Lead"),
        table: TableName::new("leads"),
        app_fields: vec![
            field("name", FieldKind::Text),
            field("budget", FieldKind::Number { scale: 2 }),
        ],
        version: 1,
        key_field: None,
        title: FieldName::new("name"),
        create_in_app: Creates::Allowed,
        create_in_crm: Creates::Off,
        on_crm_delete: DeletePolicy::Mark,
        on_app_delete: DeletePolicy::Unlink,
        guard: Guard::Precondition,
        first_link: FirstLink::Review,
        match_on: Vec::new(),
        strategy: Strategy::Ask,
        schedule: Schedule::Manual,
        rows: Vec::new(),
    }
}

fn app_record(rev: u64, fields: Fields) -> AppRecord {
    AppRecord {
        id: AppId::new("1"),
        table: TableName::new("leads"),
        rev,
        fields,
        changed_at: std::collections::BTreeMap::new(),
        changed_by: "ada".into(),
        typed_by: std::collections::BTreeMap::new(),
        created_at: at("2026-11-21T14:00:00Z"),
        updated_at: at("2026-11-21T14:00:00Z"),
        presence: Presence::Live,
        sync_key: None,
    }
}

/// An engine with one record, whose changes are sent to the receiver.
fn keeping(fields: Fields) -> (Session, std::sync::mpsc::Receiver<Command>) {
    let (sent, received) = std::sync::mpsc::channel();
    let session = played(move |command| match command {
        Command::Mapping { .. } => Ok(Reply::Mapping(Box::new(MappingDetail {
            draft: None,
            pair: pair(),
            object: None,
            problems: Vec::new(),
            versions: Vec::new(),
        }))),
        Command::Record { key } => Ok(Reply::Record(Box::new(RecordDetail {
            key,
            name: "Ada".into(),
            word: Word::Ok,
            app: Some(app_record(5, fields.clone())),
            link: None,
            pair: pair(),
            fields: Vec::new(),
            failure: None,
            url: None,
            history: Vec::new(),
        }))),
        Command::RecordForm { pair: name, app_id } => {
            let specs = crate::domain::form::specs(&pair(), None, &[]).into_iter();
            let specs = specs.map(|spec| FormField {
                value: fields.get(&spec.name).cloned().unwrap_or_default(),
                spec,
            });
            Ok(Reply::RecordForm(Box::new(RecordFormView {
                pair: name,
                table: "leads".into(),
                app_id,
                name: "Ada".into(),
                rev: 5,
                changed_by: "jo".into(),
                fields: specs.collect(),
                owner: None,
                status: None,
                typed: None,
            })))
        }
        Command::Records { page, .. } => {
            let row = RecordRow {
                key: key(),
                word: Word::Ok,
                name: "Ada".into(),
                values: Vec::new(),
                changed: at("2026-11-21T14:00:00Z"),
            };
            let rows = if page.offset == 0 {
                vec![row]
            } else {
                Vec::new()
            };
            Ok(Reply::Records(Box::new(RecordPage {
                pair: PairName::new("leads"),
                columns: Vec::new(),
                part: Part {
                    rows,
                    offset: page.offset,
                    total: 1,
                },
                all: 1,
                filter_error: None,
                sort_error: None,
            })))
        }
        Command::CreateRecord { .. } => {
            sent.send(command).unwrap();
            Ok(Reply::Created(CreatedView {
                app_id: AppId::new("2"),
            }))
        }
        Command::EditRecord { .. } => {
            sent.send(command).unwrap();
            Ok(Reply::Done)
        }
        other => panic!("not asked for: {other:?}"),
    });
    (session, received)
}

#[tokio::test]
async fn an_edit_carries_the_revision_and_typed_values() {
    let (mut session, changes) = keeping(Fields::new());
    let set = |text: &str| {
        records::RecordsCommand::Set(records::SetArgs {
            record: key(),
            fields: vec![text.into()],
            json: false,
        })
    };
    let (result, _) =
        printed(async |out| records::run(&mut session, set("budget=12.5"), out).await).await;
    assert_eq!(result.unwrap(), Outcome::Fine);
    match changes.recv().unwrap() {
        Command::EditRecord { rev: 5, fields, .. } => {
            assert!(matches!(fields["budget"], Value::Number(_)));
        }
        other => panic!("{other:?}"),
    }
    for (text, hint) in [
        ("bugdet=1", Some("did you mean `budget`?")),
        ("budget=much", None),
    ] {
        let (result, _) =
            printed(async |out| records::run(&mut session, set(text), out).await).await;
        assert_eq!(result.unwrap_err().remedy(), hint);
    }
}

#[tokio::test]
async fn a_hand_over_needs_a_row_that_sends_the_owner() {
    let (mut session, changes) = keeping(Fields::new());
    let args = records::HandOverArgs {
        record: key(),
        owner: "Ada Lovelace".into(),
        status: None,
        json: true,
    };
    let command = records::RecordsCommand::HandOver(args);
    let (result, _) = printed(async |out| records::run(&mut session, command, out).await).await;
    let error = result.unwrap_err();
    assert_eq!(error.message(), "the mapping of `leads` sends no owner");
    assert_eq!(
        error.remedy(),
        Some("it needs a row that goes to OwnerId with the step user")
    );
    assert!(changes.try_recv().is_err());
}

#[tokio::test]
async fn what_was_exported_can_be_imported() {
    let fields: Fields = [
        (FieldName::new("name"), Value::text("a,\"b\"\n\u{202e}c")),
        (
            FieldName::new("budget"),
            say::parse(FieldKind::Number { scale: 2 }, "0.1").unwrap(),
        ),
    ]
    .into();
    for format in [bulk::Format::Csv, bulk::Format::Ndjson] {
        let (mut session, changes) = keeping(fields.clone());
        let args = bulk::ExportArgs {
            pair: "leads".into(),
            format,
            filter: String::new(),
        };
        let (result, text) = printed(async |out| bulk::export(&mut session, args, out).await).await;
        result.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rows");
        std::fs::write(&file, &text).unwrap();
        let args = bulk::ImportArgs {
            pair: "leads".into(),
            file: file.to_str().unwrap().into(),
            format: Some(format),
        };
        let (result, said) = printed(async |out| bulk::import(&mut session, args, out).await).await;
        assert_eq!(result.unwrap(), Outcome::Fine, "{said}");
        match changes.recv().unwrap() {
            Command::EditRecord {
                key: edited,
                fields: taken,
                ..
            } => {
                assert_eq!(edited, key());
                assert_eq!(taken, fields, "{text}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_row_that_does_not_fit_is_named_and_the_others_are_taken() {
    let (mut session, changes) = keeping(Fields::new());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rows.csv");
    let import = async |session: &mut Session, text: &[u8]| {
        std::fs::write(&file, text).unwrap();
        let args = bulk::ImportArgs {
            pair: "leads".into(),
            file: file.to_str().unwrap().into(),
            format: None,
        };
        printed(async |out| bulk::import(session, args, out).await).await
    };
    let text = b"name,budget\nAda,1\nBob,much\nCy,1,2\nDee,2\n";
    let (result, said) = import(&mut session, text).await;
    assert_eq!(result.unwrap(), Outcome::NeedsPerson);
    assert!(said.contains("row 3: `budget`"), "{said}");
    assert!(said.ends_with("2 made, 0 changed, 2 not taken\n"), "{said}");
    assert_eq!(changes.try_iter().count(), 2);

    let (result, _) = import(&mut session, b"name,bugdet\nAda,1\n").await;
    assert_eq!(result.unwrap_err().remedy(), Some("did you mean `budget`?"));
    assert_eq!(
        changes.try_iter().count(),
        0,
        "a file with a wrong column was taken"
    );
}

/// A session over one saved pair; drafts that are saved are sent to the receiver.
fn mapped(problems: Vec<Problem>) -> (Session, std::sync::mpsc::Receiver<Pair>) {
    let (sent, received) = std::sync::mpsc::channel();
    let session = played(move |command| match command {
        Command::Mapping { .. } => Ok(Reply::Mapping(Box::new(MappingDetail {
            draft: None,
            pair: lead_desk(),
            object: None,
            problems: Vec::new(),
            versions: Vec::new(),
        }))),
        Command::PreviewMapping { row, .. } => {
            Ok(Reply::MappingPreview(Box::new(MappingPreview {
                row,
                samples: Vec::new(),
                problems: problems.clone(),
                after_saving: vec!["3 records are compared again".into()],
            })))
        }
        Command::SaveMapping { draft } => {
            sent.send(*draft).unwrap();
            Ok(Reply::Saved { version: 2 })
        }
        other => panic!("not asked for: {other:?}"),
    });
    (session, received)
}

fn lead_desk() -> Pair {
    let mut pairs = crate::domain::preset::preset("lead-desk").unwrap();
    pairs.remove(0)
}

async fn import_mapping(session: &mut Session, text: &str) -> (Result<Outcome>, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("m.toml");
    std::fs::write(&file, text).unwrap();
    let command = mapping::MappingCommand::Import(mapping::ImportArgs {
        file: file.to_str().unwrap().into(),
        preview: false,
        consent: ask::Consent { yes: true },
    });
    printed(async |out| mapping::run(session, command, out).await).await
}

#[tokio::test]
async fn a_mapping_goes_out_and_comes_back_and_only_a_change_is_saved() {
    let (mut session, saved) = mapped(Vec::new());
    let export = mapping::MappingCommand::Export(mapping::ExportArgs {
        pairs: vec!["leads".into()],
    });
    let (_, text) = printed(async |out| mapping::run(&mut session, export, out).await).await;
    let (result, said) = import_mapping(&mut session, &text).await;
    assert_eq!(result.unwrap(), Outcome::Fine);
    assert!(said.contains("nothing differs"), "{said}");
    assert!(saved.try_recv().is_err());

    let title = "title = \"Renamed\"";
    let changed: Vec<&str> = text
        .lines()
        .map(|l| if l.starts_with("title = ") { title } else { l })
        .collect();
    let (result, said) = import_mapping(&mut session, &changed.join("\n")).await;
    assert_eq!(result.unwrap(), Outcome::Fine);
    assert!(said.contains("  + title = \"Renamed\"\n"), "{said}");
    assert!(said.contains("saved as version 2"), "{said}");
    assert_eq!(saved.try_recv().unwrap().title.as_str(), "Renamed");
}

#[tokio::test]
async fn a_mapping_that_is_wrong_older_or_unsound_is_not_saved() {
    let text = crate::domain::mapping_file::to_toml(&[lead_desk()]);
    let unsound = Problem {
        row: None,
        word: Word::Fail,
        text: "two rows write one field".into(),
        fix: "switch one off".into(),
    };
    let version = format!("version = {}", lead_desk().version);
    for (text, problems, kind) in [
        (text.replace("title = ", "titel = "), vec![], Kind::Usage),
        (
            text.replace(&version, "version = 77"),
            vec![],
            Kind::Changed,
        ),
        (
            text.replace("title = \"", "title = \"New "),
            vec![unsound],
            Kind::Usage,
        ),
    ] {
        let (mut session, saved) = mapped(problems);
        let (result, _) = import_mapping(&mut session, &text).await;
        assert_eq!(result.unwrap_err().kind(), kind);
        assert!(saved.try_recv().is_err());
    }
}
