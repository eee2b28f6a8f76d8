//! Short texts made shorter: a table of frequent pieces, each written as one byte.
//!
//! The table is learned from a sample and is the same for all texts, so that each is read by
//! itself and fast. Invariant: what was packed is unpacked to the same bytes, whatever the sample.

use std::collections::HashMap;

/// Stands before a byte that no piece of the table is.
const ESCAPE: u8 = u8::MAX;
/// Pieces of the table.
const PIECES: usize = ESCAPE as usize;
/// Bytes of a piece at most.
const LONGEST: usize = 8;
/// Times a table is made from what the one before it is good for.
const ROUNDS: usize = 5;

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

    /// Its bytes as a number, and which of eight bytes they are.
    fn bits(self) -> (u64, u64) {
        let unused = 64 - 8 * u32::from(self.len);
        let mask = u64::MAX.checked_shr(unused).unwrap_or(0);
        (u64::from_le_bytes(self.bytes), mask)
    }
}

/// The table.
#[derive(Debug)]
pub struct Symbols {
    /// By code; those without a piece have no bytes.
    pieces: Box<[Piece; 256]>,
    /// Codes by the first byte of their piece, the longest first, each with the bits of the piece:
    /// one comparison of a number for each.
    by_first: Vec<Vec<(u64, u64, u8)>>,
}

impl Symbols {
    /// Learned from a sample.
    pub fn learned(sample: &[u8]) -> Self {
        let mut table = Self::of(&[]);
        for _ in 0..ROUNDS {
            let mut gains: HashMap<Piece, usize> = HashMap::new();
            let mut gain = |piece: Piece| {
                // A byte without a code takes two.
                let weight = if piece.len == 1 { LONGEST } else { piece.len() };
                *gains.entry(piece).or_default() += weight;
            };
            let (mut rest, mut last): (&[u8], Option<Piece>) = (sample, None);
            while let Some(first) = rest.first() {
                let code = table.code(rest);
                let piece = code.map_or(Piece::byte(*first), |c| table.pieces[usize::from(c)]);
                gain(piece);
                if piece.len > 1 {
                    gain(Piece::byte(*first));
                }
                last.and_then(|l| l.join(piece))
                    .into_iter()
                    .for_each(&mut gain);
                last = Some(piece);
                rest = &rest[piece.len()..];
            }
            let mut best: Vec<(usize, Piece)> = gains.into_iter().map(|(p, g)| (g, p)).collect();
            best.sort_unstable_by(|a, b| b.cmp(a));
            best.truncate(PIECES);
            let pieces: Vec<Piece> = best.into_iter().map(|(_, piece)| piece).collect();
            table = Self::of(&pieces);
        }
        table
    }

    fn of(pieces: &[Piece]) -> Self {
        let mut table = Self {
            pieces: Box::new([Piece::default(); 256]),
            by_first: vec![Vec::new(); 256],
        };
        for (code, piece) in (0..ESCAPE).zip(pieces) {
            table.pieces[usize::from(code)] = *piece;
            let (bits, mask) = piece.bits();
            table.by_first[usize::from(piece.bytes[0])].push((bits, mask, code));
        }
        for codes in &mut table.by_first {
            codes.sort_by_key(|(_, mask, _)| std::cmp::Reverse(*mask));
        }
        table
    }

    /// The code of the longest piece that a text begins with.
    fn code(&self, text: &[u8]) -> Option<u8> {
        let codes = self.by_first.get(usize::from(*text.first()?))?;
        let (next, whole) = match text.first_chunk::<LONGEST>() {
            Some(next) => (u64::from_le_bytes(*next), u64::MAX),
            None => {
                let mut next = [0; LONGEST];
                next[..text.len()].copy_from_slice(text);
                // A piece must not reach beyond the end, whatever its bytes are.
                let whole = u64::MAX >> (64 - 8 * text.len());
                (u64::from_le_bytes(next), whole)
            }
        };
        let fits = |(bits, mask, _): &&(u64, u64, u8)| next & mask == *bits && mask & !whole == 0;
        codes.iter().find(fits).map(|(_, _, code)| *code)
    }

    /// Packs a text.
    pub fn pack(&self, text: &[u8]) -> Box<[u8]> {
        let mut out = Vec::with_capacity(text.len() / 2);
        let mut rest = text;
        while let Some(first) = rest.first() {
            match self.code(rest) {
                Some(code) => {
                    out.push(code);
                    rest = &rest[self.pieces[usize::from(code)].len()..];
                }
                None => {
                    out.extend([ESCAPE, *first]);
                    rest = &rest[1..];
                }
            }
        }
        out.into_boxed_slice()
    }

    /// Unpacks into memory that is used again and again; says how many bytes of it are the text.
    pub fn unpack(&self, packed: &[u8], into: &mut Vec<u8>) -> usize {
        let most = packed.len() * LONGEST;
        if into.len() < most {
            into.resize(most, 0);
        }
        let (mut at, mut codes) = (0, packed.iter());
        while let Some(code) = codes.next() {
            if *code == ESCAPE {
                into[at] = codes.next().copied().unwrap_or_default();
                at += 1;
                continue;
            }
            let piece = &self.pieces[usize::from(*code)];
            // All eight at once is faster than as many as there are: the next overwrites the rest.
            into[at..at + LONGEST].copy_from_slice(&piece.bytes);
            at += piece.len();
        }
        at
    }
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
        assert!(packed.len() * 4 < text.len(), "{}", packed.len());
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
