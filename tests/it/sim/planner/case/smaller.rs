//! Cases that are a little less than one that failed.

use super::*;

impl Case {
    /// Cases that are a little less, the largest steps first.
    pub fn smaller(&self) -> Vec<Self> {
        let mut out = Vec::new();
        let mut with = |change: &dyn Fn(&mut Self)| {
            let mut case = self.clone();
            change(&mut case);
            out.push(case);
        };
        for phase in 0..self.phases.len() {
            with(&|c| drop(c.phases.remove(phase)));
            for step in 0..self.phases[phase].len() {
                with(&|c| {
                    c.phases[phase].remove(step);
                });
            }
        }
        for record in (0..self.records.len()).filter(|_| self.records.len() > 1) {
            with(&|c| c.drop_record(record));
        }
        for row in (0..self.rows.len()).filter(|_| self.rows.len() > 1) {
            with(&|c| c.drop_row(row));
        }
        with(&|c| c.on_leave = None);
        with(&|c| c.on_convert = Converts::Freeze);
        for row in 0..self.rows.len() {
            with(&|c| {
                if !c.rows[row].appends() {
                    c.rows[row].kind = Kind::Text;
                }
            });
            with(&|c| c.rows[row].blanks = Blanks::Propagate);
            with(&|c| c.rows[row].saves = Saves::AsSent);
            with(&|c| c.rows[row].strategy = Strategy::Ask);
        }
        with(&|c| c.strategy = Strategy::Ask);
        out.retain(|case| case != self);
        out
    }

    fn drop_record(&mut self, gone: usize) {
        self.records.remove(gone);
        for steps in &mut self.phases {
            steps.retain(|s| s.record != gone);
            for step in steps {
                step.record -= usize::from(step.record > gone);
            }
        }
    }

    fn drop_row(&mut self, gone: usize) {
        self.rows.remove(gone);
        for record in &mut self.records {
            record.values.remove(gone);
        }
        for steps in &mut self.phases {
            steps.retain(|s| s.event.row() != Some(gone));
            for step in steps {
                if let Some(row) = step.event.row_mut() {
                    *row -= usize::from(*row > gone);
                }
            }
        }
    }
}
