//! Settings: connections and sign-in, schedule, filters, limits, rules, vault, look, keys, about.

use super::act::{self, go};
use super::{find, log, mapping, step_of, steps, try_filter};
use crate::domain::id::PairName;
use crate::domain::run::Word;
use crate::domain::schedule::Schedule;
use crate::engine::command::Command;
use crate::engine::notice::Topics;
use crate::engine::summary::ConnectionRow;
use crate::engine::view::{
    ScheduleList, ScheduleRow, ScheduleStaged, SignInView, SignedInView, StagedTimes,
};
use crate::tui::action::{Action, Info, TABLE};
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::decisions::{Change, Step as Staged};
use crate::tui::modal::{FormPurpose, Modal, Release, SignIn};
use crate::tui::model::{Model, Screen};
use crate::tui::state::{Section, SettingsPane};
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::form::{Field, Form, OnEnter};
use crate::tui::widget::list::Step;
use crate::tui::widget::prompt::Prompt;

/// Next times of a pair that are shown.
const NEXT: usize = 3;

/// What happens at the lines of Limits.
const AT_THE_LINES: &str = "\
API calls
Runs stop before their next call and go on by themselves when calls are free again. Changes wait, \
nothing is lost. What a person asks for is still sent. The lines are in config.toml, [budget].

Storage of the org
Nearly full is 90%: nothing changes yet, but somebody should make room. A full org refuses new \
records. The run is then put off, not failed: no record is set aside, and the run is tried again \
every hour. Setup, Storage Usage in Salesforce shows what to delete; storage can be bought. \
s on Overview tries at once.";

/// Asks for the settings.
pub fn load(model: &mut Model) {
    model.ask(Ask::Settings, Command::Settings);
    model.ask(Ask::Schedules, Command::Schedules { times: NEXT });
}

/// Whether the section shown says something of what changed.
pub fn shows(model: &Model, topics: Topics) -> bool {
    let here = match model.settings.section() {
        Section::Limits => topics.runs,
        Section::Rules => topics.conflicts,
        _ => false,
    };
    here || topics.settings || topics.mappings
}

/// Goes to a section.
pub fn show(model: &mut Model, section: Section) {
    let at = Section::ALL.iter().position(|s| *s == section).unwrap_or(0);
    model.settings.sections.select(at);
    model.settings.pane = SettingsPane::Content;
    go(model, Screen::Settings);
}

/// From the content to the sections; true when it was in the content.
pub fn leave_content(model: &mut Model) -> bool {
    let was = model.settings.pane == SettingsPane::Content;
    model.settings.pane = SettingsPane::Sections;
    was
}

/// Rows of the section shown.
pub fn rows(model: &Model) -> usize {
    match model.settings.section() {
        Section::Connections => model.summary.as_ref().map_or(0, |s| s.connections.len()),
        Section::Schedule | Section::Filters => model.pairs().len(),
        Section::Rules => model.settings.view.get().map_or(0, |v| v.rules().count()),
        Section::Look => act::theme_names(model).len(),
        Section::Keys => TABLE.len(),
        Section::Limits | Section::Vault | Section::About => 0,
    }
}

/// Does an action of this screen.
pub fn act(model: &mut Model, action: Action) {
    if let Some(step) = step_of(action) {
        let len = rows(model);
        return match model.settings.pane {
            SettingsPane::Sections => model.settings.sections.step(step, Section::ALL.len()),
            SettingsPane::Content => {
                let section = model.settings.section();
                model
                    .settings
                    .content
                    .entry(section)
                    .or_default()
                    .step(step, len);
            }
        };
    }
    match action {
        Action::NextPane | Action::PreviousPane => {
            model.settings.pane = match model.settings.pane {
                SettingsPane::Sections => SettingsPane::Content,
                SettingsPane::Content => SettingsPane::Sections,
            }
        }
        Action::Open if model.settings.pane == SettingsPane::Sections => {
            model.settings.pane = SettingsPane::Content;
        }
        Action::Open | Action::Edit => open(model),
        Action::Switch => switch(model),
        Action::Undo => steps::undo(model),
        Action::Clear => {
            if let Some((pair, _)) = pair_under_cursor(model) {
                stage(model, pair, None);
            }
        }
        Action::New => new_connection(model),
        Action::Remove => ask_disconnect(model),
        Action::Redo => steps::redo(model),
        Action::GoMapping => {
            let pair = pair_under_cursor(model).map(|(pair, _)| pair);
            mapping::show(model, pair, None);
        }
        Action::GoLog => {
            let pair = pair_under_cursor(model).map(|(pair, _)| pair);
            log::show_pair(model, pair);
        }
        Action::GoSettings => show(model, Section::Schedule),
        Action::MatchAfter => find::step(model, Step::Down),
        Action::MatchBefore => find::step(model, Step::Up),
        Action::Copy => {
            let text = copied(model);
            super::records::copy(model, text);
        }
        _ => {}
    }
}

