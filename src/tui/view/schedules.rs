//! What the settings say about the pair under the cursor: when it runs next, and what a filter
//! would do to it.

use ratatui::layout::Rect;

use crate::engine::view::{FilterSample, FilterView, GivenBy};
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::Model;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::ListState;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::table::{Row, Signs, Table, fixed, share};

use super::part;
use super::settings::facts;

/// The next times of a pair, and what keeps it from running.
pub fn next_times(model: &Model, pair: &str, canvas: &mut Canvas<'_>, area: Rect) {
    let list = model.settings.schedules.as_ref();
    let found = list.and_then(|l| l.rows.iter().find(|row| row.pair.as_str() == pair));
    let Some(found) = found else { return };
    let body = pane(canvas, area, Focus::Elsewhere, pair, "");
    let times: Vec<String> = found.next.iter().map(|at| model.date(*at)).collect();
    let next = match (list.is_some_and(|l| l.paused), times.is_empty()) {
        (true, _) => "not while syncing is paused".to_owned(),
        (_, true) => "only when asked".to_owned(),
        (_, false) => times.join(", "),
    };
    let mut rows = vec![("Next", next)];
    if found.given_by == GivenBy::Settings {
        rows.push(("Set in", "config.toml; it is changed there".to_owned()));
    }
    if let Some((times, since, why)) = &found.missed {
        let missed = text::count(u64::from(*times), "time", "times");
        let since = model.date(*since);
        rows.push(("Missed", format!("{missed} since {since}: {why}")));
    }
    if let Some(why) = &found.stuck {
        rows.push(("FAIL", why.clone()));
    }
    facts(canvas, body, &rows);
}

/// The pairs, and what the filter that was tried last would do to one of them.
pub fn filters(model: &Model, list: &ListState, canvas: &mut Canvas<'_>, area: Rect, focus: Focus) {
    let pairs = model.pairs();
    let columns = [share("Pair", 18), fixed("Records", 9)];
    let table = Table {
        columns: &columns,
        signs: Signs::Absent,
        focus,
        len: pairs.len(),
    };
    let rows = u16::try_from(pairs.len() + 1).unwrap_or(u16::MAX);
    let rows = rows.min(area.height / 3);
    table.draw(canvas, part(area, 0, rows), list, |index| {
        pairs.get(index).map_or_else(Row::default, |pair| Row {
            cells: vec![
                Line::text(pair.title.as_str()),
                Line::text(text::group(pair.records)),
            ],
            ..Row::default()
        })
    });
    let rest = below(area, rows + 1);
    let here = pairs.get(list.selected()).map(|pair| &pair.name);
    match model
        .settings
        .tried
        .as_ref()
        .filter(|t| Some(&t.pair) == here)
    {
        Some(tried) => outcome(tried, canvas, rest),
        None => {
            let says = "Enter tries a filter: which query it becomes, which records would stay, \
                        and which would leave. Nothing is changed by it.";
            facts(canvas, rest, &[("", says.to_owned())]);
        }
    }
}

fn outcome(tried: &FilterView, canvas: &mut Canvas<'_>, area: Rect) {
    let body = pane(
        canvas,
        area,
        Focus::Elsewhere,
        tried.filter.as_str(),
        "nothing is changed",
    );
    let here = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    let stay = format!("{} of the linked records", text::group(tried.stay));
    let leave = format!("{} of the linked records", text::group(tried.leave));
    let rows = [
        ("In Salesforce", tried.query.clone()),
        ("Decided here", here(&tried.rest)),
        ("Stay", stay),
        ("Leave", leave),
    ];
    let used = facts(canvas, body, &rows);
    let rest = below(body, used + 1);
    if rest.height < 2 || tried.leaving.is_empty() {
        return;
    }
    let note = text::group(tried.leave);
    let rest = pane(canvas, rest, Focus::Elsewhere, "Would leave", note);
    for (at, sample) in tried
        .leaving
        .iter()
        .take(usize::from(rest.height))
        .enumerate()
    {
        let place = row(rest, u16::try_from(at).unwrap_or(u16::MAX));
        canvas.line(place, &line(sample));
    }
}

fn line(sample: &FilterSample) -> Line {
    Line::text("  ")
        .add(Role::Text, text::fit(sample.name.as_str(), 28))
        .to_column(32)
        .add(Role::Crm, text::fit_id(sample.crm_id.as_str(), 12))
}
