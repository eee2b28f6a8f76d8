//! What runs wrote, with what was there before (sync-semantics 15).
//!
//! Plain data and what several writes of one run come to. Decides nothing about taking them
//! back. Invariant: an entry is in the commit of the write that it tells of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::appdb::{Change, Expect};
use crate::domain::id::{AppId, CrmId, FieldName, PairName, RunId};
use crate::domain::record::{AppRecord, Link, LinkState, Presence};
use crate::domain::value::{Fields, Value, subset};
use crate::engine::state::State;
use crate::engine::tables::{Intent, Op, WRITTEN};
use crate::store::StoreError;
use crate::store::keys::Key;

/// One write of one record by a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// App record.
    pub app_id: AppId,
    /// CRM record, for writes there.
    pub crm_id: Option<CrmId>,
    /// What was done.
    pub deed: Deed,
}

/// What a write did. Fields hold the values that were written, and those they replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// App fields were written; the record was at this revision afterwards.
    AppFields {
        /// What was there.
        before: Fields,
        /// What was written.
        after: Fields,
        /// Revision afterwards.
        rev: u64,
    },
    /// The App record came or went as a whole.
    AppStands {
        /// How it stood.
        before: Stand,
        /// How it stands.
        after: Stand,
        /// Revision afterwards.
        rev: u64,
    },
    /// CRM fields were written.
    CrmFields {
        /// What was there, as last observed.
        before: Fields,
        /// What was sent.
        after: Fields,
    },
    /// A record was made in the CRM.
    CrmCreated,
    /// A record was deleted in the CRM.
    CrmDeleted {
        /// Its last observed values.
        before: Fields,
    },
    /// The link of the two was changed by something else than a create or a delete.
    Linked {
        /// How it was.
        before: End,
        /// How it is.
        after: End,
    },
    /// A write to the CRM came back otherwise.
    Automated {
        /// What was sent; of other fields, what was there.
        before: Fields,
        /// What is there.
        after: Fields,
    },
    /// A line that found no room became a record of another pair, or was taken back from there.
    Overflowed {
        /// That pair.
        pair: PairName,
        /// Its App record.
        id: AppId,
        /// How it stands.
        stands: Stand,
        /// Revision afterwards.
        rev: u64,
    },
}

/// Whether an App record is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stand {
    /// Never was.
    Absent,
    /// Is there.
    Live,
    /// Is a tombstone.
    Deleted,
}

impl Stand {
    /// Of a record.
    pub fn of(record: Option<&AppRecord>) -> Self {
        match record.map(|r| r.presence) {
            None => Self::Absent,
            Some(Presence::Live) => Self::Live,
            Some(Presence::Deleted) => Self::Deleted,
        }
    }
}

/// What an App record is linked with, and how that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// CRM record.
    pub crm_id: Option<CrmId>,
    /// State.
    pub state: LinkState,
}

impl End {
    /// Of a link.
    pub fn of(link: &Link) -> Self {
        Self {
            crm_id: link.crm_id,
            state: link.state.clone(),
        }
    }
}

/// The writes of one transaction, by run.
#[derive(Debug, Default)]
pub struct Notes(BTreeMap<RunId, Vec<Written>>);

impl Notes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one.
    pub fn push(&mut self, run: RunId, app_id: &AppId, crm_id: Option<CrmId>, deed: Deed) {
        self.0.entry(run).or_default().push(Written {
            app_id: app_id.clone(),
            crm_id,
            deed,
        });
    }

    /// A change of an App record by a run.
    pub fn changed(
        &mut self,
        run: RunId,
        was: Option<&AppRecord>,
        change: &Change,
        is: &AppRecord,
    ) {
        if change.expect != Expect::New && !change.fields.is_empty() {
            let before = subset(was.map(|r| &r.fields), &change.fields);
            let deed = Deed::AppFields {
                before,
                after: change.fields.clone(),
                rev: is.rev,
            };
            self.push(run, &is.id, None, deed);
        }
        let (before, after) = (Stand::of(was), Stand::of(Some(is)));
        if before != after {
            let rev = is.rev;
            let deed = Deed::AppStands { before, after, rev };
            self.push(run, &is.id, None, deed);
        }
    }

    /// A write to the CRM that happened. `was` is the link as it was before.
    pub fn sent(&mut self, intent: &Intent, id: CrmId, was: Option<&Link>) {
        let seen = was.and_then(|link| link.seen.as_ref()).map(|s| &s.fields);
        let deed = match intent.op {
            Op::Create => Deed::CrmCreated,
            Op::Delete => Deed::CrmDeleted {
                before: seen.cloned().unwrap_or_default(),
            },
            Op::Update => Deed::CrmFields {
                before: subset(seen, &intent.fields),
                after: intent.fields.clone(),
            },
        };
        self.push(intent.run, &intent.app_id, Some(id), deed);
    }

    /// By run, in the order of writing.
    pub fn into_runs(self) -> impl Iterator<Item = (RunId, Vec<Written>)> {
        self.0.into_iter()
    }
}

