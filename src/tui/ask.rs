//! Requests that are open, and what their answers are for.
//!
//! Of several requests for the same view only the newest counts: an answer that is no longer
//! wanted is dropped. Knows nothing of channels.

use std::collections::BTreeMap;

use super::modal::RecordAct;
use crate::domain::id::{AppId, PairName, RunId};
use crate::domain::listing::SavedView;
use crate::engine::command::{Command, HeldEnd, RecordKey, Request, RequestId, WriteScope};
use crate::engine::view::Pinned;

/// One export of records, of all that were begun: another one may go to a file of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportId(pub u64);

/// Which way a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It was made, for the first time or again.
    Forth,
    /// It was taken back.
    Back,
}

/// What a request was for.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Rows of the log.
    Runs,
    /// A run.
    Run(RunId),
    /// Rows of the conflict list.
    Conflicts,
    /// A conflict.
    Conflict(RecordKey),
    /// A mapping.
    Mapping(PairName),
    /// What a draft does.
    MappingPreview,
    /// An older version, to take into the draft.
    MappingVersion(u32),
    /// Rows of the record list.
    Records,
    /// A record.
    Record(RecordKey),
    /// What a search finds.
    Search,
    /// What a part of the search in texts finds.
    SearchTexts,
    /// What the CRM itself finds.
    SearchCrm,
    /// The figures of the business.
    Business,
    /// Settings.
    Settings,
    /// When pairs run by themselves.
    Schedules,
    /// What a filter would do.
    TestFilter,
    /// Decisions that were staged or taken back.
    Decide(Way),
    /// What writing would do; the dialog follows.
    Preview(WriteScope),
    /// What taking back a run would do; the dialog follows.
    PreviewUndo(RunId),
    /// A dry run; its plan is shown then.
    DryRun,
    /// The plan of a dry run; the dialog follows.
    Plan,
    /// How a field is held; the dialog follows.
    Hold(HeldEnd),
    /// What leaving the org would mean; the dialog follows.
    Relink,
    /// Records of a pair that differ although nothing moved; the dialog follows.
    Drift(PairName),
    /// A write of these records and schedules that was confirmed.
    Write(Vec<RecordKey>, Vec<PairName>),
    /// Conflicts to mark, so many of what this filter takes.
    MarkConflicts {
        /// Filter of the list.
        filter: String,
        /// How many were meant.
        wanted: usize,
    },
    /// How these marked conflicts stand.
    MarkedConflicts(Vec<RecordKey>),
    /// What a list shows, for this file.
    Export(String),
    /// A part of the records that go to a file.
    ExportPart(ExportId),
    /// Records to mark, so many of what this filter takes.
    MarkRecords {
        /// Filter of the list.
        filter: String,
        /// How many were meant.
        wanted: usize,
    },
    /// Failed records of a run, to mark them.
    MarkFailed(RunId),
    /// What failed in a write that ended, to mark it.
    FailedWrites(RunId),
    /// A run that was asked for, with what to say.
    Start(String),
    /// Something that answers `Done`, with what to say then.
    Told(String),
    /// Staged changes to keep.
    KeepDraft,
    /// A mapping to save.
    SaveMapping,
    /// The form of a record, to open it.
    Form(RecordAct),
    /// The one form of marked records, to hand them over.
    FormMarked(Box<Pinned>),
    /// The form of a record again, over what is typed in it.
    FormAgain(RecordAct),
    /// The form of a new record for what is typed in the form of one that is gone; with why.
    FormNew(String),
    /// The views of the records.
    Views,
    /// What the views hold.
    ViewCounts,
    /// What this filter takes, to mark it.
    RecordKeys(String),
    /// What deleting would do; the dialog follows.
    PreviewDelete,
    /// At which revisions marked records are, to hand them over.
    PinRecords,
    /// A part of a change of many records.
    Bulk,
    /// Refused records to be tried again.
    Release,
    /// A view to be kept.
    SaveView(Box<SavedView>),
    /// What a record can be linked with.
    Candidates(RecordKey),
    /// What Salesforce itself has that the record could be linked with.
    FindThere(RecordKey),
    /// A link to be made.
    Link(RecordKey),
    /// What is typed in a form, to be kept.
    KeepForm,
    /// A change of a record to stage; of a new one without its id.
    Stage(PairName, Option<AppId>),
    /// When a pair runs, to stage it.
    StageSchedule,
    /// A step with a staged change, taken back or made again.
    Restage,
    /// A sign-in.
    BeginSignIn,
    /// The end of a sign-in.
    FinishSignIn,
}

