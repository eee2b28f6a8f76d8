//! Reading records into the index, beside everything else.
//!
//! Invariant: the store is let go of before the engine has stopped.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::index::Go;
use super::{Actor, Ended};

/// Records read into the index between two words about it.
const SAID_EVERY: u64 = 10_000;

impl Actor {
    /// Reads into the index, in the background, what is not there yet.
    pub(super) fn index(&mut self) {
        let shared = Arc::clone(&self.shared);
        let (ended, leaving) = (self.tasks.clone(), Arc::clone(&self.leaving));
        self.indexing.push(tokio::task::spawn_blocking(move || {
            let mut said = 0;
            let built = shared.state.index().build(&shared.state, |done| {
                if done >= said + SAID_EVERY {
                    said = done;
                    // A viewer that is behind hears of it with the next.
                    let _ = ended.try_send(Ended::Indexed);
                }
                match leaving.load(Ordering::Relaxed) {
                    true => Go::Stop,
                    false => Go::On,
                }
            });
            if let Err(error) = built {
                tracing::error!(%error, "records could not be read into the index");
            }
            let _ = ended.blocking_send(Ended::Indexed);
        }));
    }
}
