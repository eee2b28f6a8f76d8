//! The pages of the first run, one a step.
//!
//! Reads only. Invariant: the first sync is offered only below the numbers of a dry run.

use ratatui::layout::Rect;

use super::super::{sign_in, word_role};
use super::flow::Flow;
use crate::domain::run::Word;
use crate::domain::text::grouped;
use crate::engine::view::{BrowserView, SignInView};
use crate::tui::canvas::{Canvas, Line, inset, row};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::prompt::{Prompt, Show};
use crate::tui::wizard::page::{Row, Switch, Typing};
use crate::tui::wizard::port::{Settings, VaultState};
use crate::tui::wizard::{Stage, Step, Wizard};

/// Draws the page of the step in front.
pub(super) fn step(wizard: &Wizard, flow: &mut Flow<'_, '_>) {
    if let Some(standing) = &wizard.standing {
        match wizard.step {
            Step::Profile if standing.settings == Settings::Theirs => {
                flow.text(
                    Role::Text,
                    &format!("The settings are in {}.", standing.file),
                );
                let text = "A person wrote or changed them: the set-up reads them and leaves them \
                            as they are. An editor changes them; `syncdeck config check` reads \
                            them over.";
                flow.text(Role::Text, text);
            }
            Step::Vault => vault(wizard, standing.vault, flow),
            Step::Salesforce => return salesforce(wizard, flow),
            Step::App => {
                let text = "Its records are kept in syncdeck's own store, sealed with the vault's \
                            key: there is nothing to sign in to. A database of your own on this \
                            side is not there yet.";
                flow.text(Role::Text, text);
                flow.gap();
            }
            Step::Objects => objects(wizard, &standing.pairs, flow),
            Step::Check => check(wizard, flow),
            Step::Profile => {}
        }
    }
    page(wizard, flow);
    if wizard.step == Step::Objects && wizard.stage == Stage::Asking {
        counts(wizard, flow);
    }
    checks(wizard, flow);
}

fn vault(wizard: &Wizard, state: VaultState, flow: &mut Flow<'_, '_>) {
    match (state, &wizard.recovery) {
        (VaultState::Missing, _) => {
            let text = "Everything kept here is sealed with one key. What opens it? If that is \
                        lost, nobody can read the store again: sign-ins, history and edits not yet \
                        written are gone; the records in Salesforce are not touched.";
            flow.text(Role::Text, text);
        }
        (VaultState::Locked, _) => flow.text(Role::Text, "The vault is there and locked."),
        (VaultState::Open, Some(recovery)) => {
            for line in recovery.lines() {
                flow.text(Role::Text, line);
            }
        }
        (VaultState::Open, None) => flow.text(Role::Text, "The vault is there and open."),
    }
    flow.gap();
}

fn salesforce(wizard: &Wizard, flow: &mut Flow<'_, '_>) {
    let theirs = wizard
        .standing
        .as_ref()
        .filter(|s| s.settings == Settings::Theirs);
    match (&wizard.sign_in, wizard.stage) {
        (Some(view), Stage::Signing | Stage::Busy(_)) => return signing(wizard, view, flow),
        (None, Stage::Asking) => {
            if let Some(standing) = theirs {
                let draft = &standing.draft;
                flow.text(Role::Text, &format!("How is said in {}:", standing.file));
                let text = format!(
                    "sign_in {} at {}, client_id {}",
                    draft.sign_in, draft.login_host, draft.client_id
                );
                flow.text(Role::Text, &text);
                flow.gap();
                flow.text(Role::Text, "Enter begins the sign-in.");
            }
        }
        _ => {}
    }
    if !matches!(wizard.stage, Stage::Done) {
        page(wizard, flow);
    }
    checks(wizard, flow);
}

