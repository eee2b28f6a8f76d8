//! The argument tree, and the commands against an engine that is played by a function.

mod deciding;
mod keeping;
mod many;
mod reviewing;

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
    MappingPreview, Part, Problem, RecordDetail, RecordFormView, RunDetail, WholeRecords,
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
        taken_back: None,
        holds: Vec::new(),
        groups: Vec::new(),
        records: Part {
            rows: Vec::new(),
            offset: 0,
            total: 0,
        },
        held: Default::default(),
        steps: Vec::new(),
    })))
}

fn happened(text: &str) -> crate::domain::run::LogLine {
    crate::domain::run::LogLine {
        at: at("2026-11-21T14:00:00Z"),
        word: Word::Ok,
        run: Some(RunId(7)),
        text: text.into(),
    }
}

/// Very many deletions that a run left.
fn held() -> crate::domain::mass::Held {
    use crate::domain::mass::{Example, Held, Mass};
    Held {
        what: Mass::Delete(crate::domain::transform::Side::Crm),
        field: String::new(),
        number: 312,
        limit: 40,
        records: 4_000,
        allowed: 0,
        examples: vec![Example {
            app_id: AppId::new("a-1"),
            name: "Ada".into(),
        }],
    }
}

#[tokio::test]
async fn what_was_held_is_said_with_its_way_out_and_needs_a_person() {
    let counts = Counts {
        planned: 312,
        deferred: 312,
        ..Counts::default()
    };
    let play = move || {
        played(move |command| match command {
            Command::Sync { .. } => Ok(Reply::Started(vec![RunId(7)])),
            Command::Run { .. } => {
                let mut reply = run_reply(sample_run(RunState::Succeeded, counts));
                if let Ok(Reply::Run(detail)) = &mut reply {
                    detail.holds.push(held());
                    detail.steps.push(happened("12 calls were made"));
                }
                reply
            }
            other => panic!("not asked for: {other:?}"),
        })
    };
    let (result, text) =
        printed(async |out| sync::run(&mut play(), sync::SyncArgs::default(), out).await).await;
    assert_eq!(result.unwrap(), Outcome::NeedsPerson);
    let sentence = "312 deletions in Salesforce wait for a person: more than 40 of 4,000 records, \
                    from the App; such as Ada";
    let way_out = "syncdeck sync leads --allow deletes=312";
    assert!(text.contains("312 put off, 12 calls  HOLD\n"), "{text}");
    assert!(
        text.contains(&format!(
            "  HOLD  {sentence}\n        to allow it: {way_out}\n"
        )),
        "{text}"
    );
    let args = sync::SyncArgs {
        json: true,
        ..sync::SyncArgs::default()
    };
    let (result, text) = printed(async |out| sync::run(&mut play(), args, out).await).await;
    assert_eq!(result.unwrap(), Outcome::NeedsPerson);
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    let run = &said["runs"][0];
    assert_eq!(run["word"], "HOLD");
    assert_eq!(run["holds"][0]["name"], "deletes");
    assert_eq!(run["holds"][0]["number"], 312);
    assert_eq!(run["holds"][0]["text"], sentence);
    assert_eq!(run["holds"][0]["allow"], way_out);
    let command = crate::cli::runs::RunsCommand::Show(crate::cli::runs::ShowArgs {
        id: RunId(7),
        json: false,
    });
    let (result, text) =
        printed(async |out| crate::cli::runs::run(&mut play(), command, out).await).await;
    assert_eq!(result.unwrap(), Outcome::NeedsPerson);
    assert!(text.contains(sentence) && text.contains(way_out), "{text}");
    assert!(
        text.contains("steps\n  2026-11-21 14:00:00  OK    12 calls were made\n"),
        "{text}"
    );
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
            full: false,
            allow: Vec::new(),
            pairs: Vec::new(),
            dry_run: false,
            out: None,
            json: false,
        };
        let (result, text) = printed(async |out| sync::run(&mut session, args, out).await).await;
        assert_eq!(result.map_err(|e| e.exit_code()), expected, "{last:?}");
        assert!(text.starts_with("run 7 Lead <-> leads: "), "{text}");
        assert_eq!(text.contains("1,200 to App"), counts.pulled > 0, "{text}");
    }
}

fn key() -> RecordKey {
    session::record_key("leads/1").unwrap()
}
