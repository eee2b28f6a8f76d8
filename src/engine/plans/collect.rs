//! The items of a plan while it is made: one per record, put together from what would be written.
//!
//! Lies in the layer of the rehearsal, so that its size does not matter to the memory. Invariant:
//! an item holds the values under the layer as what is there, and those in it as what would be.

use std::collections::BTreeMap;

use crate::appdb::embedded::{self, RECORDS};
use crate::domain::conflict::{Conflict, State as Standing};
use crate::domain::dry_run::{
    Basis, Deed, Left, NEW_IN_CRM, PlanItem, Planned, PlannedConflict, PlannedField,
};
use crate::domain::id::{AppId, CrmId, PairName};
use crate::domain::mapping::Pair;
use crate::domain::record::{AppRecord, Link, Presence};
use crate::domain::run::{ResultKind, Run};
use crate::domain::transform::Side;
use crate::domain::value::{Fields, Value};
use crate::engine::naming::record_name;
use crate::engine::planner;
use crate::engine::tables::{
    CONFLICTS, DRAFT_ITEMS, Intent, LINKS, Op, PAIRS, RESULTS, WRITTEN, record_key,
};
use crate::engine::undo;
use crate::engine::work::FULL;
use crate::store::keys::Key;
use crate::store::{Store, StoreError};

use super::item_key;

/// The items of a plan that is made.
#[derive(Debug)]
pub struct Items<'a> {
    layer: &'a Store,
    pending: BTreeMap<Vec<u8>, PlanItem>,
}

/// Which record an item is about, as the layer names it.
#[derive(Debug, Clone, Copy)]
pub struct NewItem<'a> {
    /// Pair.
    pub pair: &'a Pair,
    /// App record; in the layer it may be a new one.
    pub app_id: &'a AppId,
    /// CRM record, where the link does not say it.
    pub crm_id: Option<CrmId>,
}

impl<'a> Items<'a> {
    /// Over a layer.
    pub fn new(layer: &'a Store) -> Self {
        Self {
            layer,
            pending: BTreeMap::new(),
        }
    }

    /// The item of the same record.
    pub fn get(&self, like: &PlanItem) -> Result<Option<PlanItem>, StoreError> {
        self.layer.get(&DRAFT_ITEMS, &item_key(&like.pair, like))
    }

    /// All items of a pair.
    pub fn of(&self, pair: &PairName) -> impl Iterator<Item = Result<PlanItem, StoreError>> {
        let found = self
            .layer
            .scan(&DRAFT_ITEMS, &Key::new().text(pair.as_str()));
        found.map(|row| row.map(|(_, item)| item))
    }

    /// Notes a write to the CRM, before the layer has its outcome.
    pub fn sent(&mut self, pair: &Pair, intent: &Intent) -> Result<(), StoreError> {
        let link = self.link(&pair.name, &intent.app_id)?;
        let seen = link.and_then(|link| link.seen);
        let had = |name| seen.as_ref().and_then(|s| s.fields.get(name)).cloned();
        let key = intent.sync_key.as_ref().and(pair.key_field.as_ref());
        let fields = intent.fields.iter().filter(|(name, _)| Some(*name) != key);
        let fields = fields.map(|(name, to)| PlannedField {
            name: name.clone(),
            from: had(name).unwrap_or_default(),
            to: to.clone(),
        });
        let planned = Planned {
            deed: deed(intent.op),
            fields: fields.collect(),
        };
        let of = NewItem {
            pair,
            app_id: &intent.app_id,
            crm_id: None,
        };
        self.change(of, |item| match &mut item.to_crm {
            // A record that is written twice gets what comes last.
            Some(before) if planned.deed == Deed::Change => {
                before
                    .fields
                    .retain(|f| planned.fields.iter().all(|n| n.name != f.name));
                before.fields.extend(planned.fields);
            }
            slot => *slot = Some(planned),
        })
    }

    /// Notes what a run over the layer left there, beside its writes to the CRM.
    pub fn left_by(&mut self, run: &Run) -> Result<(), StoreError> {
        let layer = self.layer;
        let Some(pair) = layer.get(&PAIRS, &Key::new().text(run.pair.as_str()))? else {
            return Ok(());
        };
        for row in layer.changed(&RECORDS, &Key::new().text(pair.table.as_str())) {
            let (key, after) = row?;
            let before = match layer.under() {
                Some(under) => under.get(&RECORDS, &key)?,
                None => None,
            };
            let Some(planned) = written(before.as_ref(), &after) else {
                continue;
            };
            if self.link(&pair.name, &after.id)?.is_none() {
                // Another pair's, of the same table.
                continue;
            }
            let of = NewItem {
                pair: &pair,
                app_id: &after.id,
                crm_id: None,
            };
            self.change(of, |item| item.to_app = Some(planned))?;
        }
        self.conflicts(&pair)?;
        self.overflowed(&pair, run)?;
        let of_run = Key::new().number(run.id.0);
        for row in layer.changed(&RESULTS, &of_run) {
            let (_, result) = row?;
            let left = match (result.kind, result.failure) {
                (_, Some(failure)) => Left::Refused(failure.what),
                (ResultKind::Deferred | ResultKind::Ambiguous, None) => Left::Waits(result.did),
                _ => continue,
            };
            let of = NewItem {
                pair: &pair,
                app_id: &result.app_id,
                crm_id: result.crm_id,
            };
            self.change(of, |item| item.left = Some(left))?;
        }
        self.flush()
    }

