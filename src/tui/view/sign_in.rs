//! The sign-in dialog: what to do in a browser, with a code, or nothing.

use ratatui::layout::Rect;

use crate::engine::view::{BrowserView, SignInView};
use crate::tui::canvas::{Canvas, Line, below, inset, row};
use crate::tui::modal::SignIn;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::prompt::{Prompt, Show};

/// Draws it.
pub fn draw(sign_in: &SignIn, canvas: &mut Canvas<'_>, area: Rect) {
    canvas.blank(area);
    canvas.put(row(area, 0), Role::Title, "Sign in to Salesforce");
    let Some(view) = &sign_in.view else {
        let line = Line::text("Asking the engine for the address to open.");
        canvas.line(row(area, 2), &line);
        problem(sign_in, canvas, area, 4);
        canvas.place_cursor(area.x, area.y + 2);
        return;
    };
    match view {
        SignInView::Browser(view) => browser(sign_in, view, canvas, area),
        SignInView::Code {
            address,
            code,
            minutes,
        } => {
            let lines = [
                (Role::Text, "1  Open this address. y copies it.".to_owned()),
                (Role::Title, address.clone()),
                (
                    Role::Text,
                    format!(
                        "2  Type this code there; it is good for {}:",
                        text::count(*minutes, "minute", "minutes")
                    ),
                ),
                (Role::Title, code.clone()),
                (
                    Role::Text,
                    "3  Sign in and allow the app. This goes on by itself then.".to_owned(),
                ),
                (
                    Role::Text,
                    "   Type only codes that you asked for yourself.".to_owned(),
                ),
            ];
            plain(sign_in, &lines, canvas, area);
        }
        SignInView::ByItself { way } => {
            let line = format!("Signing in {way}. Nobody has to do anything.");
            plain(sign_in, &[(Role::Text, line)], canvas, area);
        }
    }
}

/// Lines from the top, and what is wrong below them.
fn plain(sign_in: &SignIn, lines: &[(Role, String)], canvas: &mut Canvas<'_>, area: Rect) {
    let mut at = 2;
    for (role, line) in lines {
        for line in text::wrap(line, usize::from(area.width)) {
            canvas.put(row(area, at), *role, &line);
            at += 1;
        }
    }
    problem(sign_in, canvas, area, at + 1);
    canvas.place_cursor(area.x, area.y + 2);
}

fn browser(sign_in: &SignIn, view: &BrowserView, canvas: &mut Canvas<'_>, area: Rect) {
    let at = 2 + steps(view, &answers(view), canvas, below(area, 2));
    let field = row(area, at);
    problem(sign_in, canvas, area, at + 2);
    pasted(&sign_in.prompt, canvas, inset(field, 3));
}

/// What comes of signing in, for a browser anywhere.
fn answers(view: &BrowserView) -> Vec<String> {
    let host = callback_host(view);
    match &view.callback {
        Ok(()) => vec![
            "2  Sign in and allow the app. In a browser on this machine that is all.".to_owned(),
            format!("   Elsewhere the browser says it cannot open {host}. That is right."),
        ],
        Err(why) => vec![
            format!("2  Sign in. The browser then says it cannot open {host}. That is right."),
            format!("   The answer is not listened for here: {why}."),
        ],
    }
}

/// Host and port that the browser ends at.
pub(super) fn callback_host(view: &BrowserView) -> &str {
    let after = view.redirect_uri.split("://").nth(1);
    let host = after.unwrap_or(&view.redirect_uri);
    host.split('/').next().unwrap_or(host)
}

/// The address and what to do with it, the second point in the caller's words; gives the rows that
/// took. The field for the answer comes next.
pub(super) fn steps(
    view: &BrowserView,
    second: &[String],
    canvas: &mut Canvas<'_>,
    area: Rect,
) -> u16 {
    let step = "1  Open this address. y copies it. The mouse can select it: it has no frame.";
    canvas.put(row(area, 0), Role::Text, step);
    let mut at = 1 + address(&view.address, canvas, below(area, 1)) + 1;
    for line in second {
        for line in text::wrap(line, usize::from(area.width)) {
            canvas.put(row(area, at), Role::Text, line);
            at += 1;
        }
    }
    at += 1;
    let paste = "3  Copy the whole address from the address bar and paste it here:";
    canvas.put(row(area, at), Role::Text, paste);
    at + 1
}

/// An address on lines of its own, from the first column; gives the rows that took.
pub(super) fn address(address: &str, canvas: &mut Canvas<'_>, area: Rect) -> u16 {
    let lines = text::wrap(address, usize::from(area.width));
    let mut at = 0;
    for line in lines.iter().take(8) {
        canvas.put(row(area, at), Role::Title, line);
        at += 1;
    }
    at
}

/// What was pasted: a secret, of which only the length is seen.
pub(super) fn pasted(prompt: &Prompt, canvas: &mut Canvas<'_>, area: Rect) {
    let typed = prompt.text().chars().count() as u64;
    if typed > 0 {
        let size = format!("({})", text::count(typed, "character", "characters"));
        canvas.put(inset(area, 10), Role::Dim, size);
    }
    prompt.draw(canvas, area, Show::Hidden);
}

fn problem(sign_in: &SignIn, canvas: &mut Canvas<'_>, area: Rect, at: u16) {
    let Some(error) = &sign_in.error else { return };
    let columns = usize::from(area.width.saturating_sub(6)).max(20);
    for (n, line) in text::wrap(error, columns).iter().enumerate() {
        let head = if n == 0 { "FAIL  " } else { "      " };
        let line = Line::of(Role::Fail, head).add(Role::Text, line);
        canvas.line(row(area, at + u16::try_from(n).unwrap_or(0)), &line);
    }
}
