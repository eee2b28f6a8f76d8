//! The first import of all leads through the real client, beside the same bytes in bare sled.

use std::path::Path;
use std::time::{Duration, Instant};

use divan::counter::ItemsCount;
use serde::Serialize;
use syncdeck::appdb::embedded::RECORDS;
use syncdeck::cli::session::Session;
use syncdeck::engine::state::State;
use syncdeck::engine::tables::{BY_CRM, LINKS};
use syncdeck::store::{BEST_BATCH, Table};

use super::figure::{self, Peak};
use super::world::{World, leads};

/// Bytes that sealing adds to a value, and the store's own two.
const SEAL: usize = 31;
/// Writes between two durable points, as in the store.
const DURABLE: usize = 8_000;

#[divan::bench(sample_count = 1, sample_size = 1)]
fn first_import(bencher: divan::Bencher<'_, '_>) {
    bencher
        .with_inputs(|| {
            let mut world = World::new();
            let mut session = Session::new(world.attach());
            world.sign_in(&mut session);
            (world, session)
        })
        .input_counter(|_| ItemsCount::new(leads()))
        .bench_local_values(|(world, mut session)| {
            let (peak, calls) = (Peak::start(), world.org.control().counters().calls);
            let (began, processor) = (Instant::now(), figure::processor());
            let run = world.sync(&mut session);
            let took = began.elapsed();
            let spent = figure::processor() - processor;
            let peak = peak.above();
            let calls = world.org.control().counters().calls - calls;
            let rate = run.counts.read as f64 / took.as_secs_f64();
            let bare = bare(&world.state);
            figure::note(format!(
                "import: {} records in {took:.2?}, {rate:.0} records/s, {calls} calls, {:.1} s of \
                 processor with the org",
                run.counts.created, spent
            ));
            figure::note(format!(
                "import: the same bytes into bare sled {:.2?}, {:.0} records/s; we reach {:.0} %",
                bare.took,
                bare.records as f64 / bare.took.as_secs_f64(),
                100.0 * rate * bare.took.as_secs_f64() / bare.records as f64
            ));
            figure::note(format!(
                "import: peak memory {peak} MiB above the start (org and store's cache in it), \
                 store {:.1} MiB on disk, {} bytes of values per record",
                world.state.store().size_on_disk().unwrap() as f64 / 1_048_576.0,
                bare.bytes / bare.records.max(1)
            ));
            second_sync(&world, &mut session);
        });
}

/// A sync right after: nothing has changed.
fn second_sync(world: &World, session: &mut Session) {
    let calls = world.org.control().counters().calls;
    let (began, processor) = (Instant::now(), figure::processor());
    let run = world.sync(session);
    figure::note(format!(
        "no change: {:.2?}, {} calls, {} records read, {:.2} s of processor",
        began.elapsed(),
        world.org.control().counters().calls - calls,
        run.counts.read,
        figure::processor() - processor
    ));
}

struct Bare {
    records: u64,
    bytes: u64,
    took: Duration,
}

/// Puts what an import left in the store into a database without anything of ours around it, in
/// the same order and with the same durable points.
fn bare(state: &State) -> Bare {
    let dir = tempfile::tempdir().unwrap();
    let mut sled = Sled::open(dir.path());
    let mut bytes = 0;
    let mut records = 0;
    let mut rows: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut links = state.store().scan(&LINKS, &[]);
    let mut index = state.store().scan(&BY_CRM, &[]);
    for app in state.store().scan(&RECORDS, &[]) {
        rows.push(lowered(&RECORDS, app.unwrap()));
        rows.extend(links.next().map(|row| lowered(&LINKS, row.unwrap())));
        rows.extend(index.next().map(|row| lowered(&BY_CRM, row.unwrap())));
        records += 1;
        if rows.len() >= BEST_BATCH {
            bytes += sled.put(std::mem::take(&mut rows));
        }
    }
    bytes += sled.put(rows);
    sled.durable();
    Bare {
        records,
        bytes,
        took: sled.took,
    }
}

fn lowered<V: Serialize>(table: &Table<V>, (key, value): (Vec<u8>, V)) -> (Vec<u8>, Vec<u8>) {
    let mut place = table.name().as_bytes()[..1].to_vec();
    place.extend(key);
    let mut bytes = postcard::to_stdvec(&value).unwrap();
    bytes.extend([0; SEAL]);
    (place, bytes)
}

struct Sled {
    db: sled::Db,
    file: std::fs::File,
    waiting: usize,
    took: Duration,
}

impl Sled {
    fn open(dir: &Path) -> Self {
        let db = sled::Config::new()
            .path(dir)
            .segment_size(8 * 1024 * 1024)
            .cache_capacity(syncdeck::store::cache_capacity(super::world::CACHE, 0))
            .flush_every_ms(Some(500))
            .open()
            .unwrap();
        let file = std::fs::File::options()
            .write(true)
            .open(dir.join("db"))
            .unwrap();
        Self {
            db,
            file,
            waiting: 0,
            took: Duration::ZERO,
        }
    }

    fn put(&mut self, rows: Vec<(Vec<u8>, Vec<u8>)>) -> u64 {
        let bytes = rows.iter().map(|(key, value)| key.len() + value.len());
        let bytes: usize = bytes.sum();
        let began = Instant::now();
        let mut batch = sled::Batch::default();
        self.waiting += rows.len();
        for (key, value) in rows {
            batch.insert(key, value);
        }
        self.db.apply_batch(batch).unwrap();
        if self.waiting >= DURABLE {
            self.flush();
        }
        self.took += began.elapsed();
        bytes as u64
    }

    fn durable(&mut self) {
        let began = Instant::now();
        self.flush();
        self.took += began.elapsed();
    }

    fn flush(&mut self) {
        self.db.flush().unwrap();
        self.file.sync_all().unwrap();
        self.waiting = 0;
    }
}
