//! What a viewer can ask of the engine: imperatives only, whose answers are in `notice`. Invariant: a
//! command holds no secret except the pasted sign-in address and the key of a sign-in by key, which
//! are wrapped.

mod about;
mod asks;
mod request;

use secrecy::SecretString;

use super::audit::Checkpoint;
use super::view::{Edit, TypedForm};
use crate::crm::auth::JwtKey;
use crate::domain::id::{AppId, CrmId, ObjectName, PairName, PlanId, RowId, RunId};
use crate::domain::listing::{SavedView, Shape};
use crate::domain::mapping::Pair;
use crate::domain::schedule::Schedule;
use crate::domain::value::Fields;

pub use self::about::{
    Allowance, Decide, HeldEnd, HeldFilter, Overrule, Page, QuarantineFilter, RecordKey,
    RetryScope, Scope, TextPlace, Values, WholeFrom, WriteScope,
};
pub use self::request::{Request, RequestId};

/// Imperatives. Replies are named in [`super::notice::Reply`].
#[derive(Debug)]
pub enum Command {
    /// Runs, newest first → `Runs`.
    Runs {
        /// Only this pair.
        pair: Option<PairName>,
        /// Words and `field:value`, as in `run_rows`; empty for all.
        filter: String,
        /// Which part.
        page: Page,
    },
    /// One run with its failed and other records → `Run`.
    Run {
        /// Which.
        id: RunId,
        /// Which part of its records.
        page: Page,
    },
    /// Records with open conflicts, oldest first → `Conflicts`.
    Conflicts {
        /// Words and `field:value`, as in `conflict_rows`; empty for all.
        filter: String,
        /// Which part.
        page: Page,
    },
    /// One record with its open conflicts → `Conflict`.
    Conflict {
        /// Which.
        key: RecordKey,
    },
    /// Stages decisions, or takes them back → `Decided`.
    Decide {
        /// The decisions; each is checked by itself.
        decisions: Vec<Decide>,
    },
    /// Stages a decision on a field that is not in conflict → `Decided`.
    Overrule {
        /// The decision.
        overrule: Overrule,
    },
    /// What writing would do → `Preview`.
    Preview {
        /// Which decisions.
        scope: WriteScope,
    },
    /// Writes exactly what was previewed → `Started`.
    Write {
        /// Which decisions.
        scope: WriteScope,
        /// Hash of the preview that was confirmed.
        hash: u64,
    },
    /// Starts a run → `Started`.
    Sync {
        /// What.
        scope: Scope,
    },
    /// Syncs these records both ways, from their state now → `Started`. Refused when one of them
    /// is not in the CRM: only a whole sync finds its match there.
    SyncRecords {
        /// Their pair.
        pair: PairName,
        /// Which, at least one.
        records: Vec<AppId>,
    },
    /// The same, with a comparison of all ids (sync-semantics 4.4) → `Started`.
    Sweep {
        /// What.
        scope: Scope,
    },
    /// What a filter would do to a pair → `Filter`.
    TestFilter {
        /// Which pair.
        pair: PairName,
        /// The filter, on fields of the CRM: empty takes all; the pair's own where there is none.
        filter: Option<String>,
        /// Records to name at most, of each sort.
        samples: usize,
    },
    /// Makes a plan of what a run would do; writes nothing on either side → `Planned`.
    DryRun {
        /// Which pairs; all when there are none.
        pairs: Vec<PairName>,
    },
    /// The plans that are kept, newest first → `Plans`.
    Plans,
    /// A plan with some of its records → `Plan`.
    Plan {
        /// Which.
        id: PlanId,
        /// Which part of its records.
        page: Page,
    },
    /// Does what a plan says, if nothing it was made from has moved → `Started`.
    ApplyPlan {
        /// Which.
        plan: PlanId,
        /// Hash of the plan that was looked at.
        hash: Option<String>,
    },
    /// What leaving the org of the profile would mean → `Relinking`.
    PreviewRelink,
    /// Leaves it; the next sign-in may be to another one → `Done`.
    Relink(super::view::Relink),
    /// Lets work in the background go past the lines of the API budget for a day → `Done`.
    GoOn,
    /// Lets the next run of a pair write what is held because it is very many, and starts it →
    /// `Started`.
    Allow {
        /// Which pair.
        pair: PairName,
        /// Of what how many; all of them or none.
        allowances: Vec<Allowance>,
    },
    /// Pauses the run at the next record boundary; runs are not started by schedule → `Done`.
    Pause,
    /// Goes on → `Done`.
    Resume,
    /// Stops the run for good; what was applied stays → `Done`.
    Cancel,
    /// Tries failed records again, from their state now → `Started`.
    Retry {
        /// Run.
        run: RunId,
        /// Which of its records.
        scope: RetryScope,
    },
    /// What taking back a run would do → `Preview`.
    PreviewUndo {
        /// Which.
        run: RunId,
    },
    /// Takes back what a run wrote, exactly as previewed → `Started`.
    Undo {
        /// Which.
        run: RunId,
        /// Hash of the preview that was confirmed.
        hash: u64,
        /// What is very much of it, and wanted all the same.
        allow: Vec<Allowance>,
    },
    /// Fields that differ on purpose since a run was taken back → `HeldFields`.
    HeldFields {
        /// Which.
        filter: HeldFilter,
    },
    /// Lets the next run end that → `HoldEnded`.
    EndHold {
        /// Which.
        filter: HeldFilter,
        /// How.
        end: HeldEnd,
    },
    /// A pair's mapping → `Mapping`.
    Mapping {
        /// Which pair.
        pair: PairName,
    },
    /// An older version of a mapping → `Mapping`.
    MappingVersion {
        /// Which pair.
        pair: PairName,
        /// Which version.
        version: u32,
    },
    /// What a draft does with real records → `MappingPreview`.
    PreviewMapping {
        /// The draft.
        draft: Box<Pair>,
        /// The row to preview.
        row: RowId,
        /// Samples at most.
        samples: usize,
    },
    /// Saves a draft as a new version → `Saved`.
    SaveMapping {
        /// The draft; its `version` is the one it was made from.
        draft: Box<Pair>,
    },
    /// Keeps the staged changes of a mapping, or forgets them → `Done`.
    KeepDraft {
        /// Which pair.
        pair: PairName,
        /// The draft; its `version` is the one it was made from.
        draft: Option<Box<Pair>>,
    },
    /// Records of a pair → `Records`.
    Records {
        /// Which pair.
        pair: PairName,
        /// Words and `field:value`; empty for all.
        filter: String,
        /// Order and columns.
        shape: Shape,
        /// How much of each value.
        values: Values,
        /// Which part.
        page: Page,
    },
    /// App records as they are, part after part in the order of ids → `WholeRecords`.
    WholeRecords(WholeFrom),
    /// Views of the records of a pair → `Views`.
    Views {
        /// Which pair.
        pair: PairName,
    },
    /// Keeps a view; one of the same name is replaced → `Done`.
    SaveView {
        /// Of which pair.
        pair: PairName,
        /// The view.
        view: SavedView,
    },
    /// Forgets a saved view → `Done`.
    RemoveView {
        /// Of which pair.
        pair: PairName,
        /// Its name.
        name: String,
    },
    /// Everything local that holds all words → `Search`.
    Search {
        /// What is typed.
        text: String,
    },
    /// Records of which a long text, or a field that `Search` does not look at, holds all words:
    /// the next part of them → `SearchTexts`.
    SearchTexts {
        /// What is typed.
        text: String,
        /// Where the part before ended; none for the first.
        from: Option<TextPlace>,
    },
    /// Records in the CRM itself, of the objects of all pairs, that hold all words: one call →
    /// `SearchCrm`.
    SearchCrm {
        /// What is typed.
        text: String,
    },
    /// About how many records the CRM has of some objects: one call → `Counted`.
    CountCrm {
        /// Which objects.
        objects: Vec<ObjectName>,
    },
    /// Totals, pipeline and trends of what is here → `Business`.
    Business,
    /// One record → `Record`.
    Record {
        /// Which.
        key: RecordKey,
    },
    /// What the form of a record shows and takes → `RecordForm`.
    RecordForm {
        /// In which pair.
        pair: PairName,
        /// The record; none for a new one.
        app_id: Option<AppId>,
    },
    /// Keeps what is typed in a form, or forgets it → `Done`.
    KeepForm {
        /// In which pair.
        pair: PairName,
        /// The record; none for a new one.
        app_id: Option<AppId>,
        /// What is typed.
        typed: Option<TypedForm>,
    },
    /// Stages a change of an App record, or takes it back → `EditStaged`.
    StageEdit {
        /// In which pair.
        pair: PairName,
        /// The record; none for a new one, which is given its id.
        app_id: Option<AppId>,
        /// The change; none takes back what is staged.
        edit: Option<Edit>,
    },
    /// Staged edits → `Edits`.
    Edits {
        /// Only of this pair.
        pair: Option<PairName>,
        /// Which part.
        page: Page,
    },
    /// Stages the same values for App records, over what is staged of them already; those that
    /// changed since are left → `EditsStaged`.
    StageFields {
        /// In which pair.
        pair: PairName,
        /// Which, with the revision they were looked at; 0 for one that is only staged.
        records: Vec<(AppId, u64)>,
        /// Fields to set, the same for each.
        fields: Fields,
    },
    /// Stages a change of each of these App records, or takes it back → `EditsStaged`.
    StageEdits {
        /// In which pair.
        pair: PairName,
        /// Which, with the change; none takes back what is staged.
        edits: Vec<(AppId, Option<Edit>)>,
    },
    /// Changes App fields of a record → `Done`.
    EditRecord {
        /// Which.
        key: RecordKey,
        /// Revision the person saw.
        rev: u64,
        /// The fields that change.
        fields: Fields,
    },
    /// Makes an App record → `Created`.
    CreateRecord {
        /// In which pair.
        pair: PairName,
        /// Its values.
        fields: Fields,
    },
    /// Deletes an App record (a tombstone stays) → `Done`.
    DeleteRecord {
        /// Which.
        key: RecordKey,
        /// Revision the person saw.
        rev: u64,
    },
    /// Which records of a pair a filter takes → `RecordKeys`.
    RecordKeys {
        /// Pair.
        pair: PairName,
        /// As in `Records`.
        filter: String,
        /// So many at most.
        limit: usize,
    },
    /// How many records each view of a pair holds → `ViewCounts`.
    ViewCounts {
        /// Which pair.
        pair: PairName,
    },
    /// What deleting records would do → `DeletePreview`.
    PreviewDelete {
        /// Their pair.
        pair: PairName,
        /// Which.
        records: Vec<AppId>,
    },
    /// At which revisions records are, for a change of many → `Pinned`.
    PinRecords {
        /// Their pair.
        pair: PairName,
        /// Which.
        records: Vec<AppId>,
    },
    /// Sets the same fields of App records; those that changed since are left → `Acted`.
    EditRecords {
        /// Their pair.
        pair: PairName,
        /// Which, with the revision the person saw.
        records: Vec<(AppId, u64)>,
        /// Fields to set, the same for each.
        fields: Fields,
    },
    /// Deletes App records; those that changed since are left → `Acted`.
    DeleteRecords {
        /// Their pair.
        pair: PairName,
        /// Which, with the revision the person saw.
        records: Vec<(AppId, u64)>,
    },
    /// Brings back deleted App records that no sync has seen → `Acted`.
    RestoreRecords {
        /// Their pair.
        pair: PairName,
        /// Which, with the revision of the deletion.
        records: Vec<(AppId, u64)>,
    },
    /// CRM records that are linked with nothing → `Candidates`.
    Candidates {
        /// Of which pair.
        pair: PairName,
    },
    /// Links an App record with a CRM record, which is looked up there → `Done`.
    LinkRecord {
        /// App record.
        key: RecordKey,
        /// CRM record.
        crm_id: CrmId,
    },
    /// Ends the link of a record; both stay as they are → `Done`.
    UnlinkRecord {
        /// App record.
        key: RecordKey,
    },
    /// Sets when a pair runs → `Done`.
    SetSchedule {
        /// Which pair.
        pair: PairName,
        /// When.
        schedule: Schedule,
    },
    /// Stages when a pair runs, or takes it back → `ScheduleStaged`.
    StageSchedule {
        /// Which pair.
        pair: PairName,
        /// When; none takes back what is staged.
        schedule: Option<Schedule>,
    },
    /// Records whose sides differ although neither moved → `Drift`.
    Drift {
        /// Only of this pair.
        pair: Option<PairName>,
        /// Which part.
        page: Page,
    },
    /// Puts such records right, by who has the say in each row → `Started`.
    Repair {
        /// Which pair.
        pair: PairName,
        /// These; none for all.
        records: Vec<AppId>,
    },
    /// Records in quarantine → `Quarantine`.
    Quarantine {
        /// Which.
        filter: QuarantineFilter,
        /// Which part.
        page: Page,
    },
    /// Lets the next run try records in quarantine again → `Released`.
    Release {
        /// Which.
        filter: QuarantineFilter,
    },
    /// Entries of the audit log, newest first → `Audit`.
    Audit {
        /// Only of this run.
        run: Option<RunId>,
        /// Which part.
        page: Page,
    },
    /// Lines of the audit log with their hashes, oldest first → `AuditLines`.
    AuditLines {
        /// Behind this entry.
        after: u64,
        /// How many at most.
        limit: usize,
    },
    /// Whether the audit log is whole → `Verdict`.
    VerifyAudit {
        /// Checkpoints that were kept elsewhere.
        known: Vec<Checkpoint>,
    },
    /// When pairs run by themselves → `Schedules`.
    Schedules {
        /// How many of the next times.
        times: usize,
    },
    /// Settings as they are → `Settings`.
    Settings,
    /// Starts a sign-in, the way the settings say → `SignIn`.
    BeginSignIn {
        /// Key and user of a sign-in by key; without, the one that is kept.
        key: Option<JwtKey>,
    },
    /// Ends it with the address the browser was sent to → `SignedIn`.
    FinishSignIn {
        /// What the person pasted.
        pasted: SecretString,
    },
    /// Leaves the sign-in that waits, if one does → `Done`.
    LeaveSignIn,
    /// Revokes and forgets the tokens → `SignedOut`.
    Disconnect,
    /// Asks the CRM who we are and how much is left → `Done`.
    CheckConnection,
}
