//! Random edits on both sides, random faults, crashes at random moments: in the end both sides are
//! equal, nothing is there twice, and no edit of either side is lost without a word.
//!
//! `SYNCDECK_SEEDS=1000` runs that many, `SYNCDECK_SEED=7` one.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures::{FutureExt, StreamExt};
use serde_json::{Value as Json, json};
use syncdeck::domain::conflict::Choice;
use syncdeck::domain::record::Presence;
use syncdeck::domain::run::RunState;
use syncdeck::domain::transform::Side;
use syncdeck::domain::value::Value;
use syncdeck::engine::command::{Command, RecordKey, Scope};
use syncdeck::engine::tables::CONFLICTS;
use syncdeck::sandbox::By;

use super::agree::{app_records, differences};
use super::world::LATE;
use super::*;
use crate::sim::random::Random;

const SEEDS: u64 = 30;
/// Histories at a time: much of each is waiting.
const ABREAST: usize = 4;
/// Times everything is synced and decided until it must be quiet.
const ROUNDS: usize = 12;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_history_ends_with_both_sides_equal() {
    let seeds = match number("SYNCDECK_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SYNCDECK_SEEDS").unwrap_or(SEEDS),
    };
    let failed: Vec<String> = futures::stream::iter(seeds)
        .map(told)
        .buffer_unordered(ABREAST)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// A history, and its story if it did not end well.
async fn told(seed: u64) -> Option<String> {
    let story = Arc::new(Mutex::new(Vec::new()));
    let history = AssertUnwindSafe(history(seed, Arc::clone(&story)));
    let panic = history.catch_unwind().await.err()?;
    let why = match panic.downcast::<String>() {
        Ok(why) => *why,
        Err(panic) => format!("{:?}", panic.downcast_ref::<&str>()),
    };
    let story = story.lock().unwrap().join("\n");
    Some(format!("seed {seed}:\n{story}\n{why}"))
}

/// A pair, its object, and text fields of both sides.
type Kind = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const KINDS: [Kind; 3] = [
    (
        "accounts",
        "Account",
        &[
            ("name", "Name"),
            ("phone", "Phone"),
            ("description", "Description"),
        ],
    ),
    (
        "contacts",
        "Contact",
        &[
            ("last_name", "LastName"),
            ("title", "Title"),
            ("mobile", "MobilePhone"),
        ],
    ),
    (
        "leads",
        "Lead",
        &[
            ("last_name", "LastName"),
            ("title", "Title"),
            ("company", "Company"),
        ],
    ),
];

