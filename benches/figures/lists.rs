//! What a viewer asks for while all leads lie in the store and a tenth of them is in conflict.

use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use syncdeck::cli::session::Session;
use syncdeck::domain::id::CrmId;
use syncdeck::domain::listing::Shape;
use syncdeck::engine::command::{Page, Values};
use syncdeck::engine::cx::Settings;
use syncdeck::engine::index::Go;
use syncdeck::engine::tx::Durability;
use syncdeck::engine::wanted::Wanted;
use syncdeck::engine::{queries, records};
use syncdeck::sandbox::By;

use super::world::{World, leads, pair_name};
use super::{console, figure, record};

/// Seconds the org's clock goes on before its people edit.
const LATER: i64 = 60;
/// Rows a screen asks for at once.
const ROWS: usize = 200;

static FULL: LazyLock<Mutex<World>> = LazyLock::new(|| Mutex::new(full()));

/// The world with everything imported, a tenth of it in conflict. Made once.
pub fn world() -> MutexGuard<'static, World> {
    FULL.lock().unwrap()
}

fn full() -> World {
    let mut world = World::new();
    let mut session = Session::new(world.attach());
    world.sign_in(&mut session);
    world.start_sync(&mut session);
    let link = session.into_link();
    let times = console::typed(&world, link, (160, 48), '5', console::SCREENS, 300);
    figure::note(format!("key to frame while importing: {times}"));
    let mut session = Session::new(world.attach());
    world.sync(&mut session);
    disagree(&world, leads() / 10);
    let run = world.sync(&mut session);
    index(&world);
    figure::note(format!(
        "lists: {} records, {} conflicts",
        world.state.counters(&pair_name()).records,
        run.counts.conflicts
    ));
    world
}

/// Somebody changes an e-mail address in Salesforce, and somebody else the same in the App.
fn disagree(world: &World, how_many: usize) {
    let org = world.org.control();
    org.advance(LATER);
    let soql = format!("SELECT Id FROM Lead WHERE IsConverted = false LIMIT {how_many}");
    let answer = org.query(&soql).unwrap();
    let ids: Vec<CrmId> = answer["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lead| lead["Id"].as_str().unwrap().parse().unwrap())
        .collect();
    for ids in ids.chunks(1_000) {
        let mut tx = world.state.begin();
        for id in ids {
            let email = Json::String(format!("{id}@sales.example").to_lowercase());
            let change = Map::from_iter([("Email".to_owned(), email)]);
            // A few of the seeded leads break a rule of the org and cannot be saved.
            if org.update(By::Colleague, id.as_str(), &change).is_err() {
                continue;
            }
            let app_id = world.state.by_crm(&pair_name(), id).unwrap().unwrap();
            let rev = tx.app_record(&super::world::pair().table, &app_id);
            let rev = rev.unwrap().unwrap().rev;
            tx.change_app(&pair_name(), &record::edit(app_id, rev))
                .unwrap();
        }
        tx.commit(Durability::Soon).unwrap();
    }
}

/// Reads everything into the index, and says what that takes.
fn index(world: &World) {
    let begun = Instant::now();
    world.state.index().build(&world.state, |_| Go::On).unwrap();
    figure::note(format!(
        "index: {} records read in {:.1} s, {:.1} MiB of memory",
        world.state.counters(&pair_name()).records,
        begun.elapsed().as_secs_f64(),
        world.state.index().memory() as f64 / 1_048_576.0
    ));
}

/// Where in a list a page is.
#[derive(Debug, Clone, Copy)]
enum At {
    Start,
    Middle,
    End,
}

impl At {
    fn page(self, total: u64) -> Page {
        let last = usize::try_from(total).unwrap().saturating_sub(ROWS);
        Page {
            offset: match self {
                Self::Start => 0,
                Self::Middle => last / 2,
                Self::End => last,
            },
            limit: ROWS,
        }
    }
}

#[divan::bench(args = [At::Start, At::Middle, At::End], sample_count = 10, sample_size = 1)]
fn record_page(bencher: divan::Bencher<'_, '_>, at: At) {
    let world = world();
    let total = world.state.counters(&pair_name()).records;
    let page = at.page(total.unsigned_abs());
    bencher.bench_local(|| {
        records::records(
            &world.state,
            &pair_name(),
            "",
            (&Shape::default(), Values::Shown),
            page,
            Timestamp::now(),
            &Wanted::default(),
        )
        .unwrap()
    });
}

/// The search over everything: few hits, many, and every record.
#[divan::bench(args = ["lindqvist", "ann lind", "a"], sample_count = 10, sample_size = 1)]
fn search_all(bencher: divan::Bencher<'_, '_>, text: &str) {
    let world = world();
    bencher.bench_local(|| queries::search(&world.state, text).unwrap());
}

/// The dashboard.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn business(bencher: divan::Bencher<'_, '_>) {
    let world = world();
    bencher.bench_local(|| queries::business(&world.state, Timestamp::now()).unwrap());
}

#[divan::bench(args = ["lindqvist", "status:new", "contactEmail:sales", "state:conf"], sample_count = 3, sample_size = 1)]
fn record_filter(bencher: divan::Bencher<'_, '_>, filter: &str) {
    let world = world();
    let page = At::Start.page(0);
    bencher.bench_local(|| {
        let found = records::records(
            &world.state,
            &pair_name(),
            filter,
            (&Shape::default(), Values::Shown),
            page,
            Timestamp::now(),
            &Wanted::default(),
        );
        let found = found.unwrap();
        assert_eq!(found.filter_error, None);
        found
    });
}

#[divan::bench(args = [At::Start, At::Middle, At::End], sample_count = 10, sample_size = 1)]
fn conflict_page(bencher: divan::Bencher<'_, '_>, at: At) {
    let world = world();
    let total = world.state.counters(&pair_name()).conflicts;
    let page = at.page(total.unsigned_abs());
    bencher.bench_local(|| {
        queries::conflicts(&world.state, "", page, Timestamp::now(), &Wanted::default()).unwrap()
    });
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn conflict_detail(bencher: divan::Bencher<'_, '_>) {
    let world = world();
    let page = queries::conflicts(
        &world.state,
        "",
        At::Start.page(0),
        Timestamp::now(),
        &Wanted::default(),
    )
    .unwrap();
    let key = &page.rows[0].key;
    let settings = Settings::default();
    bencher.bench_local(|| {
        queries::conflict(&world.state, &settings, key, Timestamp::now())
            .unwrap()
            .unwrap()
    });
}
