//! Which commands only ask, and which keep what a person entered.
//!
//! Decides by the command alone; who may do more is the engine's business. Invariant: every command
//! is named here, so that a new one is not taken for a question.

use super::Command;

impl Command {
    /// Whether it keeps something a person entered, and starts nothing.
    pub fn is_entry(&self) -> bool {
        matches!(
            self,
            Self::Decide { .. }
                | Self::Overrule { .. }
                | Self::KeepDraft { .. }
                | Self::KeepForm { .. }
                | Self::SaveMapping { .. }
                | Self::StageEdit { .. }
                | Self::StageFields { .. }
                | Self::StageEdits { .. }
                | Self::EditRecord { .. }
                | Self::CreateRecord { .. }
                | Self::DeleteRecord { .. }
                | Self::EditRecords { .. }
                | Self::DeleteRecords { .. }
                | Self::RestoreRecords { .. }
                | Self::UnlinkRecord { .. }
                | Self::SaveView { .. }
                | Self::RemoveView { .. }
                | Self::SetSchedule { .. }
                | Self::StageSchedule { .. }
                | Self::Release { .. }
                | Self::EndHold { .. }
        )
    }

    /// Whether it leaves records, decisions, mappings, settings and sign-in as they are, and starts
    /// no run.
    pub fn only_asks(&self) -> bool {
        match self {
            Self::Runs { .. }
            | Self::Run { .. }
            | Self::Conflicts { .. }
            | Self::Conflict { .. }
            | Self::Preview { .. }
            | Self::TestFilter { .. }
            | Self::Plans
            | Self::Plan { .. }
            | Self::PreviewUndo { .. }
            | Self::HeldFields { .. }
            | Self::Mapping { .. }
            | Self::MappingVersion { .. }
            | Self::PreviewMapping { .. }
            | Self::Records { .. }
            | Self::WholeRecords(_)
            | Self::Views { .. }
            | Self::Search { .. }
            | Self::SearchTexts { .. }
            | Self::SearchCrm { .. }
            | Self::CountCrm { .. }
            | Self::Business
            | Self::Record { .. }
            | Self::RecordForm { .. }
            | Self::Edits { .. }
            | Self::RecordKeys { .. }
            | Self::ViewCounts { .. }
            | Self::PreviewDelete { .. }
            | Self::PinRecords { .. }
            | Self::Candidates { .. }
            | Self::Quarantine { .. }
            | Self::Drift { .. }
            | Self::Audit { .. }
            | Self::AuditLines { .. }
            | Self::VerifyAudit { .. }
            | Self::Schedules { .. }
            | Self::Settings
            | Self::LeaveSignIn
            | Self::PreviewRelink
            | Self::CheckConnection => true,
            Self::Decide { .. }
            | Self::Overrule { .. }
            | Self::Write { .. }
            | Self::Sync { .. }
            | Self::SyncRecords { .. }
            | Self::Sweep { .. }
            | Self::Repair { .. }
            | Self::DryRun { .. }
            | Self::ApplyPlan { .. }
            | Self::Allow { .. }
            | Self::GoOn
            | Self::Relink(_)
            | Self::Pause
            | Self::Resume
            | Self::Cancel
            | Self::Retry { .. }
            | Self::Undo { .. }
            | Self::EndHold { .. }
            | Self::SaveMapping { .. }
            | Self::KeepDraft { .. }
            | Self::SaveView { .. }
            | Self::RemoveView { .. }
            | Self::KeepForm { .. }
            | Self::StageEdit { .. }
            | Self::StageFields { .. }
            | Self::StageEdits { .. }
            | Self::EditRecord { .. }
            | Self::CreateRecord { .. }
            | Self::DeleteRecord { .. }
            | Self::EditRecords { .. }
            | Self::DeleteRecords { .. }
            | Self::RestoreRecords { .. }
            | Self::LinkRecord { .. }
            | Self::UnlinkRecord { .. }
            | Self::SetSchedule { .. }
            | Self::StageSchedule { .. }
            | Self::Release { .. }
            | Self::BeginSignIn { .. }
            | Self::FinishSignIn { .. }
            | Self::Disconnect => false,
        }
    }
}
