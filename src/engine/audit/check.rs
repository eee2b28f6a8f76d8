//! Whether the chain is whole, and is the one that was exported.
//!
//! Repairs nothing. Invariant: an entry that was changed, removed, put in or cut off at the end is
//! named, the first of them; the end only as far as somebody kept a checkpoint.

use crate::error::Result;

use super::super::state::State;
use super::super::tables::AUDIT;
use super::read::{parse, seq_of};
use super::{Checkpoint, Hash};

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
        let fault = if seq_of(&key) != expected {
            Some("it is missing")
        } else if good.head.hash.then(&chained.line) != chained.hash {
            Some("it, or the entry before it, was changed")
        } else if parse(&chained).is_ok_and(|entry| entry.seq == expected) {
            None
        } else {
            Some("it has the number of another entry")
        };
        if let Some(why) = fault {
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
