//! A command with its number.
//!
//! Plain data. Invariant: each request has one reply, which carries its number.

use super::Command;

/// Number of a request; the reply carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A numbered command.
#[derive(Debug)]
pub struct Request {
    /// Its number, chosen by the viewer.
    pub id: RequestId,
    /// An earlier question whose answer is no longer wanted; it gets one all the same, perhaps that
    /// it was cancelled.
    pub replaces: Option<RequestId>,
    /// What to do.
    pub command: Command,
}
