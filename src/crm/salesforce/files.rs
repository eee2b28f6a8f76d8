//! Files on the wire: multipart or base64 up, pieces down (salesforce-api 2.9).
//!
//! Invariants: what is fetched lies under a temporary name beside its place until it was compared
//! and is on the disk; a file is in memory whole only below [`SMALL`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64;
use futures::FutureExt;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::io::AsyncWriteExt as _;

use super::super::error::{CrmError, Effect, ErrorClass};
use super::super::files::{Fetched, FileKind, FilePlace, FileWanted, Files, NewFile};
use super::super::transport::{Body, Incoming, Reply, Upload};
use super::super::{Answer, WritePermit};
use super::call::Call;
use super::errors::{Intent, bad_body, no_answer, not_sent, ours};
use super::md5::Md5;
use super::write::encode;
use super::{Salesforce, admit};
use crate::domain::id::CrmId;

/// Below, a file goes as base64 inside of JSON: one body that can be sent again.
const SMALL: u64 = 256 << 10;
/// Bytes of a version at most.
const MAX_VERSION: u64 = 2 << 30;
/// Bytes of another binary field at most.
const MAX_OTHER: u64 = 500_000_000;

impl FileKind {
    fn object(self) -> &'static str {
        match self {
            Self::Version => "ContentVersion",
            Self::Attachment => "Attachment",
        }
    }

    /// The field with the bytes.
    fn data(self) -> &'static str {
        match self {
            Self::Version => "VersionData",
            Self::Attachment => "Body",
        }
    }

    /// The fields that say how many bytes there are, and their checksum.
    fn about(self) -> &'static str {
        match self {
            Self::Version => "ContentSize,Checksum",
            Self::Attachment => "BodyLength",
        }
    }

    fn most(self) -> u64 {
        match self {
            Self::Version => MAX_VERSION,
            Self::Attachment => MAX_OTHER,
        }
    }
}

/// Length and checksum as the org knows them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct About {
    #[serde(alias = "BodyLength")]
    content_size: u64,
    #[serde(default)]
    checksum: Option<String>,
}

#[derive(Deserialize)]
struct Saved {
    id: CrmId,
    success: bool,
}

impl Salesforce {
    async fn send_file(&self, permit: WritePermit, file: &NewFile<'_>) -> Result<CrmId, CrmError> {
        admit(&permit, 1, 1)?;
        let (kind, about) = about(file);
        let length = tokio::fs::metadata(file.path)
            .await
            .map_err(|error| disk("read", &error))?
            .len();
        if length > kind.most() {
            return Err(not_sent(format!(
                "{length} bytes are more than a file may have"
            )));
        }
        let path = self.path(&format!("sobjects/{}/", kind.object()));
        let call = if length < SMALL {
            let bytes = tokio::fs::read(file.path)
                .await
                .map_err(|error| disk("read", &error))?;
            Call::with_body(Method::POST, path, with_data(kind, about, &bytes)?)
        } else {
            let boundary = uuid::Uuid::new_v4().simple().to_string();
            let content = format!("multipart/form-data; boundary={boundary}");
            Call {
                body: multipart(kind, &about, file, length, &boundary)?,
                header: Some((CONTENT_TYPE, content)),
                ..Call::with_body(Method::POST, path, Bytes::new())
            }
        };
        self.call(&call, Intent::Write, saved).await
    }

    async fn fetch_file(&self, wanted: &FileWanted) -> Result<Fetched, CrmError> {
        let (object, id) = (wanted.kind.object(), wanted.id);
        let fields = wanted.kind.about();
        let call = Call::get(self.path(&format!("sobjects/{object}/{id}?fields={fields}")));
        let about: About = self
            .call(&call, Intent::Read, |reply| {
                serde_json::from_slice(&reply.body)
                    .map_err(|_| bad_body(reply, Intent::Read, "not a file"))
            })
            .await?;
        if about.content_size > wanted.most {
            let text = format!(
                "{} bytes, wanted are at most {}",
                about.content_size, wanted.most
            );
            return Err(too_large(&text));
        }
        let data = wanted.kind.data();
        let call = Call {
            headers: &[("accept", "*/*")],
            ..Call::get(self.path(&format!("sobjects/{object}/{id}/{data}")))
        };
        let part = Part::beside(&wanted.to);
        let fetched = self
            .stream(&call, |incoming| {
                write_down(incoming, &part.0, &about).boxed()
            })
            .await?;
        part.becomes(&wanted.to).await?;
        Ok(fetched)
    }
}

