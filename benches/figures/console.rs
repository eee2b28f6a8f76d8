//! From a key to the frame that answers it, and what the frame costs on the line.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures::stream;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ratatui::layout::{Rect, Size};
use ratatui::{Terminal, TerminalOptions, Viewport};
use syncdeck::cli::session::Session;
use syncdeck::config::theme::built_in;
use syncdeck::engine::link::Link;
use syncdeck::engine::notice::Notice;
use syncdeck::engine::summary::Access;
use syncdeck::tui::app::drive;
use syncdeck::tui::effect::{Effect, Mouse};
use syncdeck::tui::input::{HOLD_LOCAL, Input};
use syncdeck::tui::key::Key;
use syncdeck::tui::keymap::Keymap;
use syncdeck::tui::model::Model;
use syncdeck::tui::msg::{Msg, Now};
use syncdeck::tui::terminal::{NoSuspend, Surface};
use syncdeck::tui::theme::Depth;
use syncdeck::tui::update::{start, update};
use syncdeck::tui::wire::{self, Wire};
use syncdeck::tui::{Audience, First, Hosting, Options, Times, view};
use tokio::sync::mpsc;

use super::world::{World, tried_out};
use super::{figure, lists};

/// A person's pace; faster than anybody types, slower than a frame.
const PACE: Duration = Duration::from_millis(30);
/// How long a person looks at what another screen shows before the next key.
const LOOK: Duration = Duration::from_millis(500);
/// The cursor there and back. Each key changes what is seen.
pub const MOVES: &str = "jjkk";
/// The same, to both ends of the records, and to the mapping and back.
pub const SCREENS: &str = "jjkkjjkkGkkjjgjjkk4jjkk5";

fn options() -> Options {
    Options {
        theme: built_in("dark").unwrap(),
        themes: Vec::new(),
        remarks: Vec::new(),
        depth: Depth::True,
        keymap: Keymap::default(),
        access: Access::ReadWrite,
        hosting: Hosting::Attached,
        audience: Audience::Person,
        times: Times::Utc,
        zone: TimeZone::UTC,
        band: None,
        esc_hold: HOLD_LOCAL,
        summary: None,
        first: First::Nothing,
        ahead: SignedDuration::ZERO,
    }
}

/// A line that counts what goes over it.
#[derive(Clone)]
struct Line {
    sent: Rc<Cell<u64>>,
    size: Size,
}

impl Line {
    fn of((columns, rows): (u16, u16)) -> Self {
        Self {
            sent: Rc::default(),
            size: Size::new(columns, rows),
        }
    }
}

impl wire::Line for Line {
    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent.set(self.sent.get() + bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Screen = Terminal<Wire<Line>>;

fn screen(line: Line) -> Screen {
    let viewport = Viewport::Fixed(Rect::new(0, 0, line.size.width, line.size.height));
    Terminal::with_options(Wire::new(line).unwrap(), TerminalOptions { viewport }).unwrap()
}

// ---- without the loop ----------------------------------------------------------------------

/// A list in front of a person.
#[derive(Clone, Copy)]
struct View {
    name: &'static str,
    key: char,
    size: (u16, u16),
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}x{}", self.name, self.size.0, self.size.1)
    }
}

const fn of(name: &'static str, key: char, size: (u16, u16)) -> View {
    View { name, key, size }
}

const VIEWS: [View; 4] = [
    of("conflicts", '3', (80, 24)),
    of("conflicts", '3', (160, 48)),
    of("records", '5', (80, 24)),
    of("records", '5', (160, 48)),
];

/// Update, view and diff of one key that moves the cursor.
#[divan::bench(args = VIEWS)]
fn cursor(bencher: divan::Bencher<'_, '_>, view: View) {
    let mut desk = Desk::at(view);
    let mut keys = [Key::Char('j'), Key::Char('k')].into_iter().cycle();
    let per_key = desk.bytes_of([Key::Char('j'); 10]);
    let page = desk.bytes_of([Key::PageDown; 5]);
    figure::note(format!(
        "{view}: {per_key} bytes for a move of the cursor, {page} for a page"
    ));
    bencher.bench_local(|| desk.press(keys.next().unwrap()));
}

/// The same for a jump by a page.
#[divan::bench(args = VIEWS)]
fn page(bencher: divan::Bencher<'_, '_>, view: View) {
    let mut desk = Desk::at(view);
    let mut keys = [Key::PageDown, Key::PageUp].into_iter().cycle();
    bencher.bench_local(|| desk.press(keys.next().unwrap()));
}

/// A console whose engine answers at once, or not at all.
struct Desk {
    model: Model,
    screen: Screen,
    line: Line,
    began: Instant,
}

impl Desk {
    fn at(view: View) -> Self {
        let line = Line::of(view.size);
        let now = Now {
            wall: Timestamp::now(),
            since: Duration::ZERO,
        };
        let mut desk = Self {
            model: Model::new(options(), now, view.size),
            screen: screen(line.clone()),
            line,
            began: Instant::now(),
        };
        let mut world = lists::world();
        let mut session = Session::new(world.attach());
        let summary = world.runtime.block_on(session.summary()).unwrap();
        let mut effects = start(&mut desk.model, now);
        effects.extend(desk.update(Msg::Engine(Notice::Summary(summary))));
        effects.extend(desk.update(Msg::Input(Input::Key(Key::Char(view.key)))));
        while let Some(effect) = effects.pop() {
            if let Effect::Send(request) = effect {
                let result = world.runtime.block_on(session.ask(request.command));
                let id = request.id;
                effects.extend(desk.update(Msg::Engine(Notice::Reply { id, result })));
            }
        }
        desk.draw();
        desk
    }

