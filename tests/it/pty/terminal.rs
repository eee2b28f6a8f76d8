//! A pseudo terminal with a program on it: keys in, a screen out, and what is left at the end.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// Says what the child does after its start.
pub(super) const CHILD: &str = "SYNCDECK_TEST_PTY_CHILD";
/// Longest wait for a state; nothing is slept.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// End of a synchronised update.
pub(super) const FRAME_END: &[u8] = b"\x1b[?2026l";

/// A terminal of 80x24 with a program on it.
pub struct Terminal {
    pub(super) master: Box<dyn MasterPty + Send>,
    pub(super) child: Box<dyn Child + Send + Sync>,
    pub(super) keys: Box<dyn Write + Send>,
    pub(super) output: Receiver<Vec<u8>>,
    pub(super) screen: vt100::Parser,
    pub(super) raw: Vec<u8>,
    pub(super) before: String,
}

/// What stands between the terminal and the console.
pub(super) enum Under {
    Nothing,
    Shell,
    /// A session of its own: no signal tells it that the terminal is gone.
    Session,
}

impl Terminal {
    pub(super) fn new(what: &str, under: Under, variables: &[(&str, &str)]) -> Self {
        Self::of(Self::child(what, under, variables))
    }

    /// The console that the tests of the terminal start.
    pub(super) fn child(what: &str, under: Under, variables: &[(&str, &str)]) -> CommandBuilder {
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
            Under::Session => {
                let mut session = CommandBuilder::new("setsid");
                session.args(["--fork", "--wait"]);
                session.arg(&program);
                session
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
        command
    }

    /// Starts a program on a terminal of its own.
    pub fn of(command: CommandBuilder) -> Self {
        Self::called(command, "xterm-256color")
    }

    /// The same on a terminal that calls itself so.
    pub fn called(command: CommandBuilder, term: &str) -> Self {
        Self::sized(command, term, (80, 24))
    }

    /// The same, and it says this many columns and rows; the screen has 80x24 where it says none.
    pub fn sized(mut command: CommandBuilder, term: &str, (cols, rows): (u16, u16)) -> Self {
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system().openpty(size).unwrap();
        let before = termios(pty.master.as_ref());
        command.env("TERM", term);
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

    /// Waits for the end of a program that drew no screen.
    pub fn ends_with_code(&mut self, code: u32) {
        assert_eq!(self.child.wait().unwrap().exit_code(), code);
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
    pub(super) fn is_given_back(&mut self) {
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

pub(super) fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

pub(super) fn termios(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

/// A late answer to a question would be typed into the program.
pub(super) fn asks_nothing(raw: &[u8]) {
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
