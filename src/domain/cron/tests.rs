//! Patterns: what they match, what is refused, and the hours that clocks skip or repeat.

use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The next fires after an instant, as UTC times.
fn fires(pattern: &str, name: &str, after: &str, count: usize) -> Vec<String> {
    let (pattern, zone): (Pattern, _) = (pattern.parse().unwrap(), zone(name));
    std::iter::successors(pattern.next(at(after), &zone), |t| pattern.next(*t, &zone))
        .take(count)
        .map(|t| t.strftime("%m-%d %H:%M").to_string())
        .collect()
}

#[test]
fn fields_have_lists_ranges_steps_and_words() {
    let after = "2026-11-20T12:00:30Z"; // a Friday
    for (pattern, expected) in [
        ("* * * * *", ["11-20 12:01", "11-20 12:02", "11-20 12:03"]),
        (
            "*/20 * * * *",
            ["11-20 12:20", "11-20 12:40", "11-20 13:00"],
        ),
        (
            "5,50 8-9 * * *",
            ["11-21 08:05", "11-21 08:50", "11-21 09:05"],
        ),
        (
            "0 6 * * mon-fri",
            ["11-23 06:00", "11-24 06:00", "11-25 06:00"],
        ),
        ("0 6 * * 7", ["11-22 06:00", "11-29 06:00", "12-06 06:00"]),
        ("0 6 * * SUN", ["11-22 06:00", "11-29 06:00", "12-06 06:00"]),
        (
            "0 0 1 jan,jul *",
            ["01-01 00:00", "07-01 00:00", "01-01 00:00"],
        ),
        (
            "30 10/6 * * *",
            ["11-20 16:30", "11-20 22:30", "11-21 10:30"],
        ),
        ("0 0 31 * *", ["12-31 00:00", "01-31 00:00", "03-31 00:00"]),
        // A day of the month and a weekday are alternatives, unless one begins with `*`.
        (
            "0 0 25 * sat",
            ["11-21 00:00", "11-25 00:00", "11-28 00:00"],
        ),
        (
            "0 0 */10 * sat",
            ["11-21 00:00", "05-01 00:00", "07-31 00:00"],
        ),
        ("0 0 29 2 *", ["02-29 00:00", "02-29 00:00", "02-29 00:00"]),
    ] {
        assert_eq!(fires(pattern, "UTC", after, 3), expected, "{pattern}");
    }
}

#[test]
fn the_year_without_a_leap_day_is_crossed() {
    let pattern: Pattern = "0 0 29 2 *".parse().unwrap();
    let found = pattern.next(at("2096-03-01T00:00:00Z"), &TimeZone::UTC);
    assert_eq!(found, Some(at("2104-02-29T00:00:00Z")));
}

