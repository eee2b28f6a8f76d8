//! The real program on bad ground (sync-semantics 26.1, level 3): a second one on the same store,
//! a log whose end is gone, a disk without room. Kills at any moment are in `kill`.
//!
//! Invariant: whatever is refused changes nothing, and when the ground is good again both sides
//! become equal.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::files::copy;
use crate::world::{Wanted, World};

const PATIENCE: Duration = Duration::from_secs(60);
const PAIRS: [(&str, &str); 2] = [("accounts", "Account"), ("contacts", "Contact")];

fn connected(leads: usize) -> World {
    let world = World::new(&Wanted {
        leads,
        ..Wanted::default()
    });
    world.connect();
    world
}

/// Records of both sides, by pair.
fn counts(world: &World) -> Vec<(usize, usize)> {
    let there = |object| world.query(&format!("SELECT Id FROM {object}")).len();
    let each = PAIRS.iter();
    each.map(|(pair, object)| (world.export(pair).len(), there(object)))
        .collect()
}

fn assert_equal(world: &World) {
    for (here, there) in counts(world) {
        assert_eq!(here, there);
    }
}

fn writes(world: &World) -> usize {
    world.control().written().len()
}

#[test]
fn a_second_program_on_the_store_is_refused_and_changes_nothing() {
    let world = connected(200);
    world.ok(&["sync"]);
    let delay = json!({"kind": "delay", "ms": 60_000, "path": "/query", "times": 1});
    let slow = world
        .control()
        .inject(serde_json::from_value(delay).unwrap());
    let mut first = world
        .command(&["sync"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !world
        .control()
        .faults()
        .iter()
        .any(|f| f.id == slow && f.struck > 0)
    {
        assert!(began.elapsed() < PATIENCE, "the first one asks nothing");
        std::thread::yield_now();
    }
    let requests = world.control().counters().requests;
    for args in [&["sync"][..], &["sync", "--full"]] {
        let second = world.run(args);
        assert_eq!(second.status.code(), Some(2));
        let said = String::from_utf8(second.stderr).unwrap();
        assert!(said.contains(&format!("process {}", first.id())), "{said}");
    }
    assert_eq!(world.control().counters().requests, requests);
    first.kill().unwrap();
    first.wait().unwrap();
    world.control().clear_faults();
    world.ok(&["sync"]);
    assert_equal(&world);
}

#[test]
fn a_log_whose_end_is_gone_is_refused_or_true() {
    let world = connected(200);
    world.ok(&["sync"]);
    let id = world.query("SELECT Id FROM Account ORDER BY Id")[0]["Id"].clone();
    let id = id.as_str().unwrap();
    let store = world.profile().join("store");
    let whole = tempfile::tempdir().unwrap();
    copy(&store, whole.path());
    let before = writes(&world);
    // Behind the last record the log is prepared room.
    let log = std::fs::read(store.join("data/db")).unwrap();
    let length = log.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
    let mut refused = 0;
    for cut in [1, 300, 5_000, 100_000, length / 2] {
        std::fs::remove_dir_all(&store).unwrap();
        copy(whole.path(), &store);
        let log = std::fs::File::options()
            .write(true)
            .open(store.join("data/db"))
            .unwrap();
        log.set_len(length - cut).unwrap();
        drop(log);
        world.colleague(id, &json!({"Name": format!("Cut by {cut}")}));
        let end = world.run(&["sync"]);
        match end.status.code() {
            Some(0 | 1) => assert_equal(&world),
            Some(2) => refused += 1,
            other => panic!("{other:?} {end:?}"),
        }
        assert_eq!(writes(&world), before, "cut by {cut}");
    }
    assert!(refused > 0, "none of {length} bytes was missed");
    std::fs::remove_dir_all(&store).unwrap();
    copy(whole.path(), &store);
    world.ok(&["sync"]);
    assert_equal(&world);
}

/// Needs the right to mount in a namespace of its own.
#[test]
fn without_room_a_sync_fails_and_with_room_it_goes_on() {
    let may = Command::new("unshare").args(["-rm", "true"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        return;
    }
    let world = connected(2_000);
    let store = world.profile().join("store");
    let kept = tempfile::tempdir().unwrap();
    copy(&store, kept.path());
    let used = size(&store) >> 20;
    // Room for what is there and not for another segment of the log.
    let script = format!(
        "mount -t tmpfs -o size={}m tmpfs \"$STORE\" && cp -a \"$KEPT\"/. \"$STORE\"\n\
         \"$0\" sync; echo \"first $?\" >&2\n\
         mount -o remount,size=512m \"$STORE\"\n\
         \"$0\" sync; echo \"second $?\" >&2\n\
         \"$0\" records export accounts --format ndjson | wc -l | sed 's/^/accounts /' >&2",
        used + 4
    );
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script])
        .arg(env!("CARGO_BIN_EXE_syncdeck"))
        .envs(world.variables())
        .env("STORE", &store)
        .env("KEPT", kept.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("first 2"), "{said}");
    assert!(
        said.contains("second 0") || said.contains("second 1"),
        "{said}"
    );
    let there = world.query("SELECT Id FROM Account").len();
    assert!(
        said.contains(&format!("accounts {there}")),
        "{there} there: {said}"
    );
    assert_eq!(writes(&world), 0, "an import writes nothing");
}

fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let each = entries.map(|entry| match entry.file_type().unwrap().is_dir() {
        true => size(&entry.path()),
        false => entry.metadata().unwrap().len(),
    });
    each.sum()
}
