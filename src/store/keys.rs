//! Composite keys whose byte order is the order of their parts.
//!
//! Text parts are escaped and terminated, so that `("a", "b")` and `("ab", "")` differ and a part
//! never reaches into the next; numbers are big-endian. Keys hold ids and times only, never
//! record values: they are not sealed.

use std::ops::Deref;

const ESCAPE: u8 = 0x00;
const END: u8 = 0x01; // sorts below the escaped zero, so "a" comes before "a\0"
const ZERO: u8 = 0xff;

/// A key being built, or built: dereferences to its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// An empty key: as a scan prefix, the whole table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a text part of any content.
    #[must_use]
    pub fn text(mut self, part: &str) -> Self {
        self.0.reserve(part.len() + 2);
        let mut pieces = part.as_bytes().split(|byte| *byte == ESCAPE);
        self.0.extend_from_slice(pieces.next().unwrap_or_default());
        for piece in pieces {
            self.0.extend_from_slice(&[ESCAPE, ZERO]);
            self.0.extend_from_slice(piece);
        }
        self.0.extend_from_slice(&[ESCAPE, END]);
        self
    }

    /// Appends a number: 8 bytes, big-endian.
    #[must_use]
    pub fn number(mut self, part: u64) -> Self {
        self.0.extend_from_slice(&part.to_be_bytes());
        self
    }

    /// Appends a signed number (a time in milliseconds, say): 8 bytes, negative ones first.
    #[must_use]
    pub fn signed(self, part: i64) -> Self {
        self.number(part.cast_unsigned() ^ (1 << 63))
    }

    /// Appends a 16-byte id as it is.
    #[must_use]
    pub fn id(mut self, part: [u8; 16]) -> Self {
        self.0.extend_from_slice(&part);
        self
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A key does not have the parts that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key does not have the expected parts")]
pub struct KeyError;

/// Reads the parts of a key back, in the order they were written.
#[derive(Debug, Clone)]
pub struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    /// Starts at the first part.
    pub fn of(key: &'a [u8]) -> Self {
        Self(key)
    }

    /// The next part as text.
    pub fn text(&mut self) -> Result<String, KeyError> {
        let mut out = Vec::new();
        let mut rest = self.0.iter();
        loop {
            match *rest.next().ok_or(KeyError)? {
                ESCAPE => match *rest.next().ok_or(KeyError)? {
                    END => break,
                    ZERO => out.push(ESCAPE),
                    _ => return Err(KeyError),
                },
                byte => out.push(byte),
            }
        }
        self.0 = rest.as_slice();
        String::from_utf8(out).map_err(|_| KeyError)
    }

    /// The next part as a number.
    pub fn number(&mut self) -> Result<u64, KeyError> {
        self.take().map(u64::from_be_bytes)
    }

    /// The next part as a signed number.
    pub fn signed(&mut self) -> Result<i64, KeyError> {
        Ok((self.number()? ^ (1 << 63)).cast_signed())
    }

    /// The next part as a 16-byte id.
    pub fn id(&mut self) -> Result<[u8; 16], KeyError> {
        self.take()
    }

    /// Checks that nothing is left.
    pub fn end(self) -> Result<(), KeyError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(KeyError)
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], KeyError> {
        let (part, rest) = self.0.split_first_chunk::<N>().ok_or(KeyError)?;
        self.0 = rest;
        Ok(*part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_come_back(a in any::<String>(), n in any::<u64>(), b in any::<String>(), t in any::<i64>(), id in any::<[u8; 16]>()) {
            let key = Key::new().text(&a).number(n).text(&b).signed(t).id(id);
            let mut parts = Parts::of(&key);
            prop_assert_eq!(parts.text().unwrap(), a);
            prop_assert_eq!(parts.number().unwrap(), n);
            prop_assert_eq!(parts.text().unwrap(), b);
            prop_assert_eq!(parts.signed().unwrap(), t);
            prop_assert_eq!(parts.id().unwrap(), id);
            prop_assert!(parts.end().is_ok());
        }

        #[test]
        fn byte_order_is_part_order(x in ("[\0ab\u{ff}]{0,4}", any::<i64>()), y in ("[\0ab\u{ff}]{0,4}", any::<i64>())) {
            let key = |p: &(String, i64)| Key::new().text(&p.0).signed(p.1);
            prop_assert_eq!(x.cmp(&y), key(&x).cmp(&key(&y)));
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in any::<Vec<u8>>()) {
            let mut parts = Parts::of(&bytes);
            let _ = parts.text().and_then(|_| parts.number());
        }
    }
}