/// A value before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// What was there.
    pub before: Value,
    /// What was written.
    pub after: Value,
}

/// All that a run wrote of one record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    /// App fields.
    pub app: BTreeMap<FieldName, Turned>,
    /// CRM fields.
    pub crm: BTreeMap<FieldName, Turned>,
    /// The App record as a whole: before and after.
    pub stands: Option<(Stand, Stand)>,
    /// Revision of the App record after the last write.
    pub rev: u64,
    /// The record that was made in the CRM.
    pub created: Option<CrmId>,
    /// Values of the record that was deleted in the CRM.
    pub deleted: Option<Fields>,
    /// The link.
    pub linked: Option<(End, End)>,
    /// What the CRM changed by itself.
    pub automated: BTreeMap<FieldName, Turned>,
    /// Records of other pairs that lines of it became: how they stand, and their revision.
    pub overflowed: BTreeMap<(PairName, AppId), (Stand, u64)>,
}

impl Touched {
    /// Whether the CRM was written.
    pub fn is_in_crm(&self) -> bool {
        !self.crm.is_empty() || self.created.is_some() || self.deleted.is_some()
    }

    /// One more write.
    pub(super) fn add(&mut self, written: Written) {
        match written.deed {
            Deed::AppFields { before, after, rev } => {
                join(&mut self.app, before, after);
                self.rev = rev;
            }
            Deed::AppStands { before, after, rev } => {
                let first = self.stands.map_or(before, |(first, _)| first);
                self.stands = Some((first, after)).filter(|(from, to)| from != to);
                self.rev = rev;
            }
            Deed::CrmFields { before, after } => join(&mut self.crm, before, after),
            Deed::Automated { before, after } => join(&mut self.automated, before, after),
            Deed::Overflowed {
                pair,
                id,
                stands,
                rev,
            } => drop(self.overflowed.insert((pair, id), (stands, rev))),
            Deed::CrmCreated => self.created = written.crm_id,
            // Made and deleted by the same run: nothing is left of it.
            Deed::CrmDeleted { .. } if self.created.is_some() => self.created = None,
            Deed::CrmDeleted { before } => self.deleted = Some(before),
            Deed::Linked { before, after } => {
                let first = self.linked.take().map_or(before, |(first, _)| first);
                self.linked = Some((first, after));
            }
        }
    }
}

/// Several writes of a field are one, unless somebody else wrote in between: then only the last.
fn join(known: &mut BTreeMap<FieldName, Turned>, mut before: Fields, after: Fields) {
    for (name, after) in after {
        let before = before.remove(&name).unwrap_or_default();
        match known.get_mut(&name) {
            Some(turned) if turned.after == before => turned.after = after,
            _ => drop(known.insert(name, Turned { before, after })),
        }
    }
}

/// Whether anything that a run wrote is known.
///
/// # Errors
/// When the store cannot be read.
pub fn is_known(state: &State, run: RunId) -> Result<bool, StoreError> {
    let first = state.store().keys(&WRITTEN, &Key::new().number(run.0));
    Ok(first.take(1).next().transpose()?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        [("phone".into(), Value::text(text))].into()
    }

    fn wrote(before: &str, after: &str, rev: u64) -> Written {
        Written {
            app_id: "1".into(),
            crm_id: None,
            deed: Deed::AppFields {
                before: fields(before),
                after: fields(after),
                rev,
            },
        }
    }

    fn phone(touched: &Touched) -> (String, String) {
        let turned = &touched.app["phone"];
        (turned.before.to_string(), turned.after.to_string())
    }

    #[test]
    fn writes_of_one_run_are_one_unless_somebody_wrote_in_between() {
        let mut touched = Touched::default();
        touched.add(wrote("a", "b", 2));
        touched.add(wrote("b", "c", 3));
        assert_eq!(phone(&touched), ("a".into(), "c".into()));
        assert_eq!(touched.rev, 3);
        touched.add(wrote("typed", "d", 5));
        assert_eq!(phone(&touched), ("typed".into(), "d".into()));
    }

    #[test]
    fn what_came_and_went_again_is_nothing() {
        let mut touched = Touched::default();
        let stands = |before, after| Written {
            app_id: "1".into(),
            crm_id: None,
            deed: Deed::AppStands {
                before,
                after,
                rev: 1,
            },
        };
        touched.add(stands(Stand::Live, Stand::Deleted));
        assert_eq!(touched.stands, Some((Stand::Live, Stand::Deleted)));
        touched.add(stands(Stand::Deleted, Stand::Live));
        assert_eq!(touched.stands, None);
    }
}
