//! What became of each record in a run: one result, however often the run comes by it
//! (sync-semantics 25, I44).
//!
//! Counts nothing itself: what moved is told, so that the run's counts are in the same commit.
//! Invariants: a record has one entry in the ledger of a run, and at most one line among its
//! results, which is of that kind; only what nobody has to look at has no line.

use super::Tx;
use crate::domain::id::{AppId, PairName, RunId};
use crate::domain::run::{LogLine, RecordResult, ResultKind};
use crate::engine::tables::{HISTORY, LEDGER, RESULTS, record_key};
use crate::store::StoreError;
use crate::store::keys::{Key, Parts};

/// Runs of which the ledger is kept: it is needed while a run works, and to look into one.
const KEPT: u64 = 10;
/// Entries that are forgotten in one go, at least.
const AT_ONCE: u64 = 300;

/// What this transaction files.
#[derive(Debug, Default)]
pub(super) struct Filed {
    /// By record; none for one that is filed under another id now.
    kinds: std::collections::HashMap<(RunId, AppId), Option<ResultKind>>,
    lines: std::collections::HashMap<(RunId, AppId), RecordResult>,
    moves: Vec<Move>,
}

/// A record whose result became another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The run.
    pub run: RunId,
    /// What it had; none for one that the run had not come by.
    pub before: Option<ResultKind>,
    /// What it has; none for one that turned out to be filed already.
    pub now: Option<ResultKind>,
}

/// Whether a record may have a result in this run already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It may.
    Perhaps,
    /// It was made just now: it has none.
    No,
}

impl Tx<'_> {
    /// Writes a line to a record's history.
    pub fn history(&mut self, pair: &PairName, id: &AppId, line: &LogLine) {
        let number = self.state.new_line();
        self.batch
            .put(&HISTORY, &record_key(pair, id).number(number), line);
    }

    /// Files what a record came to in a run, with a line for people. What an earlier result of the
    /// same record said is kept in it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn put_result(&mut self, result: &RecordResult) -> Result<(), StoreError> {
        let (run, id) = (result.run, &result.app_id);
        let before = self.filed(run, id)?;
        let now = joined(before, result.kind);
        let old = match before {
            Some(kind) => self.line(run, id, kind)?,
            None => None,
        };
        let mut line = result.clone();
        if let Some(old) = old {
            let stays = now != result.kind;
            // What was put off has been done, or is said anew.
            let first = match before {
                Some(ResultKind::Deferred) => "",
                _ => old.did.as_str(),
            };
            line.did = match result.kind {
                ResultKind::Deferred if stays => first.to_owned(),
                _ => both(first, &result.did),
            };
            line.failure = match stays {
                true => old.failure,
                false => line.failure,
            };
            line.crm_id = line.crm_id.or(old.crm_id);
            line.tries = line.tries.max(old.tries);
        }
        line.kind = now;
        if let Some(before) = before.filter(|before| *before != now) {
            self.batch.delete(&RESULTS, &line_key(run, before, id));
        }
        self.batch.put(&RESULTS, &line_key(run, now, id), &line);
        self.filed.lines.insert((run, id.clone()), line);
        self.set(run, id, before, now);
        Ok(())
    }

    /// Files what a record came to, without a line.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn file(
        &mut self,
        run: RunId,
        id: &AppId,
        kind: ResultKind,
        known: Known,
    ) -> Result<(), StoreError> {
        let before = match known {
            Known::Perhaps => self.filed(run, id)?,
            Known::No => None,
        };
        let now = joined(before, kind);
        if let Some(before) = before.filter(|before| *before != now) {
            self.drop_line(run, before, id);
        }
        self.set(run, id, before, now);
        Ok(())
    }

    /// A record that was filed under one id turns out to be the one with another.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn refile(&mut self, run: RunId, from: &AppId, to: &AppId) -> Result<(), StoreError> {
        let Some(kind) = self.filed(run, from)? else {
            return Ok(());
        };
        self.drop_line(run, kind, from);
        self.batch.delete(&LEDGER, &entry_key(run, from));
        self.filed.kinds.insert((run, from.clone()), None);
        self.filed.moves.push(Move {
            run,
            before: Some(kind),
            now: None,
        });
        // Whatever it waited for is said of the other id from here on.
        self.file(run, to, kind, Known::Perhaps)
    }

    /// What moved among the results of a run.
    pub fn moves(&self, run: RunId) -> impl Iterator<Item = &Move> {
        self.filed.moves.iter().filter(move |m| m.run == run)
    }

    /// Forgets entries of runs that ended long ago: as many as this one made, so that they do not
    /// become more and more.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn forget_ledger(&mut self, run: RunId, made: u64) -> Result<(), StoreError> {
        let at_most = usize::try_from(made.saturating_mul(2).max(AT_ONCE)).unwrap_or(usize::MAX);
        let keys = self.state.store().keys(&LEDGER, &[]);
        for key in keys.take(at_most) {
            let key = key?;
            let of = Parts::of(&key).number().unwrap_or_default();
            if of.saturating_add(KEPT) > run.0 {
                break;
            }
            self.batch.delete(&LEDGER, &key);
        }
        Ok(())
    }

    fn filed(&self, run: RunId, id: &AppId) -> Result<Option<ResultKind>, StoreError> {
        match self.filed.kinds.get(&(run, id.clone())) {
            Some(kind) => Ok(*kind),
            None => self.state.store().get(&LEDGER, &entry_key(run, id)),
        }
    }

    fn line(
        &self,
        run: RunId,
        id: &AppId,
        kind: ResultKind,
    ) -> Result<Option<RecordResult>, StoreError> {
        match self.filed.lines.get(&(run, id.clone())) {
            Some(line) => Ok(Some(line.clone())),
            None => self.state.store().get(&RESULTS, &line_key(run, kind, id)),
        }
    }

    fn drop_line(&mut self, run: RunId, kind: ResultKind, id: &AppId) {
        self.batch.delete(&RESULTS, &line_key(run, kind, id));
        self.filed.lines.remove(&(run, id.clone()));
    }

    fn set(&mut self, run: RunId, id: &AppId, before: Option<ResultKind>, now: ResultKind) {
        if before == Some(now) {
            return;
        }
        self.batch.put(&LEDGER, &entry_key(run, id), &now);
        self.filed.kinds.insert((run, id.clone()), Some(now));
        self.filed.moves.push(Move {
            run,
            before,
            now: Some(now),
        });
    }
}

