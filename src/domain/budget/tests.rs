//! The arithmetic of the budget, by example and by property.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;

const START: i64 = 1_780_000_000;
/// Cases within which a check must notice that its rule is off.
const NOTICED: usize = 1_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

/// A budget of an org that allows so many calls and has used some.
fn org(used: u64, max: u64) -> Budget {
    let mut budget = Budget::default();
    budget.report(used, max, at(0));
    budget
}

fn shares() -> Shares {
    Shares::default()
}

fn bound(budget: &mut Budget, class: Class, run: u64, now: Timestamp) -> Option<Bound> {
    let refusal = budget.admit(class, run, &shares(), now).err()?;
    Some(refusal.bound)
}

#[test]
fn background_work_leaves_the_calls_kept_for_people() {
    let mut budget = org(0, 15_000);
    // 50 % of 15,000 are ours; 2 % of all are 300, more than 200.
    let room = budget.room(&shares(), at(0)).unwrap();
    assert_eq!((room.left, room.bound), (7_200, Bound::Share));
    for n in 0..7_200 {
        assert_eq!(bound(&mut budget, Class::Pull, 0, at(n)), None, "{n}");
        budget.count(at(n));
    }
    let now = at(7_200);
    let refused = budget.admit(Class::Push, 0, &shares(), now).unwrap_err();
    assert_eq!((refused.used, refused.of), (7_200, 7_200));
    // A twentieth of the share is free again a day after so many calls were made.
    let day = SignedDuration::from_hours(24);
    assert!(refused.again >= at(374) + day && refused.again <= at(434) + day);
    for class in [Class::Interactive, Class::Resolve, Class::Upkeep] {
        assert_eq!(bound(&mut budget, class, 0, now), None, "{class:?}");
    }
}

#[test]
fn other_apps_come_first_from_the_stop_line_on() {
    let mut budget = org(11_999, 15_000);
    assert_eq!(bound(&mut budget, Class::Backfill, 0, at(1)), None);
    budget.report(12_000, 15_000, at(2));
    let refused = budget.admit(Class::Backfill, 0, &shares(), at(3));
    let refused = refused.unwrap_err();
    assert_eq!((refused.bound, refused.of), (Bound::StopLine, 12_000));
    assert_eq!(refused.again, at(2) + FIGURE_GOOD_FOR);
    assert_eq!(bound(&mut budget, Class::Interactive, 0, at(3)), None);
}

#[test]
fn a_run_has_a_part_of_its_own() {
    let mut budget = org(0, 1_000);
    assert_eq!(bound(&mut budget, Class::Pull, 249, at(0)), None);
    assert_eq!(
        bound(&mut budget, Class::Pull, 250, at(0)),
        Some(Bound::Run)
    );
    assert_eq!(bound(&mut budget, Class::Resolve, 250, at(0)), None);
}

#[test]
fn the_lines_shown_are_those_that_calls_are_held_to() {
    let mut budget = org(8_000, 15_000);
    assert_eq!(Budget::default().limits(&shares(), at(0)).lines, None);
    for n in 0..100 {
        budget.count(at(n));
    }
    let limits = budget.limits(&shares(), at(100));
    let lines = limits.lines.unwrap();
    assert_eq!(limits.ours, 100);
    assert_eq!(
        (lines.share, lines.stop, lines.reserve),
        (7_500, 12_000, 300)
    );
    assert_eq!(Some(lines.room), budget.room(&shares(), at(100)));
    assert_eq!(
        bound(&mut budget, Class::Pull, lines.run - 1, at(100)),
        None
    );
    let refused = bound(&mut budget, Class::Pull, lines.run, at(100));
    assert_eq!(refused, Some(Bound::Run));
    budget.report(lines.stop, 15_000, at(101));
    let refused = bound(&mut budget, Class::Pull, 0, at(101));
    assert_eq!(refused, Some(Bound::StopLine));
}

