//! Short texts of many records in little memory, found again by id and read in the order of ids.
//!
//! It knows neither records nor filters. Neighbours lie together in chunks, which are packed once
//! they are full or at rest. An id that comes late, before the last of them, lies apart.
//! Invariants: a text keeps its slot while it is replaced; what is read is in the order of ids.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{Bound, ControlFlow};

use super::chunk::{Chunk, END, Need, TEXTS, Was};
use super::ids;
use super::symbols::Symbols;

/// Stands between the parts of a text.
pub const PART: char = '\u{1f}';
/// Chunks that are not packed, at most.
const OPEN: usize = 64;

/// Number of a text; stays the same while the text is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u32);

impl Slot {
    fn at(chunk: usize, place: usize) -> Option<Self> {
        u32::try_from(chunk * TEXTS + place).ok().map(Self)
    }

    /// As an index into columns beside the texts.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    fn chunk(self) -> usize {
        self.index() / TEXTS
    }

    fn place(self) -> usize {
        self.index() % TEXTS
    }
}

/// What a put did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The id was not there before.
    New(Slot),
    /// Its text was replaced.
    Replaced(Slot),
    /// It cannot be kept, or the space is full.
    Full,
}

/// The texts.
#[derive(Debug, Default)]
pub struct Lines {
    chunks: Vec<Chunk>,
    /// Chunks in the order of their ids, with the first of each.
    order: Vec<(Box<str>, u32)>,
    last: Box<str>,
    /// Ids that came late, and the chunk that takes the next.
    late: BTreeMap<Box<str>, Slot>,
    late_chunk: Option<usize>,
    /// Chunks that are not packed, the oldest first.
    open: VecDeque<usize>,
    symbols: Option<Symbols>,
    live: usize,
    bytes: usize,
    buffer: Vec<u8>,
}

impl Lines {
    /// Texts that are there.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Memory in bytes.
    pub fn memory(&self) -> usize {
        let order = size_of::<(Box<str>, u32)>() + self.last.len();
        let late = size_of::<(Box<str>, Slot)>() + 2 * self.last.len();
        self.bytes
            + self.chunks.capacity() * size_of::<Chunk>()
            + self.order.len() * order
            + self.late.len() * late
    }

    /// The slot of an id that is there.
    pub fn slot(&self, id: &str) -> Option<Slot> {
        self.place_of(id).filter(|slot| self.is_live(*slot))
    }

    fn is_live(&self, slot: Slot) -> bool {
        let chunk = self.chunks.get(slot.chunk());
        chunk.is_some_and(|chunk| chunk.is_live(slot.place()))
    }

    /// The slot of an id that is or was there.
    fn place_of(&self, id: &str) -> Option<Slot> {
        if let Some(slot) = self.late.get(id) {
            return Some(*slot);
        }
        let behind = self.order.partition_point(|(first, _)| **first <= *id);
        let (_, chunk) = self.order.get(behind.checked_sub(1)?)?;
        let chunk = *chunk as usize;
        Slot::at(chunk, self.chunks.get(chunk)?.find(id)?)
    }

    /// Keeps a text of an id: both without line breaks, the text in parts between [`PART`].
    pub fn put(&mut self, id: &str, text: &str) -> Put {
        if id.is_empty() || id.len() > ids::LONGEST || text.contains(END) {
            return Put::Full;
        }
        let put = match self.place_of(id) {
            Some(slot) => {
                let was = self.is_live(slot);
                self.change(slot.chunk(), |chunk| chunk.set(slot.place(), text));
                match was {
                    true => Put::Replaced(slot),
                    false => Put::New(slot),
                }
            }
            None => match self.add(id, text) {
                Some(slot) => Put::New(slot),
                None => Put::Full,
            },
        };
        self.live += usize::from(matches!(put, Put::New(_)));
        self.pack();
        put
    }

    /// Puts a new id behind the others, or apart.
    fn add(&mut self, id: &str, text: &str) -> Option<Slot> {
        let is_last = *id > *self.last;
        let last = self.order.last().map(|(_, chunk)| *chunk as usize);
        let tail = if is_last { last } else { self.late_chunk };
        let room = |at: &usize| self.chunks.get(*at).is_some_and(|c| c.count() < TEXTS);
        let at = match tail.filter(room) {
            Some(at) => at,
            None => {
                self.chunks.push(Chunk::empty());
                let at = self.chunks.len() - 1;
                self.open.push_back(at);
                if is_last {
                    self.order.push((id.into(), u32::try_from(at).ok()?));
                } else {
                    self.late_chunk = Some(at);
                }
                at
            }
        };
        let slot = Slot::at(at, self.chunks.get(at)?.count())?;
        self.change(at, |chunk| chunk.push(id, text));
        if is_last {
            self.last = id.into();
        } else {
            self.late.insert(id.into(), slot);
        }
        Some(slot)
    }

