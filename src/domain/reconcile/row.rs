//! A mapping row made ready for planning: what its fields are, and what they take.
//!
//! Decides nothing about values that differ. Invariant: it is made of the row and the described object
//! alone.

use super::Care;
use crate::domain::append;
use crate::domain::id::FieldName;
use crate::domain::mapping::{Creates, Pair, Row};
use crate::domain::schema::{FieldInfo, ObjectInfo};
use crate::domain::transform::{Lookup, NoQueues, Side, TransformError};
use crate::domain::value::{Cell, FieldKind, Value};

/// Whether the values of a row may go to the CRM (sync-semantics 9.1, `schema`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// As its flow says.
    Open,
    /// Not: the CRM takes no value for this field from this user. What comes from there still
    /// comes; what would go there waits.
    Shut(FieldName),
}

/// Whether a field that names an owner takes a queue (its `referenceTo` has Group).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Queues {
    /// It does, or names no owner.
    #[default]
    Taken,
    /// It takes users only.
    Refused,
}

impl Queues {
    /// As a field is described.
    pub fn of(field: &FieldInfo) -> Self {
        let names = |object: &str| field.reference_to.iter().any(|to| to.as_str() == object);
        match names("User") && !names("Group") {
            true => Self::Refused,
            false => Self::Taken,
        }
    }

    /// What becomes of values on their way to a side: where queues are refused, one is none that may
    /// own it.
    ///
    /// # Errors
    /// They cannot go there.
    pub fn gone(
        self,
        row: &Row,
        toward: Side,
        cell: &[Value],
        lookup: &dyn Lookup,
    ) -> Result<Cell, TransformError> {
        let chain = row.chain(toward);
        match (toward, self) {
            (Side::Crm, Self::Refused) => chain.apply(toward, cell, &NoQueues(lookup)),
            _ => chain.apply(toward, cell, lookup),
        }
    }
}

/// A row with the kinds of its fields looked up once.
#[derive(Debug, Clone)]
pub struct CompiledRow {
    /// The row.
    pub row: Row,
    /// Kinds of its App fields.
    pub app: Vec<FieldKind>,
    /// Kinds of its CRM fields.
    pub crm: Vec<FieldKind>,
    /// Where it appends: what its CRM field takes.
    pub room: append::Room,
    /// Whether it is written to the CRM.
    pub way: Way,
    /// Whether it may overwrite.
    pub care: Care,
    /// Whether queues may go to the CRM.
    pub queues: Queues,
}

impl CompiledRow {
    /// What becomes of values of the other side on their way to this one.
    ///
    /// # Errors
    /// They cannot go there.
    pub fn gone(
        &self,
        toward: Side,
        cell: &[Value],
        lookup: &dyn Lookup,
    ) -> Result<Cell, TransformError> {
        self.queues.gone(&self.row, toward, cell, lookup)
    }

    /// Whether it writes to the CRM and is let.
    pub fn goes_to_crm(&self) -> bool {
        self.row.flow.writes(Side::Crm) && self.way == Way::Open
    }
}

/// Whether the object lets this user write what a row writes.
pub(super) fn way(pair: &Pair, row: &Row, object: &ObjectInfo) -> Way {
    let creates = pair.create_in_crm == Creates::Allowed && pair.key_field.is_some();
    let closed = |name: &&FieldName| {
        let field = object.field(name.as_str());
        field.is_some_and(|f| f.calculated || !f.updateable || (creates && !f.createable))
    };
    match row.crm.iter().find(closed) {
        Some(field) if row.flow.writes(Side::Crm) => Way::Shut(field.clone()),
        _ => Way::Open,
    }
}
