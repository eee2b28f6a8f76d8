//! What a CRM object looks like, as far as mapping needs it (salesforce-api 2.3).
//!
//! A description, not a cache: who reads it from where is `crm`'s and `engine`'s business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id::{FieldName, ObjectName};
use super::value::FieldKind;

/// One field of a CRM object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldInfo {
    /// API name.
    pub name: FieldName,
    /// Label as people see it.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Characters at most; 0 when it does not apply.
    pub length: u32,
    /// May be set on create.
    pub createable: bool,
    /// May be changed.
    pub updateable: bool,
    /// May be null.
    pub nillable: bool,
    /// Gets a value on create when none is sent.
    pub defaulted: bool,
    /// Computed by the CRM.
    pub calculated: bool,
    /// An amount in the currency of its record.
    pub money: bool,
    /// No two records may share a value.
    pub unique: bool,
    /// Marked as External ID.
    pub external_id: bool,
    /// Unique values differ by case.
    pub case_sensitive: bool,
    /// May stand in a WHERE clause.
    pub filterable: bool,
    /// Only listed picklist values are accepted.
    pub restricted: bool,
    /// Active picklist values, API names.
    pub picklist: Vec<String>,
    /// Objects a reference may point to.
    pub reference_to: Vec<ObjectName>,
}

impl FieldInfo {
    /// A field that everybody may read, filter by, set and change, and leave without a value.
    pub fn new(name: impl Into<FieldName>, kind: FieldKind, length: u32) -> Self {
        let name = name.into();
        Self {
            label: name.to_string(),
            name,
            kind,
            length,
            createable: true,
            updateable: true,
            nillable: true,
            defaulted: false,
            calculated: false,
            money: false,
            unique: false,
            external_id: false,
            case_sensitive: false,
            filterable: true,
            restricted: false,
            picklist: Vec::new(),
            reference_to: Vec::new(),
        }
    }

    /// Must be given on create (salesforce-api 2.3).
    pub fn required(&self) -> bool {
        self.createable && !self.nillable && !self.defaulted
    }
}

/// A CRM object as described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectInfo {
    /// API name.
    pub name: ObjectName,
    /// Label.
    pub label: String,
    /// Records can be made.
    pub createable: bool,
    /// Records can be changed.
    pub updateable: bool,
    /// Records can be deleted.
    pub deletable: bool,
    /// May have triggers; whether it has any is not said (describe, salesforce-api 2.7).
    pub triggerable: bool,
    /// Fields by API name.
    pub fields: BTreeMap<FieldName, FieldInfo>,
}

impl ObjectInfo {
    /// The field of that API name, as the caller spells it.
    pub fn field(&self, name: &str) -> Option<&FieldInfo> {
        self.fields.get(name)
    }
}
