//! A store with one pair, a CRM that is a map, and a clock that is a number.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::appdb::{Author, Change, Expect};
use crate::crm::CrmRow;
use crate::domain::conflict::{Choice, Conflict};
use crate::domain::id::{AppId, CrmId, FieldName, RowId, RunId};
use crate::domain::mapping::{
    AppField, Blanks, Creates, DeletePolicy, FirstLink, Flow, Foreign, Guard, Pair, Row, Strategy,
    Switch,
};
use crate::domain::reconcile::Compiled;
use crate::domain::record::{AppRecord, CrmPresence, Presence, Source};
use crate::domain::schedule::Schedule;
use crate::domain::schema::{FieldInfo, ObjectInfo};
use crate::domain::transform::Chain;
use crate::domain::value::{FieldKind, Fields, Value};
use crate::engine::command::{Decide, RecordKey, WriteScope};
use crate::engine::cx::{RunCx, Settings};
use crate::engine::decisions::{self, Prepared};
use crate::engine::ingest;
use crate::engine::matcher::Matcher;
use crate::engine::state::State;
use crate::engine::tables::{Intent, OBJECTS, Op, TODO, record_key};
use crate::engine::tx::Durability;
use crate::engine::view::Decided;
use crate::engine::{journal, planner};
use crate::store::keys::Key;
use crate::store::{Options, SealError, Sealer, Store};

struct Plain;

impl Sealer for Plain {
    fn seal(&self, _: &str, _: &[u8], plain: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }
    fn open(&self, _: &str, _: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(sealed.to_vec())
    }
}

pub const LONG: FieldKind = FieldKind::LongText;
const FIELDS: [(u16, &str, &str, FieldKind); 6] = [
    (1, "name", "LastName", FieldKind::Text),
    (2, "title", "Title", FieldKind::Text),
    (3, "notes", "Description", LONG),
    (4, "tags", "Tags__c", FieldKind::MultiPicklist),
    (5, "size", "Size__c", FieldKind::Number { scale: 0 }),
    (6, "rating", "Rating", FieldKind::Text),
];

fn info(name: &str, kind: FieldKind) -> FieldInfo {
    FieldInfo {
        nillable: name != "LastName",
        ..FieldInfo::new(name, kind, if kind == FieldKind::Text { 20 } else { 0 })
    }
}

pub fn object() -> ObjectInfo {
    let mut fields: BTreeMap<FieldName, FieldInfo> = FIELDS
        .iter()
        .map(|(_, _, crm, kind)| (FieldName::new(*crm), info(crm, *kind)))
        .collect();
    fields.insert("Key__c".into(), info("Key__c", FieldKind::Text));
    ObjectInfo {
        name: "Lead".into(),
        label: "Lead".into(),
        createable: true,
        updateable: true,
        deletable: true,
        triggerable: true,
        fields,
    }
}

fn a_pair() -> Pair {
    let rows = FIELDS.iter().map(|(id, app, crm, _)| Row {
        id: RowId(*id),
        app: vec![(*app).into()],
        crm: vec![(*crm).into()],
        flow: match *app {
            "rating" => Flow::ToApp(Foreign::Keep),
            _ => Flow::Both,
        },
        to_crm: Chain::default(),
        to_app: Chain::default(),
        strategy: Strategy::Ask,
        blanks: Blanks::Propagate,
        switch: Switch::On,
    });
    Pair {
        name: "leads".into(),
        object: "Lead".into(),
        table: "leads".into(),
        app_fields: FIELDS
            .iter()
            .map(|(_, app, _, kind)| AppField {
                name: (*app).into(),
                kind: *kind,
                length: if *kind == FieldKind::Text { 20 } else { 0 },
            })
            .collect(),
        version: 1,
        key_field: Some("Key__c".into()),
        title: "name".into(),
        create_in_app: Creates::Allowed,
        create_in_crm: Creates::Allowed,
        on_crm_delete: DeletePolicy::Mark,
        on_app_delete: DeletePolicy::Propagate,
        guard: Guard::Precondition,
        first_link: FirstLink::Review,
        match_on: vec![vec![RowId(1)]],
        filter: String::new(),
        on_leave: Default::default(),
        bad_fields: Default::default(),
        on_convert: Default::default(),
        overflow: None,
        strategy: Strategy::Ask,
        schedule: Schedule::Manual,
        rows: rows.collect(),
    }
}

