//! A record: who made and changed it and when, and its values.
//!
//! While a record is being changed its values are a list; once it stands in a table they are one
//! run of bytes, which takes a third of the room and is shared by all copies of the record.
//!
//! Invariant: fields rise and none is null, so a record has one packed form only.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::sandbox::{
    ids::SfId,
    schema::{FieldIx, Slot},
    value::{Ref, Value},
};

/// A record: audit fields, and the other fields that have a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub id: SfId,
    pub deleted: bool,
    pub created: i64,
    pub created_by: SfId,
    pub modified: i64,
    pub modified_by: SfId,
    pub stamp: i64,
    cells: Cells,
}

#[derive(Debug, Clone)]
enum Cells {
    Open(Vec<(FieldIx, Value)>),
    Packed(Arc<[u8]>),
}

impl Default for Cells {
    fn default() -> Self {
        Self::Open(Vec::new())
    }
}

impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        self.packed() == other.packed()
    }
}

impl Record {
    /// A new record without values, made by a user at a time.
    pub fn new(id: SfId, by: SfId, at: i64) -> Self {
        Self {
            id,
            deleted: false,
            created: at,
            created_by: by,
            modified: at,
            modified_by: by,
            stamp: at,
            cells: Cells::default(),
        }
    }

    /// The value in a cell.
    pub fn cell(&self, ix: FieldIx) -> Ref<'_> {
        match &self.cells {
            Cells::Open(list) => match list.binary_search_by_key(&ix, |(at, _)| *at) {
                Ok(at) => list[at].1.lend(),
                Err(_) => Ref::Null,
            },
            Cells::Packed(bytes) => Packed(bytes)
                .take_while(|entry| entry.field <= ix)
                .find(|entry| entry.field == ix)
                .map_or(Ref::Null, Entry::value),
        }
    }

    /// The value of a field; null for one that is composed when read.
    pub fn get(&self, ix: FieldIx, slot: Slot) -> Ref<'_> {
        match slot {
            Slot::Cell => self.cell(ix),
            Slot::Id => Ref::Id(self.id),
            Slot::IsDeleted => Ref::Bool(self.deleted),
            Slot::CreatedDate => Ref::Stamp(self.created),
            Slot::CreatedById => Ref::Id(self.created_by),
            Slot::LastModifiedDate => Ref::Stamp(self.modified),
            Slot::LastModifiedById => Ref::Id(self.modified_by),
            Slot::SystemModstamp => Ref::Stamp(self.stamp),
            Slot::Compound | Slot::Sort | Slot::Called => Ref::Null,
        }
    }

    /// Sets a cell; null takes it out.
    pub fn set(&mut self, ix: FieldIx, value: Value) {
        let mut list = std::mem::take(&mut self.cells).into_list();
        match (list.binary_search_by_key(&ix, |(at, _)| *at), value) {
            (Ok(at), Value::Null) => {
                list.remove(at);
            }
            (Ok(at), value) => list[at].1 = value,
            (Err(_), Value::Null) => {}
            (Err(at), value) => list.insert(at, (ix, value)),
        }
        self.cells = Cells::Open(list);
    }

    /// Takes the values into as little room as they need, for a table that holds a million.
    pub(super) fn pack(&mut self) {
        self.cells = Cells::Packed(self.cells.packed());
    }
}

impl Cells {
    fn into_list(self) -> Vec<(FieldIx, Value)> {
        match self {
            Self::Open(list) => list,
            Self::Packed(bytes) => Packed(&bytes)
                .map(|entry| (entry.field, entry.value().keep()))
                .collect(),
        }
    }

    fn packed(&self) -> Arc<[u8]> {
        match self {
            Self::Packed(bytes) => Arc::clone(bytes),
            Self::Open(list) => {
                let mut out = Vec::with_capacity(512);
                for (field, value) in list {
                    write(&mut out, *field, value.lend());
                }
                out.into()
            }
        }
    }
}

/// What the bytes of an entry are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    False,
    True,
    Int,
    Num,
    Date,
    Stamp,
    Id,
    Text,
    Bytes,
}

impl Tag {
    const ALL: [Self; 9] = [
        Self::False,
        Self::True,
        Self::Int,
        Self::Num,
        Self::Date,
        Self::Stamp,
        Self::Id,
        Self::Text,
        Self::Bytes,
    ];
    /// Bits of a head that hold the tag; the rest is the length.
    const BITS: u32 = 4;
}

