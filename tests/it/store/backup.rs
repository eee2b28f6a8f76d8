//! Exports and backups while writes go on: each is a state that once was.

use super::*;
use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};

type All = BTreeMap<u8, Option<u8>>;

/// Long enough that a few make a piece of the walk.
fn text(of: u8) -> String {
    char::from(b'a' + of % 26)
        .to_string()
        .repeat(20_000 + usize::from(of))
}

fn key(number: u8) -> Key {
    Key::new().text("k").number(number.into())
}

fn batch(store: &Store, changes: &All) -> Batch {
    let mut batch = store.batch();
    for (number, value) in changes {
        match value {
            Some(value) => batch.put(&TEXTS, &key(*number), &text(*value)),
            None => batch.delete(&TEXTS, &key(*number)),
        }
    }
    batch
}

fn records(store: &Store) -> Vec<(Vec<u8>, String)> {
    store.scan(&TEXTS, &[]).map(Result::unwrap).collect()
}

fn imported(file: &[u8]) -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let (seal, mut file) = (sealer(), file);
    Store::import(
        &options(dir.path()),
        seal.as_ref(),
        &mut file,
        seal.as_ref(),
    )
    .unwrap();
    let store = open(dir.path());
    (dir, store)
}

/// Takes an export, and writes to the store it comes from each time it is given some of it.
struct Meddler {
    store: Store,
    batches: Vec<All>,
    every: usize,
    given: usize,
    file: Vec<u8>,
}

