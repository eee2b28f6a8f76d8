//! What a viewer who may only look can ask.
//!
//! Decides by the command alone; who may only look is the caller's knowledge. Invariant: what is
//! not known to be a question is refused, and every command is named here.

use super::command::Command;
use super::summary::Access;
use crate::error::{Error, Kind, Result};

/// Lets a command pass, if a viewer with this access may ask it.
///
/// # Errors
/// [`Kind::Refused`] when it changes something and the viewer may only look.
pub fn permit(access: Access, command: &Command) -> Result<()> {
    if access == Access::ReadWrite || only_asks(command) {
        return Ok(());
    }
    let error = Error::new(Kind::Refused, "this session only reads");
    Err(error.hint("start syncdeck without --read-only"))
}

/// Whether a command leaves records, decisions, mappings, settings and sign-in as they are, and
/// starts no run.
pub fn only_asks(command: &Command) -> bool {
    match command {
        Command::Runs { .. }
        | Command::Run { .. }
        | Command::Conflicts { .. }
        | Command::Conflict { .. }
        | Command::Preview { .. }
        | Command::TestFilter { .. }
        | Command::Plans
        | Command::Plan { .. }
        | Command::PreviewUndo { .. }
        | Command::HeldFields { .. }
        | Command::Mapping { .. }
        | Command::MappingVersion { .. }
        | Command::PreviewMapping { .. }
        | Command::Records { .. }
        | Command::Views { .. }
        | Command::Search { .. }
        | Command::SearchTexts { .. }
        | Command::SearchCrm { .. }
        | Command::CountCrm { .. }
        | Command::Business
        | Command::Record { .. }
        | Command::RecordForm { .. }
        | Command::RecordKeys { .. }
        | Command::ViewCounts { .. }
        | Command::PreviewDelete { .. }
        | Command::PinRecords { .. }
        | Command::Candidates { .. }
        | Command::Quarantine { .. }
        | Command::Audit { .. }
        | Command::AuditLines { .. }
        | Command::VerifyAudit { .. }
        | Command::Schedules { .. }
        | Command::Settings
        | Command::LeaveSignIn
        | Command::CheckConnection => true,
        Command::Decide { .. }
        | Command::Overrule { .. }
        | Command::Write { .. }
        | Command::Sync { .. }
        | Command::SyncRecords { .. }
        | Command::Sweep { .. }
        | Command::DryRun { .. }
        | Command::ApplyPlan { .. }
        | Command::Allow { .. }
        | Command::Pause
        | Command::Resume
        | Command::Cancel
        | Command::Retry { .. }
        | Command::Undo { .. }
        | Command::EndHold { .. }
        | Command::SaveMapping { .. }
        | Command::KeepDraft { .. }
        | Command::SaveView { .. }
        | Command::RemoveView { .. }
        | Command::KeepForm { .. }
        | Command::EditRecord { .. }
        | Command::CreateRecord { .. }
        | Command::DeleteRecord { .. }
        | Command::EditRecords { .. }
        | Command::DeleteRecords { .. }
        | Command::RestoreRecords { .. }
        | Command::LinkRecord { .. }
        | Command::UnlinkRecord { .. }
        | Command::SetSchedule { .. }
        | Command::Release { .. }
        | Command::BeginSignIn { .. }
        | Command::FinishSignIn { .. }
        | Command::Disconnect => false,
    }
}
