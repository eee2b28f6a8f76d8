//! From keys to actions: the defaults of the action table with the person's `keys.toml` on top.
//!
//! Dialogs and text fields have fixed keys and never come here. Invariant: in one context no
//! chord has two actions, and no chord is the start of another.

use std::collections::BTreeMap;

use super::action::{Action, Context, TABLE};
use super::key::{BadKey, Key, chord_text};
use crate::config::keys::KeyFile;
use crate::config::place::Place;
use crate::error::Result;

/// What keys mean so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// An action.
    Action(Action),
    /// The start of a chord: wait for what follows.
    Pending,
    /// Nothing is bound to this.
    None,
}

/// The active keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// Chords by action, in the order they are shown.
    keys: BTreeMap<Action, Vec<Vec<Key>>>,
    lookup: BTreeMap<(Context, Vec<Key>), Action>,
    /// Actions whose keys the person changed.
    changed: Vec<Action>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::build(default_keys(), Vec::new())
    }
}

fn default_keys() -> BTreeMap<Action, Vec<Vec<Key>>> {
    TABLE
        .iter()
        .map(|info| {
            let chords = info
                .keys
                .iter()
                .filter_map(|key| Key::parse_chord(key).ok())
                .collect();
            (info.action, chords)
        })
        .collect()
}

impl Keymap {
    fn build(keys: BTreeMap<Action, Vec<Vec<Key>>>, changed: Vec<Action>) -> Self {
        let mut lookup = BTreeMap::new();
        for (action, chords) in &keys {
            for context in Context::ALL.iter().filter(|c| action.is_in(**c)) {
                for chord in chords {
                    lookup.insert((*context, chord.clone()), *action);
                }
            }
        }
        Self {
            keys,
            lookup,
            changed,
        }
    }

    /// The defaults with a key file laid over them.
    ///
    /// # Errors
    /// With line and column: an unknown action (and the nearest one), a text that is no key, a
    /// key that cannot arrive over SSH, a key used twice in one context.
    pub fn with_file(file: &KeyFile) -> Result<Self> {
        let place = Place::new(&file.source, &file.text);
        let mut keys = default_keys();
        let mut changed = Vec::new();
        let mut places = BTreeMap::new();
        for row in &file.rows {
            let action: Action =
                row.action
                    .parse()
                    .map_err(|unknown: super::action::UnknownAction| {
                        let error =
                            place.error(row.at.clone(), format!("unknown action `{}`", row.action));
                        match unknown.nearest {
                            Some(near) => error.hint(format!("did you mean `{near}`?")),
                            None => error.hint("`syncdeck keys` prints the actions"),
                        }
                    })?;
            let mut chords = Vec::new();
            for (text, span) in &row.keys {
                let chord = Key::parse_chord(text).map_err(|bad| match bad {
                    BadKey::Unknown => place
                        .error(span.clone(), format!("`{text}` is no key"))
                        .hint(
                            "write a letter, Ctrl-d, Enter, Space, Tab, F1, or two keys such as gg",
                        ),
                    BadKey::DoesNotArrive(why) => place
                        .error(
                            span.clone(),
                            format!("`{text}` does not arrive over SSH: {why}"),
                        )
                        .hint("choose a letter or Ctrl with another letter"),
                })?;
                places.insert((action, chord.clone()), span.clone());
                chords.push(chord);
            }
            keys.insert(action, chords);
            changed.push(action);
        }
        if let Some(clash) = clash(&keys) {
            let chord = chord_text(&clash.chord);
            let span = [clash.first, clash.second]
                .iter()
                .find_map(|action| {
                    places
                        .get(&(*action, clash.chord.clone()))
                        .or_else(|| places.get(&(*action, clash.other.clone())))
                })
                .cloned()
                .unwrap_or(0..0);
            return Err(place
                .error(
                    span,
                    format!(
                        "`{chord}` is used for both `{}` and `{}` in {}",
                        clash.first,
                        clash.second,
                        clash.context.name()
                    ),
                )
                .hint("give one of the two another key"));
        }
        Ok(Self::build(keys, changed))
    }

    /// What `pending` keys followed by `key` mean in a context.
    pub fn resolve(&self, context: Context, pending: &[Key], key: Key) -> Resolved {
        let mut chord = pending.to_vec();
        chord.push(key);
        if let Some(action) = self.lookup.get(&(context, chord.clone())) {
            return Resolved::Action(*action);
        }
        let begins = self
            .lookup
            .keys()
            .any(|(c, keys)| *c == context && keys.len() > chord.len() && keys.starts_with(&chord));
        if begins {
            Resolved::Pending
        } else {
            Resolved::None
        }
    }

    /// What a key does in front of every dialog and field: stop, suspend or draw again. A letter
    /// does not, it is text there.
    pub fn in_front(&self, key: Key) -> Option<Action> {
        if matches!(key, Key::Char(_)) {
            return None;
        }
        let does = |action: &Action| {
            let mut chords = self.keys.get(action).into_iter().flatten();
            chords.any(|chord| *chord == [key])
        };
        [Action::Stop, Action::Suspend, Action::Redraw]
            .into_iter()
            .find(does)
    }

