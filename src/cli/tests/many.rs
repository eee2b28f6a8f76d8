//! Many records by one command: counted first, and done only when that number was typed.

use super::*;
use crate::domain::mapping::DeletePolicy;
use crate::engine::view::{Acted, DeletePreview, Pinned, Refused};

const RECORDS: usize = 1_200;

fn all() -> Vec<AppId> {
    (0..RECORDS)
        .map(|n| AppId::new(format!("r{n:04}")))
        .collect()
}

fn pinned(records: Vec<AppId>) -> Vec<(AppId, u64)> {
    records.into_iter().map(|id| (id, 7)).collect()
}

/// The third of a part was changed by somebody meanwhile.
fn acted(mut records: Vec<(AppId, u64)>) -> Result<Reply> {
    let (app_id, _) = records.remove(2);
    let done = records.into_iter().map(|(id, rev)| (id, rev + 1)).collect();
    let why = "somebody changed it".to_owned();
    let refused = vec![Refused { app_id, why }];
    Ok(Reply::Acted(Acted { done, refused }))
}

/// An engine with many records; what changes them is sent to the receiver.
fn many() -> (Session, std::sync::mpsc::Receiver<Command>) {
    let (sent, received) = std::sync::mpsc::channel();
    let session = played(move |command| match command {
        Command::RecordKeys { pair, filter, .. } => {
            assert!(["", "status:new"].contains(&filter.as_str()), "{filter}");
            let key = |app_id| RecordKey {
                pair: pair.clone(),
                app_id,
            };
            Ok(Reply::RecordKeys(Part {
                rows: all().into_iter().map(key).collect(),
                offset: 0,
                total: RECORDS as u64,
            }))
        }
        Command::PreviewDelete { pair, records } => {
            Ok(Reply::DeletePreview(Box::new(DeletePreview {
                pair,
                policy: DeletePolicy::Propagate,
                linked: records.len() as u64,
                names: vec!["Ada".into()],
                records: pinned(records),
                refused: Vec::new(),
            })))
        }
        Command::PinRecords { pair, records } => Ok(Reply::Pinned(Box::new(Pinned {
            pair,
            records: pinned(records),
            refused: Vec::new(),
        }))),
        Command::RecordForm { .. } => super::keeping::form_reply(command, &Fields::new()),
        Command::DeleteRecords { ref records, .. } | Command::EditRecords { ref records, .. } => {
            assert!(records.len() <= 500 && records.iter().all(|(_, rev)| *rev == 7));
            let reply = acted(records.clone());
            sent.send(command).unwrap();
            reply
        }
        Command::SyncRecords { .. } => {
            sent.send(command).unwrap();
            Ok(Reply::Started(vec![RunId(7)]))
        }
        Command::Run { .. } => run_reply(sample_run(RunState::Succeeded, Counts::default())),
        other => panic!("not asked for: {other:?}"),
    });
    (session, received)
}

/// Runs `syncdeck records` with these arguments.
async fn records(session: &mut Session, args: &[&str]) -> (Result<Outcome>, String) {
    let line = ["syncdeck", "records"].iter().chain(args);
    let cli = <Cli as clap::Parser>::try_parse_from(line).unwrap_or_else(|e| panic!("{e}"));
    let Some(super::super::Command::Engine(engine::EngineCommand::Records(args))) = cli.command
    else {
        panic!("another command");
    };
    let command = args.command.unwrap();
    printed(async |out| records::run(session, command, out).await).await
}

#[tokio::test]
async fn what_would_be_deleted_is_counted_and_only_that_number_deletes_it() {
    let which = ["delete-many", "leads", "--filter", "status:new"];
    let with = |more: &[&'static str]| [&which[..], more].concat();
    let (mut session, changes) = many();
    let (result, text) = records(&mut session, &with(&["--dry-run"])).await;
    assert_eq!(result.unwrap(), Outcome::Fine);
    assert!(
        text.contains("1,200 records would be deleted; nothing was: --expect 1200"),
        "{text}"
    );
    assert!(
        text.contains("1,200 of them linked: the next sync deletes them in Salesforce"),
        "{text}"
    );
    for wrong in ["1199", "0", "1201"] {
        let args = [&which[..], &["--expect", wrong]].concat();
        let error = records(&mut session, &args).await.0.unwrap_err();
        assert_eq!(error.kind(), Kind::Changed);
        assert!(error.message().contains("nothing was deleted"), "{error}");
    }
    assert!(changes.try_recv().is_err(), "nothing was sent");
    let (result, text) = records(&mut session, &with(&["--expect", "1200"])).await;
    assert_eq!(result.unwrap(), Outcome::NeedsPerson);
    assert!(
        text.starts_with("1,197 records deleted in the App\n"),
        "{text}"
    );
    assert!(
        text.contains("leads/r0002 left: somebody changed it"),
        "{text}"
    );
    let parts: Vec<usize> = changes
        .try_iter()
        .map(|command| match command {
            Command::DeleteRecords { records, .. } => records.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(parts, [500, 500, 200]);
    let (_, text) = records(&mut session, &with(&["--expect", "1200", "--json"])).await;
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&told["did"], &told["meant"], &told["done"]),
        (&"deleted".into(), &1_200.into(), &1_197.into())
    );
    assert_eq!(told["refused"][0]["record"], "leads/r0002");
    let (_, text) = records(&mut session, &with(&["--dry-run", "--json"])).await;
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&told["did"], &told["dry_run"]),
        (&"nothing".into(), &true.into())
    );
}

