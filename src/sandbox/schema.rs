//! The objects and fields of the org, read at the start from compact text.
//!
//! Holds no records. The text is `schema/objects.txt`; the flags are those of salesforce-api 3.4.
//! Invariant: every object has `Id` and the audit fields, and every reference names objects that
//! exist.

mod read;

use std::collections::HashMap;

use super::options::ExtraField;
use crate::error::{Error, Kind as ErrorKind, Result};

const OBJECTS: &str = include_str!("schema/objects.txt");

/// Place of an object in the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjIx(pub u16);

/// Place of a field in its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldIx(pub u16);

/// Data type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Id,
    Text,
    TextArea,
    Phone,
    Url,
    Email,
    Picklist,
    Combobox,
    Multipicklist,
    Reference,
    Boolean,
    Int,
    Double,
    Currency,
    Percent,
    Date,
    DateTime,
    Address,
    /// A file.
    Base64,
}

/// Where a field's value is found in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Id,
    IsDeleted,
    CreatedDate,
    CreatedById,
    LastModifiedDate,
    LastModifiedById,
    SystemModstamp,
    Cell,
    /// Composed of other fields when it is read.
    Compound,
    /// What a record of several kinds is: `Type` of an owner, of whom or what a task is about.
    Sort,
    /// What a record of several kinds is called: `Name` of the same.
    Called,
}

/// What deleting the record a reference points to does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    /// The reference becomes null.
    Clear,
    Cascade,
    Restrict,
}

/// A field.
#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub kind: Kind,
    pub length: u32,
    pub precision: u32,
    pub scale: u32,
    flags: String,
    words: Vec<String>,
    pub targets: Vec<String>,
    pub compound: Option<String>,
    pub picks: Vec<String>,
    pub default: Option<String>,
    pub slot: Slot,
}

impl Field {
    /// A field that no object has, for values computed in a query.
    pub fn computed(name: &str, kind: Kind) -> Self {
        read::new_field(name, kind, "FGS", Slot::Cell)
    }
    fn flag(&self, letter: char) -> bool {
        self.flags.contains(letter)
    }
    fn word(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }
    /// May be set when a record is made.
    pub fn createable(&self) -> bool {
        self.flag('C')
    }
    /// May be changed.
    pub fn updateable(&self) -> bool {
        self.flag('U')
    }
    /// May be null.
    pub fn nillable(&self) -> bool {
        self.flag('N')
    }
    /// Gets a value by itself on create.
    pub fn defaulted(&self) -> bool {
        self.flag('D')
    }
    /// May stand in WHERE.
    pub fn filterable(&self) -> bool {
        self.flag('F')
    }
    /// May stand in GROUP BY.
    pub fn groupable(&self) -> bool {
        self.flag('G')
    }
    /// May stand in ORDER BY.
    pub fn sortable(&self) -> bool {
        self.flag('S')
    }
    /// May be the key of an upsert.
    pub fn id_lookup(&self) -> bool {
        self.flag('I')
    }
    /// Takes only the values of its picklist.
    pub fn restricted(&self) -> bool {
        self.flag('R')
    }
    /// Must be given on create.
    pub fn required(&self) -> bool {
        self.createable() && !self.nillable() && !self.defaulted()
    }
    /// A custom field.
    pub fn custom(&self) -> bool {
        self.name.ends_with("__c")
    }
    /// An external id.
    pub fn external_id(&self) -> bool {
        self.word("ext")
    }
    /// No two records may have the same value.
    pub fn unique(&self) -> bool {
        self.word("unique")
    }
    /// Compared with regard to case.
    pub fn case_sensitive(&self) -> bool {
        self.word("cs")
    }
    /// The field that names a record.
    pub fn is_name(&self) -> bool {
        self.word("name")
    }
    /// Numbered by the org.
    pub fn auto_number(&self) -> bool {
        self.word("auto")
    }
    /// Computed when the record is saved.
    pub fn formula(&self) -> bool {
        self.word("formula")
    }
    /// What deleting the target does.
    pub fn on_delete(&self) -> OnDelete {
        match () {
            () if self.word("cascade") => OnDelete::Cascade,
            () if self.word("restrict") => OnDelete::Restrict,
            () => OnDelete::Clear,
        }
    }
    /// Kept in an index by value.
    pub fn indexed(&self) -> bool {
        self.external_id() || self.unique() || (self.id_lookup() && self.kind == Kind::Email)
    }
    /// Name of the relationship in SOQL, if it is a reference.
    pub fn relationship(&self) -> Option<String> {
        if self.kind != Kind::Reference {
            return None;
        }
        match self.name.strip_suffix("__c") {
            Some(custom) => Some(format!("{custom}__r")),
            None => self.name.strip_suffix("Id").map(str::to_owned),
        }
    }
}

/// An object.
#[derive(Debug)]
pub struct Object {
    pub name: String,
    pub label: String,
    pub plural: String,
    pub prefix: [u8; 3],
    pub fields: Vec<Field>,
    words: Vec<String>,
    by_name: HashMap<String, FieldIx>,
}

