//! Who decides the conflicts of each row, and how many wait; how often each rule is used.

use ratatui::layout::Rect;

use crate::domain::mapping::Strategy;
use crate::engine::view::{RuleRow, SettingsView};
use crate::tui::canvas::{Canvas, Line};
use crate::tui::text::{self, group};
use crate::tui::theme::Role;
use crate::tui::update::strategy_words;
use crate::tui::widget::list::ListState;
use crate::tui::widget::pane::Focus;
use crate::tui::widget::table::{Row, Signs, Table, fixed, share};

use super::settings::facts;

/// Rows below the list: a free one, the rules with their counts, the note.
const FOOT: u16 = 9;

/// Draws the list and what the rules mean.
pub fn draw(
    view: &SettingsView,
    list: &ListState,
    canvas: &mut Canvas<'_>,
    area: Rect,
    focus: Focus,
) {
    let columns = [
        fixed("Pair", 14),
        share("Row", 20),
        fixed("Rule", 6),
        fixed("Open", 6),
    ];
    let all: Vec<_> = view.rules().collect();
    let table = Table {
        columns: &columns,
        signs: Signs::Absent,
        focus,
        len: all.len(),
    };
    let most = area.height.saturating_sub(FOOT);
    let rest = table.draw_above(canvas, area, list, most, |index| {
        all.get(index)
            .map_or_else(Row::default, |(pair, rule)| Row {
                cells: vec![
                    Line::text(text::fit(pair.name.as_str(), 14)),
                    Line::text(rule.text.as_str()),
                    Line::text(rule.rule.name()),
                    open(rule),
                ],
                ..Row::default()
            })
    });
    let known = Strategy::ALL.into_iter();
    // What hardly anybody uses is explained where it is used.
    let known = known.filter(|rule| {
        matches!(
            rule,
            Strategy::Ask | Strategy::Crm | Strategy::App | Strategy::Newest | Strategy::Filled
        ) || all.iter().any(|(_, r)| r.rule == *rule)
    });
    let means = known.map(|rule| {
        let with = all.iter().filter(|(_, r)| r.rule == rule);
        let (rows, open) = with.fold((0, 0), |(n, open), (_, r)| (n + 1, open + r.open));
        let text = format!(
            "{}; {}, {} open",
            strategy_words(rule),
            text::count(rows, "row", "rows"),
            group(open)
        );
        (rule.name(), text)
    });
    facts(canvas, rest, &means.collect::<Vec<_>>());
}

fn open(rule: &RuleRow) -> Line {
    match rule.open {
        0 => Line::text("-"),
        open => Line::of(Role::Conf, group(open)),
    }
}
