//! What must be true of a history that has come to rest (sync-semantics 25).

use std::collections::{BTreeMap, BTreeSet};

use syncdeck::domain::conflict::Conflict;
use syncdeck::domain::id::{CrmId, PairName};
use syncdeck::domain::record::{CrmPresence, LinkState, Presence};
use syncdeck::domain::run::ResultKind;
use syncdeck::domain::value::Value;
use syncdeck::engine::audit::Entry;
use syncdeck::engine::tables::{
    AUDIT, CONFLICTS, JOB_ROWS, LEDGER, LINKS, OPEN_CONFLICTS, RESULTS, RUNS, WRITE_JOBS,
};
use syncdeck::store::keys::{Key, Parts};

use super::org::{FIELDS, UNGUARDED};
use super::world::{HERE, World, app_records};
use super::{audited, matches, notes, scope};

/// Milliseconds between a look for a record and its create.
const LOOKED: i64 = 60_000;

/// So many records may be missing together at any time; of more than a hundred, one in ten.
const FEW: usize = 10;

/// Looks at everything; the org notes what is broken.
pub fn at_rest(world: &World<'_>) {
    let log: Vec<Conflict> = {
        let all = world.state().store().scan(&CONFLICTS, &[]);
        all.map(|row| row.unwrap().1).collect()
    };
    both_sides_agree(world);
    nothing_is_there_twice(world);
    nothing_is_lost(world, &log);
    scope::at_rest(world);
    notes::at_rest(world);
    audited::at_rest(world);
    matches::at_rest(world);
    the_ledger_is_right(world, &log);
    let store = world.state().store();
    let jobs = store.count(&WRITE_JOBS).unwrap() + store.count(&JOB_ROWS).unwrap();
    if jobs > 0 {
        broken(world, "I14", format!("{jobs} parts of jobs are left"));
    }
}

/// I44: the results of the latest run add up to what it planned, one for each record, and no record
/// was written without one. Looked at whenever a run has ended, whichever way.
pub fn results_add_up(world: &World<'_>) {
    let store = world.state().store();
    let Some((_, run)) = store.last(&RUNS, &[]).unwrap() else {
        return;
    };
    let of_run = Key::new().number(run.id.0);
    let mut filed = BTreeMap::new();
    for row in store.scan(&LEDGER, &of_run) {
        let (key, kind) = row.unwrap();
        let mut parts = Parts::of(&key);
        parts.number().unwrap();
        filed.insert(parts.text().unwrap().to_owned(), kind);
    }
    let of = |kinds: &[ResultKind]| filed.values().filter(|kind| kinds.contains(kind)).count();
    let is = [
        filed.len(),
        of(&[ResultKind::Noop]),
        of(&[ResultKind::Deferred, ResultKind::Ambiguous]),
        of(&[ResultKind::Skipped]),
        of(&[ResultKind::Quarantined]),
    ];
    let c = run.counts;
    let counted = [c.planned, c.same, c.deferred, c.skipped, c.failed];
    if counted != is.map(|n| n as u64) {
        let what = format!("run {} counted {counted:?}, filed are {is:?}", run.id);
        broken(world, "I44", what);
    }
    let mut told = BTreeMap::new();
    for row in store.scan(&RESULTS, &of_run) {
        let (_, line) = row.unwrap();
        let id = line.app_id.to_string();
        if filed.get(&id) != Some(&line.kind) {
            let what = format!("{id} is {:?}, filed {:?}", line.kind, filed.get(&id));
            broken(world, "I44", what);
        }
        if let Some(other) = told.insert(id, line.kind) {
            let what = format!("{} is {other:?} and {:?}", line.app_id, line.kind);
            broken(world, "I44", what);
        }
    }
    use ResultKind::{Ambiguous, Conflict, Deferred, Quarantined};
    for (id, kind) in &filed {
        let shown = matches!(kind, Quarantined | Ambiguous | Conflict | Deferred);
        if shown && !told.contains_key(id) {
            broken(
                world,
                "I44",
                format!("nobody is told that {id} is {kind:?}"),
            );
        }
    }
    let entries = store.scan(&AUDIT, &[]).rev();
    let entries = entries.map(|row| -> Entry {
        let (_, chained) = row.unwrap();
        serde_json::from_str(&chained.line).unwrap()
    });
    let ours = entries.take_while(|entry| entry.run.is_none_or(|of| of >= run.id));
    for entry in ours.filter(|entry| entry.run == Some(run.id)) {
        for wrote in entry.wrote {
            if !filed.contains_key(wrote.app_id.as_str()) {
                let what = format!("run {} wrote {wrote:?}, and has no result", run.id);
                broken(world, "I44", what);
            }
        }
    }
}

