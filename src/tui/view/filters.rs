//! Which records take part in each pair, and what the filter tried last would do.

use ratatui::layout::Rect;

use crate::engine::view::{FilterSample, FilterView, PairSettings, SettingsView};
use crate::tui::canvas::{Canvas, Line, below, row};
use crate::tui::modal::Modal;
use crate::tui::model::Model;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::update::{REFUSED, filter_text, part_of, saved_part};
use crate::tui::widget::list::ListState;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::table::{Row, Sign, Signs, Table, fixed, share};

use super::settings::facts;

/// Draws the pairs, and the effect of a filter on the one under the cursor.
pub fn draw(
    model: &Model,
    view: &SettingsView,
    list: &ListState,
    canvas: &mut Canvas<'_>,
    area: Rect,
    focus: Focus,
) {
    let pairs = &view.pairs;
    let columns = [fixed("Pair", 24), share("Filter", 16), fixed("Records", 9)];
    let table = Table {
        columns: &columns,
        signs: Signs::Shown,
        focus,
        len: pairs.len(),
    };
    let rest = table.draw_above(canvas, area, list, area.height / 3, |index| {
        let Some(pair) = pairs.get(index) else {
            return Row::default();
        };
        let part = part_of(model, pair);
        let known = model.pairs().iter().find(|p| p.name == pair.name);
        Row {
            sign: match is_staged(model, pair) {
                true => Sign::Staged,
                false => Sign::None,
            },
            cells: vec![
                Line::text(pair.title.as_str()),
                Line::text(filter_text(&part.filter)),
                Line::text(known.map_or_else(|| "-".into(), |p| text::group(p.records))),
            ],
        }
    });
    let Some(pair) = pairs.get(list.selected()) else {
        return;
    };
    let body = pane(canvas, rest, Focus::Elsewhere, pair.title.as_str(), "");
    let part = part_of(model, pair);
    let mut facts_of = vec![
        ("Filter", filter_text(&part.filter).to_owned()),
        ("Who leaves", part.leaves.words().to_owned()),
        (REFUSED, part.bad_fields.words().to_owned()),
    ];
    if is_staged(model, pair) {
        let saved = format!(
            "{}; who leaves {}; refused fields {}",
            filter_text(&pair.filter),
            pair.on_leave.words(),
            pair.bad_fields.words()
        );
        facts_of.push(("Saved is", saved));
    }
    let tried = model.settings.tried.as_ref();
    // A question over it says the same, and is not paid for twice.
    let asked = matches!(model.modal, Some(Modal::Confirm(_)));
    match tried.filter(|tried| tried.pair == pair.name && !asked) {
        Some(tried) => {
            let used = facts(canvas, body, &facts_of);
            outcome(tried, canvas, below(body, used + 1));
        }
        None => {
            let says = "Enter tries another: which query it becomes, which linked records stay, leave \
                        and come back. Then it can go into the draft of the mapping.";
            facts_of.push(("", String::new()));
            facts_of.push(("", says.to_owned()));
            facts(canvas, body, &facts_of);
        }
    }
}

fn is_staged(model: &Model, pair: &PairSettings) -> bool {
    part_of(model, pair) != saved_part(pair)
}

fn outcome(tried: &FilterView, canvas: &mut Canvas<'_>, area: Rect) {
    let title = format!("Tried: {}", filter_text(&tried.filter));
    let body = pane(
        canvas,
        area,
        Focus::Elsewhere,
        title.as_str(),
        "not in force",
    );
    let linked = |n: u64| format!("{} of the linked records", text::group(n));
    let rest = tried.rest.clone();
    let rows = [
        ("In Salesforce", tried.query.clone()),
        ("Decided here", rest.unwrap_or_else(|| "nothing".to_owned())),
        ("Stay", linked(tried.stay)),
        ("Leave", linked(tried.leave)),
        ("Come back", linked(tried.enter)),
    ];
    let used = facts(canvas, body, &rows);
    let rest = below(body, used + 1);
    if rest.height < 2 || tried.leaving.is_empty() {
        return;
    }
    let note = text::group(tried.leave);
    let rest = pane(canvas, rest, Focus::Elsewhere, "Would leave", note);
    let height = usize::from(rest.height);
    for (at, sample) in tried.leaving.iter().take(height).enumerate() {
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
