//! What may be asked of a connection in a day and what room its org has: the lines, where it
//! stands, and what happens there.

use ratatui::layout::Rect;

use crate::domain::budget::{Bound, Fill, Lines, Space, Storage, clock};
use crate::engine::view::{LimitsView, SettingsView};
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::Model;
use crate::tui::text::{count, group};
use crate::tui::theme::Role;
use crate::tui::update::newer_figure;
use crate::tui::widget::pane::{Focus, pane};

use super::settings::{facts, labelled};

/// What a run does at every line, in the words that fit one row; Enter says more.
const AT_THE_LINE: &str = "runs put off, changes wait, nothing is lost";

/// The time that the limit is of.
const SPAN: &str = "rolling 24 hours";

/// What happens at the lines.
pub const AT_THE_LINES: &str = "\
API calls
Runs stop before their next call and go on by themselves when calls are free again. Changes wait, \
nothing is lost. What a person asks for is still sent. The lines are in config.toml, [budget].

Storage of the org
Nearly full is 90%: nothing changes yet, but somebody should make room. A full org refuses new \
records. The run is then put off, not failed: no record is set aside, and the run is tried again \
every hour. Setup, Storage Usage in Salesforce shows what to delete; storage can be bought. \
A sync that a person starts tries at once.";

/// What stands on the page of a connection, its storage included: labels and texts.
pub fn text(view: &LimitsView) -> Vec<(&'static str, String)> {
    let mut all = rows(view);
    let Some(storage) = &view.storage else {
        all.push(("Storage", "not asked yet; --check asks".to_owned()));
        return all;
    };
    let kinds = [("Records", storage.data), ("Files", storage.files)];
    all.extend(kinds.map(|(label, space)| (label, room(Line::new(), space).plain())));
    all.push(("When full", when_full(storage).to_owned()));
    all
}

/// Draws the connections under each other.
pub fn draw(model: &Model, view: &SettingsView, canvas: &mut Canvas<'_>, area: Rect) {
    if view.limits.is_empty() {
        facts(canvas, area, &[("", "Nothing here counts calls.".into())]);
        return;
    }
    let mut rest = area;
    for limits in &view.limits {
        let title = limits.system.as_str();
        let newer = newer_figure(model);
        let note = match newer {
            None => as_of(model, limits),
            Some(_) => SPAN.to_owned(),
        };
        let body = pane(canvas, rest, Focus::Elsewhere, title, note);
        let mut rows = rows(limits);
        for (label, text) in &mut rows {
            if let Some(now) = newer.and_then(|now| overtaken(label, now)) {
                *text = now;
            }
        }
        let used = facts(canvas, body, &rows);
        rest = storage(
            model,
            limits.storage.as_ref(),
            canvas,
            below(body, used + 1),
        );
    }
}

/// The span of the limit, and how old the figure is.
fn as_of(model: &Model, view: &LimitsView) -> String {
    match &view.limits.lines {
        Some(lines) => format!("{SPAN}, as of {}", model.clock(lines.figure.at)),
        None => SPAN.to_owned(),
    }
}

/// What a row that follows from the figure says until it is worked out from a newer one.
fn overtaken(label: &str, (used, max): (u64, u64)) -> Option<String> {
    match label {
        "Used" => Some(format!("{} of {} by everybody", group(used), group(max))),
        "Left to syncs" | "Forecast" => Some("being worked out".to_owned()),
        _ => None,
    }
}

