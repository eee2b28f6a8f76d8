//! Whether somebody still waits for an answer.
//!
//! What takes long asks at every record. It stops nothing itself. Invariant: an answer that is not
//! wanted any more never becomes wanted again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Kind, Result};

/// One question's mark; all copies are the same mark.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    dropped: Arc<AtomicBool>,
}

impl Wanted {
    /// Nobody waits any more.
    pub fn drop_it(&self) {
        self.dropped.store(true, Ordering::Relaxed);
    }

    /// Goes on while somebody waits.
    ///
    /// # Errors
    /// [`Kind::Cancelled`] when nobody does.
    pub fn check(&self) -> Result<()> {
        if self.dropped.load(Ordering::Relaxed) {
            return Err(Error::new(
                Kind::Cancelled,
                "nobody waits for this answer any more",
            ));
        }
        Ok(())
    }
}
