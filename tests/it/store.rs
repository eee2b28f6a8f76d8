//! The store, from outside: what survives, what is refused, what is found again.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use syncdeck::store::keys::Key;
use syncdeck::store::{
    Batch, Health, Options, Schema, SealError, Sealer, Step, Store, StoreError, SyncHook, Table,
};
use syncdeck::vault::DataKey;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Person {
    name: String,
    age: Option<u32>,
}

const PEOPLE: Table<Person> = Table::new(0x10, "people", 1);
const TEXTS: Table<String> = Table::new(0x11, "texts", 1);
const NUMBERS: Table<u64> = Table::new(0x12, "numbers", 1);

/// What the engine does: the vault's key behind the store's trait.
struct Glue(DataKey);

impl Sealer for Glue {
    fn seal(&self, table: &str, key: &[u8], plain: &[u8]) -> Vec<u8> {
        self.0.seal(table, key, plain)
    }
    fn open(&self, table: &str, key: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.open(table, key, sealed).map_err(|_| SealError)
    }
}

fn sealer() -> Arc<dyn Sealer> {
    Arc::new(Glue(DataKey::from_bytes([7; 32]).unwrap()))
}

fn options(dir: &Path) -> Options {
    Options::new(dir, "a test")
}

fn open(dir: &Path) -> Store {
    Store::open(&options(dir), sealer()).unwrap()
}

fn person(name: &str) -> Person {
    Person {
        name: name.to_owned(),
        age: Some(44),
    }
}

fn put(store: &Store, key: &[u8], value: &Person) {
    let mut batch = store.batch();
    batch.put(&PEOPLE, key, value);
    store.commit(batch).unwrap();
}

/// A second look at the database, without the store in between.
fn raw(dir: &Path) -> sled::Db {
    for _ in 0..200 {
        let config = sled::Config::new()
            .path(dir.join("data"))
            .segment_size(8 * 1024 * 1024)
            .cache_capacity(16 << 20);
        match config.open() {
            Ok(db) => return db,
            Err(_) => std::thread::yield_now(),
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the database stays locked");
}

#[test]
fn values_come_back_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert_eq!(store.get(&PEOPLE, b"a").unwrap(), None);
    put(&store, b"a", &person("Ada"));
    assert_eq!(store.get(&PEOPLE, b"a").unwrap(), Some(person("Ada")));
    assert!(store.contains(&PEOPLE, b"a").unwrap());
    let mut batch = store.batch();
    batch.delete(&PEOPLE, b"a");
    batch.put(&PEOPLE, b"b", &person("Bo"));
    batch.put(&PEOPLE, b"b", &person("Bea"));
    assert_eq!(batch.len(), 2);
    store.commit(batch).unwrap();
    assert!(!store.contains(&PEOPLE, b"a").unwrap());
    assert_eq!(store.get(&PEOPLE, b"b").unwrap(), Some(person("Bea")));
    assert_eq!(store.count(&PEOPLE).unwrap(), 1);
}

#[test]
fn scans_keep_to_order_prefix_and_table() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut batch = store.batch();
    for pair in ["a", "b"] {
        for n in [3, 1, 2, 300] {
            batch.put(&NUMBERS, &Key::new().text(pair).number(n), &n);
        }
    }
    batch.put(&PEOPLE, &[0xff, 0xff], &person("Zed"));
    batch.put(&TEXTS, b"", &"first".to_owned());
    store.commit(batch).unwrap();
    let values = |scan: syncdeck::store::Scan<u64>| -> Vec<u64> {
        scan.map(|item| item.unwrap().1).collect()
    };
    let a = Key::new().text("a");
    let b = Key::new().text("b");
    assert_eq!(values(store.scan(&NUMBERS, &a)), [1, 2, 3, 300]);
    assert_eq!(values(store.scan(&NUMBERS, &[])).len(), 8);
    let from = a.clone().number(3);
    assert_eq!(
        values(store.scan_from(&NUMBERS, &from)),
        [3, 300, 1, 2, 3, 300]
    );
    let to = b.clone().number(2);
    assert_eq!(values(store.scan_range(&NUMBERS, &from..&to)), [3, 300, 1]);
    let back: Vec<u64> = store
        .scan(&NUMBERS, &b)
        .rev()
        .map(|i| i.unwrap().1)
        .collect();
    assert_eq!(back, [300, 3, 2, 1]);
    assert_eq!(store.first(&NUMBERS, &b).unwrap().unwrap().1, 1);
    let (key, last) = store.last(&NUMBERS, &a).unwrap().unwrap();
    assert_eq!((key, last), (a.clone().number(300).into_bytes(), 300));
    assert_eq!(store.keys(&NUMBERS, &a).map(Result::unwrap).count(), 4);
    assert_eq!(
        store.first(&PEOPLE, &[0xff]).unwrap().unwrap().1,
        person("Zed")
    );
    assert_eq!(store.last(&TEXTS, &[]).unwrap().unwrap().0, b"");
    assert_eq!(store.last(&NUMBERS, b"zzz").unwrap(), None);
}

