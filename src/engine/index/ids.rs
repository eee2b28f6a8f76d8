//! The ids of a few neighbouring records, each without what it has in common with the one before it.
//!
//! Invariant: an id comes back as it was put in.

use uuid::Uuid;

/// Bytes of an id of the usual form.
const USUAL: usize = 16;
/// Bytes of an id that can be kept.
pub const LONGEST: usize = u8::MAX as usize;

/// How the ids are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As the bytes of UUIDs, all of one length.
    Usual,
    /// As text, each after its length.
    Text,
}

/// The ids.
#[derive(Debug)]
pub struct Ids {
    form: Form,
    /// Bytes that all begin with.
    shared: u8,
    /// Of each how many bytes are those of the one before it, and the rest.
    bytes: Box<[u8]>,
}

impl Ids {
    /// Of these ids; none is longer than [`LONGEST`].
    pub fn of<'a>(ids: impl Iterator<Item = &'a str> + Clone) -> Self {
        let usual: Option<Vec<Vec<u8>>> = ids.clone().map(usual).collect();
        let (form, parts) = match usual {
            Some(parts) => (Form::Usual, parts),
            None => (Form::Text, ids.map(|id| id.as_bytes().to_vec()).collect()),
        };
        let first = parts.first().map_or(&[][..], Vec::as_slice);
        let shared = parts.iter().map(|part| alike(first, part)).min();
        let (mut bytes, mut before) = (Vec::new(), &[][..]);
        for part in &parts {
            let same = alike(before, part);
            bytes.push(length(same));
            if form == Form::Text {
                bytes.push(length(part.len() - same));
            }
            bytes.extend(&part[same..]);
            before = part;
        }
        Self {
            form,
            shared: length(shared.unwrap_or(0)),
            bytes: bytes.into_boxed_slice(),
        }
    }

    /// Memory in bytes.
    pub fn memory(&self) -> usize {
        self.bytes.len()
    }

    /// Looks at one after the other, until `see` gives something.
    fn each<T>(&self, mut see: impl FnMut(&[u8]) -> Option<T>) -> Option<T> {
        let (mut left, mut whole) = (&*self.bytes, Vec::with_capacity(USUAL));
        while let Some((same, rest)) = left.split_first() {
            let same = usize::from(*same);
            let (len, rest) = match self.form {
                Form::Usual => (USUAL - same.min(USUAL), rest),
                Form::Text => {
                    let (len, rest) = rest.split_first()?;
                    (usize::from(*len), rest)
                }
            };
            let (own, rest) = rest.split_at_checked(len)?;
            whole.truncate(same);
            whole.extend(own);
            if let Some(found) = see(&whole) {
                return Some(found);
            }
            left = rest;
        }
        None
    }

    /// One of them.
    pub fn get(&self, at: usize) -> Option<String> {
        let mut place = 0..;
        self.each(|id| {
            (place.next()? == at).then(|| match self.form {
                Form::Usual => Some(Uuid::from_slice(id).ok()?.to_string()),
                Form::Text => String::from_utf8(id.to_vec()).ok(),
            })
        })?
    }

    /// Where an id is.
    pub fn find(&self, id: &str) -> Option<usize> {
        let wanted = match self.form {
            Form::Usual => usual(id)?,
            Form::Text => id.as_bytes().to_vec(),
        };
        let mut place = 0..;
        self.each(|id| {
            let at = place.next()?;
            (*id == *wanted).then_some(at)
        })
    }

    /// Whether an id may begin with a word, upper and lower case aside: seen from what all have in
    /// common.
    pub fn may_begin(&self, word: &str) -> bool {
        // The first stands there whole, behind how many bytes of it are known, which are none, and
        // as a text its length.
        let behind = match self.form {
            Form::Usual => 1,
            Form::Text => 2,
        };
        let first = self.bytes.get(behind..).unwrap_or_default();
        let shared = first.get(..usize::from(self.shared)).unwrap_or_default();
        match self.form {
            Form::Usual => {
                let digit = |c: char| c.to_digit(16).and_then(|d| u8::try_from(d).ok());
                let half = shared.iter().flat_map(|b| [b >> 4, b & 15]);
                let mut wanted = word.chars().filter(|c| *c != '-').map(digit);
                let fits = half.zip(&mut wanted).all(|(a, b)| Some(a) == b);
                fits && wanted.all(|digit| digit.is_some())
            }
            Form::Text => shared
                .iter()
                .zip(word.bytes())
                .all(|(a, b)| a.eq_ignore_ascii_case(&b)),
        }
    }
}

/// How many bytes two have in common at their beginning.
fn alike(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

/// A length as it is written: no id is longer.
fn length(bytes: usize) -> u8 {
    u8::try_from(bytes).unwrap_or(u8::MAX)
}

/// The bytes of an id of the usual form.
fn usual(id: &str) -> Option<Vec<u8>> {
    let uuid = Uuid::try_parse(id).ok()?;
    let same = uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == id;
    same.then(|| uuid.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_come_back_as_they_were() {
        let some = Uuid::now_v7();
        let usual: Vec<String> = (0..64u128)
            .map(|n| Uuid::from_u128(some.as_u128() + n * 77).to_string())
            .collect();
        let texts = ["a", "", "abc", "ab", &usual[3], &usual[4].to_uppercase()].map(str::to_owned);
        for ids in [&usual[..], &texts[..], &usual[..1], &texts[..1], &[]] {
            let kept = Ids::of(ids.iter().map(String::as_str));
            for (at, id) in ids.iter().enumerate() {
                assert_eq!(kept.get(at).as_ref(), Some(id));
                assert_eq!(kept.find(id), Some(at), "{id}");
            }
            assert_eq!(kept.find("0b0e7e5a"), None);
            assert_eq!(kept.find(&Uuid::nil().to_string()), None);
        }
        let kept = Ids::of(usual.iter().map(String::as_str));
        assert!(kept.memory() < 64 * 6, "{}", kept.memory());
        assert!(kept.may_begin(&usual[9].to_uppercase()[..6]) && kept.may_begin(&usual[9]));
        assert!(!kept.may_begin("ffff") && !kept.may_begin("0x"));
        let kept = Ids::of(["ab-1", "AB-2", "ab-3"].into_iter());
        assert!(kept.may_begin("AB-3") && !Ids::of(["ab-1", "ab-2"].into_iter()).may_begin("ax"));
    }

    proptest! {
        #[test]
        fn each_is_found_where_it_is(ids in prop::collection::btree_set("[ab]{0,4}[0-9é-]{0,3}", 0..64), upside_down in any::<bool>()) {
            let mut ids: Vec<String> = ids.into_iter().collect();
            if upside_down {
                ids.reverse();
            }
            let kept = Ids::of(ids.iter().map(String::as_str));
            for (at, id) in ids.iter().enumerate() {
                prop_assert_eq!(kept.get(at), Some(id.clone()));
                prop_assert_eq!(kept.find(id), Some(at));
                prop_assert!(kept.may_begin(id));
            }
            prop_assert_eq!(kept.get(ids.len()), None);
            prop_assert_eq!(kept.find("c"), None);
        }
    }
}
