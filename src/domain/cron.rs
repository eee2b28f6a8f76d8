//! Cron patterns of five fields, and the instants at which they fire in a zone.
//!
//! The time is given; the only thing looked up is the zone's rules, by the caller. Hours that are
//! spelled out are wall times: one that a clock change skips fires at the first instant after the
//! gap, one that it repeats fires at its first pass only. Hours with `*` or a step follow elapsed
//! time (sync-semantics 17.2). Invariant: a [`Pattern`] fires at some time.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The longest time between two fires: 29 February across a year that is no leap year.
const LONGEST_DAYS: i32 = 366 * 8 + 2;

/// A pattern such as `0 6 * * mon-fri`: minute, hour, day of month, month, weekday.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    minutes: Set,
    hours: Set,
    days: Set,
    months: Set,
    weekdays: Set,
}

/// The numbers a field allows, as bits, and how it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Set {
    bits: u64,
    open: Open,
}

/// Whether a field begins with `*`, has a step, or is spelled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Open {
    Star,
    Step,
    No,
}

impl Set {
    fn has(self, n: i8) -> bool {
        u32::try_from(n).is_ok_and(|n| self.bits >> n & 1 == 1)
    }

    fn numbers(self) -> impl Iterator<Item = i8> {
        (0..60).filter(move |n| self.has(*n))
    }
}

/// One field: its name for errors, its range, and the words it knows.
struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    words: &'static [&'static str],
}

const MINUTE: Field = Field::new("minute", 0, 59, &[]);
const HOUR: Field = Field::new("hour", 0, 23, &[]);
const DAY: Field = Field::new("day of the month", 1, 31, &[]);
const MONTH: Field = Field::new("month", 1, 12, &MONTHS);
/// 7 is Sunday, too.
const WEEKDAY: Field = Field::new("weekday", 0, 7, &WEEKDAYS);