#[test]
fn what_was_applied_is_there_after_a_clean_close() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(dir.path());
        let mut batch = store.batch();
        batch.put(&PEOPLE, b"x", &person("Xi"));
        store.apply(batch).unwrap();
    }
    assert_eq!(
        open(dir.path()).get(&PEOPLE, b"x").unwrap(),
        Some(person("Xi"))
    );
}

#[test]
fn a_second_handle_is_told_who_has_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let refused = Store::open(&options(dir.path()), sealer()).unwrap_err();
    let StoreError::InUse { pid, since, what } = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(*pid, Some(std::process::id()));
    assert_eq!(what, "a test");
    assert!(since.parse::<jiff::Timestamp>().is_ok(), "{since}");
    let error = syncdeck::error::Error::from(refused);
    assert_eq!(error.kind(), syncdeck::error::Kind::Store);
    assert!(error.remedy().unwrap().contains("attach"));
    let scan = store.scan(&PEOPLE, &[]);
    drop(store);
    assert!(
        Store::open(&options(dir.path()), sealer()).is_err(),
        "a scan keeps it open"
    );
    drop(scan);
    open(dir.path());
}

#[test]
fn another_key_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let other = Arc::new(Glue(DataKey::from_bytes([8; 32]).unwrap()));
    let refused = Store::open(&options(dir.path()), other).unwrap_err();
    assert_eq!(refused, StoreError::WrongKey);
    open(dir.path());
}

#[test]
fn flipped_bytes_are_errors_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for (key, name) in [(b"a", "Ada"), (b"b", "Bo"), (b"c", "Cy")] {
        put(&store, key, &person(name));
    }
    drop(store);
    let place = [0x10, b'b'];
    let sealed = raw(dir.path()).get(place).unwrap().unwrap();
    for index in 0..sealed.len() {
        let mut bytes = sealed.to_vec();
        bytes[index] ^= 1 << (index % 8);
        raw(dir.path()).insert(place, bytes).unwrap();
        let store = open(dir.path());
        let corrupt = StoreError::Corrupt {
            table: "people".to_owned(),
            key: "62".to_owned(),
        };
        assert_eq!(
            store.get(&PEOPLE, b"b"),
            Err(corrupt.clone()),
            "byte {index}"
        );
        let all: Vec<_> = store.scan(&PEOPLE, &[]).collect();
        assert_eq!(all.len(), 3);
        assert_eq!(all[1], Err(corrupt));
        assert_eq!(all[2], Ok((b"c".to_vec(), person("Cy"))));
    }
}

