//! Damaged files: found, named, and never taken for something else.

use super::*;

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

/// sled panics on a file name that is not UTF-8 among its snapshots.
#[test]
fn a_panic_while_opening_is_an_error() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    put(
        &open(dir.path()),
        b"later than the snapshot",
        &person("Ada"),
    );
    let strange = dir
        .path()
        .join("data")
        .join(std::ffi::OsStr::from_bytes(b"snap.\x01\xff"));
    std::fs::write(&strange, b"").unwrap();
    let refused = Store::open(&options(dir.path()), sealer()).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Damaged { detail } if detail.contains("unwrap")),
        "{refused:?}"
    );
    std::fs::remove_file(&strange).unwrap();
    assert_eq!(open(dir.path()).count(&PEOPLE).unwrap(), 501);
}

#[test]
fn a_store_with_a_damaged_log_is_salvaged_from_a_copy() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(dir.path());
        for n in 0..60 {
            store.commit(one(&store, n)).unwrap();
        }
    }
    let log = dir.path().join("data/db");
    let mut bytes = std::fs::read(&log).unwrap();
    let used = bytes.iter().rposition(|b| *b != 0).unwrap();
    bytes[used / 2] ^= 0x20;
    std::fs::write(&log, &bytes).unwrap();
    let scratch = dir.path().join("copy");
    let store = Store::open_salvage(&options(dir.path()), sealer(), &scratch).unwrap();
    let count = store.count(&NUMBERS).unwrap();
    assert!((1..60).contains(&count), "{count}");
    assert_eq!(
        std::fs::read(&log).unwrap(),
        bytes,
        "the original is as it was"
    );
}