    /// Forgets an id; gives the slot it had.
    pub fn remove(&mut self, id: &str) -> Option<Slot> {
        let slot = self.slot(id)?;
        // One that comes again gets a new place, here or there.
        self.late.remove(id);
        self.counted(slot.chunk(), |chunk| chunk.remove(slot.place()));
        self.live -= 1;
        Some(slot)
    }

    /// Changes a chunk, which is opened for it.
    fn change(&mut self, at: usize, change: impl FnOnce(&mut Chunk)) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let symbols = self.symbols.take();
        let mut was = Was::Open;
        self.counted(at, |chunk| {
            was = chunk.open(symbols.as_ref(), &mut buffer);
            change(chunk);
        });
        if was == Was::Packed {
            self.open.push_back(at);
        }
        (self.buffer, self.symbols) = (buffer, symbols);
    }

    /// Keeps the count of memory right.
    fn counted(&mut self, at: usize, change: impl FnOnce(&mut Chunk)) {
        if let Some(chunk) = self.chunks.get_mut(at) {
            self.bytes -= chunk.memory();
            change(chunk);
            self.bytes += chunk.memory();
        }
    }

    /// Packs what is open when that is much; not the chunks that take what comes next.
    fn pack(&mut self) {
        if self.open.len() <= OPEN {
            return;
        }
        let symbols = self.symbols.take().unwrap_or_else(|| self.learned());
        let mut buffer = std::mem::take(&mut self.buffer);
        let last = self.order.last().map(|(_, chunk)| *chunk as usize);
        let late = self.late_chunk;
        for at in std::mem::take(&mut self.open) {
            if Some(at) == last || Some(at) == late {
                self.open.push_back(at);
                continue;
            }
            self.counted(at, |chunk| chunk.pack(&symbols, &mut buffer));
        }
        (self.buffer, self.symbols) = (buffer, Some(symbols));
    }

    /// A table for texts like those that are open.
    fn learned(&self) -> Symbols {
        let (mut sample, mut buffer) = (Vec::new(), Vec::new());
        // Of all parts of what is there.
        for at in self.open.iter().step_by(2) {
            let texts = self.chunks.get(*at).map(|c| c.texts(None, &mut buffer));
            sample.extend(texts.unwrap_or_default().as_bytes());
        }
        Symbols::learned(&sample)
    }

    /// The id of a slot.
    pub fn id(&self, slot: Slot) -> Option<String> {
        self.chunks.get(slot.chunk())?.id(slot.place())
    }

    /// Ids in their order, from a place on.
    pub fn ids(&self, offset: usize, limit: usize) -> Vec<String> {
        let (mut skip, mut out) = (offset, Vec::new());
        let mut from = Bound::Unbounded;
        // Before the first chunk, and then from each to the next one.
        for at in 0..=self.order.len() {
            let here = at.checked_sub(1).and_then(|at| self.order.get(at));
            let chunk = here.and_then(|(_, chunk)| self.chunks.get(*chunk as usize));
            let next = self.order.get(at).map(|(first, _)| &**first);
            let to = next.map_or(Bound::Unbounded, Bound::Excluded);
            let late = self.late.range::<str, _>((from, to)).map(|(id, _)| id);
            from = next.map_or(Bound::Unbounded, Bound::Included);
            let many = chunk.map_or(0, Chunk::live) + late.clone().count();
            if skip >= many {
                skip -= many;
                continue;
            }
            let mut ids: Vec<String> = late.map(ToString::to_string).collect();
            if let Some(chunk) = chunk {
                let places = (0..chunk.count()).filter(|place| chunk.is_live(*place));
                ids.extend(places.filter_map(|place| chunk.id(place)));
            }
            ids.sort_unstable();
            let room = limit - out.len();
            out.extend(ids.into_iter().skip(std::mem::take(&mut skip)).take(room));
            if out.len() == limit {
                break;
            }
        }
        out
    }

    /// Reads chunk by chunk: in the order of ids, then those that came late, until `see` breaks.
    pub fn read<B>(
        &self,
        need: Need,
        mut see: impl FnMut(&Block<'_>, Order) -> ControlFlow<B>,
    ) -> Option<B> {
        let mut buffer = Vec::new();
        let mut late: Vec<usize> = self.late.values().map(|slot| slot.chunk()).collect();
        late.sort_unstable();
        late.dedup();
        let ordered = self.order.iter().map(|(_, chunk)| *chunk as usize);
        let ordered = ordered.map(|at| (at, Order::Ids));
        for (at, order) in ordered.chain(late.into_iter().map(|at| (at, Order::Late))) {
            let Some(chunk) = self.chunks.get(at) else {
                continue;
            };
            let text = match need {
                Need::Texts => chunk.texts(self.symbols.as_ref(), &mut buffer),
                Need::Places => "",
            };
            let block = Block { at, chunk, text };
            if let ControlFlow::Break(out) = see(&block, order) {
                return Some(out);
            }
        }
        None
    }

    /// Ids that came late; for tests.
    #[cfg(test)]
    pub fn late(&self) -> usize {
        self.late.len()
    }

    /// Everything that is there, by slot; for tests.
    #[cfg(test)]
    pub fn all(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        self.read(Need::Texts, |block, _| {
            for line in block.lines() {
                out.push((line.id(), line.text.to_owned()));
            }
            ControlFlow::<()>::Continue(())
        });
        out
    }
}

