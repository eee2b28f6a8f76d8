//! The two channels between the engine and one viewer.
//!
//! No trait and no socket here. Invariant: a slow viewer costs a fixed amount of memory: one
//! summary, one topic set, and at most [`MAX_OPEN`] replies.

use tokio::sync::mpsc;

use super::command::Request;
use super::notice::Notice;

/// Open requests a viewer may have.
pub const MAX_OPEN: usize = 32;

/// A viewer's end.
#[derive(Debug)]
pub struct Link {
    /// Requests to the engine.
    pub requests: mpsc::Sender<Request>,
    /// What the engine says. Summaries are the latest; topics are merged.
    pub notices: mpsc::Receiver<Notice>,
}

/// The engine's end.
#[derive(Debug)]
pub struct EngineEnd {
    /// Requests of the viewer.
    pub requests: mpsc::Receiver<Request>,
    /// Notices to the viewer.
    pub notices: mpsc::Sender<Notice>,
}

/// Makes both ends.
pub fn pair() -> (Link, EngineEnd) {
    let (requests, asked) = mpsc::channel(MAX_OPEN);
    let (said, notices) = mpsc::channel(MAX_OPEN + 2);
    (
        Link { requests, notices },
        EngineEnd {
            requests: asked,
            notices: said,
        },
    )
}
