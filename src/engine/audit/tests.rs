//! The chain: whole after real work, and broken at the right place by every kind of tampering.

mod told;

use jiff::Timestamp;

use super::*;
use crate::appdb::{Author, Change, Expect};
use crate::domain::id::{AppId, FieldName, PairName, TableName};
use crate::domain::record::Presence;
use crate::domain::value::{Fields, Value};
use crate::engine::command::Page;
use crate::engine::mappings::fixture::Desk;
use crate::engine::tx::Durability;
use crate::store::keys::Key;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn pair() -> PairName {
    PairName::new("leads")
}

fn note(desk: &Desk, n: i64) {
    let mut tx = desk.state.begin();
    tx.audit(Draft::new(
        at(n),
        "jo",
        What::Decided,
        format!("decision {n}"),
    ));
    tx.commit(Durability::Now).unwrap();
}

/// A chain of `n` notes behind its beginning.
fn desk(n: i64) -> Desk {
    let desk = Desk::new();
    (0..n).for_each(|n| note(&desk, n));
    desk
}

/// Changes what is stored, behind the back of the chain.
fn tamper(desk: &Desk, seq: u64, with: Option<&Chained>) {
    let mut tx = desk.state.begin();
    let key = Key::new().number(seq);
    match with {
        Some(chained) => tx.put(&AUDIT, &key, chained),
        None => tx.delete(&AUDIT, &key),
    }
    tx.commit(Durability::Now).unwrap();
}

fn stored(desk: &Desk) -> Vec<(u64, Chained)> {
    oldest(&desk.state, 0, 1_000).unwrap()
}

fn broken_at(desk: &Desk, known: &[Checkpoint]) -> Option<u64> {
    verify(&desk.state, known).unwrap().broken.map(|b| b.seq)
}

#[test]
fn a_chain_is_whole_and_its_beginning_is_its_own() {
    let (one, other) = (desk(5), desk(5));
    let verdict = verify(&one.state, &[]).unwrap();
    assert_eq!((verdict.entries, verdict.broken), (6, None));
    assert_eq!(verdict.head, end(&one.state));
    // The same deeds in another profile are another chain.
    assert_ne!(
        verdict.head.hash,
        verify(&other.state, &[]).unwrap().head.hash
    );
    let page = Page {
        offset: 1,
        limit: 2,
    };
    let part = newest(&one.state, None, page).unwrap();
    let texts: Vec<_> = part.rows.iter().map(|e| e.text.as_str()).collect();
    assert_eq!((texts, part.total), (vec!["decision 3", "decision 2"], 6));
    // As the help of the command says it is computed.
    let lines = stored(&one);
    let input = format!("{}\n{}", lines[0].1.hash, lines[1].1.line);
    assert_eq!(lines[1].1.hash, Hash(digest::sha256(&[input.as_bytes()])));
    assert_eq!(
        lines[1].1.hash.to_string().parse::<Hash>().unwrap(),
        lines[1].1.hash
    );
}

#[test]
fn an_empty_chain_is_whole() {
    let desk = Desk::new();
    assert_eq!(broken_at(&desk, &[]), None);
    assert_eq!(verify(&desk.state, &[]).unwrap().entries, 0);
}

/// I35: one changed byte anywhere in a line or a hash.
#[test]
fn every_changed_byte_is_found_at_its_entry() {
    let desk = desk(4);
    for (seq, good) in stored(&desk) {
        for place in 0..good.line.len() {
            let mut bytes = good.line.clone().into_bytes();
            bytes[place] ^= 1;
            let Ok(line) = String::from_utf8(bytes) else {
                continue;
            };
            let bad = Chained {
                line,
                hash: good.hash,
            };
            tamper(&desk, seq, Some(&bad));
            assert_eq!(
                broken_at(&desk, &[]),
                Some(seq),
                "byte {place} of entry {seq}"
            );
        }
        let mut bad = good.clone();
        bad.hash.0[31] ^= 1;
        tamper(&desk, seq, Some(&bad));
        assert_eq!(broken_at(&desk, &[]), Some(seq));
        tamper(&desk, seq, Some(&good));
        assert_eq!(broken_at(&desk, &[]), None);
    }
}

