//! Histories in which runs are taken back: what is expected of them, and that it is noticed when a
//! rule of it is off.
//!
//! Invariant: each of them is told without faults; what a crash does to such a run is tested with
//! the engine.

use super::*;

/// Histories of an ordinary run.
const UNDONE: u64 = 60;

fn taken_back(place: &Place, seed: u64, switch: Switch) -> Result<(), Broken> {
    let mut world = World::new(place, seed, switch, Known::First);
    // What the org makes of a text is another value than the one that was written.
    let normalises = world.org.inner().faults.has(Fault::Normalises);
    match normalises {
        true => Ok(()),
        false => world.is_taken_back(),
    }
}

#[test]
fn what_is_taken_back_is_as_it_was_and_taken_back_again_as_it_became() {
    let place = Place::new();
    for seed in seeds(UNDONE) {
        let told = taken_back(&place, seed, Switch::None);
        assert!(told.is_ok(), "seed {seed}: {told:?}");
    }
}

#[test]
fn a_rule_of_taking_back_that_is_off_is_noticed() {
    let place = Place::new();
    let rules = [
        (Switch::UndoIsBlind, "I33"),
        (Switch::UndoIsForgotten, "I34"),
    ];
    for (switch, invariant) in rules {
        let broken = |seed| taken_back(&place, seed, switch).err();
        let noticed = (0..NOTICED).find_map(|seed| broken(seed).map(|b| b.invariant));
        assert_eq!(noticed, Some(invariant), "{switch:?}");
    }
}
