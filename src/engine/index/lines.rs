//! Short texts of many records in few large pieces of memory, found again by id.
//!
//! It knows neither records nor filters. Invariant: a text never reaches into the next, and the
//! memory of texts that were replaced is given back before it is half of all.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;

/// Stands between the parts of a text.
pub const PART: char = '\u{1f}';
/// Bytes of one piece of memory; a longer text gets a piece of its own.
const BLOCK: usize = 1 << 18;

/// Where a text lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    block: u32,
    at: u32,
    /// Zero: nothing is there.
    len: u32,
}

const NOWHERE: Place = Place {
    block: 0,
    at: 0,
    len: 0,
};

/// Number of a text; stays the same while the text is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u32);

impl Slot {
    /// As an index into columns beside the texts.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a put did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The id was not there before.
    New(Slot),
    /// Its text was replaced.
    Replaced(Slot),
    /// The space is full; nothing was kept.
    Full,
}

/// The texts.
#[derive(Debug, Default)]
pub struct Lines {
    blocks: Vec<String>,
    places: Vec<Place>,
    free: Vec<Slot>,
    /// By half a hash: two ids in a million have the same.
    slots: HashMap<u32, Slot>,
    /// Ids whose hash is another's.
    twins: HashMap<Box<str>, Slot>,
    hasher: RandomState,
    live: usize,
    bytes: usize,
    dead: usize,
}

impl Lines {
    /// Texts that are there.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Memory in bytes.
    pub fn memory(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(String::capacity).sum();
        // A map keeps a byte of its own per entry, and room to grow.
        let entry = size_of::<(u32, Slot)>() + 1;
        blocks + self.places.capacity() * size_of::<Place>() + self.slots.capacity() * 8 / 7 * entry
    }

    fn hash(&self, id: &str) -> u32 {
        (self.hasher.hash_one(id) >> 32) as u32
    }

    /// The slot of an id.
    pub fn slot(&self, id: &str) -> Option<Slot> {
        let found = self.slots.get(&self.hash(id)).copied()?;
        match self.id(found) {
            Some(here) if here == id => Some(found),
            _ => self.twins.get(id).copied(),
        }
    }

    /// Keeps a text of an id: both without line breaks, the text in parts between [`PART`].
    pub fn put(&mut self, id: &str, text: &str) -> Put {
        let (len, found) = (id.len() + PART.len_utf8() + text.len(), self.slot(id));
        let Some(place) = self.room(len) else {
            return Put::Full;
        };
        if let Some(block) = self.blocks.get_mut(place.block as usize) {
            block.push_str(id);
            block.push(PART);
            block.push_str(text);
        }
        self.bytes += len;
        if let Some(slot) = found {
            self.drop_text(slot);
            self.set(slot, place);
            self.tidy();
            return Put::Replaced(slot);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.places.push(NOWHERE);
            Slot(u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX))
        });
        self.set(slot, place);
        let hash = self.hash(id);
        match self.slots.entry(hash) {
            Entry::Vacant(free) => {
                free.insert(slot);
            }
            Entry::Occupied(_) => {
                self.twins.insert(id.into(), slot);
            }
        }
        self.live += 1;
        Put::New(slot)
    }

    /// Forgets an id; gives its slot, which is used again for another.
    pub fn remove(&mut self, id: &str) -> Option<Slot> {
        let slot = self.slot(id)?;
        if self.twins.remove(id).is_none() {
            self.slots.remove(&self.hash(id));
            self.promote(id);
        }
        self.drop_text(slot);
        self.set(slot, NOWHERE);
        self.free.push(slot);
        self.live -= 1;
        self.tidy();
        Some(slot)
    }

    /// A twin of an id that went takes its place, or it would not be found.
    fn promote(&mut self, gone: &str) {
        let hash = self.hash(gone);
        let twin = self.twins.keys().find(|id| self.hash(id) == hash);
        if let Some(twin) = twin.cloned()
            && let Some(slot) = self.twins.remove(&twin)
        {
            self.slots.insert(hash, slot);
        }
    }

    /// Id and text of a slot, if something is there.
    pub fn get(&self, slot: Slot) -> Option<(&str, &str)> {
        let place = self.places.get(slot.index()).filter(|p| p.len > 0)?;
        let (at, len) = (place.at as usize, place.len as usize);
        let line = self.blocks.get(place.block as usize)?.get(at..at + len)?;
        line.split_once(PART)
    }

    /// The id of a slot.
    pub fn id(&self, slot: Slot) -> Option<&str> {
        self.get(slot).map(|(id, _)| id)
    }

    /// Everything that is there: slot, id, text.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &str, &str)> {
        (0..self.places.len()).filter_map(|at| {
            let slot = Slot(u32::try_from(at).ok()?);
            let (id, text) = self.get(slot)?;
            Some((slot, id, text))
        })
    }

    fn set(&mut self, slot: Slot, place: Place) {
        if let Some(at) = self.places.get_mut(slot.index()) {
            *at = place;
        }
    }

    fn drop_text(&mut self, slot: Slot) {
        let len = self.places.get(slot.index()).map_or(0, |p| p.len as usize);
        self.dead += len;
        self.bytes -= len;
    }

    /// Room for a text at the end of the last block, or of a new one.
    fn room(&mut self, len: usize) -> Option<Place> {
        let fits = |block: &String| block.capacity() - block.len() >= len;
        if !self.blocks.last().is_some_and(fits) {
            self.blocks.push(String::with_capacity(BLOCK.max(len)));
        }
        let block = self.blocks.len() - 1;
        Some(Place {
            block: u32::try_from(block).ok()?,
            at: u32::try_from(self.blocks.get(block)?.len()).ok()?,
            len: u32::try_from(len).ok()?,
        })
    }

    /// Moves what is there together when half of the memory holds nothing.
    fn tidy(&mut self) {
        if self.dead <= self.bytes + BLOCK {
            return;
        }
        let old = std::mem::take(&mut self.blocks);
        self.dead = 0;
        for at in 0..self.places.len() {
            let Some(place) = self.places.get(at).copied().filter(|p| p.len > 0) else {
                continue;
            };
            let (from, len) = (place.at as usize, place.len as usize);
            let line = old
                .get(place.block as usize)
                .and_then(|block| block.get(from..from + len));
            if let (Some(line), Some(to)) = (line, self.room(len)) {
                if let Some(block) = self.blocks.get_mut(to.block as usize) {
                    block.push_str(line);
                }
                if let Some(place) = self.places.get_mut(at) {
                    *place = to;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn replacing_for_ever_takes_no_memory_for_ever() {
        let mut lines = Lines::default();
        let text = "x".repeat(200);
        for round in 0..20_000 {
            lines.put(&format!("id{}", round % 50), &text);
        }
        assert_eq!(lines.len(), 50);
        assert!(lines.memory() < 8 * BLOCK, "{}", lines.memory());
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(steps in prop::collection::vec((0u8..12, "[a-z]{0,9}", any::<bool>()), 0..200)) {
            let (mut lines, mut map) = (Lines::default(), BTreeMap::new());
            for (id, text, put) in steps {
                let id = format!("id{id}");
                if put {
                    lines.put(&id, &text);
                    map.insert(id, text);
                } else {
                    prop_assert_eq!(lines.remove(&id).is_some(), map.remove(&id).is_some());
                }
            }
            let held: BTreeMap<String, String> = lines.iter().map(|(_, id, text)| (id.into(), text.into())).collect();
            prop_assert_eq!(&held, &map);
            prop_assert_eq!(lines.len(), map.len());
        }
    }
}
