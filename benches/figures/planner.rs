//! The pure planner: one record of 20 fields, by what happened to it.

use std::collections::BTreeMap;

use divan::counter::ItemsCount;
use jiff::{SignedDuration, Timestamp};
use syncdeck::domain::append::Appended;
use syncdeck::domain::id::{AppId, FieldName, RowId, RunId};
use syncdeck::domain::mapping::{Blanks, FirstLink, Flow, Pair, Row, Strategy, Switch};
use syncdeck::domain::plan::{self, Act, App, Crm, Input, Plan};
use syncdeck::domain::reconcile::{Action, Clocks, Compiled, Context, Depth};
use syncdeck::domain::record::{
    AppRecord, BasePair, CrmPresence, Link, LinkState, Observation, Presence, Source, Standing,
};
use syncdeck::domain::transform::{Chain, NoLookup};
use syncdeck::domain::value::{Fields, Value};

use super::record::object;
use super::world;

const FIELDS: u16 = 20;

/// What happened to the record since it last agreed.
#[derive(Debug, Clone, Copy)]
enum Since {
    Nothing,
    AppMoved,
    CrmMoved,
    BothMoved,
}

#[divan::bench(args = [Since::Nothing, Since::AppMoved, Since::CrmMoved, Since::BothMoved])]
fn one_record(bencher: divan::Bencher<'_, '_>, since: Since) {
    let scene = Scene::new(since);
    let expected = scene.plan();
    let write = match &expected.act {
        Act::Fields { push, pull } => (push.len(), pull.len()),
        other => panic!("{other:?}"),
    };
    let conflicts = expected
        .rows
        .iter()
        .filter(|row| row.action == Action::Conflict);
    let seen = (write, conflicts.count());
    assert_eq!(
        seen,
        match since {
            Since::Nothing => ((0, 0), 0),
            Since::AppMoved => ((1, 0), 0),
            Since::CrmMoved => ((0, 1), 0),
            Since::BothMoved => ((0, 0), 1),
        }
    );
    bencher
        .counter(ItemsCount::new(1u8))
        .bench_local(|| scene.plan());
}

struct Scene {
    pair: Compiled,
    link: Link,
    app: AppRecord,
    seen: Observation,
}

impl Scene {
    fn new(since: Since) -> Self {
        let names = |letter: char| (0..FIELDS).map(move |n| format!("{letter}{n}"));
        let rows = names('a')
            .zip(names('C'))
            .zip(0..)
            .map(|((app, crm), id)| Row {
                id: RowId(id),
                app: vec![FieldName::new(app)],
                crm: vec![FieldName::new(crm)],
                flow: Flow::Both,
                to_crm: Chain::default(),
                to_app: Chain::default(),
                strategy: Strategy::Ask,
                blanks: Blanks::Propagate,
                switch: Switch::On,
            });
        let pair = Pair {
            rows: rows.collect(),
            first_link: FirstLink::Review,
            ..world::pair()
        };
        let pair = Compiled::new(pair, &object(names('C')));
        assert_eq!(pair.rows.len(), usize::from(FIELDS));
        let now = Timestamp::UNIX_EPOCH;
        let values = |letter| -> Fields {
            names(letter)
                .map(|name| {
                    (
                        FieldName::new(name),
                        Value::text("Grüne Wiese Handels GmbH"),
                    )
                })
                .collect()
        };
        let base = |id| BasePair {
            app: vec![Value::text("Grüne Wiese Handels GmbH")],
            crm: vec![Value::text("Grüne Wiese Handels GmbH")],
            standing: Standing::Settled,
            at: now,
            run: RunId(id),
        };
        let mut app = AppRecord {
            id: AppId::new("one"),
            table: pair.pair.table.clone(),
            rev: 1,
            fields: values('a'),
            changed_at: BTreeMap::new(),
            changed_by: String::new(),
            typed_by: BTreeMap::new(),
            created_at: now,
            updated_at: now,
            presence: Presence::Live,
            sync_key: None,
        };
        let mut seen = Observation {
            id: "00Q000000000001".parse().unwrap(),
            fields: values('C'),
            stamp: now,
            modified: now,
            modified_by: None,
            seen_at: now,
            source: Source::Poll,
            presence: CrmPresence::Live,
        };
        if matches!(since, Since::AppMoved | Since::BothMoved) {
            app.fields.insert("a7".into(), Value::text("by the App"));
        }
        if matches!(since, Since::CrmMoved | Since::BothMoved) {
            seen.fields.insert("C7".into(), Value::text("by the CRM"));
        }
        let link = Link {
            pair: pair.pair.name.clone(),
            app_id: app.id.clone(),
            crm_id: Some(seen.id),
            sync_key: None,
            state: LinkState::Active,
            seen: Some(seen.clone()),
            bases: (0..FIELDS).map(|id| (RowId(id), base(1))).collect(),
            app_rev: 1,
            mapping_version: 1,
        };
        Self {
            pair,
            link,
            app,
            seen,
        }
    }

    fn plan(&self) -> Plan {
        let context = Context {
            lookup: &NoLookup,
            depth: Depth::Moves,
            first_link: FirstLink::Review,
            app_id: &self.app.id,
            appended: &Appended::new(),
            app_changed: &|field| self.app.changed_at.get(field).copied(),
            clocks: Clocks {
                crm: Some(self.seen.modified),
                error: SignedDuration::from_secs(2),
                ahead: Some(SignedDuration::ZERO),
            },
            now: Timestamp::UNIX_EPOCH,
        };
        let input = Input {
            link: Some(&self.link),
            app: App::Live(&self.app),
            crm: Crm::Live(&self.seen),
        };
        plan::plan(&context, &self.pair, input)
    }
}
