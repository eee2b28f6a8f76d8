//! Rows that are offered for a mapping, and the fields that no row has.

use ratatui::layout::Rect;

use crate::domain::auto_map::{Offer, SURE, unmapped};
use crate::domain::id::FieldName;
use crate::domain::mapping::Pair;
use crate::domain::schema::ObjectInfo;
use crate::domain::transform::Side;
use crate::tui::canvas::{Canvas, Line, below, inset, row};
use crate::tui::modal::{OfferLine, Offers};
use crate::tui::text::{fit, group, wrap};
use crate::tui::theme::Role;
use crate::tui::update::offer_hits;
use crate::tui::widget::dialog::{centred, frame};
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::prompt::Show;

use super::part;

/// Draws the box of offers in the middle of `area`.
pub fn draw(box_: &Offers, canvas: &mut Canvas<'_>, area: Rect) {
    let hits = offer_hits(box_);
    let note = "Enter opens the row; nothing is saved";
    let inside = frame(canvas, centred(area, 110, 22), "New row", note);
    let body = below(inside, 3);
    let foot = row(body, body.height.saturating_sub(1));
    let body = part(body, 0, body.height.saturating_sub(2));
    let height = usize::from(body.height);
    let offset = box_.picker.list.window(hits.len(), height);
    for (index, at) in hits.iter().enumerate().skip(offset).take(height) {
        let Some(line) = box_.lines.get(*at) else {
            continue;
        };
        let place = row(body, u16::try_from(index - offset).unwrap_or(0));
        let here = index == box_.picker.list.selected();
        let sign = Line::of(Role::Title, if here { "> " } else { "  " });
        canvas.line(place, &sign.join(offered(line)));
        if here {
            canvas.tint(place, Role::Cursor);
        }
    }
    let head = Line::text("  ")
        .add(Role::Dim, "App")
        .to_column(20)
        .add(Role::Dim, "Dir")
        .to_column(25)
        .add(Role::Dim, "Salesforce")
        .to_column(45)
        .add(Role::Dim, "Points of 100");
    canvas.line(row(inside, 2), &head);
    let chosen = hits.get(box_.picker.list.selected());
    if let Some(OfferLine::One(offer)) = chosen.and_then(|at| box_.lines.get(*at)) {
        canvas.put(foot, Role::Dim, reasons(offer));
    }
    let prompt = row(inside, 0);
    canvas.put(prompt, Role::Title, "> ");
    let field = inset(prompt, 2);
    box_.picker.prompt.draw(canvas, field, Show::Plain);
}

fn offered(line: &OfferLine) -> Line {
    match line {
        OfferLine::One(offer) => {
            let points = format!("{:>3}  {}", offer.points, reasons(offer));
            Line::of(Role::App, fit(offer.app.as_str(), 17))
                .to_column(18)
                .add(Role::Text, offer.flow.arrow())
                .to_column(23)
                .add(Role::Crm, fit(offer.crm.as_str(), 19))
                .to_column(43)
                .add(Role::Text, points)
        }
        OfferLine::All(sure) => Line::text(format!("all {sure} that have {SURE} points or more")),
        OfferLine::Half(Side::App, field) => Line::of(Role::App, fit(field.as_str(), 17))
            .to_column(43)
            .add(Role::Dim, "  -  nothing like it is free"),
        OfferLine::Half(Side::Crm, field) => Line::text("")
            .to_column(23)
            .add(Role::Crm, fit(field.as_str(), 19))
            .to_column(43)
            .add(Role::Dim, "  -  nothing like it is free"),
        OfferLine::Empty => Line::text("an empty row"),
    }
}

/// What an offer has its points for.
fn reasons(offer: &Offer) -> String {
    match offer.required {
        true => format!("required; {}", offer.why),
        false => offer.why.clone(),
    }
}

/// The fields of both sides that no row has, and what Salesforce wants of a new record.
pub fn not_mapped(pair: &Pair, object: &ObjectInfo, canvas: &mut Canvas<'_>, area: Rect) {
    let free = unmapped(pair, object);
    let of = |names: &[FieldName]| group(names.len() as u64);
    let note = format!("Salesforce {}, App {}", of(&free.crm), of(&free.app));
    let body = pane(canvas, area, Focus::Elsewhere, "Not mapped", note);
    let rows = [
        ("Wanted", Role::Warn, free.wanted.as_slice()),
        ("Salesforce", Role::Crm, &free.crm),
        ("App", Role::App, &free.app),
    ];
    let mut at = 0;
    for (label, role, names) in rows {
        if names.is_empty() && label == "Wanted" {
            continue;
        }
        let text = names_in(names, usize::from(body.width.saturating_sub(15)));
        let line = Line::text("  ").add(role, label).to_column(14);
        canvas.line(row(body, at), &line.add(Role::Text, text));
        at += 1;
    }
    let note = "i starts a new row; names that match well are offered first.";
    let columns = usize::from(body.width.saturating_sub(2)).max(20);
    for line in wrap(note, columns) {
        let line = Line::text("  ").add(Role::Dim, line);
        canvas.line(row(body, at), &line);
        at += 1;
    }
}

/// As many names as have room, and how many more there are.
fn names_in(names: &[FieldName], columns: usize) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let mut text = String::new();
    for (at, name) in names.iter().enumerate() {
        let rest = names.len() - at;
        let more = format!("and {rest} more");
        let last = rest == 1;
        let needs = name.as_str().chars().count() + if last { 0 } else { more.len() + 2 };
        if at > 0 && text.chars().count() + 2 + needs > columns {
            return format!("{text}  {more}");
        }
        if at > 0 {
            text.push_str("  ");
        }
        text.push_str(name.as_str());
    }
    text
}
