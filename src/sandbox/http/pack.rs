//! Packed bodies in both directions: gzip and deflate (salesforce-api 2.1).

use std::io::Read;

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use flate2::{
    Compression,
    read::{GzDecoder, GzEncoder, ZlibDecoder, ZlibEncoder},
};

use super::{Content, Reply};
use crate::sandbox::fail::Fail;

/// Bytes below which packing costs more than it saves.
const WORTH: usize = 1400;

/// A body as its sender meant it, up to `limit` bytes.
pub fn unpack(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Fail> {
    let way = headers
        .get(header::CONTENT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("identity")
        .to_ascii_lowercase();
    match way.as_str() {
        "identity" | "" => Ok(body),
        "gzip" => whole(GzDecoder::new(&*body), limit),
        "deflate" => whole(ZlibDecoder::new(&*body), limit),
        other => Err(Fail::new(
            "UNSUPPORTED_MEDIA_TYPE",
            format!("Content-Encoding not supported: {other}"),
        )
        .status(415)),
    }
}

fn whole(reader: impl Read, limit: usize) -> Result<Bytes, Fail> {
    let mut out = Vec::new();
    let read = reader.take(limit as u64 + 1).read_to_end(&mut out);
    match read {
        Ok(_) if out.len() <= limit => Ok(out.into()),
        Ok(_) => Err(Fail::too_large()),
        Err(_) => Err(Fail::json("the body is not packed as its header says")),
    }
}

/// Packs an answer if the client takes it; an ETag says so.
pub fn pack(headers: &HeaderMap, mut reply: Reply) -> Reply {
    let accepts = |way: &str| {
        headers
            .get_all(header::ACCEPT_ENCODING)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .any(|v| v.split(';').next().unwrap_or_default().trim() == way && !v.contains("q=0,"))
    };
    if reply.content.len() < WORTH {
        return reply;
    }
    let way = match () {
        () if accepts("gzip") => "gzip",
        () if accepts("deflate") => "deflate",
        () => return reply,
    };
    let kind = reply.content.media_type().unwrap_or_default().to_owned();
    let content = std::mem::replace(&mut reply.content, Content::Empty).into_bytes();
    let mut out = Vec::with_capacity(content.len() / 4);
    let packed = match way {
        "gzip" => GzEncoder::new(&*content, Compression::fast()).read_to_end(&mut out),
        _ => ZlibEncoder::new(&*content, Compression::fast()).read_to_end(&mut out),
    };
    if packed.is_err() {
        reply.content = Content::other(kind, content);
        return reply;
    }
    reply.content = Content::other(kind, out);
    for (name, value) in &mut reply.headers {
        if *name == header::ETAG {
            *value = format!("{}-{way}\"", value.trim_end_matches('"'));
        }
    }
    reply
        .header("Content-Encoding", way.to_owned())
        .header("Vary", "Accept-Encoding".to_owned())
}
