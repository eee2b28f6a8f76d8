//! What the administrator of the org does: rules, fields, access, limits; and the faults to come.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value as Json};

use super::{By, Control, Field, Pick, object, parse_id, row_of};
use crate::sandbox::{
    automation::Automation,
    bulk::{self, Pace, State},
    dml,
    fail::Fail,
    faults::{Active, Fault},
    ids::SfId,
    oauth::Rotation,
    org::{Org, Unseen},
    rules::Rule,
    schema::{FieldIx, ObjIx},
    value::Value,
};

impl Control {
    /// Adds a fault and gives its number.
    pub fn inject(&self, fault: Fault) -> u64 {
        self.server.faults().add(fault)
    }

    /// The faults with their counts, used-up ones included.
    pub fn faults(&self) -> Vec<Active> {
        self.server.faults().list()
    }

    /// Takes a fault away; false when there is none of that number.
    pub fn remove_fault(&self, number: u64) -> bool {
        self.server.faults().remove(number)
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.server.faults().clear();
    }

    /// Ends all access tokens; refresh tokens stay.
    pub fn expire_sessions(&self) {
        self.server.oauth().expire(None);
    }

    /// Ends all approvals with all their tokens, as an administrator can.
    pub fn revoke_grants(&self) {
        self.server.oauth().revoke_all();
    }

    /// Says whether refresh tokens change with each use from now on.
    pub fn set_rotation(&self, rotation: Rotation) {
        self.server.oauth().rotation = rotation;
    }

    /// Closes all query cursors.
    pub fn close_cursors(&self) {
        self.server.cursors().clear();
    }

    /// The validation rules.
    pub fn rules(&self) -> Vec<Rule> {
        self.server.org().rules.clone()
    }

    /// Adds a rule, or replaces the one of that name.
    pub fn put_rule(&self, rule: Rule) {
        let mut org = self.server.org_mut();
        match org.rules.iter_mut().find(|r| r.name == rule.name) {
            Some(place) => *place = rule,
            None => org.rules.push(rule),
        }
    }

    /// Takes a rule away; false when there is none of that name.
    pub fn remove_rule(&self, name: &str) -> bool {
        let mut org = self.server.org_mut();
        let before = org.rules.len();
        org.rules.retain(|r| r.name != name);
        org.rules.len() != before
    }

    /// Makes exactly these fields required, besides those that always are.
    pub fn set_required(&self, fields: &[Field]) -> Result<(), Fail> {
        let mut org = self.server.org_mut();
        org.required = places(&org, fields)?;
        org.describe_anew(self.server.clock.now());
        Ok(())
    }

    /// Restricts exactly these picklists to their values, besides those that always are.
    pub fn set_restricted(&self, fields: &[Field]) -> Result<(), Fail> {
        let mut org = self.server.org_mut();
        org.restricted = places(&org, fields)?;
        org.describe_anew(self.server.clock.now());
        Ok(())
    }

    /// Takes exactly these values from their picklists.
    pub fn set_retired(&self, picks: &[Pick]) -> Result<(), Fail> {
        let fields: Vec<Field> = picks.iter().map(|pick| pick.field.clone()).collect();
        let mut org = self.server.org_mut();
        let found = places(&org, &fields)?.into_iter().zip(picks);
        org.retired = found
            .map(|((object, field), pick)| (object, field, pick.value.clone()))
            .collect();
        org.describe_anew(self.server.clock.now());
        Ok(())
    }

    /// Takes a record out of everybody's sight, as when it is shared no more: nothing says that it
    /// is deleted.
    pub fn hide(&self, id: &str) -> Result<(), Fail> {
        let id = parse_id(id)?;
        let hidden = self.server.org_mut().hide(id);
        hidden.then_some(()).ok_or_else(Fail::not_found)
    }

    /// Shows a hidden record again, unchanged.
    pub fn show(&self, id: &str) -> Result<(), Fail> {
        let id = parse_id(id)?;
        let shown = self.server.org_mut().show(id);
        shown.then_some(()).ok_or_else(Fail::not_found)
    }

    /// Trims the list of deleted records: it begins now.
    pub fn trim_deletes(&self) {
        let now = self.server.clock.now();
        self.server.org_mut().deletes_from = Some(now.div_euclid(60) * 60);
    }

    /// Lets the next `tries` saves of a record fail with `UNABLE_TO_LOCK_ROW`.
    pub fn lock(&self, id: &str, tries: u32) -> Result<(), Fail> {
        let id = parse_id(id)?;
        let mut org = self.server.org_mut();
        match tries {
            0 => org.locked.remove(&id),
            tries => org.locked.insert(id, tries),
        };
        Ok(())
    }