#[test]
fn entries_that_are_removed_moved_or_put_in_are_found() {
    let removed = desk(4);
    tamper(&removed, 3, None);
    assert_eq!(broken_at(&removed, &[]), Some(3));
    let first = desk(4);
    tamper(&first, 1, None);
    assert_eq!(broken_at(&first, &[]), Some(1));
    let swapped = desk(4);
    let lines = stored(&swapped);
    tamper(&swapped, 3, Some(&lines[3].1));
    tamper(&swapped, 4, Some(&lines[2].1));
    assert_eq!(broken_at(&swapped, &[]), Some(3));
    // An entry of its own hash, with a number that is taken.
    let again = desk(4);
    let hash = stored(&again)[4].1.hash.then(&stored(&again)[4].1.line);
    let line = stored(&again)[4].1.line.clone();
    tamper(&again, 6, Some(&Chained { line, hash }));
    assert_eq!(broken_at(&again, &[]), Some(6));
}

#[test]
fn a_cut_tail_is_found_by_what_was_exported() {
    let desk = desk(4);
    let known: Vec<Checkpoint> = stored(&desk)
        .iter()
        .map(|(seq, chained)| Checkpoint {
            seq: *seq,
            hash: chained.hash,
        })
        .collect();
    let verdict = verify(&desk.state, &known).unwrap();
    assert_eq!((verdict.broken, verdict.matched), (None, 5));
    tamper(&desk, 5, None);
    // By itself a shorter chain is as good as any.
    assert_eq!(broken_at(&desk, &[]), None);
    assert_eq!(broken_at(&desk, &known), Some(5));
    assert_eq!(broken_at(&desk, &known[4..]), Some(5));
    assert_eq!(broken_at(&desk, &known[..4]), None);
    // Cut, and written on: the numbers are there, the entries are others.
    let last = stored(&desk)[3].1.hash;
    let line = r#"{"seq":5,"at":"2026-01-01T00:00:00Z","actor":"x","what":"paused"}"#.to_owned();
    let hash = last.then(&line);
    tamper(&desk, 5, Some(&Chained { line, hash }));
    assert_eq!(broken_at(&desk, &[]), None);
    assert_eq!(broken_at(&desk, &known), Some(5));
}

#[test]
fn an_entry_and_its_effect_are_one_commit() {
    let desk = desk(1);
    let before = end(&desk.state);
    let change = |rev| Change {
        table: TableName::new("leads"),
        id: AppId::new("a"),
        expect: rev,
        fields: Fields::from([(FieldName::new("contactTitle"), Value::text("secret value"))]),
        presence: Presence::Live,
        sync_key: None,
        by: Author::Person("jo".to_owned()),
        at: at(9),
    };
    let mut dropped = desk.state.begin();
    dropped.change_app(&pair(), &change(Expect::New)).unwrap();
    drop(dropped);
    assert_eq!(end(&desk.state), before);
    assert_eq!(head(desk.state.store()).unwrap(), before);
    let mut tx = desk.state.begin();
    let made = tx.change_app(&pair(), &change(Expect::New)).unwrap();
    tx.change_app(&pair(), &change(Expect::Rev(made.rev)))
        .unwrap();
    tx.commit(Durability::Now).unwrap();
    let page = Page {
        offset: 0,
        limit: 1,
    };
    let entry = newest(&desk.state, None, page).unwrap().rows.remove(0);
    assert_eq!((entry.actor.as_str(), entry.what), ("jo", What::Wrote));
    let did: Vec<_> = entry
        .wrote
        .iter()
        .map(|w| (w.did, w.fields.len()))
        .collect();
    assert_eq!(did, [(Did::Created, 0), (Did::Changed, 1)]);
    let mut lines = stored(&desk);
    let line = lines.pop().unwrap().1.line;
    assert!(
        line.contains("contactTitle") && !line.contains("secret value"),
        "{line}"
    );
    assert_eq!(broken_at(&desk, &[]), None);
}
