//! Histories of calls over a bad network (sync-semantics 8.5, 26.2).
//!
//! Each seed is one: a client makes records without a unique key and appends marks to them, and
//! does after a lost answer what the engine does: it looks, and waits until nothing can be on its
//! way any more. What holds in every one of them:
//!
//! - `Applied` was executed, and an error with effect `None` never is, not even late;
//! - one call to the client is executed at most once, unless the network itself doubled it;
//! - no record is made twice, no mark is appended twice, and none is lost.
//!
//! `SYNCDECK_SIM` sets how many; `SYNCDECK_SEED` picks a single one.

mod org;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use url::Url;

use self::org::{LONGEST, Org, Random};
use super::super::call::mutants;
use super::super::rows::tests::lead;
use super::super::{RetryPolicy, Salesforce, Settings};
use crate::crm::auth::{Grant, OAuth, OAuthApp, Session, TokenStore, Tokens};
use crate::crm::gate::{Gate, GateSettings};
use crate::crm::transport::host::ServerKind;
use crate::crm::transport::{Http, HttpSettings};
use crate::crm::{
    Crm, CrmError, CrmRow, Effect, ErrorClass, GuardedUpdate, UpdateRow, WritePermit, WriteResult,
};
use crate::domain::budget::Budget;
use crate::domain::id::{CrmId, FieldName};
use crate::domain::schema::ObjectInfo;
use crate::domain::value::{Fields, Value};
use crate::error::Result;

const USUAL: u64 = 300;
/// Nothing that was sent is executed any more after this.
const LATE: i64 = LONGEST + 60;

/// What the histories share; making it for each would be most of the work.
struct Setup {
    http: Http,
    session: Session,
    object: ObjectInfo,
}

struct Fixed;

impl TokenStore for Fixed {
    fn load(&self) -> BoxFuture<'_, Result<Option<Tokens>>> {
        let kept = br#"{"v":1,"access":"a","refresh":"r","instance_url":"http://127.0.0.1:1",
            "identity_url":"http://127.0.0.1:1/id/00Dxx0000001gPLEAY/005xx000001SwiUAAS",
            "login_url":"http://127.0.0.1:1","scope":"api","issued_at":"2026-11-21T08:00:00Z"}"#;
        ready(Tokens::decode(kept).map(Some)).boxed()
    }

    fn save<'a>(&'a self, _: &'a Tokens) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        ready(Ok(())).boxed()
    }
}

impl Setup {
    async fn new() -> Self {
        let http = Http::new(&HttpSettings::new(ServerKind::LocalSandbox)).unwrap();
        let app = OAuthApp {
            client_id: "key".into(),
            grant: Grant::Browser {
                client_secret: None,
            },
            login_url: Url::parse("http://127.0.0.1:1").unwrap(),
            scopes: vec!["api".into()],
        };
        let oauth = OAuth::new(http.clone(), app).unwrap();
        Self {
            session: Session::open(oauth, Arc::new(Fixed)).await.unwrap(),
            http,
            object: lead(),
        }
    }

    fn history(&self, seed: u64) -> History<'_> {
        let org = Arc::new(Org::new(seed));
        let clock = Arc::clone(&org);
        let gate = Gate::new(
            GateSettings::default(),
            Arc::new(move || clock.now()),
            Budget::default(),
        );
        let settings = Settings {
            retry: RetryPolicy {
                attempts: 4,
                base: Duration::from_secs(1),
                cap: Duration::from_secs(30),
            },
            ..Settings::default()
        };
        let http = self.http.instead(Arc::clone(&org) as _);
        let client = Salesforce::new(http, self.session.clone(), &settings)
            .unwrap()
            .behind(Arc::new(gate));
        History {
            object: &self.object,
            client,
            org,
            random: Random::new(!seed),
            marks: 0,
            never: Vec::new(),
            broken: Vec::new(),
        }
    }
}

