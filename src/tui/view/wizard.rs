//! The first run: one page a step, with the list of the steps beside it where there is room.
//!
//! Reads only. Invariant: where it is, what is saved and how it is left stand on every page; the
//! address to open stands from the first column, without a frame.

use ratatui::layout::Rect;

use super::{LEAST, hints, sign_in, split, word_role};
use crate::domain::run::Word;
use crate::domain::text::grouped;
use crate::engine::view::{BrowserView, SignInView};
use crate::tui::action::{Action, Context};
use crate::tui::canvas::{Canvas, Line, below, inset, row};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::pane::{Focus, pane};
use crate::tui::widget::prompt::Show;
use crate::tui::wizard::page::{Row, Switch, Typing};
use crate::tui::wizard::port::{Settings, VaultState};
use crate::tui::wizard::{Front, Stage, Step, Wizard, words};

/// Columns of the list of steps.
const STEPS_SHARE: u16 = 22;

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
        let (left, right) = split(canvas, body, STEPS_SHARE);
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
            step(wizard, &mut flow);
        }
    }
    status(wizard, canvas, row(area, area.height - 2));
    hint(wizard, canvas, row(area, area.height - 1));
    wizard.toasts.draw(canvas, body);
}

fn head(wizard: &Wizard, canvas: &mut Canvas<'_>, area: Rect) {
    let mut line = Line::of(Role::Title, "syncdeck first run");
    if let Some(standing) = &wizard.standing {
        line = line
            .add(Role::Text, "   profile ")
            .add(Role::Title, text::fit(standing.profile.as_str(), 20));
    }
    line = line.add(Role::Dim, "   nothing is synced before step 6");
    canvas.line(area, &line);
    let clock = wizard.clock();
    canvas.right(area, &Line::text(format!("drawn {clock}")));
}

fn tabs(wizard: &Wizard, canvas: &mut Canvas<'_>, area: Rect) {
    let mut line = Line::new();
    for step in Step::ALL {
        let name = format!("{} {}", step.number(), step.name());
        line = if step == wizard.step {
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
        Step::App => "syncdeck's own store".to_owned(),
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
            .add(Role::Dim, came_to(wizard, step));
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

fn step(wizard: &Wizard, flow: &mut Flow<'_, '_>) {
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
                for line in view.hint.lines() {
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
            None => (
                Word::Warn,
                "not there, or not readable for this user".to_owned(),
            ),
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
        let area = row(flow.rest(), 0);
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
                let note = Line::of(Role::Dim, pick.note.as_str());
                if usize::from(used) + 2 + note.width() <= usize::from(area.width) {
                    flow.canvas.right(area, &note);
                }
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
fn draw_field(
    canvas: &mut Canvas<'_>,
    place: Rect,
    show: Show,
    prompt: &crate::tui::widget::prompt::Prompt,
    here: bool,
) {
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

fn status(wizard: &Wizard, canvas: &mut Canvas<'_>, area: Rect) {
    let place = format!("Step {} of {}", wizard.step.number(), Step::ALL.len());
    let mut line = Line::of(Role::Title, place);
    if let Some(standing) = &wizard.standing {
        let saved: Vec<String> = Step::ALL
            .into_iter()
            .filter(|step| *step != Step::App && standing.has(*step))
            .map(|step| step.name().to_lowercase())
            .collect();
        let saved = match saved.is_empty() {
            true => "nothing yet".to_owned(),
            false => saved.join(", "),
        };
        line = line.add(Role::Text, format!("  saved so far: {saved}"));
    }
    canvas.line(area, &line);
    canvas.right(area, &Line::text("Esc leaves, nothing is lost"));
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

/// Lines from the top of an area down.
struct Flow<'c, 'b> {
    canvas: &'c mut Canvas<'b>,
    area: Rect,
    at: u16,
}

impl<'c, 'b> Flow<'c, 'b> {
    fn new(canvas: &'c mut Canvas<'b>, area: Rect) -> Self {
        Self {
            canvas,
            area,
            at: 0,
        }
    }

    /// What is left of the area.
    fn rest(&self) -> Rect {
        below(self.area, self.at)
    }

    fn gap(&mut self) {
        if self.at > 0 {
            self.at += 1;
        }
    }

    fn line(&mut self, line: &Line) {
        for line in line.wrapped(usize::from(self.area.width)) {
            let area = row(self.rest(), 0);
            self.canvas.line(area, &line);
            self.at += 1;
        }
    }

    fn text(&mut self, role: Role, text: &str) {
        self.line(&Line::of(role, text));
    }

    /// A state word and what it is of; its further lines stand under the first.
    fn check(&mut self, word: Word, text: &str) {
        let columns = usize::from(self.area.width.saturating_sub(6)).max(20);
        for (n, line) in Line::text(text).wrapped(columns).into_iter().enumerate() {
            let head = match n {
                0 => Line::of(word_role(word), word.as_str()).to_column(6),
                _ => Line::text("      "),
            };
            let area = row(self.rest(), 0);
            self.canvas.line(area, &head.join(line));
            self.at += 1;
        }
    }
}
