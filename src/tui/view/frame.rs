//! What is the same on every screen: identity, screens, status, hints, what can follow a key.

use ratatui::layout::Rect;

use crate::domain::run::Word;
use crate::engine::summary::{Access, Env};
use crate::tui::action::Context;
use crate::tui::bulk::{Act, Work};
use crate::tui::canvas::{Canvas, Line, row};
use crate::tui::modal::Modal;
use crate::tui::model::{Audience, Hosting, Model, Screen, Times};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::{Place, conflict_place};
use crate::tui::widget::{bar, dialog};
use crate::tui::work;

use super::word_role;

/// Row 1: profile, PRODUCTION or SANDBOX, read-write or read-only, who hosts; when it was drawn,
/// where there is room left.
pub fn identity(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let room = usize::from(area.width);
    let line = match &model.summary {
        None => Line::text("syncdeck").add(
            Role::Dim,
            match model.options.hosting {
                Hosting::Embedded => "  opening the store",
                Hosting::Attached => "  waiting for the engine",
            },
        ),
        Some(summary) => {
            let access = match (summary.access, model.options.access) {
                // It has no keys, and what is scheduled runs: neither word would be true.
                _ if model.options.audience == Audience::Wall => "  wall",
                (Access::ReadWrite, Access::ReadWrite) => "  read-write",
                _ => "  read-only",
            };
            let host = match model.options.hosting {
                Hosting::Embedded => "  embedded",
                Hosting::Attached => "  daemon",
            };
            let says = |env: Line| {
                Line::of(Role::Title, text::fit(summary.profile.as_str(), 24))
                    .add(Role::Text, "  ")
                    .join(env)
                    .add(Role::Text, access)
                    .add(Role::Text, host)
            };
            let production = || Line::of(Role::Production, "PRODUCTION");
            match summary.env {
                Some(Env::Sandbox) => says(Line::of(Role::Sandbox, "SANDBOX")),
                Some(Env::Production) => says(production()),
                // Not proven to be a sandbox: it counts as production.
                None => {
                    let whole = says(production().add(Role::Dim, " (org not known yet)"));
                    match whole.width() <= room {
                        true => whole,
                        false => says(production()),
                    }
                }
            }
        }
    };
    // A band is left out before a word of the line is.
    let band = model.options.band.as_ref().map_or_else(Line::new, |band| {
        Line::of(Role::Band, format!(" {} ", band.word)).add(Role::Text, "  ")
    });
    let line = match band.width() + line.width() <= room {
        true => band.join(line),
        false => line,
    };
    canvas.line(area, &line);
    let zone = match model.times {
        Times::Utc => "UTC",
        Times::Local => "local",
        // The clock itself stays a clock.
        Times::Relative => "UTC",
    };
    // Nothing is drawn while nothing happens, so that this is not the time of day.
    let says = match model.options.audience {
        Audience::Person => "drawn ",
        Audience::Wall => "",
    };
    let clock = Line::text(format!(
        "{says}{} {zone}",
        model.time_of_day(model.now.wall)
    ));
    // Never over the words that say where a write goes.
    if line.width() + 2 + clock.width() <= room {
        canvas.right(area, &clock);
    }
}

/// Row 2: the screens with their keys, and a count where someone must act. Where there is no room
/// for all names, the last ones are left out: their keys stay, and the screen in front has its own.
pub fn tabs(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let help = Line::of(Role::Key, "?").add(Role::Text, " help");
    let room = usize::from(area.width).saturating_sub(help.width() + 1);
    let all = Screen::ALL.len();
    let lines = (0..=all).rev().map(|named| screens(model, named));
    let fits = lines.into_iter().find(|line| line.width() <= room);
    canvas.line(area, &fits.unwrap_or_else(|| screens(model, 0)));
    canvas.right(area, &help);
}

/// The screens, so many of them with their names.
fn screens(model: &Model, named: usize) -> Line {
    let mut line = Line::new();
    for (at, screen) in Screen::ALL.into_iter().enumerate() {
        let count = match (screen, &model.summary) {
            (Screen::Conflicts, Some(s)) if s.open_conflicts > 0 => {
                format!(" {}", text::group(s.open_conflicts))
            }
            _ => String::new(),
        };
        let name = match at < named || screen == model.screen {
            true => format!("{} {}{count}", at + 1, screen.name()),
            false => format!("{}{count}", at + 1),
        };
        line = if screen == model.screen {
            line.add_over(Role::Title, Role::Cursor, format!("[{name}]"))
        } else {
            line.add(Role::Text, format!(" {name} "))
        };
    }
    line
}

