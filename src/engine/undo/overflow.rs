//! Lines that found no room and became records of another pair: what of that can be taken back
//! (sync-semantics 15, 20.4).
//!
//! Such a record is taken back in the App, before it is sent; what is in the CRM was made by a run
//! of that pair, and is taken back with that one. Invariant: the line stays one that was sent, so
//! that no later sync sends it again.

use jiff::Timestamp;

use super::plan::Look;
use super::written::{Stand, Touched};
use crate::domain::id::{AppId, RunId};
use crate::domain::record::{AppRecord, Link, LinkState};
use crate::engine::planner::from_app;
use crate::engine::tables::{MAY_COME, sync_key_key};
use crate::engine::tx::Tx;
use crate::error;
use crate::store::StoreError;

/// A record that a line became, as it is now.
#[derive(Debug)]
pub struct Spilled {
    /// The record.
    record: AppRecord,
    /// Its link.
    link: Link,
    /// How the run left it, and at which revision.
    left: (Stand, u64),
    /// Whether it is on its way to the CRM.
    sent: Sent,
}

/// Whether a record is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Not,
    Perhaps,
}

/// The records that lines of a record became in the run.
///
/// # Errors
/// When the store cannot be read.
pub fn spilled(tx: &Tx<'_>, touched: &Touched) -> Result<Vec<Spilled>, StoreError> {
    let mut found = Vec::new();
    for ((pair, id), left) in &touched.overflowed {
        let Some(mapped) = tx.state().pair(pair)? else {
            continue;
        };
        let record = tx.app_record(&mapped.table, id)?;
        let (Some(record), Some(link)) = (record, tx.link(pair, id)?) else {
            continue;
        };
        let late = match &link.sync_key {
            Some(key) => {
                let key = sync_key_key(pair, key);
                tx.state().store().contains(&MAY_COME, &key)?
            }
            None => false,
        };
        let sent = match late || tx.state().open_intent(pair, id)?.is_some() {
            true => Sent::Perhaps,
            false => Sent::Not,
        };
        found.push(Spilled {
            record,
            link,
            left: *left,
            sent,
        });
    }
    Ok(found)
}

/// Takes back those of these records that a look said can be.
///
/// # Errors
/// When the store cannot be read.
pub fn turn(
    tx: &mut Tx<'_>,
    (run, of): (RunId, &AppId),
    spilled: Vec<Spilled>,
    turns: &[AppId],
    at: Timestamp,
) -> error::Result<()> {
    for Spilled { record, link, .. } in spilled {
        if turns.contains(&record.id) {
            tx.turn_line(run, of, &record, link, at).map_err(from_app)?;
        }
    }
    Ok(())
}

impl Look<'_> {
    /// The records that its lines became.
    pub(super) fn overflowed(&mut self) {
        for spilled in self.now.spilled {
            let (stands, rev) = spilled.left;
            if Stand::of(Some(&spilled.record)) != stands {
                continue;
            }
            let pair = &spilled.link.pair;
            let why = match &spilled.link.crm_id {
                Some(_) if spilled.link.state == LinkState::Closed => continue,
                Some(id) => format!(
                    "it is {id} in Salesforce by now; take back the run of {pair} that made it"
                ),
                None if spilled.sent == Sent::Perhaps => {
                    "it is on its way to Salesforce; sync once more, then try again".to_owned()
                }
                None if spilled.record.rev != rev => {
                    let by = &spilled.record.changed_by;
                    format!("it was changed in the App since, by {by}")
                }
                None => {
                    self.out.turns.push(spilled.record.id.clone());
                    self.out.acts.push(match stands {
                        Stand::Live => "take back the record that a new line became",
                        _ => "make a record of a new line again",
                    });
                    continue;
                }
            };
            self.out.leave(format!("a new line, in {pair}"), why);
        }
    }
}
