//! What reading a whole store takes in memory, in a process of its own.

use super::*;
use std::io;
use std::num::NonZeroUsize;
use std::process::Command;

/// Set for the process that a test here starts; says what it does.
const READER: &str = "SYNCDECK_TEST_STORE_READER";
const PLACE: &str = "SYNCDECK_TEST_STORE_READER_DIR";
const CACHE: u64 = 4 * 1024 * 1024;
/// Records, and the bytes of each: fifteen times the cache.
const MANY: u64 = 24_000;
const LONG: usize = 2_600;

fn small(dir: &Path) -> Store {
    let mut options = options(dir);
    options.cache_bytes = CACHE;
    Store::open(&options, sealer()).unwrap()
}

/// Memory that is this process's own, in MiB; none where nobody says.
fn own() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}

#[test]
fn reader() {
    let (Ok(what), Some(dir)) = (std::env::var(READER), std::env::var_os(PLACE)) else {
        return;
    };
    let store = small(Path::new(&dir));
    let before = own().unwrap();
    match what.as_str() {
        "scan" => assert_eq!(store.scan(&TEXTS, &[]).count() as u64, MANY),
        "back" => assert_eq!(store.scan(&TEXTS, &[]).rev().count() as u64, MANY),
        _ => {
            let to = Path::new(&dir).join("backups");
            let (_, done) = store.backup(&to, NonZeroUsize::MIN).unwrap();
            assert_eq!(done.records, MANY);
        }
    }
    let after = own().unwrap();
    eprintln!("took {}", after.saturating_sub(before));
}

#[test]
fn reading_all_takes_little_more_than_the_cache() {
    if own().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let store = small(dir.path());
    let mut left = 0..MANY;
    while !left.is_empty() {
        let mut batch = store.batch();
        for n in left.by_ref().take(200) {
            // What is sealed cannot be packed, so that any text will do.
            batch.put(&TEXTS, &Key::new().number(n), &"x".repeat(LONG));
        }
        store.apply(batch).unwrap();
    }
    drop(store);
    for what in ["scan", "back", "backup"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::memory::reader", "--nocapture"])
            .env(READER, what)
            .env(PLACE, dir.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let took = said.lines().find_map(|line| line.strip_prefix("took "));
        let took: u64 = took.unwrap_or_else(|| panic!("{said}")).parse().unwrap();
        io::Write::write_all(
            &mut io::stdout(),
            format!("{what}: {took} MiB\n").as_bytes(),
        )
        .unwrap();
        assert!(took < 38, "{what} took {took} MiB");
    }
}
