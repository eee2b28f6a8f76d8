//! The mappings that come with the program: sets of pairs for common uses.
//!
//! Each is a mapping file of its own, so that it can be read, exported and changed like any
//! other. Invariant: every preset passes `check` against a Salesforce org with the key field.

use std::fmt;

use super::mapping::Pair;
use super::mapping_file::{FileError, from_toml};
use super::text::nearest;

/// A set of pairs with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    file: &'static str,
}

const PRESETS: [Preset; 3] = [
    Preset {
        name: "lead-desk",
        summary: "leads come in, contact data, status and notes go back",
        file: include_str!("presets/lead-desk.toml"),
    },
    Preset {
        name: "customer-success",
        summary: "accounts, contacts and opportunities in both directions",
        file: include_str!("presets/customer-success.toml"),
    },
    Preset {
        name: "whole-crm",
        summary: "accounts, contacts, opportunities and leads in both directions, with deletes",
        file: include_str!("presets/whole-crm.toml"),
    },
];

/// All presets, for pickers and help.
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

/// Why there are no pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresetError {
    /// No preset has this name.
    Unknown {
        /// The name.
        name: String,
        /// The name that was meant, if one is near.
        meant: Option<&'static str>,
    },
    /// The preset itself is not a mapping file: a fault of the program.
    Broken(Vec<FileError>),
}

impl fmt::Display for PresetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, meant } => {
                let names: Vec<&str> = PRESETS.iter().map(|p| p.name).collect();
                write!(
                    f,
                    "there is no preset {name:?}; there are: {}",
                    names.join(", ")
                )?;
                match meant {
                    Some(meant) => write!(f, "; did you mean {meant}?"),
                    None => Ok(()),
                }
            }
            Self::Broken(faults) => {
                f.write_str("the preset cannot be read")?;
                faults.iter().try_for_each(|fault| write!(f, "; {fault}"))
            }
        }
    }
}

impl std::error::Error for PresetError {}

/// The pairs of a preset; parents before their children.
pub fn preset(name: &str) -> Result<Vec<Pair>, PresetError> {
    match PRESETS.iter().find(|preset| preset.name == name) {
        Some(preset) => from_toml(preset.file).map_err(PresetError::Broken),
        None => Err(PresetError::Unknown {
            name: name.to_owned(),
            meant: nearest(name, PRESETS.iter().map(|p| p.name)),
        }),
    }
}

#[cfg(test)]
pub(crate) mod tests;
