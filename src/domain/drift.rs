//! What changed between two descriptions of an object (sync-semantics 22).
//!
//! Says what is different, not what to do about it. Invariants: the same object has no changes;
//! every change that decides what can be mapped or written is found.

use std::collections::BTreeSet;
use std::fmt;

use super::id::FieldName;
use super::schema::{FieldInfo, ObjectInfo};
use super::value::FieldKind;

/// One difference. `was` is in the older description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// What may be done with records of the object.
    Object(Right, Given),
    /// A field is there that was not, or can be seen now.
    Added(FieldName),
    /// A field is no longer there, or can no longer be seen; both look the same.
    Removed(FieldName),
    /// The field is still there.
    Field(FieldName, What),
}

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Set when a record is made.
    Create,
    /// Changed.
    Update,
    /// Deleted.
    Delete,
    /// Searched for.
    Filter,
}

/// Whether something is so now, and was not before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Given {
    /// It is now.
    Now,
    /// It was.
    NoMore,
}

/// What is different about a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It holds something else.
    Kind {
        /// Before.
        was: FieldKind,
        /// Now.
        is: FieldKind,
    },
    /// It takes more or fewer characters.
    Length {
        /// Before.
        was: u32,
        /// Now.
        is: u32,
    },
    /// It is computed by the CRM.
    Computed(Given),
    /// It must be given when a record is made.
    Required(Given),
    /// It may be empty.
    Nillable(Given),
    /// No two records may share a value.
    Unique(Given),
    /// Only values of its list are taken.
    Restricted(Given),
    /// What may be done with it.
    Right(Right, Given),
    /// Values that its list has now and had not.
    ValuesAdded(Vec<String>),
    /// Values that its list had and has no more.
    ValuesRemoved(Vec<String>),
    /// It points to other objects.
    Target,
}

/// What a flag of both descriptions says.
fn given<T>(was: &T, is: &T, flag: impl Fn(&T) -> bool) -> Option<Given> {
    match (flag(was), flag(is)) {
        (false, true) => Some(Given::Now),
        (true, false) => Some(Given::NoMore),
        _ => None,
    }
}

/// Every difference, fields in order of their names.
pub fn drift(was: &ObjectInfo, is: &ObjectInfo) -> Vec<Drift> {
    let rights = [
        (Right::Create, given(was, is, |o| o.createable)),
        (Right::Update, given(was, is, |o| o.updateable)),
        (Right::Delete, given(was, is, |o| o.deletable)),
    ];
    let rights = rights.into_iter();
    let mut all: Vec<Drift> = rights
        .filter_map(|(right, given)| Some(Drift::Object(right, given?)))
        .collect();
    let names: BTreeSet<&FieldName> = was.fields.keys().chain(is.fields.keys()).collect();
    for name in names {
        match (was.fields.get(name), is.fields.get(name)) {
            (None, _) => all.push(Drift::Added(name.clone())),
            (_, None) => all.push(Drift::Removed(name.clone())),
            (Some(was), Some(is)) => {
                let changes = of_field(was, is).into_iter();
                all.extend(changes.map(|what| Drift::Field(name.clone(), what)));
            }
        }
    }
    all
}

fn of_field(was: &FieldInfo, is: &FieldInfo) -> Vec<What> {
    let mut all = Vec::new();
    if was.kind != is.kind {
        let (was, is) = (was.kind, is.kind);
        all.push(What::Kind { was, is });
    }
    if was.length != is.length {
        let (was, is) = (was.length, is.length);
        all.push(What::Length { was, is });
    }
    let flags = [
        given(was, is, |f| f.calculated).map(What::Computed),
        given(was, is, FieldInfo::required).map(What::Required),
        given(was, is, |f| f.nillable).map(What::Nillable),
        given(was, is, |f| f.unique).map(What::Unique),
        given(was, is, |f| f.restricted).map(What::Restricted),
        given(was, is, |f| f.createable).map(|g| What::Right(Right::Create, g)),
        given(was, is, |f| f.updateable).map(|g| What::Right(Right::Update, g)),
        given(was, is, |f| f.filterable).map(|g| What::Right(Right::Filter, g)),
    ];
    all.extend(flags.into_iter().flatten());
    let only_in = |one: &[String], other: &[String]| -> Vec<String> {
        let other: BTreeSet<&String> = other.iter().collect();
        let only = one.iter().filter(|value| !other.contains(value));
        only.cloned().collect()
    };
    let added = only_in(&is.picklist, &was.picklist);
    let removed = only_in(&was.picklist, &is.picklist);
    all.extend((!added.is_empty()).then_some(What::ValuesAdded(added)));
    all.extend((!removed.is_empty()).then_some(What::ValuesRemoved(removed)));
    if was.reference_to != is.reference_to {
        all.push(What::Target);
    }
    all
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now => "now",
            Self::NoMore => "no more",
        })
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "set on new records",
            Self::Update => "changed",
            Self::Delete => "deleted",
            Self::Filter => "searched for",
        })
    }
}