    /// Lines that find no room, with the record they are of: what they become is made by the plan
    /// itself, and has no item.
    fn overflowed(&mut self, pair: &Pair, run: &Run) -> Result<(), StoreError> {
        let mut lines: BTreeMap<(AppId, PairName), usize> = BTreeMap::new();
        for row in self.layer.changed(&WRITTEN, &Key::new().number(run.id.0)) {
            let (_, written) = row?;
            for written in written {
                if let undo::Deed::Overflowed { pair, .. } = written.deed {
                    *lines.entry((written.app_id, pair)).or_default() += 1;
                }
            }
        }
        for ((app_id, to), lines) in lines {
            let of = NewItem {
                pair,
                app_id: &app_id,
                crm_id: None,
            };
            let said = Left::Waits(planner::in_words(lines, &to));
            self.change(of, |item| item.left = Some(said))?;
        }
        Ok(())
    }

    fn conflicts(&mut self, pair: &Pair) -> Result<(), StoreError> {
        let layer = self.layer;
        for row in layer.changed(&CONFLICTS, &[]) {
            let (key, conflict) = row?;
            let known = match layer.under() {
                Some(under) => under.contains(&CONFLICTS, &key)?,
                None => false,
            };
            if known || conflict.pair != pair.name || conflict.state != Standing::Pending {
                continue;
            }
            let of = NewItem {
                pair,
                app_id: &conflict.app_id,
                crm_id: conflict.crm_id,
            };
            let planned = PlannedConflict {
                about: about(pair, &conflict),
                app: conflict.app.clone(),
                crm: conflict.crm.clone(),
            };
            self.change(of, |item| item.conflicts.push(planned))?;
        }
        Ok(())
    }

    /// Changes the item of a record; makes it first where there is none.
    fn change(
        &mut self,
        of: NewItem<'_>,
        change: impl FnOnce(&mut PlanItem),
    ) -> Result<(), StoreError> {
        let fresh = self.fresh(of)?;
        if fresh.app_id.is_none() && fresh.crm_id.is_none() {
            // What the plan makes of a line is told with the record that the line is of.
            return Ok(());
        }
        let key = item_key(&fresh.pair, &fresh).to_vec();
        if !self.pending.contains_key(&key) {
            let kept = self.layer.get(&DRAFT_ITEMS, &key)?;
            self.pending.insert(key.clone(), kept.unwrap_or(fresh));
        }
        if let Some(item) = self.pending.get_mut(&key) {
            change(item);
        }
        if self.pending.len() >= FULL {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what was changed into the layer.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        let mut batch = self.layer.batch();
        for (key, item) in std::mem::take(&mut self.pending) {
            batch.put(&DRAFT_ITEMS, &key, &item);
        }
        self.layer.apply(batch)
    }

    fn link(&self, pair: &PairName, id: &AppId) -> Result<Option<Link>, StoreError> {
        self.layer.get(&LINKS, &record_key(pair, id))
    }

    fn fresh(&self, of: NewItem<'_>) -> Result<PlanItem, StoreError> {
        let NewItem { pair, app_id, .. } = of;
        let key = embedded::key(&pair.table, app_id);
        let before: Option<AppRecord> = match self.layer.under() {
            Some(under) => under.get(&RECORDS, &key)?,
            None => None,
        };
        let link = self.link(&pair.name, app_id)?;
        let seen = link.as_ref().and_then(|link| link.seen.as_ref());
        let linked = link.as_ref().and_then(|link| link.crm_id);
        let after = match &before {
            Some(_) => None,
            None => self.layer.get(&RECORDS, &key)?,
        };
        Ok(PlanItem {
            pair: pair.name.clone(),
            name: record_name(pair, before.as_ref().or(after.as_ref()), seen),
            crm_id: linked
                .or(of.crm_id)
                .filter(|id| !id.as_str().starts_with(NEW_IN_CRM)),
            basis: Basis {
                rev: before.as_ref().map(|app| app.rev),
                stamp: seen.map(|seen| seen.stamp),
            },
            app_id: before.map(|app| app.id),
            to_app: None,
            to_crm: None,
            conflicts: Vec::new(),
            left: None,
        })
    }
}

fn deed(op: Op) -> Deed {
    match op {
        Op::Create => Deed::Create,
        Op::Update => Deed::Change,
        Op::Delete => Deed::Delete,
    }
}

/// What was written to an App record; none when that comes to nothing.
fn written(before: Option<&AppRecord>, after: &AppRecord) -> Option<Planned> {
    let none = Fields::new();
    let had = before.map_or(&none, |record| &record.fields);
    let gone = |record: &AppRecord| record.presence == Presence::Deleted;
    let deed = match before {
        None => Deed::Create,
        Some(before) if gone(after) && !gone(before) => Deed::Delete,
        Some(before) if gone(before) && !gone(after) => Deed::Create,
        Some(_) => Deed::Change,
    };
    let null = Value::Null;
    let fields = after.fields.iter().filter_map(|(name, to)| {
        let from = had.get(name).unwrap_or(&null);
        (from != to).then(|| PlannedField {
            name: name.clone(),
            from: from.clone(),
            to: to.clone(),
        })
    });
    let fields: Vec<_> = fields.collect();
    (deed != Deed::Change || !fields.is_empty()).then_some(Planned { deed, fields })
}

/// What a conflict is about, in words.
fn about(pair: &Pair, conflict: &Conflict) -> String {
    let row = conflict.row.and_then(|id| pair.row(id));
    match row {
        Some(row) => row.label(Side::App),
        None => conflict.kind.cause(),
    }
}
