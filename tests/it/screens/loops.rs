//! The loop itself: it ends when it should, and only then.

use std::io;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures::{Stream, StreamExt, stream};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use syncdeck::engine::link::{Link, pair};
use syncdeck::tui::ExitReason;
use syncdeck::tui::app::drive;
use syncdeck::tui::signals::Signal;

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
