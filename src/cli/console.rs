//! `syncdeck` without a command: the console over an engine in this process.
//!
//! It finds the theme and the keys; the rest is the console's. Invariants: the settings, the keys
//! and the theme are right, and the vault is open, before the terminal is taken; the first frame
//! waits for no store.

use std::io::IsTerminal as _;
use std::pin::pin;

use super::interrupt::Stop;
use super::out::note;
use super::{Global, Outcome, leave, setup, start};
use crate::config::resolved;
use crate::config::theme::{self, ThemeFile};
use crate::config::{Config, Paths, keys};
use crate::engine::core::Schedules;
use crate::engine::link;
use crate::engine::summary::Access;
use crate::error::{Error, Kind, Result};
use crate::logging::LogGuard;
use crate::tui::keymap::Keymap;
use crate::tui::theme::{ColourHints, faint};
use crate::tui::wizard::port::First;
use crate::tui::{self, Audience, Depth, ExitReason, Hosting, Times, signals};

/// What it is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// To do everything.
    ToWork,
    /// To look: no run starts, not even a scheduled one.
    ToLook,
    /// To hang on a wall: what is scheduled runs, and no key changes anything.
    ForWall,
}

/// Opens it, and stops the engine when the person leaves. A profile that is not set up gets the
/// first run instead, which leads here.
///
/// # Errors
/// When a file of the profile is wrong, or the engine does not start.
pub async fn run(global: &Global, opened: Opened) -> Result<Outcome> {
    if opened == Opened::ToWork && setup::is_needed(global)? {
        return setup::on_screen(global).await;
    }
    open(global, opened, First::Nothing, None).await
}

/// What a screen of this profile looks like, and its keys.
///
/// # Errors
/// When a file of the profile is wrong.
pub fn options(global: &Global) -> Result<tui::Options> {
    let (paths, config) = (global.paths()?, global.settings()?);
    let mut options = tui::Options::from_env(
        theme_of(&paths, &config)?,
        keymap(&paths)?,
        Hosting::Embedded,
    );
    look(&mut options, &config);
    options.depth = match global.color {
        Some(color) => depth(color),
        None => depth(config.ui.color),
    };
    (options.themes, options.remarks) = user_themes(&paths, &options.theme);
    Ok(options)
}

/// Opens it on a terminal for a profile that is set up, and does first what is said. `log` is the
/// one of this process, if it was started.
///
/// # Errors
/// When a file of the profile is wrong, or the engine does not start.
pub async fn open(
    global: &Global,
    opened: Opened,
    first: First,
    log: Option<LogGuard>,
) -> Result<Outcome> {
    let mut options = options(global)?;
    let schedules;
    (options.access, options.audience, schedules) = match opened {
        Opened::ToWork => (Access::ReadWrite, Audience::Person, Schedules::Followed),
        Opened::ToLook => (Access::ReadOnly, Audience::Person, Schedules::Left),
        Opened::ForWall => (Access::ReadOnly, Audience::Wall, Schedules::Followed),
    };
    let _log = match log {
        Some(log) => log,
        None => start::log(&global.paths()?, &global.settings()?, "console")?,
    };
    options.first = first;
    let opening = start::begin(global, "console", schedules, options.access).await?;
    let (link, end) = link::pair();
    let mut shown = pin!(tui::run(link, options));
    let mut engine = pin!(opening.engine(end));
    let (shown, engine) = tokio::select! {
        biased;
        // Left before the store was open: what was entered is still written.
        shown = &mut shown => (shown, engine.await?),
        // An engine that does not start gives the terminal back, and its reason is told there.
        engine = &mut engine => {
            let engine = engine?;
            (shown.await, engine)
        }
    };
    let why = *shown.as_ref().unwrap_or(&ExitReason::Quit);
    let ended = leave::finish(engine.stop(), why, signals::listen()?, note).await;
    shown.map(|_| match ended {
        Some(()) => Outcome::Fine,
        None => Outcome::Stopped(Stop::Terminate),
    })
}

/// Times, keys and the first line as the settings say.
fn look(options: &mut tui::Options, config: &Config) {
    options.times = match config.ui.times {
        resolved::Times::Utc => Times::Utc,
        resolved::Times::Local => Times::Local,
    };
    options.band.clone_from(&config.ui.band);
    if let Some(wait) = config.ui.esc_wait {
        options.esc_hold = wait;
    }
}

