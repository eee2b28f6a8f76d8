//! What a decision about the record as a whole comes to.
//!
//! Writes nothing. Invariant: an act that is given can be carried out as the pair is now; where none
//! can be, the reason is, in words for a person.

use crate::domain::conflict::Kind;
use crate::domain::mapping::Creates;
use crate::domain::plan::{self, Act, App, Crm, Input};
use crate::domain::reconcile::{Action, CompiledRow, Outcome, canon_cell};
use crate::domain::record::{AppRecord, CrmPresence, Link, LinkState, Presence};
use crate::domain::transform::Side;
use crate::domain::value::Fields;
use crate::engine::decisions::again::{self, Instead};
use crate::engine::decisions::outcome::Whole;
use crate::engine::tables::Agreed;

use super::{NOT_DELETED, Target, Work};

impl Work<'_> {
    pub(super) fn whole_act(&self, kind: &Kind, side: Side) -> Result<Whole, String> {
        match (kind, side) {
            (Kind::DeleteVsChange { deleted: Side::Crm }, Side::App) => self.create(),
            (Kind::DeleteVsChange { deleted: Side::Crm }, Side::Crm) => Ok(Whole::DeleteInApp),
            (Kind::DeleteVsChange { deleted: Side::App }, Side::App) => match self.case.link.crm_id
            {
                Some(_) if !self.rules.object.deletable => Err(NOT_DELETED.to_owned()),
                Some(id) => Ok(Whole::DeleteInCrm(id)),
                None => Err("it has no record in Salesforce".to_owned()),
            },
            (Kind::DeleteVsChange { deleted: Side::App }, Side::Crm) => self.restore(),
            (Kind::AmbiguousMatch { .. } | Kind::MergeCollision { .. }, Side::App) => self.create(),
            (Kind::MergeCollision { .. } | Kind::ParentMissing { .. }, Side::Crm) => {
                Ok(Whole::DeleteInApp)
            }
            (Kind::ParentMissing { .. }, Side::App) => Err(
                "what it belongs to was deleted: bring that back, or name another in Records"
                    .to_owned(),
            ),
            // Its CRM record was merged into one that another App record has.
            (Kind::AmbiguousMatch { .. }, Side::Crm) if self.case.link.crm_id.is_some() => {
                Ok(Whole::DeleteInApp)
            }
            (Kind::AmbiguousMatch { .. }, Side::Crm) => match &self.case.seen {
                Some(seen) if seen.presence == CrmPresence::Live && self.target == Target::Free => {
                    Ok(Whole::LinkTo(Box::new(seen.clone())))
                }
                _ => Err("that Salesforce record is gone, or linked to another record".to_owned()),
            },
            (
                Kind::Field
                | Kind::FirstLink
                | Kind::HotRecord
                | Kind::NormaliserFight { .. }
                | Kind::NoSuchParent { .. }
                | Kind::Rollback { .. },
                _,
            ) => Err("there is nothing to decide about the record".to_owned()),
        }
    }

    /// The other answer to what was decided about the record.
    pub(super) fn instead(&self, kind: &Kind, side: Side) -> Result<Whole, String> {
        let (answer, instead) = again::instead(self.case, kind)?;
        match (answer == side, instead, self.case.link.crm_id) {
            (_, Instead::Rest(lost), _) => {
                let (kind, side) = Instead::rest(lost, answer, side);
                self.whole_act(&kind, side)
            }
            (false, ..) => Err("that is how it was decided".to_owned()),
            (true, Instead::BringBack, _) => {
                let app = self.case.app.clone().map(|app| AppRecord {
                    presence: Presence::Live,
                    ..app
                });
                self.made(app.as_ref()).map(Whole::BringBack)
            }
            (true, Instead::Delete, _) if !self.rules.object.deletable => {
                Err(NOT_DELETED.to_owned())
            }
            (true, Instead::Delete, Some(id)) => Ok(Whole::DeleteBoth(id)),
            (true, Instead::Delete, None) => Err("it has no record in Salesforce".to_owned()),
        }
    }

    /// As for a record that was never in the CRM (rule R1).
    fn create(&self) -> Result<Whole, String> {
        let made = self.made(self.case.app.as_ref());
        let instead = |why| format!("{why}; take Salesforce, or unlink it in Records");
        made.map(Whole::CreateInCrm).map_err(instead)
    }

    /// What a record is made with in the CRM.
    fn made(&self, app: Option<&AppRecord>) -> Result<Fields, String> {
        let fresh = Link {
            crm_id: None,
            sync_key: None,
            seen: None,
            state: LinkState::Unlinked,
            ..self.case.link.clone()
        };
        let input = Input {
            link: Some(&fresh),
            app: App::of(app),
            crm: Crm::Absent,
        };
        let plan = plan::plan(self.c, &self.cx.pair, input);
        let failed = |outcome: &Outcome| match &outcome.action {
            Action::Failed(error) => Some(error.to_string()),
            _ => None,
        };
        if let Some(error) = plan.rows.iter().find_map(failed) {
            return Err(error);
        }
        match plan.act {
            Act::CreateInCrm(fields) => Ok(fields),
            Act::Wait(error) => Err(error.to_string()),
            Act::Failed(all) => {
                let all: Vec<_> = all.iter().map(|(_, error)| error.to_string()).collect();
                Err(all.join("; "))
            }
            Act::Lacks(field) => Err(format!(
                "Salesforce wants {field} in new records, and no row writes it"
            )),
            Act::NotMade(_) => Err("it does not pass the filter of the pair".to_owned()),
            _ => Err(match self.cx.pair.pair.create_in_crm {
                Creates::Off => "this pair makes no records in Salesforce (create_in_crm is off)",
                Creates::Allowed => "this pair has no key field: it makes no records in Salesforce",
            }
            .to_owned()),
        }
    }

    fn restore(&self) -> Result<Whole, String> {
        let mut fields = Fields::new();
        let mut agreed = Vec::new();
        let writes = |r: &&CompiledRow| r.row.flow.writes(Side::App);
        for row in self.cx.pair.rows.iter().filter(writes) {
            let Some(crm) = self.case.row(row).crm else {
                continue;
            };
            let app = row
                .row
                .to_app
                .apply(Side::App, &crm, self.c.lookup)
                .map_err(|e| format!("{}: {e}", row.row.label(Side::App)))?;
            fields.extend(row.row.app.iter().cloned().zip(app.iter().cloned()));
            agreed.push(Agreed {
                row: row.row.id,
                app: canon_cell(&row.app, &app),
                crm: canon_cell(&row.crm, &crm),
            });
        }
        // What was deleted in the App may come back in a record that is there again.
        if self
            .case
            .app
            .as_ref()
            .is_some_and(|a| a.presence == Presence::Live)
        {
            return Err("the App has the record again; sync first".to_owned());
        }
        Ok(Whole::RestoreInApp(fields, agreed))
    }
}
