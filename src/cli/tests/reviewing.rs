//! Mappings as files.

use super::*;

/// A session over one saved pair; drafts that are saved are sent to the receiver.
fn mapped(problems: Vec<Problem>) -> (Session, std::sync::mpsc::Receiver<Pair>) {
    let (sent, received) = std::sync::mpsc::channel();
    let session = played(move |command| match command {
        Command::Mapping { .. } => Ok(Reply::Mapping(Box::new(MappingDetail {
            used: Default::default(),
            draft: None,
            pair: lead_desk(),
            object: None,
            coverage: Vec::new(),
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
