//! Overview: are we connected, is it syncing, what needs me.

use ratatui::layout::Rect;

use crate::domain::run::Word;
use crate::engine::summary::{ConnectionRow, Next, PairRow, Progress, Summary};
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::model::{Model, Zoom};
use crate::tui::order;
use crate::tui::state::OverviewPane;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::staged;
use crate::tui::widget::bar;
use crate::tui::widget::list::ListState;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::table::{Column, Row, Signs, Table, fixed, seen, share};
use crate::tui::work;

use super::{attention, load, part, split, state, word, word_role};

/// Where the bar of a budget begins.
const BAR_AT: usize = 14;

/// Draws the screen.
pub fn draw(model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(summary) = &model.summary else {
        return state::loading(canvas, area, "its state");
    };
    if model.zoom == Zoom::Whole {
        return match model.overview.pane {
            OverviewPane::Connections => connections(model, summary, canvas, area),
            OverviewPane::Syncs => syncs(model, summary, canvas, area),
            OverviewPane::Attention => attention::draw(model, summary, canvas, area),
        };
    }
    if model.wide() {
        wide(model, summary, canvas, area);
    } else {
        narrow(model, summary, canvas, area);
    }
}

/// Heights for a list that wants `len` rows under its rule and titles.
fn wants(len: usize) -> u16 {
    u16::try_from(len.max(1))
        .unwrap_or(u16::MAX)
        .saturating_add(2)
}

fn narrow(model: &Model, summary: &Summary, canvas: &mut Canvas<'_>, area: Rect) {
    let top = wants(summary.connections.len()).min(area.height / 3);
    // What needs a person is said whole where the syncs leave room for it.
    let syncs_need = wants(summary.pairs.len());
    let free = area.height.saturating_sub(top + syncs_need + 2);
    let most = free.max(area.height / 3);
    let bottom = attention::wants(summary, area.width).clamp(3, most);
    let middle = area.height.saturating_sub(top + bottom + 2);
    connections(model, summary, canvas, part(area, 0, top));
    syncs(model, summary, canvas, part(area, top + 1, middle));
    attention::draw(model, summary, canvas, below(area, top + middle + 2));
}

fn wide(model: &Model, summary: &Summary, canvas: &mut Canvas<'_>, area: Rect) {
    let (left, right) = split(model, canvas, area);
    let top = wants(summary.connections.len()).min(left.height / 4);
    let middle = wants(summary.pairs.len()).min(left.height / 3);
    connections(model, summary, canvas, part(left, 0, top));
    syncs(model, summary, canvas, part(left, top + 1, middle));
    let mut at = top + middle + 2;
    if let Some(run) = &summary.running {
        running(model, run, canvas, part(left, at, 5));
        at += 6;
    }
    live_log(model, summary, canvas, below(left, at));
    let needs = attention::wants(summary, right.width).min(right.height / 2);
    attention::draw(model, summary, canvas, part(right, 0, needs));
    let load = load::lines(&summary.hours, right.width);
    let mut at = needs + 1;
    if !load.is_empty() {
        let rows = u16::try_from(load.len() + 1).unwrap_or(u16::MAX);
        let place = part(right, at, rows);
        let body = pane(canvas, place, Focus::Elsewhere, load::TITLE, "");
        for (at, line) in load.iter().enumerate() {
            canvas.line(row(body, u16::try_from(at).unwrap_or(u16::MAX)), line);
        }
        at += rows + 1;
    }
    let budget = budget_lines(summary, right.width);
    let rows = u16::try_from(budget.len() + 1).unwrap_or(u16::MAX);
    let place = part(right, at, rows);
    let body = pane(canvas, place, Focus::Elsewhere, "API budget, 24 hours", "");
    for (at, line) in budget.iter().enumerate() {
        canvas.line(row(body, u16::try_from(at).unwrap_or(u16::MAX)), line);
    }
    waiting(model, summary, canvas, below(right, at + rows + 1));
}

fn connections(model: &Model, summary: &Summary, canvas: &mut Canvas<'_>, area: Rect) {
    let here = Focus::when(model.overview.pane == OverviewPane::Connections);
    let words = summary
        .connections
        .iter()
        .map(|c| c.word)
        .collect::<Vec<_>>();
    let note = beyond(&words, &model.overview.connections, area);
    let body = pane(canvas, area, here, "Connections", note);
    if summary.connections.is_empty() {
        return state::empty(
            canvas,
            body,
            &["No system is connected. 6 goes to the sign-in."],
        );
    }
    let columns = [
        fixed("State", 5),
        fixed("System", 10),
        share("Account", 16),
        fixed("Sign-in", 13),
        fixed("API today", 14),
        fixed("Checked", 8),
    ];
    let table = Table {
        columns: &columns,
        signs: Signs::Absent,
        focus: here,
        len: summary.connections.len(),
    };
    table.draw(canvas, body, &model.overview.connections, |index| {
        let Some(c) = summary.connections.get(index) else {
            return Row::default();
        };
        let sign_in = match c.sign_in.as_str() {
            "" => "-",
            says => says,
        };
        Row {
            cells: vec![
                word(c.word),
                Line::text(c.system.as_str()),
                Line::text(account(c, area.width)),
                Line::text(sign_in),
                Line::text(c.api.map_or("-".into(), |(used, all)| {
                    format!("{} / {}", text::short(used), text::short(all))
                })),
                Line::text(c.checked.map_or("-".into(), |at| model.clock_short(at))),
            ],
            ..Row::default()
        }
    });
}

