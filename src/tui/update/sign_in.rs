//! Settings, Connections: signing in to the CRM, and disconnecting from it.
//!
//! Holds no token and sees none. Invariant: disconnecting is typed.

use super::{act, settings};
use crate::domain::run::Word;
use crate::engine::command::Command;
use crate::engine::summary::ConnectionRow;
use crate::engine::view::{SignInView, SignedInView};
use crate::tui::action::Action;
use crate::tui::ask::Ask;
use crate::tui::canvas::Line;
use crate::tui::modal::{Modal, Release, SignIn};
use crate::tui::model::Model;
use crate::tui::state::Section;
use crate::tui::widget::confirm::Confirm;
use crate::tui::widget::prompt::Prompt;

/// Signs in to the system under the cursor of the Overview, or disconnects it.
pub fn connection(model: &mut Model, action: Action) {
    let at = model.overview.connections.selected();
    settings::show(model, Section::Connections);
    let cursor = model.settings.content.entry(Section::Connections);
    cursor.or_default().select(at);
    match action {
        Action::Remove => ask_disconnect(model),
        Action::New => new_connection(model),
        _ => begin_sign_in(model),
    }
}

/// How the connection with the CRM stands.
pub fn crm(model: &Model) -> Option<&ConnectionRow> {
    let summary = model.summary.as_ref()?;
    summary.connections.iter().find(|c| c.system != "App")
}

/// Signs in to the CRM, wherever the cursor is.
pub(super) fn new_connection(model: &mut Model) {
    let summary = model.summary.as_ref();
    let at = summary.and_then(|s| s.connections.iter().position(|c| c.system != "App"));
    let cursor = model.settings.content.entry(Section::Connections);
    cursor.or_default().select(at.unwrap_or(0));
    begin_sign_in(model);
}

/// Starts a sign-in and opens its dialog.
pub fn begin_sign_in(model: &mut Model) {
    if !model.may_change("Sign-in") {
        return;
    }
    let on_crm = model
        .summary
        .as_ref()
        .and_then(|s| s.connections.get(model.settings.cursor()))
        .is_none_or(|c| c.system != "App");
    if !on_crm {
        model.say(
            Word::Info,
            "The App's records are kept here; there is nothing to sign in to.",
        );
        return;
    }
    model.modal = Some(Modal::SignIn(Box::new(SignIn {
        view: None,
        prompt: Prompt::default(),
        error: None,
    })));
    model.ask(Ask::BeginSignIn, Command::BeginSignIn { key: None });
}

/// The address to open is here.
pub fn sign_in_began(model: &mut Model, view: SignInView) {
    if let Some(Modal::SignIn(sign_in)) = &mut model.modal {
        sign_in.view = Some(view);
        sign_in.error = None;
    }
}

/// The sign-in ended, by paste or by callback.
pub fn signed_in(model: &mut Model, result: Result<SignedInView, crate::error::Error>) {
    match result {
        Ok(who) => {
            if matches!(model.modal, Some(Modal::SignIn(_))) {
                model.modal = None;
            }
            model.say(
                Word::Ok,
                format!("Signed in as {} to {}.", who.username, who.org_name),
            );
            act::load(model);
        }
        Err(error) => match &mut model.modal {
            Some(Modal::SignIn(sign_in)) => sign_in.error = Some(act::with_hint(&error)),
            _ => model.say(Word::Fail, act::with_hint(&error)),
        },
    }
}

pub(super) fn ask_disconnect(model: &mut Model) {
    if model.settings.section() != Section::Connections {
        return;
    }
    let Some(summary) = model.summary.clone() else {
        return;
    };
    let Some(row) = summary.connections.get(model.settings.cursor()) else {
        return;
    };
    if row.system == "App" {
        model.say(
            Word::Info,
            "The App's records are kept here; there is nothing to disconnect.",
        );
        return;
    }
    let body = vec![
        Line::text(format!("{}  {}", row.system, row.account)),
        Line::new(),
        Line::text("The tokens are revoked there and forgotten here. Syncs stop until"),
        Line::text("the next sign-in. Records, mappings and decisions stay."),
        Line::new(),
    ];
    let release = Release::Send(
        Ask::Told(format!("{} is disconnected.", row.system)),
        Box::new(Command::Disconnect),
    );
    let confirm = Confirm::typed(
        format!("Disconnect {}?", row.system),
        body,
        summary.profile.as_str(),
        release,
    );
    model.modal = Some(Modal::Confirm(Box::new(confirm)));
}
