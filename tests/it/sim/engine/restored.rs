//! Histories in which a backup is put back, or an org is left: what is expected of them, and that it is
//! noticed when a rule of it is off.
//!
//! Invariant: each of them ends its process once, wherever the seed says; nothing else goes wrong.

use super::*;

/// Histories of an ordinary run.
const PUT_BACK: u64 = 60;

fn put_back(place: &Place, seed: u64, switch: Switch) -> (Result<(), Broken>, Coverage) {
    let mut world = World::new(place, seed, switch, Known::First);
    // What the org makes of a text is another value than the one that was written.
    let normalises = world.org.inner().faults.has(Fault::Normalises);
    let told = match normalises {
        true => Ok(()),
        false => world.is_put_back(),
    };
    let met = world.org.inner().coverage.clone();
    (told, met)
}

#[test]
fn after_a_backup_nothing_is_made_twice_and_nothing_there_is_replaced() {
    let place = Place::new();
    let mut met = Coverage::default();
    for seed in seeds(PUT_BACK) {
        let (told, more) = put_back(&place, seed, Switch::None);
        assert!(told.is_ok(), "seed {seed}: {told:?}");
        met.join(&more);
    }
    for what in [coverage::PUT_BACK, coverage::CUT_OFF] {
        assert!(met.0.contains_key(what), "never met: {what}");
    }
}

#[test]
fn a_rule_of_backups_that_is_off_is_noticed() {
    let place = Place::new();
    let rules = [
        // What was agreed is trusted although the store was put back.
        (Switch::BackupIsTrusted, "I3"),
        // The key is made when the record is sent.
        (Switch::KeyIsLate, "I6"),
    ];
    for (switch, invariant) in rules {
        let broken = |seed| put_back(&place, seed, switch).0.err();
        let noticed = (0..NOTICED).find_map(|seed| broken(seed).map(|b| b.invariant));
        assert_eq!(noticed, Some(invariant), "{switch:?}");
    }
}

/// At every write of it, in turn.
#[test]
fn ending_the_links_of_an_org_goes_on_where_it_was_cut_off() {
    let place = Place::new();
    let leaves = |at| {
        let mut world = World::new(&place, 3, Switch::None, Known::First);
        world.leaves_its_org(at)
    };
    let (cut, whole) = leaves(u64::from(u32::MAX));
    assert!(!cut && whole.len() > 4, "{whole:?}");
    let mut at = 1;
    loop {
        let (cut, ended) = leaves(at);
        assert_eq!(ended, whole, "cut off at write {at}");
        if !cut {
            break;
        }
        at += 1;
    }
    assert!(at > 5, "only {at} writes");
}