fn broken(world: &World<'_>, invariant: &'static str, what: String) {
    world.org.inner().breaks(invariant, what);
}

/// I1, I10, I11, I21: every live record is linked and equal, or something says why not.
fn both_sides_agree(world: &World<'_>) {
    let state = world.state();
    let name = PairName::new("leads");
    let mut linked = BTreeSet::new();
    let unlisted = too_many_unlisted(world);
    for record in app_records(state) {
        let link = state.link(&name, &record.id).unwrap();
        let asked = !state.open_conflicts(&name, &record.id).unwrap().is_empty();
        let aside = state.quarantined(&name, &record.id).unwrap().is_some();
        let open = state.open_intent(&name, &record.id).unwrap().is_some();
        if open {
            broken(world, "I14", format!("an intent of {} is left", record.id));
        }
        let there = link.as_ref().and_then(|l| l.crm_id);
        linked.extend(there);
        let Some(there) = there else {
            let made = !scope::not_made(&world.org.inner(), &record.fields);
            if record.presence == Presence::Live && !asked && !aside && made {
                broken(world, "I1", format!("{} is not in the CRM", record.id));
            }
            continue;
        };
        let active = link.as_ref().is_some_and(|l| l.state == LinkState::Active);
        let crm = world
            .org
            .inner()
            .lead(&there.to_string())
            .unwrap_or_default();
        let live = crm["IsDeleted"] == false && crm["IsConverted"] == false;
        let gone = crm.is_null() || crm["IsDeleted"] == true;
        if gone && active && record.presence == Presence::Live && !asked && !aside && !unlisted {
            let what = format!("{} lives here, {there} is gone there", record.id);
            broken(world, "I1", what);
        }
        if !active || !live || record.presence != Presence::Live || asked || aside {
            continue;
        }
        for (here, there_field) in HERE.iter().zip(FIELDS) {
            let is = record
                .fields
                .get(*here)
                .map(ToString::to_string)
                .unwrap_or_default();
            let other = crm[there_field].as_str().unwrap_or_default();
            if is != other && there_field != UNGUARDED {
                let what = format!("{} {here} is {is:?}, {there} {other:?}", record.id);
                broken(world, "I1", what);
            }
        }
    }
    let leads = world.org.inner().leads(false);
    for id in leads {
        let id: CrmId = id.parse().unwrap();
        let here = linked.contains(&id) || state.by_crm(&name, &id).unwrap().is_some();
        let here = here || matches::waits(state, &id);
        if !here && !scope::stays_away(&world.org.inner(), &id.to_string()) {
            broken(world, "I10", format!("{id} was never seen"));
        }
    }
}

/// Whether so many linked records are not listed that a comparison of all ids takes it for a
/// permission that was taken away: it says so, and deletes nothing (I27).
fn too_many_unlisted(world: &World<'_>) -> bool {
    let state = world.state();
    let org = world.org.inner();
    let (mut linked, mut unlisted) = (0, 0);
    for row in state.store().scan(&LINKS, &[]) {
        let (_, link) = row.unwrap();
        let Some(id) = link.crm_id else { continue };
        linked += 1;
        let seen = link.seen.as_ref().map(|seen| seen.presence);
        let known = matches!(seen, Some(CrmPresence::Deleted | CrmPresence::Merged(_)));
        let there = org.lead(&id.to_string()).unwrap_or_default();
        let is_gone = there.is_null() || there["IsDeleted"] == true;
        unlisted += usize::from(is_gone && !known);
    }
    unlisted > FEW.max(linked / 10)
}

