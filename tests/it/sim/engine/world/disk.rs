//! The disk of a history: it ends the process at a write, and keeps what a power loss would leave.

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

impl SyncHook for Disk {
    fn before_apply(&self) -> std::io::Result<()> {
        let number = self.applies.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.end_at.load(Ordering::SeqCst) {
            self.dead.store(true, Ordering::SeqCst);
        }
        self.gone()
    }

    fn before_sync(&self) -> std::io::Result<()> {
        if self.kept.load(Ordering::SeqCst) {
            self.dead.store(true, Ordering::SeqCst);
        }
        self.gone()
    }

    fn synced(&self) {
        let number = self.syncs.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.keep_at.load(Ordering::SeqCst) {
            copy(&self.from, &self.image);
            self.kept.store(true, Ordering::SeqCst);
        }
    }
}

pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
