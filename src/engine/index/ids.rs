//! The ids of a few neighbouring records, without what they have in common.
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
    /// These bytes, then the rest of each.
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
        let same = |part: &Vec<u8>| first.iter().zip(part).take_while(|(a, b)| a == b).count();
        let shared = parts.iter().map(same).min().unwrap_or(0);
        let mut bytes = first[..shared].to_vec();
        for part in &parts {
            if form == Form::Text {
                bytes.push(u8::try_from(part.len() - shared).unwrap_or(u8::MAX));
            }
            bytes.extend(&part[shared..]);
        }
        Self {
            form,
            shared: u8::try_from(shared).unwrap_or(u8::MAX),
            bytes: bytes.into_boxed_slice(),
        }
    }

    /// Memory in bytes.
    pub fn memory(&self) -> usize {
        self.bytes.len()
    }

    /// The rests, in order.
    fn rests(&self) -> impl Iterator<Item = &[u8]> {
        let mut left = &self.bytes[usize::from(self.shared)..];
        let width = USUAL - usize::from(self.shared).min(USUAL);
        let form = self.form;
        std::iter::from_fn(move || {
            let len = match form {
                // One id alone has everything in common with itself.
                Form::Usual if width == 0 => return None,
                Form::Usual => width,
                Form::Text => {
                    let (len, rest) = left.split_first()?;
                    left = rest;
                    usize::from(*len)
                }
            };
            let (one, rest) = left.split_at_checked(len)?;
            left = rest;
            Some(one)
        })
    }

    /// One of them.
    pub fn get(&self, at: usize) -> Option<String> {
        let mut whole = self.bytes[..usize::from(self.shared)].to_vec();
        if whole.len() < USUAL || self.form == Form::Text {
            whole.extend(self.rests().nth(at)?);
        }
        match self.form {
            Form::Usual => Some(Uuid::from_bytes(whole.try_into().ok()?).to_string()),
            Form::Text => String::from_utf8(whole).ok(),
        }
    }

    /// Where an id is.
    pub fn find(&self, id: &str) -> Option<usize> {
        let whole = match self.form {
            Form::Usual => usual(id)?,
            Form::Text => id.as_bytes().to_vec(),
        };
        let rest = whole.strip_prefix(&self.bytes[..usize::from(self.shared)])?;
        if rest.is_empty() && self.form == Form::Usual {
            return Some(0);
        }
        self.rests().position(|one| one == rest)
    }

    /// Whether an id may begin with a word, upper and lower case aside: seen from what all have in
    /// common.
    pub fn may_begin(&self, word: &str) -> bool {
        let shared = &self.bytes[..usize::from(self.shared)];
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

/// The bytes of an id of the usual form.
fn usual(id: &str) -> Option<Vec<u8>> {
    let uuid = Uuid::try_parse(id).ok()?;
    let same = uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == id;
    same.then(|| uuid.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
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
}
