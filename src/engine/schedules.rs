//! Schedules for those who look: each pair's, its next times, and what it missed.
//!
//! Starts nothing. Invariant: the next times shown are those the engine goes by.

pub mod staged;

use super::core::Shared;
use super::tables::MISSED;
use super::view::{GivenBy, ScheduleList, ScheduleRow, StagedTimes};
use crate::domain::id::PairName;
use crate::error::{Error, Kind, Result};
use crate::store::keys::Key;

/// All pairs with their schedules.
pub(super) fn list(shared: &Shared, times: usize) -> Result<ScheduleList> {
    let state = &*shared.state;
    let now = shared.options.settings.clock.now();
    let switches = state.switches()?;
    let mut rows = Vec::new();
    for pair in state.pairs()? {
        let mark = switches.mark(&pair.name).unwrap_or(now);
        let missed = state
            .store()
            .get(&MISSED, &Key::new().text(pair.name.as_str()))?;
        let staged = staged::of(state, &pair.name)?.map(|staged| StagedTimes {
            next: staged.schedule.upcoming(now, now, times),
            schedule: staged.schedule,
        });
        rows.push(ScheduleRow {
            staged,
            title: pair.title_line(),
            next: pair.schedule.upcoming(mark, now, times),
            stuck: pair.schedule.stuck(mark, now).map(|why| why.to_string()),
            given_by: given_by(shared, &pair.name),
            missed: missed.map(|m| (m.fires, m.since, m.why.to_string())),
            pair: pair.name,
            schedule: pair.schedule,
        });
    }
    Ok(ScheduleList {
        paused: switches.paused,
        rows,
    })
}

fn given_by(shared: &Shared, pair: &PairName) -> GivenBy {
    if shared.options.given.contains(pair) {
        GivenBy::Settings
    } else {
        GivenBy::Person
    }
}

/// Refuses what the next start would take back.
///
/// # Errors
/// When the settings give this pair's schedule.
pub(super) fn may_be_set(shared: &Shared, pair: &PairName) -> Result<()> {
    match given_by(shared, pair) {
        GivenBy::Person => Ok(()),
        GivenBy::Settings => {
            let file = &shared.options.about.config_file;
            let text = format!("the schedule of {pair} is given by the settings");
            Err(Error::new(Kind::Refused, text)
                .hint(format!("change [pairs.{pair}] schedule in {file}")))
        }
    }
}
