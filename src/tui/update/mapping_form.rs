//! The form of one mapping row: fields to row and back, with the preview while typing.

use super::{mapping, meant};
use crate::domain::id::{FieldName, RowId};
use crate::domain::mapping::{Blanks, Flow, OnFull, Pair, Row, Strategy, Switch};
use crate::domain::transform::{Chain, Side};
use crate::domain::value::FieldKind;
use crate::tui::modal::{FormPurpose, Modal, OfferLine};
use crate::tui::model::Model;
use crate::tui::widget::form::{Field, Form, OnEnter};

/// Order of the fields in the form.
const LABELS: [&str; 9] = [
    "App field",
    "Salesforce field",
    "Direction",
    "To Salesforce",
    "To App",
    "When both differ",
    "Empty values",
    "On",
    "When text is full",
];

/// Places of the choices that are explained.
const DIRECTION: usize = 2;
const RULE: usize = 5;

/// What an appended text does when it is full, as the form says it.
const ON_FULL: [(OnFull, &str); 3] = [
    (OnFull::Reject, "refuse new lines"),
    (OnFull::Rotate, "our oldest lines make room"),
    (OnFull::Child, "each becomes a record of its own"),
];

/// Opens the row under the cursor.
pub fn open(model: &mut Model) {
    if !model.may_change("Changing a mapping") {
        return;
    }
    let Some(row) = mapping::selected(model).cloned() else {
        return;
    };
    show(model, &row);
}

/// An id that no row has or had.
pub fn next_id(model: &Model) -> RowId {
    let saved = model.mapping.detail.get().map_or(0, |d| highest(&d.pair));
    let now = model.mapping.current().map_or(0, highest);
    RowId(now.max(saved).saturating_add(1))
}

/// Opens a new row, empty or with what is offered; it is made when the form is kept.
pub fn open_new(model: &mut Model, offered: &OfferLine) {
    let id = next_id(model);
    let Some(pair) = model.mapping.current() else {
        return;
    };
    let mut row = Row {
        id,
        app: Vec::new(),
        crm: Vec::new(),
        flow: Flow::Both,
        to_crm: Chain::default(),
        to_app: Chain::default(),
        strategy: pair.strategy,
        blanks: Blanks::default(),
        switch: Switch::On,
    };
    match offered {
        OfferLine::One(offer) => row = offer.row(id),
        OfferLine::Half(Side::App, field) => row.app.push(field.clone()),
        OfferLine::Half(Side::Crm, field) => row.crm.push(field.clone()),
        OfferLine::All(_) | OfferLine::Empty => {}
    }
    show(model, &row);
    let named = !row.app.is_empty() && !row.crm.is_empty();
    if let Some(draft) = named.then(|| with_row(model, row)).flatten() {
        mapping::preview_draft(model, draft, id);
    }
}

/// The flows to choose from: those with a name, and the one that the row has.
fn flows(own: Flow) -> Vec<String> {
    let mut flows: Vec<Flow> = Flow::choices().collect();
    if flows.iter().all(|flow| flow.name() != own.name()) {
        flows.push(own);
    }
    flows.into_iter().map(|f| f.name().into_owned()).collect()
}

/// Highest row id of a pair; ids are not used again.
fn highest(pair: &Pair) -> u16 {
    pair.rows.iter().map(|r| r.id.0).max().unwrap_or(0)
}

fn show(model: &mut Model, row: &Row) {
    let Some(pair) = model.mapping.current() else {
        return;
    };
    let kind_of = |side: Side| -> String {
        match side {
            Side::App => row
                .app
                .first()
                .map(|f| kind(pair.app_kind(f)))
                .unwrap_or_default(),
            Side::Crm => {
                let object = model.mapping.detail.get().and_then(|d| d.object.as_ref());
                let info = row
                    .crm
                    .first()
                    .and_then(|f| object.and_then(|o| o.field(f.as_str())));
                match info {
                    Some(info) if info.length > 0 => {
                        format!("{}, up to {}", kind(info.kind), info.length)
                    }
                    Some(info) => kind(info.kind),
                    None => String::new(),
                }
            }
        }
    };
    let flows = flows(row.flow);
    let own = flows.iter().position(|name| *name == row.flow.name());
    let strategies: Vec<String> = Strategy::ALL.iter().map(|s| s.name().to_owned()).collect();
    let mut fields = vec![
        Field::line(LABELS[0], Some(&names(&row.app)), kind_of(Side::App)).or_none(),
        Field::line(LABELS[1], Some(&names(&row.crm)), kind_of(Side::Crm)).or_none(),
        Field::choice(LABELS[DIRECTION], flows, own.unwrap_or_default()),
        Field::line(LABELS[3], Some(&row.to_crm.to_string()), "").or_none(),
        Field::line(LABELS[4], Some(&row.to_app.to_string()), "").or_none(),
        Field::choice(
            LABELS[RULE],
            strategies,
            position(&Strategy::ALL, row.strategy),
        ),
        Field::choice(
            LABELS[6],
            vec![
                "clear the other side too".into(),
                "do not overwrite with empty".into(),
            ],
            usize::from(row.blanks == Blanks::Keep),
        ),
        Field::choice(
            LABELS[7],
            vec!["on".into(), "off".into()],
            usize::from(row.switch == Switch::Off),
        ),
    ];
    // Only a text that is appended to is ever full.
    if let Some(on_full) = row.flow.on_full() {
        fields.push(Field::choice(
            LABELS[8],
            ON_FULL.map(|(_, words)| words.to_owned()).into(),
            position(&ON_FULL.map(|(on_full, _)| on_full), on_full),
        ));
    }
    let title = match pair.rows.iter().position(|r| r.id == row.id) {
        Some(at) => format!("Edit row {} of {}", at + 1, pair.rows.len()),
        None => "New row".to_owned(),
    };
    let form = Form::new(title, fields, "Stage", OnEnter::Keeps);
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::MappingRow(row.id)));
}

