//! Described objects as older versions wrote them.
//!
//! Reads only. Invariant: what was not described is what most fields are, until the next describe,
//! which is a day away at most.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::id::{FieldName, ObjectName};
use crate::domain::schema::{FieldInfo, ObjectInfo};
use crate::domain::value::FieldKind;
use crate::store::read_older;

/// What version 1 wrote of a field: nothing on amounts.
#[derive(Deserialize)]
#[serde(remote = "FieldInfo")]
struct Written {
    name: FieldName,
    label: String,
    kind: FieldKind,
    length: u32,
    createable: bool,
    updateable: bool,
    nillable: bool,
    defaulted: bool,
    calculated: bool,
    #[serde(skip)]
    money: bool,
    unique: bool,
    external_id: bool,
    case_sensitive: bool,
    filterable: bool,
    restricted: bool,
    picklist: Vec<String>,
    reference_to: Vec<ObjectName>,
}

/// A field of version 1.
#[derive(Deserialize)]
struct First(#[serde(with = "Written")] FieldInfo);

/// An object around them.
#[derive(Deserialize)]
struct FirstObject {
    name: ObjectName,
    label: String,
    createable: bool,
    updateable: bool,
    deletable: bool,
    triggerable: bool,
    fields: BTreeMap<FieldName, First>,
}

/// An object that an older version kept.
pub(in crate::engine::tables) fn object(version: u8, bytes: &[u8]) -> Option<ObjectInfo> {
    let first: FirstObject = match version {
        1 => read_older(bytes)?,
        _ => return None,
    };
    let fields = first.fields.into_iter();
    Some(ObjectInfo {
        name: first.name,
        label: first.label,
        createable: first.createable,
        updateable: first.updateable,
        deletable: first.deletable,
        triggerable: first.triggerable,
        fields: fields.map(|(name, First(field))| (name, field)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::written;

    #[test]
    fn an_object_that_was_kept_before_is_read_as_it_was() {
        let field = FieldInfo {
            calculated: true,
            picklist: vec!["a".into()],
            ..FieldInfo::new("Stage", FieldKind::Picklist, 40)
        };
        let f = &field;
        let rights = (
            f.createable,
            f.updateable,
            f.nillable,
            f.defaulted,
            f.calculated,
        );
        let more = (
            f.unique,
            f.external_id,
            f.case_sensitive,
            f.filterable,
            f.restricted,
        );
        let first = (&f.name, &f.label, f.kind, f.length, rights, more);
        let fields = BTreeMap::from([(&f.name, (first, (&f.picklist, &f.reference_to)))]);
        let bytes = written(&("Deal", "Deals", true, false, true, true, fields));
        let object = object(1, &bytes).unwrap();
        assert_eq!((object.label.as_str(), object.updateable), ("Deals", false));
        assert_eq!(object.field("Stage"), Some(&field));
    }
}
