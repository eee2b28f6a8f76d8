//! Killed processes, full disks, and when writes are durable.

use super::*;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use syncdeck::store::SyncHook;

#[derive(Default)]
struct Counting {
    synced: AtomicU32,
    full: AtomicBool,
}

impl SyncHook for Counting {
    fn before_sync(&self) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
    fn synced(&self) {
        self.synced.fetch_add(1, Ordering::SeqCst);
    }
}

fn counted(dir: &Path) -> (Store, Arc<Counting>) {
    let hook = Arc::new(Counting::default());
    let mut options = options(dir);
    options.hook = Some(hook.clone());
    (Store::open(&options, sealer()).unwrap(), hook)
}

#[test]
fn commit_syncs_and_apply_does_within_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let (store, hook) = counted(dir.path());
    let synced = || hook.synced.load(Ordering::SeqCst);
    store.commit(one(&store, 0)).unwrap();
    assert_eq!(synced(), 1);
    for n in 0..39 {
        store.apply(one(&store, n)).unwrap();
    }
    assert_eq!(synced(), 1);
    store.apply(one(&store, 40)).unwrap();
    assert_eq!(synced(), 2, "the fortieth batch makes a durable point");
    let mut large = store.batch();
    for n in 0..8_000u64 {
        large.put(&NUMBERS, &Key::new().number(n), &n);
    }
    store.apply(large).unwrap();
    assert_eq!(synced(), 3, "so do 8,000 writes");
    store.apply(one(&store, 1)).unwrap();
    store.sync().unwrap();
    assert_eq!(synced(), 4);
}

#[test]
fn a_full_disk_stops_writes_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let (store, hook) = counted(dir.path());
    store.commit(one(&store, 1)).unwrap();
    hook.full.store(true, Ordering::SeqCst);
    assert_eq!(store.commit(one(&store, 2)), Err(StoreError::Full));
    assert_eq!(store.health(), Health::Stopped(StoreError::Full));
    assert_eq!(store.apply(one(&store, 3)), Err(StoreError::Full));
    assert_eq!(store.probe(), Err(StoreError::Full));
    assert_eq!(
        store.get(&NUMBERS, &Key::new().number(1)).unwrap(),
        Some(1),
        "reading goes on"
    );
    hook.full.store(false, Ordering::SeqCst);
    assert_eq!(
        store.apply(one(&store, 4)),
        Err(StoreError::Full),
        "only a probe decides"
    );
    let scan = store.scan(&NUMBERS, &[]);
    assert_eq!(
        store.probe(),
        Err(StoreError::Full),
        "an open scan holds the old handle"
    );
    drop(scan);
    store.probe().unwrap();
    assert_eq!(store.health(), Health::Good);
    store.commit(one(&store, 5)).unwrap();
    let there = |n: u64| store.contains(&NUMBERS, &Key::new().number(n)).unwrap();
    assert!(there(1) && there(5) && !there(3) && !there(4));
    assert!(!dir.path().join("probe").exists());
}

/// Set for the process that [`a_disk_that_is_really_full`] starts on a small file system.
const SMALL_DISK: &str = "SYNCDECK_TEST_STORE_SMALL_DISK";

#[test]
fn on_a_small_disk() {
    let Some(dir) = std::env::var_os(SMALL_DISK) else {
        return;
    };
    let dir = Path::new(&dir);
    let ballast = dir.join("ballast");
    std::fs::write(&ballast, vec![1; 24 << 20]).unwrap();
    let store = open(dir);
    let value = |n: u64| format!("{n:07}").repeat(5_000);
    let mut acknowledged = 0;
    let error = loop {
        let mut batch = store.batch();
        batch.put(
            &TEXTS,
            &Key::new().number(acknowledged),
            &value(acknowledged),
        );
        match store.commit(batch) {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, StoreError::Full);
    assert_eq!(store.health(), Health::Stopped(StoreError::Full));
    assert_eq!(store.probe(), Err(StoreError::Full));
    let backups = dir.join("backups");
    let failed = store.backup(&backups, std::num::NonZeroUsize::MIN);
    assert!(failed.is_err());
    let left = std::fs::read_dir(&backups).unwrap().count();
    assert_eq!(left, 0, "a backup that failed takes no room");
    std::fs::remove_file(&ballast).unwrap();
    store.probe().unwrap();
    for _ in 0..20 {
        let mut batch = store.batch();
        batch.put(
            &TEXTS,
            &Key::new().number(acknowledged),
            &value(acknowledged),
        );
        store.commit(batch).unwrap();
        acknowledged += 1;
    }
    drop(store);
    let store = open(dir);
    for n in 0..acknowledged {
        let found = store.get(&TEXTS, &Key::new().number(n)).unwrap();
        assert!(found == Some(value(n)), "value {n} of {acknowledged}");
    }
    writeln!(io::stderr(), "kept {acknowledged}").unwrap();
}

/// Needs the right to mount in a namespace of its own; elsewhere the injected error above stands.
#[test]
fn a_disk_that_is_really_full() {
    let may = Command::new("unshare").args(["-rm", "true"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=64m tmpfs \"${SMALL_DISK}\" && \
         exec \"$0\" --exact store::crash::on_a_small_disk --nocapture"
    );
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(SMALL_DISK, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("kept "), "{said}");
}

/// Set for the process that [`acknowledged_batches_survive_a_kill`] starts and kills.
const VICTIM: &str = "SYNCDECK_TEST_STORE_VICTIM";

/// Commits batches of related values for ever and says after each which one is durable.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os(VICTIM) else {
        return;
    };
    let store = open(Path::new(&dir));
    let start = store.last(&NUMBERS, &[]).unwrap().map_or(0, |(_, n)| n + 1);
    for n in start.. {
        let mut batch = one(&store, n);
        for part in 0..5u64 {
            let key = Key::new().number(n).number(part);
            batch.put(&TEXTS, &key, &format!("{n}/{part}").repeat(100));
        }
        store.commit(batch).unwrap();
        let mut out = io::stderr().lock();
        writeln!(out, "durable {n}").unwrap();
    }
}

fn durable(line: &str) -> Option<u64> {
    line.strip_prefix("durable ")?.parse().ok()
}

#[test]
fn acknowledged_batches_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = None;
    for round in 0..20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::crash::victim", "--nocapture"])
            .env(VICTIM, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        for _ in 0..=(round * 7 % 40) {
            let line = lines.next().expect("the child goes on").unwrap();
            acknowledged = durable(&line).or(acknowledged);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            acknowledged = durable(&line).or(acknowledged);
        }
        let store = open(dir.path());
        let last = store.last(&NUMBERS, &[]).unwrap().unwrap().1;
        assert!(
            Some(last) >= acknowledged,
            "round {round}: {last} < {acknowledged:?}"
        );
        assert_eq!(store.count(&NUMBERS).unwrap(), last + 1);
        for n in 0..=last {
            let parts = store
                .scan(&TEXTS, &Key::new().number(n))
                .map(Result::unwrap);
            assert_eq!(parts.count(), 5, "batch {n} is whole");
        }
        assert_eq!(
            store.count(&TEXTS).unwrap(),
            (last + 1) * 5,
            "and no part without it"
        );
    }
    assert!(acknowledged > Some(100));
}

#[test]
fn the_lock_message_names_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::crash::victim", "--nocapture"])
        .env(VICTIM, dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_exact(&mut [0; 9]).unwrap();
    let refused = Store::open(&options(dir.path()), sealer()).unwrap_err();
    assert!(matches!(refused, StoreError::InUse { pid: Some(pid), .. } if pid == child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    open(dir.path());
}