#[derive(Debug, Clone)]
pub struct Remote {
    pub fields: Fields,
    pub modified: i64,
    pub presence: CrmPresence,
}

pub struct World {
    pub state: State,
    pub settings: Settings,
    pub crm: BTreeMap<CrmId, Remote>,
    pub clock: i64,
    runs: u64,
    _dir: tempfile::TempDir,
}

pub fn crm_id(n: usize) -> CrmId {
    format!("00Q{n:012}").parse().unwrap()
}

pub fn fields<const N: usize>(pairs: [(&str, &str); N]) -> Fields {
    pairs
        .iter()
        .map(|(name, text)| (FieldName::new(*name), Value::text(*text)))
        .collect()
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&Options::new(dir.path(), "a test"), Arc::new(Plain)).unwrap();
        let state = State::open(store).unwrap();
        let mut tx = state.begin();
        tx.put(&OBJECTS, &Key::new().text("Lead"), &object());
        tx.put_pair(&a_pair());
        tx.commit(Durability::Now).unwrap();
        Self {
            state,
            settings: Settings::default(),
            crm: BTreeMap::new(),
            clock: 1_000,
            runs: 0,
            _dir: dir,
        }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.clock).unwrap()
    }

    pub fn pair(&self) -> Pair {
        self.state.pair(&"leads".into()).unwrap().unwrap()
    }

    pub fn change_pair(&self, change: impl FnOnce(&mut Pair)) {
        let mut pair = self.pair();
        change(&mut pair);
        let mut tx = self.state.begin();
        tx.put_pair(&pair);
        tx.commit(Durability::Now).unwrap();
    }

    pub fn cx(&mut self) -> RunCx {
        self.runs += 1;
        let compiled = Compiled::new(self.pair(), &object());
        let run = RunId(self.runs);
        RunCx::new(&self.state, run, compiled, self.settings.clone()).unwrap()
    }

    /// A record on both sides, agreed. Its key is that of the App record made for it.
    pub fn record(&mut self, n: usize) -> RecordKey {
        self.record_unlinked(n);
        let app_id = self.state.by_crm(&"leads".into(), &crm_id(n));
        RecordKey {
            pair: "leads".into(),
            app_id: app_id.unwrap().unwrap(),
        }
    }

    /// A CRM record that is taken in, whatever comes of it.
    pub fn record_unlinked(&mut self, n: usize) {
        let values = fields([
            ("LastName", "Lovelace"),
            ("Title", "Analyst"),
            ("Description", "first"),
        ]);
        let mut remote = Remote {
            fields: values,
            modified: self.clock,
            presence: CrmPresence::Live,
        };
        for (_, _, crm, _) in FIELDS {
            remote.fields.entry(crm.into()).or_default();
        }
        self.crm.insert(crm_id(n), remote);
        self.poll(crm_id(n));
    }

    pub fn app(&self, key: &RecordKey) -> AppRecord {
        let found = self.state.app_record(&"leads".into(), &key.app_id);
        found.unwrap().unwrap()
    }

    pub fn app_value(&self, key: &RecordKey, field: &str) -> String {
        let app = self.app(key);
        app.fields
            .get(field)
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    pub fn crm_value(&self, n: usize, field: &str) -> String {
        self.crm[&crm_id(n)].fields[field].to_string()
    }

    pub fn edit_app(&mut self, key: &RecordKey, fields: Fields) {
        self.change_app(key, fields, Presence::Live);
    }

    pub fn delete_app(&mut self, key: &RecordKey) {
        self.change_app(key, Fields::new(), Presence::Deleted);
    }

    fn change_app(&mut self, key: &RecordKey, fields: Fields, presence: Presence) {
        self.clock += 10;
        let change = Change {
            table: "leads".into(),
            id: key.app_id.clone(),
            expect: Expect::Rev(self.app(key).rev),
            fields,
            presence,
            sync_key: None,
            by: Author::Person("jo".into()),
            at: self.now(),
        };
        let mut tx = self.state.begin();
        tx.change_app(&key.pair, &change).unwrap();
        tx.commit(Durability::Now).unwrap();
    }

    /// A new App record that no CRM record is linked to.
    pub fn new_app(&mut self, id: &str, fields: Fields) -> RecordKey {
        let change = Change {
            table: "leads".into(),
            id: AppId::new(id),
            expect: Expect::New,
            fields,
            presence: Presence::Live,
            sync_key: None,
            by: Author::Person("jo".into()),
            at: self.now(),
        };
        let mut tx = self.state.begin();
        tx.change_app(&"leads".into(), &change).unwrap();
        tx.commit(Durability::Now).unwrap();
        RecordKey {
            pair: "leads".into(),
            app_id: AppId::new(id),
        }
    }

    pub fn edit_crm(&mut self, n: usize, fields: Fields) {
        self.clock += 10;
        let remote = self.crm.get_mut(&crm_id(n)).unwrap();
        remote.fields.extend(fields);
        remote.modified = self.clock;
    }

    pub fn delete_crm(&mut self, n: usize, presence: CrmPresence) {
        self.edit_crm(n, Fields::new());
        self.crm.get_mut(&crm_id(n)).unwrap().presence = presence;
    }

    /// Reads a CRM record and takes it in.
    pub fn poll(&mut self, id: CrmId) {
        self.clock += 10;
        let cx = self.cx();
        let Some(remote) = self.crm.get(&id).cloned() else {
            return;
        };
        let stamp = Timestamp::from_second(remote.modified).unwrap();
        let row = CrmRow {
            id,
            fields: remote.fields,
            stamp,
            modified: stamp,
            modified_by: None,
            presence: remote.presence,
        };
        let matcher = Matcher::new(&self.state, &cx).unwrap();
        let (now, source) = (self.now(), Source::Poll);
        let mut tx = self.state.begin();
        ingest::ingest(&mut tx, &cx, &matcher, row, now, source, now).unwrap();
        tx.commit(Durability::Now).unwrap();
    }

    /// Compares a record as a run does.
    pub fn reconcile(&mut self, key: &RecordKey) -> planner::Reconciled {
        let cx = self.cx();
        let now = self.now();
        let mut tx = self.state.begin();
        let link = tx.link(&key.pair, &key.app_id).unwrap();
        let link = link.unwrap_or_else(|| ingest::new_link(&cx, &key.app_id));
        let was = link.crm_id;
        let done = planner::reconcile(&mut tx, &cx, link, was, now).unwrap();
        tx.commit(Durability::Now).unwrap();
        done
    }

    /// Whether the next run looks at it by itself.
    pub fn waits(&self, key: &RecordKey) -> bool {
        let key = record_key(&key.pair, &key.app_id);
        self.state.store().contains(&TODO, &key).unwrap()
    }

    pub fn open(&self, key: &RecordKey) -> Vec<Conflict> {
        self.state.open_conflicts(&key.pair, &key.app_id).unwrap()
    }

    pub fn conflict_on(&self, key: &RecordKey, row: u16) -> Conflict {
        let open = self.open(key);
        open.into_iter()
            .find(|c| c.row == Some(RowId(row)))
            .unwrap()
    }

    pub fn decide(&self, conflict: &Conflict, choice: Option<Choice>) -> Decided {
        let decide = Decide {
            conflict: conflict.id,
            fp: conflict.fp,
            choice,
        };
        decisions::decide(&self.state, &self.settings, "jo", vec![decide], self.now()).unwrap()
    }

    /// Stages, and asserts that it was taken.
    pub fn stage(&self, conflict: &Conflict, choice: Choice) {
        let done = self.decide(conflict, Some(choice));
        assert_eq!((done.staged, done.refused), (1, vec![]));
    }

    pub fn prepare(&mut self, key: &RecordKey) -> Prepared {
        let cx = self.cx();
        let now = self.now();
        let mut tx = self.state.begin();
        let prepared = decisions::prepare(&mut tx, &cx, key, now).unwrap();
        tx.commit(Durability::Now).unwrap();
        prepared
    }

    /// Preview, confirm, prepare, send, read back: as a run of decisions does.
    pub fn write(&mut self, key: &RecordKey) -> Prepared {
        let scope = WriteScope::All;
        let (state, settings) = (&self.state, &self.settings);
        let preview = decisions::preview(state, settings, &scope, self.now()).unwrap();
        assert_eq!(preview.refused, vec![]);
        let keys = decisions::confirm(state, settings, &scope, preview.hash, self.now()).unwrap();
        assert_eq!(keys.decisions, vec![key.clone()]);
        let prepared = self.prepare(key);
        if let Prepared::Send(intent) = &prepared {
            let id = self.send(intent);
            self.poll(id);
        }
        prepared
    }

    /// Sends what a compare came to, and reads it back, as a run does.
    pub fn send_write(&mut self, write: &planner::Write) {
        let (cx, now) = (self.cx(), self.now());
        let mut tx = self.state.begin();
        let intent = journal::intend(&mut tx, &cx, write, now);
        tx.commit(Durability::Now).unwrap();
        let id = self.send(&intent);
        self.poll(id);
    }

    /// What the CRM does with an intent, and what follows here.
    pub fn send(&mut self, intent: &Intent) -> CrmId {
        self.clock += 10;
        let id = match intent.op {
            Op::Create => {
                let mut fields = intent.fields.clone();
                for (_, _, crm, _) in FIELDS {
                    fields.entry(crm.into()).or_default();
                }
                let id = crm_id(100 + self.crm.len());
                let remote = Remote {
                    fields,
                    modified: self.clock,
                    presence: CrmPresence::Live,
                };
                self.crm.insert(id, remote);
                id
            }
            Op::Update => {
                let id = intent.crm_id.unwrap();
                let clock = self.clock;
                let remote = self.crm.get_mut(&id).unwrap();
                let guard = intent.unmodified_since.unwrap().as_second();
                assert_eq!(remote.modified, guard, "the guard would refuse it");
                remote.fields.extend(intent.fields.clone());
                remote.modified = clock;
                id
            }
            Op::Delete => {
                let id = intent.crm_id.unwrap();
                self.crm.remove(&id);
                id
            }
        };
        let cx = self.cx();
        let now = self.now();
        let mut tx = self.state.begin();
        journal::applied(&mut tx, &cx, intent, id, now).unwrap();
        tx.commit(Durability::Now).unwrap();
        id
    }

    /// Both sides agree, nothing is open, and a compare finds nothing to do.
    pub fn assert_settled(&mut self, key: &RecordKey) {
        assert_eq!(self.open(key), vec![], "open conflicts");
        let done = self.reconcile(key);
        assert!(done.write.is_none(), "{:?}", done.write);
        assert!(!done.pulled && done.failure.is_none(), "{done:?}");
        let link = self.state.link(&key.pair, &key.app_id).unwrap().unwrap();
        let remote = &self.crm[&link.crm_id.unwrap()];
        for (_, app, crm, _) in FIELDS {
            let there = remote.fields[crm].to_string();
            assert_eq!(self.app_value(key, app), there, "{app}");
        }
        assert_eq!(self.state.counters(&key.pair).staged, 0);
        assert_eq!(self.state.counters(&key.pair).conflicts, 0);
        assert_eq!(
            self.state.open_intent(&key.pair, &key.app_id).unwrap(),
            None
        );
    }
}
