//! The console on a real (pseudo) terminal: whatever ends it, the terminal is as it was.
//!
//! The child is this test binary itself, running [`child`]: the console with a scripted engine.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use syncdeck::config::theme::built_in;
use syncdeck::engine::link::{Link, pair};
use syncdeck::engine::notice::Notice;
use syncdeck::tui::keymap::Keymap;
use syncdeck::tui::{ExitReason, Hosting, Options};

use crate::screens::{Fake, quiet_summary};

/// Says what the child does after its start.
const CHILD: &str = "SYNCDECK_TEST_PTY_CHILD";
/// Where the child's log goes.
const LOG: &str = "SYNCDECK_TEST_PTY_LOG";
/// Longest wait for a state; nothing is slept.
const PATIENCE: Duration = Duration::from_secs(30);

/// End of a synchronised update.
const FRAME_END: &[u8] = b"\x1b[?2026l";

#[test]
#[ignore = "the other tests run it on a terminal of their own"]
fn child() {
    let Ok(what) = std::env::var(CHILD) else {
        return;
    };
    let log = std::env::var_os(LOG).map(|dir| {
        let log = syncdeck::config::Config::default().log;
        syncdeck::logging::start(std::path::Path::new(&dir), log, None).unwrap()
    });
    if log.is_some() {
        // What main does.
        syncdeck::logging::hook_panics(|text| syncdeck::cli::out::note(&format!("{text}\n")));
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let reason = runtime.block_on(async {
        let (asked, wait) = tokio::sync::oneshot::channel();
        let link = engine(&what, asked);
        let hosting = match what.as_str() {
            "hosts" => Hosting::Embedded,
            _ => Hosting::Attached,
        };
        let theme = built_in("terminal").unwrap();
        let options = Options::from_env(theme, Keymap::default(), hosting);
        let panics = async {
            wait.await.unwrap();
            assert_ne!(what, "panic", "made on purpose, with ada@example.com");
            std::future::pending::<()>().await;
        };
        let reason = tokio::select! {
            reason = syncdeck::tui::run(link, options) => reason.unwrap(),
            () = panics => ExitReason::Quit,
        };
        if what == "stuck" {
            // An engine in a request that takes minutes.
            let signals = syncdeck::tui::signals::listen().unwrap();
            let say = syncdeck::cli::out::note;
            syncdeck::cli::leave::finish(std::future::pending::<()>(), reason, signals, say).await;
        }
        reason
    });
    // Printed on the screen that was there before.
    std::io::stdout()
        .write_all(format!("ended: {reason:?}\r\n").as_bytes())
        .unwrap();
    // A blocked read of the terminal must not keep the process.
    runtime.shutdown_background();
}

/// A scripted engine; says when the settings were asked for.
fn engine(what: &str, asked: tokio::sync::oneshot::Sender<()>) -> Link {
    let (link, mut end) = pair();
    let mut fake = match what {
        "hostile" => Fake::hostile(),
        _ => Fake::default(),
    };
    let summary = match what {
        "hosts" => fake.summary(),
        _ => Notice::Summary(quiet_summary()),
    };
    tokio::spawn(async move {
        let mut asked = Some(asked);
        if end.notices.send(summary).await.is_err() {
            return;
        }
        while let Some(request) = end.requests.recv().await {
            for notice in fake.answer(request) {
                if end.notices.send(notice).await.is_err() {
                    return;
                }
            }
            if fake.asked.last().is_some_and(|a| a == "Settings")
                && let Some(asked) = asked.take()
                && asked.send(()).is_err()
            {
                return;
            }
        }
    });
    link
}

/// A terminal of 80x24 with a program on it.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    before: String,
}

/// What stands between the terminal and the console.
enum Under {
    Nothing,
    Shell,
}

impl Terminal {
    fn new(what: &str, under: Under, variables: &[(&str, &str)]) -> Self {
        let program = std::env::current_exe().unwrap();
        let arguments = [
            "pty::child",
            "--exact",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ];
        let mut command = match under {
            Under::Nothing => CommandBuilder::new(&program),
            // A shell with jobs: it says when it has the terminal back, and waits for a line.
            Under::Shell => {
                let mut shell = CommandBuilder::new("sh");
                shell.args([
                    "-c",
                    "set -m; \"$0\" \"$@\"; echo the shell; read line; fg; echo the end",
                ]);
                shell.arg(&program);
                shell
            }
        };
        command.args(arguments);
        for name in ["NO_COLOR", "COLORTERM", "SSH_CONNECTION", "STY", "TMUX"] {
            command.env_remove(name);
        }
        command.env(CHILD, what);
        for (name, value) in variables {
            command.env(name, value);
        }
        Self::of(command)
    }

    /// Starts a program on a terminal of its own.
    pub fn of(mut command: CommandBuilder) -> Self {
        let size = PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system().openpty(size).unwrap();
        let before = termios(pty.master.as_ref());
        command.env("TERM", "xterm-256color");
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().unwrap();
        let (send, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || send.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            keys: pty.master.take_writer().unwrap(),
            master: pty.master,
            child,
            output,
            screen: vt100::Parser::new(cells(24), cells(80), 0),
            raw: Vec::new(),
            before,
        }
    }

