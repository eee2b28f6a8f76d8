//! kill -9 in the middle of syncs, again and again; then both sides are compared.
//!
//! `SYNCDECK_KILLS` says how often (12), `SYNCDECK_KILL_SEED` repeats a run. People edit on both
//! sides between the kills, and in Salesforce also during the syncs. Whatever happened, at the end
//! nothing may be there twice, nothing that a person typed may be gone without a trace, and no
//! write may be left whose outcome nobody knows.

mod ledger;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value as Json, json};
use syncdeck::domain::value::Value;
use syncdeck::engine::tables::{CONFLICTS, Intent, IntentState, LINKS};
use syncdeck::sandbox::{By, Fault, FaultKind};

use self::ledger::{Dice, Ledger};
use crate::files::copy;
use crate::world::{Wanted, World};

/// Longest wait for a state; nothing is slept.
const PATIENCE: Duration = Duration::from_secs(60);
/// Seconds the org's clock goes on between what people and machines do.
const LATER: i64 = 5;
/// A field in the App and in Salesforce.
type Field = (&'static str, &'static str);
/// Pairs: name, object, fields that people edit.
const PAIRS: [(&str, &str, [Field; 3]); 2] = [
    (
        "accounts",
        "Account",
        [
            ("name", "Name"),
            ("description", "Description"),
            ("city", "BillingCity"),
        ],
    ),
    (
        "contacts",
        "Contact",
        [
            ("department", "Department"),
            ("description", "Description"),
            ("city", "MailingCity"),
        ],
    ),
];

struct Story {
    world: World,
    dice: Dice,
    ledger: Ledger,
    /// Requests of a sync with work to do.
    usual: usize,
}

fn number(variable: &str) -> Option<u64> {
    Some(std::env::var(variable).ok()?.parse().unwrap())
}

#[test]
fn killed_at_any_moment_both_sides_are_equal_in_the_end() {
    let kills = number("SYNCDECK_KILLS").unwrap_or(12);
    let clock = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = number("SYNCDECK_KILL_SEED")
        .unwrap_or_else(|| u64::try_from(clock.as_micros() % 1_000_000).unwrap());
    println!("SYNCDECK_KILLS={kills} SYNCDECK_KILL_SEED={seed}");
    let world = World::new(&Wanted {
        // How long a write whose answer was lost may still be carried out: both ways out of it.
        config: match seed % 2 {
            0 => "late_seconds = 1\n",
            _ => "late_seconds = 660\n",
        },
        ..Wanted::default()
    });
    world.connect();
    let mut story = Story {
        world,
        dice: Dice(seed),
        ledger: Ledger::default(),
        usual: 16,
    };
    // The import is killed as well.
    story.sync_and_kill();
    story.quiet();
    for round in 0..kills {
        story.people_edit();
        story.faults();
        if round % 4 == 3 {
            story.decide();
        }
        story.sync_and_kill();
        story.world.control().clear_faults();
    }
    story.quiet();
    story.no_conflict_left();
    story.verify();
    let Ledger {
        killed,
        in_doubt,
        typed,
        ..
    } = &story.ledger;
    println!(
        "{killed} of {kills} kills met a working sync, {in_doubt} left writes in doubt; {} edits",
        typed.len()
    );
    assert!(
        kills < 12 || *killed > 0,
        "no kill met a sync while it worked"
    );
    assert!(kills < 50 || *in_doubt > 0, "no kill left a write in doubt");
}

impl Story {
    fn people_edit(&mut self) {
        self.in_the_app();
        self.world.control().advance(LATER);
        self.in_salesforce();
        // A guarded write needs an observation older than the last edit by the settle time.
        self.world.control().advance(LATER);
    }

    fn in_the_app(&mut self) {
        let accounts = self.world.export("accounts");
        for (pair, _, fields) in PAIRS {
            let all = self.world.export(pair);
            let mut rows: BTreeMap<String, Json> = BTreeMap::new();
            for _ in 0..6 {
                let record = self.dice.one_of(&all);
                let id = record["id"].as_str().unwrap();
                // The last field is edited in Salesforce only.
                let (field, _) = fields[self.dice.below(2)];
                if rows.contains_key(id) {
                    continue;
                }
                let value = self.ledger.value("app");
                let place = format!("{pair} App {id} {field}");
                self.ledger.edit(place, &value, &record[field]);
                let mut row = json!({ "id": id });
                row[field] = json!(value);
                rows.insert(id.to_owned(), row);
            }
            let mut rows: Vec<Json> = rows.into_values().collect();
            let name = self.ledger.value("Made in the App");
            self.ledger.made_in_app.insert(name.clone());
            rows.push(match pair {
                "accounts" => json!({ "name": name }),
                _ => {
                    let account = self.dice.one_of(&accounts);
                    json!({ "last_name": name, "account_id": account["id"] })
                }
            });
            self.world.import(pair, &rows);
        }
    }

