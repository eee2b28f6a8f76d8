//! What a pair does with records as wholes: made, deleted, outside its filter, linked for the first
//! time, refused in part.
//!
//! Rows of values are [`super`]'s. Invariant: what is stored of an older version keeps its meaning;
//! new forms go to the end.

use serde::{Deserialize, Serialize};

use crate::domain::id::FieldName;

/// Whether new records may be made on a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Creates {
    /// They may.
    #[default]
    Allowed,
    /// They may not.
    Off,
}

/// What a delete on one side does on the other (sync-semantics 14.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletePolicy {
    /// Deletes there too.
    Propagate,
    /// Marks the record as deleted, recoverable: the App's own mark. In the CRM a mark is a field, as
    /// [`DeletePolicy::MarkWith`] names it; a pair that names none is refused.
    Mark,
    /// Ends the link and leaves the other record.
    Unlink,
    /// Leaves the other record and keeps the link: nothing is written on either side until the
    /// deleted record is back, and then it goes on from where it was.
    Ignore,
    /// Marks the record in the CRM by the value of a field; from then on nothing is written.
    MarkWith(Mark),
}

/// What marks a record in the CRM as deleted in the App.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// The CRM's field.
    pub field: FieldName,
    /// What it is set to, as text.
    pub value: String,
}

/// What becomes of a linked record that leaves the pair's filter; it is never deleted
/// (sync-semantics 19.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Leaves {
    /// It rests on both sides, and goes on from where it was when it comes back.
    #[default]
    Freeze,
    /// It is kept in step all the same.
    Continue,
    /// Its link ends.
    Unlink,
}

impl Leaves {
    /// All, for pickers.
    pub const ALL: [Self; 3] = [Self::Freeze, Self::Continue, Self::Unlink];

    /// What they do, after "records that leave".
    pub fn words(self) -> &'static str {
        match self {
            Self::Freeze => "rest on both sides until they come back",
            Self::Continue => "are synced all the same",
            Self::Unlink => "are unlinked",
        }
    }
}

/// How updates of the CRM are guarded (sync-semantics 8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Not at all; 200 records per call.
    None,
    /// Read right before, and only what did not move is written; 200 records per two calls. A
    /// change that falls between the two is overwritten unseen.
    Recheck,
    /// Only if not modified since; 25 records per call.
    #[default]
    Precondition,
}

/// What a first link does with values that differ (rule F12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum FirstLink {
    /// A person decides.
    #[default]
    Review,
    /// The CRM's value.
    Crm,
    /// The App's value.
    App,
}

/// What becomes of a record of which the CRM refuses some fields (sync-semantics 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum BadFields {
    /// All that would be written of it waits.
    #[default]
    Hold,
    /// They are left out, if the refusal names them and the record can be without them; the rest
    /// is written.
    Drop,
}

impl BadFields {
    /// All, for pickers.
    pub const ALL: [Self; 2] = [Self::Hold, Self::Drop];

    /// What they do, after "fields that Salesforce refuses".
    pub fn words(self) -> &'static str {
        match self {
            Self::Hold => "hold their record",
            Self::Drop => "are left out",
        }
    }
}

/// What becomes of a lead that was converted in the CRM (rule R15, sync-semantics 14.4). Nothing is
/// ever written to it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Converts {
    /// It keeps its link, and is still read.
    #[default]
    Freeze,
    /// It is read for the last time and its link ends; what it became is taken in by the next runs
    /// of the pairs of those objects, as at a first link.
    Follow,
}

impl Converts {
    /// Fields of a converted lead with the objects of what it became (salesforce-api 2.5).
    pub const BECAME: [(&str, &str); 3] = [
        ("ConvertedAccountId", "Account"),
        ("ConvertedContactId", "Contact"),
        ("ConvertedOpportunityId", "Opportunity"),
    ];
}
