//! Many events at once: all of them, then one frame; of many sizes the last.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures::{StreamExt, stream};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use syncdeck::engine::link::pair;
use syncdeck::tui::app::drive;
use syncdeck::tui::effect::Mouse;
use syncdeck::tui::terminal::{NoSuspend, Surface};

use super::desk::options;

/// What a terminal was sent, by name.
type Sent = Rc<RefCell<Vec<&'static str>>>;

struct Noted {
    inner: Terminal<TestBackend>,
    sent: Sent,
}

impl Noted {
    fn note(&self, what: &'static str) {
        self.sent.borrow_mut().push(what);
    }
}

impl Surface for Noted {
    type Error = <Terminal<TestBackend> as Surface>::Error;

    fn frame(&mut self, draw: &mut dyn FnMut(&mut ratatui::Frame<'_>)) -> Result<(), Self::Error> {
        self.note("frame");
        self.inner.frame(draw)
    }

    fn forget(&mut self) -> Result<(), Self::Error> {
        self.note("clear");
        self.inner.forget()
    }

    fn area(&self) -> Result<Rect, Self::Error> {
        self.inner.area()
    }

    fn copy(&mut self, text: &str) -> Result<(), Self::Error> {
        self.inner.copy(text)
    }

    fn mouse(&mut self, mouse: Mouse) -> Result<(), Self::Error> {
        self.inner.mouse(mouse)
    }

    fn claim(&mut self) -> Result<(), Self::Error> {
        self.inner.claim()
    }

    fn suspend(&mut self) -> Result<(), NoSuspend> {
        self.inner.suspend()
    }
}

/// What events that are there at once cost a terminal.
async fn sent(events: Vec<Event>) -> Vec<&'static str> {
    let sent = Sent::default();
    let surface = Noted {
        inner: Terminal::new(TestBackend::new(80, 24)).unwrap(),
        sent: Rc::clone(&sent),
    };
    let events: Vec<io::Result<Event>> = events.into_iter().map(Ok).collect();
    let keys = stream::iter(events).chain(stream::pending());
    let (link, _end) = pair();
    let shown = drive(link, options(), surface, keys, stream::pending());
    let time = std::time::Duration::from_secs(1);
    assert!(tokio::time::timeout(time, shown).await.is_err());
    sent.take()
}

fn count(sent: &[&str], what: &str) -> usize {
    sent.iter().filter(|one| **one == what).count()
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_resizes_is_one_full_clear() {
    let sent = sent((0..40).map(|n| Event::Resize(61 + n, 16 + n)).collect()).await;
    assert_eq!(count(&sent, "clear"), 1, "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn many_keys_are_one_frame() {
    let key = |c| Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    let keys = "jk".repeat(500);
    let sent = sent(keys.chars().map(key).collect()).await;
    // The first frame of all, and the one of the keys.
    assert!(count(&sent, "frame") <= 2, "{sent:?}");
}
