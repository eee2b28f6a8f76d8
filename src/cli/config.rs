//! `syncdeck config`: is the file right, and what can stand in it.
//!
//! It reads and prints; it never changes a file.

use clap::Subcommand;

use super::out::{Out, shown};
use super::pairs::Compared;
use super::{Global, Outcome, pairs};
use crate::config::{Config, EXAMPLE};
use crate::error::Result;

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the settings file and say where it is
    #[command(after_help = "\
Examples:
  syncdeck config check
  syncdeck --profile prod-eu config check
  syncdeck --config ./new.toml config check

Every fault is shown with file, line, column and what was expected. A name under [pairs] is compared
with the pairs of the profile, if its store can be opened without asking.

Exit codes: 0 the file is right, 2 it is not, or cannot be read.")]
    Check,
    /// Print a file with every setting and its default
    #[command(after_help = "\
Example:
  syncdeck config example > config.toml

Exit codes: 0 fine, 2 it could not be written.")]
    Example,
}

/// Does it.
///
/// # Errors
/// When the file is wrong or cannot be read.
pub fn run(global: &Global, command: ConfigCommand, out: &mut Out) -> Result<Outcome> {
    match command {
        ConfigCommand::Check => {
            let (file, missing) = global.config_file()?;
            let config = Config::load(&file, missing)?;
            let compared = pairs::compare(global, &file, &config)?;
            let state = if file.exists() {
                "OK"
            } else {
                "not there, defaults apply"
            };
            out.line(&format!("{}: {state}", shown(&file.display().to_string())))?;
            if let Compared::NotLooked(why) = compared {
                out.line(&format!(
                    "  not looked at: whether there are the pairs it names ({})",
                    shown(&why)
                ))?;
            }
        }
        ConfigCommand::Example => out.raw(EXAMPLE)?,
    }
    Ok(Outcome::Fine)
}
