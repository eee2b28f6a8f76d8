//! From terminal events to keys: split escapes re-joined, pastes kept apart, the last size only.
//!
//! Over SSH an arrow key can arrive as Esc and, a moment later, `[A`. [`EscGuard`] holds a lone
//! Esc for a moment and re-joins it. It reads no terminal and no clock. Invariant: every key put
//! in comes out, in order, unless it was a part of a re-joined sequence.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyEventKind};

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

/// Holds a lone Esc back until it is clear whether it begins an arrow key.
#[derive(Debug)]
pub struct EscGuard {
    hold: Duration,
    held: Vec<Key>,
    until: Option<Instant>,
}

impl EscGuard {
    /// A guard that waits `hold`.
    pub fn new(hold: Duration) -> Self {
        Self {
            hold,
            held: Vec::new(),
            until: None,
        }
    }

    /// When [`EscGuard::expire`] must be called, if a key is held.
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
            Event::Paste(text) => {
                let mut out = self.flush();
                out.push(Input::Paste(text.clone()));
                out
            }
            Event::Resize(columns, rows) => {
                let mut out = self.flush();
                out.push(Input::Resize(*columns, *rows));
                out
            }
            _ => Vec::new(),
        }
    }

    /// Gives the held keys up when their time is over.
    pub fn expire(&mut self, now: Instant) -> Vec<Input> {
        match self.until {
            Some(until) if until <= now => self.flush(),
            _ => Vec::new(),
        }
    }

    fn flush(&mut self) -> Vec<Input> {
        self.until = None;
        self.held.drain(..).map(Input::Key).collect()
    }

    fn key(&mut self, key: Key, now: Instant, out: &mut Vec<Input>) {
        match (self.held.as_slice(), key) {
            ([], Key::Esc) => {
                self.held.push(key);
                self.until = Some(now + self.hold);
            }
            ([], key) => out.push(Input::Key(key)),
            ([Key::Esc], Key::Char('[' | 'O')) => {
                self.held.push(key);
                self.until = Some(now + self.hold);
            }
            ([Key::Esc, Key::Char('[')], Key::Char('1'..='8')) => self.held.push(key),
            (held, key) => match rejoin(held, key) {
                Some(joined) => {
                    self.held.clear();
                    self.until = None;
                    out.push(Input::Key(joined));
                }
                None => {
                    out.extend(self.flush());
                    self.key(key, now, out);
                }
            },
        }
    }
}

/// The key whose escape sequence this is (xterm control sequences, normal and application mode).
fn rejoin(held: &[Key], last: Key) -> Option<Key> {
    let Key::Char(last) = last else { return None };
    match held {
        [Key::Esc, Key::Char('[' | 'O')] => match last {
            'A' => Some(Key::Up),
            'B' => Some(Key::Down),
            'C' => Some(Key::Right),
            'D' => Some(Key::Left),
            'H' => Some(Key::Home),
            'F' => Some(Key::End),
            'Z' => Some(Key::BackTab),
            'P' => Some(Key::F(1)),
            _ => None,
        },
        [Key::Esc, Key::Char('['), Key::Char(number)] if last == '~' => match number {
            '1' | '7' => Some(Key::Home),
            '3' => Some(Key::Delete),
            '4' | '8' => Some(Key::End),
            '5' => Some(Key::PageUp),
            '6' => Some(Key::PageDown),
            _ => None,
        },
        _ => None,
    }
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

    proptest! {
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