/// The fields of a new file.
fn about(file: &NewFile<'_>) -> (FileKind, Json) {
    let name = file.name;
    match file.place {
        FilePlace::New(None) => (FileKind::Version, json!({ "PathOnClient": name })),
        FilePlace::New(Some(record)) => (
            FileKind::Version,
            json!({ "PathOnClient": name, "FirstPublishLocationId": record }),
        ),
        FilePlace::Newer(document) => (
            FileKind::Version,
            json!({ "PathOnClient": name, "ContentDocumentId": document }),
        ),
        FilePlace::Attachment(record) => (
            FileKind::Attachment,
            json!({ "Name": name, "ParentId": record }),
        ),
    }
}

/// The fields with the bytes among them.
fn with_data(kind: FileKind, mut about: Json, bytes: &[u8]) -> Result<Bytes, CrmError> {
    about[kind.data()] = Json::String(BASE64.encode(bytes));
    encode(&about)
}

/// A body of two parts: the fields, and the bytes of the file while they are read.
fn multipart(
    kind: FileKind,
    about: &Json,
    file: &NewFile<'_>,
    length: u64,
    boundary: &str,
) -> Result<Body, CrmError> {
    let about = encode(about)?;
    let about = std::str::from_utf8(&about).map_err(|_| not_sent("the fields are no text"))?;
    // The name for people is among the fields; here it only must not end the line.
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || ".-_ ".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = file.name.chars().map(plain).collect();
    let data = kind.data();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"entity_content\"\r\n\
         Content-Type: application/json\r\n\r\n{about}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"{data}\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    Ok(Body::Upload(Arc::new(Upload {
        head: head.into(),
        path: file.path.to_owned(),
        length,
        tail: format!("\r\n--{boundary}--\r\n").into(),
    })))
}

fn saved(reply: &Reply) -> Result<CrmId, CrmError> {
    let saved: Option<Saved> = serde_json::from_slice(&reply.body).ok();
    match (reply.status, saved) {
        (StatusCode::CREATED, Some(Saved { id, success: true })) => Ok(id),
        _ => Err(bad_body(reply, Intent::Write, "not a saved file")),
    }
}

/// Writes a body down while it comes, from the beginning of the file.
async fn write_down(mut incoming: Incoming, to: &Path, about: &About) -> Result<Fetched, CrmError> {
    let bad = |incoming: &Incoming, what: &str| bad_body(&incoming.bare(), Intent::Read, what);
    let mut file = tokio::fs::File::create(to)
        .await
        .map_err(|error| disk("written", &error))?;
    let (mut bytes, mut digest) = (0_u64, Md5::default());
    while let Some(piece) = incoming
        .chunk()
        .await
        .map_err(|failure| no_answer(failure, Intent::Read))?
    {
        bytes += piece.len() as u64;
        if bytes > about.content_size {
            return Err(bad(&incoming, "more bytes than the file has"));
        }
        digest.take(&piece);
        file.write_all(&piece)
            .await
            .map_err(|error| disk("written", &error))?;
    }
    if bytes != about.content_size {
        return Err(bad(&incoming, "fewer bytes than the file has"));
    }
    let checksum = digest.finish();
    let told = about.checksum.as_deref();
    if told.is_some_and(|told| !told.eq_ignore_ascii_case(&checksum)) {
        return Err(bad(&incoming, "other bytes than the file has"));
    }
    file.sync_all()
        .await
        .map_err(|error| disk("written", &error))?;
    Ok(Fetched { bytes, checksum })
}

/// A file that is not whole yet. Removed when it does not become one.
struct Part(PathBuf);

impl Part {
    fn beside(to: &Path) -> Self {
        let mark = uuid::Uuid::new_v4().simple();
        Self(to.with_file_name(format!(".{mark}.part")))
    }

    async fn becomes(self, to: &Path) -> Result<(), CrmError> {
        tokio::fs::rename(&self.0, to)
            .await
            .map_err(|error| disk("written", &error))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After a rename there is nothing to remove; also when the future is dropped half-way.
        if let Err(error) = std::fs::remove_file(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(target: "crm", kind = %error.kind(), "a part of a file stays behind");
        }
    }
}

/// An error of our own disk.
fn disk(done: &str, error: &std::io::Error) -> CrmError {
    let text = format!("the file cannot be {done}: {}", error.kind());
    CrmError {
        class: ErrorClass::Data,
        ..ours("unreadable_file", text, "", Effect::None)
    }
}

fn too_large(text: &str) -> CrmError {
    CrmError {
        class: ErrorClass::Data,
        ..ours("too_large", text, "", Effect::None)
    }
}

impl Files for Salesforce {
    fn upload<'a>(&'a self, permit: WritePermit, file: &'a NewFile<'a>) -> Answer<'a, CrmId> {
        self.send_file(permit, file).boxed()
    }

    fn download<'a>(&'a self, wanted: &'a FileWanted) -> Answer<'a, Fetched> {
        self.fetch_file(wanted).boxed()
    }
}
