//! The audit log against what happened: the chain is whole, and every change of an App record and
//! every write to the org has exactly one entry (I35).

use std::collections::HashMap;

use syncdeck::engine::audit::{Did, Place, What, newest, verify};
use syncdeck::engine::command::Page;

use super::World;
use super::agree::app_records;

/// What the log tells of writes: by side, record and deed.
pub fn told(world: &World) -> HashMap<(Place, String, Did), u64> {
    let page = Page {
        offset: 0,
        limit: usize::MAX,
    };
    let mut told = HashMap::new();
    for entry in newest(world.state(), None, page).unwrap().rows {
        assert_eq!(entry.what == What::Wrote, !entry.wrote.is_empty());
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