    /// Lets uploaded bulk jobs wait, or lets them go, those that waited included.
    pub fn hold_jobs(&self, pace: Pace) {
        let waiting: Vec<SfId> = {
            let mut jobs = self.server.jobs();
            jobs.pace = pace;
            let list = jobs.list.values();
            list.filter(|j| pace == Pace::AtOnce && j.state == State::UploadComplete)
                .map(|j| j.id)
                .collect()
        };
        for id in waiting {
            bulk::ingest::start(&self.server, id);
        }
    }

    /// Duplicate rules, flows, assignment rules and field access.
    pub fn automation(&self) -> Automation {
        self.server.org().automation.clone()
    }

    /// Replaces them.
    pub fn set_automation(&self, automation: Automation) -> Result<(), Fail> {
        let mut org = self.server.org_mut();
        automation.check(&org)?;
        org.automation = automation;
        // The access to fields is among it.
        org.describe_anew(self.server.clock.now());
        Ok(())
    }

    /// Says how many megabytes of data the org may hold.
    pub fn set_storage(&self, megabytes: u64) {
        self.server.org_mut().storage_mb = megabytes;
    }

    /// Says how many calls may be under way at once; one more is refused.
    pub fn set_most_at_once(&self, calls: u64) {
        self.server.most_at_once.store(calls, Ordering::Relaxed);
    }

    /// Retires the versions of the API below `oldest`, and warns of those below `supported`.
    pub fn set_versions(&self, oldest: u16, supported: u16) {
        self.server.versions.set(oldest, supported);
    }

    /// A formula of a record gives another value: nobody saved it, so no time moves.
    pub fn recompute(&self, id: &str, field: &str, number: i64) -> Result<(), Fail> {
        self.set_value(id, field, Value::Num(number.into()))
    }

    /// Deactivates a user.
    pub fn deactivate(&self, user: &str) -> Result<(), Fail> {
        self.set_value(user, "IsActive", Value::Bool(false))
    }

    fn set_value(&self, id: &str, field: &str, value: Value) -> Result<(), Fail> {
        self.change(|org| {
            let (object, row) = org.find(parse_id(id)?).ok_or_else(Fail::not_found)?;
            let place = org.schema.at(object).field(field);
            let record = org.table(object).row(row).cloned();
            let (Some(place), Some(mut record)) = (place, record) else {
                return Err(Fail::not_found());
            };
            record.set(place, value);
            org.put(object, row, Some(record));
            Ok(())
        })
    }

    /// Begins, if none goes on, a transaction of somebody else and changes a record in it: nobody
    /// sees that before it ends, and then with the time of now.
    pub fn update_unseen(
        &self,
        by: By<'_>,
        id: &str,
        fields: &Map<String, Json>,
    ) -> Result<(), Fail> {
        let actor = self.actor(by)?;
        let mut org = self.server.org_mut();
        row_of(&org, id)?;
        org.open_since.get_or_insert(actor.now);
        let id = parse_id(id)?;
        org.unseen.push(Unseen {
            by: actor.user,
            at: actor.now,
            id,
            fields: fields.clone(),
        });
        Ok(())
    }

    /// Ends that transaction: its changes are seen, with the times they were made.
    pub fn end_unseen(&self) -> Result<(), Fail> {
        self.change(|org| {
            org.open_since = None;
            for unseen in std::mem::take(&mut org.unseen) {
                let mut actor = self.server.actor(unseen.by);
                actor.now = unseen.at;
                let (object, row) = org.find(unseen.id).ok_or_else(Fail::not_found)?;
                dml::update(org, &actor, object, row, &unseen.fields)?;
            }
            Ok(())
        })
    }

    /// Moves the data API to `localhost`: new tokens say so, the old address answers 301.
    pub fn migrate(&self) {
        self.server.migrate();
    }
}

fn places(org: &Org, fields: &[Field]) -> Result<Vec<(ObjIx, FieldIx)>, Fail> {
    fields
        .iter()
        .map(|named| {
            let ix = object(org, &named.object)?;
            let field = org.schema.at(ix).field(&named.field);
            field.map(|field| (ix, field)).ok_or_else(|| {
                Fail::new(
                    "INVALID_FIELD",
                    format!(
                        "No such column '{}' on sobject of type {}",
                        named.field, named.object
                    ),
                )
            })
        })
        .collect()
}
