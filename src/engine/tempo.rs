//! How many records go in a call, and how many calls are on their way: less after trouble, more
//! again when it goes well (sync-semantics 7.5).
//!
//! Pure; the time is given. One for each object, kept while the process lives: the trouble of a
//! run is that of the next. Invariant: there is always a lane, and a batch is never below its
//! floor.

use jiff::{SignedDuration, Timestamp};

/// How long there are fewer lanes after a row was locked.
const CAREFUL: SignedDuration = SignedDuration::from_mins(5);
/// A batch is never made smaller by this.
const FLOOR: usize = 10;
/// A batch grows by so much with each full one that went well.
const STEP: usize = 10;

/// The tempo of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tempo {
    /// Records of a batch at most; none: as many as a call takes.
    most: Option<usize>,
    /// Fewer lanes, and until when.
    careful: Option<(usize, Timestamp)>,
}

impl Tempo {
    /// Full batches in all lanes.
    pub(super) const FULL: Self = Self {
        most: None,
        careful: None,
    };

    /// Lanes in use, of so many.
    pub(super) fn lanes(&self, usual: usize, now: Timestamp) -> usize {
        match self.careful {
            Some((lanes, until)) if now < until => lanes.min(usual),
            _ => usual,
        }
    }

    /// Records of a batch, where a call takes so many.
    pub(super) fn most(&self, usual: usize) -> usize {
        self.most.map_or(usual, |most| most.min(usual))
    }

    /// Somebody held a row that was to be written: half the lanes for a while.
    pub(super) fn locked(&mut self, usual: usize, now: Timestamp) {
        let lanes = (self.lanes(usual, now) / 2).max(1);
        self.careful = now.checked_add(CAREFUL).ok().map(|until| (lanes, until));
    }

    /// A batch of so many records was too much for the CRM's time: half of it.
    pub(super) fn too_much(&mut self, records: usize) {
        let most = self.most.map_or(records, |most| most.min(records));
        self.most = Some((most / 2).max(FLOOR));
    }

    /// A batch of so many records went well, where a call takes so many.
    pub(super) fn went_well(&mut self, records: usize, usual: usize) {
        if let Some(most) = self.most.filter(|most| records >= *most) {
            let more = most + STEP;
            self.most = (more < usual).then_some(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_lock_halves_the_lanes_for_five_minutes() {
        let mut tempo = Tempo::FULL;
        assert_eq!(tempo.lanes(4, at(0)), 4);
        tempo.locked(4, at(0));
        assert_eq!(tempo.lanes(4, at(299)), 2);
        assert_eq!(tempo.lanes(4, at(300)), 4);
        tempo.locked(4, at(10));
        tempo.locked(4, at(20));
        tempo.locked(4, at(30));
        assert_eq!(tempo.lanes(4, at(31)), 1);
        assert_eq!(tempo.lanes(4, at(331)), 4);
    }

    #[test]
    fn a_batch_shrinks_by_halves_to_its_floor_and_grows_by_steps() {
        let mut tempo = Tempo::FULL;
        for most in [100, 50, 25, 12, 10, 10] {
            tempo.too_much(tempo.most(200));
            assert_eq!(tempo.most(200), most);
        }
        tempo.went_well(3, 200);
        assert_eq!(tempo.most(200), 10, "a small batch proves nothing");
        for most in [20, 30, 40] {
            tempo.went_well(tempo.most(200), 200);
            assert_eq!(tempo.most(200), most);
        }
        assert_eq!(tempo.most(25), 25);
        for _ in 0..20 {
            tempo.went_well(200, 200);
        }
        assert_eq!(tempo, Tempo::FULL);
    }
}