#[test]
fn swapped_values_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, b"a", &person("Ada"));
    put(&store, b"b", &person("Bo"));
    let mut batch = store.batch();
    batch.put(&TEXTS, b"a", &"Ada".to_owned());
    store.commit(batch).unwrap();
    drop(store);
    let db = raw(dir.path());
    let (a, b) = (
        db.get(b"\x10a").unwrap().unwrap(),
        db.get(b"\x10b").unwrap().unwrap(),
    );
    let text = db.get(b"\x11a").unwrap().unwrap();
    db.insert(b"\x10a", b).unwrap();
    db.insert(b"\x10b", text).unwrap();
    db.insert(b"\x11a", a).unwrap();
    drop(db);
    let store = open(dir.path());
    for key in [b"a", b"b"] {
        assert!(matches!(
            store.get(&PEOPLE, key),
            Err(StoreError::Corrupt { .. })
        ));
    }
    assert!(matches!(
        store.get(&TEXTS, b"a"),
        Err(StoreError::Corrupt { .. })
    ));
}

fn chunk_count(dir: &Path) -> usize {
    raw(dir).scan_prefix([0xfe]).count()
}

#[test]
fn long_values_are_cut_and_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let megabyte = |seed: char| seed.to_string().repeat(1_000_000);
    let set = |key: &[u8], value: Option<String>| {
        let store = open(dir.path());
        let mut batch = store.batch();
        match &value {
            Some(text) => batch.put(&TEXTS, key, text),
            None => batch.delete(&TEXTS, key),
        }
        store.commit(batch).unwrap();
        assert_eq!(store.get(&TEXTS, key).unwrap(), value);
        let scanned: Vec<_> = store.scan(&TEXTS, key).map(Result::unwrap).collect();
        assert_eq!(scanned.len(), value.iter().count());
    };
    set(b"k", Some(megabyte('a')));
    assert_eq!(chunk_count(dir.path()), 4);
    set(b"k\0\0\0\0", Some(megabyte('b')));
    assert_eq!(chunk_count(dir.path()), 8);
    set(b"k\0\0\0\0", None);
    set(b"k", Some("x".repeat(300_000)));
    assert_eq!(chunk_count(dir.path()), 2);
    set(b"k", Some("short".to_owned()));
    assert_eq!(chunk_count(dir.path()), 0);
    set(b"k", Some(megabyte('c')));
    set(b"k", None);
    assert_eq!(chunk_count(dir.path()), 0);
}

#[test]
fn chunks_of_two_values_do_not_mix() {
    let dir = tempfile::tempdir().unwrap();
    let chunk = b"\xfe\x11k\0\0\0\x01";
    let write = |seed: &str| {
        let store = open(dir.path());
        let mut batch = store.batch();
        batch.put(&TEXTS, b"k", &seed.repeat(600_000));
        store.commit(batch).unwrap();
    };
    write("a");
    let old = raw(dir.path()).get(chunk).unwrap().unwrap();
    write("b");
    raw(dir.path()).insert(chunk, old).unwrap();
    let found = open(dir.path()).get(&TEXTS, b"k");
    assert!(
        matches!(found, Err(StoreError::Corrupt { .. })),
        "a chunk of the older value opens, but does not fit"
    );
    raw(dir.path()).remove(chunk).unwrap();
    let found = open(dir.path()).get(&TEXTS, b"k");
    assert!(matches!(found, Err(StoreError::Corrupt { .. })));
}

#[test]
fn readers_never_see_half_of_a_long_value() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let write = |n: u8| {
        let mut batch = store.batch();
        batch.put(
            &TEXTS,
            b"k",
            &char::from(b'a' + n % 26).to_string().repeat(700_000),
        );
        store.apply(batch).unwrap();
    };
    write(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (0..40).for_each(&write);
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
            let text = store.get(&TEXTS, b"k").unwrap().unwrap();
            let first = text.as_bytes()[0];
            assert!(text.bytes().all(|b| b == first));
        }
    });
}

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

