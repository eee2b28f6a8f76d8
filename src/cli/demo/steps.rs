//! The demo's steps as it prints them: what was done, how many, how long, how many calls.
//!
//! Invariant: a step is printed only when it is done.

use std::io::Write;
use std::time::Instant;

use super::super::out::{Out, shown};
use super::super::say;
use super::place::Place;
use crate::error::{Error, Kind, Result};

/// Counts the steps of a demo.
#[derive(Debug)]
pub struct Steps {
    number: u32,
    began: Instant,
    calls: u64,
}

impl Steps {
    /// Before the first one.
    pub fn new() -> Self {
        Self {
            number: 0,
            began: Instant::now(),
            calls: 0,
        }
    }

    /// Prints a step that is done.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn done<W: Write>(&mut self, place: &Place, out: &mut Out<W>, what: &str) -> Result<()> {
        self.number += 1;
        let calls = place.calls();
        let line = format!(
            "{:>2} {:>6.2} s {:>4} calls  {}",
            self.number,
            self.began.elapsed().as_secs_f64(),
            say::number(calls - self.calls),
            shown(what)
        );
        out.line(&line)?;
        self.calls = calls;
        self.began = Instant::now();
        Ok(())
    }
}

/// Fails with both values unless they are the same.
///
/// # Errors
/// When they differ.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: T, should: T) -> Result<()> {
    if is == should {
        return Ok(());
    }
    Err(Error::new(
        Kind::Internal,
        format!("{what} is {is:?}, and should be {should:?}"),
    )
    .hint("this is a fault of syncdeck: please report it with the output above"))
}