#[test]
fn an_org_without_calls_is_asked_ever_less_often() {
    let mut budget = org(0, 1_000);
    budget.refused(at(0));
    assert_eq!(
        bound(&mut budget, Class::Pull, 0, at(1)),
        Some(Bound::UsedUp)
    );
    assert_eq!(
        bound(&mut budget, Class::Upkeep, 0, at(59)),
        Some(Bound::UsedUp)
    );
    assert!(!budget.is_stale(at(59)) && budget.is_stale(at(60)));
    let (mut now, mut pauses) = (60, Vec::new());
    for _ in 0..8 {
        assert_eq!(bound(&mut budget, Class::Upkeep, 0, at(now)), None);
        budget.report(1_000, 1_000, at(now));
        let again = budget.admit(Class::Pull, 0, &shares(), at(now));
        let pause = again.unwrap_err().again.as_second() - START - now;
        pauses.push(pause);
        now += pause;
    }
    assert_eq!(pauses, [120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
    budget.report(700, 1_000, at(now));
    assert_eq!(bound(&mut budget, Class::Pull, 0, at(now)), None);
}

#[test]
fn an_org_that_said_nothing_yet_is_not_held_back() {
    let mut budget = Budget::default();
    assert_eq!(budget.room(&shares(), at(0)), None);
    assert!(budget.is_stale(at(0)));
    assert_eq!(bound(&mut budget, Class::Backfill, 99_999, at(0)), None);
}

#[test]
fn a_small_org_keeps_half_for_people_and_still_syncs() {
    let budget = org(0, 100);
    assert_eq!(budget.reserve(&shares()), Some(25));
    assert_eq!(budget.room(&shares(), at(0)).unwrap().left, 25);
}

#[test]
fn a_forecast_in_words() {
    let mut budget = org(0, 15_000);
    for _ in 0..7_000 {
        budget.count(at(0));
    }
    let fits = budget.forecast(200, &shares(), at(60)).unwrap();
    assert!(fits.fits());
    assert_eq!(fits.to_string(), "needs 200 calls, 200 left");
    let later = budget.forecast(4_100, &shares(), at(60)).unwrap();
    assert!(!later.fits());
    let until = later.until.unwrap();
    assert_eq!(
        later.to_string(),
        format!(
            "needs 4,100 calls, 200 left until {}",
            until.strftime("%H:%M UTC")
        )
    );
    let never = budget.forecast(41_000, &shares(), at(60)).unwrap();
    assert_eq!(never.to_string(), "needs 41,000 calls, 200 left");
}

#[test]
fn who_waits_long_enough_goes_first() {
    let seat = |number, class, since| Seat {
        number,
        class,
        since: at(since),
    };
    let (sweep, person) = (seat(1, Class::Sweep, 0), seat(2, Class::Interactive, 30));
    assert_eq!(first(&[sweep, person]), Some(2));
    assert_eq!(first(&[sweep, person]), first(&[person, sweep]));
    let later = seat(3, Class::Interactive, 36);
    assert_eq!(first(&[sweep, later]), Some(1));
    assert_eq!(first(&[]), None);
}

#[test]
fn a_clock_that_was_ahead_leaves_nothing_behind() {
    let mut window = Window::over(10);
    window.add(at(1_000_000));
    window.add(at(0));
    assert_eq!(window.total(at(0)), 2);
    assert_eq!(window.total(at(700)), 0);
}

proptest! {
    #[test]
    fn an_event_counts_for_the_span_and_at_most_a_minute_longer(
        gaps in proptest::collection::vec(0i64..400, 1..300), after in 0i64..4_000,
    ) {
        let mut window = Window::over(30);
        let mut times = Vec::new();
        let mut now = 0;
        for gap in gaps {
            now += gap;
            window.add(at(now));
            times.push(now);
        }
        let now = now + after;
        let within = |seconds: i64| times.iter().filter(|t| now - **t < seconds).count() as u64;
        let total = window.total(at(now));
        prop_assert!(total >= within(1_800) && total <= within(1_860 + 1));
        prop_assert!(window.len() <= 31);
        for events in [1, total / 2, total] {
            if let Some(free) = window.frees(events, at(now)) {
                prop_assert!(window.total(free) <= total - events);
                prop_assert!(window.total(free - SignedDuration::from_secs(1)) > total - events);
            } else {
                prop_assert!(events == 0 || events > total);
            }
        }
    }

    #[test]
    fn background_work_never_crosses_a_line(day in days()) {
        keeps_its_lines(&day, Switch::None)?;
    }
}

/// A rule of the budget that is turned off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    None,
    /// Work in the background says that it is urgent.
    AllIsUrgent,
}

/// Calls of a day: of whom, how far apart, and how many others make meanwhile.
#[derive(Debug)]
struct Day {
    max: u64,
    used: u64,
    shares: Shares,
    steps: Vec<(i64, u64)>,
}

fn days() -> impl Strategy<Value = Day> {
    let shares = (1u8..=100, 1u8..=100, 0u64..500).prop_map(|(max_share, stop, reserve)| Shares {
        max_share,
        stop_at_org_used: stop,
        per_run_share: 100,
        interactive_reserve: reserve,
    });
    let steps = proptest::collection::vec((0i64..120, 0u64..3), 1..400);
    let day = (1u64..3_000, 0u64..3_000, shares, steps);
    day.prop_map(|(max, used, shares, steps)| Day {
        max,
        used,
        shares,
        steps,
    })
}

/// I26: no call in the background crosses a line, and a person's call is never refused.
fn keeps_its_lines(day: &Day, switch: Switch) -> Result<(), TestCaseError> {
    let Day { max, shares, .. } = day;
    let class = match switch {
        Switch::AllIsUrgent => Class::Resolve,
        Switch::None => Class::Pull,
    };
    let mut budget = Budget::default();
    let (mut now, mut others, mut ours) = (0, day.used, 0);
    for (gap, foreign) in &day.steps {
        now += gap;
        others += foreign;
        budget.report(others + ours, *max, at(now));
        let reserve = budget.reserve(shares).unwrap();
        if budget.admit(class, 0, shares, at(now)).is_ok() {
            budget.count(at(now));
            ours += 1;
            let stop = max * u64::from(shares.stop_at_org_used) / 100;
            prop_assert!(others + ours <= stop);
            prop_assert!(others + ours + reserve <= *max);
            let share = max * u64::from(shares.max_share) / 100;
            prop_assert!(budget.ours(at(now)) + reserve <= share);
        }
        let person = budget.admit(Class::Interactive, 0, shares, at(now));
        prop_assert!(person.is_ok());
    }
    Ok(())
}

#[test]
fn a_rule_that_is_off_is_noticed() {
    let (switch, invariant) = (Switch::AllIsUrgent, "I26");
    let mut runner = TestRunner::deterministic();
    let noticed = (0..NOTICED).any(|_| {
        let day = days().new_tree(&mut runner).unwrap().current();
        keeps_its_lines(&day, switch).is_err()
    });
    assert!(noticed, "{switch:?} does not break {invariant}");
}