fn one(store: &Store, n: u64) -> Batch {
    let mut batch = store.batch();
    batch.put(&NUMBERS, &Key::new().number(n), &n);
    batch
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
         exec \"$0\" --exact store::on_a_small_disk --nocapture"
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

#[test]
fn two_tables_cannot_share_a_prefix() {
    const CLASH: Table<u64> = Table::new(0x10, "others", 1);
    let dir = tempfile::tempdir().unwrap();
    put(&open(dir.path()), b"a", &person("Ada"));
    let store = open(dir.path());
    let mut batch = store.batch();
    batch.put(&CLASH, b"a", &1);
    assert!(matches!(
        store.commit(batch),
        Err(StoreError::PrefixTaken { .. })
    ));
    assert_eq!(store.health(), Health::Good);
    assert_eq!(store.get(&PEOPLE, b"a").unwrap(), Some(person("Ada")));
}

#[test]
fn older_values_are_upgraded_and_newer_ones_refused() {
    const OLD: Table<String> = Table::new(0x20, "people2", 1);
    const NEW: Table<Person> = Table::new(0x20, "people2", 2).with_upgrade(|version, bytes| {
        let name = (version == 1).then(|| postcard::from_bytes(bytes).ok())??;
        Some(Person { name, age: None })
    });
    const BARE: Table<Person> = Table::new(0x20, "people2", 2);
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut batch = store.batch();
    batch.put(&OLD, b"a", &"Ada".to_owned());
    store.commit(batch).unwrap();
    let wanted = Person {
        name: "Ada".to_owned(),
        age: None,
    };
    assert_eq!(store.get(&NEW, b"a").unwrap(), Some(wanted.clone()));
    assert!(matches!(
        store.get(&BARE, b"a"),
        Err(StoreError::TooOld { found: 1, .. })
    ));
    let mut batch = store.batch();
    batch.put(&NEW, b"a", &wanted);
    store.commit(batch).unwrap();
    assert_eq!(store.get(&NEW, b"a").unwrap(), Some(wanted));
    assert!(matches!(
        store.get(&OLD, b"a"),
        Err(StoreError::Newer {
            found: 2,
            known: 1,
            ..
        })
    ));
}

/// Format 1 keys numbers by decimal text, format 2 by eight bytes: the order was wrong.
fn number_keys(store: &Store) -> Result<Batch, StoreError> {
    let mut batch = store.batch();
    for item in store.scan(&NUMBERS, &[]) {
        let (key, n) = item?;
        batch.delete(&NUMBERS, &key);
        batch.put(&NUMBERS, &Key::new().number(n), &n);
    }
    Ok(batch)
}

static STEPS: [Step; 1] = [Step {
    to: 2,
    what: "numbers in numeric order",
    run: number_keys,
}];

#[test]
fn an_older_store_is_migrated_after_a_backup() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut batch = store.batch();
    for n in [2u64, 10, 9] {
        batch.put(&NUMBERS, n.to_string().as_bytes(), &n);
    }
    store.commit(batch).unwrap();
    drop(store);

    let mut second = options(dir.path());
    second.schema = Schema {
        format: 2,
        steps: &STEPS,
    };
    let store = Store::open(&second, sealer()).unwrap();
    let numbers: Vec<u64> = store.scan(&NUMBERS, &[]).map(|i| i.unwrap().1).collect();
    assert_eq!(numbers, [2, 9, 10]);
    drop(store);
    drop(Store::open(&second, sealer()).unwrap());
    let backups: Vec<PathBuf> = std::fs::read_dir(second.backups())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(backups.len(), 1, "opening it again migrates nothing");

    let refused = Store::open(&options(dir.path()), sealer()).unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Newer {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{refused:?}"
    );
    second.schema = Schema {
        format: 4,
        steps: &STEPS,
    };
    let refused = Store::open(&second, sealer()).unwrap_err();
    assert!(matches!(refused, StoreError::TooOld { found: 2, .. }));

    let restored = tempfile::tempdir().unwrap();
    let mut backup = std::fs::File::open(&backups[0]).unwrap();
    let seal = sealer();
    Store::import(
        &options(restored.path()),
        seal.as_ref(),
        &mut backup,
        seal.as_ref(),
    )
    .unwrap();
    let store = open(restored.path());
    assert_eq!(
        store.get(&NUMBERS, b"10").unwrap(),
        Some(10),
        "the backup has format 1"
    );
}

