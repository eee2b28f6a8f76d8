//! Taking the terminal and giving it back.
//!
//! One [`leave`] is used by quit, error, panic, signals and suspend; it may run twice. It asks
//! the terminal nothing, ever: a late answer would be read as keys. Invariant: whoever took the
//! terminal with [`Guard::enter`] gives it back when the guard is dropped.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::style::ResetColor;
use crossterm::terminal::{EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{Command as _, cursor, execute};
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::layout::Rect;

use super::effect::Mouse;
use super::wire::Wire;

/// True while this program holds the terminal; makes [`leave`] safe to run twice.
static HELD: AtomicBool = AtomicBool::new(false);
/// The thread whose panic gives the terminal back. A worker's panic is caught by the runtime and
/// reported by the engine; the screen goes on.
static UI_THREAD: OnceLock<ThreadId> = OnceLock::new();

/// The terminal of a console on standard output.
pub type Screen = Terminal<Wire<io::Stdout>>;

/// Holds the terminal.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal: raw mode, second screen, bracketed paste; the mouse stays the
    /// terminal's own. Installs the panic hook once.
    ///
    /// # Errors
    /// When standard output is no terminal or cannot be set up.
    pub fn enter() -> io::Result<Self> {
        // Our mono theme has no colours; crossterm's NO_COLOR would also reset bold and reverse.
        crossterm::style::force_color_output(true);
        install_panic_hook();
        let guard = Self(());
        claim()?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
    }
}

fn claim() -> io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    HELD.store(true, Ordering::SeqCst);
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        cursor::Show
    )
}

/// Gives the terminal back: mouse, paste, cursor, colours, screen, in that order. Does nothing
/// when it is not held. Errors are of no use here: the terminal may be gone.
pub fn leave() {
    if !HELD.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let written = execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        cursor::Show,
        ResetColor,
        LeaveAlternateScreen
    );
    let cooked = crossterm::terminal::disable_raw_mode();
    if let Err(error) = written.and(cooked) {
        tracing::debug!(%error, "the terminal did not take its state back");
    }
}

fn install_panic_hook() {
    let this = thread::current().id();
    if UI_THREAD.set(this).is_err() {
        return;
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if UI_THREAD.get() == Some(&thread::current().id()) {
            leave();
            before(info);
        } else if HELD.load(Ordering::SeqCst) {
            // On the screen the text would only break what is shown.
            let place = info.location().map(ToString::to_string);
            tracing::error!(
                place,
                "a task panicked; its text may hold data and is left out"
            );
        } else {
            before(info);
        }
    }));
}

/// Why Ctrl-z does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSuspend {
    /// There is no shell above to come back from.
    SessionLeader,
    /// The system refused.
    Refused,
}

impl NoSuspend {
    /// The reason as a sentence.
    pub fn reason(self) -> &'static str {
        match self {
            Self::SessionLeader => {
                "Ctrl-z is off: no shell started this window, so nothing could bring it back"
            }
            Self::Refused => "Ctrl-z is off: the system refused to stop this program",
        }
    }
}

/// Gives the terminal back and asks the system to stop the process group. The stop comes a
/// moment later, perhaps after this returned: the terminal may be taken again only when SIGCONT
/// has come.
///
/// # Errors
/// The reason nothing was done; the terminal is held as before.
pub fn suspend() -> Result<(), NoSuspend> {
    use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};
    // A group that holds the session's leader has nobody above it to bring it back.
    if getsid(None).is_ok_and(|session| session == getpgrp()) {
        return Err(NoSuspend::SessionLeader);
    }
    leave();
    // Not SIGTSTP: the loop listens for that one, so it would no longer stop anything.
    if kill_current_process_group(Signal::STOP).is_err() {
        claim().map_err(|_| NoSuspend::Refused)?;
        return Err(NoSuspend::Refused);
    }
    Ok(())
}

/// What stands between this program and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Multiplexer {
    /// GNU screen, which passes on only what is wrapped for it.
    Screen,
    /// Nothing, or one that knows OSC 52 itself, as tmux does.
    Other,
}

/// GNU screen takes strings up to 768 bytes; the rest of each is its wrapping.
const SCREEN_PIECE: usize = 700;

/// Text for the clipboard of the person's terminal (OSC 52).
fn clipboard(text: &str, under: Multiplexer) -> io::Result<String> {
    let mut sent = String::new();
    CopyToClipboard::to_clipboard_from(text)
        .write_ansi(&mut sent)
        .map_err(io::Error::other)?;
    if under == Multiplexer::Other {
        return Ok(sent);
    }
    // The end of the string within would end the wrapping: a bell ends it as well.
    let inner = match sent.strip_suffix("\x1b\\") {
        Some(head) => format!("{head}\x07"),
        None => sent,
    };
    let mut out = String::new();
    let mut rest = inner.as_str();
    while !rest.is_empty() {
        // Base64 and escape codes: every byte is a character.
        let (piece, more) = rest.split_at(rest.len().min(SCREEN_PIECE));
        out.push_str("\x1bP");
        out.push_str(piece);
        out.push_str("\x1b\\");
        rest = more;
    }
    Ok(out)
}

