//! Bringing an older store to the current format.
//!
//! The store does not know what the tables mean: whoever owns them states their format and the
//! steps towards it. Invariant: a step's writes and the new format number are one durable commit,
//! so a step that was cut off is simply run again.

use super::open::format_note;
use super::{Batch, Durable, Store, StoreError};
use std::fmt;

/// The format that a program's tables have, and the steps from older ones.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The current format, from 1.
    pub format: u32,
    /// The known steps, each from the format before it.
    pub steps: &'static [Step],
}

/// One step of a migration.
#[derive(Clone, Copy)]
pub struct Step {
    /// The format after it.
    pub to: u32,
    /// What it does, for the log.
    pub what: &'static str,
    /// Reads the store and returns what to write. It may [`Store::apply`] large parts itself,
    /// if running it twice does no harm.
    pub run: fn(&Store) -> Result<Batch, StoreError>,
}

impl Schema {
    /// Format 1, with no history.
    pub const FIRST: Self = Self {
        format: 1,
        steps: &[],
    };

    /// Refuses formats that are newer, or that no chain of steps starts from.
    pub(super) fn accepts(&self, found: u32) -> Result<(), StoreError> {
        let what = || "the store".to_owned();
        if found > self.format {
            return Err(StoreError::Newer {
                what: what(),
                found,
                known: self.format,
            });
        }
        let reachable = (found + 1..=self.format).all(|to| self.step(to).is_some());
        if reachable {
            Ok(())
        } else {
            Err(StoreError::TooOld {
                what: what(),
                found,
            })
        }
    }

    fn step(&self, to: u32) -> Option<&Step> {
        self.steps.iter().find(|step| step.to == to)
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Step(to {}: {})", self.to, self.what)
    }
}

/// Runs the steps from `found` to the current format, after a backup.
pub(super) fn run(store: &Store, found: u32) -> Result<(), StoreError> {
    let options = &store.inner.options;
    let schema = options.schema;
    if found == schema.format {
        return Ok(());
    }
    store.backup(&options.backups(), super::BACKUPS_KEPT)?;
    for to in found + 1..=schema.format {
        let step = schema.step(to).ok_or_else(|| StoreError::TooOld {
            what: "the store".to_owned(),
            found: to - 1,
        })?;
        tracing::info!(to, what = step.what, "bringing the store to a newer format");
        let batch = (step.run)(store)?;
        store.write(batch, vec![format_note(to)], Durable::Now)?;
    }
    Ok(())
}
