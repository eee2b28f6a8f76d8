//! What can go wrong in a history: each seed has its own small set of faults, each with its own
//! chance (swarm testing, sync-semantics 26.2), and perhaps one rule of the product turned off.
//!
//! Of the 30 faults of the reference, 10 is what guards answer, and 16 is of events, which are a
//! later part. The retries and refreshes inside of a call (11, 12) are tested with the client, the
//! real end of a process, a torn tail and a full disk (23, 24, 30) with the real program, too.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::sim::random::Random;

/// A fault, by its number in sync-semantics 26.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// 1: the request never arrives.
    RequestLost,
    /// 2: it is executed, the answer is lost.
    AnswerLost,
    /// 3: no answer, and it is executed minutes later.
    ExecutedLate,
    /// 4: a proxy delivers it twice.
    Twice,
    /// 5: the server says 500.
    ServerError,
    /// 6: the answer breaks off; the write was done.
    Truncated,
    /// 7: some records of a call are refused.
    RowRefused,
    /// 8: somebody holds the row.
    RowLocked,
    /// 9: fewer results than records.
    WrongCount,
    /// 12: the day's calls are used up.
    DailyLimit,
    /// 13: a colleague's change is seen seconds after its time stamp.
    SeenLate,
    /// 14: edits within the same second as the call.
    SameSecond,
    /// 15: a page cursor is forgotten.
    CursorLost,
    /// 17 and 18: the org changes values when it saves them.
    Normalises,
    /// 19: a field is not shown to our user.
    FieldHidden,
    /// 20: deleted and brought back.
    Deletes,
    /// 20: merged.
    Merges,
    /// 20: a lead is converted.
    Converts,
    /// 20: not readable by id for a while, without a word. Windows still have it.
    NotShown,
    /// 22: edits in the App while a call is under way.
    AppEdits,
    /// The same in the CRM.
    CrmEdits,
    /// 23: the process ends.
    Crash,
    /// 26: pause, cancel.
    Wishes,
    /// 29: a call takes 20 seconds.
    Slow,
    /// 7: records are refused for other reasons than their values.
    RowTrouble,
    /// 11: the sign-in is over, for this call or until somebody signs in.
    SignedOut,
    /// 12: too many calls at once.
    TooMany,
    /// 21: deletes that no window has; some are purged as well.
    Trimmed,
    /// 24: the disk is full until somebody makes room and starts again.
    DiskFull,
    /// 25: our clock is set, up to an hour either way.
    ClockStep,
    /// 27: the mapping is saved while a run works.
    NewVersion,
    /// 28: the connection answers as another org.
    OrgSwap,
    /// 30: another engine is started on the store.
    SecondEngine,
    /// A query of records of more than a second takes too long (sync-semantics 4.2).
    QueryTimeout,
    /// 23: the process ends in a part of a run that writes little.
    EndsInPhase,
    /// The pair has a filter, and records enter and leave it (sync-semantics 19).
    Leaves,
    /// Somebody deletes, changes or empties very many records at once (sync-semantics 14.2).
    VeryMany,
    /// The pair has a row that appends, and people write in its text on both sides
    /// (sync-semantics 20).
    Notes,
    /// Somebody edits between a preview and the go-ahead for it.
    EditsMeanwhile,
    /// The pair has a matching rule, and people make the same record on both sides
    /// (sync-semantics 3.6).
    Matches,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 40] = [
        Self::RequestLost,
        Self::AnswerLost,
        Self::ExecutedLate,
        Self::Twice,
        Self::ServerError,
        Self::Truncated,
        Self::RowRefused,
        Self::RowLocked,
        Self::WrongCount,
        Self::DailyLimit,
        Self::SeenLate,
        Self::SameSecond,
        Self::CursorLost,
        Self::Normalises,
        Self::FieldHidden,
        Self::Deletes,
        Self::Merges,
        Self::Converts,
        Self::NotShown,
        Self::AppEdits,
        Self::CrmEdits,
        Self::Crash,
        Self::Wishes,
        Self::Slow,
        Self::RowTrouble,
        Self::SignedOut,
        Self::TooMany,
        Self::Trimmed,
        Self::DiskFull,
        Self::ClockStep,
        Self::NewVersion,
        Self::OrgSwap,
        Self::SecondEngine,
        Self::QueryTimeout,
        Self::EndsInPhase,
        Self::Leaves,
        Self::VeryMany,
        Self::Notes,
        Self::EditsMeanwhile,
        Self::Matches,
    ];
    /// As many of them as the first histories knew.
    const FIRST: usize = 24;
    /// As many of them as the next ones knew.
    const SECOND: usize = 33;
    /// As many of them as the third ones knew.
    const THIRD: usize = 35;
    /// As many of them as the fourth ones knew.
    const FOURTH: usize = 37;
    /// As many of them as the fifth ones knew.
    const FIFTH: usize = 39;
    /// As many of them as the sixth ones knew.
    const SIXTH: usize = 40;
}

/// Which faults a history may have. A seed tells the same story with the first ones as before
/// there were others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    First,
    Second,
    Third,
    Fourth,
    Fifth,
    Sixth,
    All,
}

