//! What the engine tells a viewer: the summary, that something changed, and replies.
//!
//! Facts only. Invariant: nothing that matters travels as a delta, so nothing is lost by lagging.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::dry_run::Plan;
use crate::domain::id::{ObjectName, RunId};
use crate::domain::listing::SavedView;
use crate::error::Error;

use super::audit::{Chained, Entry, Verdict};
use super::command::{RecordKey, RequestId};
use super::summary::Summary;
use super::view::{
    Acted, BusinessView, Candidate, ConflictDetail, ConflictRow, CreatedView, CrmSearchView,
    Decided, DeletePreview, DriftRow, EditRow, EditStaged, EditsStaged, FilterView, HeldDone,
    HeldRow, MappingDetail, MappingPreview, Part, Pinned, PlanPage, QuarantineRow, RecordDetail,
    RecordFormView, RecordPage, RelinkView, RunDetail, RunRow, ScheduleList, ScheduleStaged,
    SearchView, SettingsView, SignInView, SignedInView, SignedOut, TextsView, ViewCount,
    WholeRecords, WritePreview,
};

/// Lists that changed; the visible page is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Topics {
    /// Runs and the log.
    pub runs: bool,
    /// Conflicts.
    pub conflicts: bool,
    /// Records.
    pub records: bool,
    /// Mappings.
    pub mappings: bool,
    /// Settings.
    pub settings: bool,
}

impl Topics {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            runs: self.runs || other.runs,
            conflicts: self.conflicts || other.conflicts,
            records: self.records || other.records,
            mappings: self.mappings || other.mappings,
            settings: self.settings || other.settings,
        }
    }
}

/// One notice.
#[derive(Debug)]
pub enum Notice {
    /// The state of everything.
    Summary(Arc<Summary>),
    /// Something changed.
    Changed(Topics),
    /// The answer to one request.
    Reply {
        /// Which request.
        id: RequestId,
        /// The answer.
        result: Result<Reply, Error>,
    },
    /// The sign-in ended by its callback.
    SignedIn(Result<SignedInView, Error>),
}

/// Answers, by the command that asked.
#[derive(Debug)]
pub enum Reply {
    /// To `Runs`.
    Runs(Part<RunRow>),
    /// To `Run`.
    Run(Box<RunDetail>),
    /// To `Conflicts`.
    Conflicts(Part<ConflictRow>),
    /// To `Conflict`; none when it has no open conflicts any more.
    Conflict(Option<Box<ConflictDetail>>),
    /// To `Decide` and `Overrule`.
    Decided(Decided),
    /// To `Preview` and `PreviewUndo`.
    Preview(Box<WritePreview>),
    /// To `TestFilter`.
    Filter(Box<FilterView>),
    /// To `DryRun`.
    Planned(Box<Plan>),
    /// To `PreviewRelink`.
    Relinking(Box<RelinkView>),
    /// To `Plans`.
    Plans(Vec<Plan>),
    /// To `Plan`.
    Plan(Box<PlanPage>),
    /// To `Sync`, `SyncRecords`, `Retry`, `Write`, `Undo` and `ApplyPlan`: the runs that were queued.
    Started(Vec<RunId>),
    /// To `Mapping` and `MappingVersion`.
    Mapping(Box<MappingDetail>),
    /// To `PreviewMapping`.
    MappingPreview(Box<MappingPreview>),
    /// To `SaveMapping`: the new version.
    Saved {
        /// Version.
        version: u32,
    },
    /// To `Records`.
    Records(Box<RecordPage>),
    /// To `WholeRecords`.
    WholeRecords(Box<WholeRecords>),
    /// To `Search`.
    Search(Box<SearchView>),
    /// To `SearchTexts`.
    SearchTexts(Box<TextsView>),
    /// To `SearchCrm`.
    SearchCrm(Box<CrmSearchView>),
    /// To `CountCrm`: objects that are not there, or that the user may not read, are left out.
    Counted(BTreeMap<ObjectName, u64>),
    /// To `Business`.
    Business(Box<BusinessView>),
    /// To `Record`.
    Record(Box<RecordDetail>),
    /// To `RecordForm`.
    RecordForm(Box<RecordFormView>),
    /// To `Views`: those that are always there first.
    Views(Vec<SavedView>),
    /// To `ViewCounts`.
    ViewCounts(Vec<ViewCount>),
    /// To `RecordKeys`.
    RecordKeys(Part<RecordKey>),
    /// To `PreviewDelete`.
    DeletePreview(Box<DeletePreview>),
    /// To `PinRecords`.
    Pinned(Box<Pinned>),
    /// To `DeleteRecords` and `RestoreRecords`.
    Acted(Acted),
    /// To `Candidates`.
    Candidates(Vec<Candidate>),
    /// To `StageEdit`.
    EditStaged(Box<EditStaged>),
    /// To `Edits`.
    Edits(Part<EditRow>),
    /// To `StageFields` and `StageEdits`.
    EditsStaged(Box<EditsStaged>),
    /// To `StageSchedule`.
    ScheduleStaged(Box<ScheduleStaged>),
    /// To `CreateRecord`.
    Created(CreatedView),
    /// To `Drift`.
    Drift(Part<DriftRow>),
    /// To `Quarantine`.
    Quarantine(Part<QuarantineRow>),
    /// To `Release`: how many.
    Released(u64),
    /// To `HeldFields`.
    HeldFields(Vec<HeldRow>),
    /// To `EndHold`.
    HoldEnded(HeldDone),
    /// To `Audit`.
    Audit(Part<Entry>),
    /// To `AuditLines`.
    AuditLines(Vec<(u64, Chained)>),
    /// To `VerifyAudit`.
    Verdict(Verdict),
    /// To `Schedules`.
    Schedules(ScheduleList),
    /// To `Settings`.
    Settings(Box<SettingsView>),
    /// To `BeginSignIn`.
    SignIn(SignInView),
    /// To `FinishSignIn`.
    SignedIn(SignedInView),
    /// To `Disconnect`.
    SignedOut(SignedOut),
    /// Done, nothing to show.
    Done,
}
