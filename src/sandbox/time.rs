//! The server's clock and the two date forms of the wire.
//!
//! All instants are whole seconds since 1970 UTC, as Salesforce stores them; dates are days since
//! 1970. Invariant: the clock never reads the time anywhere else but in [`Clock::now_ms`].

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{Timestamp, civil, fmt::rfc2822};

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// The clock of the org: the machine's, or one that stands still, moved by an offset that the
/// control interface sets.
#[derive(Debug, Default)]
pub struct Clock {
    stands_at_ms: Option<i64>,
    offset_ms: AtomicI64,
}

impl Clock {
    /// One that goes on only when it is moved, for simulations.
    pub fn standing(second: i64) -> Self {
        Self {
            stands_at_ms: Some(second.saturating_mul(1000)),
            offset_ms: AtomicI64::default(),
        }
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        let base = self.stands_at_ms;
        let base = base.unwrap_or_else(|| Timestamp::now().as_millisecond());
        base + self.offset_ms.load(Ordering::Relaxed)
    }

    /// Seconds since 1970.
    pub fn now(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    /// Moves the clock on, or back.
    pub fn advance(&self, seconds: i64) {
        self.offset_ms
            .fetch_add(seconds.saturating_mul(1000), Ordering::Relaxed);
    }

    /// Moves the clock to the machine's time plus `seconds`.
    pub fn set_offset(&self, seconds: i64) {
        self.offset_ms
            .store(seconds.saturating_mul(1000), Ordering::Relaxed);
    }
}

/// Year, month, day of a day number.
pub fn civil_of(days: i64) -> (i64, u8, u8) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u8;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u8;
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

/// Day number of a calendar date, or nothing when there is no such date between 1700 and 4000.
pub fn days_of(year: i16, month: i8, day: i8) -> Option<i32> {
    let date = civil::Date::new(year, month, day).ok()?;
    if !(1700..=4000).contains(&year) {
        return None;
    }
    let epoch = civil::date(1970, 1, 1);
    (date - epoch).get_days().into()
}

/// Appends `2021-04-08`.
pub fn write_date(out: &mut Vec<u8>, days: i32) {
    let (year, month, day) = civil_of(i64::from(days));
    digits(out, year as u32, 4);
    out.push(b'-');
    digits(out, u32::from(month), 2);
    out.push(b'-');
    digits(out, u32::from(day), 2);
}

/// Appends `2021-04-08T18:39:16.000+0000`.
pub fn write_stamp(out: &mut Vec<u8>, seconds: i64) {
    write_date(out, seconds.div_euclid(DAY) as i32);
    let of_day = seconds.rem_euclid(DAY) as u32;
    for (mark, part) in [
        (b'T', of_day / 3600),
        (b':', of_day / 60 % 60),
        (b':', of_day % 60),
    ] {
        out.push(mark);
        digits(out, part, 2);
    }
    out.extend_from_slice(b".000+0000");
}

/// [`write_stamp`] as text.
pub fn stamp_text(seconds: i64) -> String {
    let mut out = Vec::with_capacity(28);
    write_stamp(&mut out, seconds);
    String::from_utf8(out).unwrap_or_default()
}

fn digits(out: &mut Vec<u8>, number: u32, width: u32) {
    for place in (0..width).rev() {
        out.push(b'0' + (number / 10u32.pow(place) % 10) as u8);
    }
}

/// Reads `yyyy-MM-dd`.
pub fn parse_date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' || !text.is_ascii() {
        return None;
    }
    days_of(
        text[..4].parse().ok()?,
        text[5..7].parse().ok()?,
        text[8..].parse().ok()?,
    )
}

/// Reads `yyyy-MM-ddTHH:mm:ss[.SSS](Z|±HH:mm|±HHmm)`; fractions of a second are dropped.
pub fn parse_stamp(text: &str) -> Option<i64> {
    if !text.is_ascii() || text.len() < 20 || text.as_bytes()[10] != b'T' {
        return None;
    }
    let days = parse_date(&text[..10])?;
    let clock = &text[11..19];
    let two = |range: std::ops::Range<usize>| clock.get(range).and_then(|t| t.parse::<i64>().ok());
    let (hour, minute, second) = (two(0..2)?, two(3..5)?, two(6..8)?);
    let marks = clock.as_bytes();
    if hour > 23 || minute > 59 || second > 59 || marks[2] != b':' || marks[5] != b':' {
        return None;
    }
    let mut zone = &text[19..];
    if let Some(fraction) = zone.strip_prefix('.') {
        let end = fraction.find(|c: char| !c.is_ascii_digit())?;
        zone = &fraction[end..];
    }
    let offset = zone_seconds(zone)?;
    Some(i64::from(days) * DAY + hour * 3600 + minute * 60 + second - offset)
}

fn zone_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let rest: String = zone[1..].chars().filter(|c| *c != ':').collect();
    if rest.len() != 4 || !rest.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (rest[..2].parse().ok()?, rest[2..].parse().ok()?);
    (hours <= 15 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Reads an HTTP date, as in `If-Unmodified-Since`. The day of the week may be wrong: it is in the
/// vendor's own example.
pub fn parse_http_date(text: &str) -> Option<i64> {
    rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(text)
        .ok()
        .map(|t| t.as_second())
}

/// An HTTP date, as in `Date`.
pub fn http_date(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .ok()
        .and_then(|t| {
            rfc2822::DateTimePrinter::new()
                .timestamp_to_rfc9110_string(&t)
                .ok()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn offsets_and_fractions_are_read() {
        let base = parse_stamp("2021-04-08T18:39:16Z").unwrap();
        for same in [
            "2021-04-08T18:39:16.000+0000",
            "2021-04-08T18:39:16.999Z",
            "2021-04-08T20:39:16+02:00",
            "2021-04-08T13:09:16-0530",
        ] {
            assert_eq!(parse_stamp(same), Some(base), "{same}");
        }
        for bad in [
            "2021-04-08T18:39:16",
            "2021-02-30T18:39:16Z",
            "2021-04-08 18:39:16Z",
            "1600-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_stamp(bad), None, "{bad}");
        }
        assert_eq!(parse_http_date("Thu, 08 Apr 2021 18:39:16 GMT"), Some(base));
        assert_eq!(parse_http_date("Tue, 08 Apr 2021 18:39:16 GMT"), Some(base));
        assert_eq!(http_date(base), "Thu, 08 Apr 2021 18:39:16 GMT");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in -8_000_000_000i64..60_000_000_000) {
            prop_assert_eq!(parse_stamp(&stamp_text(seconds)), Some(seconds));
        }

        #[test]
        fn no_text_makes_the_parsers_fail(text in ".{0,40}") {
            let _ = (parse_stamp(&text), parse_date(&text), parse_http_date(&text));
        }
    }
}