/// Berlin: 2026-03-29 02:00 becomes 03:00 (01:00Z), 2026-10-25 03:00 becomes 02:00 (01:00Z).
#[test]
fn hours_that_are_skipped_or_repeated() {
    let (spring, autumn) = ("2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z");
    for (pattern, after, expected) in [
        // A wall time in the gap: once, at the first instant behind it.
        ("30 2 * * *", spring, ["03-29 01:00", "03-30 00:30"]),
        // Several of them: still once.
        ("*/15 2 * * *", spring, ["03-29 01:00", "03-30 00:00"]),
        // With the first time behind the gap: once.
        ("0 2,3 * * *", spring, ["03-29 01:00", "03-30 00:00"]),
        // A wall time that comes twice: the first pass only.
        ("30 2 * * *", autumn, ["10-25 00:30", "10-26 01:30"]),
        // Open hours follow elapsed time: nothing is skipped, nothing waits.
        (
            "30 * * * *",
            "2026-03-29T00:00:00Z",
            ["03-29 00:30", "03-29 01:30"],
        ),
        (
            "30 * * * *",
            "2026-10-25T00:00:00Z",
            ["10-25 00:30", "10-25 01:30"],
        ),
        (
            "0 */2 * * *",
            "2026-03-29T00:30:00Z",
            ["03-29 02:00", "03-29 04:00"],
        ),
        (
            "0 */2 * * *",
            "2026-10-24T23:00:00Z",
            ["10-25 00:00", "10-25 01:00"],
        ),
    ] {
        assert_eq!(
            fires(pattern, "Europe/Berlin", after, 2),
            expected,
            "{pattern} {after}"
        );
    }
    // Half an hour, a whole day, and a change at midnight.
    let lord = fires(
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T00:00:00Z",
        2,
    );
    assert_eq!(lord, ["10-03 15:30", "10-04 15:15"]);
    let apia = fires("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 3);
    assert_eq!(apia, ["12-29 22:00", "12-30 10:00", "12-30 22:00"]);
    let cairo = fires("0 0 * * *", "Africa/Cairo", "2026-04-22T22:30:00Z", 2);
    assert_eq!(cairo, ["04-23 22:00", "04-24 21:00"]);
}

#[test]
fn what_is_wrong_is_named() {
    for (text, why) in [
        (
            "0 6 * *",
            "five fields (minute, hour, day, month, weekday), not 4",
        ),
        ("60 * * * *", "minute: `60` is not from 0 to 59"),
        ("* 24 * * *", "hour: `24` is not from 0 to 23"),
        ("* * 0 * *", "day of the month: `0` is not from 1 to 31"),
        (
            "* * * dez *",
            "month: `dez` is not from 1 to 12 or jan to dec",
        ),
        ("* * * * 8", "weekday: `8` is not from 0 to 7 or sun to sat"),
        ("*/0 * * * *", "minute: `*/0` is not"),
        ("9-5 * * * *", "minute: 9-5 runs backwards"),
        ("1,,2 * * * *", "minute: `` is not"),
        ("+5 * * * *", "minute: `+5` is not"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4,6,9,11 *", "never fires"),
    ] {
        let error = text.parse::<Pattern>().unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert!(
        "0 0 30 2 mon".parse::<Pattern>().is_ok(),
        "every Monday of February"
    );
}

/// I36: in every zone, around every clock change of a year, a daily time fires exactly once a
/// calendar day, an open hour at every full hour that passes, and never backwards.
#[test]
fn every_zone_has_one_fire_a_day_across_its_changes() {
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let mut changes = 0;
    for name in jiff::tz::db().available() {
        let zone = zone(name.as_str());
        for change in zone.following(from).take_while(|c| c.timestamp() < to) {
            changes += 1;
            let start = change.timestamp() - 50.hours();
            for hour in [0, 1, 2, 3, 23] {
                let daily = Pattern::daily(hour, 30).unwrap();
                let mut last = daily.next(start, &zone).unwrap();
                for _ in 0..4 {
                    let next = daily.next(last, &zone).unwrap();
                    let hours = next.duration_since(last).as_hours();
                    assert!((22..=26).contains(&hours), "{name} {hour} {next}");
                    let wall = zone.to_datetime(next);
                    let kept = (wall.hour(), wall.minute()) == (hour, 30);
                    // A time that does not exist fires when the gap ends.
                    assert!(kept || next == change.timestamp(), "{name} {hour} {next}");
                    last = next;
                }
            }
            let hourly = Pattern::hourly(0).unwrap();
            let mut last = start;
            while last < change.timestamp() + 5.hours() {
                let next = hourly.next(last, &zone).unwrap();
                let gap = next.duration_since(last).as_mins();
                // Half-hour changes make one hour of 30 or 90 minutes.
                assert!(
                    last == start || gap == 60 || gap == 30 || gap == 90,
                    "{name} {gap}"
                );
                last = next;
            }
        }
    }
    assert!(changes > 100, "only {changes} changes were seen");
}

fn field(last: u32) -> impl Strategy<Value = String> {
    let one = (0..=last, 0..=last, 1..=last).prop_flat_map(|(a, b, step)| {
        let (a, b) = (a.min(b), a.max(b));
        prop_oneof![
            Just("*".to_owned()),
            Just(a.to_string()),
            Just(format!("{a}-{b}")),
            Just(format!("*/{step}")),
            Just(format!("{a}-{b}/{step}")),
        ]
    });
    prop::collection::vec(one, 1..3).prop_map(|parts| parts.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against the slow way: try minute by minute, where no clock changes.
    #[test]
    fn the_next_fire_is_the_first_minute_that_matches(
        minute in field(59), hour in field(23), weekday in field(6), start in 0i64..2_000_000,
    ) {
        let pattern: Pattern = format!("{minute} {hour} * * {weekday}").parse().unwrap();
        let start = Timestamp::from_second(1_790_000_000 + start).unwrap();
        let found = pattern.next(start, &TimeZone::UTC).unwrap();
        let first = start.as_second().div_euclid(60) * 60 + 60;
        let slow = (0..60 * 24 * 8)
            .map(|n| Timestamp::from_second(first + n * 60).unwrap())
            .find(|t| {
                let wall = TimeZone::UTC.to_datetime(*t);
                pattern.minutes.has(wall.minute())
                    && pattern.hours.has(wall.hour())
                    && pattern.weekdays.has(wall.weekday().to_sunday_zero_offset())
            });
        prop_assert_eq!(Some(found), slow);
    }

    #[test]
    fn the_text_comes_back(minute in field(59), hour in field(23)) {
        let text = format!("{minute} {hour} * * *");
        let pattern: Pattern = text.parse().unwrap();
        prop_assert_eq!(pattern.to_string(), text.clone());
        prop_assert_eq!(Pattern::try_from(text).unwrap(), pattern);
    }

    #[test]
    fn no_text_breaks_it(text in "[-*/,0-9a-z ]{0,24}") {
        if let Ok(pattern) = text.parse::<Pattern>() {
            let after = Timestamp::from_second(1_790_000_000).unwrap();
            prop_assert!(pattern.next(after, &TimeZone::UTC).is_some());
        }
    }
}
