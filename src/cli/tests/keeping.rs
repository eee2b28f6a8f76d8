//! The App's records: edits, files in and out.

use super::super::records::change::warnings;
use super::*;
use crate::domain::form::{FilledBy, Occasion};

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
        filter: String::new(),
        on_leave: Default::default(),
        bad_fields: Default::default(),
        on_convert: Default::default(),
        overflow: None,
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

/// The form of a record with these values.
pub(super) fn form_reply(command: Command, fields: &Fields) -> Result<Reply> {
    let Command::RecordForm { pair: name, app_id } = command else {
        panic!("{command:?}");
    };
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
        staged: None,
    })))
}

/// An engine with one record, whose changes are sent to the receiver.
fn keeping(fields: Fields) -> (Session, std::sync::mpsc::Receiver<Command>) {
    let (sent, received) = std::sync::mpsc::channel();
    let session = played(move |command| match command {
        Command::Mapping { .. } => Ok(Reply::Mapping(Box::new(MappingDetail {
            used: Default::default(),
            draft: None,
            pair: pair(),
            object: None,
            coverage: Vec::new(),
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
            staged: None,
        }))),
        Command::RecordForm { .. } => form_reply(command, &fields),
        Command::WholeRecords(_) => Ok(Reply::WholeRecords(Box::new(WholeRecords {
            records: vec![app_record(5, fields.clone())],
            next: None,
        }))),
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

#[test]
fn what_is_set_where_salesforce_alone_fills_is_warned_of() {
    let command = Command::RecordForm {
        pair: pair().name,
        app_id: None,
    };
    let Ok(Reply::RecordForm(mut view)) = form_reply(command, &Fields::new()) else {
        panic!("there is a form");
    };
    let fields: Fields = [(FieldName::new("name"), Value::text("x"))].into();
    assert_eq!(warnings(&view, &fields, Occasion::Edit), [""; 0]);
    for field in &mut view.fields {
        field.spec.filled = FilledBy::CrmAlways;
    }
    let says = "`name` is filled by Salesforce alone: the next sync puts its value back";
    let said = warnings(&view, &fields, Occasion::Edit);
    assert_eq!(said, [says], "only of what is set");
}
