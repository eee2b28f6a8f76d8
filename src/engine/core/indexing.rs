//! Reading records into the index, beside everything else.
//!
//! Invariant: the store is let go of before the engine has stopped.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::FutureExt as _;
use tokio::task::JoinHandle;

use super::super::index::Go;
use super::{Actor, Ended, broke_off};

/// Records read into the index between two words about it.
const SAID_EVERY: u64 = 10_000;

/// Tasks that read into the index.
#[derive(Debug, Default)]
pub(super) struct Readers(Vec<JoinHandle<()>>);

impl Readers {
    /// One more; those that have ended are let go.
    fn add(&mut self, task: JoinHandle<()>) {
        let all = std::mem::take(&mut self.0).into_iter();
        let (ended, running) = all.partition(JoinHandle::is_finished);
        self.0 = running;
        let ended: Vec<JoinHandle<()>> = ended;
        for task in ended {
            // It has ended: nothing is waited for.
            if let Some(end) = task.now_or_never() {
                told(end);
            }
        }
        self.0.push(task);
    }

    /// Whether none was ever added.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits for all of them.
    pub(super) async fn join(self) {
        for task in self.0 {
            told(task.await);
        }
    }
}

fn told(end: Result<(), tokio::task::JoinError>) {
    if let Err(error) = end {
        let error = broke_off("reading into the index", &error);
        tracing::error!(%error, "the index ended badly");
    }
}

impl Actor {
    /// Reads into the index, in the background, what is not there yet.
    pub(super) fn index(&mut self) {
        let shared = Arc::clone(&self.shared);
        let (ended, leaving) = (self.tasks.clone(), Arc::clone(&self.leaving));
        self.indexing.add(tokio::task::spawn_blocking(move || {
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
            match built {
                Ok(()) => {
                    let bytes = shared.state.index().memory();
                    tracing::info!(bytes, "records are in the index");
                }
                Err(error) => {
                    tracing::error!(%error, "records could not be read into the index");
                }
            }
            let _ = ended.blocking_send(Ended::Indexed);
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_ended_is_let_go() {
        let mut readers = Readers::default();
        let (release, held) = tokio::sync::oneshot::channel::<()>();
        readers.add(tokio::spawn(async move {
            let _ = held.await;
        }));
        for _ in 0..10 {
            let task = tokio::spawn(async {});
            while !task.is_finished() {
                tokio::task::yield_now().await;
            }
            readers.add(task);
        }
        // The one that runs, and the last.
        assert_eq!(readers.0.len(), 2);
        drop(release);
        readers.join().await;
    }
}