/// Reports of buttons and wheel, and not of every move: those would fill a slow line.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";

/// A surface frames can be drawn on: the real screen, or a buffer in tests.
pub trait Surface {
    /// Error of the backend.
    type Error;

    /// Draws one frame.
    ///
    /// # Errors
    /// The terminal could not be written.
    fn frame(&mut self, draw: &mut dyn FnMut(&mut ratatui::Frame<'_>)) -> Result<(), Self::Error>;

    /// Forgets what is on the screen, so that the next frame draws everything. Asks nothing.
    ///
    /// # Errors
    /// The terminal could not be written.
    fn forget(&mut self) -> Result<(), Self::Error>;

    /// The size in cells.
    ///
    /// # Errors
    /// The terminal is gone.
    fn area(&self) -> Result<Rect, Self::Error>;

    /// Sends text to the clipboard of the person's terminal (OSC 52); nobody can know whether
    /// it arrived.
    ///
    /// # Errors
    /// The terminal could not be written.
    fn copy(&mut self, text: &str) -> Result<(), Self::Error>;

    /// Takes the mouse, or gives it back.
    ///
    /// # Errors
    /// The terminal could not be written.
    fn mouse(&mut self, mouse: Mouse) -> Result<(), Self::Error>;

    /// Takes the terminal again after this process was stopped by somebody else.
    ///
    /// # Errors
    /// The terminal is gone.
    fn claim(&mut self) -> Result<(), Self::Error>;

    /// Gives the terminal back and stops soon after; [`Surface::claim`] takes it again when the
    /// process goes on.
    ///
    /// # Errors
    /// The reason it did not stop.
    fn suspend(&mut self) -> Result<(), NoSuspend>;
}

impl Surface for Screen {
    type Error = io::Error;

    fn frame(&mut self, draw: &mut dyn FnMut(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        self.draw(|f| draw(f))?;
        Ok(())
    }

    fn forget(&mut self) -> io::Result<()> {
        // Terminal::clear would ask for the cursor's position; a resize clears without asking.
        let area = self.area()?;
        self.resize(area)
    }

    fn area(&self) -> io::Result<Rect> {
        let size = self.size()?;
        Ok(Rect::new(0, 0, size.width, size.height))
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        let under = match (std::env::var_os("STY"), std::env::var_os("TMUX")) {
            (Some(_), None) => Multiplexer::Screen,
            _ => Multiplexer::Other,
        };
        let mut out = io::stdout();
        out.write_all(clipboard(text, under)?.as_bytes())?;
        out.flush()
    }

    fn mouse(&mut self, mouse: Mouse) -> io::Result<()> {
        let mut out = io::stdout();
        match mouse {
            Mouse::Ours => {
                out.write_all(MOUSE_ON.as_bytes())?;
                out.flush()
            }
            Mouse::Terminals => execute!(out, DisableMouseCapture),
        }
    }

    fn claim(&mut self) -> io::Result<()> {
        claim()
    }

    fn suspend(&mut self) -> Result<(), NoSuspend> {
        suspend()
    }
}

impl Surface for Terminal<ratatui::backend::TestBackend> {
    type Error = <ratatui::backend::TestBackend as Backend>::Error;

    fn frame(&mut self, draw: &mut dyn FnMut(&mut ratatui::Frame<'_>)) -> Result<(), Self::Error> {
        self.draw(|f| draw(f))?;
        Ok(())
    }

    fn forget(&mut self) -> Result<(), Self::Error> {
        let area = self.area()?;
        self.resize(area)
    }

    fn area(&self) -> Result<Rect, Self::Error> {
        let size = self.size()?;
        Ok(Rect::new(0, 0, size.width, size.height))
    }

    /// A buffer has no clipboard.
    fn copy(&mut self, _text: &str) -> Result<(), Self::Error> {
        Ok(())
    }

    fn mouse(&mut self, _mouse: Mouse) -> Result<(), Self::Error> {
        Ok(())
    }

    fn claim(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn suspend(&mut self) -> Result<(), NoSuspend> {
        Err(NoSuspend::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_passes_gnu_screen_in_pieces_and_ends_with_a_bell() {
        let text = "x".repeat(3_000);
        let plain = clipboard(&text, Multiplexer::Other).unwrap();
        assert!(plain.starts_with("\x1b]52;c;"));
        let wrapped = clipboard(&text, Multiplexer::Screen).unwrap();
        let pieces: Vec<&str> = wrapped
            .split("\x1b\\")
            .filter(|p| !p.is_empty())
            .map(|p| p.strip_prefix("\x1bP").unwrap())
            .collect();
        assert!(pieces.len() > 1);
        assert!(pieces.iter().all(|p| p.len() < 768));
        let inner = pieces.concat();
        assert!(inner.ends_with('\x07'));
        let body = |text: &str| text.trim_end_matches(['\x07', '\\', '\x1b']).to_owned();
        assert_eq!(body(&inner), body(&plain));
    }
}
