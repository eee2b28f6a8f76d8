//! What an update wants done outside the model. Only the loop performs these.

use super::save::File;
use crate::engine::command::Request;

/// Something for the loop to do. `R` is what is asked of the other end of the link.
#[derive(Debug)]
pub enum Effect<R = Request> {
    /// Put a request on the link.
    Send(R),
    /// Put text on the clipboard of the person's terminal.
    Copy(String),
    /// Write a file, and say what became of it.
    Save(File),
    /// Give the mouse to the console, or back to the terminal.
    Mouse(Mouse),
    /// Give the terminal back and stop the process.
    Suspend,
    /// Forget what is on the screen and draw everything.
    Redraw,
    /// Leave.
    Quit(ExitReason),
}

/// Who has the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mouse {
    /// The terminal, to select text.
    #[default]
    Terminals,
    /// The console: the wheel moves its cursor.
    Ours,
}

/// Why the console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// The person left.
    Quit,
    /// SIGTERM or SIGINT from outside.
    Terminated,
    /// The terminal went away: SIGHUP, or it could not be read or written.
    TerminalLost,
}