/// Rows of a table under its rule and its titles.
fn rows(area: Rect) -> usize {
    usize::from(area.height.saturating_sub(2)).max(1)
}

/// How many rows there are, and of those that the table in this area has no room for, how many, with
/// the words of those that are not well, the worst first: what failed is never out of sight.
fn beyond(words: &[Word], list: &ListState, area: Rect) -> String {
    let all = text::group(words.len() as u64);
    let rows = rows(area);
    if words.len() <= rows {
        return all;
    }
    let seen = seen(list, words.len(), rows);
    let hidden = words
        .iter()
        .enumerate()
        .filter(|(at, _)| !seen.contains(at));
    let mut hidden: Vec<Word> = hidden.map(|(_, word)| *word).collect();
    let more = text::group(hidden.len() as u64);
    hidden.retain(|word| *word >= Word::Hold);
    hidden.sort_unstable_by_key(|word| std::cmp::Reverse(*word));
    hidden.dedup();
    let troubles: Vec<&str> = hidden.iter().map(|word| word.as_str()).collect();
    match troubles.as_slice() {
        [] => format!("{all}, {more} more"),
        some => format!("{all}, {more} more: {}", some.join(" ")),
    }
}

/// Who and where. The id of the organisation is never cut; its name stands for the user where
/// there is little room.
fn account(connection: &ConnectionRow, width: u16) -> String {
    let who = &connection.account;
    let Some(id) = connection.org_id.as_deref() else {
        return who.clone();
    };
    let id = text::fit_id(id, 10);
    match &connection.org_name {
        Some(name) if width < 90 => format!("{} {id}", text::fit(name.as_str(), 11)),
        _ => format!("{} {id}", text::fit(who.as_str(), 30)),
    }
}

const NARROW: [Column<'static>; 8] = [
    fixed("State", 5),
    share("Pair", 18),
    fixed("Last run", 10),
    fixed("In", 5),
    fixed("Out", 5),
    fixed("Fail", 4),
    fixed("Conf", 4),
    fixed("Next", 6),
];

const WIDE: [Column<'static>; 9] = [
    fixed("State", 5),
    share("Pair", 18),
    fixed("Last run", 14),
    fixed("In", 7),
    fixed("Out", 7),
    fixed("Fail", 6),
    fixed("Conf", 6),
    fixed("Took", 6),
    fixed("Next", 10),
];

