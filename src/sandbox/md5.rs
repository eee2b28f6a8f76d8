//! MD5 (RFC 1321): the checksum that files have in the org.
//!
//! Guards nothing: it tells equal files from different ones, as the platform does.

use data_encoding::HEXLOWER;

const SHIFTS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];
const BLOCK: usize = 64;

/// The digest of some bytes, in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for block in blocks {
        digest(&mut state, block);
    }
    let mut end = rest.to_vec();
    end.push(0x80);
    let short = BLOCK - 8;
    end.resize(
        if end.len() <= short {
            short
        } else {
            BLOCK + short
        },
        0,
    );
    end.extend_from_slice(&(bytes.len() as u64).wrapping_mul(8).to_le_bytes());
    for block in end.as_chunks::<BLOCK>().0 {
        digest(&mut state, block);
    }
    let out: Vec<u8> = state.iter().flat_map(|word| word.to_le_bytes()).collect();
    HEXLOWER.encode(&out)
}

fn digest(state: &mut [u32; 4], block: &[u8; BLOCK]) {
    let mut words = [0_u32; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d] = *state;
    for i in 0..64 {
        let (mixed, at) = match i / 16 {
            0 => ((b & c) | (!b & d), i),
            1 => ((d & b) | (!d & c), 5 * i + 1),
            2 => (b ^ c ^ d, 3 * i + 5),
            _ => (c ^ (b | !d), 7 * i),
        };
        // The RFC's table: the sines of whole radians.
        let sine = (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
        let sum = a
            .wrapping_add(mixed)
            .wrapping_add(sine)
            .wrapping_add(words[at % 16]);
        let turned = sum.rotate_left(SHIFTS[i / 16][i % 4]);
        (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
    }
    for (kept, new) in state.iter_mut().zip([a, b, c, d]) {
        *kept = kept.wrapping_add(new);
    }
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn digests_of_the_rfc() {
        for (text, digest) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            (
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "d174ab98d277d9f5a5611c2c9f419d9f",
            ),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            assert_eq!(hex(text.as_bytes()), digest, "{text}");
        }
    }
}
