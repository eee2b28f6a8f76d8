//! What can happen to the console: one closed enum, into one loop.

use std::time::Duration;

use jiff::Timestamp;

use super::input::Input;
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

/// One thing that happened.
#[derive(Debug)]
pub enum Msg {
    /// The person did something.
    Input(Input),
    /// The engine said something.
    Engine(Notice),
    /// The engine went away.
    EngineGone,
    /// Time passed.
    Tick,
    /// A frame was drawn; what is on it can be answered from now on.
    Drawn,
    /// Somebody asked this process to stop for a while.
    SuspendAsked,
    /// Stopping was not possible.
    NotSuspended(NoSuspend),
}
