//! Where two panes side by side meet, screen by screen.
//!
//! Kept for the session only. Invariant: neither pane is ever narrower than [`LEAST`] per cent.

use std::collections::BTreeMap;

use super::model::Screen;

/// The least a pane keeps, in per cent of the width.
pub const LEAST: u16 = 20;
/// Per cent of the width that a key moves the split.
const STEP: u16 = 5;

/// Which way the split goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// The right pane grows.
    Left,
    /// The left pane grows.
    Right,
}

/// Splits that a person moved.
#[derive(Debug, Default)]
pub struct Splits(BTreeMap<Screen, u16>);

impl Splits {
    /// Width of the left pane in per cent; none where the panes are fixed.
    pub fn share(&self, screen: Screen) -> Option<u16> {
        self.0.get(&screen).copied().or_else(|| usual(screen))
    }

    /// Where the split would be after a key; none when it does not go further.
    pub fn moved(&self, screen: Screen, to: Move) -> Option<u16> {
        let share = self.share(screen)?;
        let next = match to {
            Move::Left => share.saturating_sub(STEP).max(LEAST),
            Move::Right => (share + STEP).min(100 - LEAST),
        };
        (next != share).then_some(next)
    }

    /// Moves the split by one step, if it goes further.
    pub fn shift(&mut self, screen: Screen, to: Move) {
        if let Some(next) = self.moved(screen, to) {
            self.0.insert(screen, next);
        }
    }
}

/// Where it is before anybody moved it.
fn usual(screen: Screen) -> Option<u16> {
    match screen {
        Screen::Overview => Some(63),
        Screen::Log => Some(48),
        Screen::Conflicts => Some(28),
        Screen::Mapping => Some(56),
        Screen::Records => Some(58),
        Screen::Settings => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pane_is_pushed_away_and_screens_do_not_share_a_split() {
        for screen in Screen::ALL {
            let mut splits = Splits::default();
            for (to, end) in [(Move::Left, LEAST), (Move::Right, 100 - LEAST)] {
                for _ in 0..40 {
                    splits.shift(screen, to);
                }
                assert_eq!(splits.moved(screen, to), None, "{screen:?}");
                let share = splits.share(screen);
                assert_eq!(share, usual(screen).map(|_| end), "{screen:?}");
            }
            for other in Screen::ALL.into_iter().filter(|s| *s != screen) {
                assert_eq!(splits.share(other), usual(other));
            }
        }
    }
}
