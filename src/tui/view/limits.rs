//! What may be asked of a connection in a day: the lines, where it stands, and what happens there.

use ratatui::layout::Rect;

use crate::domain::budget::{Bound, Lines, clock};
use crate::engine::view::{LimitsView, SettingsView};
use crate::tui::canvas::{Canvas, below};
use crate::tui::model::Model;
use crate::tui::text::{count, group};
use crate::tui::widget::pane::{Focus, pane};

use super::settings::facts;

/// What happens when the calls for work in the background are used.
const AT_THE_LINE: &str = "Runs stop before their next call and go on by themselves when calls are \
    free again; changes wait, nothing is lost. What a person asks for is still sent.";

/// Draws the connections under each other.
pub fn draw(model: &Model, view: &SettingsView, canvas: &mut Canvas<'_>, area: Rect) {
    if view.limits.is_empty() {
        facts(canvas, area, &[("", "Nothing here counts calls.".into())]);
        return;
    }
    let mut rest = area;
    for limits in &view.limits {
        let title = limits.system.as_str();
        let body = pane(canvas, rest, Focus::Elsewhere, title, "rolling 24 hours");
        let used = facts(canvas, body, &rows(model, limits));
        rest = below(body, used + 1);
    }
}

fn rows(model: &Model, view: &LimitsView) -> Vec<(&'static str, String)> {
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
        ("As of", model.clock(lines.figure.at)),
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
