//! Signals as messages: the loop decides what they mean.
//!
//! Invariant: no handler does anything but wake the loop.

use futures::Stream;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Error, Kind, Result};

/// What the world outside wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: end.
    Terminate,
    /// SIGHUP: the terminal is gone.
    HangUp,
    /// SIGTSTP: stop for a while.
    Stop,
    /// SIGCONT: the shell may have used the terminal meanwhile.
    Continue,
}

/// The signals of this process, from now on.
///
/// # Errors
/// When the system refuses a handler.
pub fn listen() -> Result<impl Stream<Item = Signal> + Unpin> {
    let on = |kind| {
        signal(kind).map_err(|e| {
            Error::new(Kind::Internal, "signals could not be listened for").caused_by(e)
        })
    };
    let all = (
        on(SignalKind::terminate())?,
        on(SignalKind::interrupt())?,
        on(SignalKind::hangup())?,
        on(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
        on(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
    );
    Ok(Box::pin(futures::stream::unfold(
        all,
        |mut all| async move {
            let signal = tokio::select! {
                _ = all.0.recv() => Signal::Terminate,
                _ = all.1.recv() => Signal::Terminate,
                _ = all.2.recv() => Signal::HangUp,
                _ = all.3.recv() => Signal::Stop,
                _ = all.4.recv() => Signal::Continue,
            };
            Some((signal, all))
        },
    )))
}
