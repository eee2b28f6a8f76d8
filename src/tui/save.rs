//! Files that a person asked for, written beside the loop's other effects.
//!
//! Knows nothing of what is in them. Invariant: a file that is there is replaced only after the
//! person was asked, and only the person may read it.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where, as it was typed; from the folder the console was started in.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// Whether one of that name may be replaced.
    pub over: Over,
}

/// Whether a file that is there may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It stays.
    Nothing,
    /// The person said so.
    Replaces,
}

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is written.
    Written(String),
    /// One of that name is there.
    Exists(File),
    /// Why it could not be.
    Failed(String, String),
}

/// Writes a file.
pub fn save(file: File) -> Saved {
    let mut open = OpenOptions::new();
    open.write(true).mode(0o600);
    match file.over {
        Over::Nothing => open.create_new(true),
        Over::Replaces => open.create(true).truncate(true),
    };
    let written = open.open(&file.path).and_then(|mut to| {
        to.write_all(file.text.as_bytes())?;
        to.sync_all()
    });
    match written {
        Ok(()) => Saved::Written(file.path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Saved::Exists(file),
        Err(error) => Saved::Failed(file.path, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_stays_until_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv").display().to_string();
        let file = |text: &str, over| File {
            path: path.clone(),
            text: text.into(),
            over,
        };
        let read = || std::fs::read_to_string(&path).unwrap();
        let written = Saved::Written(path.clone());
        assert_eq!(save(file("one", Over::Nothing)), written);
        let mode = std::fs::metadata(&path).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
        assert_eq!(mode & 0o777, 0o600);
        let two = file("two", Over::Nothing);
        assert_eq!(save(two.clone()), Saved::Exists(two));
        assert_eq!(read(), "one");
        assert_eq!(save(file("2", Over::Replaces)), written);
        assert_eq!(read(), "2");
    }
}
