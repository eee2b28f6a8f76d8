//! A long row of small numbers, each in as few bits as the largest of them takes.
//!
//! Invariant: a number comes back as it was put in; where none was put in it is 0.

/// The widest number.
const WIDEST: u32 = u16::BITS;

/// The numbers. They are 1, 2, 4, 8 or 16 bits wide, so that none lies in two words.
#[derive(Debug)]
pub struct Small {
    width: u32,
    words: Vec<u64>,
}

impl Default for Small {
    fn default() -> Self {
        Self {
            width: 1,
            words: Vec::new(),
        }
    }
}

/// The narrowest width that a number fits in.
fn width_of(number: u16) -> u32 {
    (WIDEST - number.leading_zeros()).max(1).next_power_of_two()
}

impl Small {
    /// Memory in bytes.
    pub fn memory(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }

    /// The word of a place, by how many bits its number is moved in it, and the bits of a number.
    fn place(&self, at: usize) -> (usize, usize, u64) {
        let (width, each) = (self.width as usize, (u64::BITS / self.width) as usize);
        (at / each, at % each * width, (1 << self.width) - 1)
    }

    /// The number at a place.
    pub fn get(&self, at: usize) -> u16 {
        let (word, moved, bits) = self.place(at);
        let word = self.words.get(word).copied().unwrap_or(0);
        u16::try_from(word >> moved & bits).unwrap_or(u16::MAX)
    }

    /// Puts a number at a place.
    pub fn set(&mut self, at: usize, number: u16) {
        let width = width_of(number);
        if width > self.width {
            self.widen(width);
        }
        let (word, moved, bits) = self.place(at);
        extend(&mut self.words, word + 1, 0);
        if let Some(word) = self.words.get_mut(word) {
            *word = *word & !(bits << moved) | u64::from(number) << moved;
        }
    }

    fn widen(&mut self, width: u32) {
        let many = self.words.len() * (u64::BITS / self.width) as usize;
        let mut wide = Self {
            width,
            words: Vec::with_capacity(many.div_ceil((u64::BITS / width) as usize)),
        };
        for at in 0..many {
            wide.set(at, self.get(at));
        }
        *self = wide;
    }
}

/// Makes a row at least so long. It grows by an eighth, not to twice its size: rows are long.
pub fn extend<T: Clone>(row: &mut Vec<T>, len: usize, empty: T) {
    if row.capacity() < len {
        row.reserve_exact(len - row.len() + row.len() / 8);
    }
    if row.len() < len {
        row.resize(len, empty);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_million_of_few_kinds_takes_half_a_million_bytes() {
        let mut row = Small::default();
        (0..1_000_000).for_each(|at| row.set(at, (at % 14) as u16));
        assert!(row.memory() < 570_000, "{}", row.memory());
        row.set(3, 300);
        assert_eq!(
            (row.get(2), row.get(3), row.get(999_999)),
            (2, 300, (999_999u32 % 14) as u16)
        );
        assert!(row.memory() < 2_300_000, "{}", row.memory());
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(steps in prop::collection::vec((0usize..300, 0u32..17, any::<u16>()), 0..200)) {
            let (mut row, mut map) = (Small::default(), HashMap::new());
            for (at, bits, number) in steps {
                let number = number & ((1u32 << bits) - 1) as u16;
                row.set(at, number);
                map.insert(at, number);
            }
            for at in 0..310 {
                prop_assert_eq!(row.get(at), map.get(&at).copied().unwrap_or(0), "{}", at);
            }
        }
    }
}