/// Appends an entry: the field, length and tag in one number, the bytes.
fn write(out: &mut Vec<u8>, field: FieldIx, value: Ref<'_>) {
    let mut entry = |tag: Tag, bytes: &[u8]| {
        write_number(out, u64::from(field.0));
        write_number(out, (bytes.len() as u64) << Tag::BITS | tag as u64);
        out.extend_from_slice(bytes);
    };
    match value {
        Ref::Null => {}
        Ref::Bool(false) => entry(Tag::False, &[]),
        Ref::Bool(true) => entry(Tag::True, &[]),
        Ref::Int(n) => entry(Tag::Int, &n.to_le_bytes()),
        Ref::Num(n) => entry(Tag::Num, &n.serialize()),
        Ref::Date(d) => entry(Tag::Date, &d.to_le_bytes()),
        Ref::Stamp(s) => entry(Tag::Stamp, &s.to_le_bytes()),
        Ref::Id(id) => entry(Tag::Id, id.short().as_bytes()),
        Ref::Text(text) => entry(Tag::Text, text.as_bytes()),
        Ref::Bytes(bytes) => entry(Tag::Bytes, bytes),
    }
}

/// Appends a number, seven bits a byte, the lowest first.
fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

struct Entry<'a> {
    field: FieldIx,
    tag: Tag,
    bytes: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The value. What [`write`] wrote is always understood.
    fn value(self) -> Ref<'a> {
        self.read().unwrap_or(Ref::Null)
    }

    fn read(self) -> Option<Ref<'a>> {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        Some(match self.tag {
            Tag::False => Ref::Bool(false),
            Tag::True => Ref::Bool(true),
            Tag::Int => Ref::Int(i64::from_le_bytes(self.bytes.try_into().ok()?)),
            Tag::Num => Ref::Num(Decimal::deserialize(self.bytes.try_into().ok()?)),
            Tag::Date => Ref::Date(i32::from_le_bytes(self.bytes.try_into().ok()?)),
            Tag::Stamp => Ref::Stamp(i64::from_le_bytes(self.bytes.try_into().ok()?)),
            Tag::Id => Ref::Id(SfId::parse(text(self.bytes)?)?),
            Tag::Text => Ref::Text(text(self.bytes)?),
            Tag::Bytes => Ref::Bytes(self.bytes),
        })
    }
}

/// The entries of packed values.
struct Packed<'a>(&'a [u8]);

impl Packed<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

impl<'a> Iterator for Packed<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let field = FieldIx(self.number()? as u16);
        let head = self.number()?;
        let tag = *Tag::ALL.get((head & ((1 << Tag::BITS) - 1)) as usize)?;
        let (bytes, rest) = self.0.split_at_checked((head >> Tag::BITS) as usize)?;
        self.0 = rest;
        Some(Entry { field, tag, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            (any::<i64>(), 0u32..10).prop_map(|(n, scale)| Value::Num(Decimal::new(n, scale))),
            any::<i32>().prop_map(Value::Date),
            any::<i64>().prop_map(Value::Stamp),
            any::<u32>().prop_map(|n| Value::Id(SfId::new(*b"00Q", n.into()))),
            "\\PC{1,300}".prop_map(Value::text),
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(|b| Value::Bytes(b.into())),
        ]
    }

    proptest! {
        #[test]
        fn packed_values_are_the_values(
            set in proptest::collection::btree_map(0u16..400, value(), 0..40),
            more in proptest::collection::btree_map(0u16..400, value(), 0..5),
        ) {
            let mut record = Record::new(SfId::MIN, SfId::MIN, 0);
            for (ix, value) in &set {
                record.set(FieldIx(*ix), value.clone());
            }
            let open = record.clone();
            record.pack();
            prop_assert_eq!(&record, &open);
            for ix in (0..400).map(FieldIx) {
                prop_assert_eq!(record.cell(ix), open.cell(ix));
            }
            for (ix, value) in &more {
                record.set(FieldIx(*ix), value.clone());
            }
            record.pack();
            for (ix, value) in set.iter().filter(|(ix, _)| !more.contains_key(*ix)).chain(&more) {
                prop_assert_eq!(record.cell(FieldIx(*ix)), value.lend());
            }
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            for entry in Packed(&bytes) {
                let _ = entry.value();
            }
        }
    }
}
