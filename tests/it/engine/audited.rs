//! The audit log against what happened: the chain is whole, and every change of an App record and
//! every write to the org has exactly one entry (I35).

use std::collections::HashMap;

use syncdeck::engine::audit::{Chained, Did, Entry, Place, Step, What, newest, oldest, verify};
use syncdeck::engine::command::Page;
use syncdeck::engine::summary::{Summary, Target};
use syncdeck::engine::tables::AUDIT;
use syncdeck::engine::tx::Durability;

use serde_json::json;

use super::agree::app_records;
use super::{World, fault};

/// What the log tells of writes: by side, record and deed.
pub fn told(world: &World) -> HashMap<(Place, String, Did), u64> {
    let page = Page {
        offset: 0,
        limit: usize::MAX,
    };
    let mut told = HashMap::new();
    for entry in newest(world.state(), None, page).unwrap().rows {
        let tells = matches!(entry.what, What::Wrote | What::Refused | What::Unknown);
        assert_eq!(tells, !entry.wrote.is_empty());
        if entry.what != What::Wrote {
            continue;
        }
        for wrote in entry.wrote {
            let id = match wrote.side {
                Place::App => wrote.app_id.to_string(),
                Place::Crm => wrote.crm_id.unwrap().to_string(),
            };
            *told.entry((wrote.side, id, wrote.did)).or_default() += 1;
        }
    }
    told
}

/// Where the log and the App's records differ, and where the chain is broken.
pub fn unaudited(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(broken) = verify(world.state(), &[]).unwrap().broken {
        all.push(format!("the audit log: {broken:?}"));
    }
    let mut changes: HashMap<String, u64> = HashMap::new();
    for ((side, id, _), times) in told(world) {
        if side == Place::App {
            *changes.entry(id).or_default() += times;
        }
    }
    for pair in world.state().pairs().unwrap() {
        for record in app_records(world, &pair.name) {
            let told = changes.get(record.id.as_str()).copied().unwrap_or(0);
            if told != record.rev {
                let (id, rev) = (&record.id, record.rev);
                all.push(format!("{id} changed {rev} times, the log tells of {told}"));
            }
        }
    }
    all
}

fn entries(world: &World, what: What) -> Vec<Entry> {
    let page = Page {
        offset: 0,
        limit: usize::MAX,
    };
    let all = newest(world.state(), None, page).unwrap().rows;
    all.into_iter().filter(|entry| entry.what == what).collect()
}

/// A write that is refused, and what follows of it, is told in the log; values by digests alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_salesforce_refused_is_in_the_log() {
    let mut world = World::imported().await;
    let key = world.key("accounts", &world.account(0));
    world.edit(&key, "name", "Nobody may see this").await;
    world.org().inject(fault(json!({
        "kind": "refuse_rows", "share": 1.0, "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "method": "POST", "path": "*/composite",
    })));
    let run = world.sync_pair("accounts").await.run.id;
    let refused = entries(&world, What::Refused).remove(0);
    assert_eq!((refused.run, refused.wrote.len()), (Some(run), 1));
    let wrote = &refused.wrote[0];
    assert_eq!(
        wrote.code.as_deref(),
        Some("FIELD_CUSTOM_VALIDATION_EXCEPTION")
    );
    assert!(wrote.before.is_some() && wrote.after.is_some() && wrote.intent.is_some());
    let aside = entries(&world, What::Quarantine).remove(0).asides.remove(0);
    assert_eq!((aside.app_id, aside.step), (key.app_id.clone(), Step::In));
    world.org().clear_faults();
    world.edit(&key, "name", "Somebody may").await;
    world.sync_pair("accounts").await;
    let aside = entries(&world, What::Quarantine).remove(0).asides.remove(0);
    assert_eq!(aside.step, Step::Out);
    // Both sides change: the conflict is told, with the digest of each value.
    world.change(&world.account(0), json!({"Name": "Theirs"}));
    world.edit(&key, "name", "Ours").await;
    world.sync_pair("accounts").await;
    let turns = entries(&world, What::Conflicts);
    assert!(
        turns
            .iter()
            .any(|e| e.turns.iter().any(|t| t.app.is_some() && t.crm.is_some()))
    );
    for (_, line) in oldest(world.state(), 0, usize::MAX).unwrap() {
        assert!(!line.line.contains("Nobody may see this"), "{}", line.line);
    }
    assert!(unaudited(&world).is_empty());
}

/// The end of the chain is looked at when the engine starts (11.3), and what is wrong is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_entry_is_seen_at_the_next_start() {
    let mut world = World::imported().await;
    world.restart().await;
    let broken = |s: &Summary| s.attention.iter().any(|a| a.target == Target::Audit);
    world
        .summary("nothing broken", |s| !s.pairs.is_empty() && !broken(s))
        .await;
    let (key, last): (Vec<u8>, Chained) = world.state().store().last(&AUDIT, &[]).unwrap().unwrap();
    let changed = Chained {
        line: last.line.replace("syncdeck", "somebody"),
        ..last.clone()
    };
    assert_ne!(changed.line, last.line);
    let mut tx = world.state().begin();
    tx.put(&AUDIT, &key, &changed);
    tx.commit(Durability::Now).unwrap();
    world.restart().await;
    let told = world.summary("the broken log", broken).await;
    let row = told
        .attention
        .iter()
        .find(|a| a.target == Target::Audit)
        .unwrap();
    assert!(
        row.text.contains("the audit log is broken at entry"),
        "{}",
        row.text
    );
    assert_eq!(
        told.attention[0].target,
        Target::Audit,
        "before anything else"
    );
}