impl Write for Meddler {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.given += 1;
        if self.given.is_multiple_of(self.every)
            && let Some(changes) = self.batches.pop()
        {
            self.store.apply(batch(&self.store, &changes)).unwrap();
        }
        self.file.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn changes() -> impl Strategy<Value = All> {
    proptest::collection::btree_map(0u8..64, proptest::option::of(any::<u8>()), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn what_is_written_meanwhile_is_not_in_an_export(
        first in proptest::collection::btree_map(0u8..64, proptest::option::of(any::<u8>()), 30..60),
        batches in proptest::collection::vec(changes(), 0..40),
        every in 1usize..6,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        store.apply(batch(&store, &first)).unwrap();
        let before = records(&store);
        let mut end: All = first.clone();
        for changes in batches.iter().rev().take(1000) {
            end.extend(changes.clone());
        }
        let mut to = Meddler { store: store.clone(), batches, every, given: 0, file: Vec::new() };
        let done = store.export(&mut to, sealer().as_ref()).unwrap();
        prop_assert!(done.damaged.is_empty());
        prop_assert_eq!(done.records, before.len() as u64);
        let (_dir, copy) = imported(&to.file);
        prop_assert!(records(&copy) == before);
        // Nothing is kept for an export that is done, and what was written is there.
        for changes in to.batches.iter().rev() {
            store.apply(batch(&store, changes)).unwrap();
        }
        let wanted: Vec<(Vec<u8>, String)> = end
            .iter()
            .filter_map(|(number, value)| Some((key(*number).into_bytes(), text((*value)?))))
            .collect();
        prop_assert!(records(&store) == wanted);
    }
}

#[test]
fn long_values_that_change_meanwhile_are_whole_in_an_export() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let long = |n: usize| ["ab", "cd", "ef"][n % 3].repeat(300_000 + 150_000 * n);
    for n in 0..6 {
        let mut batch = store.batch();
        batch.put(&TEXTS, &key(n), &long(usize::from(n)));
        store.apply(batch).unwrap();
    }
    let before = records(&store);
    struct Shortens(Meddler, u8);
    impl Write for Shortens {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.1 < 6 {
                let mut batch = self.0.store.batch();
                batch.put(&TEXTS, &key(5 - self.1), &"short".to_owned());
                batch.put(&TEXTS, &key(10 + self.1), &"new".repeat(200_000));
                self.0.store.apply(batch).unwrap();
                self.1 += 1;
            }
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let to = Meddler {
        store: store.clone(),
        batches: Vec::new(),
        every: 1,
        given: 0,
        file: Vec::new(),
    };
    let mut to = Shortens(to, 0);
    store.export(&mut to, sealer().as_ref()).unwrap();
    assert_eq!(to.1, 6);
    let (_dir, copy) = imported(&to.0.file);
    assert!(records(&copy) == before);
}

#[test]
fn writers_that_outrun_an_export_wait_for_it_and_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for part in 0..8u8 {
        let some: All = (0..8).map(|n| (part * 8 + n, Some(n))).collect();
        store.apply(batch(&store, &some)).unwrap();
    }
    let before = records(&store);
    // Changed again and again while the first piece is held back: more than may be kept.
    let writer = store.clone();
    let thread = std::thread::spawn(move || {
        for round in 0..30u8 {
            for part in 0..8u8 {
                let some: All = (0..8)
                    .map(|n| (part * 8 + n, Some(round.wrapping_add(n))))
                    .collect();
                writer.apply(batch(&writer, &some)).unwrap();
            }
        }
    });
    let mut exported = Vec::new();
    for _ in 0..3 {
        let mut file = Vec::new();
        store.export(&mut file, sealer().as_ref()).unwrap();
        exported.push(file);
    }
    thread.join().unwrap();
    for file in exported {
        let (_dir, copy) = imported(&file);
        let (copied, mut seen) = (records(&copy), BTreeSet::new());
        assert_eq!(copied.len(), before.len());
        // One batch changes eight records of one round: they are of one.
        for eight in copied.chunks(8) {
            let of = |(at, (_, text)): (usize, &(Vec<u8>, String))| text.len() - 20_000 - at;
            let rounds: BTreeSet<usize> = eight.iter().enumerate().map(of).collect();
            assert_eq!(rounds.len(), 1, "a batch is there whole or not at all");
            seen.extend(rounds);
        }
        // Batches follow each other: no two are more than a round apart.
        let (first, last) = (seen.first().unwrap(), seen.last().unwrap());
        assert!(last - first <= 1, "{seen:?}");
    }
}

/// Set for the process that [`a_backup_is_a_state_that_once_was`] starts and kills.
const VICTIM: &str = "SYNCDECK_TEST_BACKUP_VICTIM";
/// Records that the victim's batches change, and the bytes of each.
const CIRCLE: u64 = 60;
const LONG: usize = 12_000;

fn value_of(batch: u64) -> String {
    format!("{batch:08}").repeat(LONG / 8)
}

/// What is there after a batch of this number: it writes its own record of the circle and, in the
/// same batch, its number, and takes away the one half a circle on.
fn state_after(last: Option<u64>) -> BTreeMap<Vec<u8>, String> {
    let mut all = BTreeMap::new();
    let Some(last) = last else {
        return all;
    };
    for batch in last.saturating_sub(2 * CIRCLE)..=last {
        all.insert(place(batch), value_of(batch));
        all.remove(&place(batch + CIRCLE / 2));
    }
    all
}

fn place(batch: u64) -> Vec<u8> {
    Key::new().number(batch * 7 % CIRCLE).into_bytes()
}

/// Writes for ever, and makes backups beside it; says after each which it is.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os(VICTIM) else {
        return;
    };
    let dir = Path::new(&dir);
    let store = open(dir);
    let writer = store.clone();
    std::thread::spawn(move || {
        let start = writer.get(&NUMBERS, b"last").unwrap().map_or(0, |n| n + 1);
        for n in start.. {
            let mut batch = writer.batch();
            batch.put(&NUMBERS, b"last", &n);
            batch.put(&TEXTS, &place(n), &value_of(n));
            batch.delete(&TEXTS, &place(n + CIRCLE / 2));
            writer.apply(batch).unwrap();
        }
    });
    let keep = NonZeroUsize::new(3).unwrap();
    loop {
        store.backup(&dir.join("backups"), keep).unwrap();
        writeln!(io::stderr().lock(), "backed up").unwrap();
    }
}

#[test]
fn a_backup_is_a_state_that_once_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for round in 0..6usize {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::backup::victim", "--nocapture"])
            .env(VICTIM, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut wanted = 20 + round * 5 % 7;
        while wanted > 0 {
            let line = lines.next().expect("the child goes on").unwrap();
            wanted -= usize::from(line == "backed up");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // The store itself is whole after the kill.
        let kept = open(dir.path());
        let last = kept.get(&NUMBERS, b"last").unwrap();
        let all: BTreeMap<Vec<u8>, String> = records(&kept).into_iter().collect();
        assert!(all == state_after(last), "the store after {last:?}");
        drop(kept);
        for entry in std::fs::read_dir(dir.path().join("backups")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ext| ext != "backup") {
                continue;
            }
            let (_dir, copy) = imported(&std::fs::read(&path).unwrap());
            let last = copy.get(&NUMBERS, b"last").unwrap();
            let all: BTreeMap<Vec<u8>, String> = records(&copy).into_iter().collect();
            assert!(
                all == state_after(last),
                "{} is of no batch",
                path.display()
            );
            checked += usize::from(last > Some(CIRCLE));
        }
    }
    assert!(checked > 5, "{checked} backups were made amid the writing");
}