    fn update(&mut self, msg: Msg) -> Vec<Effect> {
        let now = Now {
            wall: Timestamp::now(),
            since: self.began.elapsed(),
        };
        update(&mut self.model, now, msg).1
    }

    fn draw(&mut self) {
        let model = &self.model;
        self.screen.draw(|frame| view::draw(model, frame)).unwrap();
    }

    /// A key is answered from what is here; what it asks the engine for is left out.
    fn press(&mut self, key: Key) -> usize {
        let asked = self.update(Msg::Input(Input::Key(key)));
        self.draw();
        asked.len()
    }

    fn bytes_of<const N: usize>(&mut self, keys: [Key; N]) -> u64 {
        let before = self.line.sent.get();
        for key in keys {
            self.press(key);
        }
        (self.line.sent.get() - before) / N as u64
    }
}

// ---- the loop itself -----------------------------------------------------------------------

/// Key to frame in the real loop, with the real engine behind it.
#[divan::bench(args = VIEWS, sample_count = 1, sample_size = 1)]
fn hundred_keys_at_a_pace(bencher: divan::Bencher<'_, '_>, view: View) {
    let mut world = lists::world();
    let link = RefCell::new(Some(world.attach()));
    bencher
        .with_inputs(|| link.take())
        .bench_local_values(|link| {
            let times = typed(&world, link.unwrap(), view.size, view.key, MOVES, 100);
            figure::note(format!("key to frame, {view}: {times}"));
        });
}

/// From keys to the frames that answer them.
pub struct Answered {
    /// By the clock, which other work on the machine makes longer.
    clock: Vec<Duration>,
    /// Of the console's own thread.
    processor: Vec<Duration>,
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processor = figure::spread(self.processor.clone());
        let clock = figure::spread(self.clock.clone());
        write!(f, "{clock}; processor time of the console {processor}")
    }
}

/// Opens a screen by its key, presses keys in turn, and times each to the end of the next frame
/// that began after it.
pub fn typed(
    world: &World,
    link: Link,
    size: (u16, u16),
    open: char,
    round: &str,
    keys: usize,
) -> Answered {
    let keys = if tried_out() { 10 } else { keys };
    let (frames, mut drawn) = mpsc::unbounded_channel();
    let surface = Watched {
        screen: screen(Line::of(size)),
        size,
        frames,
    };
    let (press, pressed) = mpsc::unbounded_channel::<char>();
    let events = Box::pin(stream::unfold(pressed, |mut pressed| async {
        let key = KeyEvent::new(KeyCode::Char(pressed.recv().await?), KeyModifiers::NONE);
        Some((Ok(Event::Key(key)), pressed))
    }));
    let outside = stream::pending();
    let person = async {
        let (mut clock, mut processor) = (Vec::new(), Vec::new());
        let letters = std::iter::once(open).chain(round.chars().cycle());
        for letter in letters.take(keys + 1) {
            tokio::time::sleep(PACE).await;
            let (at, worked) = (Instant::now(), figure::thread());
            press.send(letter).unwrap();
            loop {
                let frame: Frame = drawn.recv().await.unwrap();
                if frame.began >= at {
                    clock.push(frame.ended - at);
                    processor.push(frame.worked.saturating_sub(worked));
                    break;
                }
            }
            if !MOVES.contains(letter) {
                tokio::time::sleep(LOOK).await;
            }
        }
        // The end of the keys is the end of the console.
        drop(press);
        Answered {
            clock: clock.split_off(1),
            processor: processor.split_off(1),
        }
    };
    world.runtime.block_on(async {
        let console = drive(link, options(), surface, events, outside);
        let (_, times) = tokio::join!(console, person);
        times
    })
}

/// A frame: when it began and ended, and how much its thread had worked then.
struct Frame {
    began: Instant,
    ended: Instant,
    worked: Duration,
}

/// A screen that tells when its frames began and ended.
struct Watched {
    screen: Screen,
    size: (u16, u16),
    frames: mpsc::UnboundedSender<Frame>,
}

impl Surface for Watched {
    type Error = io::Error;

    fn frame(&mut self, draw: &mut dyn FnMut(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        let began = Instant::now();
        self.screen.draw(|frame| draw(frame))?;
        // Nobody listens any more at the very end.
        let _ = self.frames.send(Frame {
            began,
            ended: Instant::now(),
            worked: figure::thread(),
        });
        Ok(())
    }

    fn forget(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn area(&self) -> io::Result<Rect> {
        Ok(Rect::new(0, 0, self.size.0, self.size.1))
    }

    fn copy(&mut self, _text: &str) -> io::Result<()> {
        Ok(())
    }

    fn mouse(&mut self, _mouse: Mouse) -> io::Result<()> {
        Ok(())
    }

    fn claim(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> Result<(), NoSuspend> {
        Err(NoSuspend::Refused)
    }
}
