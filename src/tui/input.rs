//! From terminal events to keys: split escapes re-joined, pastes kept apart, the last size only.
//!
//! Over SSH an arrow key can arrive as Esc and, a moment later, `[A`, and a paste as Esc and
//! `[200~` with its text as keys. [`EscGuard`] holds a lone Esc for a moment, re-joins what belongs
//! to it, and collects such a paste to its end. It reads no terminal and no clock. Invariant:
//! every key put in comes out, in order, unless it was a part of a sequence or of a paste.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyEventKind, MouseEventKind};

use super::key::Key;

/// Something the person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// Text pasted as one piece.
    Paste(String),
    /// The window has this size now (columns, rows).
    Resize(u16, u16),
}

/// How long a lone Esc is held on a local terminal.
pub const HOLD_LOCAL: Duration = Duration::from_millis(60);
/// How long a lone Esc is held over SSH.
pub const HOLD_SSH: Duration = Duration::from_millis(100);

/// How long a paste that came apart may stand still before it counts as whole. Its end marker is
/// lost when the terminal's reader meets it without its beginning.
pub const PASTE_QUIET: Duration = Duration::from_secs(2);

/// Holds a lone Esc back until it is clear whether it begins a sequence of the terminal.
#[derive(Debug)]
pub struct EscGuard {
    hold: Duration,
    held: Vec<Key>,
    /// A paste whose beginning came apart, as far as it is here.
    paste: Option<String>,
    until: Option<Instant>,
}

impl EscGuard {
    /// A guard that waits `hold`.
    pub fn new(hold: Duration) -> Self {
        Self {
            hold,
            held: Vec::new(),
            paste: None,
            until: None,
        }
    }

    /// When [`EscGuard::expire`] must be called, if something is held.
    pub fn deadline(&self) -> Option<Instant> {
        self.until
    }

    /// Takes an event, gives what is certain now.
    pub fn push(&mut self, event: &Event, now: Instant) -> Vec<Input> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                let mut out = Vec::new();
                for key in Key::from_event(key) {
                    self.key(key, now, &mut out);
                }
                out
            }
            // Only with :mouse; anything else the mouse does means nothing here.
            Event::Mouse(mouse) => {
                let key = match mouse.kind {
                    MouseEventKind::ScrollUp => Key::Up,
                    MouseEventKind::ScrollDown => Key::Down,
                    _ => return Vec::new(),
                };
                let mut out = self.flush();
                out.push(Input::Key(key));
                out
            }
            Event::Paste(text) => {
                let mut out = self.flush();
                out.push(Input::Paste(text.clone()));
                out
            }
            // A paste goes on after it.
            Event::Resize(columns, rows) if self.paste.is_some() => {
                vec![Input::Resize(*columns, *rows)]
            }
            Event::Resize(columns, rows) => {
                let mut out = self.flush();
                out.push(Input::Resize(*columns, *rows));
                out
            }
            _ => Vec::new(),
        }
    }

    /// Gives up what is held when its time is over.
    pub fn expire(&mut self, now: Instant) -> Vec<Input> {
        match self.until {
            Some(until) if until <= now => self.flush(),
            _ => Vec::new(),
        }
    }

    fn flush(&mut self) -> Vec<Input> {
        self.until = None;
        let held = std::mem::take(&mut self.held);
        match self.paste.take() {
            // Keys that are held are no text.
            Some(text) => vec![Input::Paste(text)],
            None => held.into_iter().map(Input::Key).collect(),
        }
    }

    fn key(&mut self, key: Key, now: Instant, out: &mut Vec<Input>) {
        let wait = match self.paste {
            Some(_) => PASTE_QUIET,
            None => self.hold,
        };
        self.until = Some(now + wait);
        self.held.push(key);
        match sequence(&self.held) {
            Sequence::Begun => {}
            Sequence::Key(key) => {
                self.held.clear();
                // An arrow within a paste is no text.
                if self.paste.is_none() {
                    self.until = None;
                    out.push(Input::Key(key));
                }
            }
            Sequence::NoKey => {
                self.held.clear();
                if self.paste.is_none() {
                    self.until = None;
                }
            }
            Sequence::PasteBegins => {
                self.held.clear();
                self.paste.get_or_insert_default();
                self.until = Some(now + PASTE_QUIET);
            }
            Sequence::PasteEnds => {
                self.held.clear();
                out.extend(self.flush());
            }
            Sequence::None => self.apart(key, now, out),
        }
    }

    /// What is held is no sequence: its keys are what they are, and the last may begin another.
    fn apart(&mut self, last: Key, now: Instant, out: &mut Vec<Input>) {
        if let Some(text) = &mut self.paste {
            let keys = self.held.drain(..);
            text.extend(keys.filter_map(letter));
            if last == Key::Esc {
                self.held.push(last);
            }
            return;
        }
        self.until = None;
        self.held.pop();
        if self.held.is_empty() {
            out.push(Input::Key(last));
        } else {
            out.extend(self.flush());
            self.key(last, now, out);
        }
    }
}

