//! The disk of a history: it ends the process at a write, and keeps what a power loss would leave.

use syncdeck::domain::run::Phase;

use crate::files::copy;
use crate::sim::engine::coverage::{Cut, at_disk};

use super::*;

pub(super) struct Plain;

impl Sealer for Plain {
    fn seal(&self, _: &str, _: &[u8], plain: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }
    fn open(&self, _: &str, _: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(sealed.to_vec())
    }
}

/// The disk: ends the process at a write, and keeps what a power loss would leave.
#[derive(Debug, Default)]
pub(super) struct Disk {
    pub(super) dead: Arc<AtomicBool>,
    pub(super) applies: AtomicU64,
    pub(super) syncs: AtomicU64,
    /// The process ends before this write.
    pub(super) end_at: AtomicU64,
    /// What is on the disk after this sync is all that is left; it ends before the next one.
    pub(super) keep_at: AtomicU64,
    pub(super) kept: AtomicBool,
    /// The process ends in this part of a run, as soon as it writes there.
    pub(super) in_phase: Mutex<Option<(Phase, Cut)>>,
    /// There is no room from this write on.
    pub(super) full_at: AtomicU64,
    /// There was none once: nothing is written until the next start.
    pub(super) full: AtomicBool,
    /// What the run does, for those who count where it ended.
    pub(super) progress: Mutex<Option<watch::Receiver<Option<Progress>>>>,
    /// Where a process ended.
    pub(super) ended: Mutex<Option<String>>,
    pub(super) from: PathBuf,
    pub(super) image: PathBuf,
}

impl Disk {
    fn gone(&self) -> std::io::Result<()> {
        match self.dead.load(Ordering::SeqCst) {
            true => Err(std::io::Error::other("the process is gone")),
            false => Ok(()),
        }
    }
}

impl Disk {
    fn room(&self) -> std::io::Result<()> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(std::io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }

    fn phase(&self) -> Option<Phase> {
        let progress = self.progress.lock().unwrap();
        let progress = progress.as_ref()?.borrow();
        progress.as_ref().map(|p| p.phase)
    }

    /// Whether the part of the run has come in which it ends this way.
    fn is_time(&self, cut: Cut) -> bool {
        let wanted = *self.in_phase.lock().unwrap();
        wanted.is_some_and(|(phase, wanted)| wanted == cut && self.phase() == Some(phase))
    }

    fn ends(&self, cut: Cut) {
        *self.in_phase.lock().unwrap() = None;
        *self.ended.lock().unwrap() = Some(at_disk(cut, self.phase()));
    }
}

impl SyncHook for Disk {
    fn before_apply(&self) -> std::io::Result<()> {
        let number = self.applies.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.end_at.load(Ordering::SeqCst) || self.is_time(Cut::Apply) {
            self.dead.store(true, Ordering::SeqCst);
            self.ends(Cut::Apply);
        }
        if number == self.full_at.load(Ordering::SeqCst) {
            self.full.store(true, Ordering::SeqCst);
        }
        self.gone()?;
        self.room()
    }

    fn before_sync(&self) -> std::io::Result<()> {
        if self.kept.load(Ordering::SeqCst) {
            self.dead.store(true, Ordering::SeqCst);
        }
        self.gone()?;
        self.room()
    }

    fn synced(&self) {
        let number = self.syncs.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.keep_at.load(Ordering::SeqCst) || self.is_time(Cut::Sync) {
            copy(&self.from, &self.image);
            self.ends(Cut::Sync);
            self.kept.store(true, Ordering::SeqCst);
        }
    }
}
