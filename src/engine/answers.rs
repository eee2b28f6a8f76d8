//! Answers the questions and small changes that need neither the network nor the queue.
//!
//! One line per command; the work is in the module of its subject. Blocking. Invariant: a
//! question changes nothing.

use crate::domain::id::{CrmId, PairName};
use crate::domain::schema::ObjectInfo;
use crate::error::{Error, Kind, Result};

use super::command::{Command, RecordKey, WriteScope};
use super::core::Shared;
use super::decisions::Confirmed;
use super::notice::Reply;
use super::relink;
use super::settings as page;
use super::view::PlanPage;
use super::wanted::Wanted;
use super::{
    audit, decisions, drifted, filters, mappings, plans, profile, quarantine, queries, records,
    schedules, undo,
};

/// Answers a command. A question that takes long ends when it is not wanted any more.
pub(super) fn answer(shared: &Shared, command: Command, wanted: &Wanted) -> Result<Reply> {
    let state = &*shared.state;
    let settings = &shared.options.settings;
    let person = settings.person.as_str();
    let now = settings.clock.now();
    Ok(match command {
        Command::Runs { pair, filter, page } => {
            let part = queries::runs(state, pair.as_ref(), &filter, page, now)?;
            Reply::Runs(part)
        }
        Command::Run { id, page } => Reply::Run(Box::new(queries::run(state, id, page)?)),
        Command::Conflicts { filter, page } => {
            Reply::Conflicts(queries::conflicts(state, &filter, page, now, wanted)?)
        }
        Command::Conflict { key } => {
            Reply::Conflict(queries::conflict(state, settings, &key, now)?.map(Box::new))
        }
        Command::Decide { decisions } => {
            Reply::Decided(decisions::decide(state, settings, person, decisions, now)?)
        }
        Command::Overrule { overrule } => {
            Reply::Decided(decisions::overrule(state, settings, person, overrule, now)?)
        }
        Command::Preview { scope } => {
            Reply::Preview(Box::new(decisions::preview(state, settings, &scope, now)?))
        }
        Command::PreviewUndo { run } => {
            Reply::Preview(Box::new(undo::preview(state, settings, run, now)?))
        }
        Command::TestFilter {
            pair,
            filter,
            samples,
        } => Reply::Filter(Box::new(filters::test(
            state,
            &pair,
            filter.as_deref(),
            samples,
            now,
            wanted,
        )?)),
        Command::Plans => Reply::Plans(plans::list(state)?),
        Command::Plan { id, page } => Reply::Plan(Box::new(PlanPage {
            plan: plans::plan(state, id)?,
            items: plans::items(state, id, page)?,
        })),
        Command::Mapping { pair } => {
            Reply::Mapping(Box::new(mappings::mapping(state, &pair, None)?))
        }
        Command::MappingVersion { pair, version } => {
            Reply::Mapping(Box::new(mappings::mapping(state, &pair, Some(version))?))
        }
        Command::PreviewMapping {
            draft,
            row,
            samples,
        } => Reply::MappingPreview(Box::new(mappings::preview(
            state, &draft, row, samples, now,
        )?)),
        Command::SaveMapping { draft } => Reply::Saved {
            version: mappings::save(state, *draft, person, now)?,
        },
        Command::KeepDraft { pair, draft } => {
            mappings::keep_draft(state, &pair, draft.as_deref())?;
            Reply::Done
        }
        Command::Records {
            pair,
            filter,
            shape,
            values,
            page,
        } => {
            let shape = (&shape, values);
            let page = records::records(state, &pair, &filter, shape, page, now, wanted)?;
            Reply::Records(Box::new(page))
        }
        Command::WholeRecords(from) => {
            let page = records::whole(state, &from, now, wanted)?;
            Reply::WholeRecords(Box::new(page))
        }
        Command::Views { pair } => Reply::Views(records::views(state, &pair)?),
        Command::SaveView { pair, view } => {
            records::save_view(state, &pair, &view)?;
            Reply::Done
        }
        Command::RemoveView { pair, name } => {
            records::remove_view(state, &pair, &name)?;
            Reply::Done
        }
        Command::Search { text } => Reply::Search(Box::new(queries::search(state, &text)?)),
        Command::SearchTexts { text, from } => {
            Reply::SearchTexts(Box::new(queries::texts(state, &text, from)?))
        }
        Command::Business => Reply::Business(Box::new(queries::business(state, now)?)),
        Command::Record { key } => {
            Reply::Record(Box::new(records::record(state, settings, &key, now)?))
        }
        Command::RecordForm { pair, app_id } => {
            Reply::RecordForm(Box::new(records::form(state, &pair, app_id.as_ref())?))
        }
        Command::KeepForm {
            pair,
            app_id,
            typed,
        } => {
            records::keep_form(state, &pair, app_id.as_ref(), typed.as_ref())?;
            Reply::Done
        }
        Command::StageEdit { pair, app_id, edit } => {
            let done = records::staged::stage(state, &pair, app_id.as_ref(), edit, person, now)?;
            Reply::EditStaged(Box::new(done))
        }
        Command::Edits { pair, page } => {
            Reply::Edits(records::staged::list(state, pair.as_ref(), page)?)
        }
        Command::StageFields {
            pair,
            records,
            fields,
        } => {
            let done = records::staged::fields(state, &pair, &records, fields, person, now)?;
            Reply::EditsStaged(Box::new(done))
        }
        Command::StageEdits { pair, edits } => {
            let done = records::staged::edits(state, &pair, edits, person, now)?;
            Reply::EditsStaged(Box::new(done))
        }
        Command::EditRecord { key, rev, fields } => {
            records::edit(state, &key, rev, fields, person, now)?;
            Reply::Done
        }
        Command::CreateRecord { pair, fields } => {
            Reply::Created(records::create(state, &pair, fields, person, now)?)
        }
        Command::DeleteRecord { key, rev } => {
            records::delete(state, &key, rev, person, now)?;
            Reply::Done
        }
        Command::RecordKeys {
            pair,
            filter,
            limit,
        } => Reply::RecordKeys(records::keys(state, &pair, &filter, limit, now, wanted)?),
        Command::ViewCounts { pair } => {
            Reply::ViewCounts(records::counts(state, &pair, now, wanted)?)
        }
        Command::PreviewDelete { pair, records } => {
            let preview = records::preview_delete(state, &pair, &records)?;
            Reply::DeletePreview(Box::new(preview))
        }
        Command::PinRecords { pair, records } => {
            Reply::Pinned(Box::new(records::pin(state, &pair, &records)?))
        }
        Command::EditRecords {
            pair,
            records,
            fields,
        } => Reply::Acted(records::edit_many(
            state, &pair, &records, fields, person, now,
        )?),
        Command::DeleteRecords { pair, records } => {
            Reply::Acted(records::delete_many(state, &pair, &records, person, now)?)
        }
        Command::RestoreRecords { pair, records } => {
            Reply::Acted(records::restore_many(state, &pair, &records, person, now)?)
        }
        Command::Candidates { pair } => {
            Reply::Candidates(records::candidates(state, &pair, now, wanted)?)
        }
        Command::UnlinkRecord { key } => {
            records::unlink(state, &key, person, now)?;
            Reply::Done
        }
        Command::SetSchedule { pair, schedule } => {
            schedules::may_be_set(shared, &pair)?;
            profile::set_schedule(state, &pair, schedule, person, now)?;
            Reply::Done
        }
        Command::StageSchedule { pair, schedule } => {
            if schedule.is_some() {
                schedules::may_be_set(shared, &pair)?;
            }
            let done = schedules::staged::stage(state, &pair, schedule, person, now)?;
            Reply::ScheduleStaged(Box::new(done))
        }
        Command::Drift { pair, page } => {
            let usual = shared.options.settings.strategy;
            Reply::Drift(drifted::list(state, usual, pair.as_ref(), page)?)
        }
        Command::Quarantine { filter, page } => {
            Reply::Quarantine(quarantine::list(state, &filter, page)?)
        }
        Command::Release { filter } => {
            Reply::Released(quarantine::release(state, &filter, person, now)?)
        }
        Command::HeldFields { filter } => {
            Reply::HeldFields(undo::held(state, settings, &filter, now)?)
        }
        Command::EndHold { filter, end } => {
            Reply::HoldEnded(undo::end_hold(state, settings, &filter, end, now)?)
        }
        Command::Audit { run, page } => Reply::Audit(audit::newest(state, run, page)?),
        Command::AuditLines { after, limit } => {
            Reply::AuditLines(audit::oldest(state, after, limit)?)
        }
        Command::VerifyAudit { known } => {
            let verdict = audit::verify(state, &known)?;
            state.set_audit_fault(verdict.broken.clone());
            Reply::Verdict(verdict)
        }
        Command::Schedules { times } => Reply::Schedules(schedules::list(shared, times)?),
        Command::PreviewRelink => Reply::Relinking(Box::new(relink::view(state)?)),
        Command::Settings => Reply::Settings(Box::new(page::view(shared)?)),
        Command::Write { .. }
        | Command::LinkRecord { .. }
        | Command::Sync { .. }
        | Command::SyncRecords { .. }
        | Command::Sweep { .. }
        | Command::Repair { .. }
        | Command::DryRun { .. }
        | Command::ApplyPlan { .. }
        | Command::GoOn
        | Command::Relink(_)
        | Command::Pause
        | Command::Resume
        | Command::Cancel
        | Command::Retry { .. }
        | Command::Undo { .. }
        | Command::BeginSignIn { .. }
        | Command::FinishSignIn { .. }
        | Command::LeaveSignIn
        | Command::Disconnect
        | Command::SearchCrm { .. }
        | Command::CountCrm { .. }
        | Command::Allow { .. }
        | Command::CheckConnection => {
            return Err(Error::new(Kind::Internal, "this command is not a question"));
        }
    })
}

