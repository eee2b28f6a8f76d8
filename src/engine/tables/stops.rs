//! What is known and does not fit what there is yet: pairs that stand still for it, and records that a
//! person expects back.
//!
//! Layout only, as all tables. Invariant: a pair that is listed as stopped writes nothing before a
//! person has said how it goes on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::older;
use crate::domain::id::{AppId, ConflictId, CrmId, RunId};
use crate::domain::stamp;
use crate::engine::view::Anew;
use crate::store::Table;

/// Pairs of a store that was put back, or whose org was left, until everything was compared. By
/// name.
pub const RESTORED: Table<Restored> = Table::new(0x60, "restored", 2).with_upgrade(older::restored);

/// How far such a pair is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restored {
    /// A person left the org that its links led to: they end before anything is read.
    Leaves(Anew),
    /// Nobody has begun: everything is to be read anew.
    Waits,
    /// A run reads everything, or did and was cut off.
    Compares,
    /// Everything was compared, and something that was asked then is not answered yet: until it is, no
    /// rule of the mapping answers it. Questions after this one are none of the comparison.
    Asks(ConflictId),
}

/// Records that were merged away, of runs that were taken back: whoever brings one back in the CRM
/// has its link put back, too. By (pair, CRM id).
pub const COMES_BACK: Table<ComesBack> = Table::new(0x61, "comes_back", 1);

/// A link that is put back when its CRM record is there again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComesBack {
    /// The App record.
    pub app_id: AppId,
    /// What it is linked with until then.
    pub survivor: Option<CrmId>,
    /// The run that took the merge back.
    pub by: RunId,
    /// When.
    #[serde(with = "stamp")]
    pub at: Timestamp,
}

/// App records whose CRM record is not in the org that the connection goes to now; their links are
/// closed. By (pair, App id).
pub const UNPLACED: Table<()> = Table::new(0x62, "unplaced", 1);
