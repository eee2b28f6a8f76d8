//! Date literals such as `TODAY` and `LAST_N_DAYS:7`: the days they cover (salesforce-api 4).
//!
//! In UTC, the time zone of the sandbox's users; weeks begin on Sunday, the fiscal year in January.

use jiff::{
    Span, ToSpan, Unit,
    civil::{Date, Weekday, date},
};

use crate::sandbox::time::{DAY, civil_of};

/// The days a literal covers, from the first to before the last, counted from 1970.
pub fn range(word: &str, n: Option<i64>, now: i64) -> Option<(i32, i32)> {
    let (year, month, day) = civil_of(now.div_euclid(DAY));
    let today = Date::new(year as i16, month as i8, day as i8).ok()?;
    let (from, to) = match n {
        None => plain(word, today)?,
        Some(n) => counted(word, n, today)?,
    };
    Some((number(from), number(to)))
}

fn number(date_: Date) -> i32 {
    date(1970, 1, 1)
        .until((Unit::Day, date_))
        .map_or(0, |s| s.get_days())
}

fn plus(date: Date, span: Span) -> Option<Date> {
    date.checked_add(span).ok()
}

#[derive(Clone, Copy)]
enum Period {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

fn period(name: &str) -> Option<Period> {
    Some(match name {
        "DAY" | "DAYS" => Period::Day,
        "WEEK" | "WEEKS" => Period::Week,
        "MONTH" | "MONTHS" => Period::Month,
        "QUARTER" | "QUARTERS" | "FISCAL_QUARTER" | "FISCAL_QUARTERS" => Period::Quarter,
        "YEAR" | "YEARS" | "FISCAL_YEAR" | "FISCAL_YEARS" => Period::Year,
        _ => return None,
    })
}

/// The first day of the period a day is in.
fn start(period: Period, day: Date) -> Option<Date> {
    Some(match period {
        Period::Day => day,
        Period::Week => plus(day, -i64::from(day.weekday().since(Weekday::Sunday)).days())?,
        Period::Month => day.first_of_month(),
        Period::Quarter => date(day.year(), (day.month() - 1) / 3 * 3 + 1, 1),
        Period::Year => date(day.year(), 1, 1),
    })
}

fn shift(period: Period, day: Date, n: i64) -> Option<Date> {
    // Far beyond any stored date, and beyond what a span may hold.
    if n.abs() > 10_000 {
        return None;
    }
    plus(
        day,
        match period {
            Period::Day => n.days(),
            Period::Week => n.weeks(),
            Period::Month => n.months(),
            Period::Quarter => (n * 3).months(),
            Period::Year => n.years(),
        },
    )
}

fn plain(word: &str, today: Date) -> Option<(Date, Date)> {
    let days = |from: i64, to: i64| Some((plus(today, from.days())?, plus(today, to.days())?));
    match word {
        "TODAY" => return days(0, 1),
        "YESTERDAY" => return days(-1, 0),
        "TOMORROW" => return days(1, 2),
        "LAST_90_DAYS" => return days(-90, 1),
        "NEXT_90_DAYS" => return days(1, 91),
        _ => {}
    }
    let (which, name) = word.split_once('_')?;
    let period = period(name).filter(|p| !matches!(p, Period::Day))?;
    let this = start(period, today)?;
    let offset = match which {
        "LAST" => -1,
        "THIS" => 0,
        "NEXT" => 1,
        _ => return None,
    };
    Some((
        shift(period, this, offset)?,
        shift(period, this, offset + 1)?,
    ))
}

fn counted(word: &str, n: i64, today: Date) -> Option<(Date, Date)> {
    if let Some(name) = word.strip_prefix("LAST_N_") {
        let period = period(name)?;
        let this = start(period, today)?;
        // Days count today in; the longer periods end before the current one.
        let end = match period {
            Period::Day => shift(period, this, 1)?,
            _ => this,
        };
        return Some((shift(period, this, -n)?, end));
    }
    if let Some(name) = word.strip_prefix("NEXT_N_") {
        let period = period(name)?;
        let next = shift(period, start(period, today)?, 1)?;
        return Some((next, shift(period, next, n)?));
    }
    let name = word.strip_prefix("N_")?.strip_suffix("_AGO")?;
    let period = period(name)?;
    let from = shift(period, start(period, today)?, -n)?;
    Some((from, shift(period, from, 1)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::time::{parse_date, parse_stamp};

    #[test]
    fn literals_cover_their_days() {
        // A Wednesday.
        let now = parse_stamp("2026-02-11T15:00:00Z").unwrap();
        for (word, n, from, to) in [
            ("TODAY", None, "2026-02-11", "2026-02-12"),
            ("LAST_N_DAYS", Some(2), "2026-02-09", "2026-02-12"),
            ("NEXT_N_DAYS", Some(2), "2026-02-12", "2026-02-14"),
            ("N_DAYS_AGO", Some(1), "2026-02-10", "2026-02-11"),
            ("THIS_WEEK", None, "2026-02-08", "2026-02-15"),
            ("LAST_MONTH", None, "2026-01-01", "2026-02-01"),
            ("THIS_QUARTER", None, "2026-01-01", "2026-04-01"),
            ("LAST_N_YEARS", Some(1), "2025-01-01", "2026-01-01"),
        ] {
            let expected = (parse_date(from).unwrap(), parse_date(to).unwrap());
            assert_eq!(range(word, n, now), Some(expected), "{word}");
        }
        for bad in ["NOW", "LAST_DAY", "LAST_N_DAYS", ""] {
            assert_eq!(range(bad, None, now), None, "{bad}");
        }
        assert_eq!(range("LAST_N_YEARS", Some(i64::MAX), now), None);
    }
}
