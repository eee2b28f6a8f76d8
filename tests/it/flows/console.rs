//! The console as a person uses it: keys are pressed, and what is seen is waited for.
//!
//! Invariant: nothing is slept; what is not seen in time is a failure.

use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use super::CTRL_U;
use crate::pty::Terminal;
use crate::world::World;

/// Longest wait for a state; nothing is slept.
const PATIENCE: Duration = Duration::from_secs(30);

/// A console on a terminal.
pub struct Console {
    pub(super) terminal: Terminal,
}

impl Console {
    pub fn open(world: &World) -> Self {
        Self::open_with(world, &[])
    }

    pub fn open_with(world: &World, args: &[&str]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_syncdeck"));
        command.args(args);
        command.env_clear();
        for (name, value) in world.variables() {
            command.env(name, value);
        }
        let mut terminal = Terminal::of(command);
        terminal
            .until_shown("[1 Overview]")
            .until_shown("Account <-> accounts");
        Self { terminal }
    }

    pub fn press(&mut self, keys: &str) -> &mut Self {
        self.terminal.type_keys(keys);
        self
    }

    pub fn sees(&mut self, text: &str) -> &mut Self {
        self.terminal.until_shown(text);
        self
    }

    /// Waits for a row that has all of these.
    pub fn sees_row(&mut self, parts: &[&str]) -> &mut Self {
        self.terminal.until(&format!("{parts:?}"), |screen| {
            let text = screen.contents();
            let mut lines = text.lines();
            lines.any(|line| parts.iter().all(|part| line.contains(part)))
        });
        self
    }

    pub fn sees_no(&mut self, text: &str) -> &mut Self {
        self.terminal
            .until(&format!("no {text}"), |s| !s.contents().contains(text));
        self
    }

    /// Chooses the right button of a question, which takes no key before it could be read.
    pub fn agree(&mut self, question: &str, button: &str) {
        self.sees(question);
        let chosen = format!("> [ {button} ]");
        let end = Instant::now() + PATIENCE;
        loop {
            self.press("l");
            let soon = Duration::from_millis(200);
            if self
                .terminal
                .within(soon, |s| s.contents().contains(&chosen))
            {
                break;
            }
            assert!(Instant::now() < end, "{button} cannot be chosen");
        }
        self.press("\r").sees_no(question);
    }

    /// Types into a question, which takes no key before it could be read.
    pub fn types(&mut self, text: &str) -> &mut Self {
        let end = Instant::now() + PATIENCE;
        loop {
            self.press(&format!("{CTRL_U}{text}"));
            let soon = Duration::from_millis(200);
            let typed = format!("> {text}");
            if self
                .terminal
                .within(soon, |s| s.contents().contains(&typed))
            {
                return self;
            }
            assert!(Instant::now() < end, "{text} cannot be typed");
        }
    }

    pub fn quit(mut self) {
        self.press("1").sees("[1 Overview]").press("q");
        self.terminal.exits();
    }
}