fn filled(dir: &Path) -> Store {
    let store = open(dir);
    let mut batch = store.batch();
    for n in 0..500u64 {
        batch.put(&PEOPLE, &n.to_be_bytes(), &person(&format!("person {n}")));
    }
    batch.put(&TEXTS, b"long", &"é".repeat(400_000));
    store.commit(batch).unwrap();
    store
}

#[test]
fn an_export_is_read_back_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let seal = sealer();
    let mut file = Vec::new();
    let report = store.export(&mut file, seal.as_ref()).unwrap();
    assert_eq!(report.records, 505);
    assert!(report.damaged.is_empty());
    let import = |dir: &Path, mut bytes: &[u8]| {
        Store::import(&options(dir), seal.as_ref(), &mut bytes, seal.as_ref())
    };

    let whole = tempfile::tempdir().unwrap();
    assert_eq!(import(whole.path(), &file).unwrap().records, 505);
    let copy = open(whole.path());
    let all = |s: &Store| -> Vec<_> { s.scan(&PEOPLE, &[]).map(Result::unwrap).collect() };
    assert_eq!(all(&copy), all(&store));
    assert_eq!(
        copy.get(&TEXTS, b"long").unwrap(),
        store.get(&TEXTS, b"long").unwrap()
    );
    drop(copy);
    assert_eq!(import(whole.path(), &file), Err(StoreError::NotEmpty));

    let last_frame = 5 + 1 + 12 + 32 + 16;
    let mut longer = file.clone();
    longer.push(0);
    let mut flipped = file.clone();
    flipped[file.len() / 2] ^= 4;
    let mut header = file.clone();
    header[20] ^= 1;
    let cut = |n: usize| file[..file.len() - n].to_vec();
    for bad in [
        cut(1),
        cut(last_frame),
        cut(file.len() / 2),
        longer,
        flipped,
        header,
        b"PK".to_vec(),
        Vec::new(),
    ] {
        let other = tempfile::tempdir().unwrap();
        let refused = import(other.path(), &bad).unwrap_err();
        assert!(
            matches!(
                refused,
                StoreError::BadExport { .. } | StoreError::TooOld { .. }
            ),
            "{refused:?}"
        );
        assert!(!other.path().join("data").exists());
        assert!(!other.path().join("data.import").exists());
    }
    let strange = Glue(DataKey::from_bytes([9; 32]).unwrap());
    let other = tempfile::tempdir().unwrap();
    let refused = Store::import(
        &options(other.path()),
        seal.as_ref(),
        &mut file.as_slice(),
        &strange,
    );
    assert!(matches!(refused, Err(StoreError::BadExport { .. })));
}

#[test]
fn backups_are_numbered_and_the_newest_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let keep = std::num::NonZeroUsize::new(3).unwrap();
    let backups = dir.path().join("backups");
    for _ in 0..5 {
        store.backup(&backups, keep).unwrap();
    }
    let mut names: Vec<String> = std::fs::read_dir(&backups)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let wanted = [3, 4, 5].map(|n| format!("syncdeck-{n:06}.backup"));
    assert_eq!(names, wanted);
}

#[test]
fn a_damaged_value_is_left_out_of_an_export_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, b"a", &person("Ada"));
    put(&store, b"b", &person("Bo"));
    drop(store);
    raw(dir.path()).insert(b"\x10a", b"garbage").unwrap();
    let report = open(dir.path())
        .export(&mut io::sink(), sealer().as_ref())
        .unwrap();
    assert_eq!(report.records, 1);
    assert!(
        matches!(&report.damaged[..], [StoreError::Corrupt { table, key }] if table == "people" && key == "61")
    );
}