fn signing(wizard: &Wizard, view: &SignInView, flow: &mut Flow<'_, '_>) {
    match view {
        SignInView::Browser(view) => {
            if let Some(standing) = wizard.standing.as_ref().filter(|_| wizard.wide()) {
                let draft = &standing.draft;
                flow.text(Role::Dim, &format!("Login host  {}", draft.login_host));
                flow.text(Role::Dim, &format!("Client id   {}", draft.client_id));
                let text = "Asks for    api, refresh_token, id.  Not asked for: full, web.";
                flow.text(Role::Dim, text);
                flow.gap();
            }
            let second = answers(wizard, view);
            let used = sign_in::steps(view, &second, flow.canvas, flow.rest());
            flow.at += used;
            let field = inset(row(flow.rest(), 0), 3);
            for (_, row) in wizard.page.shown() {
                if let Row::Field(asked) = row {
                    sign_in::pasted(&asked.prompt, flow.canvas, field);
                }
            }
            let cursor = flow.canvas.cursor();
            flow.at += 1;
            flow.gap();
            checks(wizard, flow);
            if wizard.wide() && wizard.checks.is_empty() {
                flow.gap();
                flow.text(
                    Role::Dim,
                    "If the browser shows an error page of Salesforce:",
                );
                // Its first line is for when nothing came for a while.
                for line in view.hint.lines().skip(1) {
                    flow.text(Role::Dim, line);
                }
            }
            if let Some(at) = cursor {
                flow.canvas.place_cursor(at.x, at.y);
            }
        }
        SignInView::Code { address, code, .. } => {
            flow.text(Role::Text, "Open this address and type this code there:");
            let used = sign_in::address(address, flow.canvas, flow.rest());
            flow.at += used;
            flow.text(Role::Title, code);
            flow.gap();
            checks(wizard, flow);
        }
        SignInView::ByItself { way } => {
            flow.text(
                Role::Text,
                &format!("Signing in {way}. Nobody has to do anything."),
            );
            flow.gap();
            checks(wizard, flow);
        }
    }
}

/// What comes of signing in, for the way that was chosen.
fn answers(wizard: &Wizard, view: &BrowserView) -> Vec<String> {
    let host = sign_in::callback_host(view);
    let port = host.rsplit(':').next().unwrap_or(host);
    match (&view.callback, wizard.tunnels()) {
        (Ok(()), true) => vec![
            format!(
                "   First, in a second window where the browser is: ssh -L {port}:localhost:{port} HOST"
            ),
            "2  Sign in and allow the app. The answer comes through the tunnel; this goes on by \
             itself."
                .to_owned(),
            "   Should the page not open, its address can be pasted:".to_owned(),
        ],
        (Ok(()), false) => vec![format!(
            "2  Sign in and allow the app. The browser then says it cannot open {host}. That is \
             right."
        )],
        (Err(why), _) => vec![
            format!("2  Sign in. The browser then says it cannot open {host}. That is right."),
            format!("   The answer is not listened for here: {why}."),
        ],
    }
}

fn objects(wizard: &Wizard, pairs: &[String], flow: &mut Flow<'_, '_>) {
    if wizard.stage == Stage::Done {
        flow.text(
            Role::Text,
            "The pairs are there; the Mapping screen shows and changes them:",
        );
        for pair in pairs {
            flow.line(&Line::of(Role::Ok, "OK").to_column(6).add(Role::Text, pair));
        }
        flow.gap();
    } else if wizard.stage == Stage::Asking && !wizard.offers.is_empty() {
        let text = "Which pairs? Every row of them can be changed later, in Mapping.";
        flow.text(Role::Text, text);
        flow.gap();
    }
}

/// The pairs of the choice under the cursor, with what Salesforce has for them.
fn counts(wizard: &Wizard, flow: &mut Flow<'_, '_>) {
    let Some(offer) = wizard.offers.get(wizard.page.at()) else {
        return;
    };
    flow.text(Role::Title, &format!("{} has", offer.name));
    for (title, count) in &offer.pairs {
        let (word, text) = match count {
            Some(count) => (Word::Ok, format!("about {}", records(*count))),
            None => (Word::Warn, "not there, or not readable".to_owned()),
        };
        let line = Line::of(word_role(word), word.as_str())
            .to_column(6)
            .add(Role::Text, title)
            .to_column(40)
            .add(Role::Text, text);
        flow.line(&line);
    }
    flow.gap();
}

fn records(count: u64) -> String {
    text::count(count, "record", "records")
}