/// Second-last row: WHERE STATE WORK COUNTS, and AGE at the right.
pub fn status(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let age = match model.stale() {
        None => Line::text("live"),
        Some(at) => Line::of(Role::Title, format!("as of {}", model.clock(at))),
    };
    let mut head = Line::of(Role::Title, place(model));
    if let Some(worst) = worst(model) {
        head = head
            .add(Role::Text, "  ")
            .add(word_role(worst), worst.as_str());
    }
    let tail = counts(model);
    let room = usize::from(area.width).saturating_sub(age.width() + 2);
    // WORK is shortened first; WHERE and AGE never.
    if let Some(run) = model.summary.as_ref().and_then(|s| s.running.as_ref()) {
        let left = room.saturating_sub(head.width() + tail.width() + 2);
        head = head
            .add(Role::Text, "  ")
            .add(Role::Text, text::fit(work::line(model.now.wall, run), left));
    }
    let left = Rect {
        width: u16::try_from(room).unwrap_or(area.width),
        ..area
    };
    canvas.line(left, &head.join(tail));
    canvas.right(area, &age);
}

fn place(model: &Model) -> String {
    // Of the dialogs only the search is a place of its own.
    if let Some(modal @ Modal::Search(_)) = &model.modal {
        return modal.name().to_owned();
    }
    match model.context() {
        Context::Conflict => match conflict_place(model) {
            Place::At(at, of) => format!("Conflict {} of {}", number(at), number(of)),
            Place::NotThere | Place::Unknown => "Conflict".into(),
        },
        Context::Run => model
            .log
            .open
            .map_or("Run".into(), |run| format!("Run {run}")),
        Context::Mapping => model.mapping.current().map_or("Mapping".into(), |p| {
            format!("Mapping {}  v{}", text::fit(p.title_line(), 40), p.version)
        }),
        Context::Records | Context::Record => {
            let pair = model.records.pair.as_ref().map_or("", |p| p.as_str());
            format!("{} {pair}", model.context().name())
        }
        Context::Settings => format!("Settings {}", model.settings.section().name()),
        Context::Setup => Context::Setup.name().to_owned(),
        context => context.name().to_owned(),
    }
}

fn worst(model: &Model) -> Option<Word> {
    let summary = model.summary.as_ref()?;
    match model.screen {
        Screen::Overview => {
            let words = summary
                .connections
                .iter()
                .map(|c| c.word)
                .chain(summary.pairs.iter().map(|p| p.word));
            words.max().filter(|w| *w >= Word::Hold)
        }
        _ => None,
    }
}