#[test]
fn a_damaged_store_is_an_error_and_its_copy_is_readable() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    let before = raw(dir.path());
    drop(before);
    let scratch = dir.path().join("copy");
    let store = Store::open_salvage(&options(dir.path()), sealer(), &scratch).unwrap();
    assert_eq!(store.count(&PEOPLE).unwrap(), 500);
    assert_eq!(store.health(), Health::ReadOnly);
    assert_eq!(store.commit(one(&store, 1)), Err(StoreError::ReadOnly));
    drop(store);

    let log = dir.path().join("data/db");
    let bytes = std::fs::read(&log).unwrap();
    let noise: Vec<u8> = bytes
        .iter()
        .enumerate()
        .map(|(i, b)| b ^ (i % 251) as u8)
        .collect();
    std::fs::write(&log, &noise).unwrap();
    let refused = Store::open(&options(dir.path()), sealer()).unwrap_err();
    assert!(!refused.remedy().is_empty());
    assert!(!matches!(refused, StoreError::InUse { .. }), "{refused:?}");
    assert_eq!(
        std::fs::read(&log).unwrap().len(),
        noise.len(),
        "nothing was cut"
    );
}

#[test]
fn a_cut_log_opens_with_true_values_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(dir.path());
        for round in 0..30u64 {
            let mut batch = store.batch();
            for n in 0..100u64 {
                batch.put(
                    &PEOPLE,
                    &(round * 100 + n).to_be_bytes(),
                    &person(&n.to_string()),
                );
            }
            store.commit(batch).unwrap();
        }
    }
    let whole = std::fs::read(dir.path().join("data/db")).unwrap();
    let conf = std::fs::read(dir.path().join("data/conf")).unwrap();
    let used = whole.iter().rposition(|b| *b != 0).unwrap();
    for step in 0..12 {
        let cut = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(cut.path().join("data/blobs")).unwrap();
        std::fs::write(cut.path().join("data/conf"), &conf).unwrap();
        // From a few bytes short of the end to a single segment's head.
        let length = used * (12 - step) / 12 - step * 7;
        std::fs::write(cut.path().join("data/db"), &whole[..length]).unwrap();
        match Store::open(&options(cut.path()), sealer()) {
            Ok(store) => {
                for item in store.scan(&PEOPLE, &[]) {
                    let (key, value) = item.unwrap();
                    let n = u64::from_be_bytes(key.try_into().unwrap()) % 100;
                    assert_eq!(value, person(&n.to_string()));
                }
                assert_eq!(store.count(&PEOPLE).unwrap() % 100, 0, "batches are whole");
            }
            Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}"),
        }
    }
}

#[test]
fn a_store_that_lost_its_log_is_not_taken_for_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    std::fs::write(dir.path().join("data/db"), b"").unwrap();
    for entry in std::fs::read_dir(dir.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .file_name()
            .unwrap()
            .as_encoded_bytes()
            .starts_with(b"snap")
        {
            std::fs::remove_file(path).unwrap();
        }
    }
    for _ in 0..2 {
        let refused = Store::open(&options(dir.path()), sealer()).unwrap_err();
        assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
    }
}

/// sled takes a damaged spot for the end of its log: without the mark, this would open as an
/// older store and say nothing.
#[test]
fn a_flipped_byte_in_the_log_never_takes_back_writes_silently() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(dir.path());
        for n in 0..60 {
            store.commit(one(&store, n)).unwrap();
        }
    }
    let whole = std::fs::read(dir.path().join("data/db")).unwrap();
    let used = whole.iter().rposition(|b| *b != 0).unwrap();
    let mut lost = 0;
    for step in 0..40 {
        let other = tempfile::tempdir().unwrap();
        copy_store(dir.path(), other.path());
        let mut bytes = whole.clone();
        bytes[used * step / 40 + step] ^= 0x20;
        std::fs::write(other.path().join("data/db"), &bytes).unwrap();
        match Store::open(&options(other.path()), sealer()) {
            Ok(store) => assert_eq!(store.count(&NUMBERS).unwrap(), 60, "step {step}"),
            Err(StoreError::Lost { missing }) => {
                assert!((1..=60).contains(&missing));
                lost += 1;
            }
            Err(StoreError::Damaged { .. } | StoreError::WrongKey) => {}
            Err(other) => panic!("step {step}: {other:?}"),
        }
    }
    assert!(lost > 0, "some of the flips cut the log short");
}

