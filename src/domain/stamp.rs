//! How instants are kept: two small numbers in the store, text where people read it.
//!
//! An instant as text takes some 25 bytes, and a linked record has one per mapped field. For use
//! with `#[serde(with = "...")]`. Invariant: what is written comes back exactly, to the nanosecond.

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes an instant: seconds and nanoseconds since 1970, or text for a format people read.
///
/// # Errors
/// The serializer's.
pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        at.serialize(serializer)
    } else {
        (at.as_second(), at.subsec_nanosecond()).serialize(serializer)
    }
}

/// Reads an instant that [`serialize`] wrote.
///
/// # Errors
/// The deserializer's, and numbers that are no instant.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    if deserializer.is_human_readable() {
        Timestamp::deserialize(deserializer)
    } else {
        let (second, nanosecond) = Deserialize::deserialize(deserializer)?;
        Timestamp::new(second, nanosecond).map_err(D::Error::custom)
    }
}

/// The same for a map whose values are instants.
pub mod map {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize)]
    struct Ref<'a>(#[serde(with = "super")] &'a Timestamp);

    #[derive(Deserialize)]
    struct Kept(#[serde(with = "super")] Timestamp);

    /// Writes the map.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer, K: Serialize>(
        map: &BTreeMap<K, Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(map.iter().map(|(key, at)| (key, Ref(at))))
    }

    /// Reads the map.
    ///
    /// # Errors
    /// The deserializer's, and values that are no instants.
    pub fn deserialize<'de, D, K>(deserializer: D) -> Result<BTreeMap<K, Timestamp>, D::Error>
    where
        D: Deserializer<'de>,
        K: Deserialize<'de> + Ord,
    {
        let map = BTreeMap::<K, Kept>::deserialize(deserializer)?;
        Ok(map.into_iter().map(|(key, Kept(at))| (key, at)).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Kept {
        #[serde(with = "super")]
        at: Timestamp,
        #[serde(with = "super::map")]
        by_name: BTreeMap<String, Timestamp>,
    }

    fn kept(at: Timestamp) -> Kept {
        Kept {
            at,
            by_name: [("name".to_owned(), at)].into(),
        }
    }

    proptest! {
        #[test]
        fn every_instant_comes_back(second in any::<i64>(), nano in -999_999_999i32..=999_999_999) {
            let second = second.clamp(
                Timestamp::MIN.as_second() + 1,
                Timestamp::MAX.as_second() - 1,
            );
            let kept = kept(Timestamp::new(second, nano).unwrap());
            let bytes = postcard::to_stdvec(&kept).unwrap();
            prop_assert_eq!(&postcard::from_bytes::<Kept>(&bytes).unwrap(), &kept);
            let text = serde_json::to_string(&kept).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Kept>(&text).unwrap(), &kept);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = postcard::from_bytes::<Kept>(&bytes);
        }
    }

    #[test]
    fn an_instant_of_the_wire_is_small_in_the_store_and_text_for_people() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(postcard::to_stdvec(&kept(at)).unwrap().len(), 6 + 1 + 5 + 6);
        let text = serde_json::to_string(&kept(at)).unwrap();
        assert!(text.contains("\"at\":\"2026-01-02T03:04:05Z\""), "{text}");
    }
}
