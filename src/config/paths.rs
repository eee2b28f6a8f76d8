//! Where a profile keeps its files.
//!
//! Config, data and logs follow the rules of the operating system, each with one folder per
//! profile. `SYNCDECK_HOME` puts all of them under one folder instead, which is what tests, demos
//! and portable set-ups use. Nothing is created by asking; [`Paths::create`] does that.
//!
//! Invariant: folders that [`Paths::create`] makes can be entered by their owner only.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use directories::ProjectDirs;

use crate::error::{Error, Kind, Result};

/// The variable that puts everything under one folder.
pub const HOME_VARIABLE: &str = "SYNCDECK_HOME";

/// The name of a profile: a letter or digit, then up to 63 of letters, digits, `.`, `_`, `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProfileName(String);

impl ProfileName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ProfileName {
    fn default() -> Self {
        Self("default".into())
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProfileName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let rest = text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if first && rest && text.len() <= 64 {
            Ok(Self(text.into()))
        } else {
            Err(Error::new(
                Kind::Usage,
                "a profile name starts with a letter or digit and has only letters, digits, `.`, `_` and `-`, at most 64",
            ))
        }
    }
}

/// The files and folders of one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    config: PathBuf,
    data: PathBuf,
    state: PathBuf,
}

impl Paths {
    /// Finds the folders of a profile; `home` is the value of [`HOME_VARIABLE`].
    ///
    /// # Errors
    /// [`Kind::Config`] when the machine gives this user no home folder.
    pub fn of(profile: &ProfileName, home: Option<&Path>) -> Result<Self> {
        if let Some(home) = home {
            return Ok(Self::under(&home.join(profile.as_str())));
        }
        let dirs = ProjectDirs::from("", "", "syncdeck").ok_or_else(|| {
            Error::new(Kind::Config, "this user has no home folder").hint(format!(
                "set {HOME_VARIABLE} to a folder for syncdeck's files"
            ))
        })?;
        let state = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir());
        Ok(Self {
            config: dirs.config_dir().join(profile.as_str()),
            data: dirs.data_dir().join(profile.as_str()),
            state: state.join(profile.as_str()),
        })
    }

    /// Everything under one folder.
    pub fn under(root: &Path) -> Self {
        Self {
            config: root.to_path_buf(),
            data: root.to_path_buf(),
            state: root.to_path_buf(),
        }
    }

    /// The settings.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The user's own keys.
    pub fn keys_file(&self) -> PathBuf {
        self.config.join("keys.toml")
    }

    /// The user's own themes.
    pub fn themes_dir(&self) -> PathBuf {
        self.config.join("themes")
    }

    /// The wrapped data key and the identity file.
    pub fn vault_dir(&self) -> PathBuf {
        self.data.join("vault")
    }

    /// The store and its backups.
    pub fn store_dir(&self) -> PathBuf {
        self.data.join("store")
    }

    /// Log files.
    pub fn log_dir(&self) -> PathBuf {
        self.state.join("log")
    }

    /// Makes the folders that are not there, for the owner only.
    ///
    /// # Errors
    /// [`Kind::Config`] with the folder that could not be made.
    pub fn create(&self) -> Result<()> {
        for dir in [&self.config, &self.data, &self.state] {
            create_private(dir)?;
        }
        for dir in [self.vault_dir(), self.store_dir(), self.log_dir()] {
            create_private(&dir)?;
        }
        Ok(())
    }
}

/// Makes one folder, with its parents, mode 0700; one that is there keeps its mode.
///
/// # Errors
/// [`Kind::Config`] with the folder's name.
pub fn create_private(dir: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|e| {
        Error::new(
            Kind::Config,
            format!("cannot make the folder {}: {e}", dir.display()),
        )
        .hint("check the permissions of the folder above it, or the free space")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_folder_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "-x",
            "a b",
            "\u{e4}",
            &"x".repeat(65),
        ] {
            assert!(bad.parse::<ProfileName>().is_err(), "{bad:?}");
        }
        for good in ["default", "prod-eu", "a.b_c", "7"] {
            assert_eq!(good.parse::<ProfileName>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn one_home_holds_every_profile() {
        let home = tempfile::tempdir().unwrap();
        let one = Paths::of(&"one".parse().unwrap(), Some(home.path())).unwrap();
        let two = Paths::of(&"two".parse().unwrap(), Some(home.path())).unwrap();
        assert_ne!(one.store_dir(), two.store_dir());
        for path in [
            one.config_file(),
            one.vault_dir(),
            one.store_dir(),
            one.log_dir(),
        ] {
            assert!(path.starts_with(home.path()), "{}", path.display());
        }
    }

    #[cfg(unix)]
    #[test]
    fn made_folders_belong_to_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::under(&home.path().join("p"));
        paths.create().unwrap();
        for dir in [paths.vault_dir(), paths.log_dir(), paths.store_dir()] {
            let mode = std::fs::metadata(dir).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
    }
}
