//! Bodies that are sent and read piece by piece, so that their size costs no memory.
//!
//! Knows neither files' meaning nor formats. Invariants: a body is read whole within
//! `HttpSettings::max_body`, or in pieces with a limit on the time between two of them; an upload
//! sends exactly the length it announces or breaks the connection.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use http::{HeaderMap, Method, StatusCode};
use tokio::io::AsyncReadExt as _;

use super::super::error::Effect;
use super::{Failure, FailureKind, Http, Reply, root_cause};

/// Bytes of a file that are in memory at once while it is sent.
const PIECE: usize = 64 << 10;

/// What a request carries.
#[derive(Debug, Clone)]
pub enum Body {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A file between two pieces of text.
    Upload(Arc<Upload>),
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

/// A file that is read while it is sent, and what stands around it.
#[derive(Debug)]
pub struct Upload {
    /// What comes before the file.
    pub head: Bytes,
    /// The file.
    pub path: PathBuf,
    /// Its length in bytes; a file of another length breaks the request.
    pub length: u64,
    /// What comes after it.
    pub tail: Bytes,
}

impl Body {
    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Bytes(bytes) if bytes.is_empty())
    }

    /// Bytes that will be sent, when they have to be announced by a header.
    pub fn announced(&self) -> Option<u64> {
        match self {
            Self::Bytes(_) => None,
            Self::Upload(upload) => {
                Some(upload.length + upload.head.len() as u64 + upload.tail.len() as u64)
            }
        }
    }

    /// Opens it for one sending.
    pub(super) async fn open(self) -> std::io::Result<reqwest::Body> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.into()),
            Self::Upload(upload) => {
                let file = tokio::fs::File::open(&upload.path).await?;
                if file.metadata().await?.len() != upload.length {
                    return Err(std::io::ErrorKind::InvalidData.into());
                }
                Ok(reqwest::Body::wrap_stream(pieces(&upload, file)))
            }
        }
    }
}

fn pieces(upload: &Upload, file: tokio::fs::File) -> BoxStream<'static, std::io::Result<Bytes>> {
    // One byte more than announced, so that a file that grew is noticed.
    let reader = file.take(upload.length + 1);
    let middle = stream::try_unfold((reader, upload.length), |(mut reader, left)| async move {
        let mut piece = BytesMut::with_capacity(PIECE);
        let read = reader.read_buf(&mut piece).await? as u64;
        match left.checked_sub(read) {
            Some(0) if read == 0 => Ok(None),
            Some(left) if read > 0 => Ok(Some((piece.freeze(), (reader, left)))),
            // It ended early, or goes on beyond the end.
            _ => Err(std::io::ErrorKind::InvalidData.into()),
        }
    });
    let (head, tail) = (upload.head.clone(), upload.tail.clone());
    stream::once(async { Ok(head) })
        .chain(middle)
        .chain(stream::once(async { Ok(tail) }))
        .boxed()
}

/// What the log says of an exchange.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) request: String,
    method: Method,
    path: String,
    started: Instant,
}

impl Trace {
    pub(super) fn new(method: Method, path: String) -> Self {
        Self {
            request: uuid::Uuid::now_v7().simple().to_string(),
            method,
            path,
            started: Instant::now(),
        }
    }

    pub(super) fn failed(&self, failure: &Failure) {
        tracing::warn!(
            target: "crm", request = %self.request, method = %self.method, path = %self.path,
            ms = self.started.elapsed().as_millis(), kind = ?failure.kind,
            effect = ?failure.effect, "no answer"
        );
    }

    fn answered(&self, status: StatusCode, bytes: u64) {
        tracing::info!(
            target: "crm", request = %self.request, method = %self.method, path = %self.path,
            ms = self.started.elapsed().as_millis(), status = status.as_u16(), bytes, "answer"
        );
    }
}

/// An answer whose body is still on its way.
#[derive(Debug)]
pub struct Incoming {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    response: reqwest::Response,
    trace: Trace,
    read: u64,
    max_whole: usize,
    idle: Duration,
    whole: Duration,
}