    fn in_salesforce(&mut self) {
        for (pair, object, fields) in PAIRS {
            for _ in 0..6 {
                let field = fields[self.dice.below(2)].1;
                self.colleague_edits(pair, object, field);
            }
        }
        let name = self.ledger.value("Made in Salesforce");
        let fields = json!({ "Name": name });
        let fields = fields.as_object().unwrap();
        let control = self.world.control();
        control.create(By::Colleague, "Account", fields).unwrap();
        self.ledger.made_in_crm.insert(name);
    }

    /// A colleague changes a field of any record.
    fn colleague_edits(&mut self, pair: &str, object: &str, field: &str) {
        let all = self
            .world
            .query(&format!("SELECT Id FROM {object} ORDER BY Id"));
        let id = self.dice.one_of(&all)["Id"].as_str().unwrap().to_owned();
        let before = self.world.control().get(&id).unwrap();
        let value = self.ledger.value("crm");
        let place = format!("{pair} Salesforce {id} {field}");
        self.ledger.edit(place, &value, &before[field]);
        let mut fields = json!({});
        fields[field] = json!(value);
        self.world.colleague(&id, &fields);
    }

    /// Answers that get lost, and slow ones: then more moments are in the middle of something.
    fn faults(&mut self) {
        let control = self.world.control();
        if self.dice.below(3) == 0 {
            control.inject(Fault {
                path: Some("composite".into()),
                method: None,
                after: u32::try_from(self.dice.below(3)).unwrap(),
                times: Some(1),
                probability: None,
                kind: FaultKind::DropAfter,
            });
        }
        if self.dice.below(2) == 0 {
            control.inject(Fault {
                path: Some("/services/data".into()),
                method: None,
                after: 0,
                times: None,
                probability: None,
                kind: FaultKind::Delay { ms: 15 },
            });
        }
    }

    /// Decides all conflicts for one side, and is killed while that is written.
    fn decide(&mut self) {
        let side = *self.dice.one_of(&["app", "crm"]);
        self.world.ok(&["conflicts", "take", "all", side]);
        self.kill(&["conflicts", "write", "--yes"]);
    }

    fn sync_and_kill(&mut self) {
        self.kill(&["sync"]);
    }

