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
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::id::ObjectName;
    use crate::domain::schema::FieldInfo;
    use crate::domain::value::Value;

    /// A lead with the fields the tests use.
    pub(in crate::crm::salesforce) fn lead() -> ObjectInfo {
        let kinds = [
            ("Id", FieldKind::Reference),
            ("SystemModstamp", FieldKind::DateTime),
            ("LastModifiedDate", FieldKind::DateTime),
            ("LastModifiedById", FieldKind::Reference),
            ("IsDeleted", FieldKind::Bool),
            ("MasterRecordId", FieldKind::Reference),
            ("IsConverted", FieldKind::Bool),
            ("LastName", FieldKind::Text),
            ("Email", FieldKind::Email),
            ("AnnualRevenue", FieldKind::Number { scale: 2 }),
            ("Address", FieldKind::Opaque),
        ];
        let fields: BTreeMap<_, _> = kinds
            .into_iter()
            .map(|(name, kind)| {
                let info = FieldInfo {
                    name: name.into(),
                    label: name.into(),
                    kind,
                    length: 80,
                    createable: true,
                    updateable: true,
                    nillable: true,
                    defaulted: false,
                    calculated: false,
                    unique: false,
                    external_id: false,
                    case_sensitive: false,
                    filterable: true,
                    restricted: false,
                    picklist: vec![],
                    reference_to: vec![],
                };
                (info.name.clone(), info)
            })
            .collect();
        ObjectInfo {
            name: ObjectName::from("Lead"),
            label: "Lead".into(),
            createable: true,
            updateable: true,
            deletable: true,
            fields,
        }
    }

    fn plan() -> Plan {
        let fields = ["LastName", "AnnualRevenue", "Id", "Address", "LastName"];
        Plan::new(&lead(), &fields.map(FieldName::from))
    }

    fn row(extra: &str) -> String {
        format!(
            r#"{{"attributes":{{"type":"Lead","url":"/x"}},"Id":"00Qx000000KTaQqEAL","SystemModstamp":"2021-04-08T18:39:16.000+0000"{extra}}}"#
        )
    }

    #[test]
    fn columns_are_asked_once() {
        let columns: Vec<_> = plan()
            .columns()
            .iter()
            .map(|c| c.as_str().to_owned())
            .collect();
        assert_eq!(
            columns,
            [
                "Id",
                "SystemModstamp",
                "LastModifiedDate",
                "LastModifiedById",
                "IsDeleted",
                "MasterRecordId",
                "IsConverted",
                "LastName",
                "AnnualRevenue"
            ]
        );
    }

    #[test]
    fn a_page_becomes_rows() {
        let json = format!(
            r#"{{"totalSize":3,"done":false,"nextRecordsUrl":"/services/data/v67.0/query/01g-2","records":[{},{}]}}"#,
            row(
                r#","LastName":"Müller","AnnualRevenue":1234.50,"LastModifiedDate":"2021-04-08T18:00:00.000+0000","LastModifiedById":"005xx000001SwiUAAS""#
            ),
            row(
                r#","LastName":null,"IsDeleted":true,"MasterRecordId":"00Qx000000KTaQrEAL","Extra":{"a":[1]}"#
            ),
        );
        let page = page(&plan(), &json).unwrap();
        assert_eq!(page.total, 3);
        assert_eq!(
            page.next.as_deref(),
            Some("/services/data/v67.0/query/01g-2")
        );
        let [one, two] = &page.rows[..] else {
            panic!("two rows")
        };
        assert_eq!(one.fields["LastName"], "Müller".into());
        assert_eq!(
            one.fields["AnnualRevenue"],
            Value::Number("1234.5".parse().unwrap())
        );
        assert_eq!(one.fields["Id"], "00Qx000000KTaQqEAL".into());
        assert!(one.modified < one.stamp);
        assert_eq!(one.presence, CrmPresence::Live);
        assert_eq!(two.fields["LastName"], Value::Null);
        assert!(
            !two.fields.contains_key("AnnualRevenue"),
            "absent stays unknown"
        );
        assert_eq!(
            two.presence,
            CrmPresence::Merged("00Qx000000KTaQr".parse().unwrap())
        );
    }

    #[test]
    fn missing_rows_are_none_where_they_may_be() {
        let json = format!("[null,{}]", row(r#","IsConverted":true"#));
        let found = rows(&plan(), &json).unwrap();
        assert!(found[0].is_none());
        assert_eq!(found[1].as_ref().unwrap().presence, CrmPresence::Converted);
    }

    #[test]
    fn a_broken_page_is_no_page() {
        let good = format!(r#"{{"totalSize":1,"done":true,"records":[{}]}}"#, row(""));
        assert!(page(&plan(), &good).is_ok());
        for cut in 0..good.len() {
            assert!(page(&plan(), &good[..cut]).is_err(), "{}", &good[..cut]);
        }
        for bad in [
            r#"{"totalSize":1,"done":true,"records":[null]}"#.to_owned(),
            r#"{"totalSize":1,"done":true,"records":[{"Id":"00Qx000000KTaQqEAL"}]}"#.to_owned(),
            r#"{"totalSize":1,"done":true,"records":[{"SystemModstamp":"2021-04-08T18:39:16.000+0000"}]}"#.to_owned(),
            good.replace("\"done\":true", "\"done\":false"),
            good.replace("\"records\"", "\"rows\""),
            format!("{good}{good}"),
        ] {
            assert!(page(&plan(), &bad).is_err(), "{bad}");
        }
    }
}