struct History<'s> {
    object: &'s ObjectInfo,
    client: Salesforce,
    org: Arc<Org>,
    random: Random,
    marks: u32,
    /// Marks of which the client said that they certainly were not executed.
    never: Vec<String>,
    /// What did not hold.
    broken: Vec<String>,
}

/// What a call said, in the terms of the rules.
enum Said {
    Done(CrmId),
    Nothing(CrmError),
    Unknown,
}

fn text(name: &str, value: String) -> (FieldName, Value) {
    (FieldName::new(name), Value::text(value))
}

impl History<'_> {
    /// Plays it to its end and says what did not hold.
    async fn play(mut self) -> Vec<String> {
        let records = 1 + self.random.below(3);
        let mut ids = Vec::new();
        for n in 0..records {
            ids.push(self.make(&format!("key{n}@x.example")).await);
        }
        let appends = 1 + self.random.below(6);
        let mut wanted = Vec::new();
        for _ in 0..appends {
            let id = ids[self.random.below(records) as usize];
            wanted.push((id, self.append(id).await));
            if self.random.chance(30) {
                self.org.edit(" colleague");
            }
            self.org.pass(self.random.below(90) as i64);
        }
        self.org.calm();
        self.org.pass(LATE);
        self.at_the_end(records, &wanted);
        self.broken
    }

    fn mark(&mut self) -> String {
        self.marks += 1;
        format!("m{}", self.marks)
    }

    /// Makes a record that has no unique key: only what the client says keeps it from being made
    /// twice.
    async fn make(&mut self, key: &str) -> CrmId {
        loop {
            let mark = self.mark();
            let fields: Fields = [text("LastName", mark.clone()), text("Email", key.into())].into();
            let permit = WritePermit::issue(1);
            let answer = self.client.create(permit, self.object, &[fields]).await;
            match self.said(&mark, answer) {
                Said::Done(id) => return id,
                Said::Nothing(_) => self.org.pass(61),
                Said::Unknown => {
                    // What was sent may still be executed; afterwards looking is proof.
                    self.org.pass(LATE);
                    if let Some(row) = self.look(key).await {
                        return row.id;
                    }
                }
            }
        }
    }

    /// Appends a mark to what the record holds, with a guard as the engine does.
    async fn append(&mut self, id: CrmId) -> String {
        let wanted = self.mark();
        // Sends have marks of their own, so that they can be told apart: `m7.2`.
        let mut sends = 0;
        loop {
            let row = self.read(id).await;
            let now = row.fields[&FieldName::new("LastName")].to_string();
            if now
                .split(' ')
                .any(|word| word.starts_with(&format!("{wanted}.")))
            {
                return wanted;
            }
            sends += 1;
            let mark = format!("{wanted}.{sends}");
            // A precondition is exact to the second only (salesforce-api 2.1).
            self.org.pass(2);
            let guarded = GuardedUpdate {
                row: UpdateRow {
                    id,
                    fields: [text("LastName", format!("{now} {mark}"))].into(),
                },
                unmodified_since: row.modified,
            };
            let permit = WritePermit::issue(1);
            let answer = if self.random.chance(70) {
                self.client
                    .update_guarded(permit, self.object, &[guarded])
                    .await
            } else {
                self.client
                    .update(permit, self.object, &[guarded.row])
                    .await
            };
            match self.said(&mark, answer) {
                Said::Done(_) => return wanted,
                Said::Nothing(error) if error.class == ErrorClass::Precondition => {}
                Said::Nothing(_) => self.org.pass(61),
                Said::Unknown => self.org.pass(LATE),
            }
        }
    }

    /// Holds what a call said against what was executed.
    fn said(
        &mut self,
        mark: &str,
        answer: std::result::Result<Vec<WriteResult>, CrmError>,
    ) -> Said {
        let executed = self.org.executed(mark);
        if executed.times - executed.doubled > 1 {
            self.broken
                .push(format!("{mark} was executed {} times", executed.times));
        }
        match answer.map(|mut results| results.remove(0)) {
            Ok(WriteResult::Applied(id)) => {
                if executed.times == 0 {
                    self.broken.push(format!("{mark} was not executed"));
                }
                Said::Done(id)
            }
            Ok(WriteResult::Refused(error)) | Err(error) if error.effect == Effect::None => {
                // The answer to a doubled request may be that of the second.
                if !executed.sent_twice {
                    self.never.push(mark.to_owned());
                }
                Said::Nothing(error)
            }
            Ok(WriteResult::Refused(_)) | Err(_) => Said::Unknown,
        }
    }

    async fn look(&mut self, key: &str) -> Option<CrmRow> {
        let (email, name) = (FieldName::new("Email"), FieldName::new("LastName"));
        let (values, fields) = ([key.to_owned()], [name]);
        loop {
            let found = self.client.find(self.object, &email, &values, &fields);
            match found.await {
                Ok(found) => return found.rows.into_iter().flatten().next(),
                Err(_) => self.org.pass(61),
            }
        }
    }

    async fn read(&mut self, id: CrmId) -> CrmRow {
        let fields = [FieldName::new("LastName")];
        loop {
            match self.client.retrieve(self.object, &[id], &fields).await {
                Ok(mut found) => return found.rows.remove(0).unwrap(),
                Err(_) => self.org.pass(61),
            }
        }
    }

    fn at_the_end(&mut self, records: u64, wanted: &[(CrmId, String)]) {
        let held = self.org.records();
        for mark in &self.never {
            if self.org.executed(mark).times > 0 {
                self.broken
                    .push(format!("{mark} was executed in spite of an error"));
            }
        }
        for n in 0..records {
            let key = format!("key{n}@x.example");
            let made = held.iter().filter(|(k, _)| *k == key).count();
            // A request that the network doubled made two; nobody but a unique key helps there.
            let doubled: u32 = (1..=self.marks)
                .map(|m| self.org.executed(&format!("m{m}")).doubled)
                .sum();
            if made == 0 || made > 1 + doubled as usize {
                self.broken.push(format!("{key} was made {made} times"));
            }
        }
        for (id, mark) in wanted {
            let found: usize = held
                .iter()
                .flat_map(|(_, text)| text.split(' '))
                .filter(|word| word.starts_with(&format!("{mark}.")))
                .count();
            if found != 1 {
                self.broken
                    .push(format!("{mark} stands {found} times in {id}"));
            }
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays the histories of these seeds; gives what did not hold in the first bad one, and the
/// number of requests.
fn play(seeds: impl Iterator<Item = u64>) -> std::result::Result<u64, (u64, Vec<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let setup = Setup::new().await;
        let mut asked = 0;
        for seed in seeds {
            let history = setup.history(seed);
            let org = Arc::clone(&history.org);
            let played = AssertUnwindSafe(history.play()).catch_unwind().await;
            let broken = played.unwrap_or_else(|_| vec!["it panicked".to_owned()]);
            asked += org.asked();
            if !broken.is_empty() {
                return Err((seed, broken));
            }
        }
        Ok(asked)
    })
}

#[test]
fn nothing_is_made_twice_or_lost_in_any_history() {
    let seeds = match number("SYNCDECK_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SYNCDECK_SIM").unwrap_or(USUAL),
    };
    let (count, began) = (seeds.end - seeds.start, std::time::Instant::now());
    match play(seeds) {
        Ok(asked) => println!("{count} histories, {asked} requests, {:?}", began.elapsed()),
        Err((seed, broken)) => panic!(
            "seed {seed}: {broken:#?}\n\
             again: SYNCDECK_SEED={seed} cargo test --lib histories::nothing_is_made_twice"
        ),
    }
}

#[test]
fn a_client_that_resends_blindly_is_found() {
    mutants::resend_blindly(true);
    let found = play(0..200);
    mutants::resend_blindly(false);
    let (_, broken) = found.unwrap_err();
    assert!(broken.iter().any(|b| b.contains("executed")), "{broken:?}");
}