    /// Waits until the screen is in a state.
    pub fn until(&mut self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) -> &mut Self {
        if !self.within(PATIENCE, holds) {
            panic!("never: {what}\n{}", self.screen.screen().contents());
        }
        self
    }

    /// Whether the screen comes into a state in time.
    pub fn within(&mut self, time: Duration, holds: impl Fn(&vt100::Screen) -> bool) -> bool {
        let end = Instant::now() + time;
        while !holds(self.screen.screen()) {
            let rest = end.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.output.recv_timeout(rest) else {
                return false;
            };
            self.screen.process(&bytes);
            self.raw.extend(bytes);
        }
        true
    }

    pub fn until_shown(&mut self, text: &str) -> &mut Self {
        self.until(text, |screen| screen.contents().contains(text))
    }

    /// Presses a key until it did something: a dialog takes none for a moment after its first frame.
    pub fn press_until(
        &mut self,
        key: &str,
        what: &str,
        holds: impl Fn(&vt100::Screen) -> bool,
    ) -> &mut Self {
        let end = Instant::now() + PATIENCE;
        while !self
            .type_keys(key)
            .within(Duration::from_millis(300), &holds)
        {
            assert!(Instant::now() < end, "never: {what}\n{}", self.contents());
        }
        self
    }

    /// The cells.
    pub fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    /// What is on the screen.
    pub fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    /// Everything the program sent to the terminal.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub fn process_id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Waits for the program's end, and reads what it still said.
    pub fn exits(&mut self) {
        self.until("the first screen", |screen| !screen.alternate_screen());
        self.child.wait().unwrap();
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.raw.extend(bytes);
        }
    }

    /// Ends the program without a word.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end of the frame that is being drawn.
    pub fn frame_ends(&mut self) -> &mut Self {
        while !self.raw.ends_with(FRAME_END) {
            let bytes = self.output.recv_timeout(PATIENCE).unwrap();
            self.screen.process(&bytes);
            self.raw.extend(bytes);
        }
        self
    }

    pub fn type_keys(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        self
    }

    pub fn signal(&mut self, signal: Signal) -> &mut Self {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
        self
    }

    /// The terminal as a program would find it: modes of the line and of the screen.
    fn is_given_back(&mut self) {
        self.until("the first screen", |screen| !screen.alternate_screen());
        self.until("pastes as they were", |screen| !screen.bracketed_paste());
        let screen = self.screen.screen();
        assert!(!screen.hide_cursor());
        assert!(!screen.inverse() && !screen.bold());
    }

    pub fn ends(&mut self, text: &str) {
        self.is_given_back();
        self.until_shown(text);
        self.child.wait().unwrap();
        assert_eq!(termios(self.master.as_ref()), self.before);
        asks_nothing(&self.raw);
    }
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