impl Ask {
    /// Whether it only shows something: two of the same kind replace each other.
    pub fn is_view(&self) -> bool {
        matches!(
            self,
            Self::Runs
                | Self::Run(_)
                | Self::Conflicts
                | Self::Conflict(_)
                | Self::Mapping(_)
                | Self::MappingPreview
                | Self::Records
                | Self::Record(_)
                | Self::Settings
                | Self::Schedules
                | Self::TestFilter
                | Self::Search
                | Self::SearchTexts
                | Self::SearchCrm
                | Self::Business
                | Self::Preview(_)
                | Self::Form(_)
                | Self::Candidates(_)
                | Self::FindThere(_)
                | Self::Views
                | Self::ViewCounts
                | Self::RecordKeys(_)
                | Self::MarkConflicts { .. }
                | Self::MarkedConflicts(_)
                | Self::MarkRecords { .. }
                | Self::MarkFailed(_)
                | Self::PreviewDelete
                | Self::PinRecords
                | Self::FormMarked(_)
                | Self::PreviewUndo(_)
                | Self::Hold(_)
                | Self::Relink
        )
    }

    /// Whether the engine answers it at once, from what it has: a screen, and nothing it has to
    /// count or to ask elsewhere.
    pub fn is_quick(&self) -> bool {
        matches!(
            self,
            Self::Runs
                | Self::Run(_)
                | Self::Conflicts
                | Self::Conflict(_)
                | Self::Mapping(_)
                | Self::Records
                | Self::Record(_)
                | Self::Settings
                | Self::Schedules
        )
    }

    fn same_view(&self, other: &Self) -> bool {
        self.is_view() && std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// The open requests.
#[derive(Debug, Default)]
pub struct Asks {
    last: u64,
    open: BTreeMap<RequestId, Ask>,
}

impl Asks {
    /// Numbers a request and notes what it is for.
    pub fn open(&mut self, ask: Ask, command: Command) -> Request {
        let mut open = self.open.iter();
        let replaces = open.find(|(_, other)| other.same_view(&ask));
        let replaces = replaces.map(|(id, _)| *id);
        if let Some(old) = replaces {
            self.open.remove(&old);
        }
        self.last += 1;
        let id = RequestId(self.last);
        self.open.insert(id, ask);
        Request {
            id,
            replaces,
            command,
        }
    }

    /// What an answer is for; none when it is no longer wanted.
    pub fn close(&mut self, id: RequestId) -> Option<Ask> {
        self.open.remove(&id)
    }

    /// Whether something of this kind is being waited for.
    pub fn waits(&self, matches: impl Fn(&Ask) -> bool) -> bool {
        self.open.values().any(matches)
    }

    /// Forgets all views that are waited for; says how many.
    pub fn forget_views(&mut self) -> usize {
        let before = self.open.len();
        self.open.retain(|_, ask| !ask.is_view());
        before - self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::command::Page;

    #[test]
    fn an_answer_to_an_older_question_is_dropped() {
        let mut asks = Asks::default();
        let page = Page {
            offset: 0,
            limit: 10,
        };
        let first = asks.open(
            Ask::Conflicts,
            Command::Conflicts {
                filter: String::new(),
                page,
            },
        );
        let second = asks.open(
            Ask::Conflicts,
            Command::Conflicts {
                filter: String::new(),
                page,
            },
        );
        // The engine is told, so that it does not go on with the first.
        assert_eq!((first.replaces, second.replaces), (None, Some(first.id)));
        assert_eq!(asks.close(first.id), None);
        assert_eq!(asks.close(second.id), Some(Ask::Conflicts));
        assert_eq!(asks.close(second.id), None);
    }
}
