//! The ways a record ends or comes back: delete, undelete, hard delete, merge
//! (salesforce-api 3.3).

use super::{Actor, live, take_lock, touch};
use crate::sandbox::{
    fail::Fail,
    ids::SfId,
    org::{Org, Row},
    schema::{ObjIx, OnDelete},
    value::Value,
};

/// Deletes a record softly, with the records that go with it.
pub fn delete(org: &mut Org, actor: &Actor, object: ObjIx, row: Row) -> Result<(), Fail> {
    if org.schema.at(object).setup() {
        return Err(Fail::new(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "insufficient access rights on object id",
        ));
    }
    let record = live(org, object, row)?.clone();
    take_lock(org, record.id)?;
    let mark = org.savepoint();
    let done = delete_children(org, actor, object, record.id);
    if done.is_err() {
        org.rollback(mark);
        return done;
    }
    let mut gone = record;
    gone.deleted = true;
    touch(&mut gone, actor);
    org.put(object, row, Some(gone));
    Ok(())
}

fn delete_children(org: &mut Org, actor: &Actor, object: ObjIx, id: SfId) -> Result<(), Fail> {
    let schema = org.schema.clone();
    for child in schema.children(object) {
        let field = schema.at(child.object).at(child.field);
        let kept = org.referring(child.object, child.field, id);
        if kept.is_empty() {
            continue;
        }
        match field.on_delete() {
            OnDelete::Cascade => {
                for row in kept {
                    // A record can hang on the deleted one twice, and then is gone already.
                    if org.table(child.object).row(row).is_some_and(|r| !r.deleted) {
                        delete(org, actor, child.object, row)?;
                    }
                }
            }
            OnDelete::Restrict => {
                let names: Vec<String> = kept
                    .iter()
                    .take(5)
                    .filter_map(|row| org.table(child.object).row(*row))
                    .map(|r| name_of(org, child.object, r))
                    .collect();
                return Err(Fail::new(
                    "DELETE_FAILED",
                    format!(
                        "Your attempt to delete {} could not be completed because it is associated with the following {}.: {}\n",
                        org.record(id)
                            .map(|(o, r)| name_of(org, o, r))
                            .unwrap_or_default(),
                        schema.at(child.object).plural.to_lowercase(),
                        names.join(", ")
                    ),
                ));
            }
            OnDelete::Clear => {
                for row in kept {
                    if let Some(mut record) = org.table(child.object).row(row).cloned() {
                        record.set(child.field, Value::Null);
                        record.stamp = actor.now;
                        org.put(child.object, row, Some(record));
                    }
                }
            }
        }
    }
    Ok(())
}

fn name_of(org: &Org, object: ObjIx, record: &crate::sandbox::org::Record) -> String {
    org.schema
        .at(object)
        .name_field()
        .and_then(|ix| record.cell(ix).as_text().map(str::to_owned))
        .unwrap_or_default()
}

/// Brings a deleted record back with a new time stamp.
pub fn undelete(org: &mut Org, actor: &Actor, object: ObjIx, row: Row) -> Result<(), Fail> {
    let Some(record) = org.table(object).row(row) else {
        return Err(Fail::not_found());
    };
    if !record.deleted {
        return Err(Fail::new(
            "UNDELETE_FAILED",
            "entity is not in the recycle bin",
        ));
    }
    let mut back = record.clone();
    back.deleted = false;
    if let Some(master) = org.schema.at(object).field("MasterRecordId") {
        back.set(master, Value::Null);
    }
    touch(&mut back, actor);
    super::check(org, object, &back, None)?;
    org.put(object, row, Some(back));
    Ok(())
}

/// Removes a record for good, as emptying the recycle bin does.
pub fn hard_delete(org: &mut Org, object: ObjIx, row: Row) -> Result<(), Fail> {
    if org.table(object).row(row).is_none() {
        return Err(Fail::not_found());
    }
    org.put(object, row, None);
    Ok(())
}

/// Merges up to two losers into a survivor: they become deleted and point to it, and what hung on
/// them hangs on it.
pub fn merge(
    org: &mut Org,
    actor: &Actor,
    object: ObjIx,
    master: Row,
    losers: &[Row],
) -> Result<(), Fail> {
    let schema = org.schema.clone();
    if !schema.at(object).mergeable()
        || losers.is_empty()
        || losers.len() > 2
        || losers.contains(&master)
    {
        return Err(Fail::new(
            "INVALID_FIELD",
            "merge takes one survivor and one or two other records",
        ));
    }
    let survivor = live(org, object, master)?.id;
    for row in losers {
        live(org, object, *row)?;
    }
    for row in losers {
        let mut loser = live(org, object, *row)?.clone();
        for child in schema.children(object) {
            let field = schema.at(child.object).at(child.field);
            if field.name == "MasterRecordId" {
                continue;
            }
            for row in org.referring(child.object, child.field, loser.id) {
                if let Some(mut record) = org.table(child.object).row(row).cloned() {
                    record.set(child.field, Value::Id(survivor));
                    record.stamp = actor.now;
                    org.put(child.object, row, Some(record));
                }
            }
        }
        loser.deleted = true;
        if let Some(ix) = schema.at(object).field("MasterRecordId") {
            loser.set(ix, Value::Id(survivor));
        }
        touch(&mut loser, actor);
        org.put(object, *row, Some(loser));
    }
    if let Some(mut survivor) = org.table(object).row(master).cloned() {
        touch(&mut survivor, actor);
        org.put(object, master, Some(survivor));
    }
    Ok(())
}
