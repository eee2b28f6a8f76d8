//! What so many more calls mean, in words for people.

use std::fmt;

use jiff::Timestamp;

use crate::domain::text::{grouped, some};

/// Calls that work needs, against those that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// Calls it needs.
    pub needs: u64,
    /// Calls left for it.
    pub left: u64,
    /// When there is room for all of it, if that can be said.
    pub until: Option<Timestamp>,
}

impl Forecast {
    /// Whether it can be done now.
    pub fn fits(&self) -> bool {
        self.needs <= self.left
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (needs, left) = (some(self.needs, "call", "calls"), grouped(self.left));
        write!(f, "needs {needs}, {left} left")?;
        match self.until {
            Some(until) => write!(f, " until {}", clock(until)),
            None => Ok(()),
        }
    }
}

/// `17:40 UTC`; never more than a day away.
pub fn clock(at: Timestamp) -> impl fmt::Display {
    at.strftime("%H:%M UTC")
}
