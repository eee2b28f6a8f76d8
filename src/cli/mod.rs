//! Plain commands: what can be done without a screen, one file per command.
//!
//! It reads arguments, asks the modules below, and writes words or JSON. It decides nothing
//! about records. Printing happens in [`out`] and nowhere else in the program.
//!
//! Exit codes: 0 fine, 1 something needs a person, 2 it could not be done, 130 and 143 stopped.

pub mod ask;
pub mod audit;
pub mod budget;
pub mod bulk;
pub mod business;
pub mod config;
pub mod conflicts;
pub mod connect;
pub mod console;
pub mod demo;
pub mod doctor;
pub mod drift;
pub mod engine;
pub mod filter;
pub mod held;
pub mod interrupt;
pub mod keys;
pub mod leave;
pub mod lists;
pub mod mapping;
pub mod out;
pub mod pairs;
pub mod plan;
pub mod quarantine;
pub mod records;
pub mod relink;
pub mod runs;
pub mod sandbox;
pub mod say;
pub mod schedule;
pub mod search;
pub mod session;
mod settings;
pub mod setup;
pub mod start;
pub mod status;
pub mod sync;
pub mod transfer;
pub mod undo;
pub mod unlock;
pub mod vault;
pub mod watch;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::config::paths::{HOME_VARIABLE, Paths};
use crate::config::resolved::Color;
use crate::config::{Config, Missing, ProfileName};
use crate::error::{Error, Kind, Result};
use engine::{EngineCommand, Writes};
use interrupt::{Stop, Stops};
use out::{Out, note};

/// How a command ended, when it could be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Fine,
    /// Something waits for a person: exit code 1.
    NeedsPerson,
    /// It was told to stop, and did: exit code 130 or 143.
    Stopped(Stop),
}

impl Outcome {
    /// The process exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::NeedsPerson => 1,
            Self::Stopped(stop) => stop.exit_code(),
        }
    }
}

const AFTER: &str = "Exit codes: 0 fine, 1 something needs a person, 2 it could not be done, 130 and 143 stopped by a\nsignal.";

/// The arguments of the program.
#[derive(Debug, Parser)]
#[command(
    name = "syncdeck",
    version,
    about = "Keeps an application's records in step with Salesforce",
    after_help = AFTER,
    propagate_version = false,
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// Look only: the console changes nothing, on either side, and starts no run
    #[arg(long)]
    pub read_only: bool,
    /// A screen for everyone to see: runs what is scheduled, and takes no key but q
    #[arg(long, conflicts_with_all = ["plain", "read_only"])]
    pub wall: bool,
    /// Lines of text instead of the console, as `watch --plain`
    #[arg(long)]
    pub plain: bool,
    /// What to do; without a command, the console
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Whether a person looks at a screen while it runs.
    pub fn has_screen(&self) -> bool {
        let wanted = match &self.command {
            None => !self.plain,
            Some(Command::Setup(args)) => !args.plain,
            Some(Command::Demo(args)) => !args.headless,
            Some(_) => false,
        };
        wanted && console::no_screen().is_none()
    }
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The working set: its own settings, vault and store
    #[arg(long, global = true, value_name = "NAME", default_value = "default",
          env = "SYNCDECK_PROFILE", value_parser = profile_name)]
    pub profile: ProfileName,
    /// Settings from this file instead of the profile's own
    #[arg(long, global = true, value_name = "FILE", env = "SYNCDECK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Colours of the screen: auto, never, 16, 256 or truecolor, whatever the settings say
    #[arg(long, global = true, value_name = "WHEN", value_parser = Color::named)]
    pub color: Option<Color>,
    /// Where the key to the vault is.
    #[command(flatten)]
    pub keys: unlock::KeyArgs,
}

fn profile_name(text: &str) -> std::result::Result<ProfileName, String> {
    text.parse()
        .map_err(|e: crate::error::Error| e.message().to_owned())
}

impl Global {
    /// The folders of the profile.
    ///
    /// # Errors
    /// When this user has no home folder.
    pub fn paths(&self) -> Result<Paths> {
        let home = std::env::var_os(HOME_VARIABLE).filter(|h| !h.is_empty());
        Paths::of(&self.profile, home.as_deref().map(std::path::Path::new))
    }

    /// The file the settings come from, and what it means when it is not there.
    ///
    /// # Errors
    /// As [`Global::paths`].
    pub fn config_file(&self) -> Result<(PathBuf, Missing)> {
        Ok(match &self.config {
            Some(file) => (file.clone(), Missing::IsAnError),
            None => (self.paths()?.config_file(), Missing::UseDefaults),
        })
    }