/// A field of a record, named by its App id.
type Place = (String, &'static str);

/// What people did, to see whether anything of it was lost.
#[derive(Default)]
struct Done {
    /// Last values people gave, by side.
    last: BTreeMap<(Place, bool), String>,
    /// Values that somebody saw and replaced.
    replaced: BTreeSet<(Place, String)>,
    /// Companies and names that were made once.
    made: Vec<(Kind, String)>,
}

struct History {
    world: World,
    random: Random,
    done: Done,
    count: usize,
    story: Arc<Mutex<Vec<String>>>,
}

async fn history(seed: u64, story: Arc<Mutex<Vec<String>>>) {
    let mut world = World::signed_in("whole-crm", 30).await;
    world.sync().await;
    let mut history = History {
        world,
        random: Random(seed),
        done: Done::default(),
        count: 0,
        story,
    };
    for _ in 0..10 {
        for _ in 0..history.random.below(10) {
            history.somebody().await;
        }
        if history.random.one_in(2) {
            history.trouble();
        }
        history.run().await;
        if history.random.one_in(3) {
            history.decide().await;
        }
        if history.random.one_in(2) {
            history.world.org().clear_faults();
        }
    }
    history.rest().await;
    history.nothing_lost();
}

impl History {
    fn tell(&self, text: String) {
        self.story.lock().unwrap().push(text);
    }

    fn text(&mut self, field: &str) -> String {
        self.count += 1;
        match field {
            "phone" | "mobile" => format!("+47 {}", 100_000 + self.count),
            _ => format!("text {}", self.count),
        }
    }

    fn live(&self, pair: &str) -> Vec<RecordKey> {
        let pair = syncdeck::domain::id::PairName::new(pair);
        app_records(&self.world, &pair)
            .into_iter()
            .filter(|r| r.presence == Presence::Live)
            .map(|r| RecordKey {
                pair: pair.clone(),
                app_id: r.id,
            })
            .collect()
    }

    // ---- people ------------------------------------------------------------------------

    async fn somebody(&mut self) {
        let kind = KINDS[self.random.below(KINDS.len())];
        match self.random.below(14) {
            0..5 => self.app_edit(kind).await,
            5..9 => self.crm_edit(kind),
            9 => self.app_create().await,
            10 => self.crm_create(),
            11 if kind.0 != "accounts" => self.app_delete(kind).await,
            12 if kind.0 != "accounts" => self.crm_delete(kind),
            13 => self.crm_undelete(kind),
            _ => self.world.advance(self.random.below(20) as i64),
        }
    }

    async fn app_edit(&mut self, kind: Kind) {
        let Some(key) = self.random.pick(&self.live(kind.0)) else {
            return;
        };
        let (field, _) = kind.2[self.random.below(kind.2.len())];
        let (before, text) = (self.world.value(&key, field), self.text(field));
        if self.world.try_edit(&key, field, &text).await.is_err() {
            // A run was faster.
            return;
        }
        self.tell(format!("app {} {field} {before:?} -> {text:?}", key.app_id));
        let place = (key.app_id.to_string(), field);
        self.done.replaced.insert((place.clone(), before));
        self.done.last.insert((place, true), text);
    }

    fn crm_edit(&mut self, kind: Kind) {
        let soql = match kind.1 {
            "Lead" => "SELECT Id FROM Lead WHERE IsConverted = false".to_owned(),
            object => format!("SELECT Id FROM {object}"),
        };
        let Some(id) = self.random.pick(&self.world.ids(&soql)) else {
            return;
        };
        let (app_field, field) = kind.2[self.random.below(kind.2.len())];
        let (before, text) = (self.world.there(&id, field), self.text(app_field));
        let fields = json!({field: text});
        let org = self.world.org();
        if let Err(fail) = org.update(By::Colleague, &id, fields.as_object().unwrap()) {
            self.tell(format!("crm {id} refused {fail:?}"));
            return;
        }
        self.tell(format!("crm {id} {field} {before:?} -> {text:?}"));
        let crm = id.parse().unwrap();
        let pair = syncdeck::domain::id::PairName::new(kind.0);
        // One that is not in the App yet has nothing to lose there.
        if let Some(app) = self.world.state().by_crm(&pair, &crm).unwrap() {
            let place = (app.to_string(), app_field);
            self.done.replaced.insert((place.clone(), before));
            self.done.last.insert((place, false), text);
        }
    }

    async fn app_create(&mut self) {
        let name = self.text("company");
        let name = format!("App {name}");
        let fields = [("last_name", "Made"), ("company", name.as_str())];
        let key = self.world.create("leads", &fields).await;
        self.tell(format!("app made {} {name:?}", key.app_id));
        self.done.made.push((KINDS[2], name));
    }

    fn crm_create(&mut self) {
        let name = self.text("name");
        let name = format!("Crm {name}");
        let id = self.world.make("Account", json!({"Name": name}));
        self.tell(format!("crm made {id} {name:?}"));
        self.done.made.push((KINDS[0], name));
    }

    async fn app_delete(&mut self, kind: Kind) {
        if let Some(key) = self.random.pick(&self.live(kind.0)) {
            let rev = self.world.app(&key).rev;
            self.tell(format!("app deletes {}", key.app_id));
            // A run may be faster.
            drop(self.world.ask(Command::DeleteRecord { key, rev }).await);
        }
    }

    fn crm_delete(&mut self, kind: Kind) {
        let ids = self.world.ids(&format!("SELECT Id FROM {}", kind.1));
        if let Some(id) = self.random.pick(&ids) {
            let done = self.world.org().delete(By::Colleague, &id);
            self.tell(format!("crm deletes {id}: {done:?}"));
        }
    }

    fn crm_undelete(&mut self, kind: Kind) {
        let soql = format!("SELECT Id FROM {} WHERE IsDeleted = true", kind.1);
        if let Some(id) = self.random.pick(&self.world.ids(&soql)) {
            let done = self.world.org().undelete(By::Colleague, &id);
            self.tell(format!("crm undeletes {id}: {done:?}"));
        }
    }

    // ---- the world -----------------------------------------------------------------------

    fn trouble(&mut self) {
        let kinds = [
            json!({"kind": "garbage"}),
            json!({"kind": "html", "status": 502}),
            json!({"kind": "truncate"}),
            json!({"kind": "drop_before"}),
            json!({"kind": "drop_after"}),
            json!({"kind": "drop_after"}),
            json!({"kind": "status", "status": 500}),
            json!({"kind": "status", "status": 503}),
            json!({"kind": "unauthorized"}),
            json!({"kind": "expire_session"}),
            json!({"kind": "daily_limit"}),
            json!({"kind": "delay", "ms": 20}),
        ];
        let paths = [
            "/services",
            "queryAll",
            "*/composite",
            "*/composite",
            "*/composite/sobjects",
            "composite/sobjects",
        ];
        let mut trouble: Json = self.random.pick(&kinds).unwrap();
        trouble["path"] = json!(self.random.pick(&paths));
        trouble["after"] = json!(self.random.below(3));
        trouble["times"] = json!(1 + self.random.below(4));
        self.tell(trouble.to_string());
        self.world.org().inject(fault(trouble));
    }

    /// A run of everything, with something happening in the middle of it.
    async fn run(&mut self) {
        self.world.advance(self.random.below(40) as i64);
        let runs = self.world.begin(Scope::All).await;
        let last = *runs.last().unwrap();
        let goal = self.world.org().counters().requests + self.random.below(10) as u64;
        let (org, state) = (self.world.org(), Arc::clone(self.world.state()));
        let ended = || {
            let run = state.run(last).unwrap().unwrap();
            run.ended_at.is_some()
        };
        let what = "some calls, or the end";
        self.world
            .until(what, || org.counters().requests >= goal || ended())
            .await;
        drop(state);
        match self.random.below(8) {
            0 | 1 => {
                self.tell("crash".to_owned());
                self.world.crash().await;
                return;
            }
            2 => {
                self.tell("quit".to_owned());
                self.world.restart().await;
                return;
            }
            3 => {
                self.tell("cancel".to_owned());
                self.world.tell(Command::Cancel).await;
            }
            4 => {
                self.tell("pause".to_owned());
                self.world.tell(Command::Pause).await;
                self.somebody().await;
                self.world.tell(Command::Resume).await;
            }
            5 | 6 => self.somebody().await,
            _ => {}
        }
        for run in runs {
            let end = self.world.end(run).await.run;
            if !matches!(end.state, RunState::Succeeded) {
                let code = end.failure.map(|f| f.code);
                self.tell(format!(
                    "run {run} of {} {:?} {code:?}",
                    end.pair, end.state
                ));
            }
        }
    }

    /// Decides what is open, one way or the other, and writes it.
    async fn decide(&mut self) {
        for row in self.world.conflicts().await {
            let side = match self.random.one_in(2) {
                true => Side::App,
                false => Side::Crm,
            };
            let refused = self.world.decide(&row, Choice::Take(side)).await;
            self.tell(format!("{} {side:?} {refused:?}", row.key.app_id));
        }
        if let Err(error) = self.world.try_write().await {
            self.tell(format!("not written: {error}"));
        }
    }

    /// Nothing goes wrong any more and nobody edits: it comes to rest.
    async fn rest(&mut self) {
        self.tell("rest".to_owned());
        self.world.org().clear_faults();
        for _ in 0..ROUNDS {
            self.world.advance(LATE);
            let ends = self.world.sync().await;
            let moved: u64 = ends
                .iter()
                .map(|end| end.run.counts.pushed + end.run.counts.pulled)
                .sum();
            for end in &ends {
                let fine = matches!(
                    end.run.state,
                    RunState::Succeeded | RunState::SucceededWithErrors
                );
                assert!(fine, "{:?}", end.run);
            }
            if moved == 0 && self.world.conflicts().await.is_empty() {
                let left = differences(&self.world);
                assert!(left.is_empty(), "{}", left.join("\n"));
                return;
            }
            self.decide().await;
        }
        let left = self.world.conflicts().await;
        panic!("it does not come to rest: {left:#?}");
    }

    // ---- what must be ---------------------------------------------------------------------

    fn nothing_lost(&self) {
        let world = &self.world;
        let conflicts: Vec<_> = world
            .state()
            .store()
            .scan(&CONFLICTS, &[])
            .map(|row| row.unwrap().1)
            .collect();
        for ((place, app), text) in &self.done.last {
            let (id, field) = place;
            let record = KINDS.iter().find_map(|kind| {
                let pair = syncdeck::domain::id::PairName::new(kind.0);
                let mut all = app_records(world, &pair).into_iter();
                all.find(|r| r.id.as_str() == id)
            });
            let record = record.unwrap();
            let whole = |c: &&syncdeck::domain::conflict::Conflict| c.row.is_none();
            let mut asked = conflicts.iter().filter(|c| c.app_id.as_str() == id);
            let is = record.fields.get(*field).map(Value::to_string);
            let known = is.as_deref() == Some(text)
                || record.presence == Presence::Deleted
                || self.done.replaced.contains(&(place.clone(), text.clone()))
                || asked.clone().any(|c| whole(&c))
                || asked.any(|c| {
                    let cell = if *app { &c.app } else { &c.crm };
                    cell.as_ref()
                        .is_some_and(|cell| cell.contains(&Value::text(text)))
                });
            let side = if *app { "App" } else { "CRM" };
            assert!(
                known,
                "{side} edit of {id} {field} to {text:?} is lost: {is:?}"
            );
        }
        for ((pair, object, fields), name) in &self.done.made {
            let (app_field, field) = match *pair {
                "leads" => fields[2],
                _ => fields[0],
            };
            let soql = format!("SELECT Id FROM {object} WHERE {field} = '{name}'");
            let there = world.ids(&soql).len();
            assert!(there <= 1, "{there} times {name} in Salesforce");
            let pair = syncdeck::domain::id::PairName::new(*pair);
            let here = app_records(world, &pair)
                .into_iter()
                .filter(|r| r.presence == Presence::Live)
                .filter(|r| r.fields.get(app_field) == Some(&Value::text(name)))
                .count();
            assert!(here <= 1, "{here} times {name} in the App");
        }
    }
}