fn open(model: &mut Model) {
    match model.settings.section() {
        Section::Connections => begin_sign_in(model),
        Section::Schedule => edit_schedule(model),
        Section::Filters => try_filter::begin(model),
        Section::Rules => open_rule(model),
        Section::Look => {
            if let Some(name) = act::theme_names(model).get(model.settings.cursor()) {
                act::set_theme(model, name);
            }
        }
        Section::Vault => {
            let text = model.settings.view.get().map(|v| v.recovery.clone());
            if let Some(text) = text {
                show_text(model, "If the key is lost", text);
            }
        }
        Section::Limits => show_text(model, "At the lines", AT_THE_LINES.to_owned()),
        Section::Keys => {
            if let Some(info) = TABLE.get(model.settings.cursor()) {
                let text = key_text(model, info);
                show_text(model, info.name, text);
            }
        }
        Section::About => {}
    }
}

/// What `y` copies: what the cursor is on.
fn copied(model: &Model) -> Option<String> {
    let view = model.settings.view.get()?;
    let at = model.settings.cursor();
    let pair = view.pairs.get(at);
    Some(match model.settings.section() {
        Section::Connections | Section::Limits => view.redirect_uri.clone(),
        Section::Schedule => schedule_text(&pair?.schedule),
        Section::Filters => try_filter::part_of(model, pair?).filter,
        Section::Rules => view.rules().nth(at)?.1.text.clone(),
        Section::Vault => view.recovery.clone(),
        Section::Look => act::theme_names(model).get(at)?.clone(),
        Section::Keys => TABLE.get(at)?.name.to_owned(),
        Section::About => format!(
            "syncdeck {}\n{}\n{}\n{}",
            env!("CARGO_PKG_VERSION"),
            view.data_dir,
            view.config_file,
            view.log_dir
        ),
    })
}

fn show_text(model: &mut Model, title: &str, text: String) {
    let title = title.to_owned();
    model.modal = Some(Modal::Text { title, text });
}

/// An action: its keys, where it exists, and how it gets another key.
fn key_text(model: &Model, info: &Info) -> String {
    let keys = model.options.keymap.keys_of(info.action);
    let keys = match keys.is_empty() {
        true => "no key; the palette does it".to_owned(),
        false => keys,
    };
    let places: Vec<&str> = info.contexts.iter().map(|c| c.name()).collect();
    let places = match places.is_empty() {
        true => "everywhere".to_owned(),
        false => places.join(", "),
    };
    format!(
        "{}\n\nKeys    {keys}\nWhere   {places}\n\nAnother key: a line such as\n\n\
         {} = \"F5\"\n\nin keys.toml beside config.toml; syncdeck keys lists the keys in force.",
        info.help, info.name
    )
}

/// Goes to the mapping row whose rule is under the cursor.
fn open_rule(model: &mut Model) {
    let view = model.settings.view.get();
    let found = view.and_then(|v| v.rules().nth(model.settings.cursor()));
    if let Some((pair, rule)) = found.map(|(pair, rule)| (pair.name.clone(), rule.row)) {
        mapping::show(model, Some(pair), rule);
    }
}

/// Signs in to the system under the cursor of the Overview, or disconnects it.
pub fn connection(model: &mut Model, action: Action) {
    let at = model.overview.connections.selected();
    show(model, Section::Connections);
    let cursor = model.settings.content.entry(Section::Connections);
    cursor.or_default().select(at);
    match action {
        Action::Remove => ask_disconnect(model),
        Action::New => new_connection(model),
        _ => begin_sign_in(model),
    }
}

/// How the connection with the CRM stands.
pub fn crm(model: &Model) -> Option<&ConnectionRow> {
    let summary = model.summary.as_ref()?;
    summary.connections.iter().find(|c| c.system != "App")
}

