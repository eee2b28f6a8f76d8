//! Files: versions, their documents and links, and attachments (salesforce-api 2.9).
//!
//! [`prepare`] runs before a new record is checked, [`settle`] after it got its id.

use serde_json::json;

use super::{Actor, Body};
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    md5,
    org::{Org, Record, Row},
    schema::ObjIx,
    value::{Ref, Value},
};

/// Fills what follows from the bytes and the name of a new file.
pub fn prepare(org: &Org, actor: &Actor, object: ObjIx, record: &mut Record) -> Result<(), Fail> {
    match org.schema.at(object).name.as_str() {
        "Attachment" => {
            let size = size_of(org, object, record, "Body");
            set(org, object, record, "BodyLength", Value::Int(size));
            Ok(())
        }
        "ContentVersion" => version(org, actor, object, record),
        _ => Ok(()),
    }
}

fn version(org: &Org, actor: &Actor, object: ObjIx, record: &mut Record) -> Result<(), Fail> {
    let text = |record: &Record, field: &str| {
        org.value(object, record, field)
            .as_text()
            .map(str::to_owned)
    };
    let path = text(record, "PathOnClient");
    let missing: Vec<&str> = [
        (
            "VersionData",
            org.value(object, record, "VersionData").is_null(),
        ),
        ("PathOnClient", path.is_none()),
    ]
    .iter()
    .filter(|(_, missing)| *missing)
    .map(|(name, _)| *name)
    .collect();
    let (Some(path), []) = (path, missing.as_slice()) else {
        return Err(Fail::required(
            missing.into_iter().map(str::to_owned).collect(),
        ));
    };
    let name = path.rsplit(['/', '\\']).next().unwrap_or(&path);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    if text(record, "Title").is_none() {
        set(org, object, record, "Title", Value::text(stem));
    }
    let kind = match extension {
        "" => "UNKNOWN".to_owned(),
        "txt" => "TEXT".to_owned(),
        "jpeg" => "JPG".to_owned(),
        other => other.to_ascii_uppercase().chars().take(20).collect(),
    };
    let size = size_of(org, object, record, "VersionData");
    let checksum = match org.value(object, record, "VersionData") {
        Ref::Bytes(bytes) => Value::text(md5::hex(bytes)),
        _ => Value::Null,
    };
    for (field, value) in [
        ("Checksum", checksum),
        (
            "FileExtension",
            Value::text(extension.chars().take(40).collect::<String>()),
        ),
        ("FileType", Value::text(kind)),
        ("ContentSize", Value::Int(size)),
        ("IsLatest", Value::Bool(true)),
        ("ContentModifiedDate", Value::Stamp(actor.now)),
        ("ContentModifiedById", Value::Id(actor.user)),
    ] {
        set(org, object, record, field, value);
    }
    Ok(())
}

fn size_of(org: &Org, object: ObjIx, record: &Record, field: &str) -> i64 {
    match org.value(object, record, field) {
        Ref::Bytes(bytes) => bytes.len() as i64,
        _ => 0,
    }
}

fn set(org: &Org, object: ObjIx, record: &mut Record, field: &str, value: Value) {
    if let Some(ix) = org.schema.at(object).field(field) {
        record.set(ix, value);
    }
}

/// Gives a new version its document, its number and its first link.
pub fn settle(org: &mut Org, actor: &Actor, object: ObjIx, id: SfId) -> Result<(), Fail> {
    if org.schema.at(object).name != "ContentVersion" {
        return Ok(());
    }
    let schema = org.schema.clone();
    let place = |name: &str| schema.object(name).ok_or_else(|| Fail::no_type(name));
    let (documents, links) = (place("ContentDocument")?, place("ContentDocumentLink")?);
    let Some((_, row)) = org.find(id) else {
        return Err(Fail::not_found());
    };
    let mut version = super::live(org, object, row)?.clone();
    let given = org.value(object, &version, "ContentDocumentId").as_id();
    let older = given.map_or(Vec::new(), |document| versions(org, object, document, row));
    let document = match given {
        Some(document) => document,
        None => {
            let document = org.next_id(documents);
            org.insert(documents, Record::new(document, actor.user, actor.now));
            document
        }
    };
    set(
        org,
        object,
        &mut version,
        "ContentDocumentId",
        Value::Id(document),
    );
    let number = (older.len() + 1).to_string();
    set(
        org,
        object,
        &mut version,
        "VersionNumber",
        Value::text(number),
    );
    for row in older {
        if let Some(mut old) = org.table(object).row(row).cloned() {
            set(org, object, &mut old, "IsLatest", Value::Bool(false));
            org.put(object, row, Some(old));
        }
    }
    let location = org
        .value(object, &version, "FirstPublishLocationId")
        .as_id();
    org.put(object, row, Some(version.clone()));
    describe(org, actor, documents, document, object, &version);
    if given.is_some() {
        return Ok(());
    }
    let owner = org.value(object, &version, "OwnerId").as_id();
    for (entity, share) in [(owner, "I"), (location, "V")] {
        let Some(entity) = entity else { continue };
        let mut body = Body::new();
        body.insert("ContentDocumentId".into(), json!(document.to_string()));
        body.insert("LinkedEntityId".into(), json!(entity.to_string()));
        body.insert("ShareType".into(), json!(share));
        super::create(org, actor, links, &body)?;
    }
    Ok(())
}

/// The other live versions of a document.
fn versions(org: &Org, object: ObjIx, document: SfId, but: Row) -> Vec<Row> {
    let Some(ix) = org.schema.at(object).field("ContentDocumentId") else {
        return Vec::new();
    };
    let mut rows = org.referring(object, ix, document);
    rows.retain(|row| *row != but);
    rows
}

/// Makes a document say what its latest version says.
fn describe(
    org: &mut Org,
    actor: &Actor,
    documents: ObjIx,
    id: SfId,
    object: ObjIx,
    version: &Record,
) {
    let Some((_, row)) = org.find(id) else { return };
    let Some(mut document) = org.table(documents).row(row).cloned() else {
        return;
    };
    for field in [
        "Title",
        "FileType",
        "FileExtension",
        "ContentSize",
        "Description",
        "OwnerId",
        "ContentModifiedDate",
        "PublishStatus",
        "SharingOption",
    ] {
        let value = org.value(object, version, field).keep();
        set(org, documents, &mut document, field, value);
    }
    let latest = Value::Id(version.id);
    set(
        org,
        documents,
        &mut document,
        "LatestPublishedVersionId",
        latest,
    );
    set(
        org,
        documents,
        &mut document,
        "IsArchived",
        Value::Bool(false),
    );
    super::touch(&mut document, actor);
    org.put(documents, row, Some(document));
}
