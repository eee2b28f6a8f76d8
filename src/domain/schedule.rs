//! When a pair runs by itself: the forms, their one text, and what is due (sync-semantics 17).
//!
//! The time is given; zones come from the time zone database. Invariant: a text that was read is
//! written the same way again, and an instant is due at most once: the mark only moves forward.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::cron::Pattern;

/// What may stand where a schedule is wanted.
pub const FORMS: &str = "\"manual\", \"every N minutes\", \"hourly at :MM\", \"daily at HH:MM ZONE\" or \"cron MINUTE HOUR DAY MONTH WEEKDAY ZONE\"; ZONE is like Europe/Berlin, and UTC when left out";

/// Fires older than this are not made up for (sync-semantics 17.4).
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// A fire this old was missed: nobody looked at the clock when it was due.
const ON_TIME: SignedDuration = SignedDuration::from_mins(5);

/// When a pair runs by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Only when asked.
    #[default]
    Manual,
    /// Every so many minutes after the last start, at least one.
    Every {
        /// Minutes.
        minutes: u16,
    },
    /// At a minute of every hour, UTC.
    Hourly(Minute),
    /// Once a day.
    Daily(TimeOfDay, Zone),
    /// By a pattern.
    Cron(Pattern, Zone),
}

/// A minute of an hour, 0 to 59.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Minute(i8);

/// An hour and a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeOfDay {
    hour: i8,
    minute: i8,
}

/// The name of a time zone of the IANA database, in its own spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Zone(String);

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }

    /// Its rules; none when this machine does not know it (any more).
    fn rules(&self) -> Option<TimeZone> {
        TimeZone::get(&self.0).ok()
    }

    fn read(name: &str) -> Result<Self, BadSchedule> {
        let known = TimeZone::get(name).ok();
        let name = known.as_ref().and_then(TimeZone::iana_name);
        name.map(|name| Self(name.to_owned()))
            .ok_or_else(|| BadSchedule("there is no time zone of this name".to_owned()))
    }
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSchedule(String);

impl FromStr for Schedule {
    type Err = BadSchedule;

    fn from_str(text: &str) -> Result<Self, BadSchedule> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["manual"] => Ok(Self::Manual),
            ["every", "minute"] => Ok(Self::Every { minutes: 1 }),
            ["every", n, "minutes" | "minute"] => match n.parse() {
                Ok(minutes @ 1..) => Ok(Self::Every { minutes }),
                _ => Err(BadSchedule(format!(
                    "the minutes are a whole number from 1 to {}",
                    u16::MAX
                ))),
            },
            ["hourly"] => Ok(Self::Hourly(Minute(0))),
            ["hourly", "at", at] => at
                .strip_prefix(':')
                .and_then(|minute| two_digits(minute, 59))
                .map(|minute| Self::Hourly(Minute(minute)))
                .ok_or_else(|| BadSchedule("the minute is from :00 to :59".to_owned())),
            ["daily", "at", at] => Ok(Self::Daily(time_of_day(at)?, Zone::utc())),
            ["daily", "at", at, zone] => Ok(Self::Daily(time_of_day(at)?, Zone::read(zone)?)),
            ["cron", fields @ .., zone] if fields.len() == 5 => {
                Ok(Self::Cron(pattern(fields)?, Zone::read(zone)?))
            }
            ["cron", fields @ ..] => Ok(Self::Cron(pattern(fields)?, Zone::utc())),
            _ => Err(BadSchedule("not a schedule".to_owned())),
        }
    }
}

fn pattern(fields: &[&str]) -> Result<Pattern, BadSchedule> {
    let read = fields.join(" ").parse();
    read.map_err(|error: super::cron::BadPattern| BadSchedule(error.to_string()))
}

fn two_digits(text: &str, last: i8) -> Option<i8> {
    let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.filter(|n| *n <= last)
}

fn time_of_day(text: &str) -> Result<TimeOfDay, BadSchedule> {
    text.split_once(':')
        .and_then(|(hour, minute)| {
            Some(TimeOfDay {
                hour: two_digits(hour, 23)?,
                minute: two_digits(minute, 59)?,
            })
        })
        .ok_or_else(|| BadSchedule("the time is from 00:00 to 23:59".to_owned()))
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manual => f.write_str("manual"),
            Self::Every { minutes: 1 } => f.write_str("every minute"),
            Self::Every { minutes } => write!(f, "every {minutes} minutes"),
            Self::Hourly(Minute(minute)) => write!(f, "hourly at :{minute:02}"),
            Self::Daily(TimeOfDay { hour, minute }, Zone(zone)) => {
                write!(f, "daily at {hour:02}:{minute:02} {zone}")
            }
            Self::Cron(pattern, Zone(zone)) => write!(f, "cron {pattern} {zone}"),
        }
    }
}

/// What is done about a fire that nobody was there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// All that were missed become one run.
    One,
    /// They are left out.
    Never,
    /// Each becomes a run, of the latest [`EACH_AT_MOST`].
    All,
}

/// Missed fires that are made up for one by one.
pub const EACH_AT_MOST: usize = 10;