#[test]
fn an_older_state_is_taken_only_when_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let old = tempfile::tempdir().unwrap();
    put(&open(dir.path()), b"a", &person("Ada"));
    copy_store(dir.path(), old.path());
    put(&open(dir.path()), b"b", &person("Bo"));
    std::fs::copy(dir.path().join("mark"), old.path().join("mark")).unwrap();
    let refused = Store::open(&options(old.path()), sealer()).unwrap_err();
    assert_eq!(refused, StoreError::Lost { missing: 1 });
    assert!(refused.remedy().contains("`mark`"));
    std::fs::remove_file(old.path().join("mark")).unwrap();
    let store = open(old.path());
    assert_eq!(store.get(&PEOPLE, b"a").unwrap(), Some(person("Ada")));
    put(&store, b"c", &person("Cy"));
    drop(store);
    open(old.path());
    std::fs::write(old.path().join("mark"), b"?").unwrap();
    open(old.path());
}

fn copy_store(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("data/blobs")).unwrap();
    std::fs::copy(from.join("mark"), to.join("mark")).unwrap();
    for entry in std::fs::read_dir(from.join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join("data").join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn no_plain_value_reaches_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let secret = "zqx-unmistakable-value";
    put(&store, b"a", &person(secret));
    let mut batch = store.batch();
    batch.put(&TEXTS, b"long", &secret.repeat(20_000));
    store.commit(batch).unwrap();
    let keep = std::num::NonZeroUsize::new(1).unwrap();
    store.backup(&dir.path().join("backups"), keep).unwrap();
    drop(store);
    let mut seen = 0;
    let mut folders = vec![dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            seen += bytes.len();
            let found = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
            assert!(!found(b"zqx-unmistakable"), "{}", path.display());
            assert!(!found(&[7; 32]), "the key is in {}", path.display());
        }
    }
    assert!(seen > 800_000, "there was something to look at");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// The store behaves like a map, over batches, deletes and reopening.
    #[test]
    fn behaves_like_a_map(batches in prop::collection::vec(prop::collection::vec((prop::collection::vec(0u8..4, 0..4), prop::option::of((".{0,12}", any::<bool>()))), 0..8), 1..8)) {
        let dir = tempfile::tempdir().unwrap();
        let mut model: BTreeMap<Vec<u8>, String> = BTreeMap::new();
        let mut store = open(dir.path());
        for (index, writes) in batches.into_iter().enumerate() {
            let mut batch = store.batch();
            for (key, value) in writes {
                match value {
                    Some((text, long)) => {
                        let text = if long { format!("{text}{}", "+".repeat(270_000)) } else { text };
                        batch.put(&TEXTS, &key, &text);
                        model.insert(key, text);
                    }
                    None => {
                        batch.delete(&TEXTS, &key);
                        model.remove(&key);
                    }
                }
            }
            store.apply(batch).unwrap();
            if index % 3 == 2 {
                drop(store);
                store = open(dir.path());
            }
            let found: BTreeMap<_, _> = store.scan(&TEXTS, &[]).map(Result::unwrap).collect();
            prop_assert_eq!(&found, &model);
        }
    }
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
            .args(["--exact", "store::victim", "--nocapture"])
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
        .args(["--exact", "store::victim", "--nocapture"])
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
