//! What can happen to the console: one closed enum, into one loop.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::input::Input;
use super::save::Saved;
use super::terminal::NoSuspend;
use crate::engine::notice::Notice;

/// The time, given to every update: the model reads no clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// By the wall.
    pub wall: Timestamp,
    /// Since the console started; never goes back.
    pub since: Duration,
}

impl Now {
    /// The same moment by a clock that is so far ahead.
    #[must_use]
    pub fn ahead(self, by: SignedDuration) -> Self {
        let wall = self.wall.checked_add(by).unwrap_or(self.wall);
        Self { wall, ..self }
    }
}

/// One thing that happened. `N` is what is said from the other end of the link.
#[derive(Debug)]
pub enum Msg<N = Notice> {
    /// The person did something.
    Input(Input),
    /// The other end said something: for the console, the engine.
    Engine(N),
    /// The other end went away.
    EngineGone,
    /// Time passed.
    Tick,
    /// A frame was drawn; what is on it can be answered from now on.
    Drawn,
    /// Somebody asked this process to stop for a while.
    SuspendAsked,
    /// A file was written, or not.
    Saved(Saved),
    /// Stopping was not possible.
    NotSuspended(NoSuspend),
}