fn position<T: PartialEq>(all: &[T], one: T) -> usize {
    all.iter().position(|item| *item == one).unwrap_or(0)
}

fn names(fields: &[FieldName]) -> String {
    fields
        .iter()
        .map(FieldName::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

fn kind(kind: FieldKind) -> String {
    match kind {
        FieldKind::Text => "text".into(),
        FieldKind::LongText => "long text".into(),
        FieldKind::Number { scale } => format!("number, {scale} decimals"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The row a form stands for.
///
/// # Errors
/// A sentence about the first field that is not understood.
pub fn parse(form: &Form, id: RowId) -> Result<Row, String> {
    let text = |at: usize| {
        form.fields
            .get(at)
            .and_then(Field::value)
            .unwrap_or_default()
    };
    let list = |at: usize| -> Vec<FieldName> {
        text(at)
            .split([',', '+'])
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(FieldName::new)
            .collect()
    };
    let chain = |at: usize| -> Result<Chain, String> {
        text(at)
            .parse()
            .map_err(|e| format!("{}: {e}", LABELS.get(at).copied().unwrap_or_default()))
    };
    let (app, crm) = (list(0), list(1));
    if app.is_empty() {
        return Err("App field: name at least one".into());
    }
    if crm.is_empty() {
        return Err("Salesforce field: name at least one".into());
    }
    let flow = Flow::named(&text(DIRECTION)).unwrap_or(Flow::Both);
    let on_full = text(8);
    let on_full = ON_FULL.iter().find(|(_, words)| *words == on_full);
    let on_full = on_full.map_or(OnFull::default(), |(on_full, _)| *on_full);
    let flow = flow.with_on_full(on_full).ok_or_else(|| {
        format!(
            "{}: new lines are refused unless the direction is append",
            LABELS[8]
        )
    })?;
    Ok(Row {
        id,
        app,
        crm,
        flow,
        to_crm: chain(3)?,
        to_app: chain(4)?,
        strategy: Strategy::named(&text(RULE)).unwrap_or_default(),
        blanks: if text(6).starts_with("do not") {
            Blanks::Keep
        } else {
            Blanks::Propagate
        },
        switch: if text(7) == "off" {
            Switch::Off
        } else {
            Switch::On
        },
    })
}

/// The draft with the row of a form in it.
fn with_row(model: &Model, row: Row) -> Option<Pair> {
    let mut pair = model.mapping.current()?.clone();
    match pair.rows.iter_mut().find(|r| r.id == row.id) {
        Some(old) => *old = row,
        None => pair.rows.push(row),
    }
    Some(pair)
}

/// Follows the form while it is typed in: says what is wrong, or asks for the preview.
pub fn follow(model: &mut Model, form: &mut Form, id: RowId) {
    match parse(form, id) {
        Err(why) => form.error = Some(why),
        Ok(row) => {
            form.error = None;
            if let Some(draft) = with_row(model, row) {
                mapping::preview_draft(model, draft, id);
            }
        }
    }
}

/// Says what the choice in focus means.
pub fn tell(form: &mut Form) {
    let at = form.focused();
    let value = at.and_then(|at| form.fields.get(at)).and_then(Field::value);
    let chosen = value.unwrap_or_default();
    form.info = match at {
        Some(DIRECTION) => Flow::named(&chosen).map(|flow| meant::flow(flow).into_owned()),
        Some(RULE) => Strategy::named(&chosen).map(|rule| meant::strategy(rule).to_owned()),
        _ => None,
    };
}

/// Takes the form; gives it back when it is not understood.
pub fn submit(model: &mut Model, mut form: Form, id: RowId) {
    match parse(&form, id) {
        Err(why) => {
            form.error = Some(why);
            model.modal = Some(Modal::Form(Box::new(form), FormPurpose::MappingRow(id)));
        }
        Ok(row) => {
            if let Some(draft) = with_row(model, row) {
                let at = draft.rows.iter().position(|r| r.id == id);
                mapping::stage(model, draft);
                if let Some(at) = at {
                    model.mapping.rows.select(at);
                }
                mapping::load_preview(model);
            }
        }
    }
}

/// A row as one line of text.
pub fn row_text(row: &Row) -> String {
    format!(
        "{} {} {}",
        row.label(Side::App),
        row.flow.arrow(),
        row.label(Side::Crm)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_without_fields_or_with_a_wrong_step_says_so() {
        let fields = LABELS
            .iter()
            .map(|l| Field::line(*l, Some(""), ""))
            .collect();
        let mut form = Form::new("Edit row", fields, "Stage", OnEnter::Keeps);
        assert_eq!(
            parse(&form, RowId(1)),
            Err("App field: name at least one".into())
        );
        form.fields[0] = Field::line(LABELS[0], Some("title"), "");
        form.fields[1] = Field::line(LABELS[1], Some("Title"), "");
        form.fields[3] = Field::line(LABELS[3], Some("trim, cutt(4)"), "");
        assert!(
            parse(&form, RowId(1))
                .unwrap_err()
                .starts_with("To Salesforce: at character")
        );
        form.fields[3] = Field::line(LABELS[3], Some("trim, cut(4)"), "");
        let row = parse(&form, RowId(1)).unwrap();
        assert_eq!(row.to_crm.to_string(), "trim, cut(4)");
    }
}
