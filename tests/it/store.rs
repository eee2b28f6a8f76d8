//! The store, from outside: what survives, what is refused, what is found again.

mod backup;
mod crash;
mod damage;
mod memory;
mod moves;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use syncdeck::store::keys::Key;
use syncdeck::store::{Batch, Health, Options, SealError, Sealer, Store, StoreError, Table};
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

/// Opens it. A process that another test starts at this moment holds our lock, too, until it is a
/// program of its own: that is not what these tests are about.
fn open(dir: &Path) -> Store {
    loop {
        match Store::open(&options(dir), sealer()) {
            Err(StoreError::InUse { pid: Some(pid), .. }) if pid == std::process::id() => {
                std::thread::yield_now();
            }
            opened => return opened.unwrap(),
        }
    }
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

/// A second look at the database, without the store in between. sled gives its lock back from a thread of its own,
/// after the last handle is gone, and tells nobody: the only way to see it is to ask again.
fn raw(dir: &Path) -> sled::Db {
    for _ in 0..200 {
        let config = sled::Config::new()
            .path(dir.join("data"))
            .segment_size(8 * 1024 * 1024)
            .cache_capacity(16 << 20);
        match config.open() {
            Ok(db) => return db,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
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
    assert!(error.remedy().unwrap().contains("end the running one"));
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

fn one(store: &Store, n: u64) -> Batch {
    let mut batch = store.batch();
    batch.put(&NUMBERS, &Key::new().number(n), &n);
    batch
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