fn syncs(model: &Model, summary: &Summary, canvas: &mut Canvas<'_>, area: Rect) {
    let here = Focus::when(model.overview.pane == OverviewPane::Syncs);
    let places = order::shown(&summary.pairs, rows(area));
    let list = model.overview.syncs.at(order::row(model, &places));
    let pairs: Vec<&PairRow> = places
        .iter()
        .filter_map(|at| summary.pairs.get(*at))
        .collect();
    let words = pairs.iter().map(|p| p.word).collect::<Vec<_>>();
    let note = beyond(&words, &list, area);
    let body = pane(canvas, area, here, "Syncs", note);
    if summary.pairs.is_empty() {
        return state::empty(canvas, body, &["No pair is set up yet."]);
    }
    let wide = area.width >= 90;
    let columns: &[Column<'_>] = if wide { &WIDE } else { &NARROW };
    let table = Table {
        columns,
        signs: Signs::Absent,
        focus: here,
        len: summary.pairs.len(),
    };
    table.draw(canvas, body, &list, |index| {
        let Some(pair) = pairs.get(index) else {
            return Row::default();
        };
        let mut cells = pair_cells(model, pair);
        if wide {
            let took = pair.last.and_then(|l| l.took).map_or("-".into(), took_text);
            cells.insert(7, Line::text(took));
        }
        Row {
            cells,
            ..Row::default()
        }
    });
    model.overview.syncs.saw(&list);
}

fn pair_cells(model: &Model, pair: &PairRow) -> Vec<Line> {
    let last = match pair.last {
        None => Line::text("never"),
        Some(last) if last.took.is_none() && last.word() == Word::Run => Line::text("now"),
        // The first column has the weight; once more would only cost bytes.
        Some(last) => Line::text(format!("{} {}", model.clock_short(last.at), last.word())),
    };
    let counts = pair.last.map(|l| l.counts).unwrap_or_default();
    let number = |n: u64| Line::text(text::short(n));
    let next = match pair.next {
        Next::Manual => "manual".to_owned(),
        Next::At(at) => model.clock_short(at),
        Next::Paused => "paused".to_owned(),
        Next::Now => "-".to_owned(),
        Next::Queued => "queued".to_owned(),
    };
    vec![
        word(pair.word),
        Line::text(pair.title.as_str()),
        last,
        number(counts.pulled),
        number(counts.pushed),
        number(pair.failing.max(counts.failed)),
        number(pair.open_conflicts),
        Line::text(next),
    ]
}

/// `41s`, `3m 12s`, `2h 24m`.
pub fn took_text(seconds: u64) -> String {
    match seconds {
        0..=99 => format!("{seconds}s"),
        100..=5_999 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

fn running(model: &Model, run: &Progress, canvas: &mut Canvas<'_>, area: Rect) {
    let title = format!("Run now: {}, run {}", run.title, run.run);
    let body = pane(canvas, area, Focus::Elsewhere, title, "");
    canvas.put(
        row(body, 0),
        Role::Text,
        format!("  Phase   {}", run.phase.label()),
    );
    let mut done = Line::text("  Done    ");
    done = match run.total {
        Some(total) => done
            .add(
                Role::Text,
                format!(
                    "{} of {} {}%   ",
                    text::group(run.done),
                    text::group(total),
                    bar::percent(run.done, total)
                ),
            )
            .join(bar::bar(run.done, total, 40)),
        None => done.add(Role::Text, text::group(run.done)),
    };
    if let Some(pace) = work::pace(model.now.wall, run) {
        done = done.add(Role::Text, format!("   {pace}"));
    }
    canvas.line(row(body, 1), &done);
    let c = run.counts;
    let far = format!(
        "  So far  {} same, {} in, {} out, {}, {} retried, {} failed",
        text::group(c.same),
        text::group(c.pulled),
        text::group(c.pushed),
        text::count(c.conflicts, "conflict", "conflicts"),
        text::group(c.retried),
        text::group(c.failed)
    );
    canvas.put(row(body, 2), Role::Text, far);
    let moved = format!("  Moved   {}", model.clock(run.moved_at));
    canvas.put(row(body, 3), Role::Dim, moved);
}

fn live_log(model: &Model, summary: &Summary, canvas: &mut Canvas<'_>, area: Rect) {
    let body = pane(canvas, area, Focus::Elsewhere, "Live log", "newest first");
    for (at, line) in summary
        .log
        .iter()
        .take(usize::from(body.height))
        .enumerate()
    {
        let run = line.run.map_or("-".into(), |r| r.to_string());
        let text = Line::of(Role::Dim, format!("  {}  ", model.clock(line.at)))
            .add(word_role(line.word), line.word.as_str())
            .to_column(18)
            .add(Role::Dim, run)
            .to_column(25)
            .add(Role::Text, line.text.as_str());
        canvas.line(row(body, u16::try_from(at).unwrap_or(u16::MAX)), &text);
    }
}

/// Each system that counts its calls, with what is left for us.
fn budget_lines(summary: &Summary, width: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    for connection in &summary.connections {
        let Some((used, all)) = connection.api else {
            continue;
        };
        let numbers = format!(
            "  {}%  {} of {}",
            bar::percent(used, all),
            text::short(used),
            text::short(all)
        );
        let columns = usize::from(width).saturating_sub(BAR_AT + text::width(&numbers));
        let line = Line::text(format!("  {}", connection.system))
            .to_column(BAR_AT)
            .join(bar::bar(used, all, columns.min(24)))
            .add(Role::Text, numbers);
        lines.push(line);
        let room = usize::from(width).saturating_sub(BAR_AT).max(20);
        let words = connection.budget.as_deref();
        for part in words.map_or(Vec::new(), |words| text::wrap(words, room)) {
            lines.push(Line::text("").to_column(BAR_AT).add(Role::Dim, part));
        }
    }
    lines
}

fn waiting(model: &Model, summary: &Summary, canvas: &mut Canvas<'_>, area: Rect) {
    let body = pane(
        canvas,
        area,
        Focus::Elsewhere,
        "Waiting to be written",
        text::group(summary.to_write() + summary.drafts),
    );
    let what = staged(summary.staged, summary.edits, summary.schedules);
    // Whoever may only look has no key for it.
    let may = model.read_only().is_none();
    let mut text = match (summary.to_write(), may) {
        (0, true) => {
            "Nothing staged. Decisions and edits are collected here until you press w.".to_owned()
        }
        (0, false) => "Nothing staged.".to_owned(),
        (_, true) => format!("{what} staged. w shows what will be written."),
        (_, false) => format!("{what} staged."),
    };
    if summary.drafts > 0 && may {
        let drafts = text::count(summary.drafts, "mapping has", "mappings have");
        text.push_str(&format!(" {drafts} changes that w saves on 4."));
    }
    for (at, line) in text::wrap(&text, usize::from(body.width.saturating_sub(2)))
        .iter()
        .enumerate()
    {
        canvas.line(
            row(body, u16::try_from(at).unwrap_or(u16::MAX)),
            &Line::text("  ").add(Role::Text, line),
        );
    }
}