fn counts(model: &Model) -> Line {
    // What is counted is the list's beneath, not what is found.
    if let Some(Modal::Search(_)) = &model.modal {
        return Line::new();
    }
    let mut parts: Vec<String> = Vec::new();
    match model.context() {
        Context::Overview => {
            let summary = model.summary.as_ref();
            let staged = summary.map_or(0, |s| s.to_write() + s.drafts);
            if staged > 0 {
                parts.push(format!("{} staged", text::group(staged)));
            }
            if model.summary.as_ref().is_some_and(|s| s.paused) {
                parts.push("paused".into());
            }
        }
        Context::Business => {}
        Context::Log => {
            parts.push(text::count(model.log.runs.len() as u64, "run", "runs"));
            parts.push("newest first".into());
            if !model.log.filter.is_empty() {
                parts.push("filtered".into());
            }
            parts.push(match model.log.follow {
                crate::tui::state::Follow::On => "follow on".into(),
                crate::tui::state::Follow::Off => "follow off".into(),
            });
        }
        Context::Run => push_marks(&mut parts, model.log.marks.len(), 0),
        Context::Conflicts => {
            parts.push(format!(
                "{} open",
                text::group(model.conflicts.rows.len() as u64)
            ));
            if !model.conflicts.filter.is_empty() {
                parts.push("filtered".into());
            }
            let staged = model.summary.as_ref().map_or(0, |s| s.staged);
            if staged > 0 {
                // The list counts records.
                let decisions = text::count(staged, "decision", "decisions");
                parts.push(format!("{decisions} staged"));
            }
            let hidden = hidden_marks(model);
            push_marks(&mut parts, model.conflicts.marks.len(), hidden);
        }
        Context::Conflict => parts.extend(super::conflict::counts(model)),
        Context::Mapping => {
            let staged = crate::tui::update::staged_changes(model).len() as u64;
            if staged > 0 {
                parts.push(format!("{} staged", text::group(staged)));
            }
        }
        Context::Records | Context::Record => {
            match model.records.shown() {
                (all, None) => parts.push(text::group(all)),
                (shown, Some(all)) => {
                    parts.push(format!("{} of {}", text::group(shown), text::group(all)));
                    parts.push("filtered".into());
                }
            }
            push_marks(&mut parts, model.records.marks.len(), hidden_records(model));
            let edits = model.summary.as_ref().map_or(0, |s| s.edits);
            if edits > 0 {
                let records = text::count(edits, "record", "records");
                parts.push(format!("{records} staged"));
            }
            parts.extend(model.bulk.work.as_ref().map(bulk));
            parts.extend(
                model
                    .export
                    .as_ref()
                    .map(|export| share("exporting", export.so_far())),
            );
        }
        Context::Settings => {
            let schedules = model.summary.as_ref().map_or(0, |s| s.schedules);
            if schedules > 0 {
                parts.push(format!("{} staged", text::group(schedules)));
            }
        }
        Context::Setup => {}
    }
    let mut line = Line::new();
    for part in parts {
        line = line.add(Role::Text, "  ").add(Role::Text, part);
    }
    line
}

fn push_marks(parts: &mut Vec<String>, marked: usize, hidden: usize) {
    match (marked, hidden) {
        (0, _) => {}
        (n, 0) => parts.push(format!("{} marked", number(n))),
        (n, hidden) => parts.push(format!(
            "{} marked, {} not shown",
            number(n),
            number(hidden)
        )),
    }
}

fn number(n: usize) -> String {
    text::group(n as u64)
}

/// Marked conflicts that a filter hides; unknown as long as the list is not all here.
fn hidden_marks(model: &Model) -> usize {
    let marks = &model.conflicts.marks;
    match model.conflicts.rows.part.get() {
        Some(part) if part.rows.len() as u64 == part.total => {
            let shown = part.rows.iter().filter(|row| marks.contains_key(&row.key));
            marks.len() - shown.count()
        }
        _ => 0,
    }
}

/// Marked records that a filter hides; unknown as long as the list is not all here.
fn hidden_records(model: &Model) -> usize {
    let marks = &model.records.marks;
    match model.records.rows.part.get() {
        Some(part) if part.rows.len() as u64 == part.total => {
            let shown = part.rows.iter().filter(|row| marks.contains(&row.key));
            marks.len() - shown.count()
        }
        _ => 0,
    }
}

/// `deleting 300/1,204 24%, Ctrl-c stops`.
fn bulk(work: &Work) -> String {
    let verb = match &work.act {
        Act::Delete => "deleting",
        Act::Restore => "bringing back",
        Act::HandOver(_) => "staging",
        Act::TakeBack => "taking back",
    };
    share(verb, work.so_far())
}

fn share(verb: &str, (done, all): (u64, u64)) -> String {
    let share = bar::percent(done, all);
    let (done, all) = (text::group(done), text::group(all));
    format!("{verb} {done}/{all} {share}%, Ctrl-c stops")
}

/// The box that shows what can follow a key such as `g`.
pub fn chord(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    if model.pending.is_empty() {
        return;
    }
    let follows = model
        .options
        .keymap
        .follows(model.context(), &model.pending);
    let rows = u16::try_from(follows.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2)
        .min(area.height);
    let width = 48.min(area.width);
    let place = Rect {
        x: area.right() - width,
        y: area.bottom() - rows,
        width,
        height: rows,
    };
    let title = crate::tui::key::chord_text(&model.pending);
    let inside = dialog::frame(canvas, place, title, "Esc leaves");
    for (at, (key, action)) in follows.iter().enumerate() {
        let line = Line::of(Role::Key, key.as_str())
            .to_column(6)
            .add(Role::Text, action.info().label);
        canvas.line(row(inside, u16::try_from(at).unwrap_or(u16::MAX)), &line);
    }
}