impl Field {
    const fn new(
        name: &'static str,
        first: u32,
        last: u32,
        words: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            first,
            last,
            words,
        }
    }

    fn read(&self, text: &str) -> Result<Set, BadPattern> {
        let mut set = Set {
            bits: 0,
            open: Open::No,
        };
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => {
                    let step = step.parse().ok().filter(|n| (1..=self.last).contains(n));
                    (range, Some(step.ok_or_else(|| self.wrong(part))?))
                }
                None => (part, None),
            };
            let (from, to) = match range.split_once('-') {
                _ if range == "*" => (self.first, self.last),
                Some((from, to)) => (self.one(from)?, self.one(to)?),
                None => {
                    let n = self.one(range)?;
                    // `5/15` goes on to the end.
                    (n, if step.is_some() { self.last } else { n })
                }
            };
            if from > to {
                return Err(BadPattern(format!("{}: {range} runs backwards", self.name)));
            }
            match (range, step) {
                ("*", _) => set.open = Open::Star,
                (_, Some(_)) if set.open == Open::No => set.open = Open::Step,
                _ => {}
            }
            let step = usize::try_from(step.unwrap_or(1)).unwrap_or(usize::MAX);
            for n in (from..=to).step_by(step) {
                set.bits |= 1 << n;
            }
        }
        Ok(set)
    }

    fn one(&self, text: &str) -> Result<u32, BadPattern> {
        let word = self
            .words
            .iter()
            .position(|w| w.eq_ignore_ascii_case(text))
            .and_then(|at| u32::try_from(at).ok())
            .map(|at| at + self.first);
        let number = || {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        word.or_else(number)
            .filter(|n| (self.first..=self.last).contains(n))
            .ok_or_else(|| self.wrong(text))
    }

    fn wrong(&self, text: &str) -> BadPattern {
        let words = match self.words {
            [first, .., last] => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        BadPattern(format!(
            "{}: `{text}` is not from {} to {}{words}",
            self.name, self.first, self.last
        ))
    }
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPattern(String);

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(BadPattern(format!(
                "a pattern has five fields (minute, hour, day, month, weekday), not {}",
                fields.len()
            )));
        };
        let mut weekdays = WEEKDAY.read(weekday)?;
        weekdays.bits |= weekdays.bits >> 7 & 1;
        let pattern = Self {
            minutes: MINUTE.read(minute)?,
            hours: HOUR.read(hour)?,
            days: DAY.read(day)?,
            months: MONTH.read(month)?,
            weekdays,
            text: fields.join(" "),
        };
        if pattern.fires() {
            Ok(pattern)
        } else {
            Err(BadPattern(format!(
                "`{}` never fires: those months have no such day",
                pattern.text
            )))
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Pattern {
    type Error = BadPattern;

    fn try_from(text: String) -> Result<Self, BadPattern> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

impl Pattern {
    /// Every day at a wall time; none when there is no such time.
    pub fn daily(hour: i8, minute: i8) -> Option<Self> {
        format!("{minute} {hour} * * *").parse().ok()
    }

    /// Every hour at a minute; none when there is no such minute.
    pub fn hourly(minute: i8) -> Option<Self> {
        format!("{minute} * * * *").parse().ok()
    }

    /// Whether there is a day for it at all: weekdays come in every month, a 30 February never.
    fn fires(&self) -> bool {
        let either = self.weekdays.open != Open::Star && self.days.open != Open::Star;
        either
            || self.months.numbers().any(|month| {
                let longest = match month {
                    2 => 29,
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                self.days.numbers().any(|day| day <= longest)
            })
    }

    /// A day of the month and a weekday of which neither begins with `*` are alternatives, as cron
    /// has it.
    fn on(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset();
        let (day, weekday) = (self.days.has(date.day()), self.weekdays.has(weekday));
        self.months.has(date.month())
            && match (self.days.open, self.weekdays.open) {
                (Open::Star, _) | (_, Open::Star) => day && weekday,
                _ => day || weekday,
            }
    }

    /// The first instant after `after` at which it fires; none at the end of the calendar.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let here = zone.to_datetime(after);
        let elapsed = self.hours.open != Open::No;
        let mut best: Option<Timestamp> = None;
        let start = if elapsed {
            before_fold(after, here, zone)?
        } else {
            here
        };
        let mut date = start.date();
        for _ in 0..=LONGEST_DAYS {
            for wall in self.walls(date).filter(|wall| *wall >= start) {
                let (first, second) = instants(wall, zone, elapsed)?;
                best = [second, first]
                    .into_iter()
                    .flatten()
                    .filter(|at| *at > after)
                    .chain(best)
                    .min();
                // Later wall times never have an earlier first pass.
                if best.is_some() && first.is_some_and(|first| first > after) {
                    return best;
                }
            }
            date = date.tomorrow().ok()?;
        }
        best
    }

    /// Its wall times of one day, in order.
    fn walls(&self, date: Date) -> impl Iterator<Item = DateTime> {
        let hours = if self.on(date) { self.hours.bits } else { 0 };
        let hours = Set {
            bits: hours,
            ..self.hours
        };
        let minutes = self.minutes;
        hours.numbers().flat_map(move |hour| {
            let at = move |minute| date.at(hour, minute, 0, 0);
            minutes.numbers().map(at)
        })
    }
}

/// Where to begin looking: wall times a coming clock change will repeat lie before the present one.
fn before_fold(after: Timestamp, here: DateTime, zone: &TimeZone) -> Option<DateTime> {
    let soon = after.checked_add(48.hours()).ok()?;
    let Some(change) = zone.following(after).next() else {
        return Some(here);
    };
    let (was, is) = (zone.to_offset(after), change.offset());
    if change.timestamp() > soon || is >= was {
        return Some(here);
    }
    let seconds = i64::from(was.seconds()) - i64::from(is.seconds());
    here.checked_sub(seconds.seconds()).ok()
}

/// The instants of a wall time: the first pass and, for patterns of elapsed time, the second.
fn instants(
    wall: DateTime,
    zone: &TimeZone,
    elapsed: bool,
) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
    Some(match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => (Some(offset.to_timestamp(wall).ok()?), None),
        AmbiguousOffset::Fold { before, after } => {
            let second = elapsed.then(|| after.to_timestamp(wall)).transpose().ok()?;
            (Some(before.to_timestamp(wall).ok()?), second)
        }
        AmbiguousOffset::Gap { .. } if elapsed => (None, None),
        AmbiguousOffset::Gap { after, .. } => {
            let earlier = after.to_timestamp(wall).ok()?;
            let change = zone.following(earlier).next()?;
            (Some(change.timestamp()), None)
        }
    })
}

#[cfg(test)]
mod tests;
