//! Answers with records: query pages and retrieved rows, read straight into [`CrmRow`]s.
//!
//! One pass over the text, no tree in between. A field that is not in the answer stays unknown.
//! Invariant: a row without id or stamp makes the whole answer unreadable, because a page with a
//! hole must not move a watermark.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::super::CrmRow;
use super::wire;
use crate::domain::id::{CrmId, FieldName};
use crate::domain::record::CrmPresence;
use crate::domain::schema::ObjectInfo;
use crate::domain::value::{FieldKind, Fields};

/// Rows of one answer at most, so that a short body cannot make much of little. Salesforce sends
/// 2,000 (salesforce-api 2.4).
pub(super) const MAX_ROWS: usize = 10_000;

/// A column with a meaning of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Id,
    Stamp,
    Modified,
    ModifiedBy,
    Deleted,
    Master,
    Converted,
}

/// Name, meaning, and whether every object has it.
const SYSTEM: [(&str, System, Has); 7] = [
    ("Id", System::Id, Has::Always),
    ("SystemModstamp", System::Stamp, Has::Always),
    ("LastModifiedDate", System::Modified, Has::IfDescribed),
    ("LastModifiedById", System::ModifiedBy, Has::IfDescribed),
    ("IsDeleted", System::Deleted, Has::IfDescribed),
    ("MasterRecordId", System::Master, Has::IfDescribed),
    ("IsConverted", System::Converted, Has::IfDescribed),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Has {
    Always,
    IfDescribed,
}

/// What becomes of a column.
#[derive(Default)]
pub(super) struct Slot {
    system: Option<System>,
    asked: Option<(FieldName, FieldKind)>,
}

/// Which columns are asked for, and what becomes of each.
pub(super) struct Plan {
    columns: Vec<FieldName>,
    slots: HashMap<String, Slot>,
}

impl Plan {
    /// The system columns the object has, and the asked fields once each.
    pub(super) fn new(object: &ObjectInfo, fields: &[FieldName]) -> Self {
        let mut plan = Self {
            columns: Vec::with_capacity(SYSTEM.len() + fields.len()),
            slots: HashMap::new(),
        };
        for (name, system, has) in SYSTEM {
            if has == Has::Always || object.field(name).is_some() {
                plan.slot(&FieldName::from(name)).system = Some(system);
            }
        }
        for field in fields {
            let kind = object
                .field(field.as_str())
                .map_or(FieldKind::Text, |f| f.kind);
            if kind != FieldKind::Opaque {
                plan.slot(field).asked = Some((field.clone(), kind));
            }
        }
        plan
    }

    /// The same columns in as few plans as have a SELECT of at most `most` characters each. Every
    /// plan has the system columns, so that its rows say how old they are. A single field is never
    /// too long.
    pub(super) fn groups(object: &ObjectInfo, fields: &[FieldName], most: usize) -> Vec<Self> {
        let length = |field: &FieldName| field.as_str().len() + 1;
        let bare: usize = Self::new(object, &[]).columns.iter().map(length).sum();
        let mut groups = Vec::new();
        let (mut group, mut used) = (Vec::new(), bare);
        for field in fields {
            if !group.is_empty() && used + length(field) > most {
                groups.push(Self::new(object, &std::mem::take(&mut group)));
                used = bare;
            }
            used += length(field);
            group.push(field.clone());
        }
        groups.push(Self::new(object, &group));
        groups
    }

    /// Selecting a field twice is an error (salesforce-api 4).
    fn slot(&mut self, name: &FieldName) -> &mut Slot {
        if !self.slots.contains_key(name.as_str()) {
            self.columns.push(name.clone());
        }
        self.slots.entry(name.as_str().to_owned()).or_default()
    }

    /// What becomes of a column of an answer; none for one that was not asked for.
    pub(super) fn at(&self, column: &str) -> Option<&Slot> {
        self.slots.get(column)
    }

    /// The columns to select.
    pub(super) fn columns(&self) -> &[FieldName] {
        &self.columns
    }
}

/// A page of a query.
pub(super) struct Page {
    pub(super) rows: Vec<CrmRow>,
    pub(super) total: u64,
    pub(super) next: Option<String>,
}

/// Reads a query page.
pub(super) fn page(plan: &Plan, json: &str) -> Result<Page, serde_json::Error> {
    whole(PageSeed(plan), json)
}

/// Reads an array of rows, with null for those that are not readable.
pub(super) fn rows(plan: &Plan, json: &str) -> Result<Vec<Option<CrmRow>>, serde_json::Error> {
    whole(RowsSeed(plan), json)
}

fn whole<'de, S: DeserializeSeed<'de>>(
    seed: S,
    json: &'de str,
) -> Result<S::Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let value = seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

struct PageSeed<'p>(&'p Plan);