/// I6 and I28: one record per key and per name, whatever was lost and sent again.
fn nothing_is_there_twice(world: &World<'_>) {
    let org = world.org.inner();
    // A record that somebody deleted or purged gives its key free; the same create may be on its
    // way still from before, or have been looked for just before, and no client can call it back.
    let known = |first: &String, later: u64| {
        let sent = org.arrived.get(later as usize);
        let deleted = org.deleted.get(first);
        deleted
            .zip(sent)
            .is_none_or(|(gone, sent)| gone + LOOKED < *sent)
    };
    let live: BTreeSet<String> = org.leads(false).into_iter().collect();
    let again = |made: &[(String, u64)]| {
        let there = made.iter().filter(|(id, _)| org.lead(id).is_ok());
        let there: Vec<_> = there.collect();
        let pairs = there.windows(2).map(|pair| (pair[0], pair[1]));
        let mut pairs = pairs.filter(|((first, sent), (_, later))| {
            live.contains(first) || later > sent && known(first, *later)
        });
        pairs.next().is_some()
    };
    let twice: Vec<String> = org
        .keys
        .iter()
        .filter(|(_, made)| again(made))
        .map(|(key, made)| format!("{key}: {made:?}"))
        .collect();
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // One that was deleted may have been made anew because a person wanted it.
    for id in org.leads(false) {
        if org.undeleted.contains(&id) {
            continue;
        }
        let record = org.lead(&id).unwrap_or_default();
        let company = record["Company"].as_str().unwrap_or_default();
        if company.starts_with("app company") {
            names.entry(company.to_owned()).or_default().push(id);
        }
    }
    drop(org);
    for what in twice {
        broken(world, "I6", what);
    }
    for (name, ids) in names {
        if ids.len() > 1 {
            broken(world, "I6", format!("{name} is {ids:?}"));
        }
    }
    let mut seen = BTreeSet::new();
    for row in world.state().store().scan(&LINKS, &[]) {
        let (_, link) = row.unwrap();
        if let Some(id) = link.crm_id.filter(|_| link.state == LinkState::Active)
            && !seen.insert(id)
        {
            broken(world, "I6", format!("{id} is linked twice"));
        }
    }
}

/// I4 and I5: what somebody gave is there, or was seen by the other side, or is in the log.
fn nothing_is_lost(world: &World<'_>, log: &[Conflict]) {
    let logged = world.people.logged.lock().unwrap().clone();
    let logged = |text: &str| logged.contains(text);
    let here = world.people.seen_here.lock().unwrap().clone();
    let org = world.org.inner();
    let ours: BTreeSet<String> = org
        .by_us
        .values()
        .flatten()
        .map(|(text, _)| text.clone())
        .collect();
    let overwritten = org.overwritten.clone();
    drop(org);
    for (id, field, text) in overwritten {
        if !here.contains(&text) && !logged(&text) {
            broken(
                world,
                "I5",
                format!("{id} {field} {text:?} was overwritten without a word"),
            );
        }
    }
    let records = app_records(world.state());
    let typed = world.people.typed.lock().unwrap().clone();
    for ((id, field), text) in typed {
        let record = records.iter().find(|r| r.id.as_str() == id);
        let Some(record) = record.filter(|r| r.presence == Presence::Live && !text.is_empty())
        else {
            continue;
        };
        // Decided as a whole: a person took one side's record, with all its values.
        if log.iter().any(|c| c.row.is_none() && c.app_id == record.id) {
            continue;
        }
        let is = record.fields.get(field).unwrap_or(&Value::Null).to_string();
        let known = is == text || ours.contains(&text) || logged(&text);
        if !known {
            broken(
                world,
                "I4",
                format!("{id} {field} {text:?} became {is:?} without a word"),
            );
        }
    }
}

/// I15 and I16: the open conflicts are those that are listed and counted.
fn the_ledger_is_right(world: &World<'_>, log: &[Conflict]) {
    let state = world.state();
    let name = PairName::new("leads");
    let open: BTreeSet<_> = log
        .iter()
        .filter(|c| c.state.is_open())
        .map(|c| c.id)
        .collect();
    let prefix = Key::new().text(name.as_str());
    let mut listed = BTreeSet::new();
    let mut records = 0;
    for row in state.store().scan(&OPEN_CONFLICTS, &prefix) {
        let (_, ids) = row.unwrap();
        records += 1;
        listed.extend(ids);
    }
    if open != listed {
        broken(
            world,
            "I16",
            format!("open are {open:?}, listed {listed:?}"),
        );
    }
    let counted = state.counters(&name).conflicts;
    if counted != records {
        broken(
            world,
            "I15",
            format!("{records} records in conflict, counted {counted}"),
        );
    }
    let closed = log
        .iter()
        .filter(|c| !c.state.is_open() && c.closed_at.is_none());
    for conflict in closed {
        broken(world, "I16", format!("{} ended at no time", conflict.id));
    }
    let live = app_records(state)
        .iter()
        .filter(|r| r.presence == Presence::Live)
        .count();
    let counters = state.counters(&name);
    if counters.records != live as i64 {
        broken(
            world,
            "I15",
            format!("{live} records, counted {}", counters.records),
        );
    }
}
