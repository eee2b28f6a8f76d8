//! A few neighbouring texts with their ids: as they are while they change, packed afterwards.
//!
//! It knows neither order nor slots. Invariants: a text keeps its place, also when it is removed;
//! packed or not, the same is read.

use super::ids::Ids;
use super::symbols::Symbols;

/// Texts of a chunk: what it takes beside them is shared by so many, and all are unpacked for one.
pub const TEXTS: usize = 64;
/// Stands between two texts, and in none.
pub const END: char = '\u{1d}';

/// A text as it is.
#[derive(Debug)]
struct Open {
    id: Box<str>,
    /// None: it was removed.
    text: Option<Box<str>>,
}

/// A chunk.
#[derive(Debug)]
pub struct Chunk {
    /// Which of its texts are there, by place.
    live: u64,
    count: u8,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Open(Vec<Open>),
    Packed { ids: Ids, texts: Box<[u8]> },
}

/// Whether texts are needed, or only which there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// They are.
    Texts,
    /// They are not; each reads as empty.
    Places,
}

/// Whether it can be packed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Was {
    /// It was packed.
    Packed,
    /// It was open.
    Open,
}

impl Chunk {
    /// Without texts.
    pub fn empty() -> Self {
        Self {
            live: 0,
            count: 0,
            body: Body::Open(Vec::new()),
        }
    }

    /// Texts that it ever held.
    pub fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// Texts that are there.
    pub fn live(&self) -> usize {
        self.live.count_ones() as usize
    }

    /// Whether a text is there.
    pub fn is_live(&self, at: usize) -> bool {
        at < TEXTS && self.live & (1 << at) != 0
    }

    /// Memory in bytes, besides its own.
    pub fn memory(&self) -> usize {
        let of = |one: &Open| {
            size_of::<Open>() + one.id.len() + one.text.as_ref().map_or(0, |text| text.len())
        };
        match &self.body {
            Body::Open(texts) => texts.iter().map(of).sum(),
            Body::Packed { ids, texts } => ids.memory() + texts.len(),
        }
    }

    /// The id at a place, also of a text that was removed.
    pub fn id(&self, at: usize) -> Option<String> {
        match &self.body {
            Body::Open(texts) => texts.get(at).map(|one| one.id.to_string()),
            Body::Packed { ids, .. } => ids.get(at).filter(|_| at < self.count()),
        }
    }

    /// The place of an id, also of a text that was removed.
    pub fn find(&self, id: &str) -> Option<usize> {
        match &self.body {
            Body::Open(texts) => texts.iter().position(|one| &*one.id == id),
            Body::Packed { ids, .. } => ids.find(id),
        }
    }

    /// Whether an id that is here may begin with a word.
    pub fn may_begin(&self, word: &str) -> bool {
        match &self.body {
            Body::Open(_) => true,
            Body::Packed { ids, .. } => ids.may_begin(word),
        }
    }

    /// Adds a text behind the others; there is room as long as it holds less than [`TEXTS`].
    pub fn push(&mut self, id: &str, text: &str) {
        if let Body::Open(texts) = &mut self.body {
            self.live |= 1 << texts.len();
            self.count += 1;
            texts.push(Open {
                id: id.into(),
                text: Some(text.into()),
            });
        }
    }

    /// Replaces the text at a place, also one that was removed. The chunk is open.
    pub fn set(&mut self, at: usize, text: &str) {
        if let Body::Open(texts) = &mut self.body
            && let Some(one) = texts.get_mut(at)
        {
            one.text = Some(text.into());
            self.live |= 1 << at;
        }
    }

    /// Removes the text at a place; its id keeps the place.
    pub fn remove(&mut self, at: usize) {
        self.live &= !(1 << at);
        match &mut self.body {
            Body::Open(texts) => texts
                .get_mut(at)
                .into_iter()
                .for_each(|one| one.text = None),
            Body::Packed { ids, texts } if self.live == 0 => {
                *ids = Ids::of(std::iter::empty());
                *texts = Box::default();
                self.count = TEXTS as u8;
            }
            Body::Packed { .. } => {}
        }
    }

    /// All texts in a row, an [`END`] behind each.
    pub fn texts<'b>(&self, symbols: Option<&Symbols>, buffer: &'b mut Vec<u8>) -> &'b str {
        let len = match &self.body {
            Body::Open(texts) => {
                buffer.clear();
                for one in texts {
                    buffer.extend(one.text.as_deref().unwrap_or_default().as_bytes());
                    buffer.push(END as u8);
                }
                buffer.len()
            }
            Body::Packed { texts, .. } => symbols.map_or(0, |s| s.unpack(texts, buffer)),
        };
        // What was packed is what a text was: nothing is lost here.
        std::str::from_utf8(&buffer[..len]).unwrap_or_default()
    }

    /// Packs it.
    pub fn pack(&mut self, symbols: &Symbols, buffer: &mut Vec<u8>) {
        let Body::Open(texts) = &self.body else {
            return;
        };
        let ids = Ids::of(texts.iter().map(|one| &*one.id));
        let plain = self.texts(None, buffer);
        let texts = symbols.pack(plain.as_bytes());
        self.body = Body::Packed { ids, texts };
    }

    /// Makes it so that it can be changed.
    pub fn open(&mut self, symbols: Option<&Symbols>, buffer: &mut Vec<u8>) -> Was {
        let Body::Packed { ids, .. } = &self.body else {
            return Was::Open;
        };
        let plain = self.texts(symbols, buffer);
        let texts = plain.split(END).take(self.count()).enumerate();
        let one = |(at, text): (usize, &str)| Open {
            id: ids.get(at).unwrap_or_default().into(),
            text: self.is_live(at).then(|| text.into()),
        };
        self.body = Body::Open(texts.map(one).collect());
        Was::Packed
    }
}
