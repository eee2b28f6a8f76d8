//! The way a person came by following: from what needs attention to a run, from there to a record.
//! `q` goes back along it, and quits only where it began.
//!
//! Going to a screen by its number begins a new way. It shows nothing and asks for nothing.
//! Invariant: it never holds more than `MOST` places.

use super::model::{Model, Screen};
use super::state::{Front, SettingsPane};
use crate::domain::id::RunId;
use crate::engine::command::RecordKey;

/// Places that are remembered; older ones are forgotten.
const MOST: usize = 32;

/// Where a person is: a screen, and what is open in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A screen as it opens by its number.
    Top(Screen),
    /// The figures of the business.
    Business,
    /// A run.
    Run(RunId),
    /// A record with conflicts.
    Conflict(RecordKey),
    /// A record.
    Record(RecordKey),
    /// The content of a section of the settings.
    Section,
}

impl Place {
    /// Where the person is now.
    pub fn of(model: &Model) -> Self {
        let inside = match model.screen {
            Screen::Overview if model.overview.front == Front::Business => Some(Self::Business),
            Screen::Log => model.log.open.map(Self::Run),
            Screen::Conflicts => model.conflicts.open.clone().map(Self::Conflict),
            Screen::Records => model.records.open.clone().map(Self::Record),
            Screen::Settings if model.settings.pane == SettingsPane::Content => Some(Self::Section),
            Screen::Overview | Screen::Mapping | Screen::Settings => None,
        };
        inside.unwrap_or(Self::Top(model.screen))
    }

    /// Its screen.
    pub fn screen(&self) -> Screen {
        match self {
            Self::Top(screen) => *screen,
            Self::Business => Screen::Overview,
            Self::Run(_) => Screen::Log,
            Self::Conflict(_) => Screen::Conflicts,
            Self::Record(_) => Screen::Records,
            Self::Section => Screen::Settings,
        }
    }

    fn depth(&self) -> Depth {
        match self {
            Self::Top(_) => Depth::Top,
            _ => Depth::Inside,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    Top,
    Inside,
}

#[derive(Debug)]
struct Step {
    from: Place,
    landed: Depth,
}

/// The places that were left by following, the last one last.
#[derive(Debug, Default)]
pub struct Trail(Vec<Step>);

impl Trail {
    /// Remembers that something was followed from one place to another.
    pub fn follow(&mut self, from: Place, to: &Place) {
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        let landed = to.depth();
        self.0.push(Step { from, landed });
    }

    /// A new way begins.
    pub fn forget(&mut self) {
        self.0.clear();
    }

    /// What following had opened was closed: what is opened here from now on is closed first.
    pub fn close(&mut self) {
        if let Some(step) = self.0.last_mut() {
            step.landed = Depth::Top;
        }
    }

    /// Where `q` goes from here; none when it closes what was opened here, or quits.
    pub fn peek(&self, here: &Place) -> Option<&Place> {
        let step = self.0.last()?;
        let back = here.depth() == Depth::Top || step.landed == Depth::Inside;
        back.then_some(&step.from)
    }

    /// Goes there.
    pub fn back(&mut self, here: &Place) -> Option<Place> {
        self.peek(here)?;
        self.0.pop().map(|step| step.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_opened_here_is_closed_before_the_way_is_gone_back() {
        let (overview, log) = (Place::Top(Screen::Overview), Place::Top(Screen::Log));
        let run = Place::Run(RunId(7));
        let mut trail = Trail::default();
        trail.follow(overview.clone(), &run);
        assert_eq!(trail.peek(&run), Some(&overview));
        trail.close();
        assert_eq!(trail.peek(&run), None, "opened from the list");
        assert_eq!(trail.back(&log), Some(overview));
        assert_eq!(trail.back(&log), None);
    }

    #[test]
    fn a_long_way_is_remembered_from_its_end() {
        let mut trail = Trail::default();
        let run = |n| Place::Run(RunId(n));
        for n in 0..100 {
            trail.follow(run(n), &run(n + 1));
        }
        let back: Vec<_> = std::iter::from_fn(|| trail.back(&run(0))).collect();
        assert_eq!(back.len(), MOST);
        assert_eq!((&back[0], &back[MOST - 1]), (&run(99), &run(68)));
    }
}