fn entry_key(run: RunId, id: &AppId) -> Key {
    Key::new().number(run.0).text(id.as_str())
}

fn line_key(run: RunId, kind: ResultKind, id: &AppId) -> Key {
    Key::new()
        .number(run.0)
        .number(result_order(kind))
        .text(id.as_str())
}

/// Failed first.
pub fn result_order(kind: ResultKind) -> u64 {
    match kind {
        ResultKind::Quarantined => 0,
        ResultKind::Ambiguous => 1,
        ResultKind::Conflict => 2,
        ResultKind::Deferred => 3,
        ResultKind::Skipped => 4,
        ResultKind::Applied => 5,
        ResultKind::Noop => 6,
    }
}

/// One result out of two, in their order: what somebody has to look at stays, what was put off is
/// what it came to in the end.
fn joined(before: Option<ResultKind>, now: ResultKind) -> ResultKind {
    let Some(before) = before.filter(|before| *before != ResultKind::Deferred) else {
        return now;
    };
    match weight(before) <= weight(now) {
        true => before,
        false => now,
    }
}

/// What a result counts against another of the same record; the least wins.
fn weight(kind: ResultKind) -> u8 {
    match kind {
        ResultKind::Quarantined => 0,
        ResultKind::Ambiguous => 1,
        ResultKind::Conflict => 2,
        ResultKind::Deferred => 3,
        ResultKind::Applied => 4,
        ResultKind::Skipped => 5,
        ResultKind::Noop => 6,
    }
}

/// Both, if the second says something new.
fn both(first: &str, second: &str) -> String {
    match (first, second) {
        ("", only) | (only, "") => only.to_owned(),
        (first, second) if first.split("; ").any(|part| part == second) => first.to_owned(),
        (first, second) => format!("{first}; {second}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_results_what_somebody_has_to_look_at_stays() {
        use ResultKind::*;
        let all = [
            Quarantined,
            Ambiguous,
            Conflict,
            Deferred,
            Skipped,
            Applied,
            Noop,
        ];
        for kind in all {
            assert_eq!(joined(None, kind), kind);
            assert_eq!(joined(Some(kind), kind), kind, "joining is idempotent");
            assert_eq!(joined(Some(Deferred), kind), kind);
            assert_eq!(joined(Some(Quarantined), kind), Quarantined);
        }
        assert_eq!(
            joined(Some(Applied), Deferred),
            Deferred,
            "something is left"
        );
        assert_eq!(joined(Some(Applied), Noop), Applied);
        assert_eq!(joined(Some(Noop), Applied), Applied);
        assert_eq!(joined(Some(Skipped), Applied), Applied);
        assert_eq!(joined(Some(Conflict), Applied), Conflict);
        assert_eq!(joined(Some(Applied), Conflict), Conflict);
    }

    #[test]
    fn what_is_said_twice_is_said_once() {
        assert_eq!(
            both("phone -> App", "title -> Salesforce"),
            "phone -> App; title -> Salesforce"
        );
        assert_eq!(both("a; b", "b"), "a; b");
        assert_eq!(both("", "b"), "b");
    }
}
