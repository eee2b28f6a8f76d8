//! The gate with a clock of its own: turns, refusals, rest, and what is left behind.

use std::sync::atomic::AtomicI64;

use futures::FutureExt;

use super::refusals::not_let_through;
use super::*;
use crate::crm::breaker::FAILURES;
use crate::crm::error::Effect;

struct World {
    clock: Arc<AtomicI64>,
    gate: Arc<Gate>,
}

impl World {
    fn new(at_once: usize) -> Self {
        let clock = Arc::new(AtomicI64::new(1_780_000_000));
        let hand = Arc::clone(&clock);
        let now: Now =
            Arc::new(move || Timestamp::from_second(hand.load(Ordering::SeqCst)).unwrap());
        let settings = GateSettings {
            at_once,
            ..GateSettings::default()
        };
        let gate = Arc::new(Gate::new(settings, now, Budget::default()));
        Self { clock, gate }
    }

    fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Enters, or says why not; panics if it had to wait.
    fn enter(&self, class: Class) -> Result<Ticket, CrmError> {
        self.enter_as(&Lane::new(class))
    }

    fn enter_as(&self, lane: &Lane) -> Result<Ticket, CrmError> {
        self.gate.enter(lane).now_or_never().unwrap()
    }

    fn call(&self, class: Class, error: Option<&CrmError>) {
        let ticket = self.enter(class).unwrap();
        ticket.end(error.map_or(Ending::Answer, Ending::Error));
    }
}

fn error(class: ErrorClass, status: u16) -> CrmError {
    CrmError {
        status: Some(status),
        ..not_let_through(class, DAILY, "y".into())
    }
}

#[test]
fn a_person_goes_before_the_background() {
    let world = World::new(1);
    let busy = world.enter(Class::Pull).unwrap();
    let (sweep, person) = (Lane::new(Class::Sweep), Lane::new(Class::Interactive));
    let mut sweep = Box::pin(world.gate.enter(&sweep));
    assert!(sweep.as_mut().now_or_never().is_none());
    let mut person = Box::pin(world.gate.enter(&person));
    assert!(person.as_mut().now_or_never().is_none());
    busy.end(Ending::Answer);
    assert!(sweep.as_mut().now_or_never().is_none());
    let turn = person.as_mut().now_or_never().unwrap().unwrap();
    drop(turn);
    assert!(sweep.as_mut().now_or_never().unwrap().is_ok());
}

#[test]
fn who_gives_up_waiting_is_in_nobodys_way() {
    let world = World::new(1);
    let busy = world.enter(Class::Pull).unwrap();
    let person = Lane::new(Class::Interactive);
    let mut person = Box::pin(world.gate.enter(&person));
    assert!(person.as_mut().now_or_never().is_none());
    drop(person);
    drop(busy);
    assert!(world.enter(Class::Sweep).is_ok());
    assert_eq!(world.gate.standing().at_once.0, 0);
}

#[test]
fn a_call_is_counted_when_it_is_let_through() {
    let world = World::new(5);
    world.gate.report(ApiUsage {
        used: 0,
        max: 1_000,
    });
    let lane = Lane::new(Class::Pull);
    // Ours are 500; half of them at most are kept for people, here 200; a run has 250.
    for n in 0..250 {
        assert_eq!(lane.calls(), n);
        drop(world.enter_as(&lane).unwrap());
    }
    let refused = world.enter_as(&lane).unwrap_err();
    assert_eq!(refused.code, "budget_run");
    assert_eq!(refused.class, ErrorClass::ThrottleDaily);
    assert_eq!((refused.effect, lane.calls()), (Effect::None, 250));
    let next = Lane::new(Class::Push);
    for _ in 0..50 {
        drop(world.enter_as(&next).unwrap());
    }
    let refused = world.enter_as(&next).unwrap_err();
    assert_eq!(refused.code, "budget_share");
    assert!(refused.message.contains("300 of 300"), "{refused}");
    assert!(world.enter_as(&next.of(Class::Resolve)).is_ok());
    // What is kept counts on in another process.
    let kept = world.gate.budget();
    let again = World::new(5);
    let settings = GateSettings::default();
    let now = Arc::clone(&again.gate.now);
    let gate = Arc::new(Gate::new(settings, now, kept));
    assert_eq!(gate.standing().ours, 301);
    let refused = gate.enter(&Lane::new(Class::Push)).now_or_never().unwrap();
    assert_eq!(refused.unwrap_err().code, "budget_share");
}

