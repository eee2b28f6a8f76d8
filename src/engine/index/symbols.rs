//! Short texts made shorter: a table of frequent pieces, each written as a code of 12 bits.
//!
//! The table is learned from a sample and is the same for all texts, so that each is read by
//! itself and fast. Invariant: what was packed is unpacked to the same bytes, whatever the sample.

use std::collections::HashMap;
use std::ops::Range;

/// Codes of all single bytes come first: whatever a text is, it can be written.
const BYTES: usize = 1 << 8;
/// Codes.
const CODES: usize = 1 << 12;
/// Bytes of a piece at most.
const LONGEST: usize = 16;
/// Times a table is made from what the one before it is good for; pieces get twice as long each time.
const ROUNDS: usize = 5;
/// Bytes of a sample that are looked at.
const SAMPLE: usize = 256 * 1024;

/// A piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
struct Piece {
    bytes: [u8; LONGEST],
    len: u8,
}

impl Piece {
    fn byte(byte: u8) -> Self {
        let mut bytes = [0; LONGEST];
        bytes[0] = byte;
        Self { bytes, len: 1 }
    }

    fn len(self) -> usize {
        usize::from(self.len)
    }

    /// Both in a row, if that is short enough.
    fn join(self, next: Self) -> Option<Self> {
        let len = self.len() + next.len();
        if len > LONGEST {
            return None;
        }
        let mut bytes = self.bytes;
        bytes[self.len()..len].copy_from_slice(&next.bytes[..next.len()]);
        Some(Self {
            bytes,
            len: self.len + next.len,
        })
    }

    /// Whether a text begins with it, of which these are the first bytes as a number and how many.
    fn begins(self, next: u128, len: usize) -> bool {
        let mask = u128::MAX >> (u128::BITS - 8 * u32::from(self.len));
        self.len() <= len && next & mask == u128::from_le_bytes(self.bytes)
    }
}

/// The table.
#[derive(Debug)]
pub struct Symbols {
    /// By code: the single bytes, then the others by their first two bytes, the longest first.
    pieces: Box<[Piece]>,
    /// Where those of two first bytes begin, among the others.
    starts: Box<[u16]>,
}

impl Symbols {
    /// Learned from a sample, of which not more than its beginning is looked at.
    pub fn learned(sample: &[u8]) -> Self {
        let sample = &sample[..sample.len().min(SAMPLE)];
        let mut table = Self::of(Vec::new());
        for _ in 0..ROUNDS {
            let mut gains: HashMap<Piece, usize> = HashMap::new();
            let mut gain = |piece: Piece| {
                if piece.len > 1 {
                    *gains.entry(piece).or_default() += piece.len();
                }
            };
            let (mut rest, mut last): (&[u8], Option<Piece>) = (sample, None);
            while let Some(code) = table.code(rest) {
                let piece = table.pieces[usize::from(code)];
                gain(piece);
                last.and_then(|l| l.join(piece))
                    .into_iter()
                    .for_each(&mut gain);
                last = Some(piece);
                rest = &rest[piece.len()..];
            }
            let mut best: Vec<(usize, Piece)> = gains.into_iter().map(|(p, g)| (g, p)).collect();
            best.sort_unstable_by(|a, b| b.cmp(a));
            best.truncate(CODES - BYTES);
            table = Self::of(best.into_iter().map(|(_, piece)| piece).collect());
        }
        table
    }

    /// Of pieces of two bytes or more, as many as there are codes for.
    fn of(mut others: Vec<Piece>) -> Self {
        others.sort_unstable_by_key(|p| (pair(&p.bytes), std::cmp::Reverse(p.len), p.bytes));
        let mut starts = vec![0; usize::from(u16::MAX) + 2].into_boxed_slice();
        for piece in &others {
            starts[pair(&piece.bytes) + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let bytes = (0..=u8::MAX).map(Piece::byte);
        Self {
            pieces: bytes.chain(others).collect(),
            starts,
        }
    }

    /// Codes of the pieces that begin with two bytes.
    fn beginning(&self, pair: usize) -> Range<usize> {
        let start = |at: usize| BYTES + usize::from(self.starts[at]);
        start(pair)..start(pair + 1)
    }

    /// The code of the longest piece that a text begins with; none at its end.
    fn code(&self, text: &[u8]) -> Option<u16> {
        let first = *text.first()?;
        let mut next = [0; LONGEST];
        let len = text.len().min(LONGEST);
        next[..len].copy_from_slice(&text[..len]);
        let (pair, next) = (pair(&next), u128::from_le_bytes(next));
        let codes = self.beginning(pair);
        let fits = |code: &usize| self.pieces[*code].begins(next, len);
        let code = codes.into_iter().find(fits);
        code.map_or(Some(first.into()), |code| u16::try_from(code).ok())
    }

    /// Packs a text: two codes in three bytes, and one at the end in two.
    pub fn pack(&self, text: &[u8]) -> Box<[u8]> {
        let mut out = Vec::with_capacity(text.len() / 2);
        let mut rest = text;
        let mut next = || {
            let code = self.code(rest)?;
            rest = &rest[self.pieces[usize::from(code)].len()..];
            Some(code)
        };
        while let Some(code) = next() {
            let [low, high] = code.to_le_bytes();
            out.push(low);
            match next() {
                None => out.push(high),
                Some(code) => {
                    let [low, rest] = (code << 4).to_le_bytes();
                    out.extend([high | low, rest]);
                }
            }
        }
        out.into_boxed_slice()
    }

    /// Unpacks into memory that is used again and again; says how many bytes of it are the text.
    pub fn unpack(&self, packed: &[u8], into: &mut Vec<u8>) -> usize {
        let most = (packed.len() * 2).div_ceil(3) * LONGEST;
        if into.len() < most {
            into.resize(most, 0);
        }
        let mut at = 0;
        let mut put = |code: u16| {
            let piece = &self.pieces[usize::from(code)];
            // All at once is faster than as many as there are: the next overwrites the rest.
            into[at..at + LONGEST].copy_from_slice(&piece.bytes);
            at += piece.len();
        };
        let (both, last) = packed.as_chunks::<3>();
        for [low, middle, high] in both {
            put(u16::from_le_bytes([*low, *middle & 15]));
            put(u16::from_le_bytes([*middle, *high]) >> 4);
        }
        if let [low, high] = last {
            put(u16::from_le_bytes([*low, *high & 15]));
        }
        at
    }
}

/// Two first bytes as a number.
fn pair(bytes: &[u8; LONGEST]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn back(table: &Symbols, text: &[u8]) -> Vec<u8> {
        let mut out = vec![7; 3];
        let len = table.unpack(&table.pack(text), &mut out);
        out.truncate(len);
        out
    }

    #[test]
    fn what_is_like_the_sample_becomes_short() {
        let text = "ada king ada.king@engines.example engines ltd new york ".repeat(40);
        let table = Symbols::learned(text.as_bytes());
        let packed = table.pack(text.as_bytes());
        assert!(packed.len() * 8 < text.len(), "{}", packed.len());
        assert_eq!(back(&table, text.as_bytes()), text.as_bytes());
    }

    proptest! {
        #[test]
        fn everything_comes_back(sample in prop::collection::vec(any::<u8>(), 0..300), text in prop::collection::vec(any::<u8>(), 0..300)) {
            let table = Symbols::learned(&sample);
            prop_assert_eq!(back(&table, &text), text);
            prop_assert_eq!(back(&table, &sample), sample);
        }
    }
}
