//! Compares both sides record by record and value by value, asking the org itself, and counts
//! again what the engine keeps counters of.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;
use syncdeck::appdb::embedded::{OUTBOX, RECORDS};
use syncdeck::cli::say;
use syncdeck::domain::append::Appended;
use syncdeck::domain::id::{AppId, CrmId, PairName, RunId};
use syncdeck::domain::mapping::{Flow, Pair};
use syncdeck::domain::reconcile::{Compiled, CompiledRow, canon_cell, cell_of};
use syncdeck::domain::record::{AppRecord, Link, LinkState, Presence};
use syncdeck::domain::run::RunState;
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::Fields;
use syncdeck::engine::cx::{RunCx, Settings};
use syncdeck::engine::tables::{
    CONFLICTS, Counters, JOB_ROWS, LINKS, OPEN_CONFLICTS, OVERRULES, QUARANTINE, TODO, WRITE_JOBS,
};
use syncdeck::store::keys::Key;

use super::World;

/// Fails with every difference of the two sides, of the counters, and with every open intent.
#[track_caller]
pub fn assert_agree(world: &World) {
    let differences = differences(world);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The next run takes in what one before it left, which had made so many, and nothing twice.
pub async fn takes_in_the_rest(world: &mut World, pair: &str, made: u64) {
    let end = world.sync_pair(pair).await;
    assert_eq!(end.run.state, RunState::Succeeded, "{:?}", end.run);
    let here = world.app_ids(pair).len() as u64;
    assert_eq!(here, made + end.run.counts.created);
    assert_agree(world);
}

/// Everything that is not as it should be once nothing is left to do.
pub fn differences(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for pair in world.state().pairs().unwrap() {
        compare(world, pair, &mut all);
    }
    for intent in world.state().intents().unwrap() {
        all.push(format!("an intent is left: {intent:?}"));
    }
    let store = world.state().store();
    let jobs = store.count(&WRITE_JOBS).unwrap() + store.count(&JOB_ROWS).unwrap();
    if jobs > 0 {
        all.push(format!("{jobs} parts of jobs are left"));
    }
    all.extend(miscounted(world));
    all.extend(super::audited::unaudited(world));
    all
}

/// Counters that are not what counting gives.
pub fn miscounted(world: &World) -> Vec<String> {
    let state = world.state();
    let store = state.store();
    let mut all = Vec::new();
    for pair in state.pairs().unwrap() {
        let name = Key::new().text(pair.name.as_str());
        let table = Key::new().text(pair.table.as_str());
        let live = app_records(world, &pair.name)
            .iter()
            .filter(|r| r.presence == Presence::Live)
            .count();
        let staged = store
            .scan(&CONFLICTS, &[])
            .map(|row| row.unwrap().1)
            .filter(|c| c.pair == pair.name && c.staged.is_some())
            .count();
        let overruled: usize = store
            .scan(&OVERRULES, &name)
            .map(|row| row.unwrap().1.len())
            .sum();
        let waiting = store.keys(&OUTBOX, &table).count() + store.keys(&TODO, &name).count();
        let counted = Counters {
            records: live as i64,
            conflicts: store.keys(&OPEN_CONFLICTS, &name).count() as i64,
            staged: (staged + overruled) as i64,
            quarantined: store.keys(&QUARANTINE, &name).count() as i64,
            waiting: waiting as i64,
        };
        let kept = state.counters(&pair.name);
        if kept != counted {
            all.push(format!("{}: kept {kept:?}, counted {counted:?}", pair.name));
        }
    }
    all
}

/// All App records of a pair, tombstones included.
pub fn app_records(world: &World, pair: &PairName) -> Vec<AppRecord> {
    let state = world.state();
    let table = state.pair(pair).unwrap().unwrap().table;
    state
        .store()
        .scan(&RECORDS, &Key::new().text(table.as_str()))
        .map(|row| row.unwrap().1)
        .collect()
}

/// Whether something says that the sides of a record may differ.
fn excused(world: &World, pair: &PairName, id: &AppId) -> bool {
    let state = world.state();
    !state.open_conflicts(pair, id).unwrap().is_empty()
        || state.quarantined(pair, id).unwrap().is_some()
}

/// Whether the App record was deleted and the link ended with that: a CRM record that somebody
/// brings back then is on its own, and a converted lead stays as it is.
fn ended(world: &World, pair: &PairName, id: &AppId) -> bool {
    let link = world.state().link(pair, id).unwrap();
    link.is_some_and(|link| matches!(link.state, LinkState::Closed | LinkState::Converted))
}

fn compare(world: &World, pair: Pair, all: &mut Vec<String>) {
    let state = world.state();
    let object = state.object(&pair.object).unwrap().unwrap();
    let compiled = Compiled::new(pair, &object);
    let cx = RunCx::new(state, RunId(0), compiled, Settings::default()).unwrap();
    let name = cx.name().clone();
    let rows: Vec<&CompiledRow> = cx
        .pair
        .rows
        .iter()
        .filter(|row| {
            matches!(
                row.row.flow,
                Flow::Both | Flow::ToApp(_) | Flow::Computed(_)
            )
        })
        .collect();
    let records = crm_records(world, &cx, &rows);
    let mut apps: HashMap<AppId, AppRecord> = app_records(world, &name)
        .into_iter()
        .filter(|app| app.presence == Presence::Live)
        .map(|app| (app.id.clone(), app))
        .collect();
    let mut links: HashMap<CrmId, Link> = HashMap::new();
    for row in state.store().scan(&LINKS, &Key::new().text(name.as_str())) {
        let (_, link) = row.unwrap();
        if let Some(id) = link.crm_id
            && apps.contains_key(&link.app_id)
            && let Some(other) = links.insert(id, link)
        {
            all.push(format!(
                "{name} {id} has two links, one of {}",
                other.app_id
            ));
        }
    }
    let tx = state.begin();
    for (id, fields) in &records {
        let Some(link) = links.get(id) else {
            let app = state.by_crm(&name, id).unwrap();
            if !app.is_some_and(|app| excused(world, &name, &app) || ended(world, &name, &app)) {
                all.push(format!("{name} {id} is not in the App"));
            }
            continue;
        };
        let app = apps.remove(&link.app_id).unwrap();
        if excused(world, &name, &app.id) || link.state == LinkState::Converted {
            continue;
        }
        for row in &rows {
            let here = cell_of(Side::App, &row.row.app, &app.fields).unwrap_or_default();
            let here = canon_cell(&row.app, &here);
            let there = cell_of(Side::Crm, &row.row.crm, fields).unwrap_or_default();
            let there = cx.with(
                &tx,
                Some(&app),
                None,
                &Appended::new(),
                app.updated_at,
                |c| row.row.to_app.apply(Side::App, &there, c.lookup),
            );
            let there = there.map(|cell| canon_cell(&row.app, &cell));
            if there.as_ref().ok() != Some(&here) {
                let label = row.row.label(Side::App);
                all.push(format!(
                    "{name} {id} {label}: App {here:?}, Salesforce {there:?}, base {:?}",
                    link.bases.get(&row.row.id)
                ));
            }
        }
    }
    drop(tx);
    for app in apps.values().filter(|app| !excused(world, &name, &app.id)) {
        all.push(format!(
            "{name} {} is not in Salesforce: {:?}",
            app.id,
            state.link(&name, &app.id).unwrap().map(|l| l.state)
        ));
    }
}

/// Live records of the org with the values that are compared.
fn crm_records(world: &World, cx: &RunCx, rows: &[&CompiledRow]) -> Vec<(CrmId, Fields)> {
    let names: HashSet<&str> = rows
        .iter()
        .flat_map(|row| row.row.crm.iter().map(|f| f.as_str()))
        .chain(["Id"])
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    let soql = format!("SELECT {} FROM {}", names.join(", "), cx.pair.pair.object);
    let answer = world.org().query(&soql).unwrap();
    let fields = |record: &Json| {
        let mut fields = Fields::new();
        for row in rows {
            for (name, kind) in row.row.crm.iter().zip(&row.crm) {
                let value = say::parse_json(*kind, &record[name.as_str()]).unwrap();
                fields.insert(name.clone(), value);
            }
        }
        fields
    };
    let records = answer["records"].as_array().unwrap();
    records
        .iter()
        .map(|record| {
            let id: CrmId = record["Id"].as_str().unwrap().parse().unwrap();
            (id, fields(record))
        })
        .collect()
}
