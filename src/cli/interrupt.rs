//! Ctrl-C and SIGTERM while a command works: once asks it to stop, twice ends it.
//!
//! A closed terminal (SIGHUP) is left to the system, so that `nohup` means what it says; the store
//! is made for that. Invariant: whoever watches decides what stops; nothing is done in a handler.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Error, Kind, Result};

/// What asked for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// SIGINT, the terminal's Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Stop {
    /// 128 and the signal's number, as shells say it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// The signals of this process, from now on.
#[derive(Debug)]
pub struct Stops {
    interrupt: Signal,
    terminate: Signal,
}

impl Stops {
    /// Begins to watch. From then on they end nothing by themselves.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn watch() -> Result<Self> {
        let on = |kind| {
            signal(kind)
                .map_err(|e| Error::new(Kind::Internal, "signals cannot be watched").caused_by(e))
        };
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
        })
    }

    /// The next one. Can be dropped while it waits.
    pub async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupt.recv() => Stop::Interrupt,
            _ = self.terminate.recv() => Stop::Terminate,
        }
    }
}
