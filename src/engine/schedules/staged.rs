//! Schedules that a person staged: kept, shown beside the one in force, and set with what else is
//! staged.
//!
//! Blocking. Starts nothing. Invariant: a schedule is set only over the one that the person saw.

use jiff::Timestamp;

use crate::domain::id::PairName;
use crate::domain::schedule::Schedule;
use crate::engine::audit::{Draft, What};
use crate::engine::mappings;
use crate::engine::profile;
use crate::engine::state::State;
use crate::engine::tables::{STAGED_SCHEDULES, StagedSchedule};
use crate::engine::tx::Durability;
use crate::engine::view::{ScheduleLine, ScheduleStaged, WritePreview};
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

fn place(pair: &PairName) -> Vec<u8> {
    Key::new().text(pair.as_str()).to_vec()
}

/// What is staged for a pair.
///
/// # Errors
/// When the store cannot be read.
pub fn of(state: &State, pair: &PairName) -> Result<Option<StagedSchedule>> {
    Ok(state.store().get(&STAGED_SCHEDULES, &place(pair))?)
}

/// How many schedules are staged.
///
/// # Errors
/// When the store cannot be read.
pub fn count(state: &State) -> Result<u64> {
    let mut many = 0;
    for key in state.store().keys(&STAGED_SCHEDULES, &Key::new()) {
        key?;
        many += 1;
    }
    Ok(many)
}

/// Stages when a pair runs, or takes it back. What is so already is not staged.
///
/// # Errors
/// No such pair; the store cannot do it.
pub fn stage(
    state: &State,
    name: &PairName,
    schedule: Option<Schedule>,
    person: &str,
    now: Timestamp,
) -> Result<ScheduleStaged> {
    let mut tx = state.begin();
    let over = mappings::pair(state, name)?.schedule;
    let before = of(state, name)?.map(|staged| staged.schedule);
    let after = schedule.filter(|wanted| *wanted != over);
    let text = match &after {
        Some(schedule) => {
            let text = format!("{person} staged that it runs {}", schedule.words());
            let staged = StagedSchedule {
                schedule: schedule.clone(),
                over,
                by: person.to_owned(),
            };
            tx.put(&STAGED_SCHEDULES, &place(name), &staged);
            Some(text)
        }
        None if before.is_some() => {
            tx.delete(&STAGED_SCHEDULES, &place(name));
            Some(format!("{person} took back when it shall run"))
        }
        None => None,
    };
    if let Some(text) = text {
        tx.audit(Draft::new(now, person, What::Decided, text).pair(name));
        tx.commit(Durability::Now)?;
    }
    let pair = name.clone();
    Ok(ScheduleStaged {
        pair,
        before,
        after,
    })
}

/// Adds what would be set to a preview; gives the pairs.
///
/// # Errors
/// When the store cannot be read.
pub fn preview(state: &State, preview: &mut WritePreview) -> Result<Vec<PairName>> {
    for pair in state.pairs()? {
        let Some(staged) = of(state, &pair.name)? else {
            continue;
        };
        if pair.schedule == staged.over {
            preview.schedules.push(ScheduleLine {
                pair: pair.name,
                now: pair.schedule,
                after: staged.schedule,
            });
        } else {
            let why = moved(&pair.schedule);
            preview.refused.push((pair.name.to_string(), why));
        }
    }
    Ok(preview.schedules.iter().map(|s| s.pair.clone()).collect())
}

fn moved(now: &Schedule) -> String {
    let now = now.words();
    format!("somebody changed meanwhile when it runs: {now}; stage it again, or take it back")
}

/// Sets what is staged for these pairs, one after the other.
///
/// # Errors
/// [`Kind::Changed`] when one of them cannot be set any more; those before it are.
pub fn write(state: &State, pairs: &[PairName], person: &str, now: Timestamp) -> Result<()> {
    for name in pairs {
        let mut tx = state.begin();
        let Some(staged) = of(state, name)? else {
            let text = "what is staged changed since the preview";
            return Err(Error::new(Kind::Changed, text).hint("look at the preview again"));
        };
        let pair = mappings::pair(state, name)?;
        if pair.schedule != staged.over {
            let text = format!("{name}: {}", moved(&pair.schedule));
            return Err(Error::new(Kind::Changed, text));
        }
        profile::put_schedule(state, &mut tx, pair, staged.schedule, (person, now))?;
        tx.delete(&STAGED_SCHEDULES, &place(name));
        tx.commit(Durability::Now)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::mappings::fixture::{Desk, at, name};

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap()
    }

    fn put(desk: &Desk, text: &str) -> ScheduleStaged {
        stage(&desk.state, &name(), Some(schedule(text)), "jo", at(5)).unwrap()
    }

    fn in_force(desk: &Desk) -> Schedule {
        mappings::pair(&desk.state, &name()).unwrap().schedule
    }

    #[test]
    fn a_schedule_is_kept_shown_and_set_over_what_was_seen() {
        let desk = Desk::new();
        let was = in_force(&desk);
        let done = put(&desk, "every 7 minutes");
        assert_eq!((done.before, in_force(&desk)), (None, was.clone()));
        let desk = desk.again();
        assert_eq!(count(&desk.state).unwrap(), 1);
        let mut all = WritePreview::default();
        let pairs = preview(&desk.state, &mut all).unwrap();
        assert_eq!(all.schedules[0].now, was);
        assert_eq!(all.schedules[0].after, schedule("every 7 minutes"));
        write(&desk.state, &pairs, "jo", at(9)).unwrap();
        assert_eq!(in_force(&desk), schedule("every 7 minutes"));
        assert_eq!(desk.state.switches().unwrap().mark(&name()), Some(at(9)));
        assert_eq!(count(&desk.state).unwrap(), 0);
        let again = write(&desk.state, &pairs, "jo", at(9)).unwrap_err();
        assert_eq!(again.kind(), Kind::Changed);
    }

    #[test]
    fn one_that_somebody_changed_meanwhile_is_not_set_and_stays_staged() {
        let desk = Desk::new();
        put(&desk, "every 7 minutes");
        let other = schedule("daily at 06:30");
        profile::set_schedule(&desk.state, &name(), other.clone(), "ana", at(6)).unwrap();
        let mut all = WritePreview::default();
        assert_eq!(preview(&desk.state, &mut all).unwrap(), []);
        assert!(all.refused[0].1.contains("daily at 06:30"), "{all:?}");
        let error = write(&desk.state, &[name()], "jo", at(9)).unwrap_err();
        assert_eq!(error.kind(), Kind::Changed);
        assert_eq!(in_force(&desk), other);
        // Staged again, it is over what stands there now; what stands there is nothing to stage.
        put(&desk, "every 8 minutes");
        write(&desk.state, &[name()], "jo", at(10)).unwrap();
        assert_eq!(in_force(&desk), schedule("every 8 minutes"));
        assert_eq!(put(&desk, "every 8 minutes").after, None);
    }

    #[test]
    fn it_is_taken_back() {
        let desk = Desk::new();
        put(&desk, "every 7 minutes");
        let done = stage(&desk.state, &name(), None, "jo", at(6)).unwrap();
        assert_eq!(done.before, Some(schedule("every 7 minutes")));
        assert_eq!((done.after, count(&desk.state).unwrap()), (None, 0));
    }
}
