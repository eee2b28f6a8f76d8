//! Asking the CRM itself for records that hold some words.
//!
//! For a person who looks for something that is not here; the sync never uses it. Invariant: what
//! it gives is of the objects that were asked for.

use super::Answer;
use crate::domain::id::{CrmId, FieldName, ObjectName};

/// Least letters and digits of a text that can be searched for.
pub const LEAST: usize = 2;

/// An object to search, and what names a record of it for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchIn {
    /// The object.
    pub object: ObjectName,
    /// Fields that make the name, in order.
    pub name: Vec<FieldName>,
}

/// A record that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmFound {
    /// Its object.
    pub object: ObjectName,
    /// Its id.
    pub id: CrmId,
    /// Its name; empty when nothing names it.
    pub name: String,
}

/// A CRM that can search its own text.
pub trait CrmSearch {
    /// Records that hold all words of a text in any field, at most `most` of each object. A word
    /// is found by its beginning, too. One call. The CRM's index may be minutes behind.
    fn search<'a>(
        &'a self,
        text: &'a str,
        objects: &'a [SearchIn],
        most: usize,
    ) -> Answer<'a, Vec<CrmFound>>;
}
