//! Carries out what was decided about a record as a whole: made, deleted, closed.
//!
//! Invariant: what happened on one side is repeated on the other only as the policy says.

use super::super::conflicts::{self, Sides};
use super::super::tables::Op;
use super::{Step, Write};
use crate::domain::conflict::{Conflict, Kind, State, Superseded};
use crate::domain::id::AppId;
use crate::domain::mapping::{DeletePolicy, Leaves, Mark};
use crate::domain::plan::RecordRule;
use crate::domain::reconcile::{Action, Outcome, Scope};
use crate::domain::record::{LinkState, Presence, Source};
use crate::domain::run::{Failure, Word};
use crate::domain::transform::{Side, TransformError};
use crate::domain::value::{Cell, Fields, Value};
use crate::error::Result;

impl Step<'_, '_> {
    /// Makes a record in the CRM; references in `later` are written when their parent is there, and
    /// those to what is not there when a person named another.
    pub(super) fn create(&mut self, mut fields: Fields, later: &[Outcome]) -> Result<()> {
        let (Some(app), Some(key_field)) = (self.app.clone(), &self.cx.pair.pair.key_field) else {
            self.out.skipped = true;
            return Ok(());
        };
        let key = match self.link.sync_key.as_ref().or(app.sync_key.as_ref()) {
            Some(key) => key.clone(),
            None => self.cx.new_sync_key(&app.id),
        };
        fields.insert(key_field.clone(), Value::text(key.as_str()));
        let nowhere = self.nowhere(&fields)?;
        for outcome in later {
            if let Action::Failed(error) = &outcome.action {
                self.wait(error);
            }
        }
        self.link.sync_key = Some(key.clone());
        self.link.state = LinkState::Unlinked;
        let mut agreed = Vec::new();
        for row in self
            .cx
            .pair
            .rows
            .iter()
            .filter(|r| r.goes_to_crm())
            .filter(|r| !later.iter().any(|outcome| outcome.row == r.row.id))
        {
            if nowhere.contains(&row.row.id) {
                fields.retain(|field, _| !row.row.crm.contains(field));
                continue;
            }
            if row.row.flow.appends() {
                agreed.push(self.appended(row, &fields));
                continue;
            }
            let sent: Cell = row
                .row
                .crm
                .iter()
                .map(|f| fields.get(f).cloned().unwrap_or_default())
                .collect();
            agreed.push(self.agreed(row, &sent));
        }
        self.out.write = Some(Write {
            app_id: app.id.clone(),
            crm_id: None,
            sync_key: Some(key),
            op: Op::Create,
            fields,
            agreed,
            app_rev: app.rev,
            unmodified_since: None,
            auto: Vec::new(),
            name: self.cx.title(Some(&app), None),
        });
        Ok(())
    }

    /// The pair's filter leaves the record out, so it is not made in the CRM (rule R1).
    pub(super) fn not_made(&mut self, scope: Scope) {
        self.out.skipped = true;
        let why = match scope {
            Scope::Unknown => "the filter of the pair asks for a field that no row writes there",
            Scope::Outside | Scope::Inside => "it does not pass the filter of the pair",
        };
        self.out
            .did
            .push(format!("not created in Salesforce: {why}"));
    }

    /// The log entry for changes that a delete takes along, because the pair's rule says so; none
    /// when there were no changes.
    fn taken_along(&self, rule: RecordRule) -> Option<Conflict> {
        let deleted = match rule {
            RecordRule::R8 => Side::App,
            RecordRule::R10 => Side::Crm,
            _ => return None,
        };
        let sides = Sides {
            app: self.app.as_ref(),
            seen: self.seen.as_ref(),
        };
        let kind = Kind::DeleteVsChange { deleted };
        let entry = conflicts::of_record(self.tx, self.cx, &self.link, kind, sides, self.now);
        let strategy = self.cx.pair.pair.strategy;
        let clocks = self
            .cx
            .clocks(self.tx.state(), self.seen.as_ref(), self.now);
        Some(conflicts::auto_resolved(
            entry,
            (strategy, deleted),
            &clocks,
        ))
    }

    pub(super) fn delete_in_crm(&mut self, rule: RecordRule, policy: DeletePolicy) -> Result<()> {
        match policy {
            DeletePolicy::Propagate => {
                let app = self.app.as_ref();
                self.out.write = Some(Write {
                    app_id: self.link.app_id.clone(),
                    crm_id: self.link.crm_id,
                    sync_key: None,
                    op: Op::Delete,
                    fields: Fields::new(),
                    agreed: Vec::new(),
                    app_rev: app.map_or(0, |a| a.rev),
                    unmodified_since: None,
                    auto: self.taken_along(rule).into_iter().collect(),
                    name: self.cx.title(app, self.seen.as_ref()),
                });
            }
            DeletePolicy::Mark | DeletePolicy::Unlink => self.kept_in_crm(LinkState::Closed),
            DeletePolicy::Ignore => self.kept_in_crm(LinkState::AppDeleted),
            DeletePolicy::MarkWith(mark) => self.mark_in_crm(rule, &mark),
        }
        Ok(())
    }

