//! Whether the chain is whole, and is the one that was exported.
//!
//! Repairs nothing. Invariant: an entry that was changed, removed, put in or cut off at the end is
//! named, the first of them; the end only as far as somebody kept a checkpoint.

use std::fmt;

use crate::error::Result;

use super::super::state::State;
use super::super::tables::{AUDIT, BESIDE};
use super::beside::{Beside, key_of};
use super::entry::Entry;
use super::read::{parse, seq_of};
use super::{Chained, Checkpoint, Hash};

/// Entries at the end that are looked at before anything is done.
const TAIL: usize = 100;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Entries that are good, from the first on.
    pub entries: u64,
    /// The last good one.
    pub head: Checkpoint,
    /// How many of the known checkpoints are in the chain.
    pub matched: u64,
    /// The first that is not good.
    pub broken: Option<Broken>,
}

/// The first entry that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its number.
    pub seq: u64,
    /// What is wrong with it.
    pub why: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, why } = self;
        write!(f, "the audit log is broken at entry {seq}: {why}")
    }
}

/// Walks the chain, and compares it with checkpoints that were kept elsewhere.
///
/// # Errors
/// Never for a broken chain: that is an answer.
pub fn verify(state: &State, known: &[Checkpoint]) -> Result<Verdict> {
    let mut known: Vec<Checkpoint> = known.to_vec();
    known.sort_by_key(|checkpoint| checkpoint.seq);
    let mut known = known.into_iter().peekable();
    let mut good = Verdict {
        entries: 0,
        head: Checkpoint {
            seq: 0,
            hash: Hash::START,
        },
        matched: 0,
        broken: None,
    };
    let broken = |seq, why| Some(Broken { seq, why });
    for row in state.store().scan(&AUDIT, &[]) {
        let expected = good.entries + 1;
        let Ok((key, chained)) = row else {
            good.broken = broken(expected, "it cannot be opened: the store is damaged there");
            return Ok(good);
        };
        let entry = match follows(good.head, seq_of(&key), &chained) {
            Ok(entry) => entry,
            Err(why) => {
                good.broken = broken(expected, why);
                return Ok(good);
            }
        };
        if let Some(why) = beside(state, &entry) {
            good.broken = broken(expected, why);
            return Ok(good);
        }
        while let Some(kept) = known.next_if(|kept| kept.seq <= expected) {
            if kept.seq == expected && kept.hash != chained.hash {
                good.broken = broken(expected, "it is not the entry that was exported");
                return Ok(good);
            }
            good.matched += 1;
        }
        good.entries = expected;
        good.head = Checkpoint {
            seq: expected,
            hash: chained.hash,
        };
    }
    if known.next().is_some() {
        good.broken = broken(
            good.entries + 1,
            "it is missing: the end was cut off, later entries were exported",
        );
    }
    Ok(good)
}

/// The entry, if it is the one behind `head`.
fn follows(
    head: Checkpoint,
    seq: u64,
    chained: &Chained,
) -> std::result::Result<Entry, &'static str> {
    if seq != head.seq + 1 {
        return Err("it is missing");
    }
    if head.hash.then(&chained.line) != chained.hash {
        return Err("it, or the entry before it, was changed");
    }
    match parse(chained) {
        Ok(entry) if entry.seq == seq => Ok(entry),
        _ => Err("it has the number of another entry"),
    }
}

/// What is wrong with the values that stand beside an entry; that they were erased is not.
fn beside(state: &State, entry: &Entry) -> Option<&'static str> {
    const OTHERS: &str = "the values kept for it are not those that it tells of";
    if entry.wrote.is_empty() {
        return None;
    }
    let Ok(row) = state.store().get(&BESIDE, &key_of(entry.seq)) else {
        return Some("the values kept for it cannot be opened: the store is damaged there");
    };
    let kept = match row {
        None => return None,
        Some(Beside::Key(_)) => return Some(OTHERS),
        Some(Beside::Values { kept, .. }) => kept,
    };
    let all = entry.wrote.iter().flat_map(|w| [w.before, w.after]);
    let told: std::collections::BTreeSet<_> = all.flatten().collect();
    let good = kept.iter().all(|(digest, fields)| {
        told.contains(digest) && state.digests().of(fields).is_ok_and(|is| is == *digest)
    });
    (!good).then_some(OTHERS)
}

/// The first of the newest entries that is not good: a look before anything is done
/// (sync-semantics 11.3). The whole chain is looked at by [`verify`].
///
/// # Errors
/// When the store cannot be read at all.
pub fn tail(state: &State) -> Result<Option<Broken>> {
    let broken = |seq, why| Ok(Some(Broken { seq, why }));
    let mut rows = Vec::with_capacity(TAIL + 1);
    // With the one before them, whose hash the first of them follows.
    for row in state.store().scan(&AUDIT, &[]).rev().take(TAIL + 1) {
        match row {
            Ok((key, chained)) => rows.push((seq_of(&key), chained)),
            Err(_) => {
                let seq = rows.last().map_or(0, |(seq, _): &(u64, _)| seq - 1);
                return broken(seq, "it cannot be opened: the store is damaged there");
            }
        }
    }
    let whole = rows.len() <= TAIL;
    let mut rows = rows.into_iter().rev();
    let before = if whole { None } else { rows.next() };
    let mut head = match before {
        Some((seq, chained)) => Checkpoint {
            seq,
            hash: chained.hash,
        },
        None => Checkpoint {
            seq: 0,
            hash: Hash::START,
        },
    };
    for (seq, chained) in rows {
        if let Err(why) = follows(head, seq, &chained) {
            return broken(head.seq + 1, why);
        }
        head = Checkpoint {
            seq,
            hash: chained.hash,
        };
    }
    Ok(None)
}
