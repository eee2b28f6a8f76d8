//! Record ids: 15 case-sensitive base-62 characters, shown with a 3-character checksum.
//!
//! Does not know which object a key prefix belongs to; the schema does.
//! Invariant: an [`SfId`] holds 15 ASCII letters or digits (salesforce-api 3.1).

use std::fmt;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// A record id in its 15-character form, ordered as SOQL orders ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SfId([u8; 15]);

/// An id in its 18-character form, for output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id18([u8; 18]);

impl Id18 {
    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl SfId {
    /// Reads 15 or 18 characters. An 18-character id whose checksum does not fit (its letter case
    /// was changed on the way) is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let head: [u8; 15] = bytes.get(..15)?.try_into().ok()?;
        if !head.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let id = Self(head);
        match bytes.len() {
            15 => Some(id),
            18 => (id.checksum() == bytes[15..]).then_some(id),
            _ => None,
        }
    }

    /// The id number `serial` of a key prefix on this instance.
    pub fn new(prefix: [u8; 3], serial: u64) -> Self {
        let mut out = [b'0'; 15];
        out[..3].copy_from_slice(&prefix);
        out[3..5].copy_from_slice(b"Sy");
        let mut rest = serial;
        for place in out[6..].iter_mut().rev() {
            *place = ALPHABET[(rest % 62) as usize];
            rest /= 62;
        }
        Self(out)
    }

    /// The lowest id there can be, for ranges.
    pub const MIN: Self = Self([b'0'; 15]);

    /// The first three characters, which name the object.
    pub fn prefix(&self) -> [u8; 3] {
        [self.0[0], self.0[1], self.0[2]]
    }

    /// The 15 characters.
    pub fn short(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The 18-character form.
    pub fn full(&self) -> Id18 {
        let mut out = [0; 18];
        out[..15].copy_from_slice(&self.0);
        out[15..].copy_from_slice(&self.checksum());
        Id18(out)
    }

    fn checksum(&self) -> [u8; 3] {
        let mut out = [0; 3];
        for (group, place) in self.0.chunks(5).zip(out.iter_mut()) {
            let bits = group
                .iter()
                .enumerate()
                .filter(|(_, c)| c.is_ascii_uppercase())
                .fold(0usize, |bits, (i, _)| bits | 1 << i);
            *place = CHECK[bits];
        }
        out
    }
}

impl fmt::Display for SfId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.full().as_str())
    }
}

impl serde::Serialize for SfId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.full().as_str())
    }
}

impl fmt::Debug for SfId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::SfId;
    use proptest::prelude::*;

    #[test]
    fn checksums_of_known_ids() {
        for (short, full) in [
            ("001D000000INjVe", "001D000000INjVeIAL"),
            ("012000000000000", "012000000000000AAA"),
            ("00Qx000000KTaQq", "00Qx000000KTaQqEAL"),
        ] {
            assert_eq!(SfId::parse(short).unwrap().to_string(), full);
            assert_eq!(SfId::parse(full), SfId::parse(short));
        }
    }

    #[test]
    fn a_changed_case_or_a_wrong_length_is_no_id() {
        assert_eq!(SfId::parse("001d000000INjVeIAL"), None);
        assert_eq!(SfId::parse("001D000000INjVeIA"), None);
        assert_eq!(SfId::parse(""), None);
        assert_eq!(SfId::parse("001D0000-0INjVe"), None);
        assert_eq!(SfId::parse("ééééééééé"), None);
    }

    proptest! {
        #[test]
        fn serials_give_ids_in_their_order(a in 0u64..1 << 50, b in 0u64..1 << 50) {
            let (x, y) = (SfId::new(*b"00Q", a), SfId::new(*b"00Q", b));
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            prop_assert_eq!(SfId::parse(&x.to_string()), Some(x));
        }

        #[test]
        fn no_text_makes_the_parser_fail(text in ".*") {
            let _ = SfId::parse(&text);
        }
    }
}
