//! A state in a temporary store, with the lead desk and records taken in from the CRM.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use tempfile::TempDir;

use crate::domain::id::{AppId, CrmId, FieldName, PairName, RunId};
use crate::domain::mapping::Pair;
use crate::domain::preset::preset;
use crate::domain::preset::tests::described;
use crate::domain::reconcile::Compiled;
use crate::domain::record::{CrmPresence, Observation, Source};
use crate::domain::value::{Fields, Value};
use crate::engine::command::RecordKey;
use crate::engine::cx::{RunCx, Settings};
use crate::engine::planner;
use crate::engine::state::State;
use crate::engine::tables::{OBJECTS, USERS, UserRow};
use crate::engine::tx::Durability;
use crate::store::keys::Key;
use crate::store::{Options, SealError, Sealer, Store};

/// Seals nothing, and counts how many values were opened.
#[derive(Default)]
pub struct Open(AtomicUsize);

impl Sealer for Open {
    fn seal(&self, _: &str, _: &[u8], plain: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }
    fn open(&self, _: &str, _: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(sealed.to_vec())
    }
}

/// A store with the lead desk.
pub struct Desk {
    pub state: State,
    pub opened: Arc<Open>,
    dir: TempDir,
}

pub const OWNER: &str = "005D000000INjVeIAL";

impl Desk {
    /// With the lead desk and the described object.
    pub fn new() -> Self {
        let desk = Self::empty();
        let mut tx = desk.state.begin();
        let pair = leads();
        let object = described(&pair.object);
        tx.put_pair(&pair);
        tx.put(&OBJECTS, &Key::new().text(pair.object.as_str()), &object);
        let owner = UserRow {
            id: id(OWNER),
            name: "Ada".into(),
            email: "ada@example.com".into(),
            active: true,
        };
        tx.put(&USERS, &Key::new().text(OWNER), &owner);
        tx.commit(Durability::Now).unwrap();
        desk
    }

    /// With nothing.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let opened = Arc::new(Open::default());
        Self {
            state: open(&dir, &opened),
            opened,
            dir,
        }
    }

    /// The same store, closed and opened again.
    pub fn again(self) -> Self {
        let Self { state, opened, dir } = self;
        drop(state);
        let state = open(&dir, &opened);
        Self { state, opened, dir }
    }

    /// How many values were opened since the last time this was asked.
    pub fn opened(&self) -> usize {
        self.opened.0.swap(0, Ordering::Relaxed)
    }

    /// Takes leads in from the CRM; the first is number `from`.
    pub fn take_in(&self, from: usize, leads: &[Fields]) -> Vec<RecordKey> {
        let cx = self.cx();
        let mut tx = self.state.begin();
        let mut keys = Vec::new();
        for (i, fields) in leads.iter().enumerate() {
            let app_id = AppId::new(format!("{:05}", from + i));
            let seen = seen(from + i, fields);
            let done = planner::take_in(&mut tx, &cx, seen, app_id.clone(), at(1)).unwrap();
            assert!(done.created, "{done:?}");
            let pair = cx.name().clone();
            keys.push(RecordKey { pair, app_id });
        }
        tx.commit(Durability::Now).unwrap();
        keys
    }

    /// What a run would know.
    pub fn cx(&self) -> RunCx {
        let pair = self.state.pair(&"leads".into()).unwrap().unwrap();
        let compiled = Compiled::new(pair.clone(), &described(&pair.object));
        RunCx::new(&self.state, RunId(1), compiled, Settings::default()).unwrap()
    }

    /// The CRM record of an App record has other values now.
    pub fn crm_changes(&self, key: &RecordKey, fields: &[(&str, &str)]) {
        let mut tx = self.state.begin();
        let mut link = tx.link(&key.pair, &key.app_id).unwrap().unwrap();
        if let Some(seen) = &mut link.seen {
            for (name, value) in fields {
                seen.fields.insert((*name).into(), Value::from(*value));
            }
        }
        let was = link.crm_id;
        tx.put_link(link, was).unwrap();
        tx.commit(Durability::Now).unwrap();
    }
}

fn open(dir: &TempDir, opened: &Arc<Open>) -> State {
    let store = Store::open(&Options::new(dir.path(), "a test"), opened.clone()).unwrap();
    State::open(store).unwrap()
}

pub fn leads() -> Pair {
    preset("lead-desk").unwrap().remove(0)
}

pub fn name() -> PairName {
    "leads".into()
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// A lead by the values that matter; everything else is empty.
pub fn lead(values: &[(&str, &str)]) -> Fields {
    let mut fields: Fields = leads()
        .crm_fields()
        .into_iter()
        .map(|name| (name, Value::Null))
        .collect();
    fields.insert("Status".into(), "Open - Not Contacted".into());
    fields.insert("OwnerId".into(), OWNER.into());
    for (name, value) in values {
        fields.insert(FieldName::from(*name), Value::from(*value));
    }
    fields
}

pub fn fields(values: &[(&str, &str)]) -> Fields {
    let pairs = values.iter().map(|(n, v)| ((*n).into(), Value::from(*v)));
    pairs.collect()
}

fn seen(number: usize, fields: &Fields) -> Observation {
    let crm_id = id(&format!("00Qx{number:011}"));
    let mut fields = fields.clone();
    fields.insert("Id".into(), Value::from(crm_id.as_str()));
    Observation {
        id: crm_id,
        fields,
        stamp: at(0),
        modified: at(0),
        modified_by: None,
        seen_at: at(1),
        source: Source::Poll,
        presence: CrmPresence::Live,
    }
}

fn id(text: &str) -> CrmId {
    text.parse().unwrap()
}
