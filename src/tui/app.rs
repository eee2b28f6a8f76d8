//! The loop: events, notices, signals and time go in as messages; effects come out and are done.
//!
//! It decides nothing about records. Invariants: all waiting messages are handled before a frame
//! is drawn; nothing is drawn when nothing changed; a lost terminal ends the loop at once.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use ratatui::Terminal;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::effect::{Effect, ExitReason, Mouse};
use super::input::{EscGuard, Input, coalesce};
use super::model::{Audience, Model, Options};
use super::msg::{Msg, Now};
use super::signals::{self, Signal};
use super::terminal::{Guard, Screen, Surface};
use super::update::{Draw, start, update};
use super::view;
use super::wire::Wire;
use crate::engine::command::Request;
use crate::engine::link::Link;
use crate::engine::notice::Notice;
use crate::error::{Error, Kind, Result};

/// Least time between two frames that the engine caused: about 30 a second.
const FRAME: Duration = Duration::from_millis(33);
/// Least time between two frames that a key caused.
const KEY_FRAME: Duration = Duration::from_millis(8);

/// What the loop shows: takes messages, gives effects, can be drawn. It does no I/O itself.
pub trait Program {
    /// What it asks of the other end of its link.
    type Request;
    /// What the other end says.
    type Notice;

    /// What it asks for before its first frame.
    fn start(&mut self, now: Now) -> Vec<Effect<Self::Request>>;

    /// Takes one message.
    fn update(&mut self, now: Now, msg: Msg<Self::Notice>) -> (Draw, Vec<Effect<Self::Request>>);

    /// Draws one frame.
    fn draw(&self, frame: &mut ratatui::Frame<'_>);

    /// The window has this size now (columns, rows).
    fn resize(&mut self, columns: u16, rows: u16);

    /// When it wants a tick without anyone doing anything, counted from the start. Without one an
    /// idle screen sends no bytes and takes no time (terminal-ux 1, rule 9).
    fn wake(&self, now: Now) -> Option<Duration>;
}

impl Program for Model {
    type Request = Request;
    type Notice = Notice;

    fn start(&mut self, now: Now) -> Vec<Effect> {
        start(self, now)
    }

    fn update(&mut self, now: Now, msg: Msg) -> (Draw, Vec<Effect>) {
        update(self, now, msg)
    }

    fn draw(&self, frame: &mut ratatui::Frame<'_>) {
        view::draw(self, frame);
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        self.size = (columns, rows);
    }

    /// A toast that goes, an answer that is overdue, a list that follows what is typed, the next second of a running sync, the next minute on a wall.
    fn wake(&self, now: Now) -> Option<Duration> {
        let now = now.ahead(self.options.ahead);
        let runs = self.summary.as_ref().is_some_and(|s| s.running.is_some());
        let minute = || {
            let second = now.wall.as_second().rem_euclid(60);
            now.since + Duration::from_secs(60 - u64::try_from(second).unwrap_or(0))
        };
        let times = [
            self.toasts.deadline(),
            self.overdue(),
            self.follows.as_ref().map(|(at, _)| *at),
            runs.then(|| now.since + Duration::from_secs(1)),
            (self.options.audience == Audience::Wall).then(minute),
        ];
        times.into_iter().flatten().min()
    }
}

/// Shows the console on this process's terminal until the person leaves or the terminal is lost.
///
/// # Errors
/// When standard output is no terminal, or signals cannot be listened for.
pub async fn run(link: Link, options: Options) -> Result<ExitReason> {
    let (guard, surface, signals) = take()?;
    let reason = drive(link, options, surface, EventStream::new(), signals).await;
    drop(guard);
    Ok(reason)
}

/// Takes the terminal of this process, with its signals. It is given back with the guard.
///
/// # Errors
/// As [`run`].
pub fn take() -> Result<(Guard, Screen, impl Stream<Item = Signal> + Unpin)> {
    let lost = |e: io::Error| {
        Error::new(Kind::Usage, "the terminal could not be set up")
            .hint("run it in a terminal, or use the plain commands: syncdeck --help")
            .caused_by(e)
    };
    let signals = stream::select(signals::listen()?, signals::hung_up()?);
    let guard = Guard::enter().map_err(lost)?;
    let surface = Wire::new(io::stdout())
        .and_then(Terminal::new)
        .map_err(lost)?;
    Ok((guard, surface, signals))
}

/// The loop of the console over any surface and any source of events; [`run`] gives it the real
/// ones.
pub async fn drive<S, K, O>(
    link: Link,
    options: Options,
    surface: S,
    keys: K,
    outside: O,
) -> ExitReason
where
    S: Surface,
    K: Stream<Item = io::Result<Event>> + Unpin,
    O: Stream<Item = Signal> + Unpin,
{
    let esc = EscGuard::new(options.esc_hold);
    let ends = (link.requests, link.notices);
    let made = |now, size| Model::new(options, now, size);
    show(made, ends, esc, surface, (keys, outside)).await
}

/// The loop over any program: `made` makes it for the time and the size of the window, `ends` are
/// its ends of the link, and `sources` are keys and signals.
pub async fn show<P, S, K, O>(
    made: impl FnOnce(Now, (u16, u16)) -> P,
    ends: (mpsc::Sender<P::Request>, mpsc::Receiver<P::Notice>),
    esc: EscGuard,
    surface: S,
    sources: (K, O),
) -> ExitReason
where
    P: Program,
    S: Surface,
    K: Stream<Item = io::Result<Event>> + Unpin,
    O: Stream<Item = Signal> + Unpin,
{
    let Ok(area) = surface.area() else {
        return ExitReason::TerminalLost;
    };
    let started = Instant::now();
    let now = Now {
        wall: Timestamp::now(),
        since: Duration::ZERO,
    };
    let mut program = made(now, (area.width, area.height));
    let effects = program.start(now);
    let (requests, notices) = ends;
    let mut app = App {
        program,
        surface,
        esc,
        started,
        outbox: VecDeque::new(),
        requests: Some(requests),
        dirty: Some(Cause::Key),
        drawn: None,
        ended: None,
        held: Held::Here,
        mouse: Mouse::default(),
    };
    app.perform(effects);
    app.turn(sources.0, sources.1, notices).await
}

/// What a stream has now, without waiting. Polled with this task's waker: a stream may keep the
/// first waker it sees.
async fn waiting<K: Stream + Unpin>(keys: &mut K) -> Poll<Option<K::Item>> {
    poll_fn(|cx| Poll::Ready(keys.poll_next_unpin(cx))).await
}

/// Who made the next frame necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Key,
    Engine,
}

