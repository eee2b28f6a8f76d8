//! Which records a filter can take at all, before any of them is opened.
//!
//! It leaves out only what surely does not pass; the filter itself decides about the rest.
//! Invariant: no record that passes is left out.

use std::collections::BTreeSet;
use std::iter::Peekable;

use crate::domain::filter::{Filter, Test, Wanted};
use crate::domain::id::AppId;
use crate::domain::run::Word;
use crate::store::StoreError;

/// The only records that can pass, in the order of their ids, when a filter names them.
pub(super) fn these(filter: &Filter) -> Option<BTreeSet<AppId>> {
    match filter {
        Filter::Field {
            name,
            test: Test::Is(wanted),
        } if name.eq_ignore_ascii_case("id") => {
            let id = |wanted: &Wanted| match wanted {
                Wanted::Null => None,
                Wanted::Text(id) => Some(AppId::new(id.as_str())),
            };
            Some(wanted.iter().filter_map(id).collect())
        }
        Filter::Each(parts) => parts.iter().find_map(these),
        _ => None,
    }
}

/// Whether only records with an open conflict or a refusal can pass.
pub(super) fn asks_for_busy(filter: &Filter) -> bool {
    const BUSY: [Word; 6] = [
        Word::Fail,
        Word::Conf,
        Word::Part,
        Word::Ready,
        Word::Del,
        Word::Run,
    ];
    match filter {
        Filter::State(words) => words
            .iter()
            .all(|w| BUSY.iter().any(|b| b.as_str().eq_ignore_ascii_case(w))),
        Filter::Each(parts) => parts.iter().any(asks_for_busy),
        _ => false,
    }
}

/// Keys of live records: both tables have the same keys in the same order.
pub(super) struct Live<K: Iterator> {
    pub keys: K,
    pub gone: Peekable<K>,
}

impl<K: Iterator<Item = std::result::Result<Vec<u8>, StoreError>>> Iterator for Live<K> {
    type Item = std::result::Result<Vec<u8>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let key = match self.keys.next()? {
                Ok(key) => key,
                Err(error) => return Some(Err(error)),
            };
            let behind = |g: &K::Item| g.as_ref().is_ok_and(|g| *g < key);
            while self.gone.next_if(behind).is_some() {}
            match self.gone.peek() {
                Some(Ok(gone)) if *gone == key => {}
                Some(Err(_)) => return self.gone.next(),
                _ => return Some(Ok(key)),
            }
        }
    }
}