/// In which order what is read comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Of the ids.
    Ids,
    /// Of when they came, late.
    Late,
}

/// A chunk that is being read.
#[derive(Debug)]
pub struct Block<'a> {
    at: usize,
    chunk: &'a Chunk,
    /// All its texts, also of some that were removed.
    pub text: &'a str,
}

impl<'a> Block<'a> {
    /// Whether an id in here may begin with a word.
    pub fn may_begin(&self, word: &str) -> bool {
        self.chunk.may_begin(word)
    }

    /// What is there.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> {
        let (at, chunk) = (self.at, self.chunk);
        let mut texts = self.text.split(END);
        (0..chunk.count()).filter_map(move |place| {
            let text = texts.next().unwrap_or_default();
            let slot = Slot::at(at, place).filter(|_| chunk.is_live(place))?;
            Some(Line { slot, chunk, text })
        })
    }
}

/// A text that is being read.
#[derive(Debug)]
pub struct Line<'a> {
    /// Its slot.
    pub slot: Slot,
    chunk: &'a Chunk,
    /// The text.
    pub text: &'a str,
}

impl Line<'_> {
    /// Its id, which takes longer than the text.
    pub fn id(&self) -> String {
        self.chunk.id(self.slot.place()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn replacing_for_ever_takes_no_memory_for_ever() {
        let mut lines = Lines::default();
        let text = "x".repeat(200);
        for round in 0..20_000 {
            lines.put(&format!("id{}", round % 50), &text);
        }
        assert_eq!(lines.len(), 50);
        assert!(lines.memory() < 50 * 400, "{}", lines.memory());
    }

    #[test]
    fn a_record_takes_half_of_its_letters() {
        const FIRST: [&str; 8] = [
            "ada", "charles", "luigi", "mary", "sophia", "john", "li", "zeynep",
        ];
        const LAST: [&str; 7] = [
            "lovelace",
            "babbage",
            "menabrea",
            "somerville",
            "na",
            "arslan",
            "ruiz",
        ];
        let mut lines = Lines::default();
        let (mut letters, many) = (0, 40_000u32);
        for n in 0..many {
            // Spread, so that neighbours are no more alike than those of people.
            let spread = n.wrapping_mul(2_654_435_761);
            let pick = |of: &[&'static str], shift: u32| of[(spread >> shift) as usize % of.len()];
            let (first, last) = (pick(&FIRST, 4), pick(&LAST, 9));
            let text = format!(
                "{first} {last}{PART}{first}.{last}{}@{last}-works.example{PART}+44 20 {:08}{PART}{last} works {} ltd",
                spread % 1_000,
                spread % 100_000_000,
                spread >> 22,
            );
            letters += text.len();
            lines.put(&Uuid::now_v7().to_string(), &text);
        }
        let (each, letters) = (lines.memory() / many as usize, letters / many as usize);
        assert!(letters > 70, "{letters} letters in a text");
        assert!(
            each * 2 < letters,
            "{each} bytes for a record of {letters} letters"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_holds_what_a_map_holds(steps in prop::collection::vec((0u16..400, "[a-zß]{0,9}", 0u8..8), 0..600), far in any::<bool>()) {
            let (mut lines, mut map) = (Lines::default(), BTreeMap::new());
            for round in 0..if far { 60 } else { 1 } {
                for (id, text, put) in &steps {
                    let id = format!("{:05}", u32::from(*id) + round * 97);
                    if *put > 1 {
                        let new = map.insert(id.clone(), text.clone()).is_none();
                        let put = lines.put(&id, text);
                        prop_assert_eq!(matches!(put, Put::New(_)), new);
                    } else {
                        prop_assert_eq!(lines.remove(&id).is_some(), map.remove(&id).is_some());
                    }
                }
            }
            for id in map.keys() {
                let slot = lines.slot(id).unwrap();
                prop_assert_eq!(&lines.id(slot).unwrap(), id);
            }
            let held: BTreeMap<String, String> = lines.all().into_iter().collect();
            prop_assert_eq!(&held, &map);
            prop_assert_eq!(lines.len(), map.len());
            for (offset, limit) in [(0, 1), (3, 40), (70, 300), (map.len(), 9)] {
                let expected: Vec<String> = map.keys().skip(offset).take(limit).cloned().collect();
                prop_assert_eq!(lines.ids(offset, limit), expected);
            }
        }
    }
}
