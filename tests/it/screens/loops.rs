//! The loop itself: it ends when it should, and only then.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures::{Stream, StreamExt, stream};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use syncdeck::engine::link::{Link, pair};
use syncdeck::engine::notice::Notice;
use syncdeck::tui::app::drive;
use syncdeck::tui::effect::Mouse;
use syncdeck::tui::signals::Signal;
use syncdeck::tui::terminal::{NoSuspend, Surface};
use syncdeck::tui::{Audience, ExitReason, Options};

use super::desk::options;
use super::fake::Fake;

fn typed(letters: &str) -> Vec<io::Result<Event>> {
    letters
        .chars()
        .map(|c| {
            Ok(Event::Key(KeyEvent::new(
                KeyCode::Char(c),
                KeyModifiers::NONE,
            )))
        })
        .collect()
}

/// The events, then silence.
fn then_silence(events: Vec<io::Result<Event>>) -> impl Stream<Item = io::Result<Event>> + Unpin {
    stream::iter(events).chain(stream::pending())
}

/// A link with an engine that answers.
fn engine() -> Link {
    let (link, mut end) = pair();
    tokio::spawn(async move {
        let mut fake = Fake::default();
        if end.notices.send(fake.summary()).await.is_err() {
            return;
        }
        while let Some(request) = end.requests.recv().await {
            for notice in fake.answer(request) {
                if end.notices.send(notice).await.is_err() {
                    return;
                }
            }
        }
    });
    link
}

async fn ends(
    link: Link,
    keys: impl Stream<Item = io::Result<Event>> + Unpin,
    signals: impl Stream<Item = Signal> + Unpin,
) -> ExitReason {
    let surface = Terminal::new(TestBackend::new(80, 24)).unwrap();
    drive(link, options(), surface, keys, signals).await
}

#[tokio::test]
async fn q_leaves() {
    let keys = then_silence(typed("3q"));
    assert_eq!(
        ends(engine(), keys, stream::pending()).await,
        ExitReason::Quit
    );
}

#[tokio::test]
async fn a_terminal_that_ends_or_fails_is_lost() {
    let keys = stream::iter(typed("3"));
    assert_eq!(
        ends(engine(), keys, stream::pending()).await,
        ExitReason::TerminalLost
    );
    let keys = then_silence(vec![Err(io::Error::other("gone"))]);
    assert_eq!(
        ends(engine(), keys, stream::pending()).await,
        ExitReason::TerminalLost
    );
}

#[tokio::test]
async fn signals_end_it() {
    for (signal, reason) in [
        (Signal::Terminate, ExitReason::Terminated),
        (Signal::HangUp, ExitReason::TerminalLost),
    ] {
        let signals = stream::iter([signal]).chain(stream::pending());
        assert_eq!(
            ends(engine(), then_silence(Vec::new()), signals).await,
            reason
        );
    }
}

#[tokio::test]
async fn an_engine_that_went_away_does_not_end_it() {
    let (link, end) = pair();
    drop(end);
    // Suspending is refused by this surface and changes nothing either.
    let signals = stream::iter([Signal::Stop, Signal::Continue]).chain(stream::pending());
    let keys = then_silence(typed("2345q"));
    assert_eq!(ends(link, keys, signals).await, ExitReason::Quit);
}

#[tokio::test]
async fn more_requests_than_the_link_holds_are_kept_until_there_is_room() {
    let keys = then_silence(typed(&format!("3{}q", "jk".repeat(200))));
    assert_eq!(
        ends(engine(), keys, stream::pending()).await,
        ExitReason::Quit
    );
}

/// A surface that counts what it is asked for; in a real terminal each of these sends bytes.
struct Counted {
    inner: Terminal<TestBackend>,
    asked: Rc<Cell<usize>>,
}

impl Counted {
    fn count(&self) {
        self.asked.set(self.asked.get() + 1);
    }
}

impl Surface for Counted {
    type Error = <Terminal<TestBackend> as Surface>::Error;

    fn frame(&mut self, draw: &mut dyn FnMut(&mut ratatui::Frame<'_>)) -> Result<(), Self::Error> {
        self.count();
        self.inner.frame(draw)
    }

    fn forget(&mut self) -> Result<(), Self::Error> {
        self.count();
        self.inner.forget()
    }

    fn area(&self) -> Result<Rect, Self::Error> {
        self.inner.area()
    }

    fn copy(&mut self, text: &str) -> Result<(), Self::Error> {
        self.count();
        self.inner.copy(text)
    }

    fn mouse(&mut self, mouse: Mouse) -> Result<(), Self::Error> {
        self.count();
        self.inner.mouse(mouse)
    }

    fn claim(&mut self) -> Result<(), Self::Error> {
        self.count();
        self.inner.claim()
    }

    fn suspend(&mut self) -> Result<(), NoSuspend> {
        self.inner.suspend()
    }
}

/// How often it drew and how often it woke, when nothing happens for so long after two keys.
async fn idle(options: Options, time: Duration) -> (usize, usize) {
    let (asked, woke) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let surface = Counted {
        inner: Terminal::new(TestBackend::new(80, 24)).unwrap(),
        asked: Rc::clone(&asked),
    };
    let mut events: std::collections::VecDeque<_> = typed("31").into();
    let polls = Rc::clone(&woke);
    let keys = stream::poll_fn(move |_| {
        polls.set(polls.get() + 1);
        match events.pop_front() {
            Some(event) => std::task::Poll::Ready(Some(event)),
            None => std::task::Poll::Pending,
        }
    });
    let (link, mut end) = pair();
    tokio::spawn(async move {
        let summary = Notice::Summary(super::quiet_summary());
        end.notices.send(summary).await.unwrap();
        let mut fake = Fake::default();
        while let Some(request) = end.requests.recv().await {
            for notice in fake.answer(request) {
                end.notices.send(notice).await.unwrap();
            }
        }
        // The engine is there and says nothing.
        std::future::pending::<()>().await;
    });
    let shown = drive(link, options, surface, keys, stream::pending());
    assert!(tokio::time::timeout(time, shown).await.is_err());
    (asked.get(), woke.get())
}

#[tokio::test(start_paused = true)]
async fn an_idle_console_sends_nothing_and_does_not_wake() {
    let minute = idle(options(), Duration::from_secs(50)).await;
    let day = idle(options(), Duration::from_secs(86_400)).await;
    assert_eq!(minute, day, "frames and wake-ups");
}

#[tokio::test(start_paused = true)]
async fn the_clock_of_a_wall_goes_on() {
    let wall = || Options {
        audience: Audience::Wall,
        ..options()
    };
    let (at_once, _) = idle(wall(), Duration::ZERO).await;
    let (hour, _) = idle(wall(), Duration::from_secs(3_600)).await;
    assert!(hour - at_once >= 59, "{hour} frames in an hour");
}