/// The colours that were chosen, or those the environment speaks of.
pub fn depth(color: resolved::Color) -> Depth {
    match color {
        resolved::Color::Auto => Depth::detect(&ColourHints::from_env()),
        resolved::Color::Never => Depth::Mono,
        resolved::Color::Ansi16 => Depth::Ansi16,
        resolved::Color::Ansi256 => Depth::Ansi256,
        resolved::Color::TrueColor => Depth::True,
    }
}

/// A file of the profile of that name, or else the built-in theme.
fn theme_of(paths: &Paths, config: &Config) -> Result<ThemeFile> {
    let name = &config.ui.theme;
    let file = paths.themes_dir().join(format!("{name}.toml"));
    match text_of(&file)? {
        Some(text) => Ok(ThemeFile {
            name: name.clone(),
            ..theme::parse(&file.display().to_string(), &text)?
        }),
        None => theme::built_in(name),
    }
}

/// The defaults with the profile's key file laid over them.
///
/// # Errors
/// The file is wrong, or cannot be read.
pub fn keymap(paths: &Paths) -> Result<Keymap> {
    let file = paths.keys_file();
    match text_of(&file)? {
        Some(text) => Keymap::with_file(&keys::parse(&file.display().to_string(), &text)?),
        None => Ok(Keymap::default()),
    }
}

/// Names of terminals that cannot move their cursor; the second is what a terminal is called that
/// nobody knows.
const DUMB: [&str; 2] = ["dumb", "unknown"];

/// The name of the terminal, if it cannot move its cursor.
pub fn dumb_name() -> Option<&'static str> {
    let term = std::env::var_os("TERM")?;
    DUMB.into_iter().find(|name| term == *name)
}

/// Whether keys come from a terminal and the output goes to one.
pub fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Where no screen can be drawn, in words that follow "no screen" (terminal-ux 11).
pub fn no_screen() -> Option<String> {
    if !has_terminal() {
        return Some("without a terminal".to_owned());
    }
    dumb_name().map(|name| format!("on this terminal (TERM={name})"))
}

/// The themes of the profile's folder, and what is wrong with those that cannot be used or read
/// badly. Only the one in use stops the start.
fn user_themes(paths: &Paths, used: &ThemeFile) -> (Vec<ThemeFile>, Vec<String>) {
    let (mut themes, mut remarks) = (Vec::new(), hard_to_read(used));
    let folder = paths.themes_dir();
    let dir = match std::fs::read_dir(&folder) {
        Ok(dir) => dir,
        Err(error) => {
            // Most profiles have no such folder.
            if error.kind() != std::io::ErrorKind::NotFound {
                let error = unreadable(&folder, &error);
                remarks.push(format!("Themes are left out. {}", told(&error)));
            }
            return (themes, remarks);
        }
    };
    let mut files: Vec<_> = dir.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    for file in files {
        let Some(name) = file.file_stem().and_then(|n| n.to_str()) else {
            continue;
        };
        if file.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let read = text_of(&file)
            .and_then(|text| theme::parse(&file.display().to_string(), &text.unwrap_or_default()));
        match read {
            Ok(theme) => {
                if theme.name != used.name {
                    remarks.extend(hard_to_read(&theme));
                }
                themes.push(ThemeFile {
                    name: name.to_owned(),
                    ..theme
                });
            }
            Err(error) => remarks.push(format!("A theme is left out. {}", told(&error))),
        }
    }
    (themes, remarks)
}

fn told(error: &Error) -> String {
    match error.remedy() {
        Some(remedy) => format!("{}; {remedy}.", error.message()),
        None => format!("{}.", error.message()),
    }
}

/// Roles of a theme that its own background swallows.
fn hard_to_read(theme: &ThemeFile) -> Vec<String> {
    let say = |(role, contrast): &(tui::theme::Role, f64)| {
        format!(
            "Theme {}: {} is hard to read on its background ({contrast:.1}:1, 4.5:1 is enough).",
            theme.name,
            role.name()
        )
    };
    faint(theme).iter().map(say).collect()
}

/// The text of a file, if it is there.
fn text_of(file: &std::path::Path) -> Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(file, &e)),
    }
}

fn unreadable(file: &std::path::Path, error: &std::io::Error) -> Error {
    let text = format!("cannot read {}: {error}", file.display());
    Error::new(Kind::Config, text).hint("let this user read it, or take it away")
}