/// What is done about a fire of a pair whose last run has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// One run waits, however often it fires.
    QueueOne,
    /// It starts nothing.
    Skip,
}

/// How schedules are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// What is done about missed fires.
    pub catch_up: CatchUp,
    /// How long after its instant a fire starts, so that not everybody starts at :00.
    pub jitter: SignedDuration,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    NotYet,
    /// A run; the mark moves there.
    Run(Timestamp),
    /// So many runs, one after the other; the mark moves there.
    Each(Timestamp, usize),
    /// Nothing, but fires were missed; the mark moves there.
    Missed(Timestamp),
}

/// Why a schedule starts nothing, although it says when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stuck {
    /// This machine does not know its time zone (any more).
    UnknownZone(Zone),
    /// The clock is behind the last fire, so it was set back; nothing starts before that instant.
    ClockSetBack(Timestamp),
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownZone(Zone(zone)) => write!(
                f,
                "this machine does not know the time zone {zone}: nothing starts; install its time \
                 zone data, or set another schedule"
            ),
            Self::ClockSetBack(mark) => write!(
                f,
                "the clock is behind the last start: nothing starts before {} UTC; set the clock \
                 right, or set the schedule again",
                mark.strftime("%Y-%m-%d %H:%M")
            ),
        }
    }
}

impl Schedule {
    /// In words, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Manual => "when asked".to_owned(),
            other => other.to_string(),
        }
    }

    /// The pattern behind it, and its zone.
    fn pattern(&self) -> Option<(Pattern, TimeZone)> {
        match self {
            Self::Manual | Self::Every { .. } => None,
            Self::Hourly(Minute(minute)) => Some((Pattern::hourly(*minute)?, TimeZone::UTC)),
            Self::Daily(at, zone) => Some((Pattern::daily(at.hour, at.minute)?, zone.rules()?)),
            Self::Cron(pattern, zone) => Some((pattern.clone(), zone.rules()?)),
        }
    }

    /// What keeps it from ever starting, or for longer than it says.
    pub fn stuck(&self, mark: Timestamp, now: Timestamp) -> Option<Stuck> {
        let zone = match self {
            Self::Manual => return None,
            Self::Every { .. } | Self::Hourly(_) => None,
            Self::Daily(_, zone) | Self::Cron(_, zone) => Some(zone),
        };
        let unknown = zone.filter(|zone| zone.rules().is_none());
        let ahead = mark.duration_since(now) > ON_TIME;
        let unknown = unknown.map(|zone| Stuck::UnknownZone(zone.clone()));
        unknown.or_else(|| ahead.then_some(Stuck::ClockSetBack(mark)))
    }

    /// The first fire after a mark: the instant of the last one, or when it was set.
    pub fn next(&self, mark: Timestamp) -> Option<Timestamp> {
        if let Self::Every { minutes } = self {
            let minutes = SignedDuration::from_mins(i64::from(*minutes));
            return mark.checked_add(minutes).ok();
        }
        let (pattern, zone) = self.pattern()?;
        pattern.next(mark, &zone)
    }

    /// The next fires from `now` on, at most `count`, when the last one was at `mark`.
    pub fn upcoming(&self, mark: Timestamp, now: Timestamp, count: usize) -> Vec<Timestamp> {
        let first = match self {
            // One that is due already starts at once.
            Self::Every { .. } => self.next(mark).map(|at| at.max(now)),
            _ => self.next(mark.max(now)),
        };
        std::iter::successors(first, |at| self.next(*at))
            .take(count)
            .collect()
    }

    /// What is due at `now` when the last fire was at `mark`.
    pub fn due(&self, mark: Timestamp, now: Timestamp, rules: Rules) -> Due {
        if let Self::Every { .. } = self {
            return match self.next(mark) {
                Some(at) if at <= now => Due::Run(now),
                _ => Due::NotYet,
            };
        }
        let Some((pattern, zone)) = self.pattern() else {
            return Due::NotYet;
        };
        let until = now - rules.jitter;
        if pattern.next(mark, &zone).is_none_or(|first| first > until) {
            return Due::NotYet;
        }
        let since = mark.max(until - WINDOW);
        let fires =
            std::iter::successors(pattern.next(since, &zone), |at| pattern.next(*at, &zone));
        let fires: Vec<Timestamp> = fires.take_while(|at| *at <= until).collect();
        match fires.last().copied() {
            // All of them are older than what is made up for.
            None => Due::Missed(since),
            Some(at) if rules.catch_up == CatchUp::Never && until.duration_since(at) > ON_TIME => {
                Due::Missed(at)
            }
            Some(at) if rules.catch_up == CatchUp::All && fires.len() > 1 => {
                Due::Each(at, fires.len().min(EACH_AT_MOST))
            }
            Some(at) => Due::Run(at),
        }
    }
}

/// The delay of fires for one connection: the same each time, at most `most`.
pub fn jitter(of: &str, most: SignedDuration) -> SignedDuration {
    let mixed = of.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let most = u64::try_from(most.as_secs()).unwrap_or(0);
    SignedDuration::from_secs(i64::try_from(mixed % (most + 1)).unwrap_or(0))
}

#[cfg(test)]
mod tests;
