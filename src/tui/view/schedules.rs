//! When the pair under the cursor runs next, and what keeps it from running.

use ratatui::layout::Rect;

use crate::engine::view::GivenBy;
use crate::tui::canvas::Canvas;
use crate::tui::model::Model;
use crate::tui::text;
use crate::tui::update::schedule_text;
use crate::tui::widget::pane::{Focus, pane};

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
    if let Some(staged) = &found.staged {
        let times: Vec<String> = staged.next.iter().map(|at| model.date(*at)).collect();
        let when = format!("{}; w sets it", schedule_text(&staged.schedule));
        rows.push(("Staged", when));
        if !times.is_empty() {
            rows.push(("Next then", times.join(", ")));
        }
    }
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