impl<'de> DeserializeSeed<'de> for PageSeed<'_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a query page")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let (mut rows, mut total, mut done, mut next) = (None, None, None, None);
        while let Some(key) = map.next_key::<&'de str>()? {
            match key {
                "records" => rows = Some(map.next_value_seed(RowsSeed(self.0))?),
                "totalSize" => total = Some(map.next_value::<u64>()?),
                "done" => done = Some(map.next_value::<bool>()?),
                "nextRecordsUrl" => next = map.next_value::<Option<String>>()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let rows: Option<Vec<CrmRow>> = rows.and_then(|rows| rows.into_iter().collect());
        match (rows, total, done, next) {
            (Some(rows), Some(total), Some(true), None) => Ok(Page {
                rows,
                total,
                next: None,
            }),
            (Some(rows), Some(total), Some(false), Some(next)) => Ok(Page {
                rows,
                total,
                next: Some(next),
            }),
            _ => Err(A::Error::custom("not a whole query page")),
        }
    }
}

struct RowsSeed<'p>(&'p Plan);

impl<'de> DeserializeSeed<'de> for RowsSeed<'_> {
    type Value = Vec<Option<CrmRow>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_> {
    type Value = Vec<Option<CrmRow>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = seq.next_element_seed(RowSeed(self.0))? {
            if rows.len() == MAX_ROWS {
                return Err(A::Error::custom("too many rows"));
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

struct RowSeed<'p>(&'p Plan);

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = Option<CrmRow>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = Option<CrmRow>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut row = Building::default();
        while let Some(slot) = map.next_key_seed(KeySeed(self.0))? {
            match slot {
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
                Some(slot) => row.take(slot, map.next_value::<&'de RawValue>()?.get()),
            }
        }
        row.finish()
            .map(Some)
            .ok_or_else(|| A::Error::custom("a row without id or stamp"))
    }
}

/// Finds the slot of a key without copying the key.
struct KeySeed<'p>(&'p Plan);

impl<'de, 'p> DeserializeSeed<'de> for KeySeed<'p> {
    type Value = Option<&'p Slot>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for KeySeed<'p> {
    type Value = Option<&'p Slot>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.at(key))
    }
}

/// A row whose values come one by one.
#[derive(Default)]
pub(super) struct Building {
    id: Option<CrmId>,
    stamp: Option<Timestamp>,
    modified: Option<Timestamp>,
    modified_by: Option<CrmId>,
    master: Option<CrmId>,
    deleted: bool,
    converted: bool,
    fields: Fields,
}

impl Building {
    /// Takes the JSON text of a value.
    fn take(&mut self, slot: &Slot, raw: &str) {
        if let Some(system) = slot.system {
            let text = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
            self.system(system, text.unwrap_or(raw));
        }
        if let Some((name, kind)) = &slot.asked
            && let Some(value) = wire::read(*kind, raw)
        {
            self.fields.insert(name.clone(), value);
        }
    }

    /// Takes a value of a CSV.
    pub(super) fn take_plain(&mut self, slot: &Slot, text: &str) {
        if let Some(system) = slot.system {
            self.system(system, text);
        }
        if let Some((name, kind)) = &slot.asked
            && let Some(value) = wire::read_plain(*kind, text)
        {
            self.fields.insert(name.clone(), value);
        }
    }

    fn system(&mut self, system: System, text: &str) {
        match system {
            System::Id => self.id = text.parse().ok(),
            System::Stamp => self.stamp = wire::instant(text),
            System::Modified => self.modified = wire::instant(text),
            System::ModifiedBy => self.modified_by = text.parse().ok(),
            System::Master => self.master = text.parse().ok(),
            System::Deleted => self.deleted = text == "true",
            System::Converted => self.converted = text == "true",
        }
    }

    /// The row; none without id or stamp.
    pub(super) fn finish(self) -> Option<CrmRow> {
        let stamp = self.stamp?;
        Some(CrmRow {
            id: self.id?,
            fields: self.fields,
            stamp,
            modified: self.modified.unwrap_or(stamp),
            modified_by: self.modified_by,
            presence: match (self.deleted, self.master) {
                (true, Some(master)) => CrmPresence::Merged(master),
                (true, None) => CrmPresence::Deleted,
                (false, _) if self.converted => CrmPresence::Converted,
                (false, _) => CrmPresence::Live,
            },
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
