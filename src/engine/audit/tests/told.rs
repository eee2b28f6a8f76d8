//! What the log tells of conflicts, quarantine and writes, and what stands beside it.

use jiff::SignedDuration;

use super::*;
use crate::domain::conflict::{Choice, Conflict, State as Standing};
use crate::domain::id::{IntentId, RunId};
use crate::domain::run::{Failure, Word};
use crate::domain::transform::Side;
use crate::engine::command::RecordKey;
use crate::engine::conflicts::{self, Sides};
use crate::engine::mappings::fixture::lead;
use crate::engine::tables::{BESIDE, Intent, IntentState, Op, Quarantined};

/// The newest entry of a kind.
fn newest_of(desk: &Desk, what: What) -> Entry {
    let page = Page {
        offset: 0,
        limit: 50,
    };
    let rows = newest(&desk.state, None, page).unwrap().rows;
    let found = rows.into_iter().find(|entry| entry.what == what);
    found.unwrap_or_else(|| panic!("no entry tells of {what:?}"))
}

fn records(desk: &Desk, number: usize) -> Vec<RecordKey> {
    desk.take_in(0, &vec![lead(&[("LastName", "A")]); number])
}

fn conflict(desk: &Desk, key: &RecordKey) -> Conflict {
    let cx = desk.cx();
    let tx = desk.state.begin();
    let link = tx.link(&key.pair, &key.app_id).unwrap().unwrap();
    let sides = Sides {
        app: None,
        seen: None,
    };
    let mut made = conflicts::of_row(&tx, &cx, &link, &cx.pair.rows[0], sides, at(1));
    made.app = Some(vec![Value::text("mine")]);
    made
}

fn entry_of(code: &str) -> Quarantined {
    Quarantined {
        payload: 1,
        mapping_version: 1,
        failure: Failure {
            code: code.to_owned(),
            what: "it was refused".to_owned(),
            why: String::new(),
            fix: String::new(),
            fields: Vec::new(),
            request: String::new(),
        },
        tries: 1,
        first: at(1),
        last: at(1),
        run: RunId(1),
    }
}

fn write(key: &RecordKey, before: &str) -> Intent {
    let fields = Fields::from([(FieldName::new("Title"), Value::text(before))]);
    Intent {
        id: IntentId(7),
        run: RunId(3),
        pair: key.pair.clone(),
        app_id: key.app_id.clone(),
        crm_id: None,
        sync_key: None,
        op: Op::Update,
        fields,
        agreed: Vec::new(),
        app_rev: 1,
        unmodified_since: None,
        state: IntentState::Sending { at: at(1) },
        resolves: Vec::new(),
        app_fields: Fields::new(),
        auto: Vec::new(),
    }
}

#[test]
fn each_step_of_a_conflict_is_told_once_with_digests_of_both_values() {
    let desk = Desk::new();
    let keys = records(&desk, 2);
    let mut all = keys
        .iter()
        .map(|key| conflict(&desk, key))
        .collect::<Vec<_>>();
    let mut tx = desk.state.begin();
    for one in &all {
        conflicts::open(&mut tx, one.clone(), at(2)).unwrap();
    }
    tx.commit(Durability::Now).unwrap();
    let found = newest_of(&desk, What::Conflicts);
    let steps = |entry: &Entry| {
        let steps = entry.turns.iter().map(|turn| (turn.from, turn.to));
        steps.collect::<Vec<_>>()
    };
    // Two of one transaction are one entry.
    assert_eq!(steps(&found), [(None, Stands::Pending); 2]);
    assert_eq!(found.at, at(2));
    let digest = found.turns[0].app;
    assert!(digest.is_some() && digest == found.turns[1].app);
    assert_eq!(found.turns[0].crm, None);

    let mut tx = desk.state.begin();
    let choice = Choice::Take(Side::App);
    conflicts::close(&mut tx, all.remove(0), Standing::Resolved { choice }, at(3)).unwrap();
    tx.commit(Durability::Now).unwrap();
    let closed = newest_of(&desk, What::Conflicts);
    assert_eq!(steps(&closed), [(Some(Stands::Pending), Stands::Resolved)]);

    // Stored as it was: nothing is told.
    let before = end(&desk.state);
    let mut tx = desk.state.begin();
    conflicts::open(&mut tx, all.remove(0), at(4)).unwrap();
    tx.commit(Durability::Now).unwrap();
    assert_eq!(end(&desk.state), before);
}

