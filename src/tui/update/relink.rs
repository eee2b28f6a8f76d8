//! Leaving the org of the profile for another one, as a refreshed sandbox is: what would end, the two
//! ways to link anew, and the question that is answered by typing.
//!
//! Signs in to none. Invariant: what is left is sent with the number of links that was shown.

use super::write;
use crate::domain::run::Word;
use crate::domain::text::some;
use crate::engine::command::Command;
use crate::engine::view::{Anew, Relink, RelinkView};
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{FormPurpose, Modal, Release};
use crate::tui::model::Model;
use crate::tui::theme::Role;
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::form::Field;
use crate::tui::widget::form::{Entry, Form, OnEnter};

/// The ways, and what they are called in the form.
const WAYS: [(Anew, &str); 2] = [
    (Anew::ByKey, "by our keys"),
    (Anew::ByRules, "by rules only"),
];

/// Asks what leaving the org would mean.
pub fn begin(model: &mut Model) {
    model.ask(Ask::Relink, Command::PreviewRelink);
}

/// Shows it, and asks how records are found again.
pub fn choose(model: &mut Model, view: Box<RelinkView>) {
    if model.is_busy() {
        return;
    }
    let words = WAYS.map(|(_, words)| words.to_owned()).into();
    let likely = view.likely();
    let at = WAYS.iter().position(|(how, _)| *how == likely);
    let fields = vec![Field::choice("Found again", words, at.unwrap_or(0))];
    let mut form = Form::new(
        "Leave this org for another?",
        fields,
        "Go on",
        OnEnter::GoesOn,
    );
    let links = some(view.links(), "link", "links");
    let ends = match org(&view) {
        Some(org) => format!("{links} to {org} would end."),
        None => format!("{links} would end; this profile belongs to no org."),
    };
    form.info = Some(format!(
        "{ends} A copy of the org, as a refreshed sandbox, has our keys; in any other only the rules \
         of a pair find its records again.",
    ));
    model.modal = Some(Modal::Form(Box::new(form), FormPurpose::Relink(view)));
}

/// From the way to the question.
pub fn submit(model: &mut Model, form: &Form, view: &RelinkView) {
    let Some(summary) = model.summary.clone() else {
        return;
    };
    let at = match form.fields.first().map(|field| &field.entry) {
        Some(Entry::Choice { at, .. }) => *at,
        _ => 0,
    };
    let (how, _) = WAYS.get(at).copied().unwrap_or(WAYS[0]);
    let links = view.links();
    let mut body = vec![
        write::where_it_goes(&summary.profile, summary.env),
        Line::new(),
        Line::text(match org(view) {
            Some(org) => format!("This signs out of {org} and ends its links."),
            None => "This ends the links that there are.".to_owned(),
        }),
    ];
    if let Some(too) = view.ends_too() {
        body.push(Line::of(Role::Warn, format!("With them end {too}.")));
    }
    body.push(Line::text("Earlier runs cannot be taken back any more."));
    for pair in &view.pairs {
        let (name, links) = (pair.name.as_str(), some(pair.links, "link", "links"));
        let text = format!("  {name}  {links}: {}", pair.found(how));
        body.push(Line::text(text));
    }
    body.push(Line::new());
    body.extend(
        [
            "i signs in to the other org then. The first sync of each pair",
            "reads everything and links it anew; where values differ a person",
            "is asked. What is not there is made only when you allow it.",
        ]
        .map(Line::text),
    );
    let phrase = format!("{} {links}", summary.profile);
    let title = format!("End {}?", some(links, "link", "links"));
    let release = Release::LeaveOrg(Relink { how, links });
    let confirm = Confirm::typed(title, body, phrase, release);
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}

/// Leaves it.
pub fn leave(model: &mut Model, relink: Relink) {
    model.say(
        Word::Info,
        "Leaving the org: signing out, then its links end.",
    );
    let told = format!(
        "{} ended. i on the connections signs in to the other org.",
        some(relink.links, "link", "links")
    );
    model.ask(Ask::Told(told), Command::Relink(relink));
}

/// `Acme (00D...)`.
fn org(view: &RelinkView) -> Option<String> {
    let (id, name) = view.org.as_ref()?;
    Some(format!("{name} ({id})"))
}