/// Whether a record may be linked, and what its object looks like.
pub(super) fn may_link(shared: &Shared, key: &RecordKey, crm_id: &CrmId) -> Result<ObjectInfo> {
    let pair = records::may_link(&shared.state, key, crm_id)?;
    shared.state.object(&pair.object)?.ok_or_else(|| {
        let text = format!("Salesforce has not described {} yet", pair.object);
        Error::new(Kind::Refused, text).hint("sign in, or sync once")
    })
}

/// Links a record with one that was looked up.
pub(super) fn link(shared: &Shared, key: &RecordKey, crm_id: CrmId) -> Result<Reply> {
    let settings = &shared.options.settings;
    let now = settings.clock.now();
    records::link(&shared.state, key, crm_id, &settings.person, now)?;
    Ok(Reply::Done)
}

/// Checks a confirmed preview and gives what is to be written.
pub(super) fn confirm(shared: &Shared, scope: &WriteScope, hash: u64) -> Result<Confirmed> {
    let settings = &shared.options.settings;
    decisions::confirm(&shared.state, settings, scope, hash, settings.clock.now())
}

/// Sets staged schedules.
pub(super) fn set_schedules(shared: &Shared, pairs: &[PairName]) -> Result<()> {
    let settings = &shared.options.settings;
    let now = settings.clock.now();
    schedules::staged::write(&shared.state, pairs, &settings.person, now)
}

/// Writes staged edits, all of them or none.
pub(super) fn write_edits(shared: &Shared, keys: &[RecordKey]) -> Result<()> {
    let settings = &shared.options.settings;
    let now = settings.clock.now();
    records::staged::write(&shared.state, keys, &settings.person, now)
}