#[test]
fn going_into_quarantine_and_out_of_it_is_told_once() {
    let desk = Desk::new();
    let keys = records(&desk, 2);
    let put = |entry: Option<&Quarantined>, second| {
        let mut tx = desk.state.begin();
        for key in &keys {
            tx.quarantine(&key.pair, &key.app_id, entry, at(second))
                .unwrap();
        }
        tx.commit(Durability::Now).unwrap();
        let told = newest_of(&desk, What::Quarantine);
        (
            told.at,
            told.asides
                .iter()
                .map(|a| (a.step, a.code.clone()))
                .collect::<Vec<_>>(),
        )
    };
    let entry = entry_of("FIELD_INTEGRITY_EXCEPTION");
    let code = Some(entry.failure.code.clone());
    assert_eq!(put(Some(&entry), 1), (at(1), vec![(Step::In, code); 2]));
    assert_eq!(put(Some(&entry), 2).0, at(1), "it was there already");
    assert_eq!(put(None, 3), (at(3), vec![(Step::Out, None); 2]));
    assert_eq!(put(None, 4).0, at(3), "it was out already");
}

#[test]
fn a_refused_write_is_told_with_its_code_and_both_values_beside_it() {
    let desk = Desk::new();
    let key = records(&desk, 1).remove(0);
    let intent = write(&key, "Countess");
    let mut tx = desk.state.begin();
    tx.refused(&intent, "FIELD_INTEGRITY_EXCEPTION", at(5))
        .unwrap();
    tx.unknown(&intent, at(6)).unwrap();
    tx.commit(Durability::Now).unwrap();
    let told = newest_of(&desk, What::Refused);
    let wrote = &told.wrote[0];
    assert_eq!(wrote.code.as_deref(), Some("FIELD_INTEGRITY_EXCEPTION"));
    assert_eq!(
        (wrote.intent, told.run),
        (Some(IntentId(7)), Some(RunId(3)))
    );
    let row = desk.state.store().get(&BESIDE, &key_of(told.seq)).unwrap();
    let Some(Beside::Values { kept, .. }) = row else {
        panic!("its values are kept");
    };
    let after = kept.iter().find(|(digest, _)| Some(*digest) == wrote.after);
    assert_eq!(after.map(|(_, fields)| fields), Some(&intent.fields));
    assert!(wrote.before.is_some() && wrote.before != wrote.after);
    assert_eq!(newest_of(&desk, What::Unknown).wrote[0].code, None);
    assert_eq!(broken_at(&desk, &[]), None);
}