/// A clause about the object or one of its fields, without a full stop. Values of the org in it
/// are not escaped for a terminal.
impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(Right::Create, given) => write!(f, "records can be made: {given}"),
            Self::Object(right, given) => write!(f, "records can be {right}: {given}"),
            Self::Added(name) => write!(f, "{name} is new"),
            Self::Removed(name) => write!(f, "{name} is gone or hidden"),
            Self::Field(name, what) => write!(f, "{name} {what}"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { was, is } => write!(f, "holds {is:?}, was {was:?}"),
            Self::Length { was, is } => write!(f, "takes {is} characters, was {was}"),
            Self::Computed(given) => write!(f, "is computed: {given}"),
            Self::Required(given) => write!(f, "is required: {given}"),
            Self::Nillable(given) => write!(f, "may be empty: {given}"),
            Self::Unique(given) => write!(f, "is unique: {given}"),
            Self::Restricted(given) => write!(f, "takes only listed values: {given}"),
            Self::Right(right, given) => write!(f, "can be {right}: {given}"),
            Self::ValuesAdded(values) => write!(f, "has new values: {}", values.join(", ")),
            Self::ValuesRemoved(values) => write!(f, "lost values: {}", values.join(", ")),
            Self::Target => f.write_str("points to other objects"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ObjectName;

    fn field(name: &str) -> FieldInfo {
        FieldInfo {
            picklist: vec!["A".into(), "B".into()],
            ..FieldInfo::new(name, FieldKind::Picklist, 40)
        }
    }

    fn object(fields: &[FieldInfo]) -> ObjectInfo {
        ObjectInfo {
            name: ObjectName::from("Lead"),
            label: "Lead".into(),
            createable: true,
            updateable: true,
            deletable: true,
            triggerable: true,
            fields: fields.iter().map(|f| (f.name.clone(), f.clone())).collect(),
        }
    }

    fn told(was: &ObjectInfo, is: &ObjectInfo) -> Vec<String> {
        drift(was, is).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_changed() {
        let lead = object(&[field("Status"), field("Email")]);
        assert_eq!(drift(&lead, &lead), []);
        let mut label = lead.clone();
        label.label = "Prospect".into();
        assert_eq!(drift(&lead, &label), [], "a label decides nothing");
    }

    #[test]
    fn fields_come_and_go() {
        let (was, is) = (
            object(&[field("A"), field("B")]),
            object(&[field("B"), field("C")]),
        );
        assert_eq!(told(&was, &is), ["A is gone or hidden", "C is new"]);
    }

    #[test]
    fn every_difference_of_a_field_is_found() {
        let change = |change: fn(&mut FieldInfo)| {
            let mut new = field("F");
            change(&mut new);
            told(&object(&[field("F")]), &object(&[new]))
        };
        type Case = (fn(&mut FieldInfo), &'static [&'static str]);
        let cases: [Case; 11] = [
            (
                |f| f.kind = FieldKind::Text,
                &["F holds Text, was Picklist"],
            ),
            (|f| f.length = 20, &["F takes 20 characters, was 40"]),
            (|f| f.calculated = true, &["F is computed: now"]),
            (
                |f| f.nillable = false,
                &["F is required: now", "F may be empty: no more"],
            ),
            (|f| f.unique = true, &["F is unique: now"]),
            (
                |f| f.restricted = true,
                &["F takes only listed values: now"],
            ),
            (
                |f| f.createable = false,
                &["F can be set on new records: no more"],
            ),
            (|f| f.updateable = false, &["F can be changed: no more"]),
            (
                |f| f.filterable = false,
                &["F can be searched for: no more"],
            ),
            (
                |f| f.picklist = vec!["B".into(), "C".into()],
                &["F has new values: C", "F lost values: A"],
            ),
            (
                |f| f.reference_to = vec!["User".into()],
                &["F points to other objects"],
            ),
        ];
        for (make, want) in cases {
            assert_eq!(change(make), want);
        }
        let mut order = object(&[field("F")]);
        if let Some(field) = order.fields.get_mut("F") {
            field.picklist.reverse();
        }
        assert_eq!(told(&object(&[field("F")]), &order), [""; 0]);
    }

    #[test]
    fn rights_of_the_object() {
        let was = object(&[]);
        let mut is = was.clone();
        is.deletable = false;
        is.createable = false;
        assert_eq!(
            told(&was, &is),
            [
                "records can be made: no more",
                "records can be deleted: no more"
            ]
        );
        assert_eq!(
            drift(&is, &was)[0],
            Drift::Object(Right::Create, Given::Now)
        );
    }
}