fn rows(view: &LimitsView) -> Vec<(&'static str, String)> {
    let shares = &view.limits.shares;
    let (under_way, most) = view.at_once;
    let at_once = format!("{under_way} under way, {most} at most");
    let Some(lines) = &view.limits.lines else {
        return vec![
            (
                "Used",
                format!("{} by syncdeck", count(view.limits.ours, "call", "calls")),
            ),
            (
                "Allowed",
                "not known; Salesforce says so with its next answer".to_owned(),
            ),
            ("Ours at most", format!("{}%", shares.max_share)),
            (
                "Stop line",
                format!("{}% used by anybody", shares.stop_at_org_used),
            ),
            ("One run", format!("{}%", shares.per_run_share)),
            (
                "For people",
                count(shares.interactive_reserve, "call", "calls"),
            ),
            ("At the line", AT_THE_LINE.to_owned()),
            ("At once", at_once),
        ];
    };
    let max = lines.figure.max;
    vec![
        (
            "Used",
            format!(
                "{} of {} by everybody, {} by syncdeck",
                group(lines.figure.used),
                group(max),
                group(view.limits.ours)
            ),
        ),
        (
            "Left to syncs",
            format!("{}; {}", group(lines.room.left), first(lines)),
        ),
        ("Forecast", forecast(lines, view)),
        ("Ours at most", part(lines.share, shares.max_share)),
        (
            "Stop line",
            format!(
                "{} by anybody, then other apps come first",
                part(lines.stop, shares.stop_at_org_used)
            ),
        ),
        ("One run", part(lines.run, shares.per_run_share)),
        (
            "For people",
            format!("{} of our part are kept", group(lines.reserve)),
        ),
        ("At the line", AT_THE_LINE.to_owned()),
        ("At once", at_once),
        ("Set in", "config.toml, [budget]".to_owned()),
    ]
}

/// Which line comes first.
fn first(lines: &Lines) -> &'static str {
    match lines.room.bound {
        Bound::Share | Bound::Run => "our part ends first",
        Bound::StopLine => "the stop line comes first",
        Bound::UsedUp => "the org has none",
    }
}

fn forecast(lines: &Lines, view: &LimitsView) -> String {
    if let Some(at) = view.resumes {
        return format!("syncs wait; they go on about {}", clock(at));
    }
    let fits = match lines.again.fits() {
        true => "it fits",
        false => "it does not fit, the rest waits",
    };
    format!("another day like this {}: {fits}", lines.again)
}

fn part(calls: u64, percent: u8) -> String {
    format!("{} ({percent}%)", group(calls))
}

/// The room for records and files; gives the rest of the area.
fn storage(model: &Model, storage: Option<&Storage>, canvas: &mut Canvas<'_>, area: Rect) -> Rect {
    let note = match storage {
        Some(storage) => format!("as of {}", model.clock(storage.at)),
        None => "not asked yet, R asks".to_owned(),
    };
    let body = pane(canvas, area, Focus::Elsewhere, "Storage of the org", note);
    let Some(storage) = storage else {
        return below(body, 1);
    };
    let lines = [("Records", storage.data), ("Files", storage.files)];
    for (at, (label, space)) in lines.into_iter().enumerate() {
        let place = row(body, u16::try_from(at).unwrap_or(0));
        canvas.line(place, &room(labelled(label), space));
    }
    let mut line = labelled("When full").add(Role::Text, when_full(storage));
    if storage.fill() > Some(Fill::Room) {
        line = line.add(Role::Text, " (Enter)");
    }
    canvas.line(row(body, 2), &line);
    below(body, 4)
}

fn when_full(storage: &Storage) -> &'static str {
    match storage.fill() {
        Some(Fill::Nearly) => "somebody has to make room",
        Some(Fill::Full) => "runs are put off until there is room",
        Some(Fill::Room) | None => AT_THE_LINE,
    }
}

/// Megabytes used, with a word in front when few or none are left.
fn room(line: Line, space: Option<Space>) -> Line {
    let Some(space) = space else {
        return line.add(Role::Dim, "not said to this user");
    };
    let line = match space.fill() {
        Fill::Room => line,
        Fill::Nearly => line
            .add(Role::Warn, "WARN")
            .add(Role::Text, " nearly full: "),
        Fill::Full => line.add(Role::Fail, "FAIL").add(Role::Text, " full: "),
    };
    let (used, max) = (group(space.used), group(space.max));
    line.add(
        Role::Text,
        format!("{used} of {max} MB ({}%)", space.percent()),
    )
}