    fn kept_in_crm(&mut self, state: LinkState) {
        self.link.state = state;
        let text = "deleted in the App; Salesforce keeps its record";
        self.note(Word::Info, text.to_owned());
        self.out.skipped = true;
    }

    /// Sets the field that marks it, like any other: only if nobody changed the record meanwhile.
    fn mark_in_crm(&mut self, rule: RecordRule, mark: &Mark) {
        let Some(seen) = self.seen.as_ref().filter(|_| self.app.is_some()) else {
            return self.kept_in_crm(LinkState::AppDeleted);
        };
        match (seen.fields.get(&mark.field), seen.source) {
            (Some(is), _) if is.to_string() == mark.value => {
                self.kept_in_crm(LinkState::AppDeleted);
            }
            // Without what is there the mark could not be taken back.
            (None, Source::Poll) => self.out.needs_read = Some(seen.id),
            (None, Source::ReadBack | Source::Probe) => {
                let field = &mark.field;
                self.out.fail(Failure {
                    code: "MARK_NOT_SHOWN".to_owned(),
                    what: format!("{field}, which marks deleted records, is not shown"),
                    why: "the sync user may not see it, or it is gone".to_owned(),
                    fix: "give the sync user access to it, or change mark_field of the pair"
                        .to_owned(),
                    fields: vec![field.to_string()],
                    request: String::new(),
                });
            }
            (Some(is), _) => {
                let value = match is {
                    Value::Bool(_) => Value::Bool(mark.value == "true"),
                    _ => Value::text(mark.value.clone()),
                };
                let fields = [(mark.field.clone(), value)].into();
                let auto = self.taken_along(rule).into_iter().collect();
                self.update(fields, Vec::new(), auto, true);
            }
        }
    }

    pub(super) fn delete_in_app(&mut self, rule: RecordRule, policy: DeletePolicy) -> Result<()> {
        if self.app.is_none() {
            return Ok(());
        }
        if let DeletePolicy::Unlink | DeletePolicy::Ignore = policy {
            self.link.state = match policy {
                DeletePolicy::Ignore => LinkState::CrmDeleted,
                _ => LinkState::Closed,
            };
            self.note(
                Word::Info,
                "deleted in Salesforce; the App keeps its record".into(),
            );
            self.out.skipped = true;
            return Ok(());
        }
        if let Some(entry) = self.taken_along(rule) {
            self.tx.put_conflict(&entry, self.now)?;
        }
        self.change_app(Fields::new(), Presence::Deleted)?;
        self.link.state = LinkState::CrmDeleted;
        self.note(
            Word::Info,
            "deleted in Salesforce; marked as deleted in the App".into(),
        );
        self.all_superseded()
    }

    /// It is outside the pair's filter; neither side is written (sync-semantics 19.4).
    pub(super) fn leave(&mut self, policy: Leaves) -> Result<()> {
        self.out.skipped = true;
        let (state, text) = match policy {
            Leaves::Unlink => (
                LinkState::Closed,
                "left the filter of the pair; its link ended",
            ),
            Leaves::Freeze | Leaves::Continue => (
                LinkState::OutOfScope,
                "left the filter of the pair; it rests until it comes back",
            ),
        };
        if self.link.state == state {
            return Ok(());
        }
        self.link.state = state;
        self.note(Word::Info, text.to_owned());
        self.all_superseded()
    }

    /// What a record waits for may have been deleted before it was ever in the CRM: then it waits
    /// in vain, and a person is asked.
    pub(super) fn orphan(&self, error: &TransformError) -> Result<Option<Kind>> {
        let TransformError::WaitsFor { pair, id } = error else {
            return Ok(None);
        };
        let parent = AppId::new(id.as_str());
        let Some(of) = self.tx.state().pair(pair)? else {
            return Ok(None);
        };
        let link = self.tx.link(pair, &parent)?;
        let app = self.tx.app_record(&of.table, &parent)?;
        let gone = app.is_some_and(|app| app.presence == Presence::Deleted);
        let linked = link.is_some_and(|link| link.crm_id.is_some());
        let pair = pair.clone();
        Ok((gone && !linked).then_some(Kind::ParentMissing { pair, parent }))
    }

    /// One that was deleted before it was in the CRM: who waits for it looks again.
    pub(super) fn never_comes(&mut self) -> Result<()> {
        let gone = self.app.as_ref();
        let gone = gone.is_some_and(|app| app.presence == Presence::Deleted);
        if gone && self.link.crm_id.is_none() {
            let (pair, id) = (self.link.pair.clone(), self.link.app_id.clone());
            self.tx.release_children(&pair, id.as_str())?;
        }
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<()> {
        if self.link.state != LinkState::CrmDeleted {
            self.link.state = LinkState::Closed;
        }
        self.all_superseded()
    }

    pub(super) fn all_superseded(&mut self) -> Result<()> {
        for conflict in self.tx.open_conflicts(&self.link.pair, &self.link.app_id)? {
            let state = State::Superseded {
                how: Superseded::Record,
            };
            conflicts::close(self.tx, conflict, state, self.now)?;
        }
        Ok(())
    }
}
