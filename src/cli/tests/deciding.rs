//! Conflicts: decisions, and what is written of them.

use super::*;
use crate::domain::conflict::{Conflict, Kind, State};
use crate::domain::transform::Side;
use crate::engine::view::{RecordConflict, WriteLine};

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
        note: None,
        error: None,
        strategy: Strategy::Ask,
        ruled: None,
        limits: (0, 0),
    }
}

fn whole_conflict() -> Conflict {
    Conflict {
        id: ConflictId(3),
        pair: key().pair,
        app_id: key().app_id,
        crm_id: None,
        row: None,
        kind: Kind::DeleteVsChange { deleted: Side::Crm },
        base: None,
        app: None,
        crm: None,
        app_origin: Origin::default(),
        crm_origin: Origin::default(),
        fp: Fingerprint(1),
        state: State::Pending,
        moved: 0,
        run: RunId(1),
        opened_at: jiff::Timestamp::UNIX_EPOCH,
        closed_at: None,
        error: None,
        staged: None,
    }
}

fn conflict_detail() -> ConflictDetail {
    ConflictDetail {
        key: key(),
        name: "Ada".into(),
        object: ObjectName::new("Lead"),
        table: TableName::new("leads"),
        crm_id: None,
        url: None,
        word: Word::Conf,
        record: None,
        fields: vec![
            conflict_field(Some(3), "phone", "Phone"),
            conflict_field(Some(4), "notes", "Description"),
            conflict_field(None, "email", "Email"),
        ],
        rules: Vec::new(),
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
        // The one field that only one side changed.
        Command::Overrule { overrule } if overrule.fp == Fingerprint(0) => {
            Ok(Reply::Decided(Decided {
                staged: 1,
                refused: Vec::new(),
            }))
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
async fn a_field_that_does_not_differ_is_refused_with_those_that_do() {
    let (mut session, _decisions) = deciding();
    let command = parse(&["take", "leads/1", "app", "--field", "company"]).unwrap();
    let (result, _) = printed(async |out| conflicts::run(&mut session, command, out).await).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), crate::error::Kind::Usage);
    assert_eq!(
        error.remedy(),
        Some("fields that differ: phone, notes, email")
    );
}

#[tokio::test]
async fn a_field_that_only_one_side_changed_is_overruled() {
    let (mut session, decisions) = deciding();
    let command = parse(&["take", "leads/1", "app", "--field", "email"]).unwrap();
    let (result, text) =
        printed(async |out| conflicts::run(&mut session, command, out).await).await;
    assert_eq!(result.unwrap(), Outcome::Fine);
    assert!(text.starts_with("1 decided"), "{text}");
    drop(session);
    assert_eq!(decisions.try_iter().count(), 0);
}

/// Of a record in which nothing is open a decided field is taken back, on the values of now.
#[tokio::test]
async fn what_was_decided_is_taken_back_field_by_field() {
    let settled = || {
        let field = |name: &str| ConflictField {
            standing: FieldStanding::Settled,
            note: Some("rule crm decided".into()),
            fp: Fingerprint(9),
            ..conflict_field(None, name, name)
        };
        ConflictDetail {
            word: Word::Ok,
            fields: vec![field("phone"), field("notes")],
            ..conflict_detail()
        }
    };
    for (args, taken) in [
        (&["take", "leads/1", "app", "--field", "notes"][..], 1),
        (&["take", "leads/1", "crm"], 2),
        (&["take", "leads/1", "app", "--field", "email"], 0),
    ] {
        let (sent, received) = std::sync::mpsc::channel();
        let mut session = played(move |command| match command {
            Command::Conflict { .. } => Ok(Reply::Conflict(Some(Box::new(settled())))),
            Command::Overrule { overrule } => {
                sent.send(overrule).unwrap();
                let refused = Vec::new();
                Ok(Reply::Decided(Decided { staged: 1, refused }))
            }
            other => panic!("not asked for: {other:?}"),
        });
        let command = parse(args).unwrap();
        let (result, text) =
            printed(async |out| conflicts::run(&mut session, command, out).await).await;
        drop(session);
        let made: Vec<_> = received.try_iter().collect();
        assert_eq!(made.len(), taken, "{args:?}");
        assert!(
            made.iter()
                .all(|o| o.fp == Fingerprint(9) && o.choice.is_some())
        );
        match result {
            Ok(outcome) => {
                assert_eq!(outcome, Outcome::Fine);
                assert!(text.contains("conflicts write"), "{text}");
            }
            Err(error) => {
                assert_eq!(taken, 0);
                assert_eq!(
                    error.remedy(),
                    Some("fields that were decided: phone, notes")
                );
            }
        }
    }
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

/// The sentences of the console's page of a conflict: what would be sent, what is the same, where
/// it is and what happened to it.
#[tokio::test]
async fn a_record_says_in_plain_text_what_its_page_says() {
    let line = WriteLine {
        key: key(),
        name: "Ada".into(),
        to: Side::Crm,
        field: "Phone".into(),
        now: vec![Value::Null],
        after: vec![Value::text("+44")],
        check: "only if not changed since 14:11".into(),
        by: "automatic".into(),
    };
    let detail = ConflictDetail {
        url: Some("https://acme.example/003".into()),
        same: vec![("city".into(), vec![Value::text("London")])],
        writes: WritePreview {
            lines: vec![line],
            ..WritePreview::default()
        },
        history: vec![happened("both sides changed it")],
        fields: vec![ConflictField {
            limits: (80, 0),
            strategy: Strategy::Newest,
            ruled: None,
            ..conflict_detail().fields.remove(0)
        }],
        ..conflict_detail()
    };
    let play = move || {
        let detail = detail.clone();
        played(move |_| Ok(Reply::Conflict(Some(Box::new(detail.clone())))))
    };
    let command = parse(&["show", "leads/1"]).unwrap();
    let (_, text) = printed(async |out| conflicts::run(&mut play(), command, out).await).await;
    for says in [
        "limits  App 80 characters, Salesforce no limit; rule of this row: newest",
        "1 more field is the same\n  city  London",
        "in Salesforce  https://acme.example/003",
        "a write would send",
        "only if not changed since 14:11",
        "history\n  2026-11-21 14:00:00  OK    both sides changed it",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    let command = parse(&["show", "leads/1", "--json"]).unwrap();
    let (_, text) = printed(async |out| conflicts::run(&mut play(), command, out).await).await;
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["fields"][0]["rule"], "newest");
    assert_eq!(json["fields"][0]["longest_app"], 80);
    assert_eq!(json["fields"][0]["longest_crm"], serde_json::Value::Null);
    assert_eq!(json["address"], "https://acme.example/003");
    assert_eq!(json["same"][0]["value"], "London");
    assert_eq!(json["writes"]["lines"][0]["field"], "Phone");
    assert_eq!(json["history"][0]["text"], "both sides changed it");
}

#[tokio::test]
async fn an_answer_that_cannot_be_given_is_shown_with_its_reason() {
    let mut detail = conflict_detail();
    detail.record = Some(RecordConflict {
        conflict: whole_conflict(),
        standing: FieldStanding::Open,
        take_app: Err("this pair makes no records in Salesforce; take Salesforce".into()),
        take_crm: Ok("mark it as deleted in the App too".into()),
    });
    let play = move || {
        let detail = detail.clone();
        played(move |_| Ok(Reply::Conflict(Some(Box::new(detail.clone())))))
    };
    let command = parse(&["show", "leads/1"]).unwrap();
    let (_, text) = printed(async |out| conflicts::run(&mut play(), command, out).await).await;
    for says in [
        "the record as a whole: deleted in Salesforce, changed in the App; open",
        "app  off: this pair makes no records in Salesforce; take Salesforce",
        "crm  mark it as deleted in the App too",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    let command = parse(&["show", "leads/1", "--json"]).unwrap();
    let (_, text) = printed(async |out| conflicts::run(&mut play(), command, out).await).await;
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let whole = &json["whole_record"];
    assert_eq!(whole["app"], serde_json::Value::Null);
    assert!(
        whole["app_off"]
            .as_str()
            .unwrap()
            .starts_with("this pair makes")
    );
    assert_eq!(whole["crm"], "mark it as deleted in the App too");
    assert_eq!(whole["crm_off"], serde_json::Value::Null);
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

#[tokio::test]
async fn a_run_is_taken_back_with_consent_only_and_as_it_was_shown() {
    let preview = WritePreview {
        decisions: 2,
        hash: 77,
        acts: vec!["remove from the App: Ada".into()],
        ..WritePreview::default()
    };
    let play = move |command| match command {
        Command::PreviewUndo { run: RunId(5) } => Ok(Reply::Preview(Box::new(preview.clone()))),
        Command::Undo {
            run: RunId(5),
            hash: 77,
            ..
        } => Ok(Reply::Started(vec![RunId(7)])),
        Command::Run { .. } => run_reply(sample_run(RunState::Succeeded, Counts::default())),
        other => panic!("not asked for: {other:?}"),
    };
    let mut session = played(play);
    for (dry_run, yes) in [(true, false), (false, true)] {
        let args = crate::cli::undo::UndoArgs {
            id: RunId(5),
            dry_run,
            allow: Vec::new(),
            consent: ask::Consent { yes },
            json: false,
        };
        let command = crate::cli::runs::RunsCommand::Undo(args);
        let (result, text) =
            printed(async |out| crate::cli::runs::run(&mut session, command, out).await).await;
        assert_eq!(result.unwrap(), Outcome::Fine);
        assert!(text.contains("remove from the App: Ada"), "{text}");
        assert!(text.contains("2 records"), "{text}");
        assert_eq!(text.contains("run 7"), yes, "{text}");
    }
}

#[tokio::test]
async fn staged_edits_alone_are_written_without_a_run() {
    let preview = WritePreview {
        edits: 1,
        hash: 99,
        ..WritePreview::default()
    };
    let mut session = played(move |command| match command {
        Command::Preview { .. } => Ok(Reply::Preview(Box::new(preview.clone()))),
        Command::Write { hash: 99, .. } => Ok(Reply::Started(Vec::new())),
        other => panic!("not asked for: {other:?}"),
    });
    let command = parse(&["write", "--yes"]).unwrap();
    let (result, text) =
        printed(async |out| conflicts::run(&mut session, command, out).await).await;
    assert_eq!(result.unwrap(), Outcome::Fine, "{text}");
    assert!(text.contains("1 edit is written in the App"), "{text}");
}

#[tokio::test]
async fn the_budget_is_passed_with_consent_only() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = std::sync::Arc::clone(&asked);
    let mut session = played(move |command| match command {
        Command::GoOn => {
            seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok(Reply::Done)
        }
        other => panic!("not asked for: {other:?}"),
    });
    let consent = crate::cli::ask::Consent { yes: true };
    let args = crate::cli::budget::GoOnArgs { consent };
    let (result, text) =
        printed(async |out| crate::cli::budget::go_on(&mut session, args, out).await).await;
    assert_eq!(result.unwrap(), Outcome::Fine);
    assert!(text.contains("95 %"), "{text}");
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}
