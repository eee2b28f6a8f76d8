//! Identities: newtypes so that one id can never stand for another.
//!
//! Nothing here looks anything up. Invariant: a [`CrmId`] is always 18 characters with a valid
//! checksum, whatever form it came in.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Cloning shares the text: every record names its fields.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(|text| Ok(Self::from(text))))
            }
        }
    };
}

/// Reads a text where it stands, without a copy of its own, and makes an id of it.
struct Text<T>(fn(&str) -> Result<T, BadCrmId>);

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

/// A text that is no number where an id is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected its number, such as 118")]
pub struct NoNumber;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = NoNumber;

            fn from_str(s: &str) -> Result<Self, Self::Err> {
                let digits = s.strip_prefix('#').unwrap_or(s);
                digits.parse().map(Self).map_err(|_| NoNumber)
            }
        }
    };
}

text_id!(
    /// Name of a pair in a profile, such as `leads`.
    PairName
);
text_id!(
    /// API name of a CRM object, such as `Contact`.
    ObjectName
);
text_id!(
    /// Name of an App table, such as `people`.
    TableName
);
text_id!(
    /// Name of a field, on either side.
    FieldName
);
text_id!(
    /// Id of an App record; a UUIDv7 for records made by the embedded App.
    AppId
);
text_id!(
    /// Our unique key of a record in the CRM's external id field (sync-semantics 3.1).
    SyncKey
);
text_id!(
    /// 18-character id of a CRM organisation.
    OrgId
);

number_id!(
    /// One execution of one pair.
    RunId
);
number_id!(
    /// One conflict; ids are never reused.
    ConflictId
);
number_id!(
    /// One plan of a dry run.
    PlanId
);
number_id!(
    /// One intent in the journal.
    IntentId
);

/// A row of a pair's mapping. Stable over versions of the mapping.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct RowId(pub u16);

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A Salesforce record id in its 18-character form (salesforce-api 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrmId([u8; 18]);

/// The text is not a record id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a Salesforce id: expected 15 or 18 letters and digits with a valid checksum")]
pub struct BadCrmId;

const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

impl CrmId {
    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        // Only ASCII letters and digits get in, so this cannot fail.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// First three characters, which tell the object.
    pub fn prefix(&self) -> &str {
        &self.as_str()[..3]
    }
}

impl FromStr for CrmId {
    type Err = BadCrmId;

    fn from_str(text: &str) -> Result<Self, BadCrmId> {
        let bytes = text.as_bytes();
        if !matches!(bytes.len(), 15 | 18) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return Err(BadCrmId);
        }
        let mut id = [0u8; 18];
        id[..15].copy_from_slice(&bytes[..15]);
        for group in 0..3 {
            let bits = (0..5).fold(0usize, |bits, i| {
                bits | (usize::from(id[group * 5 + i].is_ascii_uppercase()) << i)
            });
            id[15 + group] = CHECKSUM[bits];
        }
        if bytes.len() == 18 && !id[15..].eq_ignore_ascii_case(&bytes[15..]) {
            return Err(BadCrmId);
        }
        Ok(Self(id))
    }
}

impl fmt::Display for CrmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for CrmId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CrmId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(str::parse))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_fifteen_characters() {
        for (short, long) in [
            ("001D000000INjVe", "001D000000INjVeIAL"),
            ("012000000000000", "012000000000000AAA"),
            ("00Qx000000KTaQq", "00Qx000000KTaQqEAL"),
        ] {
            assert_eq!(short.parse::<CrmId>().unwrap().as_str(), long);
            assert_eq!(long.parse::<CrmId>().unwrap().as_str(), long);
        }
    }

    #[test]
    fn refuses_a_wrong_checksum_and_other_texts() {
        for text in [
            "001D000000INjVeIAM",
            "001",
            "",
            "001D000000INj-e",
            "001D000000INjVeI",
        ] {
            assert_eq!(text.parse::<CrmId>(), Err(BadCrmId), "{text}");
        }
    }

    #[test]
    fn ids_that_differ_by_case_are_different() {
        let a: CrmId = "001D000000INjVe".parse().unwrap();
        let b: CrmId = "001D000000INjVE".parse().unwrap();
        assert_ne!(a, b);
    }
}
