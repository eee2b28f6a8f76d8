//! Files up and down: against the sandbox org, and a server that garbles them.

use std::path::Path;

use syncdeck::crm::Effect;
use syncdeck::crm::files::{Fetched, FileKind, FilePlace, FileWanted, Files as _, NewFile};
use syncdeck::sandbox::Options;

use super::org::{Org, applied};
use super::*;
use syncdeck::crm::Crm as _;

/// Bytes that would show a wrong cut, a changed line ending, or a boundary in the middle.
fn bytes(length: usize) -> Vec<u8> {
    let pattern = b"\r\n--boundary--\r\n\x00\xff\"";
    let counted = (0_u32..).flat_map(|n| n.to_le_bytes().into_iter().chain(*pattern));
    counted.take(length).collect()
}

fn wanted(kind: FileKind, id: CrmId, to: &Path) -> FileWanted {
    FileWanted {
        kind,
        id,
        to: to.to_owned(),
        most: 50 << 20,
    }
}

/// Names in a folder.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn files_of_every_size_come_back_as_they_were() {
    let org = Org::start(Options::bare()).await;
    let object = org.lead().await;
    let lead = fields(&[("LastName", "Ng"), ("Company", "Acme")]);
    let made = org
        .client
        .create(permit(1), &object, &[lead])
        .await
        .unwrap();
    let lead = applied(&made[0]);
    let folder = tempfile::tempdir().unwrap();
    let (here, back) = (folder.path().join("here"), folder.path().join("back"));
    // Empty and small ones go as base64, the others in parts.
    for length in [1, 100_000, 262_144, 3_000_001] {
        let bytes = bytes(length);
        std::fs::write(&here, &bytes).unwrap();
        for (place, kind) in [
            (FilePlace::New(Some(&lead)), FileKind::Version),
            (FilePlace::New(None), FileKind::Version),
            (FilePlace::Attachment(&lead), FileKind::Attachment),
        ] {
            let file = NewFile {
                path: &here,
                name: "R\u{e9}sum\u{e9} \"1\".pdf",
                place,
            };
            let calls = org.client.calls();
            let id = org.client.upload(permit(1), &file).await.unwrap();
            assert_eq!(org.client.calls() - calls, 1);
            let fetched = org.client.download(&wanted(kind, id, &back)).await.unwrap();
            assert_eq!(fetched.bytes, length as u64);
            assert!(std::fs::read(&back).unwrap() == bytes, "{length} {place:?}");
        }
    }
    let found = "SELECT Title, ContentDocumentId FROM ContentVersion ORDER BY CreatedDate, Id";
    let found = org.control().query(found).unwrap();
    assert_eq!(found["records"][0]["Title"], "R\u{e9}sum\u{e9} \"1\"");
    let document = found["records"][0]["ContentDocumentId"].as_str().unwrap();
    let document: CrmId = document.parse().unwrap();
    std::fs::write(&here, b"newer").unwrap();
    let newer = NewFile {
        path: &here,
        name: "again.pdf",
        place: FilePlace::Newer(&document),
    };
    let id = org.client.upload(permit(1), &newer).await.unwrap();
    let soql = format!("SELECT VersionNumber FROM ContentVersion WHERE Id = '{id}'");
    let version = org.control().query(&soql).unwrap();
    assert_eq!(version["records"][0]["VersionNumber"], "2");
    assert_eq!(names_in(folder.path()), ["back", "here"]);
}

#[tokio::test]
async fn a_file_that_breaks_off_is_fetched_again_and_one_that_cannot_be_leaves_nothing() {
    let org = Org::start(Options::bare()).await;
    let folder = tempfile::tempdir().unwrap();
    let (here, back) = (folder.path().join("here"), folder.path().join("back"));
    let content = bytes(700_000);
    std::fs::write(&here, &content).unwrap();
    let file = NewFile {
        path: &here,
        name: "a.bin",
        place: FilePlace::New(None),
    };
    let id = org.client.upload(permit(1), &file).await.unwrap();
    let want = wanted(FileKind::Version, id, &back);
    org.inject(json!({"kind": "truncate", "path": "/VersionData", "times": 2}));
    org.client.download(&want).await.unwrap();
    assert!(std::fs::read(&back).unwrap() == content);

    std::fs::write(&back, b"older").unwrap();
    org.inject(json!({"kind": "truncate", "path": "/VersionData"}));
    let error = org.client.download(&want).await.unwrap_err();
    assert_eq!(error.effect, Effect::None, "{error}");
    org.control().clear_faults();
    let small = FileWanted {
        most: 699_999,
        ..want
    };
    let error = org.client.download(&small).await.unwrap_err();
    assert_eq!(error.code, "too_large");
    let nobody = FileWanted {
        id: "0680000000000zz".parse().unwrap(),
        most: 1,
        ..small
    };
    assert!(org.client.download(&nobody).await.is_err());
    assert_eq!(names_in(folder.path()), ["back", "here"]);
    assert_eq!(std::fs::read(&back).unwrap(), b"older");
}