/// A rule of the product that is turned off (sync-semantics 26.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    None,
    /// Updates go without their precondition.
    NoGuard,
    /// Nothing is held while a write is in doubt.
    NoHold,
    /// Nothing is read again before the watermark.
    NoOverlap,
    /// Creates carry no key.
    NoKey,
    /// A record is written although a write of it is open.
    NoSerialisation,
    /// Ids are never compared.
    NoSweep,
    /// The profile belongs to whatever org answers.
    NoPin,
    /// A new process does not ask the jobs of the one before it.
    NoJobAsked,
    /// Nobody knows which rows the org locks for a record.
    NoLanes,
    /// The pair's filter is not asked.
    NoFilter,
    /// Windows leave out what is outside the pair's filter.
    FilteredWindow,
    /// However many writes there are of a kind, nobody is asked.
    NoBrake,
    /// What a person allowed once is allowed for good.
    AllowedForGood,
    /// What a run came by is not remembered.
    NoLedger,
    /// Updates are not guarded, but read right before.
    Recheck,
    /// An observation is a precondition at once.
    NoSettle,
    /// A create of what is there changes it.
    Upsert,
    /// Writes leave without an intent.
    NoIntent,
    /// A record may be in a call twice.
    TwiceInBatch,
    /// A new process does not know what the one before it had sent.
    CrashForgets,
    /// A decision counts whatever it was about.
    OldDecisions,
    /// The watermark moves before what it passes is durable.
    WatermarkIsAhead,
    /// Lines that somebody removed from a text are not remembered.
    RemovedIsForgotten,
    /// Nobody knows that a text is still to come back to the App.
    OwedIsForgotten,
    /// What a person types counts as agreed where the other side moved, too.
    EditIsAgreed,
    /// Of what was committed together only a part is there after the process ended.
    HalfACommit,
    /// What is said of one record of a call is taken for another one.
    VerdictOfAnother,
    /// A record that was refused is tried again in every run.
    NothingIsAside,
    /// A pause is shown as soon as it is wished for.
    PauseIsShown,
    /// Now and then the audit log misses an entry.
    EntryIsLost,
    /// What is confirmed counts for what is there now.
    OldPreviews,
    /// What was edited since a run is taken for what the run wrote.
    UndoIsBlind,
    /// The pair's matching rule is not asked.
    NoMatch,
    /// Who is asked for the others that are the same has one of them only.
    TwinsUnasked,
    /// What a run takes back is not written down.
    UndoIsForgotten,
    /// A store that was put back is compared like any other.
    BackupIsTrusted,
    /// A record has no key before it is sent.
    KeyIsLate,
}

/// The faults of one history.
#[derive(Debug, Clone)]
pub struct Faults {
    /// One in how many times, by place in [`Fault::ALL`]; 0 is never.
    chances: [usize; Fault::ALL.len()],
    /// Off when the history comes to rest.
    pub on: bool,
    /// How often each struck.
    pub struck: [u64; Fault::ALL.len()],
    /// What could have happened so far: faults that struck, acts of people, rounds.
    pub events: u32,
    /// Events, by number, that do not happen: see `shrink`.
    pub spared: Arc<BTreeSet<u32>>,
}

impl Faults {
    /// Those of a seed: about a third of all.
    pub fn of(random: &mut Random, known: Known) -> Self {
        let mut chances = [0; Fault::ALL.len()];
        let (first, later) = chances.split_at_mut(Fault::FIRST);
        // Those that came later are drawn apart, so that they change no other history.
        let mut apart = Random(!random.0);
        for chance in first {
            if random.one_in(3) {
                *chance = 3 + random.below(12);
            }
        }
        let known = match known {
            Known::First => Fault::FIRST,
            Known::Second => Fault::SECOND,
            Known::Third => Fault::THIRD,
            Known::Fourth => Fault::FOURTH,
            Known::Fifth => Fault::FIFTH,
            Known::Sixth => Fault::SIXTH,
            Known::All => Fault::ALL.len(),
        };
        for (number, chance) in (Fault::FIRST..).zip(later) {
            if apart.one_in(5) && number < known {
                *chance = 3 + apart.below(12);
            }
        }
        Self {
            chances,
            on: true,
            struck: [0; Fault::ALL.len()],
            events: 0,
            spared: Arc::default(),
        }
    }

    /// Makes one of them certain to be among them.
    pub fn with(mut self, fault: Fault, chance: usize) -> Self {
        self.chances[fault as usize] = chance;
        self
    }

    /// Whether it is one of this history.
    pub fn has(&self, fault: Fault) -> bool {
        self.chances[fault as usize] > 0
    }

    /// Whether the event that comes now happens.
    pub fn happens(&mut self) -> bool {
        self.events += 1;
        !self.spared.contains(&(self.events - 1))
    }

    /// It was done by a person.
    pub fn happened(&mut self, fault: Fault) {
        self.struck[fault as usize] += 1;
    }

    /// Whether it strikes now.
    pub fn strikes(&mut self, fault: Fault, random: &mut Random) -> bool {
        let chance = self.chances[fault as usize];
        let strikes = self.on && chance > 0 && random.one_in(chance) && self.happens();
        self.struck[fault as usize] += u64::from(strikes);
        strikes
    }
}