/// Signs in to the CRM, wherever the cursor is.
fn new_connection(model: &mut Model) {
    let summary = model.summary.as_ref();
    let at = summary.and_then(|s| s.connections.iter().position(|c| c.system != "App"));
    let cursor = model.settings.content.entry(Section::Connections);
    cursor.or_default().select(at.unwrap_or(0));
    begin_sign_in(model);
}

/// Starts a sign-in and opens its dialog.
pub fn begin_sign_in(model: &mut Model) {
    if !model.may_change("Sign-in") {
        return;
    }
    let on_crm = model
        .summary
        .as_ref()
        .and_then(|s| s.connections.get(model.settings.cursor()))
        .is_none_or(|c| c.system != "App");
    if !on_crm {
        model.say(
            Word::Info,
            "The App's records are kept here; there is nothing to sign in to.",
        );
        return;
    }
    model.modal = Some(Modal::SignIn(Box::new(SignIn {
        view: None,
        prompt: Prompt::default(),
        error: None,
    })));
    model.ask(Ask::BeginSignIn, Command::BeginSignIn { key: None });
}

/// The address to open is here.
pub fn sign_in_began(model: &mut Model, view: SignInView) {
    if let Some(Modal::SignIn(sign_in)) = &mut model.modal {
        sign_in.view = Some(view);
        sign_in.error = None;
    }
}

/// The sign-in ended, by paste or by callback.
pub fn signed_in(model: &mut Model, result: Result<SignedInView, crate::error::Error>) {
    match result {
        Ok(who) => {
            if matches!(model.modal, Some(Modal::SignIn(_))) {
                model.modal = None;
            }
            model.say(
                Word::Ok,
                format!("Signed in as {} to {}.", who.username, who.org_name),
            );
            super::act::load(model);
        }
        Err(error) => match &mut model.modal {
            Some(Modal::SignIn(sign_in)) => sign_in.error = Some(act::with_hint(&error)),
            _ => model.say(Word::Fail, act::with_hint(&error)),
        },
    }
}

fn pair_under_cursor(model: &Model) -> Option<(PairName, Schedule)> {
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
fn switch(model: &mut Model) {
    if model.settings.section() != Section::Schedule {
        return;
    }
    let Some((pair, in_force)) = pair_under_cursor(model) else {
        return;
    };
    let staged = staged_here(model).map(|staged| staged.schedule.clone());
    let was = model.settings.before.get(&pair).cloned();
    match (staged.unwrap_or(in_force), was) {
        (Schedule::Manual, None) => edit_schedule(model),
        (Schedule::Manual, was) => stage(model, pair, was),
        (_, _) => stage(model, pair, Some(Schedule::Manual)),
    }
}

/// What is staged of the schedule under the cursor.
pub fn staged_here(model: &Model) -> Option<&StagedTimes> {
    let view = model.settings.view.get()?;
    let pair = &view.pairs.get(model.settings.cursor())?.name;
    let list = model.settings.schedules.as_ref()?;
    let row = list.rows.iter().find(|row| row.pair == *pair)?;
    row.staged.as_ref()
}

fn stage(model: &mut Model, pair: PairName, schedule: Option<Schedule>) {
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
        model.conflicts.history.push(Staged {
            name,
            forth: Change::Schedule(pair.clone(), after),
            back: Change::Schedule(pair, before),
        });
    }
    if model.screen == Screen::Settings {
        load(model);
    }
}

/// When pairs run is here.
pub fn take_schedules(model: &mut Model, list: ScheduleList) {
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

fn edit_schedule(model: &mut Model) {
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

fn ask_disconnect(model: &mut Model) {
    if model.settings.section() != Section::Connections {
        return;
    }
    let Some(summary) = model.summary.clone() else {
        return;
    };
    let Some(row) = summary.connections.get(model.settings.cursor()) else {
        return;
    };
    if row.system == "App" {
        model.say(
            Word::Info,
            "The App's records are kept here; there is nothing to disconnect.",
        );
        return;
    }
    let body = vec![
        Line::text(format!("{}  {}", row.system, row.account)),
        Line::new(),
        Line::text("The tokens are revoked there and forgotten here. Syncs stop until"),
        Line::text("the next sign-in. Records, mappings and decisions stay."),
        Line::new(),
    ];
    let release = Release::Send(
        Ask::Told(format!("{} is disconnected.", row.system)),
        Box::new(Command::Disconnect),
    );
    let confirm = Confirm::typed(
        format!("Disconnect {}?", row.system),
        body,
        summary.profile.as_str(),
        release,
    );
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}
