//! Files on the wire: multipart uploads and downloads of binary fields (salesforce-api 2.9).

use data_encoding::BASE64;
use serde_json::{Map, Value as Json};

use super::{Call, Content, Reply};
use crate::sandbox::{
    dml,
    fail::Fail,
    ids::SfId,
    org::Org,
    schema::{Kind, ObjIx},
    value::Ref,
};

/// The fields of a body: JSON, or multipart with a JSON part and the bytes of one binary field.
pub fn body_of(call: &Call) -> Result<Map<String, Json>, Fail> {
    let kind = call.header("content-type").unwrap_or_default();
    match boundary(kind) {
        None => super::rest::body_of(call),
        Some(boundary) => multipart(&call.body, &boundary),
    }
}

/// The boundary of a multipart body.
fn boundary(kind: &str) -> Option<String> {
    if !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        return None;
    }
    parameter(kind, "boundary")
}

/// `name="value"` or `name=value` behind a semicolon.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|piece| {
        let (key, value) = piece.trim().split_once('=')?;
        let found = key.trim().eq_ignore_ascii_case(name);
        found.then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn multipart(body: &[u8], boundary: &str) -> Result<Map<String, Json>, Fail> {
    let broken = || Fail::new("INVALID_MULTIPART_REQUEST", "the multipart body is broken");
    let mark = format!("--{boundary}");
    let mut fields = Map::new();
    let mut blobs = Vec::new();
    let mut rest = &body[find(body, mark.as_bytes()).ok_or_else(broken)? + mark.len()..];
    loop {
        if rest.starts_with(b"--") {
            break;
        }
        let end = find(rest, format!("\r\n{mark}").as_bytes()).ok_or_else(broken)?;
        let part = rest[..end].strip_prefix(b"\r\n").unwrap_or(&rest[..end]);
        let (head, bytes) = match part.strip_prefix(b"\r\n") {
            // A part without headers.
            Some(bytes) => (&[][..], bytes),
            None => {
                let cut = find(part, b"\r\n\r\n").ok_or_else(broken)?;
                (&part[..cut], &part[cut + 4..])
            }
        };
        let head = String::from_utf8_lossy(head);
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.trim()
                    .eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            })
        };
        let about = header("content-disposition").unwrap_or_default();
        let json = header("content-type").is_some_and(|k| k.contains("json"));
        match (json, parameter(&about, "name")) {
            (true, _) => match serde_json::from_slice(bytes) {
                Ok(Json::Object(map)) => fields.extend(map),
                _ => return Err(Fail::json("the JSON part is no JSON object")),
            },
            (false, Some(name)) => blobs.push((name, BASE64.encode(bytes))),
            (false, None) => return Err(broken()),
        }
        rest = &rest[end + 2 + mark.len()..];
    }
    for (name, text) in blobs {
        fields.insert(name, Json::String(text));
    }
    Ok(fields)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// `GET /sobjects/{Obj}/{id}/{binary field}`; nothing when the field is not binary.
pub fn download(org: &Org, object: ObjIx, id: &str, field: &str) -> Option<Result<Reply, Fail>> {
    let fields = org.schema.at(object);
    let ix = fields
        .field(field)
        .filter(|ix| fields.at(*ix).kind == Kind::Base64)?;
    let found = SfId::parse(id).and_then(|id| org.find(id));
    let Some((_, row)) = found.filter(|(found, _)| *found == object) else {
        return Some(Err(Fail::not_found()));
    };
    Some(dml::live(org, object, row).map(|record| {
        let text = |name: &str| org.value(object, record, name).as_text().map(str::to_owned);
        let kind = text("ContentType")
            .or_else(|| text("FileExtension").map(|e| media_type(&e).to_owned()))
            .unwrap_or_else(|| "application/octet-stream".to_owned());
        let bytes = match record.cell(ix) {
            Ref::Bytes(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        };
        Reply::of(200, Content::other(kind, bytes))
    }))
}

/// The media type of a file ending.
fn media_type(extension: &str) -> &'static str {
    match extension.to_ascii_lowercase().as_str() {
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "html" => "text/html",
        "json" => "application/json",
        "xml" => "application/xml",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_taken_apart() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"entity_document\"\r\nContent-Type: application/json\r\n\r\n{\"Title\":\"a\"}\r\n--x\r\nContent-Disposition: form-data; name=\"VersionData\"; filename=\"a.bin\"\r\n\r\n\x00--\r\n\xff\r\n--x--\r\n";
        let fields = multipart(body, "x").unwrap();
        assert_eq!(fields["Title"], "a");
        assert_eq!(fields["VersionData"], BASE64.encode(b"\x00--\r\n\xff"));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_fail_badly(body in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..60) {
            let _ = multipart(&body, "x");
            let whole = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--";
            let _ = multipart(&whole[..cut.min(whole.len())], "x");
        }
    }
}