    /// Starts a command and kills it after a random number of requests and a little more.
    fn kill(&mut self, args: &[&str]) {
        let control = self.world.control();
        let before = control.counters().requests;
        let target = before + u64::try_from(self.dice.below(self.usual + 2)).unwrap();
        let meanwhile = target.saturating_sub(1);
        let mut edited = false;
        let more = match target == before {
            // Before the first request: while it opens the store and finds out where it stands.
            true => self.dice.below(200_000),
            false => *self.dice.one_of(&[0, 200, 1_000, 3_000, 8_000, 20_000]),
        };
        let more = Duration::from_micros(u64::try_from(self.dice.below(more + 1)).unwrap());
        let mut child = self
            .world
            .command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let patience = Instant::now() + PATIENCE;
        loop {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            let seen = control.counters().requests;
            if seen >= target {
                break;
            }
            if !edited && seen > before && seen >= meanwhile {
                edited = true;
                let (pair, object, fields) = *self.dice.one_of(&PAIRS);
                // Nobody else edits this one, so that nobody overwrites what he did not see.
                self.colleague_edits(pair, object, fields[2].1);
            }
            assert!(Instant::now() < patience, "neither requests nor an end");
            std::thread::yield_now();
        }
        let moment = Instant::now() + more;
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            self.ledger.killed += 1;
            child.wait().unwrap();
            if self.left_in_doubt() > 0 {
                self.ledger.in_doubt += 1;
            }
        }
    }

    /// Writes of unknown outcome, seen in a copy so that the program itself has to recover.
    fn left_in_doubt(&self) -> usize {
        let kept = tempfile::tempdir().unwrap();
        let store = kept.path().join("store");
        copy(&self.world.profile().join("store"), &store);
        let open = self.world.open_at(&store).intents().unwrap();
        let sending = |i: &&Intent| matches!(i.state, IntentState::Sending { .. });
        open.iter().filter(sending).count()
    }

    /// Syncs until there is nothing to do any more.
    fn quiet(&self) {
        let control = self.world.control();
        for _ in 0..10 {
            control.advance(LATER);
            let done = self.world.json(&["sync", "--json"]);
            let sum: u64 = done["runs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|run| {
                    let count = |what: &str| run["counts"][what].as_u64().unwrap();
                    count("pushed") + count("pulled") + count("created") + count("deferred")
                })
                .sum();
            if self.released() == 0 && sum == 0 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// A write whose answer was lost may be executed minutes later, so that its record waits; a
    /// change by somebody else is what ends that early, as it makes the guarded write impossible.
    fn released(&self) -> usize {
        let open = self.world.open().intents().unwrap();
        for intent in &open {
            if let Some(id) = intent.crm_id {
                let field = match intent.pair.as_str() {
                    "accounts" => "Site",
                    _ => "HomePhone",
                };
                let text = format!("seen {}", self.world.control().advance(LATER));
                let mut fields = json!({});
                fields[field] = json!(text);
                self.world.colleague(&id.to_string(), &fields);
            }
        }
        open.len()
    }

    fn no_conflict_left(&mut self) {
        for _ in 0..5 {
            let list = self.world.json(&["conflicts", "list", "--json"]);
            if list["conflicts"].as_array().unwrap().is_empty() {
                return;
            }
            let side = *self.dice.one_of(&["app", "crm"]);
            self.world.ok(&["conflicts", "take", "all", side]);
            self.world.ok(&["conflicts", "write", "--yes"]);
            self.quiet();
        }
        panic!("{}", self.world.ok(&["conflicts", "list"]));
    }

    fn verify(&self) {
        let last = self.world.ok(&["runs", "list"]);
        let mut values = BTreeSet::new();
        for (pair, object, fields) in PAIRS {
            self.same_on_both_sides(pair, object, &fields, &mut values);
        }
        self.nothing_twice();
        let state = self.world.open();
        assert_eq!(state.intents().unwrap().len(), 0, "{last}");
        for conflict in state.store().scan(&CONFLICTS, &[]) {
            let (_, conflict) = conflict.unwrap();
            let base = conflict
                .base
                .iter()
                .flat_map(|b| b.app.iter().chain(&b.crm));
            for value in conflict
                .app
                .iter()
                .chain(&conflict.crm)
                .flatten()
                .chain(base)
            {
                if let Value::Text(text) = value {
                    values.insert(text.clone());
                }
            }
        }
        let lost: Vec<_> = self
            .ledger
            .typed
            .iter()
            .filter(|(value, _)| !values.contains(*value) && !self.ledger.replaced.contains(*value))
            .collect();
        assert!(lost.is_empty(), "edits without a trace: {lost:#?}\n{last}");
    }

    /// Records and their values are the same; puts the values aside.
    fn same_on_both_sides(
        &self,
        pair: &str,
        object: &str,
        fields: &[Field],
        values: &mut BTreeSet<String>,
    ) {
        let names: Vec<&str> = fields.iter().map(|(_, crm)| *crm).collect();
        let there = self
            .world
            .query(&format!("SELECT Id, {} FROM {object}", names.join(", ")));
        let here = self.world.export(pair);
        let links: HashMap<String, String> = {
            let state = self.world.open();
            let all: Vec<_> = state
                .store()
                .scan(&LINKS, &[])
                .map(|l| l.unwrap().1)
                .collect();
            all.into_iter()
                .filter(|link| link.pair.as_str() == pair)
                .filter_map(|link| Some((link.crm_id?.to_string(), link.app_id.to_string())))
                .collect()
        };
        assert_eq!(here.len(), there.len(), "records of {pair}");
        let by_id: HashMap<&str, &Json> = here
            .iter()
            .map(|record| (record["id"].as_str().unwrap(), record))
            .collect();
        let mut seen = BTreeSet::new();
        for record in &there {
            let id = record["Id"].as_str().unwrap();
            let app_id = links.get(id).unwrap_or_else(|| panic!("{id} has no link"));
            assert!(seen.insert(app_id), "two records share {app_id}");
            let app = by_id[app_id.as_str()];
            for (ours, theirs) in fields {
                assert_eq!(app[ours], record[theirs], "{pair} {app_id} {id} {ours}");
                if let Some(text) = app[ours].as_str() {
                    values.insert(text.to_owned());
                }
            }
        }
    }

    fn nothing_twice(&self) {
        let accounts = self
            .world
            .query("SELECT Id, Name, Syncdeck_Key__c FROM Account");
        let contacts = self
            .world
            .query("SELECT Id, LastName, Syncdeck_Key__c FROM Contact");
        let mut keys = BTreeSet::new();
        for record in accounts.iter().chain(&contacts) {
            if let Some(key) = record["Syncdeck_Key__c"].as_str() {
                assert!(keys.insert(key.to_owned()), "two records with key {key}");
            }
        }
        let written = self.world.control().written();
        let made = written.values().filter(|w| w.created > 0).count();
        assert_eq!(made, self.ledger.made_in_app.len(), "creates in Salesforce");
        assert!(written.values().all(|w| w.created <= 1 && w.deleted == 0));
        // Contacts keep their names; accounts may have been renamed since.
        for name in &self.ledger.made_in_app {
            let named = contacts.iter().filter(|c| c["LastName"] == **name).count();
            let accounts = accounts.iter().filter(|a| a["Name"] == **name).count();
            assert!(named + accounts <= 1, "{name} is there twice");
        }
        let new = self.ledger.made_in_app.len() + self.ledger.made_in_crm.len();
        let seeded = self.world.control().changes(0);
        let born = seeded
            .iter()
            .filter(|c| c.what == syncdeck::sandbox::What::Created)
            .count();
        assert_eq!(born, new, "records made in all");
    }
}
