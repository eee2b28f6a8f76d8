//! Exports, imports, backups, and stores and values of older formats.

use super::*;
use std::io;
use std::path::PathBuf;
use syncdeck::store::{Schema, Step};

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
fn a_store_in_the_place_of_another_says_so_until_that_was_dealt_with() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let seal = sealer();
    let mut file = Vec::new();
    store.export(&mut file, seal.as_ref()).unwrap();
    drop(store);
    let says = |dir: &Path| open(dir).was_put_back().unwrap();
    assert!(!says(dir.path()), "it was never anywhere else");

    // A backup, and the files of the database without the mark beside them.
    let imported = tempfile::tempdir().unwrap();
    let mut from = file.as_slice();
    Store::import(
        &options(imported.path()),
        seal.as_ref(),
        &mut from,
        seal.as_ref(),
    )
    .unwrap();
    std::fs::remove_file(dir.path().join("mark")).unwrap();
    for dir in [imported.path(), dir.path()] {
        assert!(says(dir));
        assert!(says(dir), "it is not forgotten by opening it");
        let store = open(dir);
        let mut batch = store.batch();
        batch.put(&NUMBERS, b"dealt with", &1);
        batch.deal_with_put_back();
        store.commit(batch).unwrap();
        drop(store);
        assert!(!says(dir));
    }
}
