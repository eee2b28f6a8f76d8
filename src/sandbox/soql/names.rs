//! Names in a query against the schema: paths become routes from a record to a value.

use std::borrow::Cow;

use super::{
    Asker,
    ast::{Alias, Path, Taken, spelled},
    distance::Point,
    fail_at,
    functions::{DateFunction, number_field},
};
use crate::sandbox::{
    automation::sees,
    fail::Fail,
    org::{Org, Record},
    schema::{Field, FieldIx, Kind, ObjIx, Slot},
    value::Ref,
};

/// Where a place has its degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    latitude: FieldIx,
    longitude: FieldIx,
}

/// What is done with a value on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Date(DateFunction),
    Distance { to: Point, place: Place },
}

impl Applied {
    /// A field of the kind that comes of it.
    pub fn field(self) -> &'static Field {
        match self {
            Self::Date(function) => function.field(),
            Self::Distance { .. } => number_field(),
        }
    }
}

/// How to get from a record to a value: over references, then a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    hops: Vec<(ObjIx, FieldIx)>,
    pub object: ObjIx,
    pub field: FieldIx,
    pub slot: Slot,
    pub applied: Option<Applied>,
}

impl Route {
    /// Whether it is a field of the record itself.
    pub fn is_own(&self) -> bool {
        self.hops.is_empty() && self.applied.is_none()
    }

    /// The value; null when a reference on the way is.
    pub fn value<'r>(&self, org: &'r Org, record: &'r Record) -> Ref<'r> {
        match self.applied {
            Some(Applied::Date(function)) => function.of(self.plain(org, record)),
            Some(Applied::Distance { to, place }) => self.distance(org, record, to, place),
            None => self.plain(org, record),
        }
    }

    /// The record at the end of the references, and its object if it is another than the first.
    fn reach<'r>(&self, org: &'r Org, record: &'r Record) -> Option<(&'r Record, Option<ObjIx>)> {
        let mut record = record;
        let mut object = None;
        for (from, hop) in &self.hops {
            let slot = org.schema.at(*from).at(*hop).slot;
            let (found, next) = org.record(record.get(*hop, slot).as_id()?)?;
            (record, object) = (next, Some(found));
        }
        Some((record, object))
    }

    fn distance(&self, org: &Org, record: &Record, to: Point, place: Place) -> Ref<'static> {
        let reached = self.reach(org, record);
        let found = reached.and_then(|(record, _)| {
            let latitude = record.cell(place.latitude).as_number()?;
            let longitude = record.cell(place.longitude).as_number()?;
            to.distance(latitude, longitude)
        });
        found.map_or(Ref::Null, Ref::Num)
    }

    fn plain<'r>(&self, org: &'r Org, record: &'r Record) -> Ref<'r> {
        let Some((record, object)) = self.reach(org, record) else {
            return Ref::Null;
        };
        match (self.slot, object) {
            (Slot::Sort, Some(object)) => return org.sort_of(object, record),
            (Slot::Called, Some(object)) => return org.name_of(object, record),
            _ => {}
        }
        match object {
            // The owner may be a queue though the name was resolved on users.
            Some(actual) if actual != self.object => org.value(
                actual,
                record,
                &org.schema.at(self.object).at(self.field).name,
            ),
            _ => record.get(self.field, self.slot),
        }
    }
}

/// What names in a query are resolved against.
pub struct Names<'a> {
    pub org: &'a Org,
    pub text: &'a str,
    pub object: ObjIx,
    pub alias: Option<&'a str>,
    pub aliases: &'a [Alias],
    pub asker: Asker,
    /// How many levels of children it stands in.
    pub level: usize,
}