/// Erased values leave the chain whole; changed ones do not.
#[test]
fn values_beside_the_chain_can_be_erased_and_not_changed() {
    let desk = Desk::new();
    let key = records(&desk, 1).remove(0);
    let told = |title| {
        let mut tx = desk.state.begin();
        tx.refused(&write(&key, title), "X", at(5)).unwrap();
        tx.commit(Durability::Now).unwrap();
        newest_of(&desk, What::Refused).seq
    };
    let (one, other) = (told("Countess"), told("Engineer"));
    let row = |seq| desk.state.store().get(&BESIDE, &key_of(seq)).unwrap();
    let put = |seq, row: Option<&Beside>| {
        let mut tx = desk.state.begin();
        match row {
            Some(row) => tx.put(&BESIDE, &key_of(seq), row),
            None => tx.delete(&BESIDE, &key_of(seq)),
        }
        tx.commit(Durability::Now).unwrap();
    };
    let (first, second) = (row(one).unwrap(), row(other).unwrap());
    assert_eq!(broken_at(&desk, &[]), None);
    // Values of another entry are not those that this one tells of.
    put(one, Some(&second));
    assert_eq!(broken_at(&desk, &[]), Some(one));
    // A value that was changed under its digest.
    let Beside::Values { at: when, mut kept } = first else {
        panic!("values");
    };
    kept[1]
        .1
        .insert(FieldName::new("Title"), Value::text("Earl"));
    put(one, Some(&Beside::Values { at: when, kept }));
    assert_eq!(broken_at(&desk, &[]), Some(one));
    put(one, None);
    assert_eq!(broken_at(&desk, &[]), None);
    // By age.
    let mut tx = desk.state.begin();
    forget(&mut tx, at(5)).unwrap();
    tx.commit(Durability::Now).unwrap();
    assert!(row(other).is_some(), "it is not older");
    let mut tx = desk.state.begin();
    forget(&mut tx, at(5) + SignedDuration::from_secs(1)).unwrap();
    tx.commit(Durability::Now).unwrap();
    assert!(row(other).is_none());
    assert!(row(0).is_some(), "the key stays");
    assert_eq!(broken_at(&desk, &[]), None);
}

#[test]
fn digests_of_the_same_values_are_the_same_in_one_store_only() {
    let digest = |desk: &Desk| desk.state.digests().of(&vec![Value::text("a")]).unwrap();
    let (one, other) = (desk(1), desk(1));
    assert_eq!(digest(&one), digest(&one));
    assert_ne!(digest(&one), digest(&other));
    let opened = Digests::open(one.state.store()).unwrap();
    assert_eq!(opened.of(&vec![Value::text("a")]).unwrap(), digest(&one));
    let text = digest(&one).to_string();
    assert_eq!(text.parse(), Ok(digest(&one)));
    assert!(text[1..].parse::<Digest>().is_err());
}

/// Before anything is done the end of the chain is looked at, and only the end.
#[test]
fn the_tail_is_checked_as_far_as_it_reaches() {
    let desk = desk(150);
    let found = |desk: &Desk| tail(&desk.state).unwrap().map(|broken| broken.seq);
    assert_eq!(found(&desk), None);
    let good = stored(&desk);
    let changed = |seq: usize| Chained {
        line: good[seq - 1].1.line.replace("decision", "DECISION"),
        ..good[seq - 1].1.clone()
    };
    tamper(&desk, 151, Some(&changed(151)));
    assert_eq!(found(&desk), Some(151));
    tamper(&desk, 151, Some(&good[150].1));
    tamper(&desk, 52, Some(&changed(52)));
    assert_eq!(found(&desk), Some(52), "the oldest it looks at");
    tamper(&desk, 52, Some(&good[51].1));
    tamper(&desk, 50, Some(&changed(50)));
    assert_eq!(found(&desk), None, "that is for `audit verify`");
    assert_eq!(broken_at(&desk, &[]), Some(50));
    tamper(&desk, 100, None);
    assert_eq!(found(&desk), Some(100));
    // A short chain is looked at from its beginning.
    let short = super::desk(3);
    assert_eq!(found(&short), None);
    tamper(&short, 1, None);
    assert_eq!(found(&short), Some(1));
    assert_eq!(found(&Desk::new()), None);
}

#[test]
fn every_thousandth_entry_is_a_checkpoint_in_the_log() {
    let desk = Desk::new();
    let note = |n: i64| Draft::new(at(n), "jo", What::Decided, "");
    for half in [0, 500] {
        let mut tx = desk.state.begin();
        (half..half + 500).for_each(|n| tx.audit(note(n)));
        tx.commit(Durability::Now).unwrap();
    }
    let log = desk.state.log_tail(5).unwrap();
    let told: Vec<_> = log
        .iter()
        .filter(|l| l.text.contains("checkpoint"))
        .collect();
    let hash = stored(&desk)[999].1.hash;
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].text,
        format!("checkpoint of the audit log: entry 1000 is {hash}")
    );
    assert_eq!((told[0].word, told[0].at), (Word::Info, at(998)));
}
