//! Records through the engine without a network: observed, compared, stored, in transactions of
//! the size a run uses. The figures are of 1,000 records together with their commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use divan::counter::ItemsCount;
use jiff::Timestamp;
use syncdeck::appdb::{Author, Change, Expect};
use syncdeck::crm::CrmRow;
use syncdeck::domain::id::{CrmId, FieldName, RunId};
use syncdeck::domain::reconcile::Compiled;
use syncdeck::domain::record::{CrmPresence, Presence, Source};
use syncdeck::domain::schema::{FieldInfo, ObjectInfo};
use syncdeck::domain::value::{FieldKind, Fields, Value};
use syncdeck::engine::cx::{RunCx, Settings};
use syncdeck::engine::ingest::{self, Ingested};
use syncdeck::engine::matcher::Matcher;
use syncdeck::engine::state::State;
use syncdeck::engine::tx::Durability;

use super::world::{self, pair_name};

const RECORDS: usize = 1_000;

/// What is known of the records when they are read.
#[derive(Debug, Clone, Copy)]
enum Read {
    FirstTime,
    Unchanged,
    CrmMoved,
    BothMoved,
}

#[divan::bench(
    args = [Read::FirstTime, Read::Unchanged, Read::CrmMoved, Read::BothMoved],
    sample_count = 20,
    sample_size = 1
)]
fn thousand(bencher: divan::Bencher<'_, '_>, read: Read) {
    let mut bench = Bench::new();
    let mut turn = 0;
    bencher
        .counter(ItemsCount::new(RECORDS))
        .with_inputs(|| {
            turn += 1;
            bench.prepare(read, turn);
            (bench.rows(turn, read), Arc::clone(&bench.state), bench.cx())
        })
        .bench_local_values(|(rows, state, cx)| take(&state, &cx, rows));
}

/// Takes records in as a run does.
fn take(state: &State, cx: &RunCx, rows: Vec<CrmRow>) -> (u32, u32, u32) {
    let matcher = Matcher::new(state, cx).unwrap();
    let now = Timestamp::now();
    let mut tx = state.begin();
    let mut counts = (0, 0, 0);
    for row in rows {
        match ingest::ingest(&mut tx, cx, &matcher, row, now, Source::Poll, now).unwrap() {
            Ingested::Done(done) => {
                counts.0 += u32::from(done.pulled);
                counts.1 += done.conflicts;
            }
            Ingested::Same | Ingested::NeverHere => counts.2 += 1,
            Ingested::Busy | Ingested::Later => {}
        }
    }
    tx.commit(Durability::Soon).unwrap();
    counts
}

struct Bench {
    state: Arc<State>,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            state: world::open(&dir),
            _dir: dir,
        }
    }

    fn cx(&self) -> RunCx {
        let pair = world::pair();
        let fields = pair.rows.iter().flat_map(|row| row.crm.iter());
        let object = object(fields.map(|field| field.as_str().to_owned()));
        let compiled = Compiled::new(pair, &object);
        RunCx::new(&self.state, RunId(1), compiled, Settings::default()).unwrap()
    }

    /// Brings the records of a turn into the state that is asked for, and checks the outcome.
    fn prepare(&mut self, read: Read, turn: usize) {
        let few = RECORDS as u32;
        if matches!(read, Read::FirstTime) {
            return;
        }
        let first = self.rows(turn, Read::FirstTime);
        let ids: Vec<CrmId> = first.iter().map(|row| row.id).collect();
        assert_eq!(take(&self.state, &self.cx(), first), (few, 0, 0));
        if matches!(read, Read::BothMoved) {
            let mut tx = self.state.begin();
            for id in ids {
                let app_id = self.state.by_crm(&pair_name(), &id).unwrap().unwrap();
                tx.change_app(&pair_name(), &edit(app_id, 1)).unwrap();
            }
            tx.commit(Durability::Soon).unwrap();
        }
    }

    fn rows(&self, turn: usize, read: Read) -> Vec<CrmRow> {
        let moved = matches!(read, Read::CrmMoved | Read::BothMoved);
        (0..RECORDS)
            .map(|n| row(turn * RECORDS + n, moved))
            .collect()
    }
}

/// A person changes a lead's e-mail address in the App.
pub fn edit(id: syncdeck::domain::id::AppId, rev: u64) -> Change {
    let email = Value::text(format!("{id}@app.example"));
    Change {
        table: world::pair().table,
        id,
        expect: Expect::Rev(rev),
        fields: [(FieldName::new("contactEmail"), email)].into(),
        presence: Presence::Live,
        sync_key: None,
        by: Author::Person("ann".into()),
        at: Timestamp::now(),
    }
}

fn row(n: usize, moved: bool) -> CrmRow {
    let id: CrmId = format!("00Q{n:012}").parse().unwrap();
    let domain = if moved { "new.example" } else { "old.example" };
    let mut fields: Fields = BTreeMap::new();
    let mut put = |name: &str, value: String| {
        fields.insert(name.into(), Value::text(value));
    };
    put("FirstName", "Jörg".into());
    put("LastName", format!("Lindqvist {n}"));
    put("Email", format!("lead{n}@{domain}"));
    put("Phone", format!("+46 8 {n}"));
    put("Company", "Grüne Wiese Handels GmbH".into());
    put("Title", "Head of Purchasing".into());
    put("Industry", "Manufacturing".into());
    put("Website", "https://www.wiese.example".into());
    put("Status", "Open - Not Contacted".into());
    put("OwnerId", "005000000000001AAA".into());
    put("LeadSource", "Web".into());
    put(
        "Description",
        "Met at the fair; wants a quote for 40 seats.".into(),
    );
    let at = Timestamp::from_second(1_780_000_000 + i64::from(moved)).unwrap();
    CrmRow {
        id,
        fields,
        stamp: at,
        modified: at,
        modified_by: None,
        presence: CrmPresence::Live,
    }
}

/// An object with text fields of these names.
pub fn object(names: impl Iterator<Item = String>) -> ObjectInfo {
    let field = |name: String| {
        let kind = match name.as_str() {
            "Description" => FieldKind::LongText,
            "Id" | "OwnerId" => FieldKind::Reference,
            _ => FieldKind::Text,
        };
        FieldInfo::new(name.as_str(), kind, 255)
    };
    ObjectInfo {
        name: "Lead".into(),
        label: "Lead".into(),
        createable: true,
        updateable: true,
        deletable: true,
        triggerable: true,
        fields: names
            .map(|name| (FieldName::new(name.as_str()), field(name)))
            .collect(),
    }
}