#[tokio::test]
async fn the_same_value_is_set_in_all_that_are_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "leads/a\n\nb\na\n").unwrap();
    let from = file.path().to_str().unwrap();
    let args = [
        "set-many",
        "leads",
        "name=Ada",
        "--ids-from",
        from,
        "--id",
        "c",
        "--expect",
        "3",
    ];
    let (mut session, changes) = many();
    let (result, text) = records(&mut session, &args).await;
    assert_eq!(result.unwrap(), Outcome::NeedsPerson, "{text}");
    let Ok(Command::EditRecords {
        records: sent,
        fields,
        ..
    }) = changes.try_recv()
    else {
        panic!("nothing was sent: {text}");
    };
    let ids: Vec<&str> = sent.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["c", "a", "b"], "each once");
    assert_eq!(fields, Fields::from([("name".into(), Value::text("Ada"))]));
    for (args, says) in [
        (
            &[
                "set-many", "leads", "nmae=Ada", "--id", "a", "--expect", "1",
            ][..],
            "no field `nmae`",
        ),
        (
            &[
                "set-many", "leads", "name=Ada", "--id", "other/a", "--expect", "1",
            ],
            "no record of leads",
        ),
        (
            &[
                "set-many", "leads", "name=Ada", "--filter", " ", "--expect", "1",
            ],
            "filter is empty",
        ),
        (
            &[
                "set-many",
                "leads",
                "name=Ada",
                "--ids-from",
                "/nowhere",
                "--expect",
                "1",
            ],
            "cannot read",
        ),
    ] {
        let error = records(&mut session, args).await.0.unwrap_err();
        assert!(error.message().contains(says), "{error}");
    }
    assert!(changes.try_recv().is_err(), "nothing was sent");
}

#[tokio::test]
async fn named_records_are_synced_in_one_run_for_each_pair() {
    let (mut session, changes) = many();
    let args = ["sync", "leads/a", "people/x", "leads/b", "leads/a"];
    let (result, text) = records(&mut session, &args).await;
    assert_eq!(result.unwrap(), Outcome::Fine, "{text}");
    let asked: Vec<(String, usize)> = changes
        .try_iter()
        .map(|command| match command {
            Command::SyncRecords { pair, records } => (pair.to_string(), records.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(asked, [("leads".to_owned(), 2), ("people".to_owned(), 1)]);
}

#[test]
fn nothing_is_meant_by_accident() {
    let parsed = |args: &[&str]| {
        let line = ["syncdeck", "records"].iter().chain(args);
        <Cli as clap::Parser>::try_parse_from(line).is_ok()
    };
    assert!(parsed(&["delete-many", "leads", "--all", "--dry-run"]));
    assert!(parsed(&[
        "delete-many",
        "leads",
        "--id",
        "a",
        "--ids-from",
        "-",
        "--expect",
        "2"
    ]));
    for wrong in [
        &["delete-many", "leads"][..],
        &["delete-many", "leads", "--all"],
        &["delete-many", "leads", "--expect", "2"],
        &[
            "delete-many",
            "leads",
            "--all",
            "--expect",
            "2",
            "--dry-run",
        ],
        &[
            "delete-many",
            "leads",
            "--all",
            "--filter",
            "a",
            "--dry-run",
        ],
        &["delete-many", "leads", "--all", "--yes"],
        &["set-many", "leads", "--all", "--dry-run"],
        &["sync"],
    ] {
        assert!(!parsed(wrong), "{wrong:?}");
    }
}

#[tokio::test]
async fn staged_edits_are_listed_and_single_ones_taken_back() {
    use crate::engine::view::{Base, Edit, EditRow, EditStaged, EditsStaged};
    let edit = Edit {
        base: Base::Values([("phone".into(), Value::text("1"))].into()),
        fields: [("phone".into(), Value::text("2"))].into(),
    };
    let row = EditRow {
        key: key(),
        name: "Ada".into(),
        edit: edit.clone(),
        by: "jo".into(),
        stale: Some("ana changed it".into()),
    };
    let mut session = played(move |command| match command {
        Command::Edits { page, .. } => Ok(Reply::Edits(crate::engine::view::Part {
            rows: vec![row.clone()],
            offset: page.offset,
            total: 1,
        })),
        Command::StageEdits { pair, edits } => {
            let done = edits.into_iter().map(|(app_id, after)| EditStaged {
                before: (app_id == key().app_id).then(|| edit.clone()),
                key: crate::engine::command::RecordKey {
                    pair: pair.clone(),
                    app_id,
                },
                after,
            });
            Ok(Reply::EditsStaged(Box::new(EditsStaged {
                done: done.collect(),
                refused: Vec::new(),
            })))
        }
        other => panic!("not asked for: {other:?}"),
    });
    let record = crate::cli::session::key_text(&key());
    for (words, outcome, says) in [
        (vec!["staged"], Outcome::NeedsPerson, "ana changed it"),
        (vec!["unstage", &record], Outcome::Fine, "taken back"),
        (
            vec!["unstage", "leads/nobody"],
            Outcome::NeedsPerson,
            "nothing of it is staged",
        ),
    ] {
        let (result, text) = records(&mut session, &words).await;
        assert_eq!(result.unwrap(), outcome, "{text}");
        assert!(text.contains(says), "{says}: {text}");
    }
}
