//! Signals as messages: the loop decides what they mean.
//!
//! Invariant: no handler does anything but wake the loop.

use std::io;
use std::thread;

use futures::{Stream, StreamExt as _, stream};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

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
    Ok(Box::pin(stream::unfold(all, |mut all| async move {
        let signal = tokio::select! {
            _ = all.0.recv() => Signal::Terminate,
            _ = all.1.recv() => Signal::Terminate,
            _ = all.2.recv() => Signal::HangUp,
            _ = all.3.recv() => Signal::Stop,
            _ = all.4.recv() => Signal::Continue,
        };
        Some((signal, all))
    })))
}

/// Says once that the terminal of standard output is gone. SIGHUP says it only to the first process on
/// a terminal, and somebody may have it ignored.
///
/// # Errors
/// When the system gives no thread.
pub fn hung_up() -> Result<impl Stream<Item = Signal> + Unpin> {
    let (gone, wait) = oneshot::channel();
    let watch = move || {
        let terminal = io::stdout();
        // Nothing is asked for: that it is gone is told anyway.
        let mut watched = [PollFd::new(&terminal, PollFlags::empty())];
        loop {
            match poll(&mut watched, None) {
                Err(Errno::INTR) => {}
                Err(_) => return,
                Ok(_) => break,
            }
        }
        // The console may be left already.
        let _ = gone.send(());
    };
    thread::Builder::new()
        .name("terminal".to_owned())
        .spawn(watch)
        .map_err(|e| {
            Error::new(Kind::Internal, "the terminal could not be watched").caused_by(e)
        })?;
    let told = stream::once(wait).filter_map(async |told| told.ok().map(|()| Signal::HangUp));
    Ok(Box::pin(told.chain(stream::pending())))
}