/// A key as text of a paste.
fn letter(key: Key) -> Option<char> {
    match key {
        Key::Char(c) => Some(c),
        Key::Enter | Key::Ctrl('j') => Some('\n'),
        Key::Tab => Some('\t'),
        _ => None,
    }
}

/// What keys in a row are together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sequence {
    /// The beginning of one.
    Begun,
    /// This key.
    Key(Key),
    /// A whole one that is no key we know.
    NoKey,
    /// What is sent before a paste.
    PasteBegins,
    /// What is sent after it.
    PasteEnds,
    /// None.
    None,
}

/// Reads a control sequence (ECMA-48: parameters, intermediates, one final byte) or an SS3 key,
/// as xterm sends them.
fn sequence(held: &[Key]) -> Sequence {
    let letters = match held {
        [Key::Esc] => return Sequence::Begun,
        [Key::Esc, letters @ ..] => letters,
        _ => return Sequence::None,
    };
    let letters: Option<String> = letters
        .iter()
        .map(|key| match key {
            Key::Char(c) if c.is_ascii() => Some(*c),
            _ => None,
        })
        .collect();
    let Some(letters) = letters else {
        return Sequence::None;
    };
    match letters.as_str() {
        "[" | "O" => return Sequence::Begun,
        "[200~" => return Sequence::PasteBegins,
        "[201~" => return Sequence::PasteEnds,
        _ => {}
    }
    if let Some(last) = letters.strip_prefix('O') {
        let key = last.chars().next().and_then(named);
        return key.map_or(Sequence::None, Sequence::Key);
    }
    let Some(body) = letters.strip_prefix('[') else {
        return Sequence::None;
    };
    // Nobody's terminal sends more.
    let Some(last) = body.chars().last().filter(|_| body.len() <= 32) else {
        return Sequence::None;
    };
    let head = body.strip_suffix(last).unwrap_or_default();
    match last {
        ' '..='?' => Sequence::Begun,
        '~' => numbered(head).map_or(Sequence::NoKey, Sequence::Key),
        last => match named(last) {
            Some(key) => Sequence::Key(key),
            // Without parameters it is as likely that a person typed it.
            None if head.is_empty() => Sequence::None,
            None => Sequence::NoKey,
        },
    }
}

/// The key that a final letter means; the modifiers before it change nothing here.
fn named(last: char) -> Option<Key> {
    Some(match last {
        'A' => Key::Up,
        'B' => Key::Down,
        'C' => Key::Right,
        'D' => Key::Left,
        'H' => Key::Home,
        'F' => Key::End,
        'Z' => Key::BackTab,
        'P' => Key::F(1),
        _ => return None,
    })
}

/// The key of a number before `~`, with modifiers behind a semicolon.
fn numbered(parameters: &str) -> Option<Key> {
    Some(match parameters.split(';').next()? {
        "1" | "7" => Key::Home,
        "3" => Key::Delete,
        "4" | "8" => Key::End,
        "5" => Key::PageUp,
        "6" => Key::PageDown,
        "11" => Key::F(1),
        _ => return None,
    })
}

