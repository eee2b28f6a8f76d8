//! `syncdeck demo`: the whole product against a sandbox org that it brings along.
//!
//! With a terminal it prepares a sync with work left to do and opens the console; without one, or
//! with `--headless`, it does everything itself and checks the result. Invariant: nothing leaves
//! loopback, and the person's own profiles are not touched.

mod browser;
mod headless;
mod place;
mod steps;
mod story;
mod verify;

use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;

use clap::Args;

use super::interrupt::{Stop, Stops};
use super::out::Out;
use super::{Outcome, console};
use crate::config::resolved::Color;
use crate::config::theme;
use crate::error::Result;
use crate::tui::keymap::Keymap;
use crate::tui::{self, Hosting};
use place::Place;
use steps::Steps;
use story::Story;

/// Arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncdeck demo
  syncdeck demo --headless
  syncdeck demo --leads 100000

Everything lies in a folder of its own, which is removed at the end; the sandbox org is in this
process and ends with it.

Exit codes: 0 fine, 2 something differs from what it should be.")]
pub struct DemoArgs {
    /// No console: do everything, check it, and say what was done
    #[arg(long)]
    pub headless: bool,
    /// Leads in the sandbox org; the other records come in proportion
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(100..=200_000))]
    pub leads: u32,
    /// Keep the demo's folder, here, to look at it afterwards
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// Runs the demo.
///
/// # Errors
/// When something cannot be done, or is not as it should be.
pub async fn run<W: Write>(
    args: &DemoArgs,
    color: Option<Color>,
    out: &mut Out<W>,
) -> Result<Outcome> {
    let leads = usize::try_from(args.leads).unwrap_or(usize::MAX);
    let mut stops = Stops::watch()?;
    let mut place = Place::make(args.keep.as_deref(), leads).await?;
    let with_console = !args.headless && std::io::stdout().is_terminal();
    let mut steps = Steps::new();
    let done = tokio::select! {
        done = prepared(&mut place, &mut steps, out) => done,
        stop = stops.next() => return stopped(place, stop).await,
    };
    match done {
        Ok(_) if with_console => {
            let theme = theme::built_in("terminal")?;
            let mut options = tui::Options::from_env(theme, Keymap::default(), Hosting::Embedded);
            options.depth = console::depth(color.unwrap_or(Color::Auto));
            place.console(options).await?;
        }
        Ok(story) => {
            let done = tokio::select! {
                done = headless::run(&mut place, &story, &mut steps, out) => done,
                stop = stops.next() => return stopped(place, stop).await,
            };
            let ended = place.end().await;
            done.and(ended)?;
        }
        Err(error) => {
            let ended = place.end().await;
            return Err(ended.err().unwrap_or(error));
        }
    }
    Ok(Outcome::Fine)
}

/// Leaves nothing behind.
async fn stopped(place: Place, stop: Stop) -> Result<Outcome> {
    place.end().await?;
    Ok(Outcome::Stopped(stop))
}

async fn prepared<W: Write>(
    place: &mut Place,
    steps: &mut Steps,
    out: &mut Out<W>,
) -> Result<Story> {
    headless::prepare(place, steps, out).await?;
    headless::edits(place, steps, out).await
}