fn check(wizard: &Wizard, flow: &mut Flow<'_, '_>) {
    let Some(plan) = wizard.plan.as_ref().filter(|_| wizard.stage == Stage::Done) else {
        if wizard.stage == Stage::Asking {
            let text = "A dry run reads both sides and does everything a sync does, but writes \
                        nothing, on neither side. It ends in numbers; then the first sync is \
                        offered.";
            flow.text(Role::Text, text);
            flow.gap();
            flow.text(Role::Text, "Enter starts it.");
            flow.gap();
        }
        return;
    };
    let total = plan.total();
    flow.text(
        Role::Text,
        "Nothing was written. The first sync would do this:",
    );
    flow.gap();
    for part in &plan.pairs {
        let word = if part.tally.refused > 0 {
            Word::Warn
        } else if part.tally.conflicts > 0 {
            Word::Conf
        } else {
            Word::Ok
        };
        let text = format!("{}: {}", part.title, part.tally.words());
        flow.check(word, &text);
    }
    flow.gap();
    let text = format!(
        "In all {} to the App, {} to Salesforce; {} API calls to do it.",
        grouped(total.app.total()),
        grouped(total.crm.total()),
        grouped(plan.calls.read + plan.calls.write)
    );
    flow.text(Role::Text, &text);
    if total.conflicts > 0 {
        flow.text(
            Role::Text,
            "Conflicts wait for you; nothing is overwritten by them.",
        );
    }
    flow.gap();
    let line = Line::of(Role::Key, "s")
        .add(
            Role::Text,
            " starts the first sync and opens the console.   ",
        )
        .add(Role::Key, "Enter")
        .add(Role::Text, " opens it without.");
    flow.line(&line);
}

/// Columns of a choice with its note, at most.
const TOGETHER: u16 = 100;

/// Choices and fields.
fn page(wizard: &Wizard, flow: &mut Flow<'_, '_>) {
    if !matches!(wizard.stage, Stage::Asking | Stage::Busy(_)) {
        return;
    }
    let mut last_was_pick = None;
    let mut any = false;
    for (at, asked) in wizard.page.shown() {
        any = true;
        let here = at == wizard.page.at() && wizard.stage == Stage::Asking;
        let sign = if here { "> " } else { "  " };
        let is_pick = matches!(asked, Row::Pick(_));
        if last_was_pick.is_some_and(|was| was != is_pick) {
            flow.gap();
        }
        last_was_pick = Some(is_pick);
        // Further apart, a choice and its note would no longer be one line to the eye.
        let area = Rect {
            width: flow.rest().width.min(TOGETHER),
            ..row(flow.rest(), 0)
        };
        match asked {
            Row::Pick(pick) => {
                let taken = if wizard.page.is_taken(at) {
                    "(*) "
                } else {
                    "( ) "
                };
                let role = match pick.state {
                    Switch::On => Role::Text,
                    Switch::Off => Role::Dim,
                };
                let line = Line::of(Role::Title, sign)
                    .add(role, taken)
                    .add(role, pick.label.as_str());
                let used = flow.canvas.line(area, &line);
                let room = usize::from(area.width.saturating_sub(used + 2));
                let note = text::fit(pick.note.as_str(), room);
                flow.canvas.right(area, &Line::of(Role::Dim, note));
                if here {
                    flow.canvas.tint(
                        Rect {
                            width: used,
                            ..area
                        },
                        Role::Cursor,
                    );
                    flow.canvas.place_cursor(area.x, area.y);
                }
            }
            Row::Field(field) => {
                let line = Line::of(Role::Title, sign)
                    .add(Role::Text, field.label)
                    .to_column(16);
                flow.canvas.line(area, &line);
                let note = Line::of(Role::Dim, field.note.as_str());
                let width = u16::try_from(note.width()).unwrap_or(0);
                flow.canvas.right(area, &note);
                let place = Rect {
                    x: area.x + 16,
                    width: area.width.saturating_sub(18 + width).max(12),
                    ..area
                };
                draw_field(flow.canvas, place, field.show, &field.prompt, here);
                if here && wizard.page.typing() == Typing::No {
                    flow.canvas.place_cursor(area.x, area.y);
                }
            }
        }
        flow.at += 1;
    }
    if any {
        flow.gap();
    }
}

/// A field; the cursor goes into the one that is typed in.
fn draw_field(canvas: &mut Canvas<'_>, place: Rect, show: Show, prompt: &Prompt, here: bool) {
    let cursor = canvas.cursor();
    prompt.draw(canvas, place, show);
    if !here && let Some(at) = cursor {
        canvas.place_cursor(at.x, at.y);
    }
}

fn checks(wizard: &Wizard, flow: &mut Flow<'_, '_>) {
    for check in &wizard.checks {
        flow.check(check.word, &check.text);
    }
}
