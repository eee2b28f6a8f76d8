//! A new row: the fields that probably belong together are offered first, with their points.
//!
//! Saves nothing. Invariant: what is offered goes into the draft only when a person takes it, and
//! `u` takes it back in one step.

use super::draft::stage;
use super::mapping_form;
use crate::domain::auto_map::{SURE, offers, unmapped};
use crate::domain::id::RowId;
use crate::domain::mapping::Pair;
use crate::domain::run::Word;
use crate::domain::schema::ObjectInfo;
use crate::domain::transform::Side;
use crate::tui::key::Key;
use crate::tui::modal::{Modal, OfferLine, Offers};
use crate::tui::model::Model;
use crate::tui::text::count;
use crate::tui::widget::picker::{Picked, Picker};

/// `i`: offers rows, or opens an empty one where there is nothing to offer.
pub(super) fn begin(model: &mut Model) {
    let object = model.mapping.detail.get().and_then(|d| d.object.as_ref());
    let (Some(pair), Some(object)) = (model.mapping.current(), object) else {
        return mapping_form::open_new(model, &OfferLine::Empty);
    };
    let lines = lines(pair, object);
    if lines == [OfferLine::Empty] {
        return mapping_form::open_new(model, &OfferLine::Empty);
    }
    let picker = Picker::default();
    model.modal = Some(Modal::Offers(Box::new(Offers { lines, picker })));
}

/// Pairs of fields first, then all of them, an empty row, and fields that nothing was found for.
fn lines(pair: &Pair, object: &ObjectInfo) -> Vec<OfferLine> {
    let found = offers(pair, object);
    let sure = found.iter().filter(|offer| offer.points >= SURE).count();
    let mut free = unmapped(pair, object);
    free.app.retain(|f| found.iter().all(|o| o.app != *f));
    free.crm.retain(|f| found.iter().all(|o| o.crm != *f));
    free.crm.sort_by_key(|f| !free.wanted.contains(f));
    let mut lines: Vec<OfferLine> = found.into_iter().map(OfferLine::One).collect();
    if sure > 1 {
        lines.push(OfferLine::All(sure));
    }
    lines.push(OfferLine::Empty);
    let half = |side| move |field| OfferLine::Half(side, field);
    lines.extend(free.app.into_iter().map(half(Side::App)));
    lines.extend(free.crm.into_iter().map(half(Side::Crm)));
    lines
}

/// Places of the lines that fit what is typed, best first.
pub fn hits(box_: &Offers) -> Vec<usize> {
    let texts: Vec<String> = box_.lines.iter().map(text).collect();
    box_.picker.hits(texts.iter().map(String::as_str))
}

fn text(line: &OfferLine) -> String {
    match line {
        OfferLine::One(offer) => format!("{} {}", offer.app, offer.crm),
        OfferLine::All(_) => "all".to_owned(),
        OfferLine::Half(_, field) => field.to_string(),
        OfferLine::Empty => "empty row".to_owned(),
    }
}

/// Handles a key while rows are offered.
pub fn key(model: &mut Model, mut box_: Offers, key: Key) {
    let found = hits(&box_);
    match box_.picker.key(key, found.len()) {
        Picked::Left => {}
        Picked::Open => model.modal = Some(Modal::Offers(Box::new(box_))),
        Picked::Chosen => match found.get(box_.picker.list.selected()) {
            Some(at) => take(model, box_, *at),
            None => {
                model.say(Word::Info, "No field that is free is called like that.");
                model.modal = Some(Modal::Offers(Box::new(box_)));
            }
        },
    }
}

fn take(model: &mut Model, box_: Offers, at: usize) {
    match box_.lines.get(at) {
        Some(OfferLine::All(_)) => take_all(model, &box_),
        Some(line) => mapping_form::open_new(model, line),
        None => {}
    }
}

/// Puts a row into the draft for each offer with many points.
fn take_all(model: &mut Model, box_: &Offers) {
    let Some(mut pair) = model.mapping.current().cloned() else {
        return;
    };
    let offers = box_.lines.iter().filter_map(|line| match line {
        OfferLine::One(offer) if offer.points >= SURE => Some(offer),
        _ => None,
    });
    let first = pair.rows.len();
    let mut id = mapping_form::next_id(model);
    for offer in offers {
        let row = offer.row(id);
        pair.rows.push(row);
        id = RowId(id.0.saturating_add(1));
    }
    let rows = count((pair.rows.len() - first) as u64, "row is", "rows are");
    stage(model, pair);
    model.mapping.rows.select(first);
    super::load_preview(model);
    model.say(
        Word::Ok,
        format!("{rows} in the draft. Look at each before w saves them; u takes all of them back."),
    );
}