/// Who has the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// The console.
    Here,
    /// The shell, until SIGCONT comes.
    Away,
}

struct App<P: Program, S> {
    program: P,
    surface: S,
    esc: EscGuard,
    started: Instant,
    /// Requests the link had no room for yet.
    outbox: VecDeque<P::Request>,
    /// None once the other end went away.
    requests: Option<mpsc::Sender<P::Request>>,
    dirty: Option<Cause>,
    drawn: Option<Instant>,
    ended: Option<ExitReason>,
    held: Held,
    mouse: Mouse,
}

impl<P: Program, S: Surface> App<P, S> {
    async fn turn<K, O>(
        &mut self,
        mut keys: K,
        mut outside: O,
        mut notices: mpsc::Receiver<P::Notice>,
    ) -> ExitReason
    where
        K: Stream<Item = io::Result<Event>> + Unpin,
        O: Stream<Item = Signal> + Unpin,
    {
        let mut engine_here = true;
        loop {
            if let Some(reason) = self.ended {
                return reason;
            }
            if self.due().is_some_and(|at| at <= Instant::now()) {
                self.draw();
                continue;
            }
            let wake = self.wake();
            tokio::select! {
                biased;
                event = keys.next() => {
                    // A held key or a storm of resizes arrives as many events: all of them, then
                    // one frame, and one full clear.
                    let (mut inputs, mut next) = (Vec::new(), Poll::Ready(event));
                    while let Poll::Ready(Some(Ok(event))) = &next {
                        inputs.append(&mut self.esc.push(event, Instant::now().into_std()));
                        next = waiting(&mut keys).await;
                    }
                    self.inputs(inputs);
                    if next.is_ready() {
                        // Reading on would spin for ever on a terminal that is gone.
                        self.ended.get_or_insert(ExitReason::TerminalLost);
                    }
                }
                signal = outside.next() => self.signal(signal),
                notice = notices.recv(), if engine_here => match notice {
                    Some(notice) => self.msg(Cause::Engine, Msg::Engine(notice)),
                    None => {
                        engine_here = false;
                        self.engine_gone();
                    }
                },
                () = Self::room(self.requests.as_ref()), if !self.outbox.is_empty() => self.flush(),
                () = Self::until(wake) => self.time(),
            }
        }
    }

