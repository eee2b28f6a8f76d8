//! One value of the file at a time: taken, or told and the default in its place.
//!
//! Knows no settings as a whole. Invariant: a value that is not taken leaves a problem with its
//! place.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;

use super::super::login::LoginAddress;
use super::super::problem::Problem;
use super::super::raw::Slot;
use super::super::sign_in::{self, SignIn, Way, secret_ref};
use super::{Access, Backup, BandColour, Color, LogLevel, NO_PRESET, Times};
use crate::domain::mapping::{Guard, Strategy};
use crate::domain::preset::{Preset, presets};
use crate::domain::schedule::{BadSchedule, CatchUp, FORMS, Overlap, Schedule};

/// A closed set of values and the words for them in the file.
pub(super) trait Words: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

macro_rules! words {
    ($($type:ty { $($word:literal => $value:path),+ $(,)? })+) => {
        $(impl Words for $type {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, $value)),+];
        })+
    };
}

words! {
    Access { "read-write" => Access::ReadWrite, "read-only" => Access::ReadOnly }
    CatchUp { "one" => CatchUp::One, "never" => CatchUp::Never, "all" => CatchUp::All }
    Overlap { "queue-one" => Overlap::QueueOne, "skip" => Overlap::Skip }
    Strategy {
        "ask" => Strategy::Ask, "crm" => Strategy::Crm, "app" => Strategy::App,
        "newest" => Strategy::Newest, "newest-or-crm" => Strategy::NewestOrCrm,
        "newest-or-app" => Strategy::NewestOrApp, "filled" => Strategy::Filled,
    }
    Guard {
        "precondition" => Guard::Precondition, "recheck" => Guard::Recheck, "none" => Guard::None,
    }
    Color {
        "auto" => Color::Auto, "never" => Color::Never, "16" => Color::Ansi16,
        "256" => Color::Ansi256, "truecolor" => Color::TrueColor,
    }
    Way {
        "browser" => Way::Browser, "jwt" => Way::Jwt,
        "client-credentials" => Way::ClientCredentials, "device" => Way::Device,
    }
    BandColour {
        "text" => BandColour::Text, "red" => BandColour::Red, "green" => BandColour::Green,
        "yellow" => BandColour::Yellow, "blue" => BandColour::Blue,
        "magenta" => BandColour::Magenta, "cyan" => BandColour::Cyan,
    }
    Times { "utc" => Times::Utc, "local" => Times::Local }
    LogLevel {
        "error" => LogLevel::Error, "warn" => LogLevel::Warn, "info" => LogLevel::Info,
        "debug" => LogLevel::Debug, "trace" => LogLevel::Trace,
    }
    Backup { "daily" => Backup::Daily, "never" => Backup::Never }
}

pub(super) fn word<T: Words>(value: T) -> &'static str {
    T::WORDS
        .iter()
        .find(|(_, v)| *v == value)
        .map_or("", |(w, _)| w)
}

/// Collects the problems while values are taken.
#[derive(Default)]
pub(super) struct Check {
    pub(super) problems: Vec<Problem>,
}

impl Check {
    pub(super) fn number<T: TryFrom<i64>>(
        &mut self,
        slot: Slot<i64>,
        default: T,
        range: RangeInclusive<i64>,
    ) -> T {
        let Some(value) = slot else { return default };
        let taken = T::try_from(*value.get_ref()).ok();
        match taken {
            Some(number) if range.contains(value.get_ref()) => number,
            _ => {
                self.problems.push(
                    Problem::new(value.span(), format!("{} is out of range", value.get_ref()))
                        .expected(format!(
                            "a whole number from {} to {}",
                            range.start(),
                            range.end()
                        )),
                );
                default
            }
        }
    }

    pub(super) fn seconds(
        &mut self,
        slot: Slot<i64>,
        default: u64,
        range: RangeInclusive<i64>,
    ) -> Duration {
        Duration::from_secs(self.number(slot, default, range))
    }

    pub(super) fn choice<T: Words>(&mut self, slot: Slot<String>, default: T) -> T {
        let Some(value) = slot else { return default };
        let text = value.get_ref();
        if let Some((_, found)) = T::WORDS.iter().find(|(w, _)| w == text) {
            return *found;
        }
        let words = T::WORDS.iter().map(|(w, _)| *w);
        let list: Vec<_> = words.clone().map(|w| format!("\"{w}\"")).collect();
        self.problems.push(
            Problem::new(value.span(), "not one of the words for this setting")
                .expected(list.join(" or "))
                .meant(text, words),
        );
        default
    }

    pub(super) fn preset(&mut self, slot: Slot<String>) -> Option<Preset> {
        let value = slot?;
        let text = value.get_ref();
        let found = presets().iter().find(|p| p.name == text);
        if found.is_none() && text != NO_PRESET {
            let names = presets().iter().map(|p| p.name).chain([NO_PRESET]);
            let list: Vec<_> = names.clone().map(|n| format!("\"{n}\"")).collect();
            self.problems.push(
                Problem::new(value.span(), "there is no preset of this name")
                    .expected(list.join(" or "))
                    .meant(text, names),
            );
        }
        found.copied()
    }

    /// A text with a rule of its own; the rule says what it expects.
    pub(super) fn text<T>(
        &mut self,
        slot: Slot<String>,
        rule: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let value = slot?;
        match rule(value.get_ref()) {
            Ok(taken) => Some(taken),
            Err(expected) => {
                self.problems
                    .push(Problem::new(value.span(), "this value does not fit").expected(expected));
                None
            }
        }
    }

    pub(super) fn sign_in(
        &mut self,
        way: Slot<String>,
        secret: Slot<String>,
        (login, login_span): (LoginAddress, Option<Range<usize>>),
    ) -> SignIn {
        let way_span = way.as_ref().map_or(0..0, Spanned::span);
        let way = Spanned::new(way_span.clone(), self.choice(way, Way::Browser));
        let secret_span = secret.as_ref().map_or(0..0, Spanned::span);
        let given = secret.is_some();
        let secret = self.text(secret, secret_ref);
        if given && secret.is_none() {
            // Told already; what does not fit together after that follows from it.
            return SignIn::Browser { secret: None };
        }
        let secret = secret.map(|secret| Spanned::new(secret_span, secret));
        let login = Spanned::new(login_span.unwrap_or(way_span), login);
        sign_in::resolve(&way, secret, &login).unwrap_or_else(|problem| {
            self.problems.push(problem);
            SignIn::Browser { secret: None }
        })
    }

    pub(super) fn name(&mut self, value: Spanned<String>, of: &str) -> String {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let text = value.get_ref();
        if text.is_empty() || !text.chars().all(fits) {
            self.problems.push(
                Problem::new(value.span(), format!("not the name of {of}"))
                    .expected("small letters, digits, `-` and `_`"),
            );
        }
        value.into_inner()
    }

    pub(super) fn schedule(&mut self, slot: Slot<String>) -> Option<Schedule> {
        let value = slot?;
        let read = value.get_ref().parse();
        read.map_err(|error: BadSchedule| {
            self.problems
                .push(Problem::new(value.span(), error.to_string()).expected(FORMS));
        })
        .ok()
    }
}
