//! Schedules that the settings give: laid over a person's, and taken off again.
//!
//! Reads no settings file and starts nothing. Invariant: what a person set is kept as long as the
//! settings stand in front of it, and is in force again when they no longer do.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::profile::set_schedule;
use super::schedules;
use super::state::State;
use super::tables::OWN_SCHEDULES;
use super::tx::Durability;
use crate::domain::id::PairName;
use crate::domain::schedule::Schedule;
use crate::error::Result;
use crate::store::keys::Key;

/// Makes the schedules of the pairs what the settings give, and a person's where they give none.
/// A name that is no pair is left: it may be made later. Can be repeated. Blocking.
///
/// # Errors
/// The store cannot be read or written.
pub fn settle(state: &State, given: &BTreeMap<PairName, Schedule>, now: Timestamp) -> Result<()> {
    for pair in state.pairs()? {
        let key = Key::new().text(pair.name.as_str());
        let own: Option<Schedule> = state.store().get(&OWN_SCHEDULES, &key)?;
        match (given.get(&pair.name), own) {
            (Some(wanted), own) => {
                // First, so that it is never only the settings' that is known.
                if own.is_none() {
                    let mut tx = state.begin();
                    tx.put(&OWN_SCHEDULES, &key, &pair.schedule);
                    tx.commit(Durability::Now)?;
                }
                // The settings stand in front of it: it could never be set.
                if schedules::staged::of(state, &pair.name)?.is_some() {
                    schedules::staged::stage(state, &pair.name, None, "the settings", now)?;
                }
                if pair.schedule != *wanted {
                    set_schedule(state, &pair.name, wanted.clone(), "the settings", now)?;
                }
            }
            (None, Some(own)) => {
                if pair.schedule != own {
                    let by = "a person, before the settings gave another";
                    set_schedule(state, &pair.name, own, by, now)?;
                }
                let mut tx = state.begin();
                tx.delete(&OWN_SCHEDULES, &key);
                tx.commit(Durability::Now)?;
            }
            (None, None) => {}
        }
    }
    for name in given.keys() {
        if state.pair(name)?.is_none() {
            tracing::warn!(pair = %name, "the settings give a schedule to no known pair");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::profile::{self, Places};
    use crate::engine::session::tests::pair;
    use crate::vault::{DataKey, KEY_BYTES};

    #[test]
    fn what_a_person_set_is_in_force_again_when_the_settings_give_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places {
            store: dir.path().join("store"),
            backups: dir.path().join("backups"),
        };
        let key = DataKey::from_bytes([1; KEY_BYTES]).unwrap();
        let state = profile::open(&places, key, "test", 16 << 20).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        profile::install(&state, vec![pair("leads", "Lead")], now).unwrap();
        let leads = PairName::new("leads");
        let schedule = |text: &str| text.parse::<Schedule>().unwrap();
        let is = || state.pair(&leads).unwrap().unwrap().schedule;
        let given = |text: &str| BTreeMap::from([(leads.clone(), schedule(text))]);

        let own = "daily at 06:30";
        set_schedule(&state, &leads, schedule(own), "ada", now).unwrap();
        for text in ["every 7 minutes", "every 7 minutes", "hourly at :05"] {
            settle(&state, &given(text), now).unwrap();
            assert_eq!(is(), schedule(text));
        }
        settle(&state, &BTreeMap::new(), now).unwrap();
        assert_eq!(is(), schedule(own));

        // The same words in both places are two things.
        settle(&state, &given(own), now).unwrap();
        settle(&state, &given("manual"), now).unwrap();
        settle(&state, &BTreeMap::new(), now).unwrap();
        assert_eq!(is(), schedule(own));

        // What is staged could never be set.
        let is_staged = || schedules::staged::of(&state, &leads).unwrap().is_some();
        let staged = Some(schedule("hourly at :09"));
        schedules::staged::stage(&state, &leads, staged, "ada", now).unwrap();
        settle(&state, &BTreeMap::new(), now).unwrap();
        assert!(is_staged());
        settle(&state, &given("manual"), now).unwrap();
        assert!(!is_staged());
        settle(&state, &BTreeMap::new(), now).unwrap();

        // A person's later change is not undone by what was before.
        set_schedule(&state, &leads, schedule("manual"), "ada", now).unwrap();
        settle(&state, &BTreeMap::new(), now).unwrap();
        assert_eq!(is(), schedule("manual"));
    }
}
