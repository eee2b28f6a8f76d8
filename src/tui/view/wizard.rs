//! The first run: one page a step, with the list of the steps beside it where there is room.
//!
//! Reads only. Invariant: where it is, what is saved and how it is left stand on every page; the
//! address to open stands from the first column, without a frame.

mod flow;
mod pages;

use ratatui::layout::Rect;

use self::flow::Flow;
use super::{LEAST, hints, sign_in, split_at};
use crate::tui::action::{Action, Context};
use crate::tui::canvas::{Canvas, Line, row};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::wizard::page::Typing;
use crate::tui::wizard::port::VaultState;
use crate::tui::wizard::{Front, Stage, Step, Wizard, words};

/// Columns of the list of steps, which its words need however wide the window is.
const STEPS: u16 = 35;

/// Draws one frame.
pub fn draw(wizard: &Wizard, frame: &mut ratatui::Frame<'_>) {
    let area = frame.area();
    let mut canvas = Canvas::new(frame.buffer_mut(), &wizard.theme);
    canvas.place_cursor(0, 0);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let (columns, rows) = LEAST;
        let text = format!(
            "{}x{} here, {columns}x{rows} needed.",
            area.width, area.height
        );
        canvas.put(row(area, 0), Role::Text, text);
        canvas.put(
            row(area, 1),
            Role::Text,
            "First run; what is saved stays.  q quit",
        );
    } else if wizard.front == Front::Address {
        only_address(wizard, &mut canvas, area);
    } else {
        full(wizard, &mut canvas, area);
    }
    if let Some(position) = canvas.cursor() {
        frame.set_cursor_position(position);
    }
}

/// Nothing but the address, for a mouse that selects whole screens.
fn only_address(wizard: &Wizard, canvas: &mut Canvas<'_>, area: Rect) {
    if let Some(address) = wizard.address() {
        sign_in::address(address, canvas, area);
    }
    let last = Line::of(Role::Key, "y").add(Role::Text, " copy  ");
    let last = last.add(Role::Key, "Esc").add(Role::Text, " back");
    canvas.line(row(area, area.height - 1), &last);
}

fn full(wizard: &Wizard, canvas: &mut Canvas<'_>, area: Rect) {
    head(wizard, canvas, row(area, 0));
    let body = Rect {
        y: area.y + 2,
        height: area.height - 4,
        ..area
    };
    let page = if wizard.wide() {
        let (left, right) = split_at(canvas, body, (STEPS * 100).div_ceil(body.width));
        list(wizard, canvas, left);
        right
    } else {
        tabs(wizard, canvas, row(area, 1));
        body
    };
    let right = match &wizard.ssh {
        Some(from) => format!("you are on SSH from {from}"),
        None => String::new(),
    };
    let inside = pane(canvas, page, Focus::Here, title(wizard), right);
    match wizard.front {
        Front::Why(from) => why(wizard, from, canvas, inside),
        Front::Step | Front::Address => {
            let mut flow = Flow::new(canvas, inside);
            pages::step(wizard, &mut flow);
        }
    }
    status(wizard, canvas, row(area, area.height - 2));
    hint(wizard, canvas, row(area, area.height - 1));
    wizard.toasts.draw(canvas, body);
}

fn head(wizard: &Wizard, canvas: &mut Canvas<'_>, area: Rect) {
    let clock = Line::text(wizard.clock());
    let mut line = Line::of(Role::Title, "syncdeck first run");
    if let Some(standing) = &wizard.standing {
        line = line
            .add(Role::Text, "   profile ")
            .add(Role::Title, text::fit(standing.profile.as_str(), 20));
    }
    let promise = Line::of(Role::Dim, "   nothing is synced before step 6");
    let room = usize::from(area.width).saturating_sub(clock.width() + 1);
    if line.width() + promise.width() <= room {
        line = line.join(promise);
    }
    canvas.line(area, &line);
    canvas.right(area, &clock);
}

fn tabs(wizard: &Wizard, canvas: &mut Canvas<'_>, area: Rect) {
    let mut line = Line::new();
    for step in Step::ALL {
        let name = format!("{} {}", step.number(), step.name());
        line = if step == wizard.step && wizard.standing.is_some() {
            line.add_over(Role::Title, Role::Cursor, format!("[{name}]"))
        } else {
            line.add(Role::Text, format!(" {name} "))
        };
    }
    canvas.line(area, &line);
    canvas.right(area, &Line::of(Role::Key, "?").add(Role::Text, " why"));
}

/// What a step came to, in a word or two.
fn came_to(wizard: &Wizard, step: Step) -> String {
    let Some(standing) = &wizard.standing else {
        return String::new();
    };
    match step {
        Step::Profile => standing.profile.clone(),
        Step::Vault => match standing.vault {
            VaultState::Open => "open".to_owned(),
            VaultState::Locked => "locked".to_owned(),
            VaultState::Missing => String::new(),
        },
        Step::Salesforce => standing.signed_in.clone().unwrap_or_default(),
        Step::App => "own store".to_owned(),
        Step::Objects if standing.pairs.is_empty() => "pick pairs".to_owned(),
        Step::Objects => text::count(standing.pairs.len() as u64, "pair", "pairs"),
        Step::Check => "dry run".to_owned(),
    }
}