#[tokio::test]
async fn a_lost_answer_leaves_the_upload_in_doubt_and_is_not_repeated() {
    let org = Org::start(Options::bare()).await;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("here");
    std::fs::write(&here, bytes(300_000)).unwrap();
    let file = NewFile {
        path: &here,
        name: "a.bin",
        place: FilePlace::New(None),
    };
    org.inject(json!({"kind": "drop_after", "path": "/ContentVersion", "times": 1}));
    let error = org.client.upload(permit(1), &file).await.unwrap_err();
    assert_eq!(error.effect, Effect::Unknown);
    assert_eq!(org.total("ContentVersion"), 1);
    std::fs::remove_file(&here).unwrap();
    let calls = org.client.calls();
    let error = org.client.upload(permit(1), &file).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.effect),
        ("unreadable_file", Effect::None)
    );
    assert_eq!(org.client.calls(), calls);
}

const VERSION: &str = "068xx0000001gPLAAY";

/// A server with one file, and a client that has little memory.
async fn garbling(about: Json, data: Vec<u8>) -> (MockServer, Salesforce) {
    let server = MockServer::start().await;
    let at = format!("{V}/sobjects/ContentVersion/{VERSION}");
    let about = ResponseTemplate::new(200).set_body_json(about);
    answers(&server, "GET", &at, about).await;
    let data = ResponseTemplate::new(200).set_body_bytes(data);
    answers(&server, "GET", &format!("{at}/VersionData"), data).await;
    let client = sparing(&server).await;
    (server, client)
}

/// A client that reads bodies of 64 KiB at most into memory.
async fn sparing(server: &MockServer) -> Salesforce {
    let mut settings = HttpSettings::new(ServerKind::LocalSandbox);
    settings.max_body = 64 << 10;
    let http = Http::new(&settings).unwrap();
    let uri = server.uri();
    let session = session(&uri, Kept::with(&uri, "old", "r1"), &http).await;
    Salesforce::new(http, session, &super::settings()).unwrap()
}

#[tokio::test]
async fn what_comes_is_compared_and_never_in_memory_whole() {
    let data = bytes(6 << 20);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("file");
    let want = wanted(FileKind::Version, VERSION.parse().unwrap(), &to);
    let about = |length: usize, sum: Option<&str>| json!({"Id": VERSION, "ContentSize": length, "Checksum": sum});

    let (_server, client) = garbling(about(data.len(), None), data.clone()).await;
    let Fetched { bytes, checksum } = client.download(&want).await.unwrap();
    assert_eq!(bytes, data.len() as u64);
    assert!(std::fs::read(&to).unwrap() == data);
    std::fs::remove_file(&to).unwrap();

    let (_server, client) = garbling(about(data.len(), Some(&checksum)), data.clone()).await;
    client.download(&want).await.unwrap();
    std::fs::remove_file(&to).unwrap();

    let mut other = data.clone();
    other[4_000_000] ^= 1;
    for (about, data) in [
        (about(data.len(), Some(&checksum)), other),
        (about(data.len() - 1, None), data.clone()),
        (about(data.len() + 1, None), data),
        (json!({"Id": VERSION}), vec![]),
    ] {
        let (_server, client) = garbling(about, data).await;
        let error = clean(client.download(&want).await.unwrap_err());
        assert_eq!(error.code, "bad_body");
        assert_eq!(names_in(folder.path()), [""; 0]);
    }
}

#[tokio::test]
async fn a_page_that_is_too_large_is_not_read() {
    let server = MockServer::start().await;
    let row = json!({"Id": "00Qx000000KTaQqEAL", "Description": "x".repeat(70_000)});
    let body = json!({"totalSize": 1, "done": true, "records": [row]});
    let answer = ResponseTemplate::new(200).set_body_json(body);
    answers(&server, "GET", &format!("{V}/queryAll/"), answer).await;
    let client = sparing(&server).await;
    let error = client.changes(&all_of(lead()), None).await.unwrap_err();
    assert_eq!(error.code, "too_large");
}

#[tokio::test]
async fn an_endless_head_is_not_read() {
    let server = MockServer::start().await;
    let many = (0..300).fold(ResponseTemplate::new(200), |answer, n| {
        answer.insert_header(format!("x-{n}").as_str(), "x".repeat(2_000))
    });
    answers(&server, "GET", &format!("{V}/limits"), many).await;
    let error = client(&server).await.limits().await.unwrap_err();
    assert_eq!(error.code, "connection_lost", "{error}");
}
