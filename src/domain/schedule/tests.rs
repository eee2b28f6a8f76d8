//! Schedules as texts, and what is due after downtime, pauses and steps of the clock.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;

/// Cases within which a check must notice that its rule is off.
const NOTICED: usize = 1_000;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn read(text: &str) -> Schedule {
    text.parse().unwrap()
}

const RULES: Rules = Rules {
    catch_up: CatchUp::One,
    jitter: SignedDuration::ZERO,
};

#[test]
fn texts_come_back_the_same() {
    for text in [
        "manual",
        "every minute",
        "every 15 minutes",
        "hourly at :05",
        "daily at 06:30 Europe/Berlin",
        "daily at 00:00 UTC",
        "cron */5 8-18 * * mon-fri America/New_York",
    ] {
        assert_eq!(read(text).to_string(), text);
    }
    for (text, full) in [
        ("hourly", "hourly at :00"),
        ("every 1 minutes", "every minute"),
        ("daily at 06:30", "daily at 06:30 UTC"),
        (
            "daily at 06:30 europe/berlin",
            "daily at 06:30 Europe/Berlin",
        ),
        ("  cron  0 6 * *  1 ", "cron 0 6 * * 1 UTC"),
    ] {
        assert_eq!(read(text).to_string(), full);
    }
}

