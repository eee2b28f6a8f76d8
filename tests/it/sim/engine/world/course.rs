//! The course of a history: what people do one after the other, the runs between, and the rest at
//! the end.

use super::*;

impl World<'_> {
    /// Decides what is open, and writes it. Decisions on what was shown before are refused when
    /// it is not as it was.
    fn decide(&mut self) {
        let state = Arc::clone(self.state());
        let settings = self.people.settings.clone();
        let now = self.org.time();
        for conflict in self.conflicts() {
            let mut org = self.org.inner();
            let choice = match org.random.below(5) {
                0 if org.faults.on => Choice::Ignore,
                n if n % 2 == 0 => Choice::Take(Side::App),
                _ => Choice::Take(Side::Crm),
            };
            let old = self.shown.iter().find(|c| c.id == conflict.id);
            let fp = match old {
                Some(old) if org.faults.on && org.random.one_in(3) => old.fp,
                _ => conflict.fp,
            };
            org.tell(format!(
                "decide {} {choice:?} {}: {} {:?} {:?}",
                conflict.id,
                fp == conflict.fp,
                conflict.app_id,
                conflict.row,
                conflict.kind
            ));
            drop(org);
            // With the rule off, what was decided counts for what is there now.
            let taken = match self.org.inner().switch {
                Switch::OldDecisions => conflict.fp,
                _ => fp,
            };
            let decide = Decide {
                conflict: conflict.id,
                fp: taken,
                choice: Some(choice),
            };
            let done = decisions::decide(&state, &settings, "jo", vec![decide], now);
            let Ok(done) = done else { continue };
            if fp != conflict.fp && done.staged > 0 {
                let what = format!("an old decision on {} is taken", conflict.id);
                self.org.inner().breaks("I17", what);
            }
            self.org.inner().tell(format!("  {:?}", done.refused));
            self.shown.retain(|c| c.id != conflict.id);
            self.shown.push(conflict);
        }
        if let Some(ids) = self.goes_ahead(&state, now) {
            drop(state);
            self.run(Job::Decisions(ids));
        }
    }

    /// Reads a window of so many records, where nothing goes wrong; gives the most that were in
    /// memory at once.
    pub fn reads(&mut self, records: usize) -> usize {
        self.org.inner().calm();
        for _ in 0..records {
            self.org.inner().colleague_makes();
        }
        self.run(Job::Sync);
        assert_eq!(app_records(self.state()).len(), records);
        self.org.inner().most_held
    }

    /// The whole history, from the first record to the last check.
    pub fn history(&mut self) -> Result<(), Broken> {
        let many = self.org.inner().faults.has(Fault::VeryMany);
        for _ in 0..if many { 8 } else { 3 } {
            self.org.inner().colleague_makes();
        }
        self.run(Job::Sync);
        let rounds = 4 + self.org.inner().random.below(6);
        for _ in 0..rounds {
            if !self.org.inner().faults.happens() {
                continue;
            }
            let events = self.org.inner().random.below(6);
            for _ in 0..events {
                let state = Arc::clone(self.state());
                let mut org = self.org.inner();
                match org.random.below(2) {
                    _ if !org.faults.happens() => {}
                    0 => self.people.somebody(&state, &mut org),
                    _ => org.colleague(),
                }
                let wait = [0, 300, 2_000, 60_000][org.random.below(4)];
                org.pass(wait);
            }
            if self.org.inner().strikes(Fault::VeryMany) {
                self.very_many();
            }
            self.run(Job::Sync);
            if many && self.org.inner().random.one_in(2) {
                self.allows();
            }
            let sweeps = self.sweeps();
            if sweeps && self.org.inner().random.one_in(4) {
                self.run(Job::Sweep);
            }
            if self.org.inner().faults.has(Fault::EndsInPhase) {
                let all = app_records(self.state()).into_iter().map(|r| r.id);
                self.run(Job::Records(all.collect()));
                self.run(Job::Sweep);
            }
            if self.org.inner().random.one_in(3) {
                self.decide();
            }
            let wait = [1_000, 30_000, 1_000_000][self.org.inner().random.below(3)];
            self.org.inner().pass(wait);
            if self.org.inner().broken.is_some() {
                break;
            }
        }
        self.org.inner().calm();
        self.read_all_again();
        if self.org.inner().faults.has(Fault::ClockStep) {
            // A write in doubt waits by our clock, which may have been ahead when it was sent.
            self.org.inner().pass(2 * CLOCK_STEP);
        }
        self.rest();
        checks::at_rest(self);
        match self.org.inner().broken.clone() {
            Some(broken) => Err(broken),
            None => Ok(()),
        }
    }

    /// A field that is shown again changes no time stamp: a new version of the mapping makes the
    /// next run read everything (sync-semantics 4.5).
    fn read_all_again(&mut self) {
        if !self.org.inner().faults.has(Fault::FieldHidden) {
            return;
        }
        people::new_version(self.state()).unwrap();
    }

    /// Whether anything may be missed that only a comparison of all ids finds.
    fn sweeps(&self) -> bool {
        let org = self.org.inner();
        org.faults.has(Fault::Trimmed) && org.switch != Switch::NoSweep
    }

    /// Nobody edits and nothing goes wrong: it comes to rest, and stays there.
    fn rest(&mut self) {
        let mut quiet = 0;
        // What is nowhere to be found counts after two comparisons that are an hour apart.
        let (job, wait) = match self.sweeps() {
            true => (Job::Sweep, APART),
            false => (Job::Sync, LATE),
        };
        for cycle in 0..24 {
            self.org.inner().pass(wait * 1_000);
            let writes = self.org.inner().writes;
            let revs = revisions(self.state());
            self.run(job.clone());
            let still = self.org.inner().writes == writes && revisions(self.state()) == revs;
            if !self.conflicts().is_empty() && cycle < 8 {
                self.decide();
                quiet = 0;
            } else if still {
                quiet += 1;
            } else {
                quiet = 0;
            }
            if quiet == 2 {
                mass::others_went_on(self);
                if !self.allows() {
                    return;
                }
                quiet = 0;
            }
        }
        self.org
            .inner()
            .breaks("I2", "writes do not stop".to_owned());
    }
}

fn revisions(state: &State) -> Vec<u64> {
    app_records(state).iter().map(|r| r.rev).collect()
}