fn termios(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

/// A late answer to a question would be typed into the program.
fn asks_nothing(raw: &[u8]) {
    let questions: [&[u8]; 6] = [
        b"\x1b[6n",
        b"\x1b[c",
        b"\x1b[>c",
        b"\x1b]10;?",
        b"\x1b]11;?",
        b"\x1b[?u",
    ];
    for question in questions {
        assert!(
            !raw.windows(question.len()).any(|w| w == question),
            "{question:?}"
        );
    }
}

pub fn started(what: &str) -> Terminal {
    let mut terminal = Terminal::new(what, Under::Nothing, &[]);
    terminal
        .until_shown("1 Overview")
        .until_shown("Contact <-> people");
    assert!(terminal.screen.screen().alternate_screen());
    assert!(terminal.screen.screen().bracketed_paste());
    assert_ne!(
        termios(terminal.master.as_ref()),
        terminal.before,
        "keys come one by one"
    );
    terminal
}

#[test]
fn quitting_gives_the_terminal_back() {
    started("run").type_keys("q").ends("ended: Quit");
}

#[test]
fn sigterm_gives_the_terminal_back() {
    started("run")
        .signal(Signal::TERM)
        .ends("ended: Terminated");
}

#[test]
fn sighup_gives_the_terminal_back() {
    started("run")
        .signal(Signal::HUP)
        .ends("ended: TerminalLost");
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told_without_values() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    let mut terminal = Terminal::new("panic", Under::Nothing, &[(LOG, folder)]);
    terminal
        .until_shown("Contact <-> people")
        .type_keys("6")
        .ends("a fault in syncdeck itself");
    assert!(!terminal.child.wait().unwrap().success());
    let log: String = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(
        log.contains("a fault in syncdeck itself") && log.contains("pty.rs"),
        "{log}"
    );
    let told = String::from_utf8_lossy(&terminal.raw).into_owned();
    assert!(
        !log.contains("ada@") && !told.contains("ada@"),
        "{log}{told}"
    );
}

#[test]
fn suspending_gives_the_terminal_to_the_shell_and_takes_it_again() {
    let mut terminal = Terminal::new("run", Under::Shell, &[]);
    terminal
        .until_shown("Contact <-> people")
        .type_keys("3")
        .until_shown("Ada Lovelace-Byron");
    terminal.type_keys("\u{1a}");
    terminal.is_given_back();
    terminal.until_shown("the shell");
    terminal.type_keys("\r").until_shown("[3 Conflicts");
    terminal.until_shown("Ada Lovelace-Byron");
    assert!(terminal.screen.screen().alternate_screen());
    terminal.type_keys("q").ends("the end");
}

#[test]
fn a_window_that_changes_its_size_is_drawn_again() {
    let mut terminal = started("run");
    let size = PtySize {
        rows: 10,
        cols: 40,
        pixel_width: 0,
        pixel_height: 0,
    };
    terminal.screen.screen_mut().set_size(cells(10), cells(40));
    terminal.master.resize(size).unwrap();
    terminal.until_shown("40x10 here, 60x15 needed.");
    terminal.type_keys("q").ends("ended: Quit");
}

#[test]
fn a_storm_of_resizes_ends_with_the_last_size() {
    let mut terminal = started("run");
    let mut resize = |rows: u16, cols: u16| {
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        terminal
            .screen
            .screen_mut()
            .set_size(cells(rows), cells(cols));
        terminal.master.resize(size).unwrap();
    };
    for step in 0..40 {
        resize(16 + step, 61 + 2 * step);
    }
    resize(10, 44);
    terminal.until_shown("44x10 here, 60x15 needed.");
    terminal.type_keys("q").ends("ended: Quit");
}

#[test]
fn a_split_escape_is_the_key_it_was() {
    let mut terminal = started("run");
    terminal.frame_ends();
    let row = terminal.screen.screen().cursor_position().0;
    terminal
        .type_keys("\u{1b}")
        .type_keys("[B")
        .until("the next row", |screen| {
            screen.cursor_position().0 == row + 1
        });
    assert!(terminal.contents().contains("[1 Overview]"));
    terminal.type_keys("q").ends("ended: Quit");
}

#[test]
fn a_paste_in_a_list_is_no_command() {
    let mut terminal = started("run");
    terminal
        .type_keys("\u{1b}[200~q3w\u{1b}[201~")
        .until_shown("A paste is text");
    assert!(terminal.contents().contains("[1 Overview]"));
    // In a field it is text, and as much of it as anybody wants.
    terminal.type_keys("g/").until_shown("Search everything");
    terminal
        .type_keys(&format!("\u{1b}[200~{}\u{1b}[201~", "q3w\n".repeat(5_000)))
        .until_shown("q3w q3w");
    terminal
        .type_keys("\u{1b}")
        .until("the overview", |screen| {
            !screen.contents().contains("Search everything")
        });
    terminal.type_keys("q").ends("ended: Quit");
}

#[test]
fn a_copy_goes_to_the_clipboard_of_the_terminal() {
    for (variable, begins) in [
        ("TMUX", &b"\x1b]52;c;"[..]),
        ("STY", &b"\x1bP\x1b]52;c;"[..]),
    ] {
        let mut terminal = Terminal::new("run", Under::Nothing, &[(variable, "1")]);
        terminal
            .until_shown("Contact <-> people")
            .type_keys("y")
            .until_shown("to the clipboard of your terminal");
        let sent = terminal.raw.windows(begins.len()).any(|w| w == begins);
        assert!(sent, "{variable}");
        terminal.type_keys("q").ends("ended: Quit");
    }
}

#[test]
fn a_session_leader_does_not_suspend_and_says_so() {
    let mut terminal = started("run");
    terminal.type_keys("\u{1a}").until_shown("Ctrl-z is off");
    terminal.type_keys("q").ends("ended: Quit");
}

#[test]
fn no_color_leaves_the_cursor_row_visible() {
    let mut terminal = Terminal::new("run", Under::Nothing, &[("NO_COLOR", "1")]);
    terminal
        .until_shown("Contact <-> people")
        .type_keys("3")
        .until_shown("C take CRM")
        .frame_ends();
    let screen = terminal.screen.screen();
    let (row, column) = screen.cursor_position();
    assert!(
        screen.cell(row, column).unwrap().inverse(),
        "{}",
        screen.contents()
    );
    for row in 0..24 {
        for column in 0..80 {
            let cell = screen.cell(row, column).unwrap();
            assert_eq!(cell.fgcolor(), vt100::Color::Default);
            assert_eq!(cell.bgcolor(), vt100::Color::Default);
        }
    }
    terminal.type_keys("q").ends("ended: Quit");
}

#[test]
fn moving_the_cursor_costs_few_bytes() {
    let mut terminal = started("run");
    terminal.frame_ends();
    let row = terminal.screen.screen().cursor_position().0;
    let before = terminal.raw.len();
    terminal
        .type_keys("j")
        .until("the next row", |screen| {
            screen.cursor_position().0 == row + 1
        })
        .frame_ends();
    let bytes = terminal.raw.len() - before;
    assert!(bytes <= 250, "two rows of a list: {bytes} bytes");
    terminal.type_keys("q").ends("ended: Quit");
}