impl Incoming {
    pub(super) fn new(mut response: reqwest::Response, trace: Trace, http: &Http) -> Self {
        Self {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            response,
            trace,
            read: 0,
            max_whole: http.max_body,
            idle: http.timeouts.idle,
            whole: http.timeouts.body,
        }
    }

    /// Our id of the request.
    pub fn request(&self) -> &str {
        &self.trace.request
    }

    /// The answer without its body, for what is read from headers.
    pub fn bare(&self) -> Reply {
        self.reply(Bytes::new())
    }

    /// The next piece of the body; none at its end. Only the pause between two pieces is limited.
    ///
    /// # Errors
    /// The body broke off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let limit = tokio::time::Instant::now() + self.idle;
        self.chunk_until(limit).await
    }

    async fn chunk_until(&mut self, limit: tokio::time::Instant) -> Result<Option<Bytes>, Failure> {
        let read = self.read;
        let (kind, message) = match tokio::time::timeout_at(limit, self.response.chunk()).await {
            Ok(Ok(Some(piece))) => {
                self.read += piece.len() as u64;
                return Ok(Some(piece));
            }
            Ok(Ok(None)) => {
                self.trace.answered(self.status, read);
                return Ok(None);
            }
            Ok(Err(error)) => {
                let cause = root_cause(&error);
                let message = format!("the answer broke after {read} bytes: {cause}");
                (FailureKind::Lost, message)
            }
            Err(_) => {
                let message = format!("the answer stopped after {read} bytes");
                (FailureKind::Timeout, message)
            }
        };
        Err(self.failure(kind, message))
    }

    /// Reads the rest of the body.
    ///
    /// # Errors
    /// The body broke off, took too long, or is larger than `HttpSettings::max_body`.
    pub async fn whole(mut self) -> Result<Reply, Failure> {
        let deadline = tokio::time::Instant::now() + self.whole;
        let mut body = BytesMut::new();
        loop {
            let limit = deadline.min(tokio::time::Instant::now() + self.idle);
            match self.chunk_until(limit).await? {
                None => return Ok(self.reply(body.freeze())),
                Some(piece) if body.len() + piece.len() > self.max_whole => {
                    let message = format!("the answer is larger than {} bytes", self.max_whole);
                    return Err(self.failure(FailureKind::TooLarge, message));
                }
                Some(piece) => body.extend_from_slice(&piece),
            }
        }
    }

    fn failure(&self, kind: FailureKind, message: String) -> Failure {
        let failure = Failure {
            kind,
            effect: Effect::Unknown,
            message,
            request: self.trace.request.clone(),
        };
        self.trace.failed(&failure);
        failure
    }

    fn reply(&self, body: Bytes) -> Reply {
        Reply {
            status: self.status,
            headers: self.headers.clone(),
            body,
            request: self.trace.request.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sent of a file that has these bytes, when so many were announced.
    async fn sent(bytes: &[u8], announced: u64) -> std::io::Result<Vec<u8>> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), bytes)?;
        let upload = Upload {
            head: "<".into(),
            path: file.path().to_owned(),
            length: announced,
            tail: ">".into(),
        };
        let open = tokio::fs::File::open(file.path()).await?;
        let mut pieces = pieces(&upload, open);
        let mut all = Vec::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            assert!(piece.len() <= 2 * PIECE, "{}", piece.len());
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn a_file_is_sent_whole_in_pieces() {
        for length in [0, 1, PIECE - 1, PIECE, 3 * PIECE + 7] {
            let bytes = vec![7; length];
            let all = sent(&bytes, length as u64).await.unwrap();
            assert_eq!(all, [b"<", &bytes[..], b">"].concat());
        }
    }

    #[tokio::test]
    async fn a_file_that_changed_breaks_the_upload() {
        for (bytes, announced) in [(&b"12345"[..], 4), (b"12345", 6), (b"", 1), (b"1", 0)] {
            let error = sent(bytes, announced).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{announced}");
        }
    }

    #[tokio::test]
    async fn a_file_of_another_length_is_not_begun() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let body = Body::Upload(Arc::new(Upload {
            head: Bytes::new(),
            path: file.path().to_owned(),
            length: 3,
            tail: Bytes::new(),
        }));
        assert_eq!(body.announced(), Some(3));
        assert!(body.open().await.is_err());
    }
}
