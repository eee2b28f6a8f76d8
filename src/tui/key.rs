//! Keys as this program knows them, and their texts.
//!
//! Only keys that arrive over any SSH link exist here: no Alt, no Ctrl+Enter.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A character, space included.
    Char(char),
    /// Control with a lower-case letter.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key.
    F(u8),
}

const NAMED: [(&str, Key); 16] = [
    ("Enter", Key::Enter),
    ("Esc", Key::Esc),
    ("Tab", Key::Tab),
    ("S-Tab", Key::BackTab),
    ("Backspace", Key::Backspace),
    ("Delete", Key::Delete),
    ("Up", Key::Up),
    ("Down", Key::Down),
    ("Left", Key::Left),
    ("Right", Key::Right),
    ("Home", Key::Home),
    ("End", Key::End),
    ("PgUp", Key::PageUp),
    ("PgDn", Key::PageDown),
    ("Space", Key::Char(' ')),
    ("F1", Key::F(1)),
];

/// Why a text is no key that can be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadKey {
    /// Nothing like a key.
    Unknown,
    /// It exists, but does not arrive everywhere; the text says what happens instead.
    DoesNotArrive(&'static str),
}

impl Key {
    /// Reads one key: `a`, `Ctrl-d`, `Enter`, `Space`.
    ///
    /// # Errors
    /// The reason it cannot be bound.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let mut chars = text.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return Ok(Self::Char(c));
        }
        if let Some((_, key)) = NAMED
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
        {
            return Ok(*key);
        }
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("alt-") || lower.starts_with("a-") || lower.starts_with("m-") {
            return Err(BadKey::DoesNotArrive("Alt is sent as Esc and a letter"));
        }
        if let Some(rest) = lower
            .strip_prefix("ctrl-")
            .or_else(|| lower.strip_prefix("c-"))
        {
            return match rest {
                "i" => Err(BadKey::DoesNotArrive("Ctrl-i is Tab")),
                "m" | "j" => Err(BadKey::DoesNotArrive("it is Enter")),
                "h" => Err(BadKey::DoesNotArrive(
                    "Ctrl-h is Backspace on many terminals",
                )),
                "[" => Err(BadKey::DoesNotArrive("Ctrl-[ is Esc")),
                "s" | "q" => Err(BadKey::DoesNotArrive("flow control takes it")),
                "enter" => Err(BadKey::DoesNotArrive("it is sent as plain Enter")),
                _ => match rest.chars().next() {
                    Some(c) if rest.len() == 1 && c.is_ascii_lowercase() => Ok(Self::Ctrl(c)),
                    _ => Err(BadKey::Unknown),
                },
            };
        }
        Err(BadKey::Unknown)
    }

    /// Reads a chord of one or two keys: `gg`, `g /`, `Ctrl-d`.
    ///
    /// # Errors
    /// The reason the first bad part cannot be bound.
    pub fn parse_chord(text: &str) -> Result<Vec<Self>, BadKey> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        match parts.as_slice() {
            [one] => match Self::parse(one) {
                Ok(key) => Ok(vec![key]),
                Err(BadKey::Unknown) if one.chars().count() == 2 => {
                    Ok(one.chars().map(Self::Char).collect())
                }
                Err(bad) => Err(bad),
            },
            [first, second] => Ok(vec![Self::parse(first)?, Self::parse(second)?]),
            _ => Err(BadKey::Unknown),
        }
    }

    /// From a terminal event. An Alt-key is what a fast Esc and a letter look like, so it is
    /// given back as those two.
    pub fn from_event(event: &KeyEvent) -> Vec<Self> {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let key = match event.code {
            KeyCode::Char(c) if ctrl => Self::Ctrl(c.to_ascii_lowercase()),
            KeyCode::Char(c) => Self::Char(c),
            KeyCode::Enter => Self::Enter,
            KeyCode::Esc => Self::Esc,
            KeyCode::Tab => Self::Tab,
            KeyCode::BackTab => Self::BackTab,
            KeyCode::Backspace => Self::Backspace,
            KeyCode::Delete => Self::Delete,
            KeyCode::Up => Self::Up,
            KeyCode::Down => Self::Down,
            KeyCode::Left => Self::Left,
            KeyCode::Right => Self::Right,
            KeyCode::Home => Self::Home,
            KeyCode::End => Self::End,
            KeyCode::PageUp => Self::PageUp,
            KeyCode::PageDown => Self::PageDown,
            KeyCode::F(n) => Self::F(n),
            _ => return Vec::new(),
        };
        if event.modifiers.contains(KeyModifiers::ALT) {
            return vec![Self::Esc, key];
        }
        vec![key]
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = NAMED.iter().find(|(_, key)| key == self) {
            return f.write_str(name);
        }
        match self {
            Self::Char(c) => write!(f, "{c}"),
            Self::Ctrl(c) => write!(f, "Ctrl-{c}"),
            Self::F(n) => write!(f, "F{n}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// A chord as it is shown: `gg`, `g/`, `Ctrl-d`.
pub fn chord_text(keys: &[Key]) -> String {
    keys.iter().map(Key::to_string).collect()
}

/// Reads a macro as tests and documents write them: `gg<C-d>jw<ret>`.
///
/// # Errors
/// The part in angle brackets that is no key.
pub fn parse_macro(text: &str) -> Result<Vec<Key>, String> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c != '<' {
            keys.push(Key::Char(c));
            continue;
        }
        let (name, after) = rest.split_once('>').ok_or_else(|| rest.to_owned())?;
        rest = after;
        keys.push(match name {
            "ret" => Key::Enter,
            "space" => Key::Char(' '),
            "lt" => Key::Char('<'),
            "gt" => Key::Char('>'),
            name => Key::parse(name).map_err(|_| name.to_owned())?,
        });
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_keys_are_the_same_thing() {
        for text in ["a", "Ctrl-d", "Enter", "Space", "S-Tab", "PgDn", "F1"] {
            assert_eq!(Key::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Key::parse_chord("gg").unwrap(), vec![Key::Char('g'); 2]);
        assert_eq!(chord_text(&Key::parse_chord("g /").unwrap()), "g/");
    }

    #[test]
    fn keys_that_do_not_arrive_are_refused() {
        for text in [
            "Ctrl-i",
            "Ctrl-m",
            "Ctrl-j",
            "Ctrl-h",
            "Ctrl-[",
            "Ctrl-s",
            "Ctrl-q",
            "Alt-x",
            "Ctrl-Enter",
        ] {
            assert!(
                matches!(Key::parse(text), Err(BadKey::DoesNotArrive(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn macros_read_back() {
        let keys = parse_macro("gg<C-d>w<ret>").unwrap();
        assert_eq!(
            keys,
            [
                Key::Char('g'),
                Key::Char('g'),
                Key::Ctrl('d'),
                Key::Char('w'),
                Key::Enter
            ]
        );
    }
}
