//! The console on a real (pseudo) terminal: whatever ends it, the terminal is as it was.
//!
//! The child is this test binary itself, running [`child`]: the console with a scripted engine.

use std::io::{BufRead as _, BufReader, Write};
use std::process::Stdio;

use portable_pty::PtySize;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use syncdeck::config::theme::built_in;
use syncdeck::engine::command::{Command, Request};
use syncdeck::engine::link::{Link, pair};
use syncdeck::engine::notice::Notice;
use syncdeck::tui::keymap::Keymap;
use syncdeck::tui::{ExitReason, Hosting, Options};

mod terminal;

pub use terminal::Terminal;
use terminal::{CHILD, PATIENCE, Under, cells, termios};

use crate::screens::{Fake, quiet_summary};

/// Where the child's log goes.
const LOG: &str = "SYNCDECK_TEST_PTY_LOG";
/// Says what stands between a terminal that is held and its console.
const HOLDS: &str = "SYNCDECK_TEST_PTY_HOLDS";

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
        let comes = match what.as_str() {
            "late" => Comes::Late,
            _ => Comes::AtOnce,
        };
        let link = engine(&what, asked, comes);
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

/// When the scripted engine is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    AtOnce,
    /// Once the settings are asked for: a store may take seconds to open.
    Late,
}

/// A scripted engine; says when the settings were asked for.
fn engine(what: &str, asked: tokio::sync::oneshot::Sender<()>, comes: Comes) -> Link {
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
        let mut waiting = Vec::new();
        while comes == Comes::Late
            && !matches!(
                waiting.last(),
                Some(Request {
                    command: Command::Settings,
                    ..
                })
            )
            && let Some(request) = end.requests.recv().await
        {
            waiting.push(request);
        }
        if end.notices.send(summary).await.is_err() {
            return;
        }
        let mut waiting = waiting.into_iter();
        while let Some(request) = match waiting.next() {
            Some(request) => Some(request),
            None => end.requests.recv().await,
        } {
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
fn it_is_drawn_before_the_engine_is_there_and_keeps_what_is_typed() {
    let mut terminal = Terminal::new("late", Under::Nothing, &[]);
    terminal.until_shown("1 Overview");
    assert!(
        !terminal
            .screen
            .screen()
            .contents()
            .contains("Contact <-> people")
    );
    terminal.type_keys("6").until_shown("[6 Settings");
    terminal.until_shown("Connections").type_keys("1");
    terminal.until_shown("Contact <-> people");
    terminal.type_keys("q").ends("ended: Quit");
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

/// Who had the terminal is gone with it: a connection that broke.
#[test]
fn a_terminal_that_is_gone_ends_the_console() {
    for under in ["first", "session"].repeat(20) {
        let mut holder = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["pty::holder", "--exact", "--ignored", "--nocapture"])
            .env(HOLDS, under)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
        let held = lines.find_map(|line| {
            let line = line.unwrap();
            line.strip_prefix("holds ")?.parse().ok()
        });
        let console = Pid::from_raw(held.unwrap()).unwrap();
        let alive = pidfd_open(console, PidfdFlags::empty()).unwrap();
        holder.kill().unwrap();
        holder.wait().unwrap();
        let mut ended = [PollFd::new(&alive, PollFlags::IN)];
        let patience = Timespec::try_from(PATIENCE).unwrap();
        if poll(&mut ended, Some(&patience)).unwrap() == 0 {
            kill_process(console, Signal::KILL).unwrap();
            panic!("{under}: it went on without a terminal");
        }
    }
}

/// Starts a console on a terminal, says which process it is, and holds the terminal until it is
/// killed. Somebody types there all the time.
#[test]
#[ignore = "a test runs it as a process of its own"]
fn holder() {
    let Ok(under) = std::env::var(HOLDS) else {
        return;
    };
    let under = match under.as_str() {
        "session" => Under::Session,
        _ => Under::Nothing,
    };
    let of_another = matches!(under, Under::Session);
    let mut terminal = Terminal::new("run", under, &[]);
    terminal.until_shown("Contact <-> people");
    let mut console = terminal.child.process_id().unwrap().to_string();
    if of_another {
        let path = format!("/proc/{console}/task/{console}/children");
        console = std::fs::read_to_string(path).unwrap();
    }
    std::io::stdout()
        .write_all(format!("\nholds {}\n", console.trim()).as_bytes())
        .unwrap();
    // Until it is killed, and in the middle of a key.
    loop {
        terminal.type_keys("jk");
    }
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
fn a_terminal_that_says_no_size_is_taken_for_a_usual_one() {
    const XTERM: &str = "xterm-256color";
    let mut terminal = Terminal::sized(Terminal::child("run", Under::Nothing, &[]), XTERM, (0, 0));
    terminal.until_shown("1 Overview").until_shown("m more");
    // Nothing was said anew, and keys are answered all the same.
    terminal
        .master
        .resize(PtySize {
            rows: 0,
            cols: 1,
            ..PtySize::default()
        })
        .unwrap();
    terminal
        .master
        .resize(PtySize {
            rows: 0,
            cols: 0,
            ..PtySize::default()
        })
        .unwrap();
    terminal.type_keys("3").until_shown("[3 Conflicts 3]");
    terminal.type_keys("q").ends("ended: Quit");

    let sizes = [("COLUMNS", "70"), ("LINES", "20")];
    let child = Terminal::child("run", Under::Nothing, &sizes);
    let mut terminal = Terminal::sized(child, XTERM, (0, 0));
    terminal.until("20 rows", |screen| {
        let last = screen.contents().trim_end().lines().count();
        screen.contents().contains("m more") && last == 20
    });
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
        .until_shown("Ada Lovelace-Byron")
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
