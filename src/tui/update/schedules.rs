//! Settings, Schedule: when pairs run by themselves, staged like every other change.
//!
//! The engine keeps what is staged and sets it with `w`. Invariant: a schedule that is not known is
//! typed, not made up.

use super::settings;
use crate::domain::id::PairName;
use crate::domain::run::Word;
use crate::domain::schedule::Schedule;
use crate::engine::command::Command;
use crate::engine::view::{PairSettings, ScheduleList, ScheduleRow, ScheduleStaged, StagedTimes};
use crate::tui::ask::Ask;
use crate::tui::decisions::{Change, Step};
use crate::tui::modal::{FormPurpose, Modal};
use crate::tui::model::{Model, Screen};
use crate::tui::state::Section;
use crate::tui::widget::form::{Field, Form, OnEnter};

pub(super) fn pair_under_cursor(model: &Model) -> Option<(PairName, Schedule)> {
    if !matches!(
        model.settings.section(),
        Section::Schedule | Section::Filters
    ) {
        return None;
    }
    let view = model.settings.view.get()?;
    view.pairs
        .get(model.settings.cursor())
        .map(|pair| (pair.name.clone(), pair.schedule.clone()))
}

/// Space: off, or on again as it was. A schedule that is not known is typed, not made up.
pub(super) fn switch(model: &mut Model) {
    if model.settings.section() != Section::Schedule {
        return;
    }
    let Some((pair, in_force)) = pair_under_cursor(model) else {
        return;
    };
    let staged = staged_here(model).map(|staged| staged.schedule.clone());
    let was = model.settings.before.get(&pair).cloned();
    match (staged.unwrap_or(in_force), was) {
        (Schedule::Manual, None) => edit(model),
        (Schedule::Manual, was) => stage(model, pair, was),
        (_, _) => stage(model, pair, Some(Schedule::Manual)),
    }
}

/// What is staged of the schedule under the cursor.
pub fn staged_here(model: &Model) -> Option<&StagedTimes> {
    let view = model.settings.view.get()?;
    staged_of(model, &view.pairs.get(model.settings.cursor())?.name)
}

/// What is staged of when a pair runs.
pub fn staged_of<'m>(model: &'m Model, pair: &PairName) -> Option<&'m StagedTimes> {
    let list = model.settings.schedules.as_ref()?;
    let row = list.rows.iter().find(|row| row.pair == *pair)?;
    row.staged.as_ref()
}

/// When a pair runs as its row says it: as it is staged, or else as it is in force.
pub fn schedule_of<'m>(model: &'m Model, pair: &'m PairSettings) -> &'m Schedule {
    let staged = staged_of(model, &pair.name);
    staged.map_or(&pair.schedule, |staged| &staged.schedule)
}

pub(super) fn stage(model: &mut Model, pair: PairName, schedule: Option<Schedule>) {
    let command = Command::StageSchedule { pair, schedule };
    model.ask(Ask::StageSchedule, command);
}

/// The engine has it: the step can be taken back.
pub fn staged(model: &mut Model, ask: &Ask, done: ScheduleStaged) {
    let ScheduleStaged {
        pair,
        before,
        after,
    } = done;
    if *ask == Ask::StageSchedule {
        let (name, said) = match (&before, &after) {
            (before, after) if before == after => {
                return model.say(Word::Info, "That changes nothing that is staged.");
            }
            (_, Some(schedule)) => {
                let name = format!("{pair} runs {}", schedule_text(schedule));
                let said = format!("Staged: {name}. Nothing is set before w; u takes it back.");
                (name, said)
            }
            (_, None) => {
                let name = format!("{pair} runs as before");
                let said = format!("Taken back: {name}. u stages it again.");
                (name, said)
            }
        };
        model.say(Word::Ok, said);
        model.conflicts.history.push(Step {
            name,
            forth: Change::Schedule(pair.clone(), after),
            back: Change::Schedule(pair, before),
        });
    }
    if model.screen == Screen::Settings {
        settings::load(model);
    }
}

/// When pairs run is here.
pub fn take(model: &mut Model, list: ScheduleList) {
    let old = model.settings.schedules.take();
    let old = old.map_or(Vec::new(), |list| list.rows);
    for row in &list.rows {
        let staged = row.staged.as_ref().map(|staged| &staged.schedule);
        // One that was in force all the time is not what was there last.
        let same = |old: &ScheduleRow| old.pair == row.pair && old.schedule == row.schedule;
        let in_force = (!old.iter().any(same)).then_some(&row.schedule);
        let known = [in_force, staged].into_iter().flatten();
        let runs = known.filter(|schedule| **schedule != Schedule::Manual);
        let before = &mut model.settings.before;
        before.extend(runs.map(|schedule| (row.pair.clone(), schedule.clone())));
    }
    model.settings.schedules = Some(list);
}

/// A schedule in words.
pub fn schedule_text(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Every { minutes: 2.. } => schedule.words().replace("minutes", "min"),
        other => other.words(),
    }
}

pub(super) fn edit(model: &mut Model) {
    if !model.may_change("Changing a schedule") {
        return;
    }
    let Some((pair, schedule)) = pair_under_cursor(model) else {
        return;
    };
    let staged = staged_here(model).map(|staged| staged.schedule.clone());
    let text = match staged.unwrap_or(schedule) {
        Schedule::Manual => String::new(),
        other => other.to_string(),
    };
    let field = Field::line("When", Some(&text), "");
    let title = format!("When {pair} runs");
    let mut form = Form::new(title, vec![field], "Stage", OnEnter::Keeps);
    form.info = Some(
        "a number of minutes; hourly at :05; daily at 06:30 Europe/Berlin; cron 0 6 * * mon-fri. \
         Empty: only when asked."
            .to_owned(),
    );
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::Schedule(pair)));
}

/// Takes the schedule form.
pub fn submit(model: &mut Model, mut form: Form, pair: PairName) {
    let text = form
        .fields
        .first()
        .and_then(Field::value)
        .unwrap_or_default();
    let schedule = match text.trim() {
        "" => Ok(Schedule::Manual),
        minutes if minutes.bytes().all(|b| b.is_ascii_digit()) => {
            format!("every {minutes} minutes").parse()
        }
        text => text.parse::<Schedule>(),
    };
    match schedule {
        Ok(schedule) => stage(model, pair, Some(schedule)),
        Err(error) => {
            form.error = Some(error.to_string());
            model.modal = Some(Modal::Form(Box::new(form), FormPurpose::Schedule(pair)));
        }
    }
}
