//! MD5 (RFC 1321), in which `ContentVersion.Checksum` is written.
//!
//! Finds garbled bytes, nothing else: it proves nothing about who wrote them. The rest of the
//! program hashes with `ring`, which has no MD5.

use std::fmt::Write as _;

const BLOCK: usize = 64;
const SHIFTS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// The digest of bytes that come in pieces.
#[derive(Debug)]
pub(super) struct Md5 {
    state: [u32; 4],
    /// `floor(2^32 * |sin(i + 1)|)`.
    sines: [u32; BLOCK],
    open: Vec<u8>,
    length: u64,
}

impl Default for Md5 {
    fn default() -> Self {
        let mut sines = [0; BLOCK];
        for (i, sine) in (1_u32..).zip(&mut sines) {
            // Less than 2^32, so nothing is cut.
            *sine = (f64::from(i).sin().abs() * 4_294_967_296.0) as u32;
        }
        Self {
            state: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476],
            sines,
            open: Vec::with_capacity(BLOCK),
            length: 0,
        }
    }
}

impl Md5 {
    /// Takes a piece.
    pub(super) fn take(&mut self, piece: &[u8]) {
        self.length = self.length.wrapping_add(piece.len() as u64);
        let fill = (BLOCK - self.open.len()).min(piece.len());
        let (first, rest) = piece.split_at(fill);
        self.open.extend_from_slice(first);
        if self.open.len() < BLOCK {
            return;
        }
        let open = std::mem::take(&mut self.open);
        self.block(&open);
        let mut blocks = rest.chunks_exact(BLOCK);
        for block in &mut blocks {
            self.block(block);
        }
        self.open = open;
        self.open.clear();
        self.open.extend_from_slice(blocks.remainder());
    }

    /// The digest as hexadecimal signs.
    pub(super) fn finish(mut self) -> String {
        let bits = self.length.wrapping_mul(8);
        let zeros = (BLOCK + 55 - self.open.len()) % BLOCK;
        let mut end = vec![0x80];
        end.resize(1 + zeros, 0);
        end.extend_from_slice(&bits.to_le_bytes());
        self.take(&end);
        let mut text = String::with_capacity(32);
        for byte in self.state.iter().flat_map(|word| word.to_le_bytes()) {
            // Writing to a String cannot fail.
            write!(text, "{byte:02x}").ok();
        }
        text
    }

    fn block(&mut self, block: &[u8]) {
        let mut words = [0_u32; 16];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = bytes
                .iter()
                .rev()
                .fold(0, |n, byte| n << 8 | u32::from(*byte));
        }
        let [mut a, mut b, mut c, mut d] = self.state;
        for (i, sine) in self.sines.iter().enumerate() {
            let round = i / 16;
            let (mix, at) = match round {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), 5 * i + 1),
                2 => (b ^ c ^ d, 3 * i + 5),
                _ => (c ^ (b | !d), 7 * i),
            };
            let sum = a
                .wrapping_add(mix)
                .wrapping_add(words[at % 16])
                .wrapping_add(*sine);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[round][i % 4]));
        }
        for (word, more) in self.state.iter_mut().zip([a, b, c, d]) {
            *word = word.wrapping_add(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn md5(pieces: &[&[u8]]) -> String {
        let mut digest = Md5::default();
        pieces.iter().for_each(|piece| digest.take(piece));
        digest.finish()
    }

    #[test]
    fn the_digests_of_the_standard() {
        for (text, digest) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            assert_eq!(md5(&[text.as_bytes()]), digest, "{text}");
        }
    }

    #[test]
    fn pieces_make_no_difference() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        let whole = md5(&[&bytes]);
        for size in [1, 7, 55, 56, 63, 64, 65, 128, 999] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(md5(&pieces), whole, "{size}");
        }
    }
}
