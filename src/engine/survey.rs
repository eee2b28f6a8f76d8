//! What the CRM's own lists of changes say: up to when its changes are complete, and what was
//! deleted (sync-semantics 4.2, 4.4).
//!
//! Brings no changed record; windows do. Asked seldom, because each list is a call: what was deleted
//! is in the windows as well, as long as it is in the recycle bin. Invariants: the watermark does
//! not move past a transaction that is still open; deletions are known up to a time of their own,
//! which moves only behind what was taken in.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::crm::survey::{ChangeLog, NoSpan, Span};
use crate::crm::{CrmError, ErrorClass, MAX_RETRIEVE};
use crate::domain::budget::Class;
use crate::domain::id::{AppId, CrmId};
use crate::domain::record::{CrmPresence, LinkState};
use crate::domain::run::{Phase, Word};
use crate::domain::stamp;
use crate::domain::text::some;
use crate::store::StoreError;

use super::matcher::Matcher;
use super::sweep::Evidence;
use super::tables::{OpenWindow, SURVEYS, Watermark};
use super::tx::Durability;
use super::work::{FULL, Step, Stop, Work};

/// The list of changes is asked no more often than this (salesforce-api 2.6).
const CHANGES_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// The list of deletions is asked no more often than this; it is trimmed every two hours at most.
const DELETES_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Where the CRM keeps no such list it is asked again after this.
const WITHOUT_LIST: SignedDuration = SignedDuration::from_hours(24);

/// What the lists of a pair's object said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surveyed {
    /// When the list of changes may be asked again, by our clock.
    #[serde(with = "stamp")]
    pub changes_at: Timestamp,
    /// Since when a transaction was open then: what it writes may not be visible yet.
    pub open_since: Option<Timestamp>,
    /// When the list of deletions may be asked again, by our clock.
    #[serde(with = "stamp")]
    pub deletes_at: Timestamp,
    /// Every deletion before is known, by the server's clock.
    #[serde(with = "stamp")]
    pub deletes_to: Timestamp,
}

/// A linked record that the list of deletions has, and when it was deleted.
struct Gone {
    id: CrmId,
    app_id: AppId,
    at: Timestamp,
}

impl Work {
    fn surveyed(&self) -> Result<Option<Surveyed>, StoreError> {
        let state = &self.tools.state;
        state.store().get(&SURVEYS, &self.mark_key())
    }

    fn note_survey(&self, surveyed: &Surveyed) -> Step<()> {
        let state = self.state();
        let mut tx = state.begin();
        tx.put(&SURVEYS, &self.mark_key(), surveyed);
        Ok(tx.commit(Durability::Soon)?)
    }

    /// Asks, before a window of changes is begun, since when a transaction is open: up to there
    /// the window will be complete. One that goes on keeps to what was said when it began.
    pub(super) fn ask_what_is_open(
        &mut self,
        mark: &Watermark,
        open: Option<&OpenWindow>,
    ) -> Step<()> {
        let (Some(mut known), Some(seen_to), None) = (self.surveyed()?, mark.seen_to, open) else {
            return Ok(());
        };
        let now = self.now();
        if !is_due(known.changes_at, now, CHANGES_EVERY) {
            return Ok(());
        }
        let Ok(span) = Span::since(ChangeLog::Updated, seen_to, self.sent_now()) else {
            return Ok(());
        };
        let answer = self.read(self.tools.crm.updated(&self.object.name, span));
        let pause = match answer {
            Ok(updated) => {
                known.open_since = (updated.covered < span.end()).then_some(updated.covered);
                CHANGES_EVERY
            }
            Err(Stop::Crm(error)) if is_about_the_list(&error) => {
                known.open_since = None;
                pause_after(&error, CHANGES_EVERY)
            }
            Err(stop) => return Err(stop),
        };
        known.changes_at = now + pause;
        self.note_survey(&known)
    }

    /// Where the watermark moves to after a window that began then. Never back.
    pub(super) fn observed_to(&self, mark: &Watermark, began: Timestamp) -> Step<Timestamp> {
        let open_since = self.surveyed()?.and_then(|known| known.open_since);
        let to = open_since.map_or(began, |since| since.min(began));
        Ok(mark.seen_to.map_or(to, |before| before.max(to)))
    }