impl Object {
    /// Finds a field by name without regard to case.
    pub fn field(&self, name: &str) -> Option<FieldIx> {
        // Most names come as they are written, and then need no copy.
        let exact = self.by_name.get(name);
        let any = || self.by_name.get(&name.to_ascii_lowercase());
        exact.or_else(any).copied()
    }
    /// The field at a place.
    pub fn at(&self, ix: FieldIx) -> &Field {
        &self.fields[usize::from(ix.0)]
    }
    /// All fields with their places.
    pub fn each(&self) -> impl Iterator<Item = (FieldIx, &Field)> {
        (0u16..).map(FieldIx).zip(self.fields.iter())
    }
    /// The reference field behind a relationship name.
    pub fn relationship(&self, name: &str) -> Option<FieldIx> {
        self.each()
            .find(|(_, f)| {
                f.relationship()
                    .is_some_and(|r| r.eq_ignore_ascii_case(name))
            })
            .map(|(ix, _)| ix)
    }
    /// The field that names a record.
    pub fn name_field(&self) -> Option<FieldIx> {
        self.each().find(|(_, f)| f.is_name()).map(|(ix, _)| ix)
    }
    /// Set up by administrators: read-only here and never deleted.
    pub fn setup(&self) -> bool {
        self.words.iter().any(|w| w == "setup")
    }
    /// A custom object.
    pub fn custom(&self) -> bool {
        self.name.ends_with("__c")
    }
    /// Records of it can be merged.
    pub fn mergeable(&self) -> bool {
        self.words.iter().any(|w| w == "merge")
    }
    /// Name of a reference's relationship from the parent's side; audit and merge references have
    /// none.
    pub fn child_relationship(&self, field: &Field) -> Option<String> {
        if let Some(named) = field.words.iter().find_map(|w| w.strip_prefix("rel:")) {
            return (!named.is_empty()).then(|| named.to_owned());
        }
        match field.name.as_str() {
            "AccountId" | "WhoId" | "WhatId" => Some(self.plural.clone()),
            "ContactId" if self.name == "Case" => Some(self.plural.clone()),
            "ParentId" if self.name == "Case" => Some(self.plural.clone()),
            "ParentId" => Some(format!("Child{}", self.plural)),
            _ => None,
        }
    }
    /// The key prefix as text.
    pub fn prefix_text(&self) -> &str {
        std::str::from_utf8(&self.prefix).unwrap_or_default()
    }
}

/// A reference from another object, as describe lists it.
#[derive(Debug, Clone, Copy)]
pub struct Child {
    pub object: ObjIx,
    pub field: FieldIx,
}

/// All objects.
#[derive(Debug)]
pub struct Schema {
    pub objects: Vec<Object>,
    by_name: HashMap<String, ObjIx>,
}

impl Schema {
    /// Reads the built-in text.
    pub fn load() -> Result<Self> {
        Self::parse(OBJECTS, &[])
    }

    /// The built-in text, and more fields.
    pub fn load_with(fields: &[ExtraField]) -> Result<Self> {
        Self::parse(OBJECTS, fields)
    }

    fn parse(text: &str, extra: &[ExtraField]) -> Result<Self> {
        let mut objects: Vec<Object> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = || {
                Error::new(
                    ErrorKind::Internal,
                    format!("line {} of the schema is not understood", number + 1),
                )
            };
            if let Some(head) = line.strip_prefix('@') {
                objects.push(read::head_line(head).ok_or_else(bad)?);
            } else {
                let field = read::field_line(line).ok_or_else(bad)?;
                objects.last_mut().ok_or_else(bad)?.fields.push(field);
            }
        }
        for field in extra {
            let object = objects.iter_mut().find(|o| o.name == field.object);
            let line = read::field_line(&field.line);
            let (Some(object), Some(line)) = (object, line) else {
                let text = format!(
                    "a field of {} is not understood: {}",
                    field.object, field.line
                );
                return Err(Error::new(ErrorKind::Usage, text));
            };
            object.fields.push(line);
        }
        for object in &mut objects {
            read::finish(object);
        }
        let by_name = (0u16..)
            .zip(&objects)
            .map(|(i, o)| (o.name.to_ascii_lowercase(), ObjIx(i)))
            .collect();
        Ok(Self { objects, by_name })
    }

    /// The child relationship of a name, without regard to case, and its name.
    pub fn child_named(&self, of: ObjIx, name: &str) -> Option<(Child, String)> {
        self.children(of).into_iter().find_map(|child| {
            let object = self.at(child.object);
            let found = object.child_relationship(object.at(child.field))?;
            found.eq_ignore_ascii_case(name).then_some((child, found))
        })
    }

    /// Finds an object by name without regard to case.
    pub fn object(&self, name: &str) -> Option<ObjIx> {
        self.by_name.get(&name.to_ascii_lowercase()).copied()
    }
    /// The object at a place.
    pub fn at(&self, ix: ObjIx) -> &Object {
        &self.objects[usize::from(ix.0)]
    }
    /// All objects with their places.
    pub fn each(&self) -> impl Iterator<Item = (ObjIx, &Object)> {
        (0u16..).map(ObjIx).zip(self.objects.iter())
    }
    /// The object of a key prefix.
    pub fn of_prefix(&self, prefix: [u8; 3]) -> Option<ObjIx> {
        self.each()
            .find(|(_, o)| o.prefix == prefix)
            .map(|(ix, _)| ix)
    }
    /// Whether a field refers to records that can go, so that those who refer must be found.
    pub fn refers_to_what_can_go(&self, field: &Field) -> bool {
        let targets = field.targets.iter().filter_map(|t| self.object(t));
        targets.into_iter().any(|t| !self.at(t).setup())
    }
    /// References of other objects to this one.
    pub fn children(&self, of: ObjIx) -> Vec<Child> {
        let target = &self.at(of).name;
        self.each()
            .flat_map(|(object, o)| {
                o.each()
                    .filter(|(_, f)| f.targets.iter().any(|t| t == target))
                    .map(move |(field, _)| Child { object, field })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