/// Keeps of several resizes in a row only the last one.
pub fn coalesce(inputs: Vec<Input>) -> Vec<Input> {
    let last = inputs.iter().rposition(|i| matches!(i, Input::Resize(..)));
    inputs
        .into_iter()
        .enumerate()
        .filter(|(at, input)| !matches!(input, Input::Resize(..)) || Some(*at) == last)
        .map(|(_, input)| input)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use proptest::prelude::*;

    fn event(code: KeyCode) -> Event {
        Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn feed(guard: &mut EscGuard, keys: &[KeyCode], now: Instant) -> Vec<Input> {
        keys.iter()
            .flat_map(|k| guard.push(&event(*k), now))
            .collect()
    }

    #[test]
    fn a_split_arrow_key_is_one_key() {
        let mut guard = EscGuard::new(HOLD_SSH);
        let now = Instant::now();
        let out = feed(
            &mut guard,
            &[KeyCode::Esc, KeyCode::Char('['), KeyCode::Char('A')],
            now,
        );
        assert_eq!(out, [Input::Key(Key::Up)]);
        let out = feed(
            &mut guard,
            &[
                KeyCode::Esc,
                KeyCode::Char('['),
                KeyCode::Char('5'),
                KeyCode::Char('~'),
            ],
            now,
        );
        assert_eq!(out, [Input::Key(Key::PageUp)]);
        assert_eq!(guard.deadline(), None);
    }

    #[test]
    fn a_lone_escape_comes_out_when_its_time_is_over() {
        let mut guard = EscGuard::new(HOLD_LOCAL);
        let now = Instant::now();
        assert!(guard.push(&event(KeyCode::Esc), now).is_empty());
        assert!(guard.expire(now + Duration::from_millis(59)).is_empty());
        assert_eq!(guard.expire(now + HOLD_LOCAL), [Input::Key(Key::Esc)]);
    }

    #[test]
    fn escape_then_another_key_are_both_kept() {
        let mut guard = EscGuard::new(HOLD_LOCAL);
        let out = feed(
            &mut guard,
            &[KeyCode::Esc, KeyCode::Char('j')],
            Instant::now(),
        );
        assert_eq!(out, [Input::Key(Key::Esc), Input::Key(Key::Char('j'))]);
    }

    #[test]
    fn of_many_sizes_the_last_counts() {
        let inputs = vec![
            Input::Resize(1, 1),
            Input::Key(Key::Enter),
            Input::Resize(80, 24),
        ];
        assert_eq!(
            coalesce(inputs),
            [Input::Key(Key::Enter), Input::Resize(80, 24)]
        );
    }

    fn keys(text: &str) -> Vec<KeyCode> {
        text.chars()
            .map(|c| match c {
                '\x1b' => KeyCode::Esc,
                '\r' => KeyCode::Enter,
                c => KeyCode::Char(c),
            })
            .collect()
    }

    #[test]
    fn a_split_sequence_with_modifiers_is_one_key_or_none() {
        let now = Instant::now();
        for (sent, key) in [
            ("\x1b[1;5A", Some(Key::Up)),
            ("\x1b[6;2~", Some(Key::PageDown)),
            ("\x1bOP", Some(Key::F(1))),
            ("\x1b[11~", Some(Key::F(1))),
            ("\x1b[15~", None),
            ("\x1b[<0;12;4M", None),
            ("\x1b[?1;2c", None),
        ] {
            let mut guard = EscGuard::new(HOLD_SSH);
            let out = feed(&mut guard, &keys(sent), now);
            assert_eq!(out, Vec::from_iter(key.map(Input::Key)), "{sent:?}");
            assert_eq!(guard.deadline(), None, "{sent:?}");
        }
    }

    #[test]
    fn a_paste_that_came_apart_is_text_to_its_end() {
        let now = Instant::now();
        let mut guard = EscGuard::new(HOLD_SSH);
        let sent = "\x1b[200~A\x1b[AC\x1b\x1b;w\r\x1b[201~j";
        let out = feed(&mut guard, &keys(sent), now);
        let text = "AC;w\n".to_owned();
        assert_eq!(out, [Input::Paste(text), Input::Key(Key::Char('j'))]);
        assert_eq!(guard.deadline(), None);
    }

    #[test]
    fn a_paste_without_an_end_is_whole_when_it_stands_still() {
        let mut now = Instant::now();
        let mut guard = EscGuard::new(HOLD_SSH);
        for key in keys("\x1b[200~sA\x1b") {
            assert!(guard.push(&event(key), now).is_empty());
            assert!(guard.expire(now + HOLD_SSH / 2).is_empty());
            now += HOLD_SSH / 2;
        }
        now += HOLD_SSH;
        assert!(guard.expire(now).is_empty(), "the line is slow");
        let out = guard.expire(now + PASTE_QUIET);
        assert_eq!(out, [Input::Paste("sA".into())]);
        let out = feed(&mut guard, &[KeyCode::Char('A')], now);
        assert_eq!(out, [Input::Key(Key::Char('A'))]);
    }

    proptest! {
        #[test]
        fn no_key_of_a_paste_becomes_a_command(text in "[A-Za-z0-9 ;\\[\r]{0,40}", cut in 0usize..6) {
            // The terminal's reader gives the keys of a sequence apart after any of them.
            let mut guard = EscGuard::new(HOLD_LOCAL);
            let mut now = Instant::now();
            let sent = format!("\x1b[200~{text}\x1b[201~");
            let mut out = Vec::new();
            for (at, key) in keys(&sent).into_iter().enumerate() {
                if at == cut {
                    now += HOLD_LOCAL / 2;
                }
                out.extend(guard.push(&event(key), now));
            }
            prop_assert_eq!(out, [Input::Paste(text.replace('\r', "\n"))]);
        }

        #[test]
        fn no_key_is_lost(keys in proptest::collection::vec(prop_oneof![
            Just(KeyCode::Esc), Just(KeyCode::Char('x')), Just(KeyCode::Char('[')), Just(KeyCode::Enter),
        ], 0..20)) {
            let mut guard = EscGuard::new(HOLD_LOCAL);
            let now = Instant::now();
            let mut out = feed(&mut guard, &keys, now);
            out.extend(guard.expire(now + HOLD_LOCAL));
            let expected: Vec<_> = keys.iter()
                .flat_map(|k| Key::from_event(&KeyEvent::new(*k, KeyModifiers::NONE)))
                .map(Input::Key).collect();
            prop_assert_eq!(out, expected);
        }
    }
}
