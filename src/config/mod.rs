//! Settings of a profile: where the files are, what they say, whether that is right.
//!
//! A file goes from [`raw`] (as written) to [`resolved`] (checked); the rest of the program sees
//! only the checked form. Secrets are not settings: they live in the vault, and a file names at
//! most the place of one.
//!
//! Invariant: a file with a fault gives an error and no settings; there is no half-read file.

pub mod draft;
pub mod keys;
pub mod login;
pub mod paths;
pub mod place;
pub mod problem;
pub mod raw;
pub mod resolved;
pub mod sign_in;
pub mod theme;

use std::path::Path;

pub use paths::{Paths, ProfileName};
pub use resolved::Config;

use crate::domain::id::PairName;
use crate::error::{Error, Kind, Result};

/// The file with every setting and its default, as shipped.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// What it means that the file is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// All settings have their defaults.
    UseDefaults,
    /// Somebody named this file: it is an error.
    IsAnError,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`Kind::Config`] when it cannot be read or anything in it is wrong; the message names
    /// file, line, column and what was expected, for every fault found.
    pub fn load(file: &Path, missing: Missing) -> Result<Self> {
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text, file),
            Err(e)
                if e.kind() == std::io::ErrorKind::NotFound && missing == Missing::UseDefaults =>
            {
                Ok(Self::default())
            }
            Err(e) => Err(
                Error::new(Kind::Config, format!("cannot read {}: {e}", file.display()))
                    .hint("`syncdeck config example` prints a file with every setting"),
            ),
        }
    }

    /// Compares the names under `[pairs]` of a file that was loaded with the pairs there are.
    ///
    /// # Errors
    /// As [`Config::load`], for each name that is none of them.
    pub fn check_pairs(file: &Path, known: &[PairName]) -> Result<()> {
        let text = std::fs::read_to_string(file).map_err(|e| {
            Error::new(Kind::Config, format!("cannot read {}: {e}", file.display()))
        })?;
        let raw: raw::RawConfig = toml::from_str(&text).map_err(|e| {
            problem::report(file, &text, vec![problem::Problem::from_toml(&e, &text)])
        })?;
        let names = || known.iter().map(PairName::as_str);
        let unknown = raw
            .pairs
            .keys()
            .filter(|name| !names().any(|it| it == name.get_ref()));
        let problems: Vec<_> = unknown
            .map(|name| {
                let list: Vec<&str> = names().collect();
                problem::Problem::new(name.span(), "there is no pair of this name")
                    .expected(format!("one of: {}", list.join(", ")))
                    .meant(name.get_ref(), names())
            })
            .collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problem::report(file, &text, problems)),
        }
    }

    /// Checks the text of a file; `file` is only named in messages.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self> {
        let raw = toml::from_str(text).map_err(|e| {
            problem::report(file, text, vec![problem::Problem::from_toml(&e, text)])
        })?;
        let (config, problems) = resolved::resolve(raw);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(problem::report(file, text, problems))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_says_the_defaults() {
        let example = Config::parse(EXAMPLE, Path::new("config.example.toml")).unwrap();
        assert_eq!(example, Config::default());
    }

    #[test]
    fn the_example_names_every_setting_and_its_comments_are_valid_too() {
        // `# key = value` and `# [table]` are settings without a default: switched on, all fits.
        let on: String = EXAMPLE
            .lines()
            .map(|l| match l.strip_prefix("# ") {
                Some(s) if s.starts_with('[') || s.split(" = ").count() == 2 => s,
                _ => l,
            })
            .flat_map(|l| [l, "\n"])
            .collect();
        let all = Config::parse(&on, Path::new("config.example.toml")).unwrap();
        assert!(all.connection.client_id.is_some());
        assert!(all.connection.sign_in.secret().is_some());
        assert!(all.connection.extra_ca_file.is_some());
        assert!(!all.schedules.is_empty());

        // Each field of the raw form is a key of the example.
        let raw = include_str!("raw.rs");
        let fields = raw
            .lines()
            .filter_map(|l| l.trim().strip_prefix("pub ")?.split_once(": Slot<"))
            .map(|(name, _)| name);
        let mut count = 0;
        for field in fields {
            count += 1;
            let key = format!("{field} = ");
            assert!(
                on.lines().any(|l| l.starts_with(&key)),
                "`{field}` is not in the example"
            );
        }
        assert!(count > 25, "found only {count} fields");
    }

    #[test]
    fn a_missing_file_is_fine_unless_it_was_named() {
        let file = Path::new("no-such-folder/config.toml");
        assert_eq!(
            Config::load(file, Missing::UseDefaults).unwrap(),
            Config::default()
        );
        let error = Config::load(file, Missing::IsAnError).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
    }
}