#[test]
fn what_is_no_schedule_says_why() {
    for (text, why) in [
        ("", "not a schedule"),
        ("sometimes", "not a schedule"),
        ("every 0 minutes", "from 1 to 65535"),
        ("every 70000 minutes", "from 1 to 65535"),
        ("hourly at 5", "from :00 to :59"),
        ("hourly at :60", "from :00 to :59"),
        ("daily at 24:00", "from 00:00 to 23:59"),
        ("daily at 6:30", "from 00:00 to 23:59"),
        (
            "daily at 06:30 Europe/Atlantis",
            "no time zone of this name",
        ),
        (
            "daily at 06:30 ../../etc/passwd",
            "no time zone of this name",
        ),
        ("cron 0 6 * *", "five fields"),
        ("cron 0 0 30 2 * UTC", "never fires"),
        ("cron 0 0 6 * * *", "no time zone of this name"),
    ] {
        let error = text.parse::<Schedule>().unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn after_downtime_one_run_makes_up_for_a_day() {
    let daily = read("daily at 06:00");
    let mark = at("2026-11-20T06:00:00Z");
    let due = |now: &str, catch_up| daily.due(mark, at(now), Rules { catch_up, ..RULES });
    assert_eq!(due("2026-11-21T05:59:59Z", CatchUp::One), Due::NotYet);
    let sixth = at("2026-11-21T06:00:00Z");
    assert_eq!(due("2026-11-21T06:00:00Z", CatchUp::One), Due::Run(sixth));
    assert_eq!(due("2026-11-21T06:04:00Z", CatchUp::Never), Due::Run(sixth));
    // Missed: made up for, or not.
    assert_eq!(due("2026-11-21T09:00:00Z", CatchUp::One), Due::Run(sixth));
    assert_eq!(
        due("2026-11-21T09:00:00Z", CatchUp::Never),
        Due::Missed(sixth)
    );
    // Several missed become one, and the mark moves behind all of them.
    let last = at("2026-11-25T06:00:00Z");
    assert_eq!(due("2026-11-25T09:00:00Z", CatchUp::One), Due::Run(last));
    // Older than a day: too late for a weekly one.
    let weekly = read("cron 0 6 * * mon");
    let mark = at("2026-11-16T06:00:00Z");
    let after = weekly.due(mark, at("2026-11-25T06:00:00Z"), RULES);
    assert_eq!(after, Due::Missed(at("2026-11-24T06:00:00Z")));
}

#[test]
fn jitter_delays_and_is_the_same_each_time() {
    let most = SignedDuration::from_secs(30);
    let rules = Rules {
        jitter: SignedDuration::from_secs(20),
        ..RULES
    };
    let hourly = read("hourly at :00");
    let mark = at("2026-11-21T10:30:00Z");
    assert_eq!(
        hourly.due(mark, at("2026-11-21T11:00:19Z"), rules),
        Due::NotYet
    );
    let eleven = at("2026-11-21T11:00:00Z");
    assert_eq!(
        hourly.due(mark, at("2026-11-21T11:00:20Z"), rules),
        Due::Run(eleven)
    );
    let all: Vec<_> = (0..100).map(|n| jitter(&format!("00D{n}"), most)).collect();
    assert!(all.iter().all(|j| *j >= SignedDuration::ZERO && *j <= most));
    assert!(all.iter().collect::<std::collections::HashSet<_>>().len() > 10);
    assert_eq!(jitter("00D1", most), jitter("00D1", most));
    assert_eq!(jitter("00D1", SignedDuration::ZERO), SignedDuration::ZERO);
}

#[test]
fn what_starts_nothing_says_so() {
    let now = at("2026-11-20T10:00:00Z");
    let hourly = read("hourly at :00");
    assert_eq!(hourly.stuck(now, now), None);
    // A clock that is corrected by seconds is nothing to speak of.
    assert_eq!(hourly.stuck(at("2026-11-20T10:00:30Z"), now), None);
    let ahead = at("2027-11-20T10:00:00Z");
    assert_eq!(hourly.due(ahead, now, RULES), Due::NotYet);
    let stuck = hourly.stuck(ahead, now).unwrap();
    assert_eq!(stuck, Stuck::ClockSetBack(ahead));
    assert!(stuck.to_string().contains("2027-11-20 10:00"), "{stuck}");
    assert_eq!(Schedule::Manual.stuck(ahead, now), None);

    let time = TimeOfDay { hour: 2, minute: 0 };
    let lost = Schedule::Daily(time, Zone("Atlantis/Capital".to_owned()));
    assert_eq!(lost.due(now, ahead, RULES), Due::NotYet);
    let stuck = lost.stuck(now, ahead).unwrap();
    assert!(stuck.to_string().contains("Atlantis/Capital"), "{stuck}");
}

#[test]
fn the_next_times_are_those_it_goes_by() {
    let now = at("2026-11-21T10:30:00Z");
    assert!(Schedule::Manual.upcoming(now, now, 3).is_empty());
    let every = read("every 15 minutes").upcoming(at("2026-11-21T10:20:00Z"), now, 2);
    assert_eq!(
        every,
        [at("2026-11-21T10:35:00Z"), at("2026-11-21T10:50:00Z")]
    );
    // Due already: at once.
    let late = read("every 15 minutes").upcoming(at("2026-11-21T08:00:00Z"), now, 2);
    assert_eq!(late, [now, at("2026-11-21T10:45:00Z")]);
    let daily = read("daily at 12:00 Europe/Berlin").upcoming(now, now, 2);
    assert_eq!(
        daily,
        [at("2026-11-21T11:00:00Z"), at("2026-11-22T11:00:00Z")]
    );
}

fn schedules() -> impl Strategy<Value = Schedule> {
    prop_oneof![
        (1u16..300).prop_map(|minutes| Schedule::Every { minutes }),
        (0i8..60).prop_map(|minute| Schedule::Hourly(Minute(minute))),
        (0i8..24, 0i8..60).prop_map(|(hour, minute)| Schedule::Daily(
            TimeOfDay { hour, minute },
            Zone("Europe/Berlin".to_owned())
        )),
        Just("cron */10 * * * * Australia/Lord_Howe".parse().unwrap()),
        Just("cron 30 2 * * * Europe/Berlin".parse().unwrap()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn an_instant_starts_at_most_one_run(times in times()) {
        starts_once(&times, Switch::None)?;
    }
}

/// A rule of schedules that is turned off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    None,
    /// A new process does not know the fire that the one before it followed last.
    MarkIsForgotten,
}

/// A schedule, and what the clock does between two looks at it, in seconds.
type Times = (Schedule, i64, Vec<i64>);

fn times() -> impl Strategy<Value = Times> {
    let steps = prop::collection::vec(-7_200i64..90_000, 1..40);
    (schedules(), 0i64..60, steps)
}

/// I36: whatever the clock does (stands, jumps ahead, steps back) and however often it is looked
/// at, a mark only moves forward, so an instant starts at most one run; and a run for a pattern
/// starts at an instant of it, not before it.
fn starts_once((schedule, jitter, steps): &Times, switch: Switch) -> Result<(), TestCaseError> {
    let rules = Rules {
        jitter: SignedDuration::from_secs(*jitter),
        ..RULES
    };
    // Two hours before Berlin's clocks go back.
    let mut now = at("2026-10-24T23:00:00Z");
    let (began, mut mark, mut last) = (now, now, now);
    for (turn, step) in steps.iter().enumerate() {
        now += SignedDuration::from_secs(*step);
        if switch == Switch::MarkIsForgotten && turn % 4 == 3 {
            mark = began;
        }
        for _ in 0..2 {
            match schedule.due(mark, now, rules) {
                Due::NotYet => {}
                Due::Run(to) | Due::Each(to, _) | Due::Missed(to) => {
                    prop_assert!(to > last, "{} again", to);
                    prop_assert!(to <= now);
                    (mark, last) = (to, to);
                }
            }
        }
        prop_assert_eq!(schedule.due(mark, now, rules), Due::NotYet);
    }
    Ok(())
}

#[test]
fn a_rule_that_is_off_is_noticed() {
    let (switch, invariant) = (Switch::MarkIsForgotten, "I36");
    let mut runner = TestRunner::deterministic();
    let noticed = (0..NOTICED).any(|_| {
        let times = times().new_tree(&mut runner).unwrap().current();
        starts_once(&times, switch).is_err()
    });
    assert!(noticed, "{switch:?} does not break {invariant}");
}

/// Of what was missed within a day each becomes a run, of the latest ten (17.4).
#[test]
fn all_that_was_missed_is_made_up_for_one_by_one() {
    let schedule = read("cron 0 * * * *");
    let mark = at("2026-11-21T00:00:00Z");
    let all = Rules {
        catch_up: CatchUp::All,
        jitter: SignedDuration::ZERO,
    };
    let due = |now: &str| schedule.due(mark, at(now), all);
    assert_eq!(
        due("2026-11-21T01:00:00Z"),
        Due::Run(at("2026-11-21T01:00:00Z"))
    );
    assert_eq!(
        due("2026-11-21T03:30:00Z"),
        Due::Each(at("2026-11-21T03:00:00Z"), 3)
    );
    assert_eq!(
        due("2026-11-21T20:30:00Z"),
        Due::Each(at("2026-11-21T20:00:00Z"), 10)
    );
    // Older ones than a day are left out, whatever the rule.
    let late = schedule.due(mark, at("2026-11-25T00:30:00Z"), all);
    assert_eq!(late, Due::Each(at("2026-11-25T00:00:00Z"), 10));
    let one = Rules {
        catch_up: CatchUp::One,
        ..all
    };
    let once = schedule.due(mark, at("2026-11-21T03:30:00Z"), one);
    assert_eq!(once, Due::Run(at("2026-11-21T03:00:00Z")));
}