    /// The checked settings.
    ///
    /// # Errors
    /// When the file is wrong, or was named and is not there.
    pub fn settings(&self) -> Result<Config> {
        let (file, missing) = self.config_file()?;
        Config::load(&file, missing)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The first run: profile, vault, sign-in, pairs, a dry run; on the screen or line by line
    Setup(setup::SetupArgs),
    /// Look at everything the profile needs, and say what is wrong
    Doctor(doctor::DoctorArgs),
    /// Try it: a sandbox org, an import, edits on both sides, conflicts to decide
    Demo(demo::DemoArgs),
    /// Commands that start an engine.
    #[command(flatten)]
    Engine(engine::EngineCommand),
    /// The keys of the console, as they are in force
    Keys(keys::KeysArgs),
    /// Check or show the settings
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Make the vault, see and change how it is protected
    #[command(subcommand)]
    Vault(vault::VaultCommand),
    /// Write everything of the profile to one sealed file
    Export(transfer::ExportArgs),
    /// Take in a file that `export` made
    Import(transfer::ImportArgs),
    /// A Salesforce-compatible server on this machine, for trials and tests
    #[command(subcommand)]
    Sandbox(sandbox::SandboxCommand),
}

/// Does what was asked.
///
/// # Errors
/// When it could not be done; the caller prints the error and exits with its code.
pub async fn run(cli: Cli) -> Result<Outcome> {
    let mut out = Out::stdout();
    let Cli {
        global,
        read_only,
        wall,
        plain,
        command,
    } = cli;
    let Some(command) = command else {
        let lines = console::no_screen().filter(|_| !plain);
        if let Some(why) = &lines {
            note(&format!(
                "No screen {why}: these are the lines of `syncdeck watch --plain`. Ctrl-c ends \
                 them; `syncdeck --help` lists the rest.\n"
            ));
        }
        if plain || lines.is_some() {
            let watch = EngineCommand::Watch(watch::WatchArgs {
                plain: true,
                read_only,
            });
            return with_engine(&global, watch, &mut out).await;
        }
        let opened = match (read_only, wall) {
            (_, true) => console::Opened::ForWall,
            (true, false) => console::Opened::ToLook,
            (false, false) => console::Opened::ToWork,
        };
        return console::run(&global, opened).await;
    };
    if read_only || wall || plain {
        let error = Error::new(
            Kind::Usage,
            "--read-only, --wall and --plain are for the console",
        );
        return Err(error.hint("leave them out, or leave the command out"));
    }
    match command {
        Command::Setup(args) => setup::run(&global, &args, &mut out).await,
        Command::Doctor(args) => doctor::run(&global, &args, &mut out),
        Command::Sandbox(command) => sandbox::run(command, &mut out).await,
        Command::Demo(args) => demo::run(&args, global.color, &mut out).await,
        Command::Engine(command) => with_engine(&global, command, &mut out).await,
        Command::Keys(args) => keys::run(&global, &args, &mut out),
        Command::Config(command) => config::run(&global, command, &mut out),
        Command::Vault(command) => vault::run(&global.paths()?, &global.keys, command, &mut out),
        Command::Export(args) => {
            let (paths, config) = (global.paths()?, global.settings()?);
            transfer::export(&paths, &config, &global.keys, &args, &mut out)
        }
        Command::Import(args) => {
            let (paths, config) = (global.paths()?, global.settings()?);
            transfer::import(&paths, &config, &global.keys, &args, &mut out)
        }
    }
}

/// An end that comes sooner needs no word on the way.
const AT_ONCE: Duration = Duration::from_millis(300);

/// Starts an engine, has the command talk with it, and stops it at a record boundary, whether the
/// command ended or was interrupted.
async fn with_engine(
    global: &Global,
    command: engine::EngineCommand,
    out: &mut Out,
) -> Result<Outcome> {
    let _log = start::log(&global.paths()?, &global.settings()?, command.purpose())?;
    let mut started = start::start(global, command.purpose(), command.schedules()).await?;
    let mut stops = Stops::watch()?;
    let writes = command.writes();
    let stop = tokio::select! {
        done = command.run(&mut started.session, out) => {
            started.end().await;
            return done;
        }
        stop = stops.next() => stop,
    };
    let running = started.session.running();
    let mut ending = std::pin::pin!(started.end());
    let ended = tokio::time::timeout(AT_ONCE, &mut ending).await;
    if ended.is_err() {
        note("\nstopping at the next record boundary; once more ends at once\n");
        tokio::select! {
            () = ending => {}
            _ = stops.next() => {
                note("ended at once; the next start puts right what was under way\n");
                return Ok(Outcome::Stopped(stop));
            }
        }
    }
    note(&match running {
        Some(_) if writes == Writes::Nothing => {
            "\nthe dry run was stopped; nothing was written\n".to_owned()
        }
        Some(run) => {
            format!("\nrun {run} was interrupted; `syncdeck sync` goes on where it stopped\n")
        }
        None => "\nstopped\n".to_owned(),
    });
    Ok(Outcome::Stopped(stop))
}

#[cfg(test)]
mod tests;