    async fn until(wake: Option<Instant>) {
        match wake {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Waits until the link has room, or is closed.
    async fn room(requests: Option<&mpsc::Sender<P::Request>>) {
        match requests {
            Some(requests) => drop(requests.reserve().await),
            None => std::future::pending().await,
        }
    }

    fn now(&self) -> Now {
        Now {
            wall: Timestamp::now(),
            since: self.started.elapsed(),
        }
    }

    fn msg(&mut self, cause: Cause, msg: Msg<P::Notice>) {
        let now = self.now();
        let (draw, effects) = self.program.update(now, msg);
        if draw == Draw::Needed && self.dirty != Some(Cause::Key) {
            self.dirty = Some(cause);
        }
        self.perform(effects);
    }

    fn inputs(&mut self, inputs: Vec<Input>) {
        for input in coalesce(inputs) {
            if self.ended.is_some() {
                return;
            }
            let input = match input {
                // The event of a terminal that says no size has none either.
                Input::Resize(..) => match self.surface.forget().and_then(|()| self.surface.area())
                {
                    Ok(area) => Input::Resize(area.width, area.height),
                    Err(_) => {
                        self.ended = Some(ExitReason::TerminalLost);
                        return;
                    }
                },
                other => other,
            };
            self.msg(Cause::Key, Msg::Input(input));
        }
    }

    fn signal(&mut self, signal: Option<Signal>) {
        match signal {
            None | Some(Signal::Terminate) => self.ended = Some(ExitReason::Terminated),
            Some(Signal::HangUp) => self.ended = Some(ExitReason::TerminalLost),
            Some(Signal::Stop) => self.msg(Cause::Key, Msg::SuspendAsked),
            Some(Signal::Continue) => self.back(),
        }
    }

    /// After a stop: the terminal is taken again and drawn in full.
    fn back(&mut self) {
        self.held = Held::Here;
        let mut taken = self.surface.claim().and_then(|()| self.surface.forget());
        if self.mouse == Mouse::Ours {
            taken = taken.and_then(|()| self.surface.mouse(Mouse::Ours));
        }
        if taken.is_err() {
            self.ended = Some(ExitReason::TerminalLost);
        }
        if let Ok(area) = self.surface.area() {
            self.program.resize(area.width, area.height);
        }
        self.dirty = Some(Cause::Key);
    }

    fn engine_gone(&mut self) {
        self.requests = None;
        self.outbox.clear();
        self.msg(Cause::Engine, Msg::EngineGone);
    }

    fn time(&mut self) {
        let inputs = self.esc.expire(Instant::now().into_std());
        self.inputs(inputs);
        // Pace, toasts and the wall's clock are drawn from the time of the last message.
        self.msg(Cause::Engine, Msg::Tick);
    }

    /// When the next frame may be drawn; none when nothing changed.
    fn due(&self) -> Option<Instant> {
        if self.held == Held::Away {
            return None;
        }
        let gap = match self.dirty? {
            Cause::Key => KEY_FRAME,
            Cause::Engine => FRAME,
        };
        Some(self.drawn.map_or(self.started, |at| at + gap))
    }

    /// When something has to happen without anyone doing anything: the next frame, a held Esc,
    /// what the program waits for.
    fn wake(&self) -> Option<Instant> {
        let times = [
            self.due(),
            self.esc.deadline().map(Instant::from_std),
            self.program.wake(self.now()).map(|at| self.started + at),
        ];
        times.into_iter().flatten().min()
    }

    fn draw(&mut self) {
        self.dirty = None;
        let program = &self.program;
        if self
            .surface
            .frame(&mut |frame| program.draw(frame))
            .is_err()
        {
            self.ended = Some(ExitReason::TerminalLost);
            return;
        }
        self.drawn = Some(Instant::now());
        self.msg(Cause::Engine, Msg::Drawn);
    }

    fn perform(&mut self, effects: Vec<Effect<P::Request>>) {
        for effect in effects {
            match effect {
                Effect::Send(request) => {
                    self.outbox.push_back(request);
                    self.flush();
                }
                Effect::Copy(text) => {
                    if self.surface.copy(&text).is_err() {
                        self.ended = Some(ExitReason::TerminalLost);
                    }
                }
                Effect::Save(file) => {
                    let saved = super::save::save(file);
                    self.msg(Cause::Key, Msg::Saved(saved));
                }
                Effect::Mouse(mouse) => {
                    self.mouse = mouse;
                    if self.surface.mouse(mouse).is_err() {
                        self.ended = Some(ExitReason::TerminalLost);
                    }
                }
                Effect::Suspend => match self.surface.suspend() {
                    Ok(()) => self.held = Held::Away,
                    Err(why) => self.msg(Cause::Key, Msg::NotSuspended(why)),
                },
                Effect::Redraw => {
                    if self.surface.forget().is_err() {
                        self.ended = Some(ExitReason::TerminalLost);
                    }
                    self.dirty = Some(Cause::Key);
                }
                Effect::Quit(reason) => self.ended = Some(reason),
            }
        }
    }

    /// Puts on the link what it has room for.
    fn flush(&mut self) {
        let Some(requests) = &self.requests else {
            return;
        };
        while let Some(request) = self.outbox.pop_front() {
            match requests.try_send(request) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(request)) => {
                    self.outbox.push_front(request);
                    return;
                }
                // The engine's end of the notices closes too, which says it to the person.
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    self.outbox.clear();
                    return;
                }
            }
        }
    }
}