    /// What can follow pending keys, for the box that appears.
    pub fn follows(&self, context: Context, pending: &[Key]) -> Vec<(String, Action)> {
        self.lookup
            .iter()
            .filter(|((c, keys), _)| {
                *c == context && keys.len() > pending.len() && keys.starts_with(pending)
            })
            .map(|((_, keys), action)| {
                (
                    chord_text(keys.get(pending.len()..).unwrap_or(&[])),
                    *action,
                )
            })
            .collect()
    }

    /// The first key of an action as shown in hints, if it has one.
    pub fn key_of(&self, action: Action) -> Option<String> {
        self.keys
            .get(&action)
            .and_then(|chords| chords.first())
            .map(|chord| chord_text(chord))
    }

    /// The keys of an action, each as it is written.
    pub fn chords(&self, action: Action) -> Vec<String> {
        let chords = self.keys.get(&action).into_iter().flatten();
        chords.map(|chord| chord_text(chord)).collect()
    }

    /// All keys of an action, for help.
    pub fn keys_of(&self, action: Action) -> String {
        self.chords(action).join("  ")
    }

    /// Actions whose keys come from the key file.
    pub fn changed(&self) -> &[Action] {
        &self.changed
    }
}

struct Clash {
    context: Context,
    chord: Vec<Key>,
    other: Vec<Key>,
    first: Action,
    second: Action,
}

/// Two actions on one chord, or on a chord and its beginning.
fn clash(keys: &BTreeMap<Action, Vec<Vec<Key>>>) -> Option<Clash> {
    for context in Context::ALL {
        let mut seen: Vec<(&Vec<Key>, Action)> = Vec::new();
        for (action, chords) in keys.iter().filter(|(a, _)| a.is_in(*context)) {
            for chord in chords {
                let hit = seen.iter().find(|(other, first)| {
                    first != action && (other.starts_with(chord) || chord.starts_with(other))
                });
                if let Some((other, first)) = hit {
                    return Some(Clash {
                        context: *context,
                        chord: chord.clone(),
                        other: (*other).clone(),
                        first: *first,
                        second: *action,
                    });
                }
                seen.push((chord, *action));
            }
        }
    }
    None
}

/// The table of keys as the documents and `syncdeck keys` print it: one row per action, with
/// name, keys and sentence.
pub fn table(keymap: &Keymap) -> Vec<(&'static str, String, &'static str)> {
    TABLE
        .iter()
        .map(|info| (info.name, keymap.keys_of(info.action), info.help))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;

    fn overlay(text: &str) -> Result<Keymap> {
        Keymap::with_file(&keys::parse("keys.toml", text).unwrap())
    }

    #[test]
    fn no_default_key_means_two_things() {
        assert!(clash(&default_keys()).is_none());
    }

    #[test]
    fn every_default_key_is_a_key() {
        for info in TABLE {
            for key in info.keys {
                assert!(Key::parse_chord(key).is_ok(), "{key}");
            }
        }
    }

    #[test]
    fn chords_wait_without_limit() {
        let map = Keymap::default();
        let g = Key::Char('g');
        assert_eq!(map.resolve(Context::Log, &[], g), Resolved::Pending);
        assert_eq!(
            map.resolve(Context::Log, &[g], g),
            Resolved::Action(Action::First)
        );
        assert_eq!(
            map.resolve(Context::Log, &[g], Key::Char('Q')),
            Resolved::None
        );
        assert!(
            map.follows(Context::Log, &[g])
                .iter()
                .any(|(k, _)| k == "m")
        );
    }

    #[test]
    fn a_key_file_replaces_the_keys_of_an_action() {
        let map = overlay("[conflict]\ntake_crm = \"2c\"\n").err();
        assert!(map.is_some(), "2 is a screen, so 2c can never be typed");
        let map = overlay("[conflict]\ntake_crm = \"K\"\n").unwrap();
        assert_eq!(
            map.resolve(Context::Conflict, &[], Key::Char('K')),
            Resolved::Action(Action::TakeCrm)
        );
        assert_eq!(
            map.resolve(Context::Conflict, &[], Key::Char('c')),
            Resolved::None
        );
        assert_eq!(map.changed(), [Action::TakeCrm]);
    }

    #[test]
    fn mistakes_in_the_key_file_have_a_place_and_a_remedy() {
        let e = overlay("[conflict]\ntake_cmr = \"K\"\n").unwrap_err();
        assert_eq!(
            e.message(),
            "keys.toml:2:1: unknown action `conflict.take_cmr`"
        );
        assert_eq!(e.remedy(), Some("did you mean `conflict.take_crm`?"));
        let e = overlay("help = \"Ctrl-h\"\n").unwrap_err();
        assert!(
            e.message()
                .starts_with("keys.toml:1:8: `Ctrl-h` does not arrive over SSH"),
            "{e}"
        );
        let e = overlay("[sync]\nrun_now = \"p\"\n").unwrap_err();
        assert_eq!(
            e.message(),
            "keys.toml:2:11: `p` is used for both `sync.run_now` and `sync.pause` in Overview"
        );
    }
}