fn list(wizard: &Wizard, canvas: &mut Canvas<'_>, area: Rect) {
    let count = format!("{} of {}", wizard.step.number(), Step::ALL.len());
    let inside = pane(canvas, area, Focus::Elsewhere, "Steps", count);
    let mut flow = Flow::new(canvas, inside);
    for step in Step::ALL {
        let has = wizard.standing.as_ref().is_some_and(|s| s.has(step));
        let (role, word) = match (step == wizard.step, has) {
            (true, _) => (Role::Title, ">"),
            (false, true) => (Role::Ok, "OK"),
            (false, false) => (Role::Dim, ""),
        };
        let name = format!("{} {}", step.number(), step.name());
        let line = Line::of(role, word)
            .to_column(3)
            .add(Role::Text, name)
            .to_column(18)
            .add(Role::Dim, came_to(wizard, step))
            .to_column(usize::from(inside.width.saturating_sub(1)));
        flow.line(&line);
    }
    flow.gap();
    for text in [
        "You can stop at any time.",
        "Each step is saved. Start again with:",
        "  syncdeck setup",
        "",
        "No screen? The same questions:",
        "  syncdeck setup --plain",
        "",
        "By script:",
        "  syncdeck connect --jwt-key FILE",
        "    --username NAME",
    ] {
        flow.text(Role::Text, text);
    }
}

fn title(wizard: &Wizard) -> &'static str {
    if wizard.standing.is_none() {
        return "The first run";
    }
    match (wizard.front, wizard.step) {
        (Front::Why(_), _) => "Why these choices",
        (_, Step::Profile) => "Name a profile",
        (_, Step::Vault) => "What opens the vault",
        (_, Step::Salesforce) => "Sign in to Salesforce",
        (_, Step::App) => "The App's side",
        (_, Step::Objects) => "What is synced",
        (_, Step::Check) => "Check with a dry run",
    }
}

fn why(wizard: &Wizard, from: usize, canvas: &mut Canvas<'_>, area: Rect) {
    let mut flow = Flow::new(canvas, area);
    for text in words::why(wizard.step).iter().skip(from) {
        flow.text(Role::Text, text);
        flow.gap();
    }
}

fn status(wizard: &Wizard, canvas: &mut Canvas<'_>, area: Rect) {
    let place = format!("Step {} of {}", wizard.step.number(), Step::ALL.len());
    let leave = Line::text("Esc leaves, nothing is lost");
    let mut line = Line::new();
    if let Some(standing) = &wizard.standing {
        line = Line::of(Role::Title, place);
        let saved: Vec<Step> = Step::ALL
            .into_iter()
            .filter(|step| *step != Step::App && standing.has(*step))
            .collect();
        let names: Vec<String> = saved.iter().map(|s| s.name().to_lowercase()).collect();
        let words = match names.as_slice() {
            [] => "nothing yet".to_owned(),
            names => names.join(", "),
        };
        let room = usize::from(area.width).saturating_sub(line.width() + leave.width() + 18);
        let words = match saved.last() {
            Some(last) if words.len() > room => format!("steps 1 to {}", last.number()),
            _ => words,
        };
        line = line.add(Role::Text, format!("  saved so far: {words}"));
    }
    canvas.line(area, &line);
    canvas.right(area, &leave);
}

fn hint(wizard: &Wizard, canvas: &mut Canvas<'_>, area: Rect) {
    let typing = matches!(wizard.stage, Stage::Asking | Stage::Signing)
        && wizard.page.typing() == Typing::Yes;
    let text = match (wizard.front, wizard.stage, typing) {
        (Front::Why(_), _, _) => Some("j/k scroll  Esc back"),
        (_, Stage::Signing, true) => {
            Some("typing: Enter check  Esc leave the field (then y copy, o address only, q leave)")
        }
        (_, _, true) => {
            Some("typing: Enter next  Tab Up Down move  Shift-Tab step before  Esc leave the field")
        }
        _ => None,
    };
    if let Some(text) = text {
        canvas.put(area, Role::Text, text);
        return;
    }
    let mut line = Line::new();
    for action in hints::useful(Context::Setup) {
        let Some(label) = label(wizard, *action) else {
            continue;
        };
        let Some(key) = wizard.options.keymap.key_of(*action) else {
            continue;
        };
        let hint = Line::of(Role::Key, key).add(Role::Text, format!(" {label}  "));
        if line.width() + hint.width() <= usize::from(area.width) {
            line = line.join(hint);
        }
    }
    canvas.line(area, &line);
}

/// What an action does here; none when it does nothing.
fn label(wizard: &Wizard, action: Action) -> Option<&'static str> {
    let busy = matches!(wizard.stage, Stage::Busy(_));
    let signing = wizard.stage == Stage::Signing;
    Some(match (action, wizard.step, wizard.stage) {
        (Action::SyncNow, Step::Check, Stage::Done) => "first sync",
        (Action::Open, Step::Check, Stage::Done) => "open the console",
        (Action::Open, Step::Check, Stage::Asking) => "dry run",
        (Action::Open, _, Stage::Signing) => "back into the field",
        (Action::Open, _, Stage::Asking | Stage::Done) => "go on",
        (Action::Switch, _, Stage::Asking) if wizard.page.shown().count() > 1 => "take",
        (Action::Copy | Action::ShowAddress, _, _) if wizard.address().is_some() => match action {
            Action::Copy => "copy",
            _ => "address only",
        },
        (Action::Refresh, Step::Salesforce, Stage::Signing) => "fresh address",
        (Action::Refresh, Step::Salesforce, Stage::Done) => "sign in again",
        (Action::Refresh, Step::Check, Stage::Done) => "dry run again",
        (Action::PreviousPane, step, _) if step != Step::Profile && !busy => match signing {
            true => "other way in",
            false => "step before",
        },
        (Action::Help, _, _) => "why these choices",
        (Action::Back, _, _) => "leave",
        _ => return None,
    })
}
