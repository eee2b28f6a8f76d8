//! The change lists of an object: getUpdated and getDeleted (salesforce-api 2.6).

use serde_json::{Value as Json, json};

use super::{Call, Reply, rest::Context};
use crate::sandbox::{fail::Fail, ids::SfId, org::Org, schema::ObjIx, time};

/// Most ids of one answer.
const MOST: usize = 600_000;

fn refused(text: impl Into<String>) -> Fail {
    Fail::new("INVALID_REPLICATION_DATE", text)
}

/// The window of a call, cut to minutes.
fn window(context: &Context<'_>, call: &Call, days: i64) -> Result<(i64, i64), Fail> {
    let read = |name: &str| {
        let text = call.param(name).unwrap_or_default();
        // An unescaped plus sign arrives as a blank.
        time::parse_stamp(&text.replace(' ', "+"))
            .map(|at| at.div_euclid(60) * 60)
            .ok_or_else(|| refused(format!("{name} is not a valid date")))
    };
    let (start, end) = (read("start")?, read("end")?);
    if start >= end {
        return Err(refused("startDate must be before endDate"));
    }
    if start < context.now - days * time::DAY {
        return Err(refused(format!(
            "startDate before org replication enabled date or more than {days} days ago"
        )));
    }
    Ok((start, end))
}

/// Up to when the list is complete: the window's end, now, or the start of the oldest transaction
/// that is still open.
fn covered(context: &Context<'_>, org: &Org, end: i64) -> String {
    let open = org.open_since.unwrap_or(i64::MAX).min(context.now);
    time::stamp_text(end.min(open.div_euclid(60) * 60))
}

/// `GET /sobjects/{Obj}/updated`
pub fn updated(
    context: &Context<'_>,
    org: &Org,
    call: &Call,
    object: ObjIx,
) -> Result<Reply, Fail> {
    let (start, end) = window(context, call, 30)?;
    let table = org.table(object);
    let ids: Vec<String> = table
        .by_stamp
        .range((start, SfId::MIN)..(end, SfId::MIN))
        .filter(|(_, row)| table.row(**row).is_some_and(|r| !r.deleted))
        .map(|((_, id), _)| id.to_string())
        .take(MOST + 1)
        .collect();
    if ids.len() > MOST {
        return Err(Fail::new(
            "EXCEEDED_ID_LIMIT",
            "Too many records were updated in the window",
        ));
    }
    let covered = covered(context, org, end);
    Ok(Reply::json(
        200,
        &json!({"ids": ids, "latestDateCovered": covered}),
    ))
}

/// `GET /sobjects/{Obj}/deleted`
pub fn deleted(
    context: &Context<'_>,
    org: &Org,
    call: &Call,
    object: ObjIx,
) -> Result<Reply, Fail> {
    let (start, end) = window(context, call, 15)?;
    let usual = (context.now - 15 * time::DAY).div_euclid(60) * 60;
    let earliest = org.deletes_from.unwrap_or(usual).max(usual);
    if start < earliest {
        return Err(refused("startDate is before the earliest date available"));
    }
    let table = org.table(object);
    let kept = table
        .by_stamp
        .range((start, SfId::MIN)..(end, SfId::MIN))
        .filter(|(_, row)| table.row(**row).is_some_and(|r| r.deleted))
        .map(|((at, id), _)| (*at, *id));
    let purged = table
        .purged
        .iter()
        .copied()
        .filter(|(at, _)| (start..end).contains(at));
    let list: Vec<Json> = kept
        .chain(purged)
        .map(|(at, id)| json!({"id": id.to_string(), "deletedDate": time::stamp_text(at)}))
        .collect();
    Ok(Reply::json(
        200,
        &json!({
            "deletedRecords": list,
            "earliestDateAvailable": time::stamp_text(earliest),
            "latestDateCovered": covered(context, org, end),
        }),
    ))
}