#[test]
fn an_org_that_does_not_answer_is_left_alone() {
    let world = World::new(5);
    let down = error(ErrorClass::TransientCall, 500);
    for _ in 0..FAILURES {
        world.call(Class::Pull, Some(&down));
    }
    let refused = world.enter(Class::Pull).unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.effect),
        ("resting", Effect::None)
    );
    let (_, why) = world.gate.standing().down.unwrap();
    assert_eq!(why.unwrap().status, Some(500));
    // A person may try, and what comes of it counts.
    world.call(Class::Interactive, Some(&down));
    assert!(world.enter(Class::Push).is_err());
    world.call(Class::Interactive, None);
    assert!(world.enter(Class::Push).is_ok());
    assert_eq!(world.gate.standing().down, None);
}

#[test]
fn a_probe_that_is_given_up_is_followed_by_another() {
    let world = World::new(5);
    let down = error(ErrorClass::TransientCall, 502);
    for _ in 0..FAILURES {
        world.call(Class::Pull, Some(&down));
    }
    world.pass(60);
    let probe = world.enter(Class::Pull).unwrap();
    assert!(world.enter(Class::Pull).is_err());
    drop(probe);
    world.call(Class::Pull, None);
    assert!(world.enter(Class::Pull).is_ok());
}

#[test]
fn a_refusal_of_the_data_says_that_the_org_is_well() {
    let world = World::new(5);
    let (down, data) = (
        error(ErrorClass::TransientCall, 500),
        error(ErrorClass::Data, 400),
    );
    for _ in 0..5 {
        for _ in 1..FAILURES {
            world.call(Class::Pull, Some(&down));
        }
        world.call(Class::Pull, Some(&data));
    }
    assert!(world.enter(Class::Pull).is_ok());
}

#[test]
fn a_busy_org_gets_half() {
    let world = World::new(4);
    world.call(
        Class::Pull,
        Some(&error(ErrorClass::ThrottleConcurrent, 403)),
    );
    assert_eq!(world.gate.standing().at_once.1, 2);
    world.pass(1);
    world.call(Class::Pull, Some(&error(ErrorClass::TransientCall, 503)));
    assert_eq!(world.gate.standing().at_once.1, 1);
    for _ in 0..4 {
        world.pass(30);
        world.call(Class::Pull, None);
    }
    assert_eq!(world.gate.standing().at_once.1, 4);
}

#[test]
fn an_org_without_calls_is_only_asked_for_its_limits() {
    let world = World::new(4);
    world.gate.report(ApiUsage {
        used: 0,
        max: 1_000,
    });
    world.call(Class::Pull, Some(&error(ErrorClass::ThrottleDaily, 403)));
    assert_eq!(world.enter(Class::Push).unwrap_err().code, "budget_used_up");
    let again = world.gate.again().unwrap();
    assert_eq!(Some(again), world.gate.again());
    assert!(!world.gate.standing().stale);
    world.pass(60);
    assert!(world.gate.standing().stale);
    assert!(world.enter(Class::Push).is_err());
    world.call(Class::Upkeep, None);
    world.gate.report(ApiUsage {
        used: 10,
        max: 1_000,
    });
    assert!(world.enter(Class::Push).is_ok());
    assert_eq!(world.gate.again(), None);
}

#[test]
fn too_many_repeats_open_the_breaker() {
    let world = World::new(4);
    let allowed = (0..100).take_while(|_| world.gate.may_repeat()).count();
    assert_eq!(allowed, 30);
    let refused = world.enter(Class::Pull).unwrap_err();
    assert!(refused.message.contains("repeated too often"), "{refused}");
}

#[test]
fn past_the_lines_until_a_day_is_over_and_only_when_a_person_says_so() {
    let world = World::new(1);
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let start = world.clock.load(Ordering::SeqCst);
    // 85 of 100 used: over the stop line at 80, under that of 95.
    world.gate.report(ApiUsage {
        used: 85_000,
        max: 100_000,
    });
    assert!(world.enter(Class::Pull).is_err());
    world.gate.go_on(at(start + 3_600));
    assert!(world.enter(Class::Pull).is_ok());
    world.gate.report(ApiUsage {
        used: 95_000,
        max: 100_000,
    });
    assert!(world.enter(Class::Pull).is_err(), "not past the last line");
    world.gate.report(ApiUsage {
        used: 85_000,
        max: 100_000,
    });
    world.pass(3_600);
    world.gate.report(ApiUsage {
        used: 85_000,
        max: 100_000,
    });
    assert!(world.enter(Class::Pull).is_err(), "it is over");
    assert_eq!(world.gate.ahead(), None);
}