    /// Asks what was deleted, and takes in what no window has brought: the recycle bin may have been
    /// emptied in between. Where the list does not reach back far enough all ids are compared.
    pub(super) fn read_deletions(&mut self, before: &Watermark) -> Step<()> {
        let now = self.now();
        let Some(mut known) = self.surveyed()? else {
            let (to, wait) = match before.seen_to {
                Some(seen_to) => (seen_to, SignedDuration::ZERO),
                // Everything was read just now.
                None => (self.sent_now(), DELETES_EVERY),
            };
            return self.note_survey(&Surveyed {
                changes_at: now + CHANGES_EVERY.min(wait),
                open_since: None,
                deletes_at: now + wait,
                deletes_to: to,
            });
        };
        if !is_due(known.deletes_at, now, DELETES_EVERY) {
            return Ok(());
        }
        let at = self.sent_now();
        let span = match Span::since(ChangeLog::Deleted, known.deletes_to, at) {
            Ok(span) => span,
            Err(NoSpan::TooShort) => return Ok(()),
            Err(NoSpan::TooOld) => return self.compare_instead(known, at),
        };
        self.calls_are(Class::Pull);
        let deleted = match self.read(self.tools.crm.deleted(&self.object.name, span)) {
            Ok(deleted) if deleted.is_whole(span) => deleted,
            Ok(_) => return self.compare_instead(known, at),
            Err(Stop::Crm(error)) if error.code == TRIMMED => {
                return self.compare_instead(known, at);
            }
            Err(Stop::Crm(error)) if is_about_the_list(&error) => {
                known.deletes_at = now + pause_after(&error, DELETES_EVERY);
                return self.note_survey(&known);
            }
            Err(stop) => return Err(stop),
        };
        let mut gone = Vec::new();
        for (id, at) in deleted.records {
            gone.extend(self.still_linked(id, at)?);
        }
        self.take_gone(gone)?;
        known.deletes_to = known.deletes_to.max(deleted.covered);
        known.deletes_at = now + DELETES_EVERY;
        self.note_survey(&known)
    }

    /// A record of the list, unless it is none of ours or is known to be gone.
    fn still_linked(&self, id: CrmId, at: Timestamp) -> Step<Option<Gone>> {
        let state = &self.tools.state;
        let Some(app_id) = state.by_crm(self.cx.name(), &id)? else {
            return Ok(None);
        };
        let link = state.link(self.cx.name(), &app_id)?;
        let is_there = link.is_some_and(|link| {
            let seen = link.seen.as_ref();
            let gone = |presence| matches!(presence, CrmPresence::Deleted | CrmPresence::Merged(_));
            link.crm_id == Some(id)
                && link.state != LinkState::Closed
                // Brought back since it was in the list.
                && !seen.is_some_and(|seen| gone(seen.presence) || seen.stamp > at)
        });
        Ok(is_there.then_some(Gone { id, app_id, at }))
    }

    /// Reads these by id, and takes what does not answer any more for deleted: the list is evidence.
    fn take_gone(&mut self, gone: Vec<Gone>) -> Step<()> {
        if gone.is_empty() {
            return Ok(());
        }
        self.read_at_most(u64::MAX);
        let text = format!(
            "Salesforce's list of deletions has {} that no window brought",
            some(gone.len() as u64, "record", "records")
        );
        self.tell(Word::Warn, text)?;
        let state = self.state();
        // What is linked needs no match.
        let matcher = Matcher::default();
        for part in gone.chunks(MAX_RETRIEVE) {
            let ids: Vec<CrmId> = part.iter().map(|gone| gone.id).collect();
            let got = self.read(self.tools.crm.retrieve(&self.object, &ids, &self.fields))?;
            let mut answered = Vec::new();
            self.boundary()?;
            let mut tx = state.begin();
            for (gone, row) in part.iter().zip(got.rows) {
                match row {
                    Some(row) => answered.push(row),
                    None => {
                        let evidence = Evidence::Listed(gone.at);
                        self.count_as_deleted(&mut tx, &matcher, gone.id, &gone.app_id, evidence)?;
                    }
                }
                if tx.len() >= FULL {
                    self.commit(tx, Durability::Soon)?;
                    tx = state.begin();
                }
            }
            self.commit(tx, Durability::Soon)?;
            self.take_missed(&matcher, answered, got.at)?;
        }
        Ok(())
    }

    /// The list of deletions does not reach back to where we are: all ids are compared.
    fn compare_instead(&mut self, known: Surveyed, at: Timestamp) -> Step<()> {
        let text =
            "Salesforce's list of deletions does not reach back far enough: comparing all ids";
        self.tell(Word::Warn, text.to_owned())?;
        self.read_at_most(u64::MAX);
        self.sweep()?;
        self.phase(Phase::Read, None);
        self.note_survey(&Surveyed {
            deletes_to: at,
            deletes_at: self.now() + DELETES_EVERY,
            ..known
        })
    }
}

/// The code of a list that does not reach back that far.
const TRIMMED: &str = "INVALID_REPLICATION_DATE";

/// Whether it is time. A clock that was set back does not put it off for long.
fn is_due(at: Timestamp, now: Timestamp, every: SignedDuration) -> bool {
    at <= now || at.duration_since(now) > WITHOUT_LIST.max(every)
}

/// Whether an error says something about the list, and not about the connection: windows go on
/// without it, with what they read twice.
fn is_about_the_list(error: &CrmError) -> bool {
    matches!(
        error.class,
        ErrorClass::Schema | ErrorClass::Data | ErrorClass::Unknown
    )
}

/// How long a list is left alone that was refused.
fn pause_after(error: &CrmError, usual: SignedDuration) -> SignedDuration {
    match error.code.as_str() {
        // Too many ids, or too long ago: it is another one next time.
        "EXCEEDED_ID_LIMIT" | TRIMMED => usual,
        _ => WITHOUT_LIST,
    }
}