impl Names<'_> {
    /// A refusal at a place.
    pub fn fail(&self, code: &'static str, at: usize, message: &str) -> Fail {
        fail_at(code, self.text, at, message)
    }

    /// Whether a name in front of a dot is that of the object, or its alias.
    pub fn is_own(&self, name: &str) -> bool {
        let object = self.org.schema.at(self.object);
        self.alias.is_some_and(|a| a.eq_ignore_ascii_case(name))
            || (object.name.eq_ignore_ascii_case(name) && object.relationship(name).is_none())
    }

    /// The parts of a path without the name or alias of the object in front, with what other
    /// aliases stand for.
    pub fn own_parts<'p>(&self, path: &'p Path) -> Cow<'p, [String]> {
        let parts = spelled(self.aliases, path);
        match parts.split_first() {
            Some((first, rest)) if !rest.is_empty() && self.is_own(first) => match parts {
                Cow::Borrowed(parts) => Cow::Borrowed(&parts[1..]),
                Cow::Owned(mut parts) => {
                    parts.remove(0);
                    Cow::Owned(parts)
                }
            },
            _ => parts,
        }
    }

    /// Finds what a path means.
    pub fn route(&self, path: &Path) -> Result<Route, Fail> {
        let parts = self.own_parts(path);
        let Some((last, parents)) = parts.split_last() else {
            return Err(self.fail("MALFORMED_QUERY", path.at, "a field name is missing"));
        };
        if parents.len() > 5 {
            return Err(self.fail(
                "INVALID_FIELD",
                path.at,
                "only 5 levels of parent relationships are allowed",
            ));
        }
        let mut object = self.object;
        let mut hops = Vec::new();
        for parent in parents {
            let (hop, next) = self.hop(object, parent, path.at)?;
            hops.push((object, hop));
            object = next;
        }
        let fields = self.org.schema.at(object);
        let common = hops
            .last()
            .and_then(|(from, hop)| self.common(*from, *hop, last));
        if let (Some(slot), Some(field)) = (common, fields.name_field()) {
            return Ok(Route {
                hops,
                object,
                field,
                slot,
                applied: None,
            });
        }
        // What only another of several objects has.
        let other = hops
            .last()
            .and_then(|(from, hop)| self.other(*from, *hop, last));
        let (object, fields) = match (fields.field(last), other) {
            (None, Some(other)) => (other, self.org.schema.at(other)),
            _ => (object, fields),
        };
        let seen = |ix: &FieldIx| sees(self.org, self.asker.user, object, fields.at(*ix));
        let Some(field) = fields.field(last).filter(seen) else {
            return Err(self.fail(
                "INVALID_FIELD",
                path.at,
                &format!(
                    "No such column '{last}' on entity '{}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
                    fields.name
                ),
            ));
        };
        let applied = match path.taken {
            Taken::Itself => None,
            Taken::Date(function) => match fields.at(field).kind {
                Kind::Date | Kind::DateTime => Some(Applied::Date(function)),
                _ => {
                    let message = format!("field '{}' is no date", fields.at(field).name);
                    return Err(self.fail("MALFORMED_QUERY", path.at, &message));
                }
            },
            Taken::Distance(to) => match self.place(object, field) {
                Some(place) => Some(Applied::Distance { to, place }),
                None => {
                    let name = &fields.at(field).name;
                    let message = format!("Field {name} does not support location queries");
                    return Err(self.fail("INVALID_FIELD", path.at, &message));
                }
            },
            Taken::Aggregate(_) => {
                let message = "aggregates are allowed in SELECT, HAVING and ORDER BY of groups";
                return Err(self.fail("MALFORMED_QUERY", path.at, message));
            }
        };
        Ok(Route {
            hops,
            object,
            field,
            slot: fields.at(field).slot,
            applied,
        })
    }

    /// The degrees that an address is made of.
    fn place(&self, object: ObjIx, address: FieldIx) -> Option<Place> {
        let fields = self.org.schema.at(object);
        let part = |end: &str| {
            let of_it = |f: &Field| f.compound.as_deref() == Some(&*fields.at(address).name);
            let found = fields
                .each()
                .find(|(_, f)| of_it(f) && f.name.ends_with(end));
            found.map(|(ix, _)| ix)
        };
        Some(Place {
            latitude: part("Latitude")?,
            longitude: part("Longitude")?,
        })
    }

    /// Whether a reference leads to one of several objects.
    pub fn is_several(&self, object: ObjIx, hop: FieldIx) -> bool {
        self.org.schema.at(object).at(hop).targets.len() > 1
    }

    /// What all of several objects have that a reference leads to: what they are, and their name.
    pub fn common(&self, object: ObjIx, hop: FieldIx, name: &str) -> Option<Slot> {
        match name.to_ascii_lowercase().as_str() {
            _ if !self.is_several(object, hop) => None,
            "type" => Some(Slot::Sort),
            "name" => Some(Slot::Called),
            _ => None,
        }
    }

    /// One of several objects that has a field of this name.
    pub fn other(&self, object: ObjIx, hop: FieldIx, name: &str) -> Option<ObjIx> {
        let targets = &self.org.schema.at(object).at(hop).targets;
        let mut several = targets.iter().filter(|_| targets.len() > 1);
        several.find_map(|target| {
            let object = self.org.schema.object(target)?;
            self.org.schema.at(object).field(name).map(|_| object)
        })
    }

    /// The reference field behind a relationship name, and the object it leads to: of several, the
    /// last in the schema's list (users for owners).
    pub fn hop(&self, object: ObjIx, name: &str, at: usize) -> Result<(FieldIx, ObjIx), Fail> {
        let fields = self.org.schema.at(object);
        let found = fields.relationship(name).and_then(|ix| {
            let target = fields.at(ix).targets.last()?;
            Some((ix, self.org.schema.object(target)?))
        });
        found.ok_or_else(|| {
            self.fail(
                "INVALID_FIELD",
                at,
                &format!(
                    "Didn't understand relationship '{name}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."
                ),
            )
        })
    }
}
